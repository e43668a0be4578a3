//! Hands a request whose body we hold to one of the two legs, and its answer to the client.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use bytes::Bytes;
use cutover::lane::Leg;
use cutover::verdict::SkipReason;
use futures_util::FutureExt;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use pingora::Result;
use pingora::protocols::http::ServerSession;
use tokio::sync::{mpsc, watch};

use super::body::{declared_length, tell_to_go_on};
use super::context::Exchange;
use super::dispatch::{decline, forwarded_facts, last_answer, mark, marks, traits, undigested, write_unavailable};
use super::writer::{self, Written};
use crate::app::App;
use crate::budget::Share;
use crate::config::tap_config::{API_BASE, MODEL_ID};
use crate::native::effects::ProviderStream;
use crate::native::provider::Protocol;
use crate::native::{self, Answer, Body, ClientRequest, Effects, LiveEffects};
use crate::python::envelope::Unavailable;
use crate::python::forward::{prefix_and_rest, whole};
use crate::python::headers;
use crate::routes::{Facts, LaneTable, LiveLane, Route};
use crate::shadow::{Capture, Control, Tee, correlation};
use crate::tap::OpenTape;

/// On these LiteLLM keeps a provider's headers to itself.
fn protocol(route: Route) -> Protocol {
    match route {
        Route::Ocr | Route::CountTokens => Protocol::Negotiated,
        Route::Messages | Route::ChatCompletions | Route::Responses | Route::Embeddings => Protocol::Http1,
    }
}

/// Serves natively; what the native leg declines goes to Python.
pub async fn serve_natively(
    app: &App,
    session: &mut ServerSession,
    exchange: &mut Exchange,
    table: &LaneTable,
    lane: &LiveLane,
    request: &ClientRequest,
    facts: &Facts,
) -> Result<()> {
    let route = Route::named(&lane.id.route).unwrap_or(Route::Ocr);
    let Some(native) = table.native.as_ref() else {
        return forward_counted(app, session, exchange, lane, request).await;
    };
    let (departure, departed) = watch::channel(false);
    let mut effects = LiveEffects::new(&app.provider, &app.cooldowns, protocol(route), departed);
    let run = {
        // Pinned where it is, for one await: every move would be another copy in what is kept of a request, and what
        // several awaits hold leaves its room to nothing else.
        let run = std::pin::pin!(AssertUnwindSafe(native::answer(native, request, &mut effects)).catch_unwind());
        let watched = if facts.shape.starts_with(STREAM) { Some(&mut *session) } else { None };
        run_watching(watched, run, &departure).await
    };
    match run {
        Ok(Ok(answer)) => {
            exchange.leg = Leg::Native;
            // The lane that really answered; in a reach of several it need not be the first.
            let lane = table.lane_of(route, &answer.deployment_id).unwrap_or(lane);
            lane.tally.served(Leg::Native, answer.status);
            let overhead = exchange.held_since.elapsed().saturating_sub(effects.waited());
            lane.tally.times.native_overhead.record(overhead);
            app.shadow.skip(lane, SkipReason::ServedNatively, || traits(table, request, facts));
            app.metrics.provider_requests.with_label_values(&[route.as_str()]).inc_by(u64::from(answer.attempts));
            write_native(app, session, exchange, answer).await?;
            lane.tally.times.native.record(exchange.held_since.elapsed());
            Ok(())
        }
        Ok(Err(declined)) => {
            decline(app, route, declined.reason());
            lane.tally.declined();
            // Whom LiteLLM refuses asks no provider, and says nothing of what the lane covers.
            let refused = matches!(declined, native::Decline::NoKey | native::Decline::NotTheMasterKey);
            let reason = if refused { SkipReason::NoProviderExchange } else { SkipReason::ShadowDeclined };
            app.shadow.skip(lane, reason, || traits(table, request, facts));
            forward_counted(app, session, exchange, lane, request).await
        }
        Err(_) => {
            app.metrics.panics.inc();
            lane.tally.panicked();
            tracing::error!(request = exchange.id, "the native leg panicked");
            app.shadow.skip(lane, SkipReason::ShadowFailed, || traits(table, request, facts));
            if effects.sent() == 0 {
                return forward_counted(app, session, exchange, lane, request).await;
            }
            // The provider was called, so Python must not be: it would call it again.
            exchange.leg = Leg::Native;
            lane.tally.served(Leg::Native, 500);
            write_unavailable(session, exchange, Unavailable::Internal).await
        }
    }
}

/// How the shape of a request begins that asks for a stream.
const STREAM: &str = "stream";

/// Runs to the end; tells when the client leaves meanwhile, if its session is to be watched.
async fn run_watching<T>(
    watched: Option<&mut ServerSession>,
    mut run: Pin<&mut impl Future<Output = T>>,
    departure: &watch::Sender<bool>,
) -> T {
    let Some(session) = watched else { return run.await };
    loop {
        tokio::select! {
            biased;
            answered = &mut run => return answered,
            idle = session.read_body_or_idle(false) => if idle.is_err() {
                departure.send_replace(true);
                return run.await;
            },
        }
    }
}

async fn write_native<S: ProviderStream>(
    app: &App,
    session: &mut ServerSession,
    exchange: &Exchange,
    answer: Answer<Body<S>>,
) -> Result<()> {
    let framing = match &answer.body {
        // LiteLLM's own headers tell its length.
        Body::Whole(_) => None,
        Body::Stream(_) => writer::chunked(session, answer.status),
    };
    let ([served_by, id], [date, connection]) = (marks(exchange), writer::room(session));
    let head = app.answer_heads.head(answer.headers, [served_by, id, framing, date, connection]);
    last_answer(app, session);
    match answer.body {
        Body::Whole(body) => writer::write_whole(session, answer.status, head, body).await.map(|_| ()),
        Body::Stream(stream) => {
            // The stream bounds the provider's silence itself.
            let body = futures_util::stream::unfold(stream, |mut stream| async {
                stream.next().await.map(|piece| (Ok::<_, std::convert::Infallible>(piece), stream))
            });
            let written = writer::write_stream(session, answer.status, head, body, None, |_| ()).await?;
            written.into_result()
        }
    }
}

/// Serves from Python on a tape, and hands the capture to the shadow.
pub async fn serve_mirrored(
    app: &App,
    session: &mut ServerSession,
    exchange: &mut Exchange,
    table: &LaneTable,
    lane: &LiveLane,
    request: ClientRequest,
    facts: Facts,
) -> Result<()> {
    let Opened { tape, marked, held } = match open_tape(app, exchange, table, &request, &facts) {
        Ok(opened) => opened,
        Err(reason) => {
            app.shadow.skip(lane, reason, || traits(table, &request, &facts));
            return forward_counted(app, session, exchange, lane, &request).await;
        }
    };
    let sent = send(app, session, &request.headers, marked).await;
    let mut response = match sent {
        Ok(Ok(response)) => response,
        Err(gone) => {
            app.shadow.skip(lane, SkipReason::ClientAborted, || traits(table, &request, &facts));
            return Err(gone);
        }
        Ok(Err(reason)) => {
            app.shadow.skip(lane, SkipReason::PythonFailed, || traits(table, &request, &facts));
            return fail(app, session, exchange, reason).await;
        }
    };
    let status = response.status().as_u16();
    let head = passed_back(app, &mut response);
    let headers = head.clone();
    let mut tee = Tee::new(app.shadow.limits.answer_max, held);
    let relayed = relay(app, session, exchange, response, head, |piece| tee.push(piece)).await;
    let written = relayed.unwrap_or(Written::ClientGone);
    lane.tally.served(Leg::Python, status);
    let took = exchange.held_since.elapsed();
    if written == Written::Complete {
        lane.tally.times.python.record(took);
    }
    let control = |body| Control { status, headers, body };
    let reason = match (written, tee.finish()) {
        (Written::ClientGone, _) => SkipReason::ClientAborted,
        (Written::Cut, _) => SkipReason::PythonFailed,
        (Written::Complete, Err(reason)) => reason,
        (Written::Complete, Ok((body, held))) => match taped(tape, control(body)) {
            Ok((exchanges, control)) => {
                // Between several exchanges LiteLLM also waits on purpose.
                if let [only] = exchanges.as_slice() {
                    lane.tally.times.python_overhead.record(took.saturating_sub(only.elapsed));
                }
                let at = app.controller.now().0.saturating_sub(exchange.started.elapsed().as_secs());
                let (traits, body) = (undigested(table, &request, &facts), request.body.clone());
                let capture =
                    Capture { lane: lane.id.clone(), request, control, exchanges, traits: traits.clone(), held, at };
                if let Err(reason) = app.shadow.submit(capture) {
                    app.shadow.skip(lane, reason, || traits.digested(&body));
                }
                return Ok(());
            }
            Err(reason) => reason,
        },
    };
    app.shadow.skip(lane, reason, || traits(table, &request, &facts));
    written.into_result()
}

/// A tape, the body that carries its id, and what that body holds of the shadow's budget.
struct Opened {
    tape: OpenTape,
    marked: Bytes,
    held: Share,
}

/// Opens a tape, or says why there is none.
fn open_tape(
    app: &App,
    exchange: &Exchange,
    table: &LaneTable,
    request: &ClientRequest,
    facts: &Facts,
) -> std::result::Result<Opened, SkipReason> {
    if !request.route.is_taped() {
        return Err(SkipReason::NoTape);
    }
    if table.correlation_unsafe {
        return Err(SkipReason::CorrelationUnsafe);
    }
    let tap = app.tap.as_ref().ok_or(SkipReason::NoTape)?;
    // For the copy that carries the id, and later for the original that waits to be compared.
    let held = app.shadow.budget().share(request.body.len()).ok_or(SkipReason::BytesBudget)?;
    // Not the request's id: that one is told to the client.
    let id = uuid::Uuid::new_v4().simple().to_string();
    let content_type = request.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let marked = correlation::mark(content_type, &request.body, facts, &id).ok_or(SkipReason::CorrelationUnsafe)?;
    let tape = tap.recordings.open(id).ok_or(SkipReason::BytesBudget)?;
    tracing::trace!(request = exchange.id, "tape opened");
    Ok(Opened { tape, marked, held })
}

type Taped = (Vec<crate::tap::TapedExchange>, Control);

fn taped(tape: OpenTape, control: Control) -> std::result::Result<Taped, SkipReason> {
    let exchanges = tape.finish().ok_or(SkipReason::TapeIncomplete)?;
    // LiteLLM follows a redirect to wherever it points, which is past the tap.
    if exchanges.iter().any(crate::tap::TapedExchange::redirects) {
        return Err(SkipReason::TapeIncomplete);
    }
    match exchanges.is_empty() {
        false => Ok((exchanges, control)),
        // Whether the native leg would have asked a provider is the worker's to find out.
        true if is_refusal(control.status) => Ok((exchanges, control)),
        // A success that names a deployment came from a provider, and not by way of the tap.
        true if control.status < 300 && control.headers.contains_key(MODEL_ID) => Err(SkipReason::NoTape),
        true => Err(SkipReason::NoProviderExchange),
    }
}

/// An answer that the request alone may explain; keys, rights and rates are not in the request.
fn is_refusal(status: u16) -> bool {
    status >= 400 && !matches!(status, 401 | 403 | 429)
}

/// Forwards to Python, and counts the answer for the lane.
pub async fn forward_counted(
    app: &App,
    session: &mut ServerSession,
    exchange: &mut Exchange,
    lane: &LiveLane,
    request: &ClientRequest,
) -> Result<()> {
    let forwarded = forward(app, session, exchange, request).await;
    if let Some(head) = session.response_written() {
        lane.tally.served(Leg::Python, head.status.as_u16());
    }
    if forwarded.is_ok() {
        lane.tally.times.python.record(exchange.held_since.elapsed());
    }
    forwarded
}

/// Forwards to Python as the client sent it.
pub async fn forward(
    app: &App,
    session: &mut ServerSession,
    exchange: &mut Exchange,
    request: &ClientRequest,
) -> Result<()> {
    match send(app, session, &request.headers, request.body.clone()).await? {
        Ok(mut response) => {
            let head = passed_back(app, &mut response);
            relay(app, session, exchange, response, head, |_| ()).await?.into_result()
        }
        Err(reason) => fail(app, session, exchange, reason).await,
    }
}

/// Forwards a body of which nothing was read.
pub async fn forward_unread(app: &App, session: &mut ServerSession, exchange: &mut Exchange) -> Result<()> {
    tell_to_go_on(session).await?;
    let length = declared_length(&session.req_header().headers);
    forward_rest(app, session, exchange, Bytes::new(), length).await
}

/// Forwards a body of which the first part was read and the rest is still to come; chunked, if its length is not known.
pub async fn forward_rest(
    app: &App,
    session: &mut ServerSession,
    exchange: &mut Exchange,
    prefix: Bytes,
    length: Option<usize>,
) -> Result<()> {
    let headers = HeaderMap::clone(&session.req_header().headers);
    let (sender, rest) = mpsc::channel(REST_PIECES);
    let outgoing = outgoing_headers(app, session, &headers, length);
    let (method, path) = target(session);
    let answer = app.python.send(method, &path, outgoing, prefix_and_rest(prefix, rest));
    let mut answer = std::pin::pin!(answer);
    let sent = loop {
        tokio::select! {
            biased;
            sent = &mut answer => break sent,
            more = pass_on(session, &sender) => if !more? {
                drop(sender);
                break until_answered(session, answer).await?;
            },
        }
    };
    match sent {
        Ok(mut response) => {
            let head = passed_back(app, &mut response);
            relay(app, session, exchange, response, head, |_| ()).await?.into_result()
        }
        Err(reason) => fail(app, session, exchange, reason).await,
    }
}

/// Passes one piece of the client's body on; false at its end, or when LiteLLM reads no further: its answer says why.
async fn pass_on(
    session: &mut ServerSession,
    rest: &mpsc::Sender<std::result::Result<Bytes, std::io::Error>>,
) -> Result<bool> {
    let Ok(permit) = rest.reserve().await else { return Ok(false) };
    match session.read_request_body().await {
        Ok(Some(piece)) => permit.send(Ok(piece)),
        Ok(None) => return Ok(false),
        Err(error) => {
            // Just to stop sending would look like the body's end.
            permit.send(Err(std::io::Error::other("the client broke off")));
            return Err(error.into_down());
        }
    }
    Ok(true)
}

/// Pieces of a body that wait for LiteLLM to read them.
const REST_PIECES: usize = 4;

type Sent = std::result::Result<Response<Incoming>, Unavailable>;

/// Sends a body that is held whole. An error is the client's: it left before there was an answer.
async fn send(app: &App, session: &mut ServerSession, headers: &HeaderMap, body: Bytes) -> Result<Sent> {
    let outgoing = outgoing_headers(app, session, headers, Some(body.len()));
    let (method, path) = target(session);
    let answer = app.python.send(method, &path, outgoing, whole(body));
    until_answered(session, std::pin::pin!(answer)).await
}

/// Waits for LiteLLM as long as the client does; whoever leaves takes LiteLLM's connection along.
async fn until_answered(session: &mut ServerSession, mut answer: Pin<&mut impl Future<Output = Sent>>) -> Result<Sent> {
    loop {
        tokio::select! {
            biased;
            sent = &mut answer => return Ok(sent),
            idle = session.read_body_or_idle(false) => drop(idle.map_err(|gone| gone.into_down())?),
        }
    }
}

fn target(session: &ServerSession) -> (http::Method, String) {
    let head = session.req_header();
    (head.method.clone(), head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned())
}

fn outgoing_headers(app: &App, session: &ServerSession, headers: &HeaderMap, length: Option<usize>) -> HeaderMap {
    let mut outgoing = headers::passed_on(headers);
    // Answered by us already.
    outgoing.remove(http::header::EXPECT);
    outgoing.remove(http::header::CONTENT_LENGTH);
    if let Some(length) = length {
        outgoing.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    let authority = session.req_header().uri.authority();
    if let (false, Some(authority)) = (outgoing.contains_key(http::header::HOST), authority)
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        outgoing.insert(http::header::HOST, host);
    }
    if app.forwarded_headers() {
        for (name, value) in headers::forwarded(headers, forwarded_facts(session)) {
            outgoing.insert(name, value);
        }
    }
    outgoing
}

/// What the client gets of the headers of LiteLLM's answer.
fn passed_back(app: &App, response: &mut Response<Incoming>) -> HeaderMap {
    let mut head = restored(app, std::mem::take(response.headers_mut()));
    headers::keep_end_to_end(&mut head);
    head
}

async fn relay(
    app: &App,
    session: &mut ServerSession,
    exchange: &Exchange,
    response: Response<Incoming>,
    mut head: HeaderMap,
    observe: impl FnMut(&Bytes) + Send,
) -> Result<Written> {
    let status = response.status().as_u16();
    mark(&mut head, exchange);
    last_answer(app, session);
    let body = response.into_body().into_data_stream();
    writer::write_stream(session, status, head, body, Some(app.upstream.read_timeout), observe).await
}

fn restored(app: &App, mut head: HeaderMap) -> HeaderMap {
    match app.original_api_base(&head) {
        Some(Some(original)) => drop(head.insert(HeaderName::from_static(API_BASE), original)),
        Some(None) => drop(head.remove(API_BASE)),
        None => {}
    }
    head
}

async fn fail(app: &App, session: &mut ServerSession, exchange: &Exchange, reason: Unavailable) -> Result<()> {
    app.metrics.unavailable.with_label_values(&[reason.as_str()]).inc();
    tracing::warn!(request = exchange.id, reason = reason.as_str(), "no answer from LiteLLM");
    write_unavailable(session, exchange, reason).await
}
