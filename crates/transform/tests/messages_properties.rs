//! Whatever a provider or a client of `/v1/messages` sends, there is an answer, and how a stream was cut doesn't show.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use transform::cost_calculator::PriceTable;
use transform::cost_calculator::anthropic::message_cost;
use transform::llms::anthropic::experimental_pass_through::messages::streaming_iterator::{
    HELD_BYTES_MAX, HELD_EVENTS_MAX, MessageStream, Progress,
};
use transform::llms::anthropic::experimental_pass_through::messages::transformation::{
    Target, outbound, response, second_request,
};
use transform::proxy::anthropic_endpoints::answers::{Served, stream_failed, success};
use transform::proxy::anthropic_endpoints::count_tokens;
use transform::proxy::anthropic_endpoints::endpoints::parse;
use transform::{Exception, ProviderFailure, ProviderResponse};

const START: &str = "event: message_start\ndata: {\"type\": \"message_start\", \"message\": {\"model\": \"m\"}}\n\n";
const DELTA: &str = "event: content_block_delta\ndata: {\"type\": \"content_block_delta\"}\n\n";

fn served() -> Served<'static> {
    Served {
        call_id: "id",
        model_group: "claude",
        model_id: "d",
        litellm_model: "anthropic/m",
        api_base: "http://provider",
        duration_ms: 1.0,
        overhead_ms: 0.5,
        attempted_retries: 1,
        max_retries: 2,
        is_cross_origin: true,
    }
}

fn table() -> PriceTable {
    let map = br#"{"claude-opus-4-8": {"litellm_provider": "anthropic", "input_cost_per_token": 1e-6, "supports_adaptive_thinking": true}}"#;
    PriceTable::from_price_map_json(map).expect("a price map")
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(words), 0..30).prop_map(|words| words.concat().into_bytes())
}

/// Texts that are a stream now and then.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    words(&[
        START,
        DELTA,
        "event: ping\ndata: {\"type\": \"ping\"}\n\n",
        "event: error\ndata: {\"type\": \"error\", \"error\": {\"type\": \"overloaded_error\", \"message\": \"é\"}}\n\n",
        "event: error\ndata: {\"type\": \"error\", \"error\": {\"type\": \"invalid_request_error\"}}\r\n\r\n",
        "event: content_block_start\ndata: {}\r\r",
        "event: message_start\n",
        "data: {\"type\":\"message_start\",\"message\":{}}",
        "data: {",
        "\n\n",
        "\n",
        "\r\n",
        "\r",
        "😀",
        "\u{2028}",
        ": comment\n\n",
    ])
}

/// JSON-like text: fragments that parse now and then.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    words(&[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"usage\":",
        "\"input_tokens\":",
        "\"cache_creation\":",
        "\"iterations\":",
        "\"model\":",
        "\"a\"",
        "1",
        "-0",
        "1e400",
        "NaN",
        "null",
        "\\u",
        "\\",
        "\"",
        "\u{feff}",
        "é",
        "{\"usage\":{",
        "\"output_tokens\":1",
        "}}",
        "\"\\ud800\"",
    ])
}

/// Items of a list, some of them what somebody could mean there.
fn blocks() -> impl Strategy<Value = String> {
    const BLOCKS: [&str; 16] = [
        "1",
        "\"a\"",
        "{}",
        "{\"type\":\"text\",\"text\":\"<META> é\"}",
        "{\"type\":\"text\",\"text\":{}}",
        "{\"type\":\"image\",\"source\":{\"type\":\"url\"}}",
        "{\"type\":\"document\",\"source\":{\"type\":\"content\",\"content\":[{\"type\":\"text\"}]},\"title\":\"t\"}",
        "{\"type\":\"document\",\"source\":{\"type\":\"content\",\"content\":{}}}",
        "{\"type\":\"tool_use\",\"name\":\"n\",\"input\":{\"a\":[1.5,null,true]}}",
        "{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[\"a\"]}",
        "{\"type\":\"tool_result\"}",
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:,YQ==\",\"detail\":\"high\"}}",
        "{\"type\":\"other\"}",
        "{\"name\":\"n\",\"input_schema\":{\"properties\":{\"a\":{\"type\":\"string\",\"enum\":[1,\"b\"]}},\"required\":[\"a\"]}}",
        "{\"name\":\"n\",\"input_schema\":{\"properties\":{\"a\":{\"type\":\"array\"}}}}",
        "{\"name\":5,\"parameters\":{\"properties\":[]}}",
    ];
    prop::collection::vec(prop::sample::select(&BLOCKS[..]), 0..5).prop_map(|blocks| blocks.join(","))
}

/// The bytes a client gets, or the failure instead.
fn outcome(pieces: &[&[u8]], end: Result<(), &ProviderFailure>) -> Result<Vec<u8>, Exception> {
    let mut stream = MessageStream::new("m", "claude", &[]);
    let mut body = Vec::new();
    for piece in pieces {
        match stream.push(piece) {
            Progress::Held => assert!(!stream.has_head()),
            Progress::Frames(frames) => body.extend_from_slice(&frames),
            Progress::Failed(exception) => return Err(exception),
        }
    }
    match stream.end(end) {
        Progress::Frames(frames) => body.extend_from_slice(&frames),
        Progress::Failed(exception) => return Err(exception),
        Progress::Held => unreachable!("a stream that ended holds nothing"),
    }
    assert!(stream.is_done());
    Ok(body)
}

fn cut(bytes: &[u8], size: usize) -> Vec<&[u8]> {
    bytes.chunks(size.max(1)).collect()
}

proptest! {
    #[test]
    fn how_a_stream_is_cut_does_not_show(bytes in streams(), size in 1usize..50, fails in any::<bool>()) {
        let end = if fails { Err(&ProviderFailure::CutChunked) } else { Ok(()) };
        let whole = outcome(&[&bytes], end);
        prop_assert_eq!(&outcome(&cut(&bytes, 1), end), &whole);
        prop_assert_eq!(&outcome(&cut(&bytes, size), end), &whole);
    }

    #[test]
    fn every_stream_has_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300), size in 1usize..50, gzip in any::<bool>()) {
        let headers = if gzip { vec![("content-encoding".to_owned(), "gzip".to_owned())] } else { Vec::new() };
        let mut stream = MessageStream::new("m", "claude", &headers);
        for piece in cut(&bytes, size) {
            if let Progress::Failed(exception) = stream.push(piece) {
                let answered = stream_failed(&exception, &headers, &served());
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&answered.body).is_ok());
            }
        }
        let ended = stream.end(Ok(()));
        prop_assert!(matches!(ended, Progress::Frames(_)));
    }

    #[test]
    fn every_answer_has_an_answer(status in 200u16..600, body in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), fragments()]) {
        let provider = ProviderResponse { status, headers: Vec::new(), body: body.into() };
        if let Ok(message) = response(Ok(&provider), "m") {
            let cost = message_cost(&table(), message.body(), "claude-opus-4-8");
            let answered = success(&message, &served(), cost);
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&answered.body).is_ok());
        }
    }

    #[test]
    fn every_count_is_made_or_declined(content in blocks(), tools in blocks(), system in blocks()) {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{content}]}}],"tools":[{tools}],"system":[{system}]}}"#);
        if let Ok(asked) = count_tokens::parse(body.as_bytes(), &[]) {
            for model in ["m", "claude-opus-4-8", "llama-3"] {
                let is_countable = asked.check_local_count(model, &table()).is_ok();
                prop_assert_eq!(asked.local_count(model, &table()).is_ok(), is_countable);
            }
        }
    }

    #[test]
    fn every_request_is_read_or_declined(body in fragments(), content in fragments(), thinking in fragments()) {
        let parameters = serde_json::Map::new();
        let target = Target { model: "claude-opus-4-8", api_base: "http://p", api_key: "k", parameters: &parameters, drop_params: None };
        let (content, thinking) = (String::from_utf8_lossy(&content), String::from_utf8_lossy(&thinking));
        let wrapped = format!(
            "{{\"model\":\"c\",\"max_tokens\":9000,\"messages\":[{{\"role\":\"user\",\"content\":[{content}]}}],\"thinking\":{thinking}}}"
        );
        for body in [&*body, wrapped.as_bytes()] {
            if let Ok(asked) = parse(body, &[]) {
                let sent = outbound(&asked, &target, &table()).ok().and_then(Result::ok);
                prop_assert!(sent.is_some_and(|sent| serde_json::from_slice::<serde_json::Value>(&sent.body).is_ok()));
                let refused = ProviderResponse { status: 400, headers: Vec::new(), body: "thinking: invalid signature".into() };
                prop_assert!(second_request(&asked, &target, &table(), &refused).is_some());
            }
        }
    }
}

#[test]
fn what_is_held_is_bounded() {
    let event = "event: content_block_start\ndata: {}\n\n";
    let mut stream = MessageStream::new("m", "claude", &[]);
    for _ in 1..HELD_EVENTS_MAX {
        assert_eq!(stream.push(event.as_bytes()), Progress::Held);
    }
    assert_eq!(stream.push(event.as_bytes()), Progress::Frames(event.repeat(HELD_EVENTS_MAX).into()));
    assert_eq!(stream.push(event.as_bytes()), Progress::Frames(event.into()));

    let mut endless = MessageStream::new("m", "claude", &[]);
    assert_eq!(endless.push(&vec![b'x'; HELD_BYTES_MAX]), Progress::Held);
    assert_eq!(endless.push(b"x"), Progress::Frames(vec![b'x'; HELD_BYTES_MAX + 1].into()));
}

/// Found by fuzzing: in one piece, what stands behind the last event that is held was looked at too.
#[test]
fn what_is_held_is_bounded_in_one_piece_too() {
    let error =
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"boom\"}}\n\n";
    let held = "event: content_block_start\ndata: {}\n\n";
    let long = format!("event: content_block_start\ndata: {}\n\n", "x".repeat(HELD_BYTES_MAX));
    for (events, fails) in [
        (held.repeat(HELD_EVENTS_MAX - 1), true),
        (held.repeat(HELD_EVENTS_MAX), false),
        ("\n\n".repeat(HELD_EVENTS_MAX), false),
        (long, false),
    ] {
        let text = events + error;
        let whole = outcome(&[text.as_bytes()], Ok(()));
        assert_eq!(whole.is_err(), fails, "{} bytes", text.len());
        assert_eq!(outcome(&cut(text.as_bytes(), 1000), Ok(())), whole);
    }
}

#[test]
fn a_keepalive_sends_the_head() {
    let mut stream = MessageStream::new("m", "claude", &[]);
    assert_eq!(stream.push(START.as_bytes()), Progress::Held);
    assert!(stream.keepalive().starts_with(b"event: ping"));
    let failed = stream.end(Err(&ProviderFailure::CutChunked));
    assert!(matches!(failed, Progress::Frames(frame) if frame.starts_with(b"data: {\"error\":")));
}

#[test]
fn a_long_first_event_keeps_its_model() {
    let text = "x".repeat(70_000);
    let start = START.replace("\"model\"", &format!("\"text\": \"{text}\", \"model\""));
    let body = outcome(&[start.as_bytes(), DELTA.as_bytes()], Ok(())).expect("a stream");
    assert_eq!(body, [start.as_bytes(), DELTA.as_bytes()].concat());
}

#[test]
fn depth_never_overflows_the_stack() {
    for open in ["[", "{\"a\":"] {
        let body = open.repeat(1_000_000);
        let provider = ProviderResponse { status: 200, headers: Vec::new(), body: body.clone().into() };
        assert!(response(Ok(&provider), "m").is_err());
        assert!(parse(body.as_bytes(), &[]).is_err());
        let event = format!("event: error\ndata: {body}\n\n");
        assert!(outcome(&[event.as_bytes()], Ok(())).is_ok());
    }
}
