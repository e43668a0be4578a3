//! Outcomes for the eye: totals, and the last hour by the minute. No decision rests on them.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    time::UnixSeconds,
    verdict::{Outcome, SkipReason, Verdict},
};

/// How many minutes are kept.
pub const MINUTES_KEPT: usize = 60;

/// How many requests came to which outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeCounts {
    /// Compared and equal.
    #[serde(rename = "match")]
    pub matches: u64,
    /// Compared and excused.
    pub tolerated: u64,
    /// Compared and different.
    pub mismatch: u64,
    /// Not compared, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
}

impl OutcomeCounts {
    /// Counts one outcome.
    pub fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Compared(Verdict::Match) => self.matches += 1,
            Outcome::Compared(Verdict::Tolerated(_)) => self.tolerated += 1,
            Outcome::Compared(Verdict::Mismatch) => self.mismatch += 1,
            Outcome::Skipped(reason) => *self.skipped.entry(*reason).or_default() += 1,
        }
    }
}

/// One minute's outcomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// The minute's first second.
    pub at: UnixSeconds,
    /// Compared and equal.
    #[serde(rename = "match")]
    pub matches: u64,
    /// Compared and different.
    pub mismatch: u64,
    /// Compared and excused.
    pub tolerated: u64,
    /// Sampled but not compared; what was not sampled is left out.
    pub skipped: u64,
}

/// The last hour; minutes without traffic are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    minutes: VecDeque<Minute>,
}

impl History {
    /// Counts one outcome. One that comes late goes to the newest minute.
    pub fn add(&mut self, outcome: &Outcome, now: UnixSeconds) {
        let at = UnixSeconds(now.minute() * 60);
        if self.minutes.back().is_none_or(|newest| newest.at < at) {
            self.minutes.push_back(Minute { at, matches: 0, mismatch: 0, tolerated: 0, skipped: 0 });
        }
        let oldest_kept = now.minute().saturating_sub(MINUTES_KEPT as u64 - 1) * 60;
        while self.minutes.len() > 1 && self.minutes.front().is_some_and(|oldest| oldest.at.0 < oldest_kept) {
            self.minutes.pop_front();
        }
        let Some(minute) = self.minutes.back_mut() else { return };
        match outcome {
            Outcome::Compared(Verdict::Match) => minute.matches += 1,
            Outcome::Compared(Verdict::Tolerated(_)) => minute.tolerated += 1,
            Outcome::Compared(Verdict::Mismatch) => minute.mismatch += 1,
            Outcome::Skipped(reason) => minute.skipped += u64::from(!reason.benign()),
        }
    }

    /// The minutes, oldest first, at most [`MINUTES_KEPT`].
    pub fn minutes(&self) -> impl Iterator<Item = &Minute> {
        self.minutes.iter()
    }
}
