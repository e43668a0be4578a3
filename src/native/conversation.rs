//! One request's attempts: who is asked, who is asked next, and when the router gives up.

use std::time::Duration;

use transform::Exception;
use transform::proxy::common_request_processing::NoDeployments;

use super::admission::Admitted;
use super::effects::Effects;
use super::plan::{Counting, Plan, Raised, Standing, Unavailable};
use super::router::cooldown::{Failure, Policy};
use super::router::{self, Reach, Retries};
use super::{Answer, Body, ClientRequest};
use crate::config::{Deployment, LiteLlmConfig};

/// Attempts until one succeeds or the router gives up. Nothing in here declines: the plan was the last place for it.
pub(super) async fn converse<P: Plan, E: Effects>(
    plan: &P,
    config: &LiteLlmConfig,
    reach: &Reach<'_>,
    request: &ClientRequest,
    admitted: Admitted,
    effects: &mut E,
) -> Answer<Body<E::Stream>> {
    let mut retries = Retries::new(plan.allowance(), reach.retry_deployments());
    let health = Health { config, reach, policy: Policy::of(&config.router), counting: plan.counting() };
    let Some(mut deployment) = health.pick(&retries, effects) else {
        return health.nobody(plan, request, &retries, None, effects).map(Body::Whole);
    };
    loop {
        let attempted = plan.attempt(admitted, deployment, effects).await;
        let standing = |retries| Standing { request, deployment, retries };
        let failure = match attempted {
            Ok(reply) => return plan.success(&standing(&retries), reply, effects),
            Err(failure) => failure,
        };
        let exception = failure.exception();
        let is_anybody_left = !plan.is_logged(deployment) || health.failed(deployment, exception, &retries, effects);
        let draw = effects.draw();
        let next = retries.failed(deployment, exception, is_anybody_left, effects.wall(), draw);
        pause(next.wait(), effects).await;
        if next.is_final() {
            return plan.failure(&standing(&retries), &failure).map(Body::Whole);
        }
        // Whoever was left may have failed another request during the wait.
        let Some(chosen) = health.pick(&retries, effects) else {
            return health.nobody(plan, request, &retries, Some(deployment), effects).map(Body::Whole);
        };
        deployment = chosen;
    }
}

/// Whom the router finds for a request that it takes no further part in: neither is it sent again, nor counted how it ends.
pub(super) fn pick_once<'a, E: Effects>(
    config: &'a LiteLlmConfig,
    reach: &'a Reach<'a>,
    effects: &mut E,
) -> Option<&'a Deployment> {
    let health = Health { config, reach, policy: Policy::of(&config.router), counting: Counting::FirstFailure };
    let awake = health.awake(effects);
    health.draw(awake.clone(), awake, effects)
}

async fn pause<E: Effects>(wait: Duration, effects: &mut E) {
    if !wait.is_zero() {
        effects.sleep(wait).await;
    }
}

/// Who of the reach may be asked. Served, that is what the process remembers of earlier requests; on a tape it is the
/// control's to say, as far as it can have been a matter of such a memory.
struct Health<'a> {
    config: &'a LiteLlmConfig,
    reach: &'a Reach<'a>,
    policy: Policy,
    counting: Counting,
}

impl<'a> Health<'a> {
    /// The deployment of the next attempt; `None` if all rest.
    fn pick<E: Effects>(&self, retries: &Retries, effects: &mut E) -> Option<&'a Deployment> {
        let awake = self.awake(effects);
        self.draw(retries.candidates(&awake), awake, effects)
    }

    /// One of the candidates; of all that are awake where the control asked another.
    fn draw<E: Effects>(
        &self,
        mut candidates: Vec<&'a Deployment>,
        awake: Vec<&'a Deployment>,
        effects: &mut E,
    ) -> Option<&'a Deployment> {
        let recorded = effects.control_next();
        if self.rests() && recorded.is_some_and(|id| !candidates.iter().any(|one| one.id == id)) {
            candidates = awake;
        }
        match candidates.as_slice() {
            [] => None,
            [only] => Some(*only),
            several => {
                let index = effects.choose(several, &router::pick::weights(several));
                Some(several[index.min(several.len() - 1)])
            }
        }
    }

    /// Whom LiteLLM finds when it looks for a deployment: one named by its id it takes as it is.
    fn awake<E: Effects>(&self, effects: &E) -> Vec<&'a Deployment> {
        match effects.cooldowns() {
            Some(cooldowns) if self.rests() && !self.reach.pinned => {
                let (now, all) = (effects.now(), self.reach.candidates.iter().copied());
                all.filter(|one| !cooldowns.is_resting(&one.id, now)).collect()
            }
            _ => self.reach.candidates.clone(),
        }
    }

    fn rests(&self) -> bool {
        self.counting != Counting::Nothing
    }

    /// Takes a failed attempt in; whether anybody is left to be asked.
    fn failed<E: Effects>(
        &self,
        deployment: &Deployment,
        exception: &Exception,
        retries: &Retries,
        effects: &E,
    ) -> bool {
        let failure = Failure::of(exception, effects.wall());
        let is_alone = is_alone(deployment, self.config);
        let is_counted = match self.counting {
            Counting::Nothing => return true,
            Counting::FirstFailure => retries.attempted() == 0,
            Counting::EveryFailure => true,
        };
        match effects.cooldowns() {
            None => effects.control_next().is_some() || !self.policy.may_rest(&failure, is_alone),
            Some(cooldowns) => {
                if is_counted {
                    cooldowns.failed(&deployment.id, &failure, is_alone, &self.policy, effects.now());
                }
                !self.awake(effects).is_empty()
            }
        }
    }

    /// The answer when everybody rests.
    fn nobody<P: Plan, E: Effects>(
        &self,
        plan: &P,
        request: &ClientRequest,
        retries: &Retries,
        last: Option<&Deployment>,
        effects: &E,
    ) -> Answer {
        let ids = self.config.deployments.iter().map(|one| one.id.as_str());
        let resting = effects.cooldowns().map(|known| known.resting(ids, effects.now())).unwrap_or_default();
        let of_group = resting.iter().filter(|(id, _)| self.reach.candidates.iter().any(|one| one.id == *id));
        let shortest = of_group.map(|(_, rest)| rest).min_by(|one, other| one.seconds.total_cmp(&other.seconds));
        let rest = shortest.unwrap_or(self.policy.default_rest());
        let none = NoDeployments {
            model_group: self.reach.candidates.first().map_or("", |one| &one.model_name),
            cooldown_seconds: rest.seconds,
            cooldown_spelled: &rest.spelled,
            pre_call_checks: false,
            cooling: &resting.iter().map(|(id, _)| (*id).to_owned()).collect::<Vec<_>>(),
        };
        plan.unavailable(&Unavailable { request, last, attempts: retries.attempted(), none })
    }
}

/// Whether the deployment is all of its group.
pub(super) fn is_alone(deployment: &Deployment, config: &LiteLlmConfig) -> bool {
    config.deployments.iter().filter(|one| one.model_name == deployment.model_name).count() <= 1
}
