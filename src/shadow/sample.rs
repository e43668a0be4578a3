//! What is kept of a judged pair: structure for as long as the sample, content where the lane's rule says so and until its
//! time is over.

use std::time::Duration;

use cutover::diff::{diff_text, events, fold, is_stream};
use cutover::lane::LaneId;
use cutover::rules::LaneRule;
use cutover::verdict::{Cause, Difference, Judgement, Verdict};
use serde_json::{Value, json};

use super::capture::Capture;
use super::pair::{Recorded, RecordedCall, list};
use super::parts::{Message, Parts, Side};
use crate::reports::{Names, NewCause, Redactor, Sample, SampleHead};
use crate::tap::{TapedAnswer, TapedExchange};

/// Differences that one sample keeps.
const DIFFERENCES_KEPT_MAX: usize = 200;

/// Pieces of an answer of which one sample keeps the times.
const PIECES_TIMED_MAX: usize = 500;

/// Builds the sample and its causes.
#[expect(clippy::too_many_arguments, reason = "one call, from the worker, with everything that is known of a pair")]
pub fn of(
    capture: &Capture,
    lane: &LaneId,
    rule: &LaneRule,
    control: &Recorded,
    candidate: &Recorded,
    judgement: &Judgement,
    redactor: &Redactor,
    build: &str,
) -> (Sample, Vec<NewCause>) {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let names = names(capture, control, candidate);
    let mut parts = Parts::new(redactor, &names, rule);
    let attempts: Vec<Value> = (0..control.attempts.len().max(candidate.attempts.len()))
        .map(|n| attempt(&mut parts, capture, n, control.attempts.get(n), candidate.attempts.get(n)))
        .collect();
    let request = &capture.request;
    let document = json!({
        "client_request": parts.part("client_request", Side::Request, &json!({"method": request.method.as_str()}),
            Message { url: Some(&request.path), headers: &list(&request.headers), body: &request.body }),
        "attempts": attempts,
        "control": parts.answer("control", control),
        "candidate": parts.answer("candidate", candidate),
        "differences": differences(judgement, |difference| {
            let (path, template) = (names.path(&difference.path, redactor), names.path(&difference.template, redactor));
            Difference { path, template, ..difference.clone().without_content() }
        }),
    });
    let content = parts.kept.map(|kept| {
        let mut content = kept.content;
        let shown = |text: Option<String>| text.map(|text| redactor.text(&text));
        let differences = differences(judgement, |difference| {
            let (left, right) = (shown(difference.left.clone()), shown(difference.right.clone()));
            Difference { left, right, ..difference.clone() }
        });
        content.insert("differences".to_owned(), Value::Array(differences));
        content.insert("heads".to_owned(), Value::Object(kept.heads));
        if judgement.verdict != Verdict::Match {
            content.insert("text_diff".to_owned(), text_difference(redactor, control, candidate));
        }
        (Value::Object(content), capture.at + kept.ttl)
    });
    let causes = causes(lane, judgement, build, &id, |path| names.path(path, redactor), redactor);
    let head = SampleHead {
        id: id.clone(),
        at: capture.at,
        lane: lane.to_string(),
        verdict: judgement.verdict.as_str().to_owned(),
        shape: capture.traits.shape.clone(),
        status_control: control.status,
        status_candidate: candidate.status,
        differences: judgement.differences.iter().filter(|difference| difference.counts()).count(),
        // The worst cause's words, without a client's own names.
        summary: match judgement.causes.first() {
            Some(worst) => in_words(worst, &names.path(&worst.path, redactor)),
            None => judgement.summary(),
        },
    };
    (Sample { head, document, content }, causes)
}

/// What a client may have called things in the requests of this pair.
fn names(capture: &Capture, control: &Recorded, candidate: &Recorded) -> Names {
    let calls = || control.attempts.iter().chain(&candidate.attempts);
    let sent = calls().flat_map(|call| &call.headers).map(|(name, _)| name.as_str());
    let bodies = calls().map(|call| call.body.as_ref());
    let mut names = Names::of_requests(
        capture.request.headers.keys().map(http::HeaderName::as_str).chain(sent),
        std::iter::once(capture.request.body.as_ref()).chain(bodies),
    );
    for leg in [control, candidate] {
        names.hide_arguments(&read(leg).unwrap_or_default());
    }
    names
}

/// An answer as JSON; of a stream, the message that its events add up to.
fn read(answer: &Recorded) -> Option<Value> {
    let text = std::str::from_utf8(&answer.body).ok()?;
    if is_stream(&answer.headers) { fold(&events(text)) } else { serde_json::from_str(text).ok() }
}

fn differences(judgement: &Judgement, shown: impl Fn(&Difference) -> Difference) -> Vec<Value> {
    let kept = judgement.differences.iter().take(DIFFERENCES_KEPT_MAX);
    kept.map(|difference| {
        let mut value = json!(shown(difference));
        value["rule"] = difference.rule.as_ref().map_or(Value::Null, |rule| json!(rule.to_string()));
        value
    })
    .collect()
}

/// Causes are kept for good, so a name that a client invented is no more in them than in what stays of a sample.
fn causes(
    lane: &LaneId,
    judgement: &Judgement,
    build: &str,
    sample_id: &str,
    clean: impl Fn(&str) -> String,
    redactor: &Redactor,
) -> Vec<NewCause> {
    if judgement.verdict != Verdict::Mismatch {
        return Vec::new();
    }
    let row = |cause: &Cause| {
        let path = clean(&cause.path);
        NewCause {
            // The id is made of the path, without a key.
            id: if path == cause.path { cause.id.clone() } else { redactor.hash(cause.id.as_bytes()) },
            lane: lane.to_string(),
            severity: cause.severity.as_str().to_owned(),
            kind: cause.kind.as_str().to_owned(),
            left_type: cause.left_type.as_str().to_owned(),
            right_type: cause.right_type.as_str().to_owned(),
            build: build.to_owned(),
            sample_id: sample_id.to_owned(),
            text: in_words(cause, &path),
            path,
        }
    };
    judgement.causes.iter().map(row).collect()
}

/// A cause's words begin with its path.
fn in_words(cause: &Cause, path: &str) -> String {
    cause.text.strip_prefix(&cause.path).map_or_else(|| path.to_owned(), |rest| format!("{path}{rest}"))
}

fn attempt(
    parts: &mut Parts<'_>,
    capture: &Capture,
    n: usize,
    control: Option<&RecordedCall>,
    candidate: Option<&RecordedCall>,
) -> Value {
    let mut side = |name: &str, call: Option<&RecordedCall>| {
        call.map_or(Value::Null, |call| {
            let message = Message { url: Some(&call.url), headers: &call.headers, body: &call.body };
            parts.part(&format!("attempts.{n}.{name}"), Side::Request, &json!({"method": call.method}), message)
        })
    };
    let (control, candidate) = (side("control", control), side("candidate", candidate));
    let exchange = capture.exchanges.get(n);
    let answered = exchange.and_then(|exchange| Some((exchange, exchange.answer.as_ref()?)));
    let provider_response = answered.map_or(Value::Null, |(exchange, answer)| {
        let head = json!({"status": answer.status, "complete": answer.complete, "pace": pace(exchange, answer)});
        let message = Message { url: None, headers: &list(&answer.headers), body: &answer.body() };
        parts.part(&format!("attempts.{n}.provider_response"), Side::ProviderAnswer, &head, message)
    });
    json!({"n": n, "control": control, "candidate": candidate, "provider_response": provider_response})
}

/// When the pieces of an answer came, in milliseconds: the exchange from its request on, the pieces from the answer's head on.
fn pace(exchange: &TapedExchange, answer: &TapedAnswer) -> Value {
    let milliseconds = |time: Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
    let pieces: Vec<f64> = answer.chunks.iter().take(PIECES_TIMED_MAX).map(|(at, _)| milliseconds(*at)).collect();
    json!({"elapsed_ms": milliseconds(exchange.elapsed), "pieces": answer.chunks.len(), "pieces_at_ms": pieces})
}

fn text_difference(redactor: &Redactor, control: &Recorded, candidate: &Recorded) -> Value {
    let text = |leg: &Recorded| match read(leg) {
        Some(value) => serde_json::to_string_pretty(&value).unwrap_or_default(),
        None => String::from_utf8_lossy(&leg.body).into_owned(),
    };
    let (left, right) = (redactor.text(&text(control)), redactor.text(&text(candidate)));
    json!(diff_text(&left, &right).runs)
}
