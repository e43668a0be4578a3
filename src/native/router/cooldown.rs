//! Whom the router rests after failures, as LiteLLM's own counters decide it. State as data, and time an argument.
//!
//! Source: LiteLLM 1.102.4 `router.py` `deployment_callback_on_failure`, `router_utils/cooldown_handlers.py`,
//! `router_utils/cooldown_cache.py`, `caching/in_memory_cache.py`; the conversations in `tests/corpus/<route>_cooldowns`.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use transform::{Exception, ExceptionClass};

use super::retry_after;
use crate::config::litellm::RouterSettings;

/// Seconds, if nobody sets a time or sets it to nothing.
const SECONDS_DEFAULT: u32 = 5;
/// What LiteLLM takes for unset.
const ALLOWED_FAILS_DEFAULT: u32 = 3;
/// How long successes and failures are added up, from the first on.
const COUNTED: Duration = Duration::from_secs(60);
/// Calls below which the share of failures says nothing.
const SHARE_CALLS_MIN: u64 = 5;
/// The share of failures above which a deployment of several rests.
const SHARE_MAX: f64 = 0.5;
/// Calls from which even a lone deployment rests, if all of them failed.
const ALL_FAILED_MIN: u64 = 1000;
/// Deployments remembered: far more than one configuration may have that is served natively. What reloads leave behind goes
/// first.
pub const DEPLOYMENTS_MAX: usize = 256;

/// When failures lead to a rest, and how long it is: the router's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    disabled: bool,
    /// Failures that are overlooked; `None`: their share decides.
    allowed_fails: Option<u32>,
    rest: Rest,
}

/// How long a deployment rests.
#[derive(Clone, Debug, PartialEq)]
pub struct Rest {
    pub seconds: f64,
    /// As Python prints the number.
    pub spelled: String,
}

impl Rest {
    fn whole(seconds: i64) -> Self {
        Self { seconds: seconds as f64, spelled: seconds.to_string() }
    }
}

impl Policy {
    pub fn of(settings: &RouterSettings) -> Self {
        let rest = match settings.cooldown_time.filter(|rest| rest.value > 0.0) {
            None => Rest::whole(SECONDS_DEFAULT.into()),
            Some(rest) => Rest { seconds: rest.value, spelled: rest.spelled() },
        };
        Self {
            disabled: settings.disable_cooldowns == Some(true),
            allowed_fails: settings.allowed_fails.filter(|allowed| *allowed != ALLOWED_FAILS_DEFAULT),
            rest,
        }
    }

    /// What a group is told whose deployments have all just stopped resting.
    pub fn default_rest(&self) -> &Rest {
        &self.rest
    }

    /// Whether a failure like this could be what makes its deployment rest, whatever happened before.
    pub fn may_rest(&self, failure: &Failure, is_alone: bool) -> bool {
        if self.disabled || !failure.is_the_deployments() {
            return false;
        }
        self.allowed_fails.is_some() || !is_alone || failure.is_final()
    }
}

/// A failed attempt, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failure {
    /// `None`: it came out of a stream that had begun, and carries none. It is counted and rests nobody.
    pub status: Option<u16>,
    is_of_connection: bool,
    /// Seconds that the provider asked for; negative: it did not.
    retry_after: i64,
}

impl Failure {
    pub fn of(exception: &Exception, now: SystemTime) -> Self {
        Self {
            status: Some(exception.status_code),
            // LiteLLM looks for the name in the whole text, which may be the provider's.
            is_of_connection: exception.class == ExceptionClass::ApiConnectionError
                || exception.message.contains("APIConnectionError"),
            retry_after: retry_after::seconds(&exception.headers, now),
        }
    }

    /// Out of a stream that had begun; `status` as LiteLLM's log has it.
    pub fn of_a_stream(status: Option<u16>) -> Self {
        Self { status, is_of_connection: false, retry_after: -1 }
    }

    /// Whether LiteLLM blames the deployment and not the request or its own connection.
    fn is_the_deployments(&self) -> bool {
        let blamed = |status| matches!(status, 401 | 404 | 408 | 429) || !(400..500).contains(&status);
        !self.is_of_connection && self.status.is_some_and(blamed)
    }

    /// Asking again would not help.
    fn is_final(&self) -> bool {
        self.status.is_some_and(|status| !super::retry::retryable_status(status))
    }
}

/// What the router remembers of every deployment that it has called.
#[derive(Debug, Default)]
pub struct Ledger {
    deployments: HashMap<String, Record>,
}

#[derive(Debug, Default)]
struct Record {
    failures: Count,
    successes: Count,
    /// Counted against `allowed_fails`, in a time of its own.
    overlooked: Count,
    resting: Option<Resting>,
}

/// Adds up for a fixed time from the first on, and then anew.
#[derive(Debug, Default)]
struct Count {
    number: u64,
    begun: Option<Instant>,
}

#[derive(Debug)]
struct Resting {
    /// Of the latest failure.
    rest: Rest,
    since: Instant,
    /// Of the first failure: later ones cannot lengthen a rest, only shorten it.
    until: Option<Instant>,
}

impl Ledger {
    /// Counts a success.
    pub fn succeeded(&mut self, id: &str, now: Instant) {
        self.record(id, now).successes.add(COUNTED, now);
    }

    /// Counts a failure, and lets the deployment rest if it has come to that. `is_alone`: its group has no other.
    pub fn failed(&mut self, id: &str, failure: &Failure, is_alone: bool, policy: &Policy, now: Instant) {
        let record = self.record(id, now);
        record.failures.add(COUNTED, now);
        let rest = match failure.retry_after {
            asked @ 0.. => Rest::whole(asked),
            _ => policy.rest.clone(),
        };
        if policy.disabled || rest.seconds == 0.0 || !failure.is_the_deployments() {
            return;
        }
        if record.is_due(failure, is_alone, policy, now) {
            record.rest(rest, now);
        }
    }

    /// Whether the deployment is not to be called.
    pub fn is_resting(&self, id: &str, now: Instant) -> bool {
        self.rest_of(id, now).is_some()
    }

    /// The rest of a deployment that rests: its whole length, not what is left of it.
    pub fn rest_of(&self, id: &str, now: Instant) -> Option<&Rest> {
        let resting = self.deployments.get(id)?.resting.as_ref()?;
        resting.lasts(now).then_some(&resting.rest)
    }

    fn record(&mut self, id: &str, now: Instant) -> &mut Record {
        if self.deployments.len() >= DEPLOYMENTS_MAX && !self.deployments.contains_key(id) {
            self.deployments.retain(|_, record| record.is_of_use(now));
            // Reloads that bring hundreds of deployments within a minute: nobody is left who would be called.
            if self.deployments.len() >= DEPLOYMENTS_MAX {
                self.deployments.clear();
            }
        }
        self.deployments.entry(id.to_owned()).or_default()
    }
}

impl Record {
    fn is_due(&mut self, failure: &Failure, is_alone: bool, policy: &Policy, now: Instant) -> bool {
        if let Some(allowed) = policy.allowed_fails {
            let time = Duration::try_from_secs_f64(policy.rest.seconds).unwrap_or(Duration::MAX);
            return self.overlooked.add(time, now) > u64::from(allowed);
        }
        let (failures, successes) = (self.failures.at(COUNTED, now), self.successes.at(COUNTED, now));
        let calls = failures + successes;
        let share = failures as f64 / calls.max(1) as f64;
        (failure.status == Some(429) && !is_alone)
            || (successes == 0 && calls >= ALL_FAILED_MIN)
            || (share > SHARE_MAX && calls >= SHARE_CALLS_MIN && !is_alone)
            || failure.is_final()
    }

    fn rest(&mut self, rest: Rest, now: Instant) {
        let until = match self.resting.as_ref().filter(|resting| !resting.is_over(now)) {
            Some(earlier) => earlier.until,
            None => Duration::try_from_secs_f64(rest.seconds).ok().and_then(|length| now.checked_add(length)),
        };
        self.resting = Some(Resting { rest, since: now, until });
    }

    fn is_of_use(&self, now: Instant) -> bool {
        let counts = [&self.failures, &self.successes, &self.overlooked];
        counts.iter().any(|count| count.at(COUNTED, now) > 0) || self.resting.as_ref().is_some_and(|one| one.lasts(now))
    }
}

impl Resting {
    fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now > until) || !self.lasts(now)
    }

    fn lasts(&self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        passed < self.rest.seconds && self.until.is_none_or(|until| now <= until)
    }
}

impl Count {
    fn add(&mut self, time: Duration, now: Instant) -> u64 {
        if self.at(time, now) == 0 {
            *self = Self { number: 0, begun: Some(now) };
        }
        self.number += 1;
        self.number
    }

    fn at(&self, time: Duration, now: Instant) -> u64 {
        let running = self.begun.is_some_and(|begun| now.saturating_duration_since(begun) <= time);
        if running { self.number } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::litellm::Seconds;
    use crate::native::tests_support::moment;

    fn failure(status: u16) -> Failure {
        Failure { status: Some(status), ..Failure::of_a_stream(None) }
    }

    fn policy() -> Policy {
        Policy::of(&RouterSettings::default())
    }

    #[test]
    fn the_ledger_is_bounded() {
        let (mut ledger, start) = (Ledger::default(), moment());
        for number in 0..DEPLOYMENTS_MAX {
            ledger.succeeded(&number.to_string(), start);
        }
        let later = start + Duration::from_secs(30);
        ledger.failed("0", &failure(401), false, &policy(), later);
        assert_eq!(ledger.deployments.len(), DEPLOYMENTS_MAX);
        let latest = start + Duration::from_secs(61);
        ledger.failed("0", &failure(401), false, &policy(), latest);
        ledger.succeeded("new", latest);
        assert_eq!(ledger.deployments.len(), 2, "what is of no use any more goes");
        assert!(ledger.is_resting("0", latest));
        for number in 0..=DEPLOYMENTS_MAX {
            ledger.succeeded(&format!("more {number}"), latest);
        }
        assert!(ledger.deployments.len() <= DEPLOYMENTS_MAX);
    }

    #[test]
    fn rests_are_spelled_as_python_prints_them() {
        let check = |value: Option<f64>, is_whole, expect: &str| {
            let cooldown_time = value.map(|value| Seconds { value, is_whole });
            let settings = RouterSettings { cooldown_time, ..RouterSettings::default() };
            assert_eq!(Policy::of(&settings).default_rest().spelled, expect, "{cooldown_time:?}");
        };
        check(None, false, "5");
        check(Some(0.0), true, "5");
        check(Some(0.0), false, "5");
        check(Some(30.0), true, "30");
        check(Some(30.0), false, "30.0");
        check(Some(0.25), false, "0.25");
    }

    #[test]
    fn an_endless_rest_lasts() {
        let (mut ledger, start) = (Ledger::default(), moment());
        ledger.failed("a", &Failure { retry_after: i64::MAX, ..failure(429) }, false, &policy(), start);
        assert!(ledger.is_resting("a", start + Duration::from_secs(1 << 32)));
    }

    #[test]
    fn a_lone_deployment_rests_over_few_failures() {
        for (status, rests) in
            [(400, false), (401, true), (403, false), (404, true), (408, false), (429, false), (500, false)]
        {
            let (mut ledger, now) = (Ledger::default(), moment());
            (0..10).for_each(|_| ledger.failed("a", &failure(status), true, &policy(), now));
            assert_eq!(ledger.is_resting("a", now), rests, "{status}");
            assert!(!rests || policy().may_rest(&failure(status), true), "{status}");
        }
    }
}
