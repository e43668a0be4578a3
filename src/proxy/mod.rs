//! The data plane: Pingora's phases, each a call and not a place for logic.

mod answer_head;
mod body;
mod connection;
mod context;
mod dispatch;
mod errors;
mod legs;
mod lifecycle;
mod request_target;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use http::header::{HeaderName, TRANSFER_ENCODING};
use http::{StatusCode, Version};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::{FailToProxy, ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, Result};

pub use answer_head::AnswerHeads;
pub use body::BodyLimits;
pub use connection::Front;
pub use context::Exchange;

use crate::app::App;
use crate::config::tap_config::API_BASE;
use crate::python::{headers, upstream};

/// The front proxy.
pub struct Proxy {
    app: Arc<App>,
}

impl Proxy {
    pub fn new(app: Arc<App>) -> Self {
        Self { app }
    }
}

/// Tells which leg answered.
pub const SERVED_BY: HeaderName = HeaderName::from_static("x-crossfade-served-by");
/// Names the request in our logs and samples.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-crossfade-request-id");

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = Exchange;

    fn new_ctx(&self) -> Exchange {
        Exchange::new()
    }

    async fn early_request_filter(&self, session: &mut Session, exchange: &mut Exchange) -> Result<()> {
        lifecycle::begin(&self.app, session, exchange)
    }

    async fn request_filter(&self, session: &mut Session, exchange: &mut Exchange) -> Result<bool> {
        dispatch::dispatch(&self.app, session, exchange).await
    }

    async fn upstream_peer(&self, _session: &mut Session, _exchange: &mut Exchange) -> Result<Box<HttpPeer>> {
        let upstream = &self.app.upstream;
        let mut peer = HttpPeer::new(&upstream.authority, upstream.tls, upstream.host.clone());
        peer.options.connection_timeout = Some(upstream.connect_timeout);
        peer.options.total_connection_timeout = Some(upstream.connect_timeout);
        peer.options.read_timeout = Some(upstream.read_timeout);
        peer.options.write_timeout = Some(upstream.read_timeout);
        peer.options.idle_timeout = Some(upstream::IDLE_TIMEOUT);
        Ok(Box::new(peer))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        _exchange: &mut Exchange,
    ) -> Result<()> {
        let own: Vec<HeaderName> = request.headers.keys().filter(|name| headers::is_own(name)).cloned().collect();
        for name in own {
            request.remove_header(&name);
        }
        if self.app.forwarded_headers() {
            for (name, value) in headers::forwarded(&session.req_header().headers, dispatch::forwarded_facts(session)) {
                request.insert_header(name, value)?;
            }
        }
        Ok(())
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        if response.status == StatusCode::SWITCHING_PROTOCOLS && exchange.counted {
            // An open websocket ends when its sides end it; a drain does not wait for that.
            self.app.metrics.in_flight.dec();
            exchange.counted = false;
        }
        if response.status.is_informational() {
            return Ok(());
        }
        dispatch::last_answer(&self.app, session);
        // An HTTP/1.0 client knows no chunks: for it a body without a length ends with the connection.
        if session.req_header().version < Version::HTTP_11 && response.headers.contains_key(TRANSFER_ENCODING) {
            response.remove_header(&TRANSFER_ENCODING);
            session.set_keepalive(None);
        }
        match self.app.original_api_base(&response.headers) {
            Some(Some(original)) => response.insert_header(API_BASE, original)?,
            Some(None) => drop(response.remove_header(API_BASE)),
            None => {}
        }
        response.insert_header(SERVED_BY, exchange.leg.as_str())?;
        response.insert_header(REQUEST_ID, exchange.id.as_str())?;
        Ok(())
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, exchange: &mut Exchange) -> FailToProxy {
        let error_code = lifecycle::fail(&self.app, session, error, exchange).await;
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _error: Option<&Error>, exchange: &mut Exchange) {
        lifecycle::end(&self.app, session, exchange);
    }

    /// A POST that LiteLLM may have begun to work on is never sent again. A connection that it had already closed
    /// when we wrote is another matter, but the two cannot be told apart from here, so the client decides.
    fn error_while_proxy(
        &self,
        peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        _exchange: &mut Exchange,
        client_reused: bool,
    ) -> Box<Error> {
        let mut error = error.more_context(format!("Peer: {peer}"));
        let replayable = session.req_header().method.is_idempotent() && !session.as_ref().retry_buffer_truncated();
        if replayable {
            error.retry.decide_reuse(client_reused);
        } else {
            error.set_retry(false);
        }
        error
    }

    fn suppress_error_log(&self, _session: &Session, _exchange: &Exchange, _error: &Error) -> bool {
        // Said in `fail_to_proxy`, without the URI that Pingora would print.
        true
    }
}
