//! Everything that touches the world, behind one trait: [`LiveEffects`] is the network, the clock and the dice; [`TapeEffects`]
//! is a recording. [`super::answer`] is generic over it, so serving and shadowing run the same code.
//!
//! Neither holds cooldowns. LiteLLM 1.102.4 never cools a deployment down over an OCR failure: its failure callback looks for
//! `model_info` in the parameters that the OCR call logged, and OCR logs none (`router.py` `deployment_callback_on_failure`,
//! `ocr/legacy.py` `_prepare_ocr_request`; the goldens `two_429`, `one_401_many` and `allowed_fails_1` show it). A route
//! that does cool down adds its bookkeeping to this trait, without a write in [`TapeEffects`].

mod live;
mod tape;

pub use live::LiveEffects;
pub use tape::{Asked, Tape, TapeEffects, TapeExchange, TapeFailure, TapeOutcome};

use std::future::Future;
use std::time::{Duration, Instant, SystemTime};

use transform::{ProviderFailure, ProviderRequest, ProviderResponse};

use crate::config::Deployment;

/// The world as one client request sees it.
pub trait Effects: Send {
    /// Sends `request` once and collects the whole answer.
    ///
    /// Units   `limit` bounds each silence: connecting, waiting for the head, waiting between two pieces of the body.
    /// Errors  whatever keeps the answer from being complete; an error status is an answer.
    fn call(
        &mut self,
        deployment: &Deployment,
        request: &ProviderRequest,
        limit: Duration,
    ) -> impl Future<Output = Result<ProviderResponse, ProviderFailure>> + Send;

    /// Monotonic: for durations that the client is told.
    fn now(&self) -> Instant;

    /// For HTTP dates in `retry-after`.
    fn wall(&self) -> SystemTime;

    fn sleep(&mut self, duration: Duration) -> impl Future<Output = ()> + Send;

    /// Uniform in [0, 1): the jitter of a wait.
    fn draw(&mut self) -> f64;

    /// The pick among two or more candidates: an index, with the probability of its weight (`weights` sum to more than 0).
    fn choose(&mut self, candidates: &[&Deployment], weights: &[f64]) -> usize;
}
