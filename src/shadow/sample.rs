//! What is kept of a judged pair: structure always, content where the lane's rule says so.

use bytes::Bytes;
use cutover::diff::diff_text;
use cutover::lane::LaneId;
use cutover::rules::LaneRule;
use cutover::verdict::{Judgement, Verdict};
use serde_json::{Map, Value, json};

use super::capture::Capture;
use super::pair::{HeaderList, Recorded, RecordedCall, list};
use crate::reports::{NewCause, Redactor, Sample, SampleHead};

/// Differences that one sample keeps.
const DIFFERENCES_KEPT_MAX: usize = 200;

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
    let content_on = rule.content.is_some();
    let mut bodies = Map::new();
    let parts = Parts { redactor, bytes_max: rule.content.as_ref().map(|content| content.max_bytes as usize) };
    let attempts: Vec<Value> = (0..control.attempts.len().max(candidate.attempts.len()))
        .map(|n| attempt(&parts, &mut bodies, capture, n, control.attempts.get(n), candidate.attempts.get(n)))
        .collect();
    let document = json!({
        "client_request": parts.part(&mut bodies, "client_request", &json!({
            "method": capture.request.method.as_str(), "url": parts.url(&capture.request.path),
        }), &list(&capture.request.headers), &capture.request.body),
        "attempts": attempts,
        "control": parts.part(&mut bodies, "control", &json!({"status": control.status}), &control.headers, &control.body),
        "candidate": parts.part(&mut bodies, "candidate", &json!({"status": candidate.status}), &candidate.headers, &candidate.body),
        "differences": differences(judgement, false, redactor),
    });
    if content_on {
        // What differs is content too: it goes when the content goes.
        bodies.insert("differences".to_owned(), Value::Array(differences(judgement, true, redactor)));
    }
    if content_on && judgement.verdict != Verdict::Match {
        bodies.insert("text_diff".to_owned(), text_difference(&parts, &control.body, &candidate.body));
    }
    let head = SampleHead {
        id: id.clone(),
        at: capture.at,
        lane: lane.to_string(),
        verdict: judgement.verdict.as_str().to_owned(),
        shape: capture.traits.shape.clone(),
        status_control: control.status,
        status_candidate: candidate.status,
        differences: judgement.differences.iter().filter(|difference| difference.counts()).count(),
        summary: judgement.summary(),
    };
    let content = rule.content.as_ref().map(|content| (Value::Object(bodies), capture.at + content.ttl.seconds()));
    (Sample { head, document, content }, causes(lane, judgement, build, &id))
}

fn differences(judgement: &Judgement, content: bool, redactor: &Redactor) -> Vec<Value> {
    let kept = judgement.differences.iter().take(DIFFERENCES_KEPT_MAX);
    kept.map(|difference| {
        let shown = if content { difference.clone() } else { difference.clone().without_content() };
        let mut value = json!(shown);
        value["rule"] = difference.rule.as_ref().map_or(Value::Null, |rule| json!(rule.to_string()));
        value["left"] = shown.left.map_or(Value::Null, |text| json!(redactor.text(&text)));
        value["right"] = shown.right.map_or(Value::Null, |text| json!(redactor.text(&text)));
        value
    })
    .collect()
}

fn causes(lane: &LaneId, judgement: &Judgement, build: &str, sample_id: &str) -> Vec<NewCause> {
    if judgement.verdict != Verdict::Mismatch {
        return Vec::new();
    }
    judgement
        .causes
        .iter()
        .map(|cause| NewCause {
            id: cause.id.clone(),
            lane: lane.to_string(),
            severity: cause.severity.as_str().to_owned(),
            kind: cause.kind.as_str().to_owned(),
            path: cause.path.clone(),
            left_type: cause.left_type.as_str().to_owned(),
            right_type: cause.right_type.as_str().to_owned(),
            build: build.to_owned(),
            sample_id: sample_id.to_owned(),
            text: cause.text.clone(),
        })
        .collect()
}

/// Headers whose values say nothing of a request's content.
const PLAIN_HEADERS: [&str; 10] = [
    "accept",
    "accept-encoding",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "content-type",
    "transfer-encoding",
    "vary",
    "x-content-type-options",
    "x-frame-options",
];

struct Parts<'a> {
    redactor: &'a Redactor,
    /// The longest body kept; `None`: content is off.
    bytes_max: Option<usize>,
}

impl Parts<'_> {
    /// A message without its body; the body goes to `bodies` under `name`, if content is kept.
    fn part(
        &self,
        bodies: &mut Map<String, Value>,
        name: &str,
        head: &Value,
        headers: &HeaderList,
        body: &Bytes,
    ) -> Value {
        if let Some(limit) = self.bytes_max {
            bodies.insert(name.to_owned(), self.body(body, limit));
        }
        let mut part = head.clone();
        part["name"] = json!(name);
        part["headers"] =
            headers.iter().map(|(header, value)| json!([header, self.header(name, header, value)])).collect();
        part["body_bytes"] = json!(body.len());
        part["body_hash"] = json!(self.redactor.hash(body));
        part["structure"] = self.redactor.structure(body);
        part
    }

    /// A query may hold content; without content it stays out.
    fn url(&self, url: &str) -> String {
        match (self.bytes_max, url.split_once('?')) {
            (None, Some((path, query))) => format!("{path}?{} bytes", query.len()),
            _ => self.redactor.text(url),
        }
    }

    /// With content off a value is shown only where LiteLLM or HTTP made it, and else by its hash.
    fn header(&self, part: &str, name: &str, value: &str) -> String {
        let ours = (part != "client_request" && name.starts_with("x-litellm-")) || PLAIN_HEADERS.contains(&name);
        match self.bytes_max.is_some() || ours {
            true => self.redactor.header(name, value),
            false => format!("{} bytes #{}", value.len(), self.redactor.hash(value.as_bytes())),
        }
    }

    fn body(&self, body: &Bytes, limit: usize) -> Value {
        if body.len() > limit {
            return json!(format!("… {} bytes, more than this lane keeps ({limit})", body.len()));
        }
        match self.redactor.body(body) {
            Some(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            None => json!(format!("{} bytes that are no text", body.len())),
        }
    }
}

fn attempt(
    parts: &Parts<'_>,
    bodies: &mut Map<String, Value>,
    capture: &Capture,
    n: usize,
    control: Option<&RecordedCall>,
    candidate: Option<&RecordedCall>,
) -> Value {
    let mut side = |name: &str, call: Option<&RecordedCall>| {
        call.map_or(Value::Null, |call| {
            let head = json!({"method": call.method, "url": parts.url(&call.url)});
            parts.part(bodies, &format!("attempts.{n}.{name}"), &head, &call.headers, &call.body)
        })
    };
    let (control, candidate) = (side("control", control), side("candidate", candidate));
    let answer = capture.exchanges.get(n).and_then(|exchange| exchange.answer.as_ref());
    let provider_response = answer.map_or(Value::Null, |answer| {
        let head = json!({"status": answer.status, "complete": answer.complete});
        parts.part(bodies, &format!("attempts.{n}.provider_response"), &head, &list(&answer.headers), &answer.body())
    });
    json!({"n": n, "control": control, "candidate": candidate, "provider_response": provider_response})
}

fn text_difference(parts: &Parts<'_>, control: &Bytes, candidate: &Bytes) -> Value {
    let text = |body: &Bytes| match serde_json::from_slice::<Value>(body) {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap_or_default(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    let (left, right) = (parts.redactor.text(&text(control)), parts.redactor.text(&text(candidate)));
    json!(diff_text(&left, &right).runs)
}
