//! New inputs: configuration, rules, agreement. Each is taken whole or not at all.

use std::sync::Arc;

use cutover::rules::Rules;

use super::Controller;
use crate::agreement::Agreement;
use crate::native::Native;

/// Where an input came from and how its last reading went.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub path: Option<String>,
    pub hash: Option<String>,
    /// Seconds since 1970.
    pub at: Option<u64>,
    /// Why the newest version was not taken; the one before it is still in use.
    pub error: Option<String>,
    pub warnings: Vec<String>,
}

impl Controller {
    /// Takes a configuration that was read.
    pub fn replace_native(&self, native: Arc<Native>, loaded: Loaded) {
        let mut state = self.locked();
        state.native = Some(native);
        state.config = loaded;
        self.rebuild(&mut state);
    }

    /// Notes that a new configuration is bad; the old one stays.
    pub fn config_failed(&self, error: String) {
        self.locked().config.error = Some(error);
    }

    pub fn replace_rules(&self, rules: Rules, loaded: Loaded) {
        let mut state = self.locked();
        state.rules = rules;
        state.rules_loaded = loaded;
        self.rebuild(&mut state);
    }

    pub fn rules_failed(&self, error: String) {
        self.locked().rules_loaded.error = Some(error);
    }

    /// Takes what the probe of the running LiteLLM found.
    pub fn replace_agreement(&self, agreement: Agreement) {
        let mut state = self.locked();
        let changed = !state.agreement.same_effect(&agreement);
        state.agreement = agreement;
        self.metrics.agreement.set(i64::from(state.agreement.agrees()));
        if changed {
            tracing::info!(state = state.agreement.as_str(), "agreement with the running LiteLLM changed");
            self.rebuild(&mut state);
        }
    }
}
