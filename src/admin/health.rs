//! Liveness and readiness.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, response::IntoResponse};
use cutover::lane::Stage;
use serde_json::json;

use super::server::Shared;
use crate::agreement::State as AgreementState;

/// 200 as long as the process answers.
pub async fn live() -> impl IntoResponse {
    Json(json!({"status": "alive"}))
}

/// 200 when requests can be served as configured: LiteLLM answers, no drain is under way, and, where lanes serve
/// natively, the running LiteLLM agrees with our configuration.
pub async fn ready(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let upstream = shared.app.upstream.healthy();
    let draining = shared.drain.draining();
    let (agreement, waiting) = shared.app.controller.view(|state| {
        // Before the first finding nothing can be served natively, and what is pinned to the native leg would not be.
        let serves = state.lanes.values().any(|lane| lane.state.position.stage >= Stage::Canary);
        (state.agreement.as_str(), serves && state.agreement.state == AgreementState::Unknown)
    });
    let ready = upstream && !draining && !waiting;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if ready { "ready" } else { "not ready" },
        "upstream": upstream,
        "draining": draining,
        "agreement": agreement,
    });
    (status, Json(body))
}
