//! Moves lanes: evidence -> gate -> step -> publish, once a second and at every mismatch.
//!
//! The one owner of what may change while we serve: configuration, rules, agreement, stages, evidence. Requests read
//! the lane table it publishes and never wait for it.

mod command;
mod lanes;
mod observe;
mod proof;
mod reload;
mod tick;
mod window;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use cutover::evidence::Evidence;
use cutover::gate::{Conditions, Gate};
use cutover::lane::LaneId;
use cutover::rules::{LaneRule, Rules};
use cutover::stage::{LaneState, Move};
use cutover::time::UnixSeconds;
use serde_json::json;

pub use command::{Command, CommandError};
pub use lanes::lane_id;
pub use observe::Observation;
pub use proof::Proof;
pub use reload::{Loaded, Prices};
pub use tick::TICK;
pub use window::{Durations, TICKS as WINDOW_TICKS, WindowTimes};

use crate::agreement::Agreement;
use crate::config::Reason;
use crate::native::Native;
use crate::reports::{NewEntry, SavedLane, Store, StoreError};
use crate::routes::{LaneTable, LaneTally};
use crate::telemetry::Metrics;
use window::Window;

/// Tells the time; injected, so that tests own it.
pub type Clock = Arc<dyn Fn() -> UnixSeconds + Send + Sync>;

/// The system's clock.
pub fn system_clock() -> Clock {
    Arc::new(|| UnixSeconds(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())))
}

/// The controller of one process.
pub struct Controller {
    state: Mutex<State>,
    table: Arc<ArcSwap<LaneTable>>,
    store: Arc<Store>,
    metrics: Metrics,
    clock: Clock,
    /// Names this build; evidence of another build does not count.
    build: String,
}

/// Everything that changes.
pub struct State {
    pub native: Option<Arc<Native>>,
    pub config: Loaded,
    pub rules: Rules,
    pub rules_loaded: Loaded,
    pub agreement: Agreement,
    /// SHA-256 over the price map of the running LiteLLM; evidence is about one price map.
    pub price_map_hash: String,
    /// Which groups LiteLLM runs as the file has them, and which wait for its restart.
    pub proof: Proof,
    /// Seconds since 1970 of the last probe.
    pub probed_at: Option<u64>,
    pub frozen: bool,
    pub lanes: BTreeMap<LaneId, Lane>,
    /// The last write to the store failed: nothing is promoted until one succeeds.
    pub store_error: Option<String>,
    /// What could not be written down when it happened.
    owed: Vec<NewEntry>,
    /// Writes begun, so that the store can tell which one saw more.
    writes: u64,
}

/// One lane with all that is known of it.
pub struct Lane {
    pub id: LaneId,
    pub rule: Arc<LaneRule>,
    pub state: LaneState,
    pub evidence: Evidence,
    pub gate: Gate,
    /// Why the native leg would not serve; empty means eligible as far as the configuration goes.
    pub declines: Vec<Reason>,
    pub eligible: bool,
    pub tally: Arc<LaneTally>,
    pub open_severe_causes: u64,
    window: Window,
    /// Evidence changed since it was saved.
    dirty: bool,
}

impl Lane {
    /// How fast the legs answered over the last minutes, or since the last move.
    pub fn times(&self) -> &WindowTimes {
        &self.window.times
    }
}

impl Controller {
    /// Starts from what the store holds; lanes appear with the first configuration and rules.
    pub fn new(
        table: Arc<ArcSwap<LaneTable>>,
        store: Arc<Store>,
        metrics: Metrics,
        clock: Clock,
        build: String,
    ) -> Result<Self, StoreError> {
        let frozen = store.setting(FROZEN)?.is_some_and(|value| value == "true");
        let state = State {
            native: None,
            config: Loaded::default(),
            rules: Rules::default(),
            rules_loaded: Loaded::default(),
            agreement: Agreement::default(),
            price_map_hash: String::new(),
            proof: Proof::from_store(&store)?,
            probed_at: None,
            frozen,
            lanes: BTreeMap::new(),
            store_error: None,
            owed: Vec::new(),
            writes: 0,
        };
        Ok(Self { state: Mutex::new(state), table, store, metrics, clock, build })
    }

    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub fn table(&self) -> &Arc<ArcSwap<LaneTable>> {
        &self.table
    }

    pub fn build(&self) -> &str {
        &self.build
    }

    pub fn now(&self) -> UnixSeconds {
        (self.clock)()
    }

    /// Looks at everything, consistently.
    pub fn view<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.locked())
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        // A panic in here leaves whole values behind: every change is made on a copy and then put in place.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a move out. Raising is written down before anyone sees it; lowering is seen first.
    fn carry_out(&self, state: &mut State, id: &LaneId, made: &Move, actor: &str) -> Result<(), StoreError> {
        let now = self.now();
        let Some(lane) = state.lanes.get_mut(id) else { return Ok(()) };
        let evidence_before = evidence_summary(lane);
        let (mut moved, mut evidence) = (lane.state.clone(), lane.evidence.clone());
        cutover::stage::apply(made, &mut moved, &mut evidence, &lane.rule, now);
        let raises = made.to > made.from;
        let saved = saved(id, &moved, &evidence);
        let entry = NewEntry {
            at: now.0,
            actor: actor.to_owned(),
            lane: Some(id.to_string()),
            action: made.action.as_str().to_owned(),
            from: json!(made.from),
            to: json!(made.to),
            reason: made.reason.clone(),
            evidence: evidence_before,
        };
        if raises {
            self.save(state, std::slice::from_ref(&saved), std::slice::from_ref(&entry))?;
        }
        if let Some(lane) = state.lanes.get_mut(id) {
            if evidence.counts != lane.evidence.counts {
                lane.tally.forget_shapes();
            }
            lane.state = moved;
            lane.evidence = evidence;
            lane.window.clear();
        }
        self.refresh_gates(state);
        self.publish(state);
        tracing::info!(lane = %id, action = made.action.as_str(), actor, to = %made.to.stage, weight = made.to.weight.share(), reason = made.reason, "lane moved");
        if let Some(trigger) = &made.trigger {
            self.metrics.rollbacks.with_label_values(&[id.to_string().as_str(), trigger]).inc();
        }
        if raises {
            return Ok(());
        }
        let written = self.save_or_owe(state, &[saved], vec![entry]);
        if written.is_err()
            && let Some(lane) = state.lanes.get_mut(id)
        {
            lane.dirty = true;
        }
        written
    }

    /// Writes down what holds already, whatever the store says: if not now, then once that is possible.
    fn save_or_owe(&self, state: &mut State, lanes: &[SavedLane], entries: Vec<NewEntry>) -> Result<(), StoreError> {
        let written = self.save(state, lanes, &entries);
        if written.is_err() {
            state.owed.extend(entries);
            state.owed.truncate(OWED_MAX);
        }
        written
    }

    /// Writes with the lock held: for moves, which are few.
    fn save(&self, state: &mut State, lanes: &[SavedLane], entries: &[NewEntry]) -> Result<(), StoreError> {
        let owed = std::mem::take(&mut state.owed);
        let entries: Vec<NewEntry> = owed.iter().chain(entries).cloned().collect();
        state.writes += 1;
        let result = self.store.save(self.now().0, state.writes, lanes, &entries);
        if result.is_err() {
            state.owed = owed;
        }
        Self::note_write(state, &result);
        result
    }

    fn note_write(state: &mut State, result: &Result<(), StoreError>) {
        state.store_error = result.as_ref().err().map(ToString::to_string);
        if let Err(error) = result {
            tracing::error!(%error, "the store failed; nothing is promoted until it works again");
        }
    }

    fn conditions(state: &State, lane: &Lane) -> Conditions {
        Conditions {
            agreement: state.agreement.as_condition(),
            open_severe_causes: lane.open_severe_causes,
            frozen: state.frozen,
            reverse_shadow: false,
        }
    }

    fn refresh_gates(&self, state: &mut State) {
        let now = self.now();
        let gates: Vec<(LaneId, Gate)> = state
            .lanes
            .values()
            .map(|lane| {
                let conditions = Self::conditions(state, lane);
                (lane.id.clone(), cutover::gate::evaluate(&lane.state, &lane.rule, &lane.evidence, &conditions, now))
            })
            .collect();
        for (id, gate) in gates {
            if let Some(lane) = state.lanes.get_mut(&id) {
                lane.gate = gate;
            }
        }
    }
}

fn saved(id: &LaneId, state: &LaneState, evidence: &Evidence) -> SavedLane {
    SavedLane { id: id.to_string(), state: json!(state).to_string(), evidence: json!(evidence).to_string() }
}

/// Journal entries that wait for the store; lanes can fall only once without it, so more would be operators' commands.
const OWED_MAX: usize = 256;

/// The name of the setting that keeps a freeze over restarts.
const FROZEN: &str = "frozen";

/// What the journal keeps of the evidence behind a move.
fn evidence_summary(lane: &Lane) -> serde_json::Value {
    let evidence = &lane.evidence;
    json!({
        "key": evidence.key,
        "pairs": evidence.promotion.pairs(),
        "mismatches": evidence.promotion.mismatches(),
        "log_e": evidence.promotion.log_e(),
        "log_e_needed": evidence.promotion.log_e_needed(),
        "regression": evidence.regression.log_value(),
        "unseen_shape_share": evidence.coverage.unseen_share(),
        "uncompared_share": evidence.coverage.uncompared_share(),
        "checks": lane.gate.checks,
    })
}
