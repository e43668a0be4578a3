//! A stream of OpenAI's on `/chat/completions`.
#![no_main]

use crossfade_fuzz::stand::prices;
use crossfade_fuzz::stream::{Decoder, Script, assert_chunks};
use libfuzzer_sys::fuzz_target;
use serde_json::Map;
use transform::ProviderFailure;
use transform::llms::base_llm::chat::transformation::Target;
use transform::llms::openai::chat::streaming::{ChatStream, Progress};
use transform::proxy::chat_endpoints::endpoints::parse;

const PLAIN: &[u8] = br#"{"model":"gpt","messages":[{"role":"user","content":"hi"}],"stream":true}"#;
const WITH_USAGE: &[u8] =
    br#"{"model":"gpt","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}}"#;

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
    let asked = parse(if script.is_option(1) { WITH_USAGE } else { PLAIN }, &[], None).expect("a request");
    let parameters = Map::new();
    let target =
        Target { model: "gpt-4o", api_base: "http://p", api_key: "k", parameters: &parameters, drop_params: None };
    let (headers, body) = script.answer();
    if let Ok(told) = script.decode(&body, || Chat(ChatStream::new(&asked, &target, &headers, "id", 1))) {
        assert_chunks(&told, script.body.len().max(body.len()));
    }
});
