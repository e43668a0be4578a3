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

use super::client_stream::Ending;
use super::router::cooldown::Failure;

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

    /// What LiteLLM's log has of it so far.
    pub fn ending(&self) -> Ending {
        match self {
            // An error of the provider's passes like any event.
            Self::Messages(_) => Ending::Heard,
            Self::Chat(stream, _) if stream.has_failed() => {
                Ending::Broken(Failure::of_a_stream(stream.logged_status()))
            }
            Self::Chat(stream, _) if stream.has_chunks() => Ending::Heard,
            Self::Chat(..) => Ending::Unheard,
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
