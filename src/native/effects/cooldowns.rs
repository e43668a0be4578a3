//! What the process remembers of failing deployments: one for all served requests, and none for a leg on a tape.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::native::router::cooldown::{Failure, Ledger, Policy, Rest};

/// LiteLLM's counters and rests, kept by deployment id: they outlive a reload of the configuration for every deployment that
/// keeps its id.
#[derive(Debug, Default)]
pub struct Cooldowns {
    /// Held for a look-up or an addition, never across a wait.
    ledger: Mutex<Ledger>,
}

impl Cooldowns {
    pub fn succeeded(&self, id: &str, now: Instant) {
        self.ledger().succeeded(id, now);
    }

    pub fn failed(&self, id: &str, failure: &Failure, is_alone: bool, policy: &Policy, now: Instant) {
        self.ledger().failed(id, failure, is_alone, policy, now);
    }

    pub fn is_resting(&self, id: &str, now: Instant) -> bool {
        self.ledger().is_resting(id, now)
    }

    /// Those of `ids` that rest, with the length of each rest.
    pub fn resting<'a>(&self, ids: impl Iterator<Item = &'a str>, now: Instant) -> Vec<(&'a str, Rest)> {
        let ledger = self.ledger();
        ids.filter_map(|id| ledger.rest_of(id, now).map(|rest| (id, rest.clone()))).collect()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
