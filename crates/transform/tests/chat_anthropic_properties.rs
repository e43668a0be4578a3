//! Whatever Anthropic streams, there is an answer, and how it was cut doesn't show.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use transform::cost_calculator::PriceTable;
use transform::llms::anthropic::chat::streaming::{ChatStream, LINE_BYTES_MAX, Progress};
use transform::llms::base_llm::chat::transformation::Target;
use transform::proxy::chat_endpoints::endpoints::{ChatRequest, parse};
use transform::{Exception, ProviderFailure};

fn table() -> PriceTable {
    let map = br#"{"claude-sonnet-4-5": {"litellm_provider": "anthropic", "input_cost_per_token": 1e-6}}"#;
    PriceTable::from_price_map_json(map).expect("a price map")
}

fn asked(format: bool) -> ChatRequest {
    let mut body = json!({
        "model": "claude", "messages": [{"role": "user", "content": "hi"}], "stream": true,
        "stream_options": {"include_usage": true},
    });
    if format {
        body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {}}});
    }
    parse(body.to_string().as_bytes(), &[], None).expect("a request that is served")
}

fn target(parameters: &Map<String, Value>) -> Target<'_> {
    Target { model: "claude-sonnet-4-5", api_base: "http://p", api_key: "k", parameters, drop_params: None }
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(words), 0..30).prop_map(|words| words.concat().into_bytes())
}

/// Texts that are a stream now and then.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    words(&[
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n",
        "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":\"a\"}}\r\n\r\n",
        "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"json_tool_call\"}}\n\n",
        "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\"}}\n\n",
        "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"s\",\"content\":[]}}\n",
        "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"bash_code_execution_tool_result\",\"tool_use_id\":\"s\"}}\n\n",
        "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"d\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"h\u{e9}\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"\\ud800\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"query\\\":\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"signature_delta\",\"signature\":\"s\"}}\r\r",
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"citation\":[NaN,1e400,\"\\ud800\"]}}\n\n",
        "data: {\"type\":\"content_block_stop\"}\n\n",
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}\n\n",
        "data: {\"type\":\"message_delta\",\"delta\":{\"container\":{\"id\":\"c\"}},\"usage\":{\"output_tokens\":-9e99}}\n",
        "data: {\"type\":\"message_stop\"}\n\n",
        "data: {\"type\":\"error\",\"error\":{\"message\":\"boom\"}}\n\n",
        "event: ping\n",
        ": comment\n",
        "data: {",
        "data:\"type\":\"x\"}",
        "data: ",
        "}",
        "\u{2028}",
        "\u{85}",
        "\n\n",
        "\n",
        "\r\n",
        "\r",
        "😀",
        "\u{feff}",
    ])
}

const EVENTS: &[&str] =
    &["message_start", "message_delta", "content_block_start", "content_block_delta", "content_block_stop", "error"];

const FIELDS: &[&str] = &[
    "message",
    "usage",
    "delta",
    "content_block",
    "error",
    "text",
    "partial_json",
    "thinking",
    "signature",
    "citation",
    "content",
    "stop_reason",
    "container",
    "iterations",
    "cache_creation",
    "server_tool_use",
    "input_tokens",
    "output_tokens",
    "output_tokens_details",
    "thinking_tokens",
    "cache_read_input_tokens",
    "name",
    "id",
    "input",
    "caller",
    "data",
    "tool_use_id",
    "stdout",
    "command",
    "type",
];

const KINDS: &[&str] = &[
    "text",
    "tool_use",
    "server_tool_use",
    "redacted_thinking",
    "compaction",
    "web_search_tool_result",
    "bash_code_execution_tool_result",
    "input_json_delta",
    "compaction_delta",
    "text_delta",
    "x",
];

/// Objects whose members and types a stream knows, in places where it does not expect them.
fn values() -> impl Strategy<Value = Value> {
    let (field, kind) = (prop::sample::select(FIELDS), prop::sample::select(KINDS));
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z\"é{}]{0,4}".prop_map(Value::from),
        kind.clone().prop_map(Value::from),
        Just(json!("web_search")),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            (kind.clone(), prop::collection::vec((field.clone(), inner), 0..6)).prop_map(|(kind, fields)| {
                let mut object: Map<String, Value> = Map::new();
                object.insert("type".to_owned(), Value::from(kind));
                object.extend(fields.into_iter().map(|(field, value)| (field.to_owned(), value)));
                Value::Object(object)
            }),
        ]
    })
}

/// JSON-like text: events that parse now and then.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let places = ["message", "delta", "content_block", "usage", "error"];
    let events = prop::collection::vec((prop::sample::select(EVENTS), prop::collection::vec(values(), 5)), 0..8);
    events.prop_map(move |events| {
        let line = |(event, values): (&str, Vec<Value>)| {
            let mut object: Map<String, Value> = Map::new();
            object.insert("type".to_owned(), Value::from(event));
            object.extend(places.iter().map(|place| (*place).to_owned()).zip(values));
            format!("data: {}\n\n", Value::Object(object))
        };
        events.into_iter().map(line).collect::<String>().into_bytes()
    })
}

/// The bytes a client gets, or the failure instead.
fn outcome(pieces: &[&[u8]], end: Result<(), &ProviderFailure>, format: bool) -> Result<Vec<u8>, Exception> {
    let (parameters, table) = (Map::new(), table());
    let mut stream = ChatStream::new(&asked(format), &target(&parameters), &table, &[], "id", 1);
    let mut body = Vec::new();
    for piece in pieces {
        match stream.push(piece, &table) {
            Progress::Held => assert!(!stream.has_head() && !stream.is_done()),
            Progress::Frames(frames) => body.extend_from_slice(&frames),
            Progress::Failed(exception) => return Err(exception),
        }
    }
    match stream.end(end, &table) {
        Progress::Frames(frames) => body.extend_from_slice(&frames),
        Progress::Failed(exception) => return Err(exception),
        Progress::Held => unreachable!("a stream that ended holds nothing"),
    }
    assert!(stream.is_done());
    Ok(body)
}

fn check_frames(body: &[u8]) -> Result<(), TestCaseError> {
    let text = std::str::from_utf8(body).expect("UTF-8");
    let frames = text.strip_suffix("\n\n").expect("whole frames");
    for frame in frames.split("\n\n") {
        let data = frame.strip_prefix("data: ").expect("data");
        prop_assert!(data == "[DONE]" || serde_json::from_str::<Value>(data).is_ok(), "{data}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn how_a_stream_is_cut_does_not_show(text in streams(), sizes in prop::collection::vec(1usize..40, 1..50), format in any::<bool>()) {
        let whole = outcome(&[&text], Ok(()), format);
        let (mut pieces, mut rest) = (Vec::new(), &text[..]);
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        prop_assert_eq!(&outcome(&pieces, Ok(()), format), &whole);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        prop_assert_eq!(&outcome(&bytes, Ok(()), format), &whole);
    }

    #[test]
    fn every_stream_has_an_answer(text in prop_oneof![streams(), prop::collection::vec(any::<u8>(), 0..300)], is_cut in any::<bool>()) {
        let failure = ProviderFailure::CutChunked;
        let end = if is_cut { Err(&failure) } else { Ok(()) };
        if let Ok(body) = outcome(&[&text], end, is_cut) {
            check_frames(&body)?;
        }
    }

    #[test]
    fn every_event_has_an_answer(text in fragments(), format in any::<bool>()) {
        if let Ok(body) = outcome(&[&text], Ok(()), format) {
            check_frames(&body)?;
        }
    }
}

#[test]
fn a_line_is_bounded() {
    let (parameters, table) = (Map::new(), table());
    let mut stream = ChatStream::new(&asked(false), &target(&parameters), &table, &[], "id", 1);
    assert_eq!(stream.push(&vec![b'x'; LINE_BYTES_MAX], &table), Progress::Held);
    assert!(matches!(stream.push(b"x", &table), Progress::Failed(_)));
}

#[test]
fn what_is_put_together_is_bounded() {
    let (parameters, table) = (Map::new(), table());
    let mut stream = ChatStream::new(&asked(false), &target(&parameters), &table, &[], "id", 1);
    let line = format!("data: {}\n", "[".repeat(LINE_BYTES_MAX / 4));
    let taken = (0..4).map(|_| stream.push(line.as_bytes(), &table)).find(|progress| *progress != Progress::Held);
    assert!(matches!(taken, Some(Progress::Failed(_))));
}

#[test]
fn depth_never_overflows_the_stack() {
    for open in ["[", "{\"a\":"] {
        let body = open.repeat(1_000_000);
        assert!(outcome(&[format!("data: {body}\n\n").as_bytes()], Ok(()), false).is_err());
        let fragments = format!("data: x\n\ndata: {body}}}\n\n");
        assert!(outcome(&[fragments.as_bytes()], Ok(()), false).is_ok());
    }
}
