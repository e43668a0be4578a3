//! Every recorded case of `/v1/messages`, played through the crate, against what the real LiteLLM did.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod messages_replay;

use std::path::{Path, PathBuf};

use messages_replay::{outcome, pairs};
use serde_json::{Value, json};
use transform::cost_calculator::PriceTable;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/messages")
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
        return told("provider requests", &case["provider"], &outcome["provider"]);
    }
    let (theirs, ours) = (&case["response"], &outcome["response"]);
    if theirs["status"] != ours["status"] {
        return told("status", theirs, ours);
    }
    let (their_body, our_body) = (noiseless(&theirs["body"]), noiseless(&ours["body"]));
    if their_body != our_body {
        return told("body", &their_body, &our_body);
    }
    let (their_headers, our_headers) = (client_headers(theirs), client_headers(ours));
    (their_headers != our_headers).then(|| told("headers", &their_headers, &our_headers)).flatten()
}

/// LiteLLM sends a request twice if its connection was reset, and none that is seen if it was refused.
fn is_same_calls(case: &Value, outcome: &Value) -> bool {
    let seen: Vec<Value> = case["provider"].as_array().into_iter().flatten().map(provider_seen).collect();
    let sent: Vec<Value> = outcome["provider"].as_array().into_iter().flatten().map(provider_seen).collect();
    match (case["answers"][0]["failure"].as_str(), seen.len()) {
        (Some("reset"), 2) => seen.iter().all(|seen| *seen == sent[0]),
        (_, 0) => sent.is_empty() || case["deployment"]["api_base"] == "http://127.0.0.1:9",
        _ => seen == sent,
    }
}

/// Python hands the client's two headers on in an order that changes from process to process, so no order is compared.
fn provider_seen(seen: &Value) -> Value {
    let connection = ["host", "connection", "content-length"];
    let mut headers: Vec<_> = pairs(&seen["headers"]).filter(|(name, _)| !connection.contains(name)).collect();
    headers.sort_unstable();
    json!({"method": seen["method"], "path": seen["path"], "headers": headers, "body": seen["body"]})
}

/// A body without what differs between two runs of LiteLLM itself: elapsed times and addresses of objects.
fn noiseless(body: &Value) -> Value {
    let mut text = body.as_str().unwrap_or_default().to_owned();
    for (start, end) in [("time taken=", " seconds"), ("SSLContext object at 0x", ">")] {
        if let Some(from) = text.find(start).map(|at| at + start.len()) {
            let length = text[from..].find(end).unwrap_or(0);
            text.replace_range(from..from + length, "");
        }
    }
    Value::String(text)
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
    thinking,
    histories,
    betas,
    deployments,
    answers,
    costs,
    errors,
    phrases,
    refusals,
    failures,
    streams,
    stream_errors,
    odd_histories
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
