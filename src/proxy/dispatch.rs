//! Decides, per request, which leg answers, and hands the request over.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use cutover::decide::{Decision, RequestFacts, Subjects, decide, draws_subject, sticky_subject};
use cutover::lane::Leg;
use cutover::rules::StickyBy;
use cutover::verdict::SkipReason;
use http::{HeaderMap, HeaderName, HeaderValue};
use pingora::Result;
use pingora::protocols::http::ServerSession;

use super::body::{self, ReadBody};
use super::context::Exchange;
use super::legs;
use super::request_target;
use super::writer;
use crate::app::App;
use crate::native::{AuthMode, ClientRequest, Decline, admission};
use crate::python::envelope::Unavailable;
use crate::python::headers::Forwarded;
use crate::routes::{Activity, Facts, LaneTable, LiveLane, Route, facts};
use crate::shadow::{Traits, hash_of};

/// Returns whether the request was answered here; if not, nothing of its body was read, and it is to be forwarded to LiteLLM
/// as it stands.
pub async fn dispatch(app: &App, session: &mut ServerSession, exchange: &mut Exchange) -> Result<bool> {
    let table = app.table.load_full();
    let Some(route) = exchange.route else { return Ok(false) };
    match table.activity(route) {
        Activity::Off => return Ok(false),
        Activity::Ineligible => {
            decline(app, route, "not_eligible");
            return Ok(false);
        }
        Activity::Active => {}
    }
    if !request_target::reads_alike(session.req_header()) {
        decline(app, route, Decline::RequestOption.reason());
        return Ok(false);
    }
    match body::read(session, &app.limits).await? {
        ReadBody::Untouched(reason) => {
            decline(app, route, reason);
            Ok(false)
        }
        ReadBody::Prefix(prefix, _held, reason) => {
            decline(app, route, reason);
            legs::forward_rest(app, session, exchange, prefix, None).await?;
            Ok(true)
        }
        ReadBody::Whole(body, _held) => {
            exchange.held_since = Instant::now();
            answer(app, session, exchange, &table, route, body).await?;
            Ok(true)
        }
    }
}

async fn answer(
    app: &App,
    session: &mut ServerSession,
    exchange: &mut Exchange,
    table: &LaneTable,
    route: Route,
    body: Bytes,
) -> Result<()> {
    let request = client_request(session, exchange, route, body);
    let content_type = request.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let facts = facts::read(route, content_type, &request.body).await;
    let reach = facts.model.as_deref().map(|model| table.reach(route, model)).unwrap_or_default();
    let Some(lane) = reach.first().copied() else {
        decline(app, route, "no_lane");
        return legs::forward(app, session, exchange, &request).await;
    };
    let decision = decision(&reach, lane, exchange, &request, &facts);
    match decision {
        Decision { serve: Leg::Native, .. } => {
            legs::serve_natively(app, session, exchange, table, lane, &request, &facts).await
        }
        Decision { mirror: true, .. } => {
            // Boxed: it holds most of all, and every connection would keep room for it.
            Box::pin(legs::serve_mirrored(app, session, exchange, table, lane, request, facts)).await
        }
        Decision { .. } => {
            let reason = if lane.eligible { SkipReason::NotSampled } else { SkipReason::LaneIneligible };
            app.shadow.skip(lane, reason, || traits(table, &request, &facts));
            legs::forward_counted(app, session, exchange, lane, &request).await
        }
    }
}

/// While draining, an answer is the last on its connection: the next request would meet a closed one.
pub fn last_answer(app: &App, session: &mut ServerSession) {
    if app.draining.load(Ordering::Relaxed) {
        session.set_keepalive(None);
    }
}

fn decision(
    reach: &[&LiveLane],
    lane: &LiveLane,
    exchange: &Exchange,
    request: &ClientRequest,
    facts: &Facts,
) -> Decision {
    let views: Vec<_> = reach.iter().map(|lane| lane.view(&facts.shape)).collect();
    if !draws_subject(&views) {
        return decide(&views, Subjects { sticky: "", request: &exchange.id });
    }
    let header = match &lane.rule.sticky_by {
        StickyBy::Header(name) => request.headers.get(name.as_str()).and_then(|value| value.to_str().ok()),
        StickyBy::Request | StickyBy::Conversation | StickyBy::Key => None,
    };
    let key = admission::presented(&request.headers);
    let sticky = sticky_subject(
        &lane.rule.sticky_by,
        &RequestFacts {
            request_id: &exchange.id,
            previous_response_id: None,
            first_user_message: facts.subject.as_deref(),
            key: key.as_deref(),
            header,
        },
    );
    decide(&views, Subjects { sticky: &sticky, request: &exchange.id })
}

/// What evidence wants to know of a request; reads all of its body.
pub fn traits(table: &LaneTable, request: &ClientRequest, facts: &Facts) -> Traits {
    undigested(table, request, facts).digested(&request.body)
}

/// The same without what takes its time.
pub fn undigested(table: &LaneTable, request: &ClientRequest, facts: &Facts) -> Traits {
    // Where LiteLLM asks nobody for a key, an invented one makes no other caller.
    let open = table.native.as_ref().is_some_and(|native| matches!(native.auth, AuthMode::ProvenOpen));
    let key = admission::presented(&request.headers).filter(|_| !open);
    Traits { caller: hash_of(&key.as_deref().unwrap_or_default()), digest: 0, shape: facts.shape.clone() }
}

/// Counts a request that the native leg never came to see.
pub fn decline(app: &App, route: Route, reason: &str) {
    app.metrics.declined.with_label_values(&[route.as_str(), reason]).inc();
}

fn client_request(session: &ServerSession, exchange: &Exchange, route: Route, body: Bytes) -> ClientRequest {
    let head = session.req_header();
    // What stays behind on the way to Python must not be read natively either.
    let headers = crate::python::headers::passed_on(&head.headers);
    let call_id = headers.get("x-litellm-call-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    ClientRequest {
        route,
        method: head.method.clone(),
        path: head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        headers,
        body,
        received: exchange.started,
        call_id: call_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
    }
}

/// Answers in LiteLLM's error shape that LiteLLM gave no answer.
pub async fn write_unavailable(session: &mut ServerSession, exchange: &Exchange, reason: Unavailable) -> Result<()> {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if reason == Unavailable::Unreachable {
        headers.insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    mark(&mut headers, exchange);
    let body = reason.body(session.req_header().uri.path());
    session.set_keepalive(None);
    writer::write_whole(session, reason.status(), headers, body).await.map(|_| ())
}

/// Sets our own response headers.
pub fn mark(headers: &mut HeaderMap, exchange: &Exchange) {
    for (name, value) in marks(exchange).into_iter().flatten() {
        headers.insert(name, value);
    }
}

/// Our own response headers.
pub fn marks(exchange: &Exchange) -> [Option<(HeaderName, HeaderValue)>; 2] {
    let id = HeaderValue::from_str(&exchange.id).ok();
    let served_by = HeaderValue::from_static(exchange.leg.as_str());
    [Some((super::SERVED_BY, served_by)), id.map(|id| (super::REQUEST_ID, id))]
}

/// What `X-Forwarded-*` says of this client.
pub fn forwarded_facts(session: &ServerSession) -> Forwarded<'_> {
    let client: Option<IpAddr> =
        session.client_addr().and_then(|address| address.as_inet()).map(std::net::SocketAddr::ip);
    let tls = session.digest().is_some_and(|digest| digest.ssl_digest.is_some());
    Forwarded { client, tls, host: session.req_header().headers.get(http::header::HOST) }
}
