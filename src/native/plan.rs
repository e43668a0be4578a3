//! What a route adds to the conversation with providers: one attempt, and the client's answer at the end.

use std::future::Future;

use transform::Exception;

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

    fn allowance(&self) -> Allowance;

    /// Makes one attempt of the router.
    ///
    /// Errors  what LiteLLM raises for it; the router may try again.
    fn attempt<E: Effects>(
        &self,
        admitted: Admitted,
        deployment: &Deployment,
        effects: &mut E,
    ) -> impl Future<Output = Result<Self::Reply<E::Stream>, Exception>> + Send;

    /// The client's answer to a success.
    fn success<E: Effects>(
        &self,
        standing: &Standing<'_>,
        reply: Self::Reply<E::Stream>,
        effects: &E,
    ) -> Answer<Body<E::Stream>>;

    /// The client's answer when the router has given up.
    fn failure(&self, standing: &Standing<'_>, exception: &Exception) -> Answer;
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

    pub fn is_cross_origin(&self) -> bool {
        self.request.headers.contains_key(http::header::ORIGIN)
    }
}

pub(super) fn milliseconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
