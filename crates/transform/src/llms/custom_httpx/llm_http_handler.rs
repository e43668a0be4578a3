//! How an attempt ends: the provider's bytes, or what LiteLLM raises instead.
//!
//! Source: LiteLLM 1.102.4 `llms/custom_httpx/llm_http_handler.py` `_handle_error`, `http_handler.py` `AsyncHTTPHandler.post`,
//! `aiohttp_transport.py`; texts of failures are aiohttp's.

use std::net::IpAddr;

use super::http_handler::decoded_body;
use crate::answer::{ProviderFailure, ProviderResponse};
use crate::litellm_core_utils::exception_mapping_utils::Raised;
use crate::python::bytes_decode::response_text;
use crate::python::{float_repr, string_repr};

/// The body of a 2xx answer, or what is raised for anything else.
pub fn answered_body(outcome: Result<&ProviderResponse, &ProviderFailure>) -> Result<bytes::Bytes, Raised> {
    let response = outcome.map_err(raised_by_failure)?;
    // httpx reads the body before anyone looks at the status.
    let body = decoded_body(response).map_err(|text| without_status(text, 500))?;
    if (200..300).contains(&response.status) {
        return Ok(body);
    }
    let framing = ["content-encoding", "content-length"];
    Err(Raised {
        text: response_text(&body, response.header("content-type")),
        status: Some(response.status),
        headers: response.headers.iter().filter(|(name, _)| !framing.contains(&name.as_str())).cloned().collect(),
        is_attribute_error: false,
    })
}

/// A failure without an answer counts as a 500, a time-out as a 408.
fn raised_by_failure(failure: &ProviderFailure) -> Raised {
    let status = if matches!(failure, ProviderFailure::Timeout { .. }) { 408 } else { 500 };
    without_status(failure_text(failure), status)
}

fn without_status(text: String, status: u16) -> Raised {
    Raised { text, status: Some(status), headers: Vec::new(), is_attribute_error: false }
}

pub(crate) fn failure_text(failure: &ProviderFailure) -> String {
    match failure {
        ProviderFailure::Refused { host, port, tried } => cannot_connect(host, *port, &refused_reason(tried)),
        ProviderFailure::Unreachable { host, port, reason } => cannot_connect(host, *port, reason),
        ProviderFailure::Reset => "[Errno 104] Connection reset by peer".to_owned(),
        ProviderFailure::Closed => "Server disconnected".to_owned(),
        ProviderFailure::Timeout { limit_seconds, taken_seconds } => format!(
            "litellm.Timeout: Connection timed out. Timeout passed={}, time taken={} seconds",
            float_repr(*limit_seconds),
            float_repr((taken_seconds * 1000.0).round() / 1000.0)
        ),
        ProviderFailure::CutLength { received_bytes, expected_bytes } => not_completed(
            "ContentLengthError",
            &format!(
                "Not enough data to satisfy content length header (received {received_bytes} of {expected_bytes} bytes)."
            ),
        ),
        ProviderFailure::CutChunked => {
            not_completed("TransferEncodingError", "Not enough data to satisfy transfer length header.")
        }
        ProviderFailure::TooManyRedirects => "Exceeded maximum allowed redirects.".to_owned(),
        ProviderFailure::Other { text } => text.clone(),
    }
}

fn not_completed(class: &str, message: &str) -> String {
    format!("Response payload is not completed: <{class}: 400, message={}>", string_repr(message))
}

/// LiteLLM prints the address of an object here; any will do, the difference is declared.
fn cannot_connect(host: &str, port: u16, reason: &str) -> String {
    format!("Cannot connect to host {host}:{port} ssl:<ssl.SSLContext object at 0x7f0000000000> [{reason}]")
}

fn refused_reason(tried: &[(IpAddr, u16)]) -> String {
    let failed = |(address, port): &(IpAddr, u16)| match address {
        IpAddr::V4(address) => format!("Connect call failed ('{address}', {port})"),
        IpAddr::V6(address) => format!("Connect call failed ('{address}', {port}, 0, 0)"),
    };
    match tried {
        [only] => failed(only),
        several => {
            let each: Vec<String> = several.iter().map(|one| format!("[Errno 111] {}", failed(one))).collect();
            format!("Multiple exceptions: {}", each.join(", "))
        }
    }
}
