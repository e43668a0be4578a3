//! What operators ask for.

use cutover::lane::{LaneId, Stage};
use cutover::stage::{Operation, Refusal};
use serde_json::json;
use thiserror::Error;

use super::{Controller, FROZEN};
use crate::reports::{NewEntry, StoreError};

/// An operator's request with who asked and why.
#[derive(Clone, Debug)]
pub struct Command {
    pub actor: String,
    pub reason: String,
}

/// Why a request was not carried out.
#[derive(Debug, Error)]
pub enum CommandError {
    #[error("there is no lane `{0}`; `crossfade status` lists them")]
    NoLane(String),
    #[error("there is no open cause `{0}`")]
    NoCause(String),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the native leg is not eligible on this lane: {0}")]
    NotEligible(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError {
    /// For the API's `code`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoLane(_) => "no_lane",
            Self::NoCause(_) => "no_cause",
            Self::Refused(refusal) => refusal.code(),
            Self::NotEligible(_) => "not_eligible",
            Self::Store(_) => "store",
        }
    }
}

impl Controller {
    /// Moves one lane as an operator asks.
    pub fn operate(&self, lane: &str, operation: Operation, command: &Command) -> Result<(), CommandError> {
        let id: LaneId = lane.parse().map_err(|_| CommandError::NoLane(lane.to_owned()))?;
        let mut state = self.locked();
        self.refresh_gates(&mut state);
        let found = state.lanes.get(&id).ok_or_else(|| CommandError::NoLane(lane.to_owned()))?;
        if state.frozen && operation == Operation::ForcePromote {
            return Err(Refusal::Frozen.into());
        }
        let conditions = Self::conditions(&state, found);
        let made = cutover::stage::operate(
            operation,
            &command.reason,
            &found.state,
            &found.rule,
            &found.evidence,
            &conditions,
            self.now(),
        )?;
        // Comparing is harmless; serving natively is not.
        if made.to > made.from && made.to.stage >= Stage::Canary && !found.eligible {
            let mut reasons: Vec<&str> = found.declines.iter().map(|reason| reason.text.as_str()).collect();
            if reasons.is_empty() {
                reasons.push("it is not known yet whether the running LiteLLM is the one configured");
            }
            return Err(CommandError::NotEligible(reasons.join("; ")));
        }
        self.carry_out(&mut state, &id, &made, &command.actor)?;
        Ok(())
    }

    /// Stops, or lets go on, every promotion; a rollback waits for nothing.
    pub fn freeze(&self, frozen: bool, command: &Command) -> Result<(), CommandError> {
        if command.reason.trim().is_empty() {
            return Err(Refusal::NoReason.into());
        }
        let mut state = self.locked();
        let before = state.frozen;
        let entry = NewEntry {
            at: self.now().0,
            actor: command.actor.clone(),
            lane: None,
            action: if frozen { "freeze" } else { "unfreeze" }.to_owned(),
            from: json!({ "frozen": before }),
            to: json!({ "frozen": frozen }),
            reason: command.reason.trim().to_owned(),
            evidence: serde_json::Value::Null,
        };
        // A freeze counts at once; letting go counts once it is written down.
        state.frozen = frozen || before;
        self.store.change_setting(FROZEN, if frozen { "true" } else { "false" }, Some(&entry))?;
        state.frozen = frozen;
        self.refresh_gates(&mut state);
        Ok(())
    }

    /// Closes a cause that an operator has looked at.
    pub fn acknowledge(&self, cause: &str, command: &Command) -> Result<(), CommandError> {
        if command.reason.trim().is_empty() {
            return Err(Refusal::NoReason.into());
        }
        let mut state = self.locked();
        if self.store.close_causes(Some(cause), None)? == 0 {
            return Err(CommandError::NoCause(cause.to_owned()));
        }
        let entry = NewEntry {
            at: self.now().0,
            actor: command.actor.clone(),
            lane: None,
            action: "acknowledge".to_owned(),
            from: json!({ "cause": cause, "open": true }),
            to: json!({ "cause": cause, "open": false }),
            reason: command.reason.trim().to_owned(),
            evidence: serde_json::Value::Null,
        };
        self.save(&mut state, &[], &[entry])?;
        for lane in state.lanes.values_mut() {
            lane.open_severe_causes = self.open_severe_causes(&lane.id);
        }
        self.refresh_gates(&mut state);
        Ok(())
    }
}
