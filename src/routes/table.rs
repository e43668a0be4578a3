//! The live lane table: what every request reads once, and the controller swaps whole.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cutover::decide::LaneView;
use cutover::lane::{LaneId, Leg, Stage, Weight};
use cutover::rules::LaneRule;
use cutover::verdict::SkipReason;

use super::{Histogram, Route};
use crate::config::LiteLlmConfig;
use crate::native::Native;

/// One snapshot of everything that a decision depends on.
#[derive(Default)]
pub struct LaneTable {
    /// Absent: no configuration was given, and everything passes through.
    pub native: Option<Arc<Native>>,
    pub lanes: Vec<LiveLane>,
    /// (route, deployment id) -> index in `lanes`
    by_deployment: HashMap<(Route, String), usize>,
    /// Callbacks or guardrails read the body, so nothing may be put into it.
    pub correlation_unsafe: bool,
}

/// What a route's lanes ask of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Nothing: they pass through unread.
    Off,
    /// Some lane is past `off`, and none may be compared or served now: they pass through unread, and are counted.
    Ineligible,
    /// Bodies are read.
    Active,
}

/// A lane as requests see it.
pub struct LiveLane {
    pub id: LaneId,
    /// `id` as text: labels and the sticky hash need it on every request.
    pub name: String,
    pub rule: Arc<LaneRule>,
    pub stage: Stage,
    pub weight: Weight,
    /// Agreement holds and nothing in the configuration declines.
    pub eligible: bool,
    pub tally: Arc<LaneTally>,
}

/// Counts kept by the threads that serve; the controller reads them. No lock on a request's way.
#[derive(Debug, Default)]
pub struct LaneTally {
    served_python: AtomicU64,
    served_native: AtomicU64,
    failed_python: AtomicU64,
    failed_native: AtomicU64,
    panics: AtomicU64,
    declined: AtomicU64,
    skipped: [AtomicU64; SkipReason::ALL.len()],
    shapes: arc_swap::ArcSwap<HashSet<String>>,
    pub times: LaneTimes,
}

/// How long answers took, from the moment that the request's body was whole: before it we wait for the client.
#[derive(Debug, Default)]
pub struct LaneTimes {
    /// Until the client had Python's whole answer.
    pub python: Histogram,
    /// Until the client had the native leg's.
    pub native: Histogram,
    /// Python's own part of it, where a tape shows how long the provider took.
    pub python_overhead: Histogram,
    /// Until the native answer was made, without the waits for the provider and before retries.
    pub native_overhead: Histogram,
}

impl LaneTally {
    /// Counts an answer that the client got, and whether it was a 5xx.
    pub fn served(&self, leg: Leg, status: u16) {
        let (answers, failures) = match leg {
            Leg::Python => (&self.served_python, &self.failed_python),
            Leg::Native => (&self.served_native, &self.failed_native),
        };
        answers.fetch_add(1, Ordering::Relaxed);
        if status >= 500 {
            failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// 5xx answers of Python, of the native leg, and panics.
    pub fn failure_counts(&self) -> (u64, u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.failed_python), read(&self.failed_native), read(&self.panics))
    }

    pub fn declined(&self) {
        self.declined.fetch_add(1, Ordering::Relaxed);
    }

    pub fn skipped(&self, reason: SkipReason) {
        if let Some(index) = SkipReason::ALL.iter().position(|known| *known == reason) {
            self.skipped[index].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// (python, native, declined)
    pub fn served_counts(&self) -> (u64, u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.served_python), read(&self.served_native), read(&self.declined))
    }

    /// Skips since the last call, by reason; those that did not happen are left out.
    pub fn take_skipped(&self) -> impl Iterator<Item = (SkipReason, u64)> {
        let taken = SkipReason::ALL.iter().zip(&self.skipped);
        taken.map(|(reason, count)| (*reason, count.swap(0, Ordering::Relaxed))).filter(|(_, count)| *count > 0)
    }

    /// Whether a pair of this shape was ever compared without a mismatch under the evidence that counts now.
    pub fn shape_compared(&self, shape: &str) -> bool {
        self.shapes.load().contains(shape)
    }

    pub fn add_shape(&self, shape: &str) {
        if self.shape_compared(shape) || self.shapes.load().len() >= SHAPES_MAX {
            return;
        }
        self.shapes.rcu(|known| {
            let mut grown = HashSet::clone(known);
            grown.insert(shape.to_owned());
            grown
        });
    }

    /// Evidence started anew: nothing was compared yet.
    pub fn forget_shapes(&self) {
        self.shapes.store(Arc::default());
    }
}

/// Shapes are built from closed sets of words, so real traffic stays far below this.
const SHAPES_MAX: usize = 4096;

impl LaneTable {
    pub fn new(
        native: Option<Arc<Native>>,
        lanes: Vec<LiveLane>,
        by_deployment: HashMap<(Route, String), usize>,
        correlation_unsafe: bool,
    ) -> Self {
        Self { native, lanes, by_deployment, correlation_unsafe }
    }

    pub fn config(&self) -> Option<&Arc<LiteLlmConfig>> {
        self.native.as_ref().map(|native| &native.config)
    }

    /// Whether bodies on any route are worth reading.
    pub fn is_active(&self) -> bool {
        self.lanes.iter().any(|lane| lane.stage != Stage::Off && lane.eligible)
    }

    /// Whether bodies on this route are worth reading.
    pub fn activity(&self, route: Route) -> Activity {
        let name = route.as_str();
        let mut wanted = self.lanes.iter().filter(|lane| lane.id.route == name && lane.stage != Stage::Off).peekable();
        match (route.has_native_leg() && wanted.peek().is_some(), wanted.any(|lane| lane.eligible)) {
            (false, _) => Activity::Off,
            (true, false) => Activity::Ineligible,
            (true, true) => Activity::Active,
        }
    }

    pub fn lane_of(&self, route: Route, deployment_id: &str) -> Option<&LiveLane> {
        // The key would need an owned text; tables are small and requests have few deployments.
        let index = self.by_deployment.get(&(route, deployment_id.to_owned()))?;
        self.lanes.get(*index)
    }

    /// The lanes that a request for `model` can touch, each once; empty when LiteLLM knows no such model, or not all
    /// of its deployments belong to a lane.
    pub fn reach(&self, route: Route, model: &str) -> Vec<&LiveLane> {
        let Some(config) = self.config() else { return Vec::new() };
        let deployments = config.deployments_of(model);
        let mut reach: Vec<&LiveLane> = Vec::with_capacity(1);
        for deployment in deployments {
            let Some(lane) = self.lane_of(route, &deployment.id) else { return Vec::new() };
            if !reach.iter().any(|known| std::ptr::eq(*known, lane)) {
                reach.push(lane);
            }
        }
        reach
    }
}

impl LiveLane {
    /// As the decision wants it, for a request of this shape.
    pub fn view(&self, shape: &str) -> LaneView<'_> {
        LaneView {
            id: &self.id,
            stage: self.stage,
            weight: self.weight,
            mirror: self.rule.mirror,
            holdout: self.rule.holdout,
            eligible: self.eligible,
            // A lane that an operator pinned by rule needs no evidence, so no shape needs it either.
            shape_compared: self.rule.hold && self.rule.stage >= Stage::Canary || self.tally.shape_compared(shape),
        }
    }
}
