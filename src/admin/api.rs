//! The JSON API. Reads show one consistent moment; changes name who asked and why.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use cutover::stage::{Operation, Refusal};
use percent_encoding::percent_decode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::server::Shared;
use super::views::{self, CauseView, EntryView, LaneView, LatencyView, LoadedView, SampleHeadView, StepView};
use crate::controller::{Command, CommandError, Lane};
use crate::reports::StoreError;

/// The description of this API.
#[derive(OpenApi)]
#[openapi(
    info(title = "Crossfade", description = "Steers and watches the cutover from LiteLLM's Python to the native leg."),
    paths(
        status,
        lanes,
        lane,
        causes,
        samples,
        sample,
        journal,
        promote,
        hold,
        release,
        rollback,
        freeze,
        unfreeze,
        acknowledge
    ),
    components(schemas(Reason, LaneView, StepView, LatencyView, CauseView, SampleHeadView, EntryView, LoadedView))
)]
pub struct Description;

/// `/api/openapi.json`
pub async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}

/// What an operator gives with a change.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Reason {
    /// Why; it goes into the journal.
    pub reason: String,
    /// Promote whatever the gate says. For `promote` alone.
    #[serde(default)]
    pub force: bool,
}

/// Narrows a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct Narrow {
    lane: Option<String>,
    verdict: Option<String>,
    limit: Option<usize>,
}

const LISTED: usize = 100;

impl Narrow {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(LISTED)
    }
}

/// An error as the API shows it.
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"error": {"message": self.message, "code": self.code}}))).into_response()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, code: "store", message: error.to_string() }
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        let status = match &error {
            CommandError::NoLane(_) | CommandError::NoCause(_) => StatusCode::NOT_FOUND,
            CommandError::Refused(Refusal::NoReason) => StatusCode::BAD_REQUEST,
            CommandError::Refused(_) | CommandError::NotEligible(_) => StatusCode::CONFLICT,
            CommandError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self { status, code: error.code(), message: error.to_string() }
    }
}

type Reply = Result<Json<Value>, ApiError>;
type Here = State<Arc<Shared>>;

/// The whole of it: upstream, agreement, inputs, tap, shadow.
#[utoipa::path(get, path = "/api/status", responses((status = 200, body = Value)))]
pub async fn status(State(shared): Here) -> Json<Value> {
    let app = &shared.app;
    let tap = match &app.tap {
        Some(tap) => json!({
            "listening": tap.address,
            "seen_traffic": tap.recordings.seen_traffic(),
            "hint": if tap.recordings.seen_traffic() { Value::Null } else {
                json!(format!("start LiteLLM on the output of `crossfade tap --config … --tap-url http://{}`", tap.address))
            },
        }),
        None => {
            json!({"listening": null, "seen_traffic": false, "hint": "start Crossfade with --tap 127.0.0.1:8082, and LiteLLM on the output of `crossfade tap`; without it nothing can be compared"})
        }
    };
    let shadow = json!({
        "queue": app.shadow.waiting(), "queue_limit": app.shadow.limits.captures_max,
        "bytes": app.shadow.held(), "bytes_limit": app.shadow.limits.bytes_max,
        "shed_total": app.shadow.shed_total(),
        "provider_requests_total": app.metrics.shadow_provider_requests.get(),
    });
    Json(app.controller.view(|state| {
        json!({
            "build": app.controller.build(),
            "version": env!("CARGO_PKG_VERSION"),
            "started_at": views::time(shared.started_at),
            "config": LoadedView::of(&state.config),
            "rules": LoadedView::of(&state.rules_loaded),
            "upstream": {
                "url": app.upstream.origin(), "healthy": app.upstream.healthy(),
                "last_error": if app.upstream.healthy() { Value::Null } else { json!("LiteLLM does not answer its health check") },
            },
            "auth": views::auth(state),
            "agreement": views::agreement(state),
            "tap": tap,
            "frozen": state.frozen,
            "store_error": state.store_error,
            "shadow": shadow,
        })
    }))
}

/// All lanes.
#[utoipa::path(get, path = "/api/lanes", responses((status = 200, body = Value)))]
pub async fn lanes(State(shared): Here) -> Json<Value> {
    let open = open_causes(&shared);
    let count = |lane: &Lane| Some(open.as_ref()?.get(&lane.id.to_string()).copied().unwrap_or_default());
    let lanes: Vec<LaneView> =
        shared.app.controller.view(|state| state.lanes.values().map(|lane| LaneView::of(lane, count(lane))).collect());
    Json(json!({ "lanes": lanes }))
}

/// One lane with its last hour, samples and journal.
#[utoipa::path(get, path = "/api/lanes/{lane}", params(("lane" = String, Path)), responses((status = 200, body = Value)))]
pub async fn lane(State(shared): Here, Path(name): Path<String>) -> Reply {
    let mut whole = shown(&shared, &name)?;
    let store = shared.app.controller.store();
    let samples: Vec<_> = store.samples(Some(&name), None, 50)?.into_iter().map(SampleHeadView::of).collect();
    let journal: Vec<_> = store.journal(Some(&name), 50)?.into_iter().map(EntryView::of).collect();
    whole["samples"] = json!(samples);
    whole["journal"] = json!(journal);
    Ok(Json(whole))
}

/// Open causes by lane; a store that cannot be read takes nothing else off the board.
fn open_causes(shared: &Shared) -> Option<HashMap<String, u64>> {
    let counted = shared.app.controller.store().open_causes();
    counted.inspect_err(|error| tracing::error!(%error, "the store failed")).ok()
}

fn shown(shared: &Shared, name: &str) -> Result<Value, ApiError> {
    let open = open_causes(shared).map(|open| open.get(name).copied().unwrap_or_default());
    shared.app.controller.view(|state| {
        let id = name.parse().map_err(|_| CommandError::NoLane(name.to_owned()))?;
        let lane = state.lanes.get(&id).ok_or_else(|| CommandError::NoLane(name.to_owned()))?;
        let mut whole = json!(LaneView::of(lane, open));
        whole["history"] = json!(views::history(lane));
        Ok(whole)
    })
}

/// Mismatches by cause.
#[utoipa::path(get, path = "/api/causes", params(Narrow), responses((status = 200, body = Value)))]
pub async fn causes(State(shared): Here, Query(narrow): Query<Narrow>) -> Reply {
    let controller = &shared.app.controller;
    let causes = controller.store().causes(narrow.lane.as_deref())?;
    let causes: Vec<_> = causes.into_iter().map(|cause| CauseView::of(cause, controller.build())).collect();
    Ok(Json(json!({ "causes": causes })))
}

/// The newest samples.
#[utoipa::path(get, path = "/api/samples", params(Narrow), responses((status = 200, body = Value)))]
pub async fn samples(State(shared): Here, Query(narrow): Query<Narrow>) -> Reply {
    let store = shared.app.controller.store();
    let samples = store.samples(narrow.lane.as_deref(), narrow.verdict.as_deref(), narrow.limit())?;
    Ok(Json(json!({"samples": samples.into_iter().map(SampleHeadView::of).collect::<Vec<_>>()})))
}

/// One sample whole.
#[utoipa::path(get, path = "/api/samples/{id}", params(("id" = String, Path)), responses((status = 200, body = Value)))]
pub async fn sample(State(shared): Here, Path(id): Path<String>) -> Reply {
    match shared.app.controller.store().sample(&id)? {
        Some(sample) => Ok(Json(views::sample(sample))),
        None => Err(ApiError {
            status: StatusCode::NOT_FOUND,
            code: "no_sample",
            message: format!("there is no sample `{id}`; old ones make room for new ones"),
        }),
    }
}

/// Who did what, newest first.
#[utoipa::path(get, path = "/api/journal", params(Narrow), responses((status = 200, body = Value)))]
pub async fn journal(State(shared): Here, Query(narrow): Query<Narrow>) -> Reply {
    let entries = shared.app.controller.store().journal(narrow.lane.as_deref(), narrow.limit())?;
    Ok(Json(json!({"entries": entries.into_iter().map(EntryView::of).collect::<Vec<_>>()})))
}

/// Names the operator in the journal: UTF-8, percent-encoded where it is not ASCII, for a browser sends nothing else.
pub const OPERATOR_HEADER: &str = "x-crossfade-operator";
const OPERATOR_LENGTH_MAX: usize = 64;

fn command(headers: &HeaderMap, reason: Reason) -> Command {
    Command { actor: format!("operator:{}", operator(headers)), reason: reason.reason }
}

fn operator(headers: &HeaderMap) -> String {
    let named = headers.get(OPERATOR_HEADER).map(|name| percent_decode(name.as_bytes()).decode_utf8_lossy());
    let plain = named.unwrap_or_default();
    let plain = plain.trim().chars().filter(|letter| !letter.is_control()).take(OPERATOR_LENGTH_MAX);
    Some(plain.collect::<String>()).filter(|name| !name.is_empty()).unwrap_or_else(|| "admin".to_owned())
}

fn operate(shared: &Shared, lane: &str, operation: Operation, headers: &HeaderMap, reason: Reason) -> Reply {
    shared.app.controller.operate(lane, operation, &command(headers, reason))?;
    Ok(Json(json!({"lane": shown(shared, lane)?})))
}

/// One step up, if the gate is open or `force` is set.
#[utoipa::path(post, path = "/api/lanes/{lane}/promote", params(("lane" = String, Path)), request_body = Reason, responses((status = 200, body = Value)))]
pub async fn promote(
    State(shared): Here,
    Path(lane): Path<String>,
    headers: HeaderMap,
    Json(reason): Json<Reason>,
) -> Reply {
    let operation = if reason.force { Operation::ForcePromote } else { Operation::Promote };
    operate(&shared, &lane, operation, &headers, reason)
}

/// Stop promotions.
#[utoipa::path(post, path = "/api/lanes/{lane}/hold", params(("lane" = String, Path)), request_body = Reason, responses((status = 200, body = Value)))]
pub async fn hold(
    State(shared): Here,
    Path(lane): Path<String>,
    headers: HeaderMap,
    Json(reason): Json<Reason>,
) -> Reply {
    operate(&shared, &lane, Operation::Hold, &headers, reason)
}

/// Let promotions go on.
#[utoipa::path(post, path = "/api/lanes/{lane}/release", params(("lane" = String, Path)), request_body = Reason, responses((status = 200, body = Value)))]
pub async fn release(
    State(shared): Here,
    Path(lane): Path<String>,
    headers: HeaderMap,
    Json(reason): Json<Reason>,
) -> Reply {
    operate(&shared, &lane, Operation::Release, &headers, reason)
}

/// Back to shadow, or from shadow to off; the lane is held.
#[utoipa::path(post, path = "/api/lanes/{lane}/rollback", params(("lane" = String, Path)), request_body = Reason, responses((status = 200, body = Value)))]
pub async fn rollback(
    State(shared): Here,
    Path(lane): Path<String>,
    headers: HeaderMap,
    Json(reason): Json<Reason>,
) -> Reply {
    operate(&shared, &lane, Operation::Rollback, &headers, reason)
}

/// Stop every automatic move of every lane.
#[utoipa::path(post, path = "/api/freeze", request_body = Reason, responses((status = 200, body = Value)))]
pub async fn freeze(State(shared): Here, headers: HeaderMap, Json(reason): Json<Reason>) -> Reply {
    shared.app.controller.freeze(true, &command(&headers, reason))?;
    Ok(Json(json!({"frozen": true})))
}

/// Let lanes move again.
#[utoipa::path(post, path = "/api/unfreeze", request_body = Reason, responses((status = 200, body = Value)))]
pub async fn unfreeze(State(shared): Here, headers: HeaderMap, Json(reason): Json<Reason>) -> Reply {
    shared.app.controller.freeze(false, &command(&headers, reason))?;
    Ok(Json(json!({"frozen": false})))
}

/// Close a cause that was looked at.
#[utoipa::path(post, path = "/api/causes/{id}/acknowledge", params(("id" = String, Path)), request_body = Reason, responses((status = 200, body = Value)))]
pub async fn acknowledge(
    State(shared): Here,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(reason): Json<Reason>,
) -> Reply {
    shared.app.controller.acknowledge(&id, &command(&headers, reason))?;
    Ok(Json(json!({"acknowledged": id})))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn operators_are_named_as_they_name_themselves() {
        let long = "x".repeat(OPERATOR_LENGTH_MAX + 1);
        // (sent, in the journal)
        let cases: [(Option<&[u8]>, &str); 9] = [
            (None, "admin"),
            (Some(b""), "admin"),
            (Some(b" %09 "), "admin"),
            (Some(b"mira"), "mira"),
            (Some(b"Zo%C3%AB%20M."), "Zoë M."),
            (Some("Zoë".as_bytes()), "Zoë"),
            (Some(b"50% mira"), "50% mira"),
            (Some(b"mi%0Ara"), "mira"),
            (Some(long.as_bytes()), &long[1..]),
        ];
        for (sent, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(sent) = sent {
                headers.insert(OPERATOR_HEADER, HeaderValue::from_bytes(sent).unwrap());
            }
            assert_eq!(operator(&headers), expected, "{sent:?}");
        }
    }

    /// The properties that the description names are the ones that are sent.
    #[test]
    fn the_description_knows_what_a_lane_shows() {
        let description = json!(Description::openapi());
        let schemas = &description["components"]["schemas"];
        for (schema, property) in [
            ("LaneView", "steps"),
            ("LaneView", "promote"),
            ("LaneView", "open_causes"),
            ("StepView", "state"),
            ("LatencyView", "native_overhead_us_p99"),
        ] {
            assert!(schemas[schema]["properties"].get(property).is_some(), "{schema}.{property}");
        }
    }
}
