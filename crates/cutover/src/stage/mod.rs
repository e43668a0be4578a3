//! How a lane moves: by itself when the gate is open, back at once when an alarm is raised, and by
//! an operator's hand.
//!
//! A [`Move`] is computed from a snapshot ([`step`], [`operate`], [`reload`]) and then applied
//! ([`apply`]); the host writes it to its journal in between. Raising a weight needs evidence;
//! lowering it needs nothing. Two words that differ: a rule's `hold: true` *pins* a lane, nothing
//! moves by itself; an operator's `hold` only stops promotions, because a brake that also switched
//! off the rollback would be a trap. `freeze` is that brake for all lanes.

mod operate;

pub use operate::{Operation, Refusal, operate};

use serde::{Deserialize, Serialize};

use crate::{
    evidence::Evidence,
    gate::{self, Conditions},
    lane::{Stage, Weight},
    rules::{LaneRule, Promotion},
    time::UnixSeconds,
};

/// Where automatic promotion stops on a lane that nothing would watch at full.
pub const UNWATCHED_WEIGHT_MAX: Weight = match Weight::from_parts_per_million(990_000) {
    Some(weight) => weight,
    None => Weight::ZERO,
};

/// A stage with its weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The stage.
    pub stage: Stage,
    /// The native share: 0 below canary, 1 at full.
    pub weight: Weight,
}

impl Position {
    /// Nothing is served natively; comparisons run.
    pub const SHADOW: Self = Self { stage: Stage::Shadow, weight: Weight::ZERO };
    /// Nothing runs.
    pub const OFF: Self = Self { stage: Stage::Off, weight: Weight::ZERO };
    /// Everything is served natively.
    pub const FULL: Self = Self { stage: Stage::Full, weight: Weight::ONE };

    /// The canary at a weight.
    pub const fn canary(weight: Weight) -> Self {
        Self { stage: Stage::Canary, weight }
    }

    /// Where a stage begins under a rule.
    pub fn start_of(stage: Stage, rule: &LaneRule) -> Self {
        match stage {
            Stage::Off => Self::OFF,
            Stage::Shadow => Self::SHADOW,
            Stage::Canary => Self::canary(rule.canary.steps.first().copied().unwrap_or(Weight::ZERO)),
            Stage::Full => Self::FULL,
        }
    }
}

/// Where a lane is and how it got there. Stored; survives restarts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneState {
    /// Where it is.
    #[serde(flatten)]
    pub position: Position,
    /// Since when.
    pub since: UnixSeconds,
    /// An operator has stopped its promotions.
    pub held: bool,
    /// The last rollback; cleared by the next promotion.
    pub rollback: Option<RollbackRecord>,
    /// The rule's stage when it was last followed; a change of it moves the lane.
    pub rule_stage: Stage,
}

/// A rollback that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackRecord {
    /// When.
    pub at: UnixSeconds,
    /// What raised it, from a closed set: `regression`, `native_5xx`, `panic`, `overhead`, `operator`.
    pub trigger: String,
    /// The reason in words.
    pub text: String,
    /// Until when the lane stays in shadow.
    pub cooldown_until: UnixSeconds,
}

impl LaneState {
    /// A lane that was never seen before starts where its rule says.
    pub fn start(rule: &LaneRule, now: UnixSeconds) -> Self {
        Self {
            position: Position::start_of(rule.stage, rule),
            since: now,
            held: false,
            rollback: None,
            rule_stage: rule.stage,
        }
    }

    /// A lane whose past is lost starts where nothing has to be shown first: in shadow at most. Only a rule's pin, the
    /// operator's own act, puts it higher.
    pub fn start_without_past(rule: &LaneRule, now: UnixSeconds) -> Self {
        let start = Self::start(rule, now);
        let position = if rule.hold { start.position } else { start.position.min(Position::SHADOW) };
        Self { position, ..start }
    }

    /// Whether something still compares Python with the native leg where the lane is.
    pub fn watched(&self, rule: &LaneRule, reverse_shadow: bool) -> bool {
        match self.position.stage {
            Stage::Off => false,
            Stage::Shadow | Stage::Canary => rule.mirror > Weight::ZERO,
            Stage::Full => rule.holdout > Weight::ZERO || reverse_shadow,
        }
    }

    /// The positions from shadow to the top, as promotions pass them; with the lane's own, wherever that is.
    pub fn way(&self, rule: &LaneRule, reverse_shadow: bool) -> Vec<Position> {
        let mut climber = Self { position: Position::SHADOW, ..self.clone() };
        let mut way = vec![Position::SHADOW];
        // Ends: every step is higher than the one before, and a rule has finitely many.
        while let Some(next) = climber.next(rule, reverse_shadow) {
            way.push(next);
            climber.position = next;
        }
        if let Err(place) = way.binary_search(&self.position) {
            way.insert(place, self.position);
        }
        way
    }

    /// The position one step up; `None` where automatic promotion has nowhere to go.
    pub fn next(&self, rule: &LaneRule, reverse_shadow: bool) -> Option<Position> {
        let at = self.position;
        let watched_at_full = rule.holdout > Weight::ZERO || reverse_shadow;
        match at.stage {
            // Leaving off is the rule's or an operator's act, never the controller's.
            Stage::Off | Stage::Full => None,
            Stage::Shadow | Stage::Canary => {
                let higher = rule.canary.steps.iter().copied().find(|step| *step > at.weight);
                match higher {
                    Some(step) => Some(Position::canary(step)),
                    None if watched_at_full => Some(Position::FULL),
                    None => Some(Position::canary(UNWATCHED_WEIGHT_MAX)).filter(|top| top.weight > at.weight),
                }
            }
        }
    }
}

/// What a move is called in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// One step up.
    Promote,
    /// Promotions stop.
    Hold,
    /// Promotions go on.
    Release,
    /// Down.
    Rollback,
    /// The rule's stage changed and the lane follows it.
    Reload,
    /// The evidence is about something else and starts anew.
    Reset,
    /// No lane rises.
    Freeze,
    /// Lanes may rise again.
    Unfreeze,
}

impl Action {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Rollback => "rollback",
            Self::Reload => "reload",
            Self::Reset => "reset",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
        }
    }
}

/// A move of one lane, not yet applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// What it is.
    pub action: Action,
    /// From where.
    pub from: Position,
    /// To where; the same for `hold` and `release`.
    pub to: Position,
    /// Why, in words for the journal.
    pub reason: String,
    /// What raised a rollback.
    pub trigger: Option<String>,
}

/// What the host counted over its window (the last minutes): the hard triggers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Triggers {
    /// Answers the native leg served, and how many of them were 5xx.
    pub native: ServedCount,
    /// Answers Python served, and how many of them were 5xx.
    pub python: ServedCount,
    /// Panics in the native leg.
    pub panics: u64,
    /// How often the native leg's own time was too long.
    pub overhead: Overhead,
}

/// Answers of one leg within the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServedCount {
    /// All of them.
    pub answers: u64,
    /// Those with a status of 500 or above.
    pub errors_5xx: u64,
}

/// The native leg's own time within the window: from the request to the answer, less the waits for the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overhead {
    /// Answers whose own time is known.
    pub answers: u64,
    /// Those that took longer than the rule's `overhead_ms_max`.
    pub slow: u64,
}

impl Overhead {
    /// Slow answers that prove nothing: of a few answers one is always the slowest.
    const SLOW_OK: u64 = 3;

    /// Whether the 99th percentile is beyond the limit.
    fn exceeded(self) -> bool {
        self.slow > Self::SLOW_OK && self.slow.saturating_mul(100) > self.answers
    }
}

/// The move the controller makes now, if any. A rollback comes before everything else, a freeze included; upwards the
/// gate has the last word.
pub fn step(
    state: &LaneState,
    rule: &LaneRule,
    evidence: &Evidence,
    conditions: &Conditions,
    triggers: &Triggers,
    now: UnixSeconds,
) -> Option<Move> {
    if rule.hold {
        return None;
    }
    let served_natively = matches!(state.position.stage, Stage::Canary | Stage::Full);
    if served_natively && let Some((trigger, text)) = alarm(rule, evidence, triggers) {
        return Some(rollback(state, trigger, text));
    }
    let gate = gate::evaluate(state, rule, evidence, conditions, now);
    if !gate.ready || rule.promote == Promotion::Manual {
        return None;
    }
    let to = gate.next?;
    let reason = format!(
        "the gate is open: {} pairs with {} mismatches since the step began",
        evidence.promotion.pairs(),
        evidence.promotion.mismatches()
    );
    Some(Move { action: Action::Promote, from: state.position, to, reason, trigger: None })
}

/// What would take the lane back now: trigger and text.
pub fn alarm(rule: &LaneRule, evidence: &Evidence, triggers: &Triggers) -> Option<(&'static str, String)> {
    if triggers.panics > 0 {
        return Some(("panic", format!("the native leg panicked {} times", triggers.panics)));
    }
    let Triggers { native, python, .. } = triggers;
    // Python's error rate is what the provider does to both; only what is beyond it is ours.
    let python_rate = python.errors_5xx as f64 / python.answers.max(1) as f64;
    let excess = native.errors_5xx as f64 - python_rate * native.answers as f64;
    if excess > f64::from(rule.rollback.native_5xx_max) {
        let text = format!(
            "{} of {} native answers were 5xx, {} of {} of Python's",
            native.errors_5xx, native.answers, python.errors_5xx, python.answers
        );
        return Some(("native_5xx", text));
    }
    if triggers.overhead.exceeded() {
        let Overhead { answers, slow } = triggers.overhead;
        let limit = rule.rollback.overhead_ms_max;
        let text =
            format!("{slow} of {answers} native answers took {limit} ms or more beside their waits for the provider");
        return Some(("overhead", text));
    }
    let test = &evidence.regression;
    test.alarm().then(|| {
        let text = format!(
            "the mismatch rate rose above {} (statistic {:.1}, alarm at {:.1})",
            rule.rollback.mismatch_rate_ok,
            test.log_value(),
            test.log_alarm()
        );
        ("regression", text)
    })
}

fn rollback(state: &LaneState, trigger: &str, reason: String) -> Move {
    Move {
        action: Action::Rollback,
        from: state.position,
        to: Position::SHADOW,
        reason,
        trigger: Some(trigger.to_owned()),
    }
}

/// The move that follows a changed rule file, if its stage changed: the operator's act, so it needs
/// no evidence. An unchanged stage moves nothing, or a reload would undo a rollback.
pub fn reload(state: &LaneState, rule: &LaneRule) -> Option<Move> {
    if state.rule_stage == rule.stage {
        return None;
    }
    let to = Position::start_of(rule.stage, rule);
    let reason = format!("the rule's stage changed from {} to {}", state.rule_stage, rule.stage);
    Some(Move { action: Action::Reload, from: state.position, to, reason, trigger: None })
}

/// Applies a move to a lane and to what is known of it.
pub fn apply(made: &Move, state: &mut LaneState, evidence: &mut Evidence, rule: &LaneRule, now: UnixSeconds) {
    match made.action {
        Action::Hold => state.held = true,
        Action::Release => state.held = false,
        Action::Reset | Action::Freeze | Action::Unfreeze => {}
        Action::Promote | Action::Reload | Action::Rollback => {
            state.position = made.to;
            state.since = now;
        }
    }
    match made.action {
        Action::Promote => {
            state.rollback = None;
            evidence.begin_step(now);
        }
        Action::Reload => {
            state.rule_stage = rule.stage;
            evidence.begin_step(now);
        }
        Action::Rollback => {
            let trigger = made.trigger.clone().unwrap_or_default();
            // An operator who took a lane back does not want to find it raised in the morning.
            state.held |= trigger == "operator";
            let cooldown_until = now.plus(rule.rollback.cooldown);
            state.rollback = Some(RollbackRecord { at: now, trigger, text: made.reason.clone(), cooldown_until });
            evidence.reset(rule, now);
        }
        Action::Reset => evidence.reset(rule, now),
        Action::Hold | Action::Release | Action::Freeze | Action::Unfreeze => {}
    }
}
