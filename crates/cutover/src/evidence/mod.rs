//! What has been learnt about one lane, in bounded memory, ready to be stored and loaded again.
//!
//! `promotion` asks whether the mismatch rate is below the gate's, `regression` whether it has risen
//! above what is fine, `coverage` what was never compared, `cap` keeps one caller from speaking for
//! all, `history` is for the eye. [`Evidence`] joins them under a key: when the lane's build,
//! config or rules change, what was learnt before is about something else and is dropped.

mod cap;
mod coverage;
mod history;
mod promotion;
mod regression;

pub use cap::{CallerCap, Counted};
pub use coverage::{Coverage, SHAPES_MAX, ShapeCount};
pub use history::{History, MINUTES_KEPT, Minute, OutcomeCounts};
pub use promotion::PromotionTest;
pub use regression::RegressionTest;

use serde::{Deserialize, Serialize};

use crate::{
    lane::LaneId,
    rules::LaneRule,
    time::UnixSeconds,
    verdict::{Outcome, Verdict},
};

/// What evidence is about. Two pieces of evidence with different keys never mix.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EvidenceKey {
    /// The lane.
    pub lane: LaneId,
    /// The build of the candidate.
    pub build: String,
    /// The hash of the effective LiteLLM config.
    #[serde(rename = "config")]
    pub config_hash: String,
    /// The hash of [`LaneRule::evidence_input`].
    #[serde(rename = "rules")]
    pub rules_hash: String,
}

/// What is known of a request besides its outcome.
#[derive(Clone, Copy, Debug)]
pub struct RequestTraits<'a> {
    /// A hash of the caller's key; one value for all who have none.
    pub caller: u64,
    /// A hash of the request's body, so that the same request counts once.
    pub request: u64,
    /// The request's shape in words, from a small set: `document_url+pages`.
    pub shape: &'a str,
}

/// The evidence of one lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What all of this is about.
    pub key: EvidenceKey,
    /// Since when the tests below have been counting: the start of the step.
    pub since: UnixSeconds,
    /// Is the mismatch rate below the gate's? Starts anew with every step.
    pub promotion: PromotionTest,
    /// Has the mismatch rate risen above what is fine? Runs through.
    pub regression: RegressionTest,
    /// Which shapes were compared, and how much was not. Kept over steps, but for the uncompared share.
    pub coverage: Coverage,
    /// Who has been counted this hour.
    pub cap: CallerCap,
    /// Outcomes since the key changed, for the board; capped pairs included.
    pub counts: OutcomeCounts,
    /// The last 60 minutes, for the board; survives a reset.
    pub history: History,
}

impl Evidence {
    /// Begins with nothing.
    pub fn new(key: EvidenceKey, rule: &LaneRule, now: UnixSeconds) -> Self {
        Self {
            key,
            since: now,
            promotion: PromotionTest::new(rule.gate.mismatch_rate_max, rule.gate.alpha),
            regression: RegressionTest::new(rule.rollback.mismatch_rate_ok, rule.rollback.average_run_length),
            coverage: Coverage::default(),
            cap: CallerCap::new(rule.gate.caller_hourly_max),
            counts: OutcomeCounts::default(),
            history: History::default(),
        }
    }

    /// Records what became of one request. Call it once for every request of the lane.
    pub fn record(&mut self, outcome: &Outcome, request: &RequestTraits<'_>, now: UnixSeconds) {
        self.counts.add(outcome);
        self.history.add(outcome, now);
        let verdict = match outcome {
            Outcome::Skipped(reason) if reason.benign() => return,
            Outcome::Skipped(_) => return self.coverage.uncompared(request.shape),
            Outcome::Compared(verdict) => verdict,
        };
        let mismatch = *verdict == Verdict::Mismatch;
        let counted = self.cap.count(request.caller, request.request, mismatch, now);
        self.coverage.compared(request.shape, counted.promotion);
        if counted.promotion {
            self.promotion.record(mismatch);
        }
        if counted.regression {
            self.regression.record(mismatch);
        }
    }

    /// Drops everything if the evidence is about something else; true if it was.
    pub fn rekey(&mut self, key: EvidenceKey, rule: &LaneRule, now: UnixSeconds) -> bool {
        let changed = self.key != key;
        if changed {
            let history = std::mem::take(&mut self.history);
            *self = Self { history, ..Self::new(key, rule, now) };
        }
        changed
    }

    /// Forgets all but the history: after a rollback nothing that was learnt before counts.
    pub fn reset(&mut self, rule: &LaneRule, now: UnixSeconds) {
        let (key, history) = (self.key.clone(), std::mem::take(&mut self.history));
        *self = Self { history, ..Self::new(key, rule, now) };
    }

    /// Starts a step: the promotion test and the uncompared share count from here.
    ///
    /// The test itself would stay valid without this (it holds under any number of looks); it starts
    /// anew so that every step rests on what was seen at that step. Shapes once compared stay so,
    /// and the regression test must not forget at the very moment the risk grows.
    pub fn begin_step(&mut self, now: UnixSeconds) {
        self.since = now;
        self.promotion = self.promotion.anew();
        self.coverage.begin_step();
    }
}
