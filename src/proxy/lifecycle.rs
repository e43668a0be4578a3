//! How every request begins, fails and is counted, whichever way it takes.

use std::cell::Cell;
use std::time::Duration;

use bytes::Bytes;
use pingora::protocols::http::ServerSession;
use pingora::{Error, Result};

use super::context::Exchange;
use super::{dispatch, errors, request_target};
use crate::app::App;
use crate::python::envelope;
use crate::routes::Route;

/// How long a client's connection may idle between requests.
pub const CLIENT_KEEPALIVE: Duration = Duration::from_secs(75);

/// Once the head was read.
pub fn begin(app: &App, session: &mut ServerSession, exchange: &mut Exchange) -> Result<()> {
    keep_a_timer();
    request_target::keep_fragment(session)?;
    let head = session.req_header();
    exchange.route = Route::of(&head.method, head.uri.path());
    exchange.counted = true;
    app.metrics.in_flight.inc();
    // A request sent ahead waits its turn; without this it would cost the answer before it.
    session.set_pipelining_enabled(true);
    // An idle client connection is ours to end; without a limit Pingora keeps it for ever. One that the client
    // wants closed stays so.
    if session.get_keepalive().is_some() {
        session.set_keepalive(Some(CLIENT_KEEPALIVE.as_secs()));
    }
    Ok(())
}

/// Answers in LiteLLM's shape that there is no answer, if there is still a client to tell. Returns the status, 0 without one.
pub async fn fail(app: &App, session: &mut ServerSession, error: &Error, exchange: &Exchange) -> u16 {
    let Some(unavailable) = errors::unavailable(error) else {
        return client_failure(session, error).await;
    };
    app.metrics.unavailable.with_label_values(&[unavailable.as_str()]).inc();
    tracing::warn!(request = exchange.id, reason = unavailable.as_str(), cause = %error.etype().as_str(), "no answer from LiteLLM");
    // To be told to go on with a body is no answer.
    if session.response_written().is_none_or(|head| head.status.is_informational()) {
        let _ = dispatch::write_unavailable(session, exchange, unavailable).await;
    }
    unavailable.status()
}

/// The one place where a request is counted.
pub fn end(app: &App, session: &ServerSession, exchange: &mut Exchange) {
    let metrics = &app.metrics;
    if exchange.counted {
        metrics.in_flight.dec();
        exchange.counted = false;
    }
    let labels = [envelope::route_label(exchange.route), exchange.leg.as_str()];
    metrics.requests.with_label_values(&labels).inc();
    metrics.duration.with_label_values(&labels).observe(exchange.started.elapsed().as_secs_f64());
    tracing::debug!(
        request = exchange.id,
        route = labels[0],
        leg = labels[1],
        status = session.response_written().map_or(0, |head| head.status.as_u16()),
        "answered"
    );
}

async fn client_failure(session: &mut ServerSession, error: &Error) -> u16 {
    use pingora::ErrorType::{ConnectionClosed, HTTPStatus, ReadError, WriteError};
    let code = match error.etype() {
        HTTPStatus(code) => *code,
        WriteError | ReadError | ConnectionClosed => 0,
        _ => 400,
    };
    if code > 0 {
        let _ = session.respond_error_with_body(code, Bytes::new()).await;
    }
    code
}

/// Keeps one near timer on this thread's runtime. The limit on LiteLLM's silence is hours away, and a runtime without a
/// nearer timer wakes itself by a system call whenever such a limit is set, twice a request.
fn keep_a_timer() {
    thread_local!(static KEPT: Cell<bool> = const { Cell::new(false) });
    if !KEPT.replace(true) {
        tokio::spawn(async {
            let mut every = tokio::time::interval(Duration::from_secs(1));
            loop {
                every.tick().await;
            }
        });
    }
}
