//! A controller with a clock, a configuration and an agreement of the test's own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use crossfade::agreement::{Agreement, State};
use crossfade::config::{litellm, rule_files};
use crossfade::controller::{Clock, Command, Controller, Loaded, Observation, Prices};
use crossfade::native::{AuthMode, Native};
use crossfade::reports::Store;
use crossfade::routes::LaneTally;
use crossfade::shadow::Traits;
use crossfade::telemetry::Metrics;
use cutover::lane::LaneId;
use cutover::rules::Rules;
use cutover::stage::LaneState;
use cutover::time::UnixSeconds;
use cutover::verdict::{Outcome, Verdict};

use crate::folder::Folder;

/// The one lane of [`CONFIG`].
pub const LANE: &str = "ocr:mistral";

/// One deployment that the native leg answers exactly; `BASE` is its provider.
pub const CONFIG: &str = "model_list:
- model_name: scan
  litellm_params: {model: mistral/mistral-ocr-latest, api_base: 'BASE', api_key: provider-key}
  model_info: {id: deployment-one}
general_settings: {master_key: sk-master}
";

/// A rule under which ten matches and a minute suffice for a step.
pub const QUICK: &str = "route: ocr
stage: shadow
canary: { steps: [0.1, 0.5], minimum_time: 1m }
gate: { mismatch_rate_max: 0.5, alpha: 0.5, minimum_time: 1m, unseen_shape_max: 0.5, uncompared_max: 0.2, caller_hourly_max: 100000 }
rollback: { mismatch_rate_ok: 0.01, average_run_length: 100, native_5xx_max: 3, overhead_ms_max: 200, cooldown: 10m }
";

/// Reads a configuration with its provider at `base`, and without an environment.
pub fn native(folder: &Folder, config: &str, base: &str) -> Native {
    let path = folder.write("config.yaml", config.replace("BASE", base));
    let config = litellm::load(&path, &|_| None).unwrap();
    Native { config: Arc::new(config), auth: AuthMode::Unknown, prices: Arc::default() }
}

pub fn rules(text: &str) -> Rules {
    let file = rule_files::parse("ocr.yaml", text).unwrap();
    Rules::from_files(vec![("ocr.yaml".to_owned(), file)], UnixSeconds(START).date()).unwrap()
}

/// LiteLLM is the one we imitate.
pub fn agrees() -> Agreement {
    Agreement { state: State::Agrees, checks: Vec::new(), blocked_groups: BTreeSet::new() }
}

/// It is not known whether it is.
pub fn unknown() -> Agreement {
    Agreement::unknown("nobody asked")
}

/// Where the clock stands at first.
pub const START: u64 = 1_800_000_000;

/// A controller and the world around it.
pub struct Stand {
    pub folder: Folder,
    pub controller: Arc<Controller>,
    pub metrics: Metrics,
    now: Arc<AtomicU64>,
    /// The provider's address.
    base: String,
    /// Gives every request a digest of its own.
    requests: u64,
}

impl Stand {
    /// A lane under this rule, in agreement.
    pub fn under(rule: &str) -> Self {
        Self::with_provider(rule, CONFIG, "http://127.0.0.1:9/v1")
    }

    pub fn with_provider(rule: &str, config: &str, base: &str) -> Self {
        let folder = Folder::new();
        let now = Arc::new(AtomicU64::new(START));
        let metrics = Metrics::new().unwrap();
        let controller = controller(&folder, &now, &metrics, "build-1");
        let stand = Self { folder, controller, metrics, now, base: base.to_owned(), requests: 0 };
        stand.read_inputs(config, rule);
        stand.controller.replace_agreement(agrees(), None);
        stand
    }

    /// Another process on the same folder: what was not written is lost.
    pub fn killed_and_started(self, build: &str, rule: &str) -> Self {
        let stand = self.killed_and_started_on(build, rule, CONFIG);
        stand.controller.replace_agreement(agrees(), None);
        stand
    }

    /// The same on this configuration, with LiteLLM not asked yet.
    pub fn killed_and_started_on(self, build: &str, rule: &str, config: &str) -> Self {
        let Self { folder, controller: before, now, base, requests, .. } = self;
        drop(before);
        let metrics = Metrics::new().unwrap();
        let controller = controller(&folder, &now, &metrics, build);
        let stand = Self { folder, controller, metrics, now, base, requests };
        stand.read_inputs(config, rule);
        stand
    }

    fn read_inputs(&self, config: &str, rule: &str) {
        self.controller.replace_rules(rules(rule), Loaded::default());
        self.configure(config);
    }

    pub fn configure(&self, config: &str) {
        self.controller.replace_native(native(&self.folder, config, &self.base), Loaded::default());
    }

    pub fn reprice(&self, hash: &str) {
        let prices = Prices { table: Arc::default(), hash: hash.to_owned() };
        self.controller.replace_agreement(agrees(), Some(prices));
    }

    pub fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    pub fn observe(&mut self, outcome: Outcome, shape: &str, severe: bool) {
        self.requests += 1;
        let traits = Traits { caller: self.requests % 7, digest: self.requests, shape: shape.to_owned() };
        self.controller.observe(&Observation { lane: LANE.parse().unwrap(), outcome, traits, severe });
    }

    pub fn matches(&mut self, count: usize) {
        for _ in 0..count {
            self.observe(Outcome::Compared(Verdict::Match), "document_url:https", false);
        }
    }

    pub fn mismatches(&mut self, count: usize) {
        for _ in 0..count {
            self.observe(Outcome::Compared(Verdict::Mismatch), "document_url:https", false);
        }
    }

    /// Enough of everything for one step.
    pub fn earn_a_step(&mut self) {
        self.matches(20);
        self.pass(61);
        self.controller.tick();
    }

    pub fn state(&self) -> LaneState {
        self.lane(|lane| lane.state.clone())
    }

    pub fn lane<T>(&self, look: impl FnOnce(&crossfade::controller::Lane) -> T) -> T {
        self.controller.view(|state| look(&state.lanes[&LANE.parse::<LaneId>().unwrap()]))
    }

    /// `shadow`, `canary 0.1`, …: as requests see it.
    pub fn published(&self) -> String {
        let table = self.controller.table().load();
        let lane = table.lanes.iter().find(|lane| lane.name == LANE).unwrap();
        match lane.weight.share() {
            0.0 => lane.stage.to_string(),
            share => format!("{} {share}", lane.stage),
        }
    }

    pub fn tally(&self) -> Arc<LaneTally> {
        self.lane(|lane| Arc::clone(&lane.tally))
    }

    /// The texts of the gate's points that are not met, by name.
    pub fn waits_for(&self) -> Vec<(String, String)> {
        self.lane(|lane| {
            let open = lane.gate.checks.iter().filter(|check| !check.ok);
            open.map(|check| (check.name.clone(), check.text.clone())).collect()
        })
    }

    /// Actions of the journal, oldest first, but those of other lanes: what serves OCR counts tokens, too.
    pub fn journal(&self) -> Vec<String> {
        let mut entries = self.controller.store().journal(None, 500).unwrap();
        entries.reverse();
        entries.retain(|entry| entry.lane.as_deref().is_none_or(|lane| lane.starts_with(LANE)));
        entries.into_iter().map(|entry| entry.action).collect()
    }

    /// The file behind the store, opened beside it: to break it and to mend it.
    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("reports/crossfade.db")).unwrap()
    }

    pub fn break_store(&self) {
        self.database().execute_batch("ALTER TABLE lanes RENAME TO lanes_away").unwrap();
    }

    pub fn mend_store(&self) {
        self.database().execute_batch("ALTER TABLE lanes_away RENAME TO lanes").unwrap();
    }
}

fn controller(folder: &Folder, now: &Arc<AtomicU64>, metrics: &Metrics, build: &str) -> Arc<Controller> {
    let now = Arc::clone(now);
    let clock: Clock = Arc::new(move || UnixSeconds(now.load(Ordering::Relaxed)));
    let store = Arc::new(Store::open(&folder.path().join("reports"), [7; 32]).unwrap());
    let table = Arc::new(ArcSwap::default());
    Arc::new(Controller::new(table, store, metrics.clone(), clock, build.to_owned()).unwrap())
}

pub fn command(reason: &str) -> Command {
    Command { actor: "operator:test".to_owned(), reason: reason.to_owned() }
}
