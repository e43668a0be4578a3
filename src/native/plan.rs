//! What a route adds to the conversation with providers: one attempt, and the client's answer at the end.

use std::future::Future;

use transform::Exception;
use transform::proxy::common_request_processing::{GivenUp, NoDeployments};

use super::ClientRequest;
use super::admission::Admitted;
use super::answer::{Answer, Body};
use super::effects::{Effects, ProviderStream};
use super::router::Retries;
use super::router::retry::Allowance;
use crate::config::Deployment;

/// A request that is understood whole: every candidate's provider request can be built. Making one is the last place for
/// a decline.
pub(super) trait Plan: Sync {
    /// What a successful attempt yields.
    type Reply<S: ProviderStream>: Send;

    /// What a failed attempt raises.
    type Failure: Raised + Send;

    fn allowance(&self) -> Allowance;

    /// What the router remembers of this request's failures.
    fn counting(&self) -> Counting;

    /// Whether an attempt at the deployment gets as far as its log: what LiteLLM refuses before is no failure of it.
    fn is_logged(&self, deployment: &Deployment) -> bool;

    /// Makes one attempt of the router.
    ///
    /// Errors  what LiteLLM raises for it; the router may try again.
    fn attempt<E: Effects>(
        &self,
        admitted: Admitted,
        deployment: &Deployment,
        effects: &mut E,
    ) -> impl Future<Output = Result<Self::Reply<E::Stream>, Self::Failure>> + Send;

    /// The client's answer to a success.
    fn success<E: Effects>(
        &self,
        standing: &Standing<'_>,
        reply: Self::Reply<E::Stream>,
        effects: &E,
    ) -> Answer<Body<E::Stream>>;

    /// The client's answer when the router has given up.
    fn failure(&self, standing: &Standing<'_>, failure: &Self::Failure) -> Answer;

    /// The client's answer when every deployment rests.
    fn unavailable(&self, unavailable: &Unavailable<'_>) -> Answer;
}

/// What a failed attempt raises, for the router to look at.
pub(super) trait Raised {
    fn exception(&self) -> &Exception;
}

impl Raised for Exception {
    fn exception(&self) -> &Exception {
        self
    }
}

/// Which failures of a request the router counts, and may let their deployments rest for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    Nothing,
    /// The retries of a request share one log, which tells of a failure once.
    FirstFailure,
    EveryFailure,
}

/// Where a request stands that nobody is left for.
pub(super) struct Unavailable<'a> {
    pub request: &'a ClientRequest,
    /// The deployment of the attempt before; `None`: there was none.
    pub last: Option<&'a Deployment>,
    pub attempts: u32,
    pub none: NoDeployments<'a>,
}

impl Unavailable<'_> {
    /// The id of the deployment of the attempt before; empty where there was none.
    pub fn last_id(&self) -> &str {
        self.last.map_or("", |last| &last.id)
    }
}

/// Where a request stands when it is answered.
pub(super) struct Standing<'a> {
    pub request: &'a ClientRequest,
    pub deployment: &'a Deployment,
    pub retries: &'a Retries,
}

impl Standing<'_> {
    /// From the request to now, in milliseconds as LiteLLM rounds them.
    pub fn taken_ms<E: Effects>(&self, effects: &E) -> f64 {
        milliseconds(effects.now().saturating_duration_since(self.request.received))
    }

    /// What the router says of itself when it gives up.
    pub fn given_up<'g>(&self, model_group: &'g str) -> GivenUp<'g> {
        let retried = self.retries.attempted().saturating_sub(1);
        let retries = (retried > 0).then_some((retried, self.retries.granted().unwrap_or_default()));
        GivenUp { model_group, retries }
    }
}

pub(super) fn milliseconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
