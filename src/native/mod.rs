//! The native leg: answers as LiteLLM would, or declines before any effect.
//!
//! [`answer`] is the whole leg on one screen. It knows no listener and no socket: what it needs of the world comes through
//! [`Effects`], so that serving and shadowing run the same code.

pub mod admission;
mod chat;
mod count_tokens;
pub mod effects;
mod fault;
mod form;
mod messages;
mod ocr;
mod plan;
pub mod provider;
pub mod router;

mod answer;
mod client_stream;
mod conversation;
#[cfg(test)]
mod cooldown_goldens;
mod decline;
mod decoder;
#[cfg(test)]
mod goldens;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_support;

pub use admission::AuthMode;
pub use answer::{Answer, Body};
pub use client_stream::ClientStream;
pub use decline::Decline;
pub use effects::{
    Cooldowns, Effects, LiveEffects, Tape, TapeEffects, TapeExchange, TapeFailure, TapeOutcome, TapePiece,
};
pub use provider::Client;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use transform::cost_calculator::PriceTable;

use self::conversation::converse;
use crate::config::LiteLlmConfig;
use crate::routes::Route;

/// What the leg knows before any request: swapped whole when the configuration or the agreement changes.
#[derive(Clone, Debug)]
pub struct Native {
    pub config: Arc<LiteLlmConfig>,
    pub auth: AuthMode,
    /// LiteLLM's price map, as the running one has it.
    pub prices: Arc<PriceTable>,
}

/// A client's request as received, without its connection.
#[derive(Clone, Debug)]
pub struct ClientRequest {
    pub route: Route,
    pub method: http::Method,
    pub path: String,
    pub headers: HeaderMap,
    /// Whole: the caller bounds it.
    pub body: Bytes,
    pub received: Instant,
    /// What `x-litellm-call-id` will say: the client's own, else a fresh UUID.
    pub call_id: String,
}

impl ClientRequest {
    /// A browser asks for a page of another origin, and gets CORS headers.
    pub fn is_cross_origin(&self) -> bool {
        self.headers.contains_key(http::header::ORIGIN)
    }
}

/// Answers `request` as LiteLLM would.
///
/// Errors  a [`Decline`] only while nothing has left the process; from the first provider call on every outcome is an answer.
pub async fn answer<E: Effects>(
    native: &Native,
    request: &ClientRequest,
    effects: &mut E,
) -> Result<Answer<Body<E::Stream>>, Decline> {
    fault::early();
    let admitted = admission::admit(&native.auth, &request.headers)?;
    match request.route {
        Route::Ocr => {
            let asked = ocr::read(request)?;
            let reach = router::resolve(&native.config, request.route.as_str(), &asked.model)?;
            let plan = ocr::OcrPlan::new(native, &reach, &asked)?;
            Ok(converse(&plan, &native.config, &reach, request, admitted, effects).await)
        }
        Route::Messages => {
            let asked = messages::read(request)?;
            let reach = router::resolve(&native.config, request.route.as_str(), &asked.model)?;
            let plan = messages::MessagesPlan::new(native, &reach, &asked)?;
            Ok(converse(&plan, &native.config, &reach, request, admitted, effects).await)
        }
        Route::CountTokens => {
            let asked = count_tokens::read(request)?;
            let reach = router::resolve(&native.config, request.route.as_str(), &asked.model)?;
            let plan = count_tokens::CountPlan::new(native, &reach, asked)?;
            Ok(plan.answer(request, admitted, effects).await)
        }
        Route::ChatCompletions => {
            let asked = chat::read(request)?;
            let reach = router::resolve(&native.config, request.route.as_str(), &asked.model)?;
            let plan = chat::ChatPlan::new(native, &reach, &asked)?;
            Ok(converse(&plan, &native.config, &reach, request, admitted, effects).await)
        }
        Route::Responses | Route::Embeddings => Err(Decline::NoNativeLeg),
    }
}
