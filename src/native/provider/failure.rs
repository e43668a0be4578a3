//! From the HTTP stack's errors to the failures LiteLLM tells apart.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use http::Uri;
use transform::ProviderFailure;

/// Addresses of a host that an error lists.
const ADDRESSES_MAX: usize = 8;

/// Nothing came for longer than `limit`.
pub(super) fn timeout(limit: Duration, started: Instant) -> ProviderFailure {
    ProviderFailure::Timeout { limit_seconds: limit.as_secs_f64(), taken_seconds: started.elapsed().as_secs_f64() }
}

/// Why there is no response head, over a connection.
pub(super) fn of_request(error: &(dyn Error + 'static)) -> ProviderFailure {
    match io_cause(error).map(io::Error::kind) {
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted) => {
            ProviderFailure::Reset
        }
        Some(ErrorKind::UnexpectedEof) => ProviderFailure::Closed,
        _ if hyper_cause(error).is_some_and(hyper::Error::is_incomplete_message) => ProviderFailure::Closed,
        _ if hyper_cause(error).is_some_and(|cause| cause.is_canceled() || cause.is_closed()) => {
            ProviderFailure::Closed
        }
        _ => ProviderFailure::Other { text: innermost(error) },
    }
}

/// Why a body ended early. `expected` is its content-length.
pub(super) fn of_body(error: &(dyn Error + 'static), received: u64, expected: Option<u64>) -> ProviderFailure {
    let reset = io_cause(error).is_some_and(|cause| cause.kind() == ErrorKind::ConnectionReset);
    match expected {
        _ if reset => reset_in_body(received, expected),
        Some(expected_bytes) => ProviderFailure::CutLength { received_bytes: received, expected_bytes },
        None => ProviderFailure::CutChunked,
    }
}

/// aiohttp's words; unlike a reset before the head, LiteLLM does not send the request again.
pub(in crate::native) fn reset_in_body(received: u64, expected: Option<u64>) -> ProviderFailure {
    let cut = match expected {
        Some(expected) => format!(
            "<ContentLengthError: 400, message='Not enough data to satisfy content length header (received {received} of \
             {expected} bytes).'>"
        ),
        None => "<TransferEncodingError: 400, message='Not enough data to satisfy transfer length header.'>".to_owned(),
    };
    let text =
        format!("Response payload is not completed: {cut}. ConnectionResetError(104, 'Connection reset by peer')");
    ProviderFailure::Other { text }
}

/// Why there is no connection.
pub(super) fn of_connect(
    error: &(dyn Error + 'static),
    uri: &Uri,
) -> impl Future<Output = ProviderFailure> + Send + use<> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let is_refused = io_cause(error).is_some_and(|cause| cause.kind() == ErrorKind::ConnectionRefused);
    let reason = innermost(error);
    async move {
        if !is_refused {
            return ProviderFailure::Unreachable { reason, host, port };
        }
        // LiteLLM lists the addresses that refused; the connector does not say, so the name is looked up once more.
        let addresses = tokio::net::lookup_host((host.as_str(), port)).await;
        let tried =
            addresses.map(|found| found.map(|one| (one.ip(), port)).take(ADDRESSES_MAX).collect()).unwrap_or_default();
        ProviderFailure::Refused { host, port, tried }
    }
}

fn io_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    chain(error).find_map(|cause| cause.downcast_ref::<io::Error>())
}

fn hyper_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a hyper::Error> {
    chain(error).find_map(|cause| cause.downcast_ref::<hyper::Error>())
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}
