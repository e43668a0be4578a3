//! Moves by an operator's hand: always with a reason, upward with evidence or by force, downward at once.

use super::{Action, LaneState, Move, Position};
use crate::{
    evidence::Evidence,
    gate::{self, Conditions},
    lane::Stage,
    rules::LaneRule,
    time::UnixSeconds,
};

/// What an operator asks of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// One step up, if the gate is open but for hold and `promote: manual`.
    Promote,
    /// One step up whatever the gate says; from off to shadow and from the unwatched top to full too.
    ForcePromote,
    /// Stop promotions.
    Hold,
    /// Let promotions go on.
    Release,
    /// From canary and full to shadow, from shadow to off. The lane is held afterwards.
    Rollback,
}

/// Why an operator's request is refused. All are the operator's to resolve; none changes by a retry at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No reason was given.
    #[error("a reason is needed")]
    NoReason,
    /// All lanes are frozen.
    #[error("all lanes are frozen")]
    Frozen,
    /// There is nothing in that direction.
    #[error("the lane cannot go further in that direction")]
    NowhereToGo,
    /// The gate is not open; its open points follow.
    #[error("the gate is not open: {0}")]
    GateClosed(String),
}

impl Refusal {
    /// The error code of the admin API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoReason => "reason_missing",
            Self::Frozen => "frozen",
            Self::NowhereToGo => "nowhere_to_go",
            Self::GateClosed(_) => "gate_closed",
        }
    }
}

/// The move an operator asks for, or why not.
pub fn operate(
    operation: Operation,
    reason: &str,
    state: &LaneState,
    rule: &LaneRule,
    evidence: &Evidence,
    conditions: &Conditions,
    now: UnixSeconds,
) -> Result<Move, Refusal> {
    if reason.trim().is_empty() {
        return Err(Refusal::NoReason);
    }
    let (action, to) = match operation {
        Operation::Hold => (Action::Hold, state.position),
        Operation::Release => (Action::Release, state.position),
        Operation::Rollback => (Action::Rollback, lower(state.position).ok_or(Refusal::NowhereToGo)?),
        Operation::ForcePromote => (Action::Promote, higher(state, rule, conditions).ok_or(Refusal::NowhereToGo)?),
        Operation::Promote => (Action::Promote, promotable(state, rule, evidence, conditions, now)?),
    };
    let trigger = (action == Action::Rollback).then(|| "operator".to_owned());
    Ok(Move { action, from: state.position, to, reason: reason.trim().to_owned(), trigger })
}

fn lower(position: Position) -> Option<Position> {
    match position.stage {
        Stage::Canary | Stage::Full => Some(Position::SHADOW),
        Stage::Shadow => Some(Position::OFF),
        Stage::Off => None,
    }
}

fn higher(state: &LaneState, rule: &LaneRule, conditions: &Conditions) -> Option<Position> {
    match state.position.stage {
        Stage::Off => Some(Position::SHADOW),
        Stage::Full => None,
        Stage::Shadow | Stage::Canary => state.next(rule, conditions.reverse_shadow).or(Some(Position::FULL)),
    }
}

fn promotable(
    state: &LaneState,
    rule: &LaneRule,
    evidence: &Evidence,
    conditions: &Conditions,
    now: UnixSeconds,
) -> Result<Position, Refusal> {
    if conditions.frozen {
        return Err(Refusal::Frozen);
    }
    if state.position.stage == Stage::Off {
        // Shadow serves nothing natively, so it needs no evidence.
        return Ok(Position::SHADOW);
    }
    let gate = gate::evaluate(state, rule, evidence, conditions, now);
    let next = gate.next.ok_or(Refusal::NowhereToGo)?;
    // The operator's own hand is what a hold waits for.
    let open: Vec<&str> =
        gate.checks.iter().filter(|check| !check.ok && check.name != "hold").map(|check| check.text.as_str()).collect();
    if open.is_empty() { Ok(next) } else { Err(Refusal::GateClosed(open.join("; "))) }
}
