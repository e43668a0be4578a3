//! A stream of Anthropic's on `/v1/messages`.
#![no_main]

use crossfade_fuzz::stream::{Decoder, Script};
use libfuzzer_sys::fuzz_target;
use transform::ProviderFailure;
use transform::llms::anthropic::experimental_pass_through::messages::streaming_iterator::{MessageStream, Progress};

struct Messages(MessageStream);

impl Decoder for Messages {
    fn push(&mut self, piece: &[u8]) -> Progress {
        self.0.push(piece)
    }

    fn end(&mut self, end: Result<(), &ProviderFailure>) -> Progress {
        self.0.end(end)
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(script) = Script::read(input) else { return };
    let (headers, body) = script.answer();
    let told = script.decode(&body, || Messages(MessageStream::new("claude-sonnet-4-5", "claude", &headers)));
    // Events pass as they are, but for the model in the first and an error at the end.
    if let Ok(told) = told
        && headers.is_empty()
    {
        assert!(told.len() <= 4096 + 12 * body.len(), "{} of {}", told.len(), body.len());
    }
});
