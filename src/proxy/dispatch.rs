//! Decides, per request, which leg answers, and hands the request over.

use std::net::IpAddr;

use http::HeaderMap;
use pingora::Result;
use pingora::proxy::Session;

use super::context::Exchange;
use super::writer;
use crate::app::App;
use crate::python::envelope::Unavailable;
use crate::python::headers::Forwarded;

/// Returns whether the request was answered here; if not, Pingora forwards it to LiteLLM as it stands.
pub async fn dispatch(_app: &App, _session: &mut Session, _exchange: &mut Exchange) -> Result<bool> {
    Ok(false)
}

/// Answers in LiteLLM's error shape that LiteLLM gave no answer.
pub async fn write_unavailable(session: &mut Session, exchange: &Exchange, reason: Unavailable) -> Result<()> {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    if reason == Unavailable::Unreachable {
        headers.insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
    }
    mark(&mut headers, exchange);
    let body = reason.body(session.req_header().uri.path());
    session.set_keepalive(None);
    writer::write_whole(session, reason.status(), &headers, body).await.map(|_| ())
}

/// Sets our own response headers.
pub fn mark(headers: &mut HeaderMap, exchange: &Exchange) {
    headers.insert(super::SERVED_BY, http::HeaderValue::from_static(exchange.leg.as_str()));
    if let Ok(id) = http::HeaderValue::from_str(&exchange.id) {
        headers.insert(super::REQUEST_ID, id);
    }
}

/// What `X-Forwarded-*` says of this client.
pub fn forwarded_facts(session: &Session) -> Forwarded<'_> {
    let client: Option<IpAddr> =
        session.client_addr().and_then(|address| address.as_inet()).map(std::net::SocketAddr::ip);
    let tls = session.digest().is_some_and(|digest| digest.ssl_digest.is_some());
    Forwarded { client, tls, host: session.req_header().headers.get(http::header::HOST) }
}
