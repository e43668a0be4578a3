//! A stream of Anthropic's on `/chat/completions`.
#![no_main]

use crossfade_fuzz::stand::prices;
use crossfade_fuzz::stream::{Decoder, Script, assert_chunks};
use libfuzzer_sys::fuzz_target;
use serde_json::Map;
use transform::ProviderFailure;
use transform::llms::anthropic::chat::streaming::{ChatStream, Progress};
use transform::llms::base_llm::chat::transformation::Target;
use transform::proxy::chat_endpoints::endpoints::parse;

const PLAIN: &[u8] = br#"{"model":"claude","messages":[{"role":"user","content":"hi"}],"stream":true}"#;
const WITH_USAGE: &[u8] = br#"{"model":"claude","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}}"#;
const WITH_SCHEMA: &[u8] = br#"{"model":"claude","messages":[{"role":"user","content":"hi"}],"stream":true,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}}}"#;

struct Chat(ChatStream);

impl Decoder for Chat {
    fn push(&mut self, piece: &[u8]) -> Progress {
        self.0.push(piece, prices())
    }

    fn end(&mut self, end: Result<(), &ProviderFailure>) -> Progress {
        self.0.end(end, prices())
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(script) = Script::read(input) else { return };
    let body = match (script.is_option(1), script.is_option(2)) {
        (_, true) => WITH_SCHEMA,
        (true, false) => WITH_USAGE,
        (false, false) => PLAIN,
    };
    let asked = parse(body, &[], None).expect("a request");
    let parameters = Map::new();
    let target = Target {
        model: "claude-3-7-sonnet",
        api_base: "http://p",
        api_key: "k",
        parameters: &parameters,
        drop_params: None,
    };
    let (headers, body) = script.answer();
    let told = script.decode(&body, || Chat(ChatStream::new(&asked, &target, prices(), &headers, "id", 1)));
    if let Ok(told) = told {
        assert_chunks(&told, script.body.len().max(body.len()));
    }
});
