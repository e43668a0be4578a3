//! What became of a request, taken in where it is found out: a rollback does not wait for the next tick.

use cutover::evidence::RequestTraits;
use cutover::lane::{LaneId, Stage};
use cutover::verdict::{Outcome, Verdict};

use super::Controller;
use crate::shadow::Traits;

/// One outcome with what evidence wants to know of its request.
#[derive(Clone, Debug)]
pub struct Observation {
    pub lane: LaneId,
    pub outcome: Outcome,
    pub traits: Traits,
    /// The worst cause is severe and new to the store.
    pub severe: bool,
}

impl Controller {
    /// Records one outcome. Takes the controller's lock: for shadow workers, never for a thread that serves.
    pub fn observe(&self, observation: &Observation) {
        let mut state = self.locked();
        let now = self.now();
        let Some(lane) = state.lanes.get_mut(&observation.lane) else { return };
        self.count(&observation.lane, &observation.outcome);
        let Traits { caller, digest, shape } = &observation.traits;
        let traits = RequestTraits { caller: *caller, request: *digest, shape };
        lane.evidence.record(&observation.outcome, &traits, now);
        lane.dirty = true;
        match &observation.outcome {
            Outcome::Compared(Verdict::Mismatch) => {}
            Outcome::Compared(_) => {
                lane.tally.add_shape(shape);
                return;
            }
            Outcome::Skipped(_) => return,
        }
        if observation.severe {
            // At least this one, even where the store could not keep it.
            lane.open_severe_causes = self.open_severe_causes(&observation.lane).max(1);
        }
        let serves = matches!(lane.state.position.stage, Stage::Canary | Stage::Full);
        if serves {
            self.step_lane(&mut state, &observation.lane);
        }
        drop(state);
        self.save_dirty();
    }

    pub(super) fn count(&self, lane: &LaneId, outcome: &Outcome) {
        let (kind, reason) = match outcome {
            Outcome::Compared(verdict) => (verdict.as_str(), ""),
            Outcome::Skipped(reason) => ("skipped", reason.as_str()),
        };
        self.metrics.outcomes.with_label_values(&[lane.to_string().as_str(), kind, reason]).inc();
    }
}
