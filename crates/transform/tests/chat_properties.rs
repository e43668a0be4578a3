//! Whatever a provider or a client of `/chat/completions` sends, there is an answer, and how a stream was cut doesn't show.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use transform::cost_calculator::PriceTable;
use transform::llms::openai::chat::streaming::{ChatStream, EVENT_BYTES_MAX, Progress};
use transform::llms::openai::chat::transformation::{Circumstances, Target, outbound, response};
use transform::proxy::anthropic_endpoints::answers::Served;
use transform::proxy::chat_endpoints::answers::{Failed, error, stream_failed, success};
use transform::proxy::chat_endpoints::endpoints::{ChatRequest, parse};
use transform::proxy::common_request_processing::GivenUp;
use transform::{Exception, ProviderFailure, ProviderResponse};

const CIRCUMSTANCES: Circumstances<'static> = Circumstances { fallback_id: "id", now: 1 };

fn served() -> Served<'static> {
    Served {
        call_id: "id",
        model_group: "gpt",
        model_id: "d",
        litellm_model: "openai/m",
        api_base: "http://provider",
        duration_ms: 1.0,
        overhead_ms: 0.5,
        attempted_retries: 1,
        max_retries: 2,
        is_cross_origin: true,
    }
}

fn table() -> PriceTable {
    let map = br#"{"gpt-5": {"litellm_provider": "openai", "input_cost_per_token": 1e-6, "input_cost_per_token_above_272k_tokens": 2e-6}}"#;
    PriceTable::from_price_map_json(map).expect("a price map")
}

/// Whether a stream without a usage, asked for by these words, is counted as LiteLLM counts it.
fn is_counted(model: &str, content: &str) -> bool {
    let body = format!(
        r#"{{"model":"{model}","stream":true,"stream_options":{{"include_usage":true}},"messages":[{{"role":"user","content":{content}}}]}}"#
    );
    let asked = parse(body.as_bytes(), &[], None).expect("a request");
    let parameters = serde_json::Map::new();
    let target = Target { model: "m", api_base: "b", api_key: "k", parameters: &parameters, drop_params: None };
    let mut stream = ChatStream::new(&asked, &target, &[], "id", 1);
    let piece = br#"data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"hi"}}]}

"#;
    stream.push(piece, &table());
    stream.end(Ok(()), &table());
    !stream.has_unknown_usage()
}

#[test]
fn what_litellm_would_have_to_fetch_is_unknown() {
    let picture = |url: &str, detail: &str| {
        format!(r#"[{{"type":"image_url","image_url":{{"url":"{url}","detail":"{detail}"}}}}]"#)
    };
    let cases = [
        ("gpt", r#""hi""#.to_owned(), true),
        ("my-llama-3", r#""hi""#.to_owned(), false),
        ("Llama-2", r#""hi""#.to_owned(), false),
        ("replicate/x", r#""hi""#.to_owned(), false),
        ("gpt", picture("https://example.com/a.png", "low"), true),
        ("gpt", picture("https://example.com/a.png", "high"), false),
        ("gpt", picture("data:image/png;base64,YQ==", "high"), true),
    ];
    for (model, content, is_exact) in cases {
        assert_eq!(is_counted(model, &content), is_exact, "{model} {content}");
    }
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(words), 0..30).prop_map(|words| words.concat().into_bytes())
}

/// Texts that are a stream now and then.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    words(&[
        "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"h\u{e9}\"}}],\"system_fingerprint\":\"f\"}\r\n\r\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"name\":\"a\"}}]}}]}\r\r",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1e400,\"completion_tokens\":{}}}\n\n",
        "data: {\"error\":{\"message\":\"boom\"}}\n\n",
        "data: [DONE]\n\n",
        "event: x\n",
        "id: 1\n",
        "retry: 5\n",
        ": comment\n",
        "data: {",
        "}",
        "\n\n",
        "\n",
        "\r\n",
        "\r",
        "😀",
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
        "\"choices\":[{\"message\":",
        "\"usage\":{\"prompt_tokens\":",
        "\"tool_calls\":",
        "\"function\":",
        "\"logprobs\":",
        "\"error\":",
        "\"a\"",
        "1",
        "-0",
        "1e400",
        "NaN",
        "null",
        "\\u",
        "\"",
        "\u{feff}",
        "\u{e9}",
        "{\"content\":\"<think>a</think>b\"}",
        "}]}",
        "\"\\ud800\"",
    ])
}

fn asked(body: &str) -> ChatRequest {
    parse(body.as_bytes(), &[], None).expect("a request that is served")
}

fn target(parameters: &serde_json::Map<String, serde_json::Value>) -> Target<'_> {
    Target { model: "gpt-5", api_base: "http://p", api_key: "k", parameters, drop_params: None }
}

/// The bytes a client gets, or the failure instead.
fn outcome(
    pieces: &[&[u8]],
    end: Result<(), &ProviderFailure>,
    headers: &[(String, String)],
) -> Result<Vec<u8>, Exception> {
    let (parameters, table) = (serde_json::Map::new(), table());
    let asked = asked(r#"{"model":"gpt","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#);
    let mut stream = ChatStream::new(&asked, &target(&parameters), headers, "id", 1);
    let mut body = Vec::new();
    for piece in pieces {
        match stream.push(piece, &table) {
            Progress::Held => assert!(!stream.has_head()),
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

fn cut(bytes: &[u8], size: usize) -> Vec<&[u8]> {
    bytes.chunks(size.max(1)).collect()
}

proptest! {
    #[test]
    fn how_a_stream_is_cut_does_not_show(bytes in streams(), size in 1usize..50, fails in any::<bool>()) {
        let end = if fails { Err(&ProviderFailure::CutChunked) } else { Ok(()) };
        let whole = outcome(&[&bytes], end, &[]);
        let told = |outcome: &Result<Vec<u8>, Exception>| match outcome {
            Ok(body) => String::from_utf8_lossy(body).into_owned(),
            Err(exception) => exception.message.clone(),
        };
        prop_assert_eq!(told(&outcome(&cut(&bytes, 1), end, &[])), told(&whole));
        prop_assert_eq!(told(&outcome(&cut(&bytes, size), end, &[])), told(&whole));
    }

    #[test]
    fn every_stream_has_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300), size in 1usize..50, gzip in any::<bool>()) {
        let headers = if gzip { vec![("content-encoding".to_owned(), "gzip".to_owned())] } else { Vec::new() };
        match outcome(&cut(&bytes, size), Ok(()), &headers) {
            Ok(body) => prop_assert!(body.ends_with(b"\n\n")),
            Err(exception) => {
                let answered = stream_failed(&exception, &headers, &served());
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&answered.body).is_ok());
            }
        }
    }

    #[test]
    fn every_answer_has_an_answer(status in 200u16..600, body in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), fragments()]) {
        let parameters = serde_json::Map::new();
        let provider = ProviderResponse { status, headers: Vec::new(), body: body.into() };
        let answered = match response(Ok(&provider), &target(&parameters), &CIRCUMSTANCES) {
            Ok(completion) => {
                let asked = asked(r#"{"model":"gpt","messages":[]}"#);
                let cost = completion.cost(&provider.headers, &asked, &target(&parameters), &table());
                success(&completion, &provider.headers, &served(), cost)
            }
            Err(failure) => {
                let given_up = GivenUp { model_group: "gpt", retries: None };
                let failed = Failed { call_id: "id", timeout: "600.0", is_cross_origin: false };
                error(&failure, &given_up, &provider.headers, &failed)
            }
        };
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&answered.body).is_ok());
    }

    #[test]
    fn every_request_is_read_or_declined(body in fragments(), content in fragments(), tools in fragments()) {
        let parameters = serde_json::Map::new();
        let target = target(&parameters);
        let (content, tools) = (String::from_utf8_lossy(&content), String::from_utf8_lossy(&tools));
        let wrapped = format!(
            "{{\"model\":\"c\",\"messages\":[{{\"role\":\"user\",\"content\":[{content}]}}],\"tools\":[{tools}],\"stream\":true}}"
        );
        for body in [&*body, wrapped.as_bytes()] {
            if let Ok(asked) = parse(body, &[], None)
                && let Ok(Ok(sent)) = outbound(&asked, &target, &table(), 600.0)
            {
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&sent.body).is_ok());
            }
        }
    }
}

#[test]
fn an_event_is_bounded() {
    let (parameters, table) = (serde_json::Map::new(), table());
    let asked = asked(r#"{"model":"gpt","messages":[],"stream":true}"#);
    let mut stream = ChatStream::new(&asked, &target(&parameters), &[], "id", 1);
    assert_eq!(stream.push(&vec![b'x'; EVENT_BYTES_MAX], &table), Progress::Held);
    assert!(matches!(stream.push(b"x", &table), Progress::Failed(_)));
}

#[test]
fn depth_never_overflows_the_stack() {
    let parameters = serde_json::Map::new();
    for open in ["[", "{\"a\":"] {
        let body = open.repeat(1_000_000);
        let provider = ProviderResponse { status: 200, headers: Vec::new(), body: body.clone().into() };
        assert!(response(Ok(&provider), &target(&parameters), &CIRCUMSTANCES).is_err());
        assert!(parse(body.as_bytes(), &[], None).is_err());
        assert!(outcome(&[format!("data: {body}\n\n").as_bytes()], Ok(()), &[]).is_err());
    }
}
