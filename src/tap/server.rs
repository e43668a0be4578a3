//! The tap's port, on a thread of its own: Python's provider traffic waits for nothing else of ours.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::TcpListener;

use super::recording::Recordings;
use super::relay::Relay;
use super::target::Targets;
use crate::telemetry::Metrics;

#[derive(Debug, Error)]
pub enum TapError {
    #[error("failed to listen on the tap's address {address}: {cause}")]
    Bind { address: String, cause: std::io::Error },
}

/// The bound port; [`Tap::run`] serves it.
pub struct Tap {
    listener: TcpListener,
    relay: Arc<Relay>,
}

/// Providers close idle connections after a minute or more; ours end well before.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

impl Tap {
    pub async fn bind(
        address: &str,
        targets: Arc<ArcSwap<Targets>>,
        recordings: Arc<Recordings>,
        metrics: Metrics,
    ) -> Result<Self, TapError> {
        let listener =
            TcpListener::bind(address).await.map_err(|cause| TapError::Bind { address: address.to_owned(), cause })?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(crate::tls::client_config())
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { listener, relay: Arc::new(Relay { client, targets, recordings, metrics }) })
    }

    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Serves until the runtime ends.
    pub async fn run(self) {
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: give some back a chance to be closed.
                    tracing::warn!(%error, "the tap failed to accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let _ = stream.set_nodelay(true);
            let relay = Arc::clone(&self.relay);
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let relay = Arc::clone(&relay);
                    async move { relay.handle(request).await }
                });
                // A fault here is a connection that one of the two sides closed.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }
}
