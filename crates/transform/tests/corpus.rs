//! Every recorded case, played through the crate, against what the real LiteLLM did.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod replay;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use transform::cost_calculator::PriceTable;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/ocr")
}

fn load(file: &str) -> Vec<u8> {
    std::fs::read(corpus().join(file)).expect("a recorded file")
}

fn check(theme: &str, may_decline: impl Fn(&str) -> bool) {
    let table = PriceTable::from_price_map_json(&load("price_map.json")).expect("a price map");
    let cases: Vec<Value> = serde_json::from_slice(&load(&format!("{theme}.json"))).expect("recorded cases");
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case["name"].as_str().expect("a name");
        let outcome = replay::outcome(case, &table);
        match outcome["declined"].as_str() {
            Some(_) if may_decline(name) => {}
            Some(reason) => wrong.push(format!("{theme}/{name}: declined, {reason}")),
            None => wrong.extend(differences(case, &outcome).map(|text| format!("{theme}/{name}: {text}"))),
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases differ\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

/// The first difference, if any: the provider request, then status, headers and body of the client's answer.
fn differences(case: &Value, outcome: &Value) -> Option<String> {
    let told = |what: &str, left: &Value, right: &Value| Some(format!("{what}\n  LiteLLM {left}\n  ours    {right}"));
    let seen = case["provider"].as_array().and_then(|seen| seen.first());
    if outcome["provider"].is_null() && seen.is_some() {
        return told("LiteLLM calls the provider, we refuse", &case["provider"], &outcome["response"]);
    }
    if let Some(seen) = seen {
        let (theirs, ours) = (provider_seen(seen), provider_sent(&outcome["provider"]));
        if theirs != ours {
            return told("provider request", &theirs, &ours);
        }
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

fn provider_seen(seen: &Value) -> Value {
    let connection = ["host", "connection", "content-length"];
    let headers: Vec<_> = replay::pairs(&seen["headers"]).filter(|(name, _)| !connection.contains(name)).collect();
    json!({"method": seen["method"], "path": seen["path"], "headers": headers, "body": seen["body"]})
}

fn provider_sent(sent: &Value) -> Value {
    let url = sent["url"].as_str().unwrap_or_default();
    let path = url.splitn(4, '/').nth(3).map_or_else(String::new, |path| format!("/{path}"));
    json!({"method": sent["method"], "path": path, "headers": sent["headers"], "body": sent["body"]})
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
    let kept = |name: &str| !["date", "Connection"].contains(&name) && (own_body || name != "content-length");
    json!(replay::pairs(&answer["headers"]).filter(|(name, _)| kept(name)).collect::<Vec<_>>())
}

macro_rules! themes {
    ($($theme:ident),*) => {
        $(#[test] fn $theme() { check(stringify!($theme), |_| false); })*
    };
}

themes!(
    requests,
    forms,
    refused,
    answers,
    validation,
    not_json,
    statuses,
    phrases,
    redaction,
    costs,
    failures,
    deployments
);

#[test]
fn what_is_left_to_python() {
    check("declined", |_| true);
    let cases: Vec<Value> = serde_json::from_slice(&load("declined.json")).expect("recorded cases");
    let table = PriceTable::default();
    for case in &cases {
        let called = case["provider"].as_array().is_some_and(|seen| !seen.is_empty());
        let outcome = replay::outcome(case, &table);
        assert!(outcome["declined"].is_string(), "{} is served, the provider is called: {called}", case["name"]);
    }
}
