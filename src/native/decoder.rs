//! A provider's stream, rewritten piece by piece: one decoder a route, driven alike.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use transform::ProviderFailure;
use transform::completion::ChatStream;
use transform::cost_calculator::PriceTable;
use transform::llms::anthropic::experimental_pass_through::messages::streaming_iterator::{
    KEEPALIVE_SECONDS, MessageStream, Progress,
};

/// What turns a provider's bytes into the client's.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "whoever holds one is boxed already")]
pub enum Decoder {
    Messages(MessageStream),
    /// The usage at the end tells a price.
    Chat(ChatStream, Arc<PriceTable>),
}

impl Decoder {
    /// Whether nothing more of the provider's stream matters.
    pub fn is_done(&self) -> bool {
        match self {
            Self::Messages(stream) => stream.is_done(),
            Self::Chat(stream, _) => stream.is_done(),
        }
    }

    /// Whether LiteLLM's log has it as a failed call because of what the provider said in it.
    pub fn has_failed(&self) -> bool {
        match self {
            // An error of the provider's passes like any event.
            Self::Messages(_) => false,
            Self::Chat(stream, _) => stream.has_failed(),
        }
    }

    /// Takes the next bytes of the provider.
    pub fn push(&mut self, piece: &[u8]) -> Progress {
        match self {
            Self::Messages(stream) => stream.push(piece),
            Self::Chat(stream, prices) => stream.push(piece, prices),
        }
    }

    /// Takes the end of the provider's stream.
    pub fn end(&mut self, end: Result<(), &ProviderFailure>) -> Progress {
        match self {
            Self::Messages(stream) => stream.end(end),
            Self::Chat(stream, prices) => stream.end(end, prices),
        }
    }

    /// For how long a client may hear nothing before LiteLLM tells it that the stream is alive.
    pub fn keepalive_after(&self) -> Duration {
        match self {
            Self::Messages(_) => Duration::from_secs_f64(KEEPALIVE_SECONDS),
            Self::Chat(..) => Duration::MAX,
        }
    }

    /// The frame that says so.
    pub fn keepalive(&mut self) -> Bytes {
        match self {
            Self::Messages(stream) => stream.keepalive(),
            Self::Chat(..) => Bytes::new(),
        }
    }
}
