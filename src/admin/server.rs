//! The admin port's routes and its listener.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use thiserror::Error;
use tokio::net::TcpListener;

use super::{Access, access, api, dashboard, health};
use crate::app::App;
use crate::config::Secret;
use crate::listener::Drain;

#[derive(Debug, Error)]
pub enum AdminError {
    #[error("the admin address `{0}` is no address; write it as 127.0.0.1:8081")]
    Address(String),
    #[error("the admin address {0} can be reached from outside: set CROSSFADE_ADMIN_TOKEN, or bind it to loopback")]
    Open(SocketAddr),
    #[error("failed to listen on the admin address {address}: {cause}")]
    Bind { address: SocketAddr, cause: std::io::Error },
}

/// What every handler can reach.
pub struct Shared {
    pub app: Arc<App>,
    pub drain: Drain,
    /// Seconds since 1970.
    pub started_at: u64,
}

/// The bound port.
pub struct Admin {
    listener: TcpListener,
    router: Router,
}

/// Requests on this port are a reason and a flag.
const BODY_MAX: usize = 64 * 1024;

impl Admin {
    pub async fn bind(address: &str, token: Option<Secret>, app: Arc<App>, drain: Drain) -> Result<Self, AdminError> {
        let address: SocketAddr = address.parse().map_err(|_| AdminError::Address(address.to_owned()))?;
        let access = Access::new(address, token).ok_or(AdminError::Open(address))?;
        let listener = TcpListener::bind(address).await.map_err(|cause| AdminError::Bind { address, cause })?;
        let started_at = app.controller.now().0;
        let router = router(Arc::new(Shared { app, drain, started_at }), access);
        Ok(Self { listener, router })
    }

    /// Serves until the runtime ends.
    pub async fn run(self) {
        if let Err(error) = axum::serve(self.listener, self.router).await {
            tracing::error!(%error, "the admin port failed");
        }
    }
}

fn router(shared: Arc<Shared>, access: Access) -> Router {
    Router::new()
        .route("/", get(dashboard::page))
        .route("/assets/{name}", get(dashboard::asset))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics))
        .route("/api/openapi.json", get(api::openapi))
        .route("/api/status", get(api::status))
        .route("/api/lanes", get(api::lanes))
        .route("/api/lanes/{lane}", get(api::lane))
        .route("/api/lanes/{lane}/promote", post(api::promote))
        .route("/api/lanes/{lane}/hold", post(api::hold))
        .route("/api/lanes/{lane}/release", post(api::release))
        .route("/api/lanes/{lane}/rollback", post(api::rollback))
        .route("/api/freeze", post(api::freeze))
        .route("/api/unfreeze", post(api::unfreeze))
        .route("/api/causes", get(api::causes))
        .route("/api/causes/{id}/acknowledge", post(api::acknowledge))
        .route("/api/samples", get(api::samples))
        .route("/api/samples/{id}", get(api::sample))
        .route("/api/journal", get(api::journal))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(access, access::guard))
        .with_state(shared)
}

async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], shared.app.metrics.render())
}
