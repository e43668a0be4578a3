//! Every recorded case of `/chat/completions` on Anthropic, played through the crate, against what the real LiteLLM did.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod chat_replay;

use std::path::{Path, PathBuf};

use chat_replay::{outcome, outcome_in_pieces, pairs};
use serde_json::{Value, json};
use transform::cost_calculator::PriceTable;

const CORPUS: &str = "chat_anthropic";
/// Streams by what they hold.
const STREAMS: &str = "chat_anthropic_stream";

fn folder(corpus: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus").join(corpus)
}

fn load(corpus: &str, file: &str) -> Vec<u8> {
    std::fs::read(folder(corpus).join(file)).expect("a recorded file")
}

fn cases(corpus: &str, theme: &str) -> Vec<Value> {
    serde_json::from_slice(&load(corpus, &format!("{theme}.json"))).expect("recorded cases")
}

fn table(corpus: &str) -> PriceTable {
    PriceTable::from_price_map_json(&load(corpus, "price_map.json")).expect("a price map")
}

fn check(corpus: &str, theme: &str) {
    let (table, cases) = (table(corpus), cases(corpus, theme));
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
    let (their_body, our_body) = (noiseless(&theirs["body"]), noiseless(&ours["body"]));
    if their_body != our_body {
        return told("body", &their_body, &our_body);
    }
    let has_length = their_body == theirs["body"] && our_body == ours["body"];
    let (their_headers, our_headers) = (client_headers(theirs, has_length), client_headers(ours, has_length));
    (their_headers != our_headers).then(|| told("headers", &their_headers, &our_headers)).flatten()
}

/// None is seen if the connection was refused; one that was reset is sent twice.
fn is_same_calls(case: &Value, outcome: &Value) -> bool {
    let (seen, sent) = (calls(case), calls(outcome));
    match seen.len() {
        0 => sent.is_empty() || case["deployment"]["api_base"] == "http://127.0.0.1:9",
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

/// A body without what differs between two runs of LiteLLM itself, elapsed times and addresses of objects, and without Python's
/// tracebacks, which nobody is told here.
fn noiseless(body: &Value) -> Value {
    let mut text = body.as_str().unwrap_or_default().to_owned();
    for (start, end) in [("time taken=", " seconds"), ("SSLContext object at 0x", ">")] {
        if let Some(from) = text.find(start).map(|at| at + start.len()) {
            let length = text[from..].find(end).unwrap_or(0);
            text.replace_range(from..from + length, "");
        }
    }
    if let Some(from) = text.find("\\nTraceback (most recent call last)") {
        let length = ["\", \"type\"", "\",\"type\""].into_iter().find_map(|end| text[from..].find(end)).unwrap_or(0);
        text.replace_range(from..from + length, "");
    }
    Value::String(text)
}

/// The length only of a body that was compared as it is.
fn client_headers(answer: &Value, has_length: bool) -> Value {
    let connection = ["date", "Connection", "Transfer-Encoding"];
    let kept = |name: &str| !connection.contains(&name) && (has_length || name != "content-length");
    json!(pairs(&answer["headers"]).filter(|(name, _)| kept(name)).collect::<Vec<_>>())
}

macro_rules! themes {
    ($corpus:expr; $($theme:ident),*) => {
        $(#[test] fn $theme() { super::check($corpus, stringify!($theme)); })*
    };
}

mod messages {
    themes!(
        super::CORPUS;
        requests,
        models,
        histories,
        tools,
        formats,
        deployments,
        answers,
        costs,
        errors,
        phrases,
        refusals,
        failures,
        streams,
        stream_errors,
        foreign_ids,
        refused_together,
        told_costs
    );
}

const STREAM_THEMES: [&str; 12] = [
    "texts",
    "tools",
    "thinking",
    "json_mode",
    "server_tools",
    "usages",
    "counted",
    "endings",
    "framing",
    "errors",
    "oddities",
    "names",
];

mod streamed {
    themes!(
        super::STREAMS;
        texts,
        tools,
        thinking,
        json_mode,
        server_tools,
        usages,
        counted,
        endings,
        framing,
        errors,
        oddities,
        names
    );
}

#[test]
fn how_a_stream_is_cut_does_not_show() {
    let table = table(STREAMS);
    for theme in STREAM_THEMES {
        for case in cases(STREAMS, theme).iter().filter(|case| case["answers"][0]["end"] == "clean") {
            let whole = outcome(case, &table);
            for size in [1, 3, 64, usize::MAX] {
                let cut = outcome_in_pieces(case, &table, Some(size));
                assert!(cut == whole, "{theme}/{} by {size}", case["name"]);
            }
        }
    }
}

#[test]
fn what_is_left_to_python() {
    let table = table(CORPUS);
    for case in cases(CORPUS, "declined") {
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
