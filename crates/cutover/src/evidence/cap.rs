//! Caps that keep one caller, or one request sent again and again, from speaking for all.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{hash, time::UnixSeconds};

/// Callers told apart within an hour.
pub const CALLERS_MAX: usize = 4096;
/// Requests told apart within an hour; of more, a sample of this size is.
pub const REQUESTS_MAX: usize = 32_768;

/// What a pair counts toward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Toward promotion.
    pub promotion: bool,
    /// Toward rollback.
    pub regression: bool,
}

/// This hour's callers and requests. A new hour starts empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallerCap {
    hourly_max: u32,
    hour: u64,
    callers: BTreeMap<u64, u32>,
    requests: BTreeSet<u64>,
    /// Those of `requests` that were counted as a mismatch.
    mismatches: BTreeSet<u64>,
}

impl CallerCap {
    /// Lets so many pairs of one caller count within an hour.
    pub fn new(hourly_max: u32) -> Self {
        Self { hourly_max, ..Self::default() }
    }

    /// Says what a pair counts toward.
    ///
    /// A request counts once per caller and hour, and a caller up to the cap. A mismatch counts
    /// once more where it was a match before. Toward rollback every distinct request counts, capped
    /// or not, matches and mismatches alike, or a busy caller would distort the rate.
    pub fn count(&mut self, caller: u64, request: u64, mismatch: bool, now: UnixSeconds) -> Counted {
        if self.hour != now.hour() {
            *self = Self { hour: now.hour(), ..Self::new(self.hourly_max) };
        }
        let of_caller = hash::fold(caller, request);
        let first = !self.requests.contains(&of_caller);
        if first && !self.take_into_sample(of_caller) {
            return Counted { promotion: false, regression: false };
        }
        let first_mismatch = mismatch && self.mismatches.insert(of_caller);
        let fresh = first || first_mismatch;
        Counted { promotion: fresh && self.within_cap(caller), regression: fresh }
    }

    /// Where memory is used up, the requests with the least hashes are kept. What a request hashes to
    /// has nothing to do with how its comparison ends, so the rate among those that count stays the
    /// true one; and what has left cannot come back and count twice, because the bar only falls.
    fn take_into_sample(&mut self, request: u64) -> bool {
        if self.requests.len() >= REQUESTS_MAX {
            if self.requests.last().is_none_or(|greatest| *greatest < request) {
                return false;
            }
            if let Some(left) = self.requests.pop_last() {
                self.mismatches.remove(&left);
            }
        }
        self.requests.insert(request)
    }

    fn within_cap(&mut self, caller: u64) -> bool {
        if self.callers.len() >= CALLERS_MAX && !self.callers.contains_key(&caller) {
            return false;
        }
        let counted = self.callers.entry(caller).or_insert(0);
        let within = *counted < self.hourly_max;
        *counted += u32::from(within);
        within
    }
}
