//! Questions that requests and lanes ask of the configuration.

use super::{Deployment, LiteLlmConfig, RouteScope};

impl RouteScope {
    /// Whether a reason with this scope speaks of `route`.
    pub fn concerns(&self, route: &str) -> bool {
        match self {
            Self::All => true,
            Self::Route(name) => name == route,
        }
    }
}

/// Codes of reasons that say that Python code or a service reads request bodies.
const BODY_READERS: [&str; 2] = ["callbacks", "guardrails"];

impl LiteLlmConfig {
    /// The deployments that a client's model name may lead to: one by its id, else those of the group or its alias.
    pub fn deployments_of<'a>(&'a self, model: &str) -> Vec<&'a Deployment> {
        let alias = self.aliases.iter().find(|(alias, _)| alias == model);
        let group = alias.map_or(model, |(_, group)| group.as_str());
        let by_id: Vec<&Deployment> = self.deployments.iter().filter(|one| one.id == model).collect();
        if by_id.is_empty() { self.deployments.iter().filter(|one| one.model_name == group).collect() } else { by_id }
    }

    /// Whether something in LiteLLM looks into bodies, so that nothing may be put into them.
    pub fn body_is_read_by_callbacks(&self) -> bool {
        let own = self.deployments.iter().flat_map(|deployment| &deployment.reasons);
        self.reasons.iter().chain(own).any(|reason| BODY_READERS.contains(&reason.code))
    }

    /// Whether LiteLLM sends client headers on to providers, so that nothing may be added to them.
    pub fn forwards_client_headers(&self) -> bool {
        self.reasons.iter().any(|reason| reason.code == "forwarded_headers")
    }

    /// Every credential that the configuration holds: what must never be shown.
    pub fn secrets(&self) -> Vec<String> {
        let keys = self.deployments.iter().filter_map(|deployment| deployment.api_key.as_ref());
        keys.chain(self.general.master_key.as_ref()).map(|secret| secret.expose().to_owned()).collect()
    }
}
