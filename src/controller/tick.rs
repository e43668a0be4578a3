//! Once a second: take in what the serving threads counted, step every lane, save.

use std::time::Duration;

use cutover::evidence::RequestTraits;
use cutover::lane::LaneId;
use cutover::verdict::Outcome;

use super::window::Served;
use super::{Controller, Lane, OWED_MAX, State, saved};
use crate::reports::SavedLane;

/// The controller's pace.
pub const TICK: Duration = Duration::from_secs(1);

/// Planned skips taken in at one tick; more than a machine can serve in that time.
const SKIPS_MAX: u64 = 200_000;

impl Controller {
    pub fn tick(&self) {
        let mut state = self.locked();
        let ids: Vec<LaneId> = state.lanes.keys().cloned().collect();
        for id in &ids {
            if let Some(lane) = state.lanes.get_mut(id) {
                self.take_in(lane);
            }
        }
        self.refresh_gates(&mut state);
        for id in &ids {
            self.step_lane(&mut state, id);
        }
        for lane in state.lanes.values() {
            self.show(lane);
        }
        drop(state);
        self.save_dirty();
        if let Err(error) = self.store.expire(self.now().0) {
            tracing::error!(%error, "the store failed");
        }
    }

    fn take_in(&self, lane: &mut Lane) {
        let (python, native, _) = lane.tally.served_counts();
        let (python_5xx, native_5xx, panics) = lane.tally.failure_counts();
        lane.window.advance(Served { native, native_5xx, python, python_5xx, panics }, &lane.tally.times);
        let now = self.now();
        for (reason, count) in lane.tally.take_skipped() {
            lane.dirty = true;
            let outcome = Outcome::Skipped(reason);
            for _ in 0..count.min(SKIPS_MAX) {
                self.count(&lane.id, &outcome);
                lane.evidence.record(&outcome, &RequestTraits { caller: 0, request: 0, shape: "" }, now);
            }
        }
    }

    /// The one automatic move of a lane, if there is one.
    pub(super) fn step_lane(&self, state: &mut State, id: &LaneId) {
        let Some(lane) = state.lanes.get(id) else { return };
        let conditions = Self::conditions(state, lane);
        let triggers = lane.window.triggers(&lane.rule.rollback);
        let made = cutover::stage::step(&lane.state, &lane.rule, &lane.evidence, &conditions, &triggers, self.now());
        let Some(made) = made else { return };
        if made.to > made.from && (state.store_error.is_some() || !lane.eligible) {
            return;
        }
        // A failure is said and remembered by `save`.
        let _ = self.carry_out(state, id, &made, "controller");
    }

    /// Writes what was learnt since the last time. The lock is free while the disk works: whoever brings a new file or
    /// a probe's finding does not wait for it.
    pub(super) fn save_dirty(&self) {
        let mut state = self.locked();
        let changed = state.lanes.values_mut().filter(|lane| lane.dirty);
        let lanes: Vec<SavedLane> = changed
            .map(|lane| {
                lane.dirty = false;
                saved(&lane.id, &lane.state, &lane.evidence)
            })
            .collect();
        // With nothing to write, too: find out whether a store that failed works again.
        if lanes.is_empty() && state.store_error.is_none() {
            return;
        }
        let owed = std::mem::take(&mut state.owed);
        state.writes += 1;
        let order = state.writes;
        drop(state);
        let result = self.store.save(self.now().0, order, &lanes, &owed);
        let mut state = self.locked();
        if result.is_err() {
            state.owed.splice(0..0, owed);
            state.owed.truncate(OWED_MAX);
            state.lanes.values_mut().for_each(|lane| lane.dirty = true);
        }
        Self::note_write(&mut state, &result);
    }
}
