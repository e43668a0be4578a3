//! After a failure: again or not, when, and where not to.

use std::time::{Duration, SystemTime};

use transform::{Exception, ExceptionClass};

use super::retry_after;
use crate::config::Deployment;

/// Retries of one request that are served natively; more are declined, so that no client holds a request for hours.
pub const RETRIES_MAX: u32 = 16;

/// Retries if nobody sets them.
const RETRIES_DEFAULT: u32 = 2;
/// Seconds.
const DELAY_FIRST: f64 = 0.5;
/// Seconds; the provider's own `retry-after` may be longer.
const DELAY_MAX: f64 = 8.0;
/// Seconds added to every computed wait, times a draw.
const JITTER: f64 = 0.75;
/// Seconds; a longer `retry-after` is ignored, not cut.
const RETRY_AFTER_MAX: i64 = 60;

/// Who sets the number of retries, nearest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowance {
    /// The request's header or body.
    pub request: Option<u32>,
    /// `router_settings.num_retries`, else `litellm_settings.num_retries`.
    pub router: Option<u32>,
    /// Seconds, `router_settings.retry_after`: the least computed wait.
    pub retry_after: f64,
}

/// What follows a failed attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Sleep, then try again.
    Again(Duration),
    /// Sleep, then tell the client: LiteLLM waits even after the last attempt of a lone deployment.
    GiveUp(Duration),
}

impl Next {
    pub fn wait(&self) -> Duration {
        match self {
            Self::Again(wait) | Self::GiveUp(wait) => *wait,
        }
    }

    pub fn is_final(&self) -> bool {
        matches!(self, Self::GiveUp(_))
    }
}

/// The retries of one request: counts attempts and remembers who refused.
///
/// Source  LiteLLM 1.102.4 `router.py` `async_function_with_retries`, `should_retry_this_error`,
///         `_time_to_sleep_before_retry`, `_deployment_ids_to_skip_on_retry`; `utils.py` `_calculate_retry_after`
#[derive(Debug)]
pub struct Retries {
    allowance: Allowance,
    /// Deployments of the group; 0 if the client named a deployment by its id.
    deployments: usize,
    /// Fixed by the first failure: until then the deployment that fails may still have a say.
    granted: Option<u32>,
    failures: u32,
    skipped: Vec<String>,
}

impl Retries {
    pub fn new(allowance: Allowance, deployments: usize) -> Self {
        Self { allowance, deployments, granted: None, failures: 0, skipped: Vec::new() }
    }

    /// Retries made so far: `x-litellm-attempted-retries`.
    pub fn attempted(&self) -> u32 {
        self.failures
    }

    /// Retries granted, once anything has failed: `x-litellm-max-retries`.
    pub fn granted(&self) -> Option<u32> {
        self.granted
    }

    /// Takes a failed attempt in. `draw` in [0, 1) is the jitter of the wait.
    pub fn failed(&mut self, deployment: &Deployment, exception: &Exception, now: SystemTime, draw: f64) -> Next {
        let granted = *self.granted.get_or_insert_with(|| {
            let nearest = self.allowance.request.or(deployment.num_retries).or(self.allowance.router);
            nearest.unwrap_or(RETRIES_DEFAULT)
        });
        let made = self.failures;
        self.failures += 1;
        if !may_retry(exception, self.deployments) || granted == 0 {
            return Next::GiveUp(Duration::ZERO);
        }
        if !retryable_status(exception.status_code) && !self.skipped.contains(&deployment.id) {
            self.skipped.push(deployment.id.clone());
        }
        let wait = Duration::from_secs_f64(self.wait(exception, made, now, draw));
        if made < granted { Next::Again(wait) } else { Next::GiveUp(wait) }
    }

    /// The candidates of the next attempt: those that have not refused with a final status, unless all have.
    pub fn candidates<'a>(&self, all: &[&'a Deployment]) -> Vec<&'a Deployment> {
        let fresh: Vec<&Deployment> = all.iter().copied().filter(|one| !self.skipped.contains(&one.id)).collect();
        if fresh.is_empty() { all.to_vec() } else { fresh }
    }

    /// Seconds. None if another deployment can take over at once, even though the draw may fall on the same one again.
    fn wait(&self, exception: &Exception, retries_made: u32, now: SystemTime, draw: f64) -> f64 {
        if self.deployments > 1 {
            return 0.0;
        }
        let asked = retry_after::seconds(&exception.headers, now);
        if (1..=RETRY_AFTER_MAX).contains(&asked) {
            return f64::from(u8::try_from(asked).unwrap_or(u8::MAX)) + JITTER * draw;
        }
        let exponent = i32::try_from(retries_made.min(RETRIES_MAX)).unwrap_or(i32::MAX);
        (DELAY_FIRST * 2f64.powi(exponent)).max(self.allowance.retry_after).min(DELAY_MAX) + JITTER * draw
    }
}

/// Whether LiteLLM would try the same request again after this failure.
fn may_retry(exception: &Exception, deployments: usize) -> bool {
    // 403 is retried even on a lone deployment: what it is mapped to is no PermissionDeniedError.
    let excused = matches!(exception.status_code, 401 | 403);
    let final_status = !retryable_status(exception.status_code) && !excused;
    let final_class = exception.class == ExceptionClass::NotFoundError;
    let alone = exception.class == ExceptionClass::AuthenticationError && deployments <= 1;
    !(final_status || final_class || alone || deployments == 0)
}

fn retryable_status(status: u16) -> bool {
    matches!(status, 408 | 409 | 429) || status >= 500
}
