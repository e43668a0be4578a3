//! Whether the LiteLLM that is really running is the one that the native leg imitates.
//!
//! Pure but for one trait: `probes` says what to ask, `evaluate` judges the answers, `Prober` does both over a
//! port that the host provides. Nothing here decides anything but "agrees": what disagrees or is unknown declines.

mod effect;
mod evaluate;
mod expected;
mod prober;
mod probes;
mod sign;

pub use evaluate::{Answers, PriceMap, evaluate};
pub use expected::Expected;
pub use prober::{Prober, Python};
pub use probes::{Answer, Probe, Request};
pub use sign::{TapSign, is_python_ocr};

use std::collections::BTreeSet;

use serde::Serialize;

/// The LiteLLM release whose behaviour is built in.
pub const LITELLM_VERSION: &str = "1.102.4";

/// The outcome of a round of probes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Agreement {
    pub state: State,
    pub checks: Vec<Check>,
    /// Model groups whose deployments are not those that run; every other check blocks all groups.
    pub blocked_groups: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Agrees,
    Disagrees,
    /// Not asked yet, or no answer.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// From a closed set, because it labels metrics.
    pub name: &'static str,
    pub state: CheckState,
    pub expected: String,
    /// Never a credential.
    pub found: String,
    /// One sentence: what to do, or that all is well.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    Ok,
    Failed,
    Unknown,
}

impl Agreement {
    /// Before the first round.
    pub fn unknown(text: &str) -> Self {
        let check = Check {
            name: "reachable",
            state: CheckState::Unknown,
            expected: "an answer".to_owned(),
            found: String::new(),
            text: text.to_owned(),
        };
        Self { state: State::Unknown, checks: vec![check], blocked_groups: BTreeSet::new() }
    }

    /// Why requests to this model group must go to Python; None: they may be served natively.
    ///
    /// If only the model ids of some groups differ, the other groups still agree.
    pub fn blocks(&self, model_group: &str) -> Option<&Check> {
        let wrong = |check: &&Check| check.state != CheckState::Ok;
        let whole = self.checks.iter().filter(wrong).find(|check| check.name != "model_ids");
        let ids = self.checks.iter().filter(wrong).find(|check| check.name == "model_ids");
        whole.or_else(|| {
            ids.filter(|check| check.state == CheckState::Unknown || self.blocked_groups.contains(model_group))
        })
    }
}
