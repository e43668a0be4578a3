//! A client's connection: requests on routes with active lanes are answered here, one after the other, all others by Pingora.
//!
//! What Pingora keeps for forwarding (caches, retries, both directions at once) is 14 KiB that it builds and moves for every
//! request. An answer of ours has no use for it.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use http::Method;
use pingora::ErrorType::InvalidHTTPHeader;
use pingora::apps::{HttpServerApp, ReusedHttpStream, ServerApp};
use pingora::protocols::http::ServerSession;
use pingora::protocols::{ALPN, Stream};
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use pingora::time::timeout;
use tokio::io::AsyncReadExt;

use super::context::Exchange;
use super::lifecycle::{self, CLIENT_KEEPALIVE};
use super::{Proxy, dispatch, legs, request_target};
use crate::app::App;
use crate::routes::{Activity, LaneTable, Route};

/// What serves a connection, from its acceptance to its end.
pub struct Front {
    app: Arc<App>,
    pingora: Arc<HttpProxy<Proxy>>,
}

/// How long a new connection may take with its first byte.
const FIRST_REQUEST: Duration = Duration::from_secs(60);
/// As much as is read of a request at first.
const HEAD_CAPACITY: usize = 4096;

impl Front {
    pub fn new(app: Arc<App>, pingora: HttpProxy<Proxy>) -> Self {
        Self { app, pingora: Arc::new(pingora) }
    }

    /// Answers one request after the other, as long as they are on routes with active lanes.
    async fn serve(
        &self,
        stream: Stream,
        mut leaving: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> Option<Connection> {
        let mut patience = FIRST_REQUEST;
        let mut connection = Some(Connection { stream, begun: BytesMut::new() });
        loop {
            let Connection { stream, begun } = connection.as_mut()?;
            // What the look for HTTP/2 has read comes alone.
            while begun.len() < HEAD_CAPACITY && !begun.contains(&b'\n') {
                begun.reserve(HEAD_CAPACITY - begun.len());
                let read = tokio::select! {
                    biased;
                    read = timeout(patience, stream.read_buf(begun)) => read,
                    () = &mut leaving => return None,
                };
                if !matches!(read, Ok(Ok(1..))) {
                    return None;
                }
            }
            if !is_active(&self.app.table.load(), begun) {
                return connection;
            }
            // In place: a box for each request would be filled by copying all of it.
            self.answer(&mut connection, leaving.as_mut()).await;
            patience = CLIENT_KEEPALIVE;
        }
    }

    /// Answers the request that a connection has begun. Takes the connection, and puts it back if it goes on.
    async fn answer(&self, connection: &mut Option<Connection>, leaving: Pin<&mut (impl Future<Output = ()> + Send)>) {
        let Some(Connection { stream, begun }) = connection.take() else { return };
        let mut session = ServerSession::new_http1(stream);
        session.set_keepalive(Some(CLIENT_KEEPALIVE.as_secs()));
        session.set_pipelined_prefix(begun);
        let read = tokio::select! {
            biased;
            read = session.read_request() => read,
            () = leaving => return,
        };
        match read {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                if *error.etype() == InvalidHTTPHeader {
                    let _ = session.respond_error(400).await;
                }
                return session.shutdown().await;
            }
        }
        let mut exchange = Exchange::new();
        let answered = self.dispatch(&mut session, &mut exchange).await;
        if let Err(error) = &answered {
            lifecycle::fail(&self.app, &mut session, error, &exchange).await;
        }
        lifecycle::end(&self.app, &session, &mut exchange);
        if answered.is_ok()
            && let Ok(Some(reusable)) = session.finish().await
        {
            let (stream, ahead) = reusable.into_parts();
            *connection = Some(Connection { stream, begun: ahead.unwrap_or_default() });
        }
    }

    async fn dispatch(&self, session: &mut ServerSession, exchange: &mut Exchange) -> pingora::Result<()> {
        lifecycle::begin(&self.app, session, exchange)?;
        match dispatch::dispatch(&self.app, session, exchange).await? {
            true => Ok(()),
            false => legs::forward_unread(&self.app, session, exchange).await,
        }
    }

    /// Leaves a connection to Pingora, from the request on that has begun. For good: Pingora does not say what it has read of
    /// the next one.
    async fn leave(&self, connection: Connection, shutdown: &ShutdownWatch) {
        let mut session = ServerSession::new_http1(connection.stream);
        session.set_keepalive((!*shutdown.borrow()).then_some(CLIENT_KEEPALIVE.as_secs()));
        session.set_pipelined_prefix(connection.begun);
        let mut reused = self.pingora.process_new_http(session, shutdown).await;
        while let Some((stream, settings)) = reused.map(ReusedHttpStream::consume) {
            let mut session = ServerSession::new_http1(stream);
            if let Some(settings) = settings {
                settings.apply_to_session(&mut session);
            }
            reused = self.pingora.process_new_http(session, shutdown).await;
        }
    }
}

/// A client's connection, and what was read of its next request.
struct Connection {
    stream: Stream,
    begun: BytesMut,
}

#[async_trait]
impl ServerApp for Front {
    async fn process_new(self: &Arc<Self>, mut stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        if !self.app.table.load().is_active() {
            return self.pingora.process_new(stream, shutdown).await;
        }
        let mut down = shutdown.clone();
        let mut leaving = pin!(async { drop(down.wait_for(|down| *down).await) });
        let is_http2 = tokio::select! {
            biased;
            is_http2 = timeout(FIRST_REQUEST, speaks_http2(&mut stream)) => is_http2.ok()??,
            () = &mut leaving => return None,
        };
        if is_http2 {
            return self.pingora.process_new(stream, shutdown).await;
        }
        // Boxes of their own, so that a connection of ours keeps no room for Pingora's way, nor one of Pingora's for ours.
        if let Some(connection) = Box::pin(self.serve(stream, leaving.as_mut())).await {
            Box::pin(self.leave(connection, shutdown)).await;
        }
        None
    }

    async fn cleanup(&self) {
        self.pingora.http_cleanup().await;
    }
}

/// Whether a client agreed on HTTP/2 in the TLS handshake, or begins with it where there is none.
async fn speaks_http2(stream: &mut Stream) -> Option<bool> {
    if stream.get_ssl_digest().is_some() {
        return Some(matches!(stream.selected_alpn_proto(), Some(ALPN::H2)));
    }
    let mut first = [0; HTTP2_PREFACE.len()];
    let peeked = stream.try_peek(&mut first).await.ok()?;
    Some(peeked && first == *HTTP2_PREFACE)
}

/// Source: RFC 9113 §3.4
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether a request line, whole and plain, asks for a route with an active lane. Of any other Pingora finds out.
fn is_active(table: &LaneTable, begun: &[u8]) -> bool {
    let target = request_target::plain_post(begun);
    let route = target.and_then(|target| Route::of(&Method::POST, target.split('?').next()?));
    route.is_some_and(|route| table.activity(route) == Activity::Active)
}
