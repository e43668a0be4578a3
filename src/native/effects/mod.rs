//! Everything that touches the world, behind one trait: [`LiveEffects`] is the network, the clock and the dice; [`TapeEffects`]
//! is a recording. [`super::answer`] is generic over it, so serving and shadowing run the same code.
//!
//! Only what serves remembers failures, in [`Cooldowns`]; on a tape there is none to read or write, and whom the control asked
//! next is all that is known. The route `ocr` needs neither: LiteLLM 1.102.4 never cools a deployment down over an OCR
//! failure, because its failure callback looks for `model_info` in the parameters that the call logged, and OCR logs none
//! (`router.py` `deployment_callback_on_failure`, `ocr/legacy.py` `_prepare_ocr_request`; the goldens `two_429`,
//! `one_401_many` and `allowed_fails_1` show it).

mod cooldowns;
mod live;
mod tape;

pub use cooldowns::Cooldowns;
pub use live::LiveEffects;
pub use tape::{Asked, Tape, TapeEffects, TapeExchange, TapeFailure, TapeOutcome, TapePiece, TapeStream};

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use transform::{ProviderFailure, ProviderRequest};

use crate::config::Deployment;

/// The world as one client request sees it.
pub trait Effects: Send {
    /// The rest of an answer whose head has come.
    type Stream: ProviderStream;

    /// Sends `request` once and waits for the answer's head; the body is the caller's to pull.
    ///
    /// Units   `limit` bounds each silence: connecting, waiting for the head, waiting between two pieces of the body.
    /// Errors  whatever keeps the head from coming; an error status is an answer, and the stream reports what happens to the
    ///         body.
    fn open(
        &mut self,
        deployment: &Deployment,
        request: &ProviderRequest,
        limit: Duration,
    ) -> impl Future<Output = Result<Opened<Self::Stream>, ProviderFailure>> + Send;

    /// Time spent waiting for providers, and before retries as LiteLLM would: what is beyond it is ours.
    fn waited(&self) -> Duration;

    /// Adds time spent waiting for an opened stream.
    fn add_wait(&mut self, waited: Duration);

    /// Monotonic: for durations that the client is told.
    fn now(&self) -> Instant;

    /// For HTTP dates in `retry-after`.
    fn wall(&self) -> SystemTime;

    fn sleep(&mut self, duration: Duration) -> impl Future<Output = ()> + Send;

    /// Uniform in [0, 1): the jitter of a wait.
    fn draw(&mut self) -> f64;

    /// The pick among two or more candidates: an index, with the probability of its weight (`weights` sum to more than 0).
    fn choose(&mut self, candidates: &[&Deployment], weights: &[f64]) -> usize;

    /// What the process remembers of failing deployments. `None`: nothing can be known of it here.
    fn cooldowns(&self) -> Option<&Arc<Cooldowns>>;

    /// Ends when the client has left, if anybody watches it. Only a stream that has no head yet heeds it: LiteLLM goes on with
    /// whole answers whose client has left.
    fn client_left(&self) -> impl Future<Output = ()> + Send + 'static;

    /// The deployment that the control asked next. `None`: nobody, or there is no control.
    fn control_next(&self) -> Option<&str>;
}

/// An answer of which the head has come.
#[derive(Debug)]
pub struct Opened<S> {
    pub status: u16,
    /// Lower-case names in the order received.
    pub headers: Vec<(String, String)>,
    pub stream: S,
}

/// The body of a provider's answer, pulled piece by piece: who does not pull slows the provider down.
pub trait ProviderStream: Send + 'static {
    /// The next piece, or [`Piece::Idle`] when none comes within `patience`.
    fn next(&mut self, patience: Duration) -> impl Future<Output = Piece> + Send;

    /// Since the head.
    fn elapsed(&self) -> Duration;

    /// The length that the head declares.
    fn expected_bytes(&self) -> Option<u64>;
}

/// What came of waiting for a provider's stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Data(Bytes),
    /// The body is complete.
    End,
    /// It is not, and nothing more will come.
    Failed(ProviderFailure),
    /// Nothing yet.
    Idle,
}
