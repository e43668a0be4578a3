//! Liveness and readiness.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, response::IntoResponse};
use cutover::lane::Stage;
use serde_json::json;

use super::server::Shared;

/// 200 from the moment clients can connect.
pub async fn live(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    if shared.app.listening.load(Ordering::Relaxed) {
        (StatusCode::OK, Json(json!({"status": "alive"})))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "starting"})))
    }
}

/// 200 when requests are served as configured: LiteLLM answers, no drain is under way, and, where lanes are past `off`,
/// the running LiteLLM agrees with our configuration.
pub async fn ready(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let upstream = shared.app.upstream.healthy();
    let draining = shared.drain.draining();
    let (agreement, waiting) = shared.app.controller.view(|state| {
        // What should be served natively, or compared, would not be; what only passes through needs no agreement.
        let wanted = state.lanes.values().any(|lane| lane.state.position.stage != Stage::Off);
        (state.agreement.as_str(), wanted && !state.agreement.agrees_as_a_whole())
    });
    let listening = shared.app.listening.load(Ordering::Relaxed);
    let ready = listening && upstream && !draining && !waiting;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if ready { "ready" } else { "not ready" },
        "upstream": upstream,
        "draining": draining,
        "agreement": agreement,
    });
    (status, Json(body))
}
