//! Conversations recorded from LiteLLM 1.102.4, replayed on a virtual clock: same sends, same waits, same answers.
//!
//! The recordings are in `tests/corpus/ocr_retries`, their generator in `tests/oracle/ocr_retries.py`.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::effects::{Tape, TapeEffects, TapeExchange, TapeFailure, TapeOutcome};
use super::{Answer, ClientRequest, Decline, Native, answer, tests_support};
use crate::routes::Route;

/// Jitter of one wait, and what a loaded machine added to a recording.
const JITTER_SECONDS: f64 = 0.75;
const SLACK_SECONDS: f64 = 0.5;

#[derive(Deserialize)]
struct Golden {
    name: String,
    settings: Map<String, Value>,
    model_list: Value,
    /// Nothing listened at the provider's address.
    dead: bool,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    group: String,
    #[serde(default)]
    body: Map<String, Value>,
    #[serde(default)]
    headers: Map<String, Value>,
    calls: Vec<Call>,
    /// Seconds from the last call's start, or the request's, to the answer.
    tail: f64,
    response: Response,
}

#[derive(Deserialize)]
struct Call {
    deployment: String,
    /// Seconds since the call before began.
    gap: f64,
    line: String,
    headers: Vec<String>,
    answer: Map<String, Value>,
    gave_up: bool,
    elapsed: f64,
    at: f64,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

#[test]
fn conversations_with_litellm_are_held_alike() {
    tests_support::check_all("tests/corpus/ocr_retries", check);
}

fn check(file: &Path) -> Vec<String> {
    let golden: Golden = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let price = json!({"litellm_provider": "mistral", "mode": "ocr", "ocr_cost_per_page": 0.001});
    let prices = json!({"mistral/mistral-ocr-latest": price.clone(), "mistral/mistral-ocr-2505-completion": price});
    let native = tests_support::recorded_native(&golden.model_list, &golden.settings, prices.to_string().as_bytes());
    let steps = golden.steps.iter().enumerate();
    let wrong =
        steps.flat_map(|(number, step)| replay(&native, step, golden.dead).into_iter().map(move |what| (number, what)));
    wrong.map(|(number, what)| format!("{} step {number}: {what}", golden.name)).collect()
}

fn replay(native: &Native, step: &Step, dead: bool) -> Vec<String> {
    let started = Instant::now();
    let tape = Tape {
        exchanges: if dead { vec![refused(native, step); 6] } else { step.calls.iter().map(exchange).collect() },
    };
    let wall = step.calls.first().map_or(UNIX_EPOCH, |call| moment(call.at));
    let mut effects = TapeEffects::new(tape, started, wall);
    let request = client_request(step, started);
    let answered = match answer(native, &request, &mut effects).now_or_never().unwrap() {
        Ok(answered) => answered.whole(usize::MAX).now_or_never().unwrap().unwrap(),
        // A deployment with a reason is Python's, and the reason is the configuration's to prove.
        Err(Decline::Deployment) if has_reasons(native, &step.group) => return Vec::new(),
        Err(decline) => return vec![format!("declined: {}", decline.reason())],
    };
    let mut wrong = compare_calls(step, &effects, dead);
    wrong.extend(compare_answers(&step.response, &answered));
    wrong
}

fn has_reasons(native: &Native, group: &str) -> bool {
    native.config.deployments.iter().any(|one| one.model_name == group && !one.reasons.is_empty())
}

fn client_request(step: &Step, received: Instant) -> ClientRequest {
    let mut body = json!({"model": step.group, "document": {"type": "document_url", "document_url": "https://example.invalid/a.pdf"}});
    for (key, value) in &step.body {
        body[key] = value.clone();
    }
    let own =
        [("authorization", "Bearer sk-1234"), ("content-type", "application/json"), ("x-litellm-call-id", "call")];
    let mut headers: HeaderMap =
        own.into_iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
    for (name, value) in &step.headers {
        headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value.as_str().unwrap()).unwrap());
    }
    let (path, call_id) = ("/v1/ocr".to_owned(), "call".to_owned());
    let route = Route::Ocr;
    ClientRequest { route, method: Method::POST, path, headers, body: Bytes::from(body.to_string()), received, call_id }
}

fn refused(native: &Native, step: &Step) -> TapeExchange {
    let deployment = native.config.deployments.iter().find(|one| one.model_name == step.group).unwrap();
    let failure = TapeFailure::Refused { host: "127.0.0.1".into(), port: 22109 };
    let outcome = TapeOutcome::Failure(failure);
    TapeExchange { deployment_id: deployment.id.clone(), outcome, elapsed_ms: 0, at_unix_ms: 0 }
}

fn exchange(call: &Call) -> TapeExchange {
    let body = match call.answer.get("raw") {
        Some(raw) => raw.as_str().unwrap().to_owned(),
        None => spaced(call.answer.get("body").unwrap_or(&json!({}))),
    };
    let body_bytes = body.len() as u64;
    let outcome = match call.answer.get("fault").and_then(Value::as_str) {
        _ if call.gave_up => TapeOutcome::Failure(TapeFailure::Timeout),
        Some("reset") => TapeOutcome::Failure(TapeFailure::Reset),
        Some("close") => TapeOutcome::Failure(TapeFailure::Closed),
        Some("cut") => {
            TapeOutcome::Failure(TapeFailure::CutLength { received_bytes: body_bytes / 2, expected_bytes: body_bytes })
        }
        Some("reset_in_body") => TapeOutcome::Failure(TapeFailure::ResetInBody {
            received_bytes: body_bytes / 2,
            expected_bytes: Some(body_bytes),
        }),
        _ => {
            let headers = call.answer.get("headers").and_then(Value::as_object).unwrap();
            let headers = headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
            let status = u16::try_from(call.answer["status"].as_u64().unwrap()).unwrap();
            let packed = call.answer.get("base64").and_then(Value::as_str).map(|text| STANDARD.decode(text).unwrap());
            TapeOutcome::Response {
                status,
                headers: headers.collect(),
                body: packed.map_or(Bytes::from(body), Bytes::from),
                pieces: Vec::new(),
                cut: None,
            }
        }
    };
    let elapsed_ms = (call.elapsed * 1000.0) as u64;
    TapeExchange { deployment_id: call.deployment.clone(), outcome, elapsed_ms, at_unix_ms: (call.at * 1000.0) as u64 }
}

/// Python's `json.dumps` writes a space after separators, and error messages show the body.
fn spaced(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", json!(key), spaced(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn moment(seconds: f64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs_f64(seconds)
}

fn compare_calls(step: &Step, effects: &TapeEffects, dead: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    if effects.tape_exhausted() || effects.unplayed() > 0 || effects.foreign_choice() {
        let (asked, had) = (effects.asked().len(), step.calls.len());
        wrong.push(format!("asked the provider {asked} times, LiteLLM {had}, {} unplayed", effects.unplayed()));
        return wrong;
    }
    let mut expected = 0.0;
    for (number, (asked, call)) in effects.asked().iter().zip(&step.calls).enumerate() {
        let wait = asked.waited.as_secs_f64();
        if number > 0 && !within(expected + wait, call.gap, u8::from(wait > 0.0)) {
            wrong.push(format!("call {number} after {:.3} s, LiteLLM after {}", expected + wait, call.gap));
        }
        if asked.deployment_id != call.deployment {
            wrong.push(format!("call {number} to {}, LiteLLM to {}", asked.deployment_id, call.deployment));
        }
        wrong.extend(compare_request(number, &asked.request, call));
        expected = if call.gave_up { asked.limit.as_secs_f64() } else { call.elapsed };
    }
    let unseen = dead || step.calls.is_empty();
    let slept = if unseen { effects.slept_total() } else { effects.slept_after_last() }.as_secs_f64();
    let total = if unseen { slept } else { expected + slept };
    let waits = match slept {
        0.0 => 0,
        _ if unseen => 3,
        _ => 1,
    };
    if !within(total, step.tail, waits) {
        wrong.push(format!("answered {total:.3} s after the last call, LiteLLM {}", step.tail));
    }
    wrong
}

fn within(expected: f64, measured: f64, waits: u8) -> bool {
    (expected - 0.05..=expected + f64::from(waits) * JITTER_SECONDS + SLACK_SECONDS).contains(&measured)
}

/// Method, path and the names of the headers, in order, without those of the connection.
fn compare_request(number: usize, request: &transform::ProviderRequest, call: &Call) -> Vec<String> {
    let uri: http::Uri = request.url.parse().unwrap();
    let line = format!("{} {} HTTP/1.1", request.method, uri.path_and_query().unwrap());
    let of_connection = ["host", "connection", "content-length"];
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    let expect: Vec<&str> =
        call.headers.iter().map(String::as_str).filter(|name| !of_connection.contains(name)).collect();
    if (line.as_str(), &names) == (call.line.as_str(), &expect) {
        return Vec::new();
    }
    vec![format!("call {number} is {line} {names:?}, LiteLLM's {} {expect:?}", call.line)]
}

fn compare_answers(expect: &Response, answered: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    if answered.status != expect.status {
        wrong.push(format!("status {}, LiteLLM {}", answered.status, expect.status));
    }
    let body = String::from_utf8(answered.body.to_vec()).unwrap();
    if steady(&body) != steady(&expect.body) {
        wrong.push(format!("body {body}\n   LiteLLM {}", expect.body));
    }
    let same_length = body.len() == expect.body.len();
    let comparable = |headers: &[(String, String)]| {
        let steady =
            |name: &str, value: &str| if name.ends_with("-duration-ms") { "*".to_owned() } else { value.to_owned() };
        let kept = headers.iter().filter(|(name, _)| same_length || name != "content-length");
        kept.map(|(name, value)| format!("{name}: {}", steady(name, value))).collect::<Vec<_>>()
    };
    let (ours, theirs) = (comparable(&tests_support::owned(&answered.headers)), comparable(&expect.headers));
    if ours != theirs {
        let only = |one: &[String], other: &[String]| {
            one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>()
        };
        let (extra, missing) = (only(&ours, &theirs), only(&theirs, &ours));
        wrong.push(format!(
            "headers: only ours {extra:?}, only LiteLLM's {missing:?}, else their order: {ours:?} {theirs:?}"
        ));
    }
    wrong
}

/// Without addresses of objects and elapsed times.
fn steady(text: &str) -> String {
    ["object at 0x", "time taken="].iter().fold(text.to_owned(), |text, before| {
        let mut parts = text.split(before);
        let first = parts.next().unwrap_or_default().to_owned();
        let varying = |character: char| character.is_ascii_hexdigit() || character == '.';
        parts.fold(first, |whole, part| whole + before + part.trim_start_matches(varying))
    })
}
