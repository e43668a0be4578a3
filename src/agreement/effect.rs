//! What agreement means for lanes, callers and readiness.

use super::{Agreement, CheckState, State};
use crate::config::{LiteLlmConfig, Reason, RouteScope};
use crate::native::AuthMode;

impl Default for Agreement {
    fn default() -> Self {
        Self::unknown("LiteLLM was not asked yet")
    }
}

impl Agreement {
    pub fn as_str(&self) -> &'static str {
        match self.state {
            State::Agrees => "agrees",
            State::Disagrees => "disagrees",
            State::Unknown => "unknown",
        }
    }

    /// Whether everything agrees but, at most, the deployments of single groups.
    pub fn agrees_as_a_whole(&self) -> bool {
        self.checks.iter().all(|check| {
            check.state == CheckState::Ok || (check.name == "model_ids" && check.state == CheckState::Failed)
        })
    }

    /// For the gate, with what disagrees in words.
    pub fn as_condition(&self) -> cutover::gate::Agreement {
        if self.agrees_as_a_whole() {
            return cutover::gate::Agreement::Agrees;
        }
        let failed: Vec<String> = self
            .checks
            .iter()
            .filter(|check| check.state == CheckState::Failed)
            .map(|check| format!("{}: {}", check.name, check.text))
            .collect();
        match failed.is_empty() {
            true => cutover::gate::Agreement::Unknown,
            false => cutover::gate::Agreement::Disagrees(failed.join("; ")),
        }
    }

    /// What disagrees, as reasons why the native leg does not serve.
    pub fn as_reasons(&self) -> Vec<Reason> {
        let failed = self.checks.iter().filter(|check| check.state == CheckState::Failed);
        failed
            .map(|check| Reason {
                path: format!("the running LiteLLM: {}", check.name),
                code: "agreement",
                text: format!("found {}; {}", check.found, check.text),
                routes: RouteScope::All,
            })
            .collect()
    }

    /// Who is admitted natively. A missing key in the configuration admits nobody by itself: LiteLLM was asked without
    /// credentials and served, or nobody is let in.
    pub fn auth_mode(&self, config: &LiteLlmConfig) -> AuthMode {
        match (self.agrees_as_a_whole(), &config.general.master_key) {
            (true, Some(key)) => AuthMode::MasterKey(key.clone()),
            (true, None) => AuthMode::ProvenOpen,
            (false, _) => AuthMode::Unknown,
        }
    }
}
