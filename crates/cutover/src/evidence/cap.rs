//! Caps that keep one caller, or one request sent again and again, from speaking for all.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{hash, time::UnixSeconds};

/// Callers told apart within an hour.
pub const CALLERS_MAX: usize = 4096;
/// Requests told apart within an hour.
pub const REQUESTS_MAX: usize = 32_768;
/// Mismatching requests told apart within an hour.
pub const MISMATCHES_MAX: usize = 1024;

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
    /// or not, matches and mismatches alike, or a busy caller would distort the rate. Where memory
    /// is used up, nothing counts toward promotion and mismatches still count toward rollback.
    pub fn count(&mut self, caller: u64, request: u64, mismatch: bool, now: UnixSeconds) -> Counted {
        if self.hour != now.hour() {
            *self = Self { hour: now.hour(), ..Self::new(self.hourly_max) };
        }
        let of_caller = hash::fold(caller, request);
        let full = self.requests.len() >= REQUESTS_MAX;
        let first = !self.requests.contains(&of_caller) && !full;
        if first {
            self.requests.insert(of_caller);
        }
        let first_mismatch = mismatch && !self.mismatches.contains(&of_caller);
        if first_mismatch && self.mismatches.len() < MISMATCHES_MAX {
            self.mismatches.insert(of_caller);
        }
        let fresh = first || first_mismatch;
        let promotion = fresh && !full && self.within_cap(caller);
        Counted { promotion, regression: fresh }
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
