//! A chat completion by the provider that serves it: every provider's functions in one shape.
//!
//! Source: LiteLLM 1.102.4 `main.py` `completion`, which branches by `custom_llm_provider`.

use crate::answer::{Outbound, ProviderFailure, ProviderRequest, ProviderResponse};
use crate::cost_calculator::PriceTable;
use crate::decline::Decline;
use crate::litellm_core_utils::streaming_handler::Progress;
pub use crate::llms::base_llm::chat::transformation::{
    ChatFailure, ChatResponse, Circumstances, CompletionCost, Target,
};
use crate::llms::{anthropic, openai};
use crate::proxy::chat_endpoints::endpoints::ChatRequest;

/// Whose API serves a chat completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    OpenAi,
    Anthropic,
}

impl Provider {
    /// By LiteLLM's name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "openai" => Some(Self::OpenAi),
            "anthropic" => Some(Self::Anthropic),
            _ => None,
        }
    }

    /// Where it is reached if neither the deployment nor the environment says.
    pub fn api_base(self) -> &'static str {
        match self {
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Anthropic => "https://api.anthropic.com",
        }
    }

    /// Builds the request of one attempt; `timeout_seconds` is the attempt's.
    ///
    /// Errors  what can't be reproduced exactly.
    pub fn outbound(
        self,
        request: &ChatRequest,
        target: &Target<'_>,
        table: &PriceTable,
        timeout_seconds: f64,
    ) -> Result<Outbound, Decline> {
        match self {
            Self::OpenAi => openai::chat::transformation::outbound(request, target, table, timeout_seconds),
            Self::Anthropic => anthropic::chat::transformation::outbound(request, target, table),
        }
    }

    /// The second request of an attempt whose first was refused, where LiteLLM sends one. Whoever has sent the first sends this
    /// one too and reads its answer instead.
    pub fn second_request(
        self,
        request: &ChatRequest,
        target: &Target<'_>,
        table: &PriceTable,
        timeout_seconds: f64,
        refused: &ProviderResponse,
    ) -> Option<ProviderRequest> {
        let second = match self {
            Self::OpenAi => openai::chat::transformation::second_request,
            Self::Anthropic => anthropic::chat::transformation::second_request,
        };
        second(request, target, table, timeout_seconds, refused)
    }

    /// Reads the outcome of an attempt that isn't streamed.
    pub fn response(
        self,
        outcome: Result<&ProviderResponse, &ProviderFailure>,
        request: &ChatRequest,
        target: &Target<'_>,
        table: &PriceTable,
        circumstances: &Circumstances<'_>,
    ) -> Result<ChatResponse, ChatFailure> {
        match self {
            Self::OpenAi => openai::chat::transformation::response(outcome, target, circumstances),
            Self::Anthropic => {
                anthropic::chat::transformation::response(outcome, request, target, table, circumstances)
            }
        }
    }

    /// Whether the outcome of a streamed attempt begins a stream; if not, what is raised instead.
    ///
    /// The answer's body must then be complete; that of a stream isn't looked at.
    pub fn stream_refusal(
        self,
        outcome: Result<&ProviderResponse, &ProviderFailure>,
        target: &Target<'_>,
    ) -> Option<ChatFailure> {
        match self {
            Self::OpenAi => openai::chat::transformation::stream_refusal(outcome, target),
            Self::Anthropic => anthropic::chat::transformation::stream_refusal(outcome, target),
        }
    }
}

/// One streamed answer with status 2xx.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "whoever holds one is boxed already")]
pub enum ChatStream {
    OpenAi(openai::chat::streaming::ChatStream),
    Anthropic(anthropic::chat::streaming::ChatStream),
}

impl ChatStream {
    /// `created` is the caller's time in seconds since 1970, `fallback_id` a random UUID for a provider that gives no id, `headers`
    /// are those of the provider's answer.
    pub fn new(
        provider: Provider,
        request: &ChatRequest,
        target: &Target<'_>,
        table: &PriceTable,
        headers: &[(String, String)],
        fallback_id: &str,
        created: i64,
    ) -> Self {
        match provider {
            Provider::OpenAi => {
                Self::OpenAi(openai::chat::streaming::ChatStream::new(request, target, headers, fallback_id, created))
            }
            Provider::Anthropic => Self::Anthropic(anthropic::chat::streaming::ChatStream::new(
                request,
                target,
                table,
                headers,
                fallback_id,
                created,
            )),
        }
    }

    /// Whether nothing more of the provider's stream matters.
    pub fn is_done(&self) -> bool {
        match self {
            Self::OpenAi(stream) => stream.is_done(),
            Self::Anthropic(stream) => stream.is_done(),
        }
    }

    /// Whether it ended by an error, of the provider's or of the connection's: LiteLLM then logs a failed call.
    pub fn has_failed(&self) -> bool {
        match self {
            Self::OpenAi(stream) => stream.has_failed(),
            Self::Anthropic(stream) => stream.has_failed(),
        }
    }

    /// The status that the exception of a failed stream has in LiteLLM's log, if any; its router rests nobody for one without.
    pub fn logged_status(&self) -> Option<u16> {
        match self {
            Self::OpenAi(_) => None,
            Self::Anthropic(stream) => stream.logged_status(),
        }
    }

    /// Whether LiteLLM has kept a chunk, without which it logs no success.
    pub fn has_chunks(&self) -> bool {
        match self {
            Self::OpenAi(stream) => stream.has_chunks(),
            Self::Anthropic(stream) => stream.has_chunks(),
        }
    }

    /// Takes the next bytes of the provider.
    pub fn push(&mut self, piece: &[u8], table: &PriceTable) -> Progress {
        match self {
            Self::OpenAi(stream) => stream.push(piece, table),
            Self::Anthropic(stream) => stream.push(piece, table),
        }
    }

    /// Takes the end of the provider's stream: by its last chunk, or by a failure.
    pub fn end(&mut self, end: Result<(), &ProviderFailure>, table: &PriceTable) -> Progress {
        match self {
            Self::OpenAi(stream) => stream.end(end, table),
            Self::Anthropic(stream) => stream.end(end, table),
        }
    }
}
