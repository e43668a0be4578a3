//! Every recorded stream of Anthropic's, as a stream of chat completion chunks, against what the real LiteLLM wrote.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::{Map, Value};
use transform::cost_calculator::PriceTable;
use transform::llms::anthropic::chat::streaming::{ChatStream, Progress};
use transform::llms::base_llm::chat::transformation::Target;
use transform::proxy::anthropic_endpoints::answers::Served;
use transform::proxy::chat_endpoints::answers::stream_failed;
use transform::proxy::chat_endpoints::endpoints::{ChatRequest, parse};
use transform::{Exception, ProviderFailure};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/chat_anthropic_stream")
}

fn load(file: &str) -> Vec<u8> {
    std::fs::read(corpus().join(file)).expect("a recorded file")
}

fn table() -> PriceTable {
    PriceTable::from_price_map_json(&load("price_map.json")).expect("a price map")
}

fn cases(theme: &str) -> Vec<Value> {
    serde_json::from_slice(&load(&format!("{theme}.json"))).expect("recorded cases")
}

fn asked(case: &Value) -> ChatRequest {
    let body = case["client"]["body"].as_str().unwrap_or_default();
    parse(body.as_bytes(), &[], None).unwrap_or_else(|_| {
        let mut body: Value = serde_json::from_str(body).expect("a body");
        body.as_object_mut().expect("an object").retain(|key, _| {
            ["model", "messages", "stream", "stream_options", "tools", "response_format"].contains(&key.as_str())
        });
        parse(body.to_string().as_bytes(), &[], None).expect("a request")
    })
}

fn pieces(answer: &Value) -> Vec<Vec<u8>> {
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    if let Some(body) = answer["body_base64"].as_str() {
        return vec![base64(body)];
    }
    let piece = |piece: &Value| match piece["base64"].as_str() {
        Some(encoded) => base64(encoded),
        None => piece.as_str().unwrap_or_default().as_bytes().to_vec(),
    };
    answer["pieces"].as_array().into_iter().flatten().map(piece).collect()
}

fn end_of(answer: &Value) -> Option<ProviderFailure> {
    match answer["end"].as_str() {
        Some("close") => Some(ProviderFailure::CutChunked),
        Some("reset") => Some(ProviderFailure::Reset),
        Some("hang") => Some(ProviderFailure::Timeout { limit_seconds: 0.4, taken_seconds: 0.4 }),
        _ => None,
    }
}

struct Played {
    body: Result<Vec<u8>, Exception>,
    has_unknown_usage: bool,
}

fn play(case: &Value, table: &PriceTable, cut: impl Fn(Vec<Vec<u8>>) -> Vec<Vec<u8>>) -> Played {
    let request = asked(case);
    let deployment = case["deployment"].as_object().cloned().unwrap_or_default();
    let target = target(&deployment);
    let answer = &case["answers"][0];
    let headers: Vec<(String, String)> = serde_json::from_value(answer["headers"].clone()).expect("headers");
    let (id, created) = recorded_head(case);
    let mut stream = ChatStream::new(&request, &target, table, &headers, &id, created);
    let body = run(&mut stream, &cut(pieces(answer)), end_of(answer), table);
    Played { body, has_unknown_usage: stream.has_unknown_usage() }
}

fn target(deployment: &Map<String, Value>) -> Target<'_> {
    let text = |key: &str| deployment[key].as_str().expect("a text in the deployment");
    Target {
        model: text("model").trim_start_matches("anthropic/"),
        api_base: text("api_base"),
        api_key: text("api_key"),
        parameters: deployment,
        drop_params: None,
    }
}

fn run(
    stream: &mut ChatStream,
    pieces: &[Vec<u8>],
    end: Option<ProviderFailure>,
    table: &PriceTable,
) -> Result<Vec<u8>, Exception> {
    let mut body = Vec::new();
    for piece in pieces {
        match stream.push(piece, table) {
            Progress::Held => {}
            Progress::Frames(frames) => body.extend_from_slice(&frames),
            Progress::Failed(exception) => return Err(exception),
        }
    }
    match stream.end(end.as_ref().map_or(Ok(()), Err), table) {
        Progress::Frames(frames) => body.extend_from_slice(&frames),
        Progress::Failed(exception) => return Err(exception),
        Progress::Held => unreachable!("a stream that ended holds nothing"),
    }
    Ok(body)
}

/// LiteLLM's clock, and the id it made up.
fn recorded_head(case: &Value) -> (String, i64) {
    let body = case["response"]["body"].as_str().unwrap_or_default();
    let first = body.strip_prefix("data: ").and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    let first: Value = serde_json::from_str(first).unwrap_or_default();
    let id = first["id"].as_str().and_then(|id| id.strip_prefix("chatcmpl-")).unwrap_or_default();
    (id.to_owned(), first["created"].as_i64().unwrap_or_default())
}

fn written(played: &Result<Vec<u8>, Exception>) -> (u64, String) {
    match played {
        Ok(body) => (200, String::from_utf8_lossy(body).into_owned()),
        Err(exception) => {
            let served = Served {
                call_id: "",
                model_group: "",
                model_id: "",
                litellm_model: "",
                api_base: "",
                duration_ms: 0.0,
                overhead_ms: 0.0,
                attempted_retries: 0,
                max_retries: 0,
                is_cross_origin: false,
            };
            let answered = stream_failed(exception, &[], &served);
            (u64::from(answered.status), String::from_utf8_lossy(&answered.body).into_owned())
        }
    }
}

/// Without the tracebacks of Python, which aren't told.
fn untraced(body: &str) -> String {
    let Some(from) = body.find("\\nTraceback (most recent call last)") else { return body.to_owned() };
    let end = body[from..].find("\", \"type\"").or_else(|| body[from..].find("\",\"type\"")).unwrap_or(0);
    format!("{}{}", &body[..from], &body[from + end..])
}

fn difference(case: &Value, played: &Played) -> Option<String> {
    let theirs =
        (case["response"]["status"].as_u64()?, untraced(case["response"]["body"].as_str().unwrap_or_default()));
    let ours = written(&played.body);
    (theirs != ours).then(|| format!("{}\n  LiteLLM {theirs:?}\n  ours    {ours:?}", case["name"]))
}

fn check(theme: &str) {
    let (table, cases) = (table(), cases(theme));
    let streamed = cases.iter().filter(|case| case["answers"][0]["status"] == 200);
    let wrong: Vec<String> = streamed
        .filter_map(|case| {
            let played = play(case, &table, |pieces| pieces);
            match played.has_unknown_usage {
                true => Some(format!("{}: unknown usage", case["name"])),
                false => difference(case, &played),
            }
        })
        .collect();
    assert!(wrong.is_empty(), "{theme}: {} of {} differ\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

#[test]
fn however_it_is_cut() {
    let table = table();
    for theme in THEMES {
        for case in cases(theme).iter().filter(|case| case["answers"][0]["end"] == "clean") {
            let whole = written(&play(case, &table, |pieces| vec![pieces.concat()]).body);
            let sizes = [1, 3, 64];
            for size in sizes {
                let cut = |pieces: Vec<Vec<u8>>| pieces.concat().chunks(size).map(<[u8]>::to_vec).collect();
                assert!(written(&play(case, &table, cut).body) == whole, "{theme}/{} by {size}", case["name"]);
            }
        }
    }
}

macro_rules! themes {
    ($($theme:ident),*) => {
        const THEMES: &[&str] = &[$(stringify!($theme)),*];
        $(#[test] fn $theme() { check(stringify!($theme)); })*
    };
}

themes!(texts, tools, thinking, json_mode, server_tools, usages, counted, endings, framing, errors, oddities);

/// A file of other recordings, for development: `CHAT_RECORDINGS=file cargo test -p crossfade-transform --test chat_anthropic_streams`.
#[test]
fn recordings_from_elsewhere() {
    let Ok(file) = std::env::var("CHAT_RECORDINGS") else { return };
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(&file).expect("recordings")).expect("recorded cases");
    let map = std::path::Path::new(&file).with_file_name("price_map.json");
    let table = PriceTable::from_price_map_json(&std::fs::read(map).expect("a price map")).expect("a price map");
    let is_stream = |case: &&Value| {
        case["client"]["body"].as_str().is_some_and(|body| body.contains("\"stream\": true"))
            && case["answers"][0]["status"] == 200
    };
    let (mut wrong, mut unknown, mut played) = (Vec::new(), 0, 0);
    for case in cases.iter().filter(is_stream) {
        let outcome = play(case, &table, |pieces| pieces);
        played += 1;
        unknown += usize::from(outcome.has_unknown_usage);
        wrong.extend(difference(case, &outcome).filter(|_| !outcome.has_unknown_usage));
    }
    assert!(wrong.is_empty(), "{} of {played} differ, {unknown} unknown\n{}", wrong.len(), wrong.join("\n\n"));
}
