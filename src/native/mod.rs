//! The native leg: answers as LiteLLM would, or declines before any effect.
//!
//! [`answer`] is the whole leg on one screen. It knows no listener and no socket: what it needs of the world comes through
//! [`Effects`], so that serving and shadowing run the same code.

pub mod admission;
pub mod effects;
mod fault;
mod form;
mod ocr;
pub mod provider;
pub mod router;

mod decline;
#[cfg(test)]
mod goldens;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_support;

pub use admission::AuthMode;
pub use decline::Decline;
pub use effects::{Effects, LiveEffects, Tape, TapeEffects, TapeExchange, TapeFailure, TapeOutcome};
pub use provider::Client;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use transform::cost_calculator::PriceTable;
use transform::llms::mistral::ocr::transformation as mistral;

use self::ocr::Standing;
use self::router::{Reach, Retries};
use crate::config::{Deployment, LiteLlmConfig};

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
    pub method: http::Method,
    pub path: String,
    pub headers: HeaderMap,
    /// Whole: the caller bounds it.
    pub body: Bytes,
    pub received: Instant,
    /// What `x-litellm-call-id` will say: the client's own, else a fresh UUID.
    pub call_id: String,
}

/// What the client gets, and what the evidence wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// Lower-case names, in LiteLLM's order.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// Attempts of the router; a provider may have seen more sends, see [`provider::attempt`].
    pub attempts: u32,
    /// The deployment of the last attempt.
    pub deployment_id: String,
    /// Dollars, if the answer is priced.
    pub cost: Option<f64>,
}

/// Answers `request` as LiteLLM would.
///
/// Errors  a [`Decline`] only while nothing has left the process; from the first provider call on every outcome is an answer.
pub async fn answer<E: Effects>(native: &Native, request: &ClientRequest, effects: &mut E) -> Result<Answer, Decline> {
    fault::early();
    let admitted = admission::admit(&native.auth, &request.headers)?;
    let asked = ocr::read(request)?;
    let reach = router::resolve(&native.config, ocr::ROUTE, &asked.model)?;
    let plan = ocr::Plan::new(native, &reach, &asked)?;
    let mut retries = Retries::new(plan.allowance(), reach.retry_deployments());
    let mut deployment = pick(&retries, &reach, effects);
    let mut outbound = plan.outbound(deployment)?; // the last place for a decline
    loop {
        let read = match &outbound.request {
            Ok(sent) => {
                let outcome = provider::attempt(admitted, deployment, sent, outbound.limit, effects).await;
                mistral::response(outcome.as_ref(), &deployment.model)
            }
            Err(refused) => Err(refused.clone()),
        };
        let standing = |retries| Standing { request, asked: &asked, deployment, retries };
        let exception = match read {
            Ok(document) => return Ok(fault::late(standing(&retries).success(native, &document, effects))),
            Err(exception) => exception,
        };
        let draw = effects.draw();
        let next = retries.failed(deployment, &exception, effects.wall(), draw);
        pause(next.wait(), effects).await;
        let chosen = if next.is_final() { None } else { Some(pick(&retries, &reach, effects)) };
        // Cannot fail: the plan has built every candidate's request once.
        let Some(chosen) = chosen.and_then(|chosen| Some((chosen, plan.outbound(chosen).ok()?))) else {
            return Ok(standing(&retries).failure(outbound.limit, &exception));
        };
        (deployment, outbound) = chosen;
    }
}

/// The deployment of the next attempt.
fn pick<'a, E: Effects>(retries: &Retries, reach: &Reach<'a>, effects: &mut E) -> &'a Deployment {
    let candidates = retries.candidates(&reach.candidates);
    match candidates.as_slice() {
        [only] => only,
        several => {
            let index = effects.choose(several, &router::pick::weights(several));
            several[index.min(several.len() - 1)]
        }
    }
}

async fn pause<E: Effects>(wait: Duration, effects: &mut E) {
    if !wait.is_zero() {
        effects.sleep(wait).await;
    }
}
