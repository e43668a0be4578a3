//! Every recorded case of `/chat/completions`, played through the crate, against what the real LiteLLM did.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod chat_replay;

use std::path::{Path, PathBuf};

use chat_replay::{outcome, pairs};
use serde_json::{Value, json};
use transform::cost_calculator::PriceTable;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/chat")
}

fn load(file: &str) -> Vec<u8> {
    std::fs::read(corpus().join(file)).expect("a recorded file")
}

fn cases(theme: &str) -> Vec<Value> {
    serde_json::from_slice(&load(&format!("{theme}.json"))).expect("recorded cases")
}

fn table() -> PriceTable {
    PriceTable::from_price_map_json(&load("price_map.json")).expect("a price map")
}

fn check(theme: &str) {
    let (table, cases) = (table(), cases(theme));
    let differs = |case: &Value| {
        let outcome = outcome(case, &table);
        let name = &case["name"];
        match outcome["declined"].as_str() {
            Some(reason) => Some(format!("{theme}/{name}: declined, {reason}")),
            None => difference(case, &outcome).map(|text| format!("{theme}/{name}: {text}")),
        }
    };
    let wrong: Vec<String> = cases.iter().filter_map(differs).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

/// The first difference, if any: the provider requests, then status, body and headers of the client's answer.
fn difference(case: &Value, outcome: &Value) -> Option<String> {
    let told = |what: &str, left: &Value, right: &Value| Some(format!("{what}\n  LiteLLM {left}\n  ours    {right}"));
    if !is_same_calls(case, outcome) {
        return told("provider requests", &json!(calls(case)), &json!(calls(outcome)));
    }
    let (theirs, ours) = (&case["response"], &outcome["response"]);
    if theirs["status"] != ours["status"] {
        return told("status", theirs, ours);
    }
    let (their_body, our_body) = (ordered(&noiseless(&theirs["body"])), ordered(&noiseless(&ours["body"])));
    if their_body != our_body {
        return told("body", &their_body, &our_body);
    }
    let (their_headers, our_headers) = (client_headers(theirs), client_headers(ours));
    (their_headers != our_headers).then(|| told("headers", &their_headers, &our_headers)).flatten()
}

/// None is seen if the connection was refused; one that was reset is sent twice.
fn is_same_calls(case: &Value, outcome: &Value) -> bool {
    let (seen, sent) = (calls(case), calls(outcome));
    match seen.len() {
        0 => sent.is_empty() || case["deployment"]["api_base"] == "http://127.0.0.1:9/v1",
        2 => seen.iter().all(|seen| *seen == sent[0]),
        _ => seen == sent,
    }
}

fn calls(case: &Value) -> Vec<Value> {
    case["provider"].as_array().into_iter().flatten().map(provider_seen).collect()
}

/// Names and values, in no order: the connection's come between them.
fn provider_seen(seen: &Value) -> Value {
    let connection = ["host", "connection", "content-length"];
    let mut headers: Vec<_> = pairs(&seen["headers"]).filter(|(name, _)| !connection.contains(name)).collect();
    headers.sort_unstable();
    json!({"method": seen["method"], "path": seen["path"], "headers": headers, "body": seen["body"]})
}

/// A body without what differs between two runs of LiteLLM itself: elapsed times, addresses of objects, ids that were made up (told
/// apart by the order they come in); and without tracebacks, of which only the first line is compared.
fn noiseless(body: &Value) -> Value {
    let mut text = numbered(body.as_str().unwrap_or_default());
    if let Some(at) = text.find("Traceback (most recent call last):") {
        text.truncate(at);
    }
    for (start, end) in [("time taken=", " seconds"), ("SSLContext object at 0x", ">")] {
        if let Some(from) = text.find(start).map(|at| at + start.len()) {
            let length = text[from..].find(end).unwrap_or(0);
            text.replace_range(from..from + length, "");
        }
    }
    Value::String(text)
}

fn numbered(text: &str) -> String {
    const PLACES: [usize; 4] = [8, 13, 18, 23];
    let is_uuid = |part: &str| {
        part.bytes()
            .enumerate()
            .all(|(at, byte)| if PLACES.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() })
    };
    let (mut known, mut told, mut rest) = (Vec::new(), String::new(), text);
    while let Some(next) = rest.chars().next() {
        match rest.get(..36).filter(|part| is_uuid(part)) {
            Some(uuid) => {
                let at = known.iter().position(|one| *one == uuid).unwrap_or_else(|| {
                    known.push(uuid);
                    known.len() - 1
                });
                told.push_str(&format!("uuid {at}"));
                rest = &rest[36..];
            }
            None => {
                told.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    told
}

/// Fields of Python's that are a set there have an order that changes from process to process: compared as one.
fn ordered(body: &Value) -> Value {
    let text = body.as_str().unwrap_or_default();
    match serde_json::from_str::<Value>(text) {
        Ok(parsed) if text.matches("provider_specific_fields").count() > 0 && has_a_set(&parsed) => {
            let object: std::collections::BTreeMap<String, Value> = serde_json::from_value(parsed).unwrap_or_default();
            json!(object)
        }
        _ => body.clone(),
    }
}

fn has_a_set(body: &Value) -> bool {
    let choices = body["choices"].as_array().cloned().unwrap_or_default();
    let size = |fields: &Value| fields.as_object().map_or(0, serde_json::Map::len);
    choices.iter().any(|choice| {
        size(&choice["provider_specific_fields"]) > 1 || size(&choice["message"]["provider_specific_fields"]) > 1
    })
}

fn client_headers(answer: &Value) -> Value {
    let own_body = noiseless(&answer["body"]) == answer["body"];
    let connection = ["date", "Connection", "Transfer-Encoding"];
    let kept = |name: &str| !connection.contains(&name) && (own_body || name != "content-length");
    json!(pairs(&answer["headers"]).filter(|(name, _)| kept(name)).collect::<Vec<_>>())
}

macro_rules! themes {
    ($($theme:ident),*) => {
        $(#[test] fn $theme() { check(stringify!($theme)); })*
    };
}

themes!(
    requests,
    models,
    histories,
    deployments,
    answers,
    costs,
    errors,
    phrases,
    refusals,
    failures,
    streams,
    stream_counts,
    stream_errors,
    odd_usages,
    odd_answers,
    odd_streams,
    efforts,
    foreign_ids,
    refused_together,
    searches,
    told_costs,
    generalized_models,
    costs_in_usages,
    odd_extras,
    errors_in_answers
);

#[test]
fn what_is_left_to_python() {
    let table = table();
    for case in cases("declined") {
        let called = case["provider"].as_array().is_some_and(|seen| !seen.is_empty());
        let outcome = outcome(&case, &table);
        assert!(outcome["declined"].is_string(), "{} is served, the provider is called: {called}", case["name"]);
    }
}

/// A file of other recordings, for development: `CHAT_RECORDINGS=file cargo test -p crossfade-transform --test chat_corpus`.
#[test]
fn recordings_from_elsewhere() {
    let Ok(file) = std::env::var("CHAT_RECORDINGS") else { return };
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(&file).expect("recordings")).expect("recorded cases");
    let map = std::path::Path::new(&file).with_file_name("price_map.json");
    let table = PriceTable::from_price_map_json(&std::fs::read(map).expect("a price map")).expect("a price map");
    let (mut wrong, mut declined) = (Vec::new(), Vec::new());
    for case in &cases {
        let outcome = outcome(case, &table);
        match outcome["declined"].as_str() {
            Some(reason) => declined.push(format!("{}: {reason}", case["name"])),
            None => wrong.extend(difference(case, &outcome).map(|text| format!("{}: {text}", case["name"]))),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ, {} declined\n{}\n{}",
        wrong.len(),
        cases.len(),
        declined.len(),
        declined.join("\n"),
        wrong.join("\n\n")
    );
}
