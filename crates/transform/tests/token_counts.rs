//! Token counts against what the real LiteLLM counted.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use transform::cost_calculator::PriceTable;
use transform::litellm_core_utils::token_counter::{Encoding, TokenCounter, Uncounted};
use transform::python::json_decode::loads;
use transform::python::{Dict, Text, Value, repr};

const ENCODINGS: [Encoding; 3] = [Encoding::Cl100kBase, Encoding::O200kBase, Encoding::Anthropic];
const BLOCK: u32 = 1024;
const DEPTH: usize = 100;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/token_counts")
}

/// Read as Python reads it: with lone surrogates.
fn rows(path: &Path) -> Value {
    loads(&std::fs::read(path).expect("a recorded file"), DEPTH).expect("recorded JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_list().expect("a list")
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(integer) => integer.digits().parse().ok(),
        _ => None,
    }
}

/// A text, or parts and how often each is repeated.
fn spelled(text: &Value) -> Text {
    let parts = match text {
        Value::Str(text) => return text.clone(),
        parts => list(parts),
    };
    let mut points = Vec::new();
    for part in parts {
        let [Value::Str(text), times] = list(part) else { panic!("a part without a number") };
        let once: Vec<u32> = text.code_points().collect();
        points.extend(once.repeat(number(times).expect("a number") as usize));
    }
    let text: Option<String> = points.iter().map(|point| char::from_u32(*point)).collect();
    text.map_or(Text::Surrogates(points), Text::Unicode)
}

fn check_texts(path: &Path) {
    let mut wrong = Vec::new();
    let rows = rows(path);
    for row in list(&rows) {
        let [text, counts @ ..] = list(row) else { panic!("an empty row") };
        for (encoding, expected) in ENCODINGS.iter().zip(counts) {
            let counted = encoding.count(&spelled(text));
            if counted.ok() != number(expected) {
                wrong.push(format!("{encoding:?} {counted:?}, not {}, of {}", repr(expected), repr(text)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), list(&rows).len(), wrong.join("\n"));
}

#[test]
fn texts() {
    check_texts(&corpus().join("texts.json"));
}

/// Other recordings, for development: `TOKEN_COUNTS=folder cargo test -p crossfade-transform --test token_counts`.
#[test]
fn texts_from_elsewhere() {
    if let Ok(folder) = std::env::var("TOKEN_COUNTS") {
        check_texts(&Path::new(&folder).join("texts.json"));
    }
}

#[test]
fn every_character() {
    let rows = rows(&corpus().join("characters.json"));
    for (block, counts) in list(&rows).iter().enumerate() {
        let points = block as u32 * BLOCK..(block as u32 + 1) * BLOCK;
        let around = |point: char| format!("a{point}1{point} {point}\n");
        let text: String = points.clone().filter_map(char::from_u32).map(around).collect();
        for (encoding, expected) in ENCODINGS.iter().zip(list(counts)) {
            let counted = encoding.count_str(&text).ok();
            assert_eq!(counted, number(expected), "{encoding:?} of U+{:04X} to U+{:04X}", points.start, points.end);
        }
    }
}

#[test]
fn messages() {
    let recorded = rows(&corpus().join("messages.json"));
    let recorded = recorded.as_dict().expect("an object");
    let map = transform::python::json_encode::json_dumps(recorded.get("price_map").expect("a price map"));
    let table = PriceTable::from_price_map_json(&map).expect("a price map");
    let (mut wrong, mut left) = (Vec::new(), 0);
    let cases = list(recorded.get("cases").expect("cases"));
    for case in cases.iter().filter_map(Value::as_dict) {
        match count(case, &table) {
            Err(Uncounted::NotReproduced) => left += 1,
            counted if counted.ok() == case.get("count").and_then(number) => {}
            counted => wrong.push(format!("{counted:?} of {}", repr(&Value::Dict(case.clone())))),
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(left * 50 < cases.len(), "{left} of {} are not counted", cases.len());
}

fn count(case: &Dict, table: &PriceTable) -> Result<u64, Uncounted> {
    let model = case.get("model").and_then(Value::as_str).expect("a model");
    let counter = TokenCounter::of(model, table).ok_or(Uncounted::NotReproduced)?;
    let messages = list(case.get("messages").expect("messages"));
    if messages.iter().any(|message| message.as_dict().is_none()) {
        return Err(Uncounted::Raised);
    }
    counter.messages(messages.iter().filter_map(Value::as_dict), case.get("tools"))
}
