//! After a failure: again or not, when, and where not to.

use std::time::{Duration, SystemTime};

use transform::{Exception, ExceptionClass};

use super::retry_after;
use crate::config::{Deployment, LiteLlmConfig};
use crate::native::Decline;

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

impl Allowance {
    /// As the request (`asked`) and the configuration set it.
    pub fn of(asked: Option<u32>, config: &LiteLlmConfig) -> Self {
        Self {
            request: asked,
            router: config.router.num_retries.or(config.settings.num_retries),
            retry_after: config.router.retry_after.unwrap_or(0.0),
        }
    }

    /// Retries where this deployment fails first; `None` if nobody sets them.
    fn nearest(&self, deployment: &Deployment) -> Option<u32> {
        self.request.or(deployment.num_retries).or(self.router)
    }

    /// Errors  more retries than are held open natively.
    pub fn check(&self, deployment: &Deployment) -> Result<(), Decline> {
        let is_held = self.nearest(deployment).is_none_or(|retries| retries <= RETRIES_MAX);
        if is_held { Ok(()) } else { Err(Decline::TooManyRetries) }
    }
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

    /// Takes a failed attempt in. `draw` in [0, 1) is the jitter of the wait; `is_anybody_left`: not every deployment rests.
    pub fn failed(
        &mut self,
        deployment: &Deployment,
        exception: &Exception,
        is_anybody_left: bool,
        now: SystemTime,
        draw: f64,
    ) -> Next {
        let allowance = self.allowance;
        let granted = *self.granted.get_or_insert_with(|| allowance.nearest(deployment).unwrap_or(RETRIES_DEFAULT));
        let made = self.failures;
        self.failures += 1;
        if !may_retry(exception, self.deployments) || !is_anybody_left || granted == 0 {
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
    let excused = matches!(exception.status_code, 401 | 403);
    let final_status = !retryable_status(exception.status_code) && !excused;
    let final_class = matches!(exception.class, ExceptionClass::NotFoundError | ExceptionClass::Unjudged);
    // What a 403 of Mistral's or OpenAI's is mapped to is no PermissionDeniedError, and is tried again.
    let is_personal =
        matches!(exception.class, ExceptionClass::AuthenticationError | ExceptionClass::PermissionDeniedError);
    let alone = is_personal && deployments <= 1;
    !(final_status || final_class || alone || deployments == 0)
}

pub(super) fn retryable_status(status: u16) -> bool {
    matches!(status, 408 | 409 | 429) || status >= 500
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::tests_support::deployment;
    use std::time::UNIX_EPOCH;

    fn exception(class: ExceptionClass, status_code: u16, retry_after: Option<&str>) -> Exception {
        Exception {
            class,
            status_code,
            message: String::new(),
            provider: "mistral".into(),
            model: "m".into(),
            headers: retry_after.map(|value| ("retry-after".to_owned(), value.to_owned())).into_iter().collect(),
            has_attribute_error: false,
        }
    }

    /// Failures of one kind until it gives up: the waits in seconds, the last being the one before the answer.
    fn waits(allowance: Allowance, deployments: usize, exception: &Exception, draw: f64) -> Vec<f64> {
        let mut retries = Retries::new(allowance, deployments);
        let mut waits = Vec::new();
        loop {
            let next = retries.failed(&deployment("d"), exception, true, UNIX_EPOCH, draw);
            waits.push(next.wait().as_secs_f64());
            if next.is_final() {
                return waits;
            }
        }
    }

    #[test]
    fn waits_double_up_to_a_limit_and_obey_the_provider() {
        let check = |retries, least, retry_after, draw, expect: &[f64]| {
            let allowance = Allowance { request: retries, router: None, retry_after: least };
            let exception = exception(ExceptionClass::RateLimitError, 429, retry_after);
            assert_eq!(waits(allowance, 1, &exception, draw), expect, "{retries:?} {least} {retry_after:?}");
        };
        check(None, 0.0, None, 0.0, &[0.5, 1.0, 2.0]);
        check(None, 0.0, None, 0.5, &[0.875, 1.375, 2.375]);
        check(Some(6), 0.0, None, 0.0, &[0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]);
        check(Some(1), 3.0, None, 0.0, &[3.0, 3.0]);
        check(Some(1), 30.0, None, 0.0, &[8.0, 8.0]);
        check(Some(0), 0.0, None, 0.0, &[0.0]);
        check(Some(1), 3.0, Some("1"), 0.0, &[1.0, 1.0]);
        check(Some(1), 0.0, Some("60"), 0.0, &[60.0, 60.0]);
        check(Some(1), 0.0, Some("61"), 0.0, &[0.5, 1.0]);
        check(Some(1), 0.0, Some("0"), 0.0, &[0.5, 1.0]);
    }

    #[test]
    fn some_failures_are_final() {
        use ExceptionClass::{ApiError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError};
        let check = |class, status, deployments, attempts| {
            let made = waits(Allowance::default(), deployments, &exception(class, status, None), 0.0);
            assert_eq!(made.len(), attempts, "{class:?} {status} of {deployments}");
            assert!(deployments == 1 || made.iter().all(|wait| *wait == 0.0), "others take over at once");
        };
        check(InternalServerError, 500, 1, 3);
        check(InternalServerError, 500, 0, 1);
        check(InternalServerError, 529, 2, 3);
        check(BadRequestError, 400, 2, 1);
        check(BadRequestError, 422, 1, 1);
        check(NotFoundError, 404, 2, 1);
        check(AuthenticationError, 401, 1, 1);
        check(AuthenticationError, 401, 2, 3);
        check(ApiError, 403, 1, 3);
        check(ExceptionClass::PermissionDeniedError, 403, 1, 1);
        check(ExceptionClass::PermissionDeniedError, 403, 2, 3);
        check(ApiError, 413, 1, 1);
        check(ApiError, 409, 1, 3);
        check(ExceptionClass::Unmapped, 500, 1, 3);
        check(ExceptionClass::Unjudged, 500, 2, 1);
    }

    #[test]
    fn who_refused_is_passed_over_while_others_are_left() {
        let (one, other) = (deployment("one"), deployment("other"));
        let all = [&one, &other];
        let ids = |retries: &Retries| retries.candidates(&all).iter().map(|found| found.id.clone()).collect::<Vec<_>>();
        let mut retries = Retries::new(Allowance { request: Some(5), ..Allowance::default() }, 2);
        retries.failed(&one, &exception(ExceptionClass::InternalServerError, 500, None), true, UNIX_EPOCH, 0.0);
        assert_eq!(ids(&retries), ["one", "other"], "a 500 excludes nobody");
        retries.failed(&one, &exception(ExceptionClass::AuthenticationError, 401, None), true, UNIX_EPOCH, 0.0);
        assert_eq!(ids(&retries), ["other"]);
        retries.failed(&other, &exception(ExceptionClass::ApiError, 403, None), true, UNIX_EPOCH, 0.0);
        assert_eq!(ids(&retries), ["one", "other"], "all refused: all are candidates again");
    }

    #[test]
    fn the_nearest_allowance_counts() {
        let granted = |request, own, router| {
            let mut failing = deployment("d");
            failing.num_retries = own;
            let mut retries = Retries::new(Allowance { request, router, retry_after: 0.0 }, 1);
            retries.failed(&failing, &exception(ExceptionClass::InternalServerError, 500, None), true, UNIX_EPOCH, 0.0);
            retries.granted()
        };
        assert_eq!(granted(None, None, None), Some(2));
        assert_eq!(granted(None, None, Some(1)), Some(1));
        assert_eq!(granted(None, Some(3), Some(1)), Some(3));
        assert_eq!(granted(Some(0), Some(3), Some(1)), Some(0));
    }
}
