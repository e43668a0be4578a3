//! From rule files to rules: checks across fields and files, and the layering that leaves no gap.
//!
//! Least to most specific: defaults, the file for `*`, the route's file, its `lanes` entry for the
//! provider, its `lanes` entry for the model group.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    content::{Content, ContentChoice},
    file::{CanaryFile, GateFile, LaneOverride, RollbackFile, RuleFile, StickyBy, Tolerate},
    suggest::nearest,
};
use crate::{
    lane::{LaneId, ROUTES, Stage, Weight},
    time::{Date, Span},
};

/// The route name that stands for every route.
const EVERY_ROUTE: &str = "*";

/// Who raises a lane once its gate is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Promotion {
    /// The controller.
    #[default]
    Automatic,
    /// An operator.
    Manual,
}

/// The canary's steps, all filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Canary {
    /// Ascending, each strictly between 0 and 1, at least one.
    pub steps: Vec<Weight>,
    /// The least time at each step.
    pub minimum_time: Span,
}

/// What the evidence must show, all filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateRule {
    /// The mismatch rate to exclude; strictly between 0 and 1.
    pub mismatch_rate_max: f64,
    /// The accepted chance of a wrong promotion; strictly between 0 and 1.
    pub alpha: f64,
    /// The accepted Good–Turing share of unseen shapes.
    pub unseen_shape_max: f64,
    /// The accepted share of sampled requests without a comparison.
    pub uncompared_max: f64,
    /// The least time in shadow.
    pub minimum_time: Span,
    /// Counted pairs per caller and hour.
    pub caller_hourly_max: u32,
}

/// What takes a lane back, all filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RollbackRule {
    /// The mismatch rate that raises no alarm; strictly between 0 and the gate's.
    pub mismatch_rate_ok: f64,
    /// Pairs to a false alarm, on average at least.
    pub average_run_length: f64,
    /// Accepted native 5xx beyond Python's within the host's window.
    pub native_5xx_max: u32,
    /// Milliseconds of its own that the native leg may take on 99 of 100 answers.
    pub overhead_ms_max: u32,
    /// The least time in shadow after a rollback.
    pub cooldown: Span,
}

/// The complete rule of one lane.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LaneRule {
    /// Where the lane starts.
    pub stage: Stage,
    /// No automatic move in either direction.
    pub hold: bool,
    /// Share of Python-served requests mirrored.
    pub mirror: Weight,
    /// What sticks to a leg.
    pub sticky_by: StickyBy,
    /// The way up.
    pub canary: Canary,
    /// Share kept on Python at full.
    pub holdout: Weight,
    /// What the evidence must show.
    pub gate: GateRule,
    /// What takes the lane back.
    pub rollback: RollbackRule,
    /// Who raises the lane.
    pub promote: Promotion,
    /// Present where the content of samples is kept.
    pub content: Option<Content>,
    /// Excused differences: those of `*` and those of the route.
    pub tolerate: Vec<Tolerate>,
}

impl Default for LaneRule {
    fn default() -> Self {
        let percent = |hundredths| Weight::nearest(f64::from(hundredths) / 100.0);
        Self {
            stage: Stage::Off,
            hold: false,
            mirror: Weight::ONE,
            sticky_by: StickyBy::Conversation,
            canary: Canary { steps: [1, 5, 25, 50].map(percent).to_vec(), minimum_time: Span::from_hours(1) },
            holdout: percent(1),
            gate: GateRule {
                mismatch_rate_max: 0.005,
                alpha: 0.05,
                unseen_shape_max: 0.05,
                uncompared_max: 0.05,
                minimum_time: Span::from_hours(24),
                caller_hourly_max: 200,
            },
            rollback: RollbackRule {
                mismatch_rate_ok: 0.0005,
                average_run_length: 100_000.0,
                native_5xx_max: 3,
                overhead_ms_max: 500,
                cooldown: Span::from_hours(1),
            },
            promote: Promotion::Automatic,
            content: None,
            tolerate: Vec::new(),
        }
    }
}

impl LaneRule {
    /// What the host hashes for the evidence key: canonical JSON of all that gives a pair its
    /// meaning (gate, rollback, tolerate). Pinning a lane or storing content resets nothing.
    pub fn evidence_input(&self) -> String {
        let meaning = (&self.gate, &self.rollback, &self.tolerate);
        serde_json::to_string(&meaning).unwrap_or_default()
    }
}

/// What is wrong with a rule file, as data. The operator corrects all of it; nothing is worth a retry.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RuleProblem {
    /// No such route.
    #[error("no route `{written}`{}", .nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?")))]
    UnknownRoute {
        /// As written.
        written: String,
        /// The valid name that was probably meant.
        nearest: Option<String>,
    },
    /// Two files for one route.
    #[error("the route `{route}` has a rule in {other} already")]
    DuplicateRoute {
        /// The route.
        route: String,
        /// The file that came first.
        other: String,
    },
    /// Two entries for one lane.
    #[error("an earlier entry of `lanes` is for the same provider and model group")]
    DuplicateLane,
    /// A value outside of its range.
    #[error("{0}")]
    Range(&'static str),
    /// A tolerate entry that would hide everything.
    #[error("excuses everything; name the field")]
    TooBroad,
    /// A tolerate entry nobody answers for.
    #[error("owner and reason must not be empty")]
    Unowned,
    /// A tolerate entry that has ended. A warning: it no longer excuses anything.
    #[error("ended on {0} and excuses nothing any more")]
    Expired(Date),
}

/// One problem and where it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{file}: {path}: {problem}")]
pub struct RuleError {
    /// The file's name, as the host passed it.
    pub file: String,
    /// The field, for example `tolerate[0].path`.
    pub path: String,
    /// What is wrong.
    pub problem: RuleProblem,
}

/// The checked rules of all files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    by_route: BTreeMap<String, RuleFile>,
    /// What does not stop the rules from being used but wants attention: ended tolerate entries.
    pub warnings: Vec<RuleError>,
}

impl Rules {
    /// Checks files as a set. Every problem is reported, not only the first.
    pub fn from_files(files: Vec<(String, RuleFile)>, today: Date) -> Result<Self, Vec<RuleError>> {
        let mut rules = Self::default();
        let mut errors = Vec::new();
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for (name, file) in files {
            let mut problems = check_file(&file, today);
            if let Some(other) = seen.get(&file.route) {
                problems.push((
                    "route".into(),
                    RuleProblem::DuplicateRoute { route: file.route.clone(), other: other.clone() },
                ));
            }
            for (path, problem) in problems {
                let ended = matches!(problem, RuleProblem::Expired(_));
                let error = RuleError { file: name.clone(), path, problem };
                if ended { rules.warnings.push(error) } else { errors.push(error) }
            }
            seen.entry(file.route.clone()).or_insert(name);
            rules.by_route.entry(file.route.clone()).or_insert(file);
        }
        if errors.is_empty() {
            errors = rules.check_layers(&seen);
        }
        if errors.is_empty() { Ok(rules) } else { Err(errors) }
    }

    /// A file that is fine by itself may not be on top of the one for `*`.
    fn check_layers(&self, names: &BTreeMap<String, String>) -> Vec<RuleError> {
        let mut errors = Vec::new();
        for (route, file) in self.by_route.iter().filter(|(route, _)| *route != EVERY_ROUTE) {
            let lanes = file
                .lanes
                .iter()
                .map(|entry| LaneId::new(route.as_str(), entry.provider.as_str(), entry.model_group.clone()));
            let mut problems = Problems::new();
            for lane in lanes.chain([LaneId::new(route.as_str(), "", None)]) {
                check_values(&self.resolve(&lane), "", &mut problems);
            }
            problems.dedup();
            let file = names.get(route).cloned().unwrap_or_default();
            errors.extend(problems.into_iter().map(|(path, problem)| RuleError { file: file.clone(), path, problem }));
        }
        errors
    }

    /// The complete rule of a lane. Without any file for it the lane is off.
    pub fn resolve(&self, lane: &LaneId) -> LaneRule {
        let mut rule = LaneRule::default();
        for file in [EVERY_ROUTE, lane.route.as_str()].iter().filter_map(|route| self.by_route.get(*route)) {
            rule.layer_file(file);
            rule.layer_lanes(file, lane);
        }
        rule
    }

    /// Whether any file speaks of the route, by name or through `*`.
    pub fn mentions(&self, route: &str) -> bool {
        self.by_route.contains_key(route) || self.by_route.contains_key(EVERY_ROUTE)
    }

    /// Whether a rule has an entry of its own for the lane's model group: the group is then a lane by itself.
    pub fn names_group(&self, lane: &LaneId) -> bool {
        let mut files = [EVERY_ROUTE, lane.route.as_str()].into_iter().filter_map(|route| self.by_route.get(route));
        files.any(|file| {
            file.lanes.iter().any(|entry| {
                entry.provider == lane.provider && entry.model_group.is_some() && entry.model_group == lane.model_group
            })
        })
    }

    /// The files as one canonical JSON text: what the host hashes to name this set of rules. Does
    /// not depend on the order of the files or on how their YAML was written.
    pub fn canonical(&self) -> String {
        serde_json::to_string(&self.by_route).unwrap_or_default()
    }
}

/// Copies what a layer sets over what was there.
macro_rules! layer {
    ($rule:expr, $from:expr, $($field:ident),+) => { $( if let Some(value) = &$from.$field { $rule.$field = value.clone(); } )+ };
}

impl LaneRule {
    fn layer_file(&mut self, file: &RuleFile) {
        layer!(self, file, stage, hold, mirror, sticky_by, holdout, promote);
        self.layer_groups(file.canary.as_ref(), file.gate.as_ref(), file.rollback.as_ref());
        self.layer_content(file.content.as_ref());
        self.tolerate.extend(file.tolerate.iter().cloned());
    }

    fn layer_lanes(&mut self, file: &RuleFile, lane: &LaneId) {
        let for_provider = |entry: &&LaneOverride| entry.provider == lane.provider;
        let (whole, single): (Vec<_>, Vec<_>) =
            file.lanes.iter().filter(for_provider).partition(|entry| entry.model_group.is_none());
        let for_group = single.into_iter().filter(|entry| entry.model_group == lane.model_group);
        for entry in whole.into_iter().chain(for_group) {
            layer!(self, entry, stage, hold, mirror, sticky_by, holdout, promote);
            self.layer_groups(entry.canary.as_ref(), entry.gate.as_ref(), entry.rollback.as_ref());
            self.layer_content(entry.content.as_ref());
        }
    }

    fn layer_content(&mut self, choice: Option<&ContentChoice>) {
        match choice {
            None => {}
            Some(ContentChoice::Off) => self.content = None,
            Some(ContentChoice::Keep(content)) => self.content = Some(content.clone()),
        }
    }

    fn layer_groups(&mut self, canary: Option<&CanaryFile>, gate: Option<&GateFile>, rollback: Option<&RollbackFile>) {
        if let Some(canary) = canary {
            layer!(self.canary, canary, steps, minimum_time);
        }
        if let Some(gate) = gate {
            layer!(
                self.gate,
                gate,
                mismatch_rate_max,
                alpha,
                unseen_shape_max,
                uncompared_max,
                minimum_time,
                caller_hourly_max
            );
        }
        if let Some(rollback) = rollback {
            layer!(
                self.rollback,
                rollback,
                mismatch_rate_ok,
                average_run_length,
                native_5xx_max,
                overhead_ms_max,
                cooldown
            );
        }
    }
}

type Problems = Vec<(String, RuleProblem)>;

fn check_file(file: &RuleFile, today: Date) -> Problems {
    let mut problems = Problems::new();
    if file.route != EVERY_ROUTE && !ROUTES.contains(&file.route.as_str()) {
        let nearest = nearest(&file.route, ROUTES).map(str::to_owned);
        problems.push(("route".into(), RuleProblem::UnknownRoute { written: file.route.clone(), nearest }));
    }
    let mut rule = LaneRule::default();
    rule.layer_file(file);
    check_values(&rule, "", &mut problems);
    for (at, entry) in file.lanes.iter().enumerate() {
        let place = format!("lanes[{at}]");
        if file.lanes[..at]
            .iter()
            .any(|other| other.provider == entry.provider && other.model_group == entry.model_group)
        {
            problems.push((place.clone(), RuleProblem::DuplicateLane));
        }
        let lane = LaneId::new(file.route.as_str(), entry.provider.as_str(), entry.model_group.clone());
        let mut layered = rule.clone();
        layered.layer_lanes(file, &lane);
        // What the file itself gets wrong is reported once, not again for each of its lanes.
        let mut of_lane = Problems::new();
        check_values(&layered, &format!("{place}."), &mut of_lane);
        of_lane.retain(|(path, problem)| {
            !problems.iter().any(|(known, same)| problem == same && path.ends_with(known.as_str()))
        });
        problems.extend(of_lane);
    }
    for (at, entry) in file.tolerate.iter().enumerate() {
        problems
            .extend(check_tolerate(entry, today).map(|(field, problem)| (format!("tolerate[{at}].{field}"), problem)));
    }
    problems
}

fn check_values(rule: &LaneRule, place: &str, problems: &mut Problems) {
    let strictly_inside = |value: f64| value > 0.0 && value < 1.0;
    let share = |value: f64| (0.0..=1.0).contains(&value);
    let steps = &rule.canary.steps;
    let ascending = steps.windows(2).all(|pair| pair[0] < pair[1]);
    let inside = steps.iter().all(|step| *step > Weight::ZERO && *step < Weight::ONE);
    let (gate, rollback) = (&rule.gate, &rule.rollback);
    let rules: [(bool, &str, &'static str); 10] = [
        (
            !steps.is_empty() && ascending && inside,
            "canary.steps",
            "steps must ascend, each above 0 and below 1, at least one",
        ),
        (strictly_inside(gate.mismatch_rate_max), "gate.mismatch_rate_max", "must be above 0 and below 1"),
        (strictly_inside(gate.alpha), "gate.alpha", "must be above 0 and below 1"),
        (share(gate.unseen_shape_max), "gate.unseen_shape_max", "must be from 0 to 1"),
        (share(gate.uncompared_max), "gate.uncompared_max", "must be from 0 to 1"),
        (gate.caller_hourly_max >= 1, "gate.caller_hourly_max", "must be at least 1"),
        (
            rollback.mismatch_rate_ok > 0.0 && rollback.mismatch_rate_ok < gate.mismatch_rate_max,
            "rollback.mismatch_rate_ok",
            "must be above 0 and below gate.mismatch_rate_max",
        ),
        (
            rollback.average_run_length >= 100.0 && rollback.average_run_length.is_finite(),
            "rollback.average_run_length",
            "must be 100 or more",
        ),
        (rollback.overhead_ms_max >= 1, "rollback.overhead_ms_max", "must be at least 1"),
        (rule.holdout < Weight::ONE, "holdout", "must be below 1"),
    ];
    let broken = rules.into_iter().filter(|(fine, _, _)| !fine);
    problems.extend(broken.map(|(_, field, text)| (format!("{place}{field}"), RuleProblem::Range(text))));
}

fn check_tolerate(entry: &Tolerate, today: Date) -> impl Iterator<Item = (&'static str, RuleProblem)> {
    let root = entry.path.strip_suffix(".**").unwrap_or(&entry.path);
    let named = root.strip_prefix('$').map_or(!root.is_empty(), |rest| !rest.is_empty());
    let too_broad = !named || root == "headers" || root == "status" || root.contains("**");
    let unowned = entry.owner.trim().is_empty() || entry.reason.trim().is_empty();
    [
        too_broad.then_some(("path", RuleProblem::TooBroad)),
        unowned.then_some(("owner", RuleProblem::Unowned)),
        (today > entry.expires).then_some(("expires", RuleProblem::Expired(entry.expires))),
    ]
    .into_iter()
    .flatten()
}
