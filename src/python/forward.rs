//! Sends a request whose body we hold to LiteLLM, and streams the answer back.
//!
//! Pingora itself forwards everything that is passed through unread. It re-sends at most 64 KiB of a body that a
//! filter has read, so a body that was read for a decision takes this way instead.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::envelope::Unavailable;
use super::upstream::{IDLE_TIMEOUT, Upstream};

/// A request body on its way to LiteLLM.
pub type OutgoingBody = BoxBody<Bytes, std::io::Error>;

/// The pieces of a body that did not fit the limit, still arriving from the client.
pub type Remainder = mpsc::Receiver<Result<Bytes, std::io::Error>>;

/// An HTTP client with one destination.
#[derive(Clone)]
pub struct PythonClient {
    client: Client<HttpsConnector<HttpConnector>, OutgoingBody>,
    upstream: Arc<Upstream>,
}

impl PythonClient {
    pub fn new(upstream: Arc<Upstream>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(upstream.connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(crate::tls::client_config())
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { client, upstream }
    }

    /// Sends once; a request that may have reached LiteLLM is never sent again.
    pub async fn send(
        &self,
        method: Method,
        path_and_query: &str,
        headers: HeaderMap,
        body: OutgoingBody,
    ) -> Result<Response<Incoming>, Unavailable> {
        let uri = format!("{}{path_and_query}", self.upstream.origin());
        let mut request = Request::builder().method(method).uri(uri).body(body).map_err(|_| Unavailable::Internal)?;
        *request.headers_mut() = headers;
        let answer = tokio::time::timeout(self.upstream.read_timeout, self.client.request(request)).await;
        match answer {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => Err(Unavailable::Unreachable),
            Ok(Err(_)) => Err(Unavailable::Broken),
            Err(_) => Err(Unavailable::Slow),
        }
    }
}

/// A body that is held whole.
pub fn whole(body: Bytes) -> OutgoingBody {
    Full::new(body).map_err(|never| match never {}).boxed()
}

/// What was read of a body before its limit, then the rest as it arrives.
pub fn prefix_and_rest(prefix: Bytes, rest: Remainder) -> OutgoingBody {
    let first = futures_util::stream::iter([Ok(prefix)]);
    let frames = first.chain(ReceiverStream::new(rest)).map(|piece| piece.map(Frame::data));
    BodyExt::boxed(StreamBody::new(frames))
}
