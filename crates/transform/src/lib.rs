//! What LiteLLM does to bytes: a client's request into the provider's, the provider's answer into the client's.
//!
//! Pure on purpose: no sockets, no clock, no environment, no files. Whoever calls it owns the network, the retries and the
//! time. The modules mirror LiteLLM's file tree, so that a reader can hold both next to each other.
//!
//! One OCR request, in the order of the calls:
//! 1. [`proxy::ocr_endpoints::endpoints::parse`] reads the client's body, or declines;
//! 2. [`llms::mistral::ocr::transformation::refusal`] says whether an attempt fails before it calls the provider; if not,
//!    [`llms::mistral::ocr::transformation::request`] builds its provider request;
//! 3. [`llms::mistral::ocr::transformation::response`] reads the attempt's answer or failure: a document or an [`Exception`];
//! 4. [`proxy::common_request_processing::success`] or [`proxy::common_request_processing::error`] writes the client's answer.
//!
//! One request to `/v1/messages`, `messages` being [`llms::anthropic::experimental_pass_through::messages`]:
//! 1. [`proxy::anthropic_endpoints::endpoints::parse`] reads the client's body, or declines;
//! 2. `messages::transformation::outbound` builds an attempt's provider request, or says what it raises before it calls the
//!    provider;
//! 3. `messages::transformation::second_request` says whether the answer is one that LiteLLM sends a second request for, within
//!    the attempt;
//! 4. not streamed: `messages::transformation::response` reads the outcome, [`cost_calculator::anthropic::message_cost`] prices
//!    it, [`proxy::anthropic_endpoints::answers::success`] writes the client's answer;
//! 5. streamed: `messages::transformation::stream_refusal` says whether the outcome is an error; if not, a
//!    `messages::streaming_iterator::MessageStream` takes the provider's pieces and gives frames, with
//!    [`proxy::anthropic_endpoints::answers::stream_head`] in front of the first, or a failure for
//!    [`proxy::anthropic_endpoints::answers::stream_failed`];
//! 6. [`proxy::anthropic_endpoints::answers::error`] writes what the router gave up on.
//!
//! One request to `/v1/messages/count_tokens`, `counting` being [`llms::anthropic::count_tokens`]:
//! 1. [`proxy::anthropic_endpoints::count_tokens::parse`] reads the client's body, or declines, and `check_local_count` declines what
//!    LiteLLM couldn't count for the picked deployment's model;
//! 2. `counting::request` builds the only provider request, `counting::told_tokens` reads its outcome;
//! 3. where that is nothing, `local_count` says the number instead, and where no deployment was left to pick;
//! 4. [`proxy::anthropic_endpoints::count_tokens::answered`] writes the client's answer.
//!
//! One request to `/chat/completions`, `chat` being [`llms::openai::chat`] or [`llms::anthropic::chat`], which [`completion`] has in
//! one shape:
//! 1. [`proxy::chat_endpoints::endpoints::parse`] reads the client's body, or declines;
//! 2. `chat::transformation::outbound` builds an attempt's provider request, or says what it raises before it calls the provider,
//!    for [`proxy::chat_endpoints::answers::refused`];
//! 3. `chat::transformation::second_request` says whether the answer is one that LiteLLM sends a second request for, within the
//!    attempt;
//! 4. not streamed: `chat::transformation::response` reads the outcome, [`proxy::chat_endpoints::answers::success`] writes the
//!    client's answer, with what `ChatResponse::cost` says it costs;
//! 5. streamed: `chat::transformation::stream_refusal` says whether the outcome is an error; if not, a
//!    `chat::streaming::ChatStream` takes the provider's pieces and gives frames, with
//!    [`proxy::chat_endpoints::answers::stream_head`] in front of the first, or a failure for
//!    [`proxy::chat_endpoints::answers::stream_failed`];
//! 6. [`proxy::chat_endpoints::answers::error`] writes what the router gave up on.
//!
//! A [`Decline`] is only possible before step 2 has left the process; from then on every outcome has an answer.

mod answer;
pub mod completion;
pub mod cost_calculator;
mod decline;
pub mod exceptions;
pub mod litellm_core_utils;
pub mod llms;
pub mod ocr;
pub mod proxy;
pub mod pydantic;
pub mod python;

pub use answer::{Answered, AnsweredHeaders, HeaderText, Outbound, ProviderFailure, ProviderRequest, ProviderResponse};
pub use decline::Decline;
pub use exceptions::{Exception, ExceptionClass};

/// The LiteLLM release whose behaviour this crate reproduces; it appears in a provider and in a client header.
pub const LITELLM_VERSION: &str = "1.102.4";
