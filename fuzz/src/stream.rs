//! One provider stream through a decoder: whole, and in other pieces.

use std::io::Write;

use transform::llms::anthropic::chat::streaming::Progress;
use transform::{Exception, ProviderFailure};

use crate::pieces::cut;

/// An input, read as bytes that steer and bytes of a stream.
pub struct Script<'a> {
    pub options: u8,
    seed: u8,
    pub body: &'a [u8],
}

impl<'a> Script<'a> {
    /// None of an input that steers nothing.
    pub fn read(input: &'a [u8]) -> Option<Self> {
        let [options, seed, body @ ..] = input else { return None };
        Some(Self { options: *options, seed: *seed, body })
    }

    pub fn is_option(&self, bit: u8) -> bool {
        self.options & 1 << bit != 0
    }

    /// The headers of the provider's answer, and its body as they say it is encoded.
    pub fn answer(&self) -> (Vec<(String, String)>, Vec<u8>) {
        let encoding = match self.options >> 6 {
            1 => "gzip",
            // Bytes that claim to be encoded, and mostly are not.
            2 => return (vec![("content-encoding".to_owned(), "gzip".to_owned())], self.body.to_vec()),
            _ => return (Vec::new(), self.body.to_vec()),
        };
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(self.body).expect("a Vec takes all");
        (vec![("content-encoding".to_owned(), encoding.to_owned())], encoder.finish().expect("a Vec takes all"))
    }

    /// Decodes the answer whole, byte by byte and in pieces, and fails unless the client gets the same.
    pub fn decode<D: Decoder>(&self, body: &[u8], decoder: impl Fn() -> D) -> Result<Vec<u8>, Exception> {
        let whole = self.run(&mut decoder(), &[body]);
        for seed in [0, self.seed] {
            let again = self.run(&mut decoder(), &cut(body, seed));
            assert_eq!(shown(&again), shown(&whole), "in other pieces ({seed})");
        }
        whole
    }

    fn run<D: Decoder>(&self, decoder: &mut D, pieces: &[&[u8]]) -> Result<Vec<u8>, Exception> {
        let end = if self.is_option(0) { Err(&ProviderFailure::CutChunked) } else { Ok(()) };
        let mut told = Vec::new();
        for piece in pieces {
            match decoder.push(piece) {
                Progress::Held => {}
                Progress::Frames(frames) => told.extend_from_slice(&frames),
                Progress::Failed(exception) => return Err(exception),
            }
        }
        match decoder.end(end) {
            Progress::Frames(frames) => told.extend_from_slice(&frames),
            Progress::Failed(exception) => return Err(exception),
            Progress::Held => panic!("a stream that ended holds something"),
        }
        Ok(told)
    }
}

fn shown(outcome: &Result<Vec<u8>, Exception>) -> String {
    match outcome {
        Ok(body) => String::from_utf8_lossy(body).into_owned(),
        Err(exception) => format!("failed: {}", exception.message),
    }
}

/// A decoder of a provider's stream.
pub trait Decoder {
    fn push(&mut self, piece: &[u8]) -> Progress;
    fn end(&mut self, end: Result<(), &ProviderFailure>) -> Progress;
}

/// Fails unless `told` are whole frames of JSON, within what `provider_bytes` can grow to: an event of a few bytes becomes a
/// chunk of some hundred, and each result of a tool tells all earlier ones again.
pub fn assert_chunks(told: &[u8], provider_bytes: usize) {
    assert!(told.len() <= 64 * 1024 + provider_bytes * (1024 + provider_bytes), "{} of {provider_bytes}", told.len());
    let text = std::str::from_utf8(told).expect("UTF-8");
    for frame in text.strip_suffix("\n\n").expect("whole frames").split("\n\n") {
        let data = frame.strip_prefix("data: ").expect("data");
        if data != "[DONE]" {
            crate::assert_json(data.as_bytes());
        }
    }
}
