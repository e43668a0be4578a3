//! What the running LiteLLM must show if it runs this configuration.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::litellm::Seconds;
use crate::config::{LiteLlmConfig, Secret};

#[derive(Clone, Debug)]
pub struct Expected {
    pub master_key: Option<Secret>,
    pub has_database: bool,
    /// Model group -> ids, sorted, each as often as the group has it.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Ids of groups with a `*`: LiteLLM lists them by the models they match, under other names.
    pub wildcard_ids: Vec<String>,
    /// Groups with a deployment that LiteLLM may drop, as only its price map tells: their ids are not compared.
    pub uncertain_groups: Vec<String>,
    pub router: ExpectedRouter,
}

/// Numbers as `Router.get_settings` shows them.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedRouter {
    pub num_retries: f64,
    pub timeout: f64,
    pub retry_after: f64,
    pub allowed_fails: f64,
    pub cooldown_time: f64,
    pub aliases: BTreeMap<String, String>,
    /// Settings that the file has and that make the native leg decline; LiteLLM must have them too.
    pub switches: BTreeSet<String>,
}

impl Expected {
    pub fn of(config: &LiteLlmConfig) -> Self {
        let mut expected = Self {
            master_key: config.general.master_key.clone(),
            has_database: config.general.has_database,
            groups: BTreeMap::new(),
            wildcard_ids: Vec::new(),
            uncertain_groups: Vec::new(),
            router: ExpectedRouter::of(config),
        };
        for deployment in &config.deployments {
            let uncertain =
                deployment.reasons.iter().any(|reason| matches!(reason.code, "provider_uncertain" | "model_id_random"));
            if uncertain {
                expected.uncertain_groups.push(deployment.model_name.clone());
            } else if deployment.model_name.contains('*') {
                expected.wildcard_ids.push(deployment.id.clone());
            }
            if !deployment.model_name.contains('*') {
                expected.groups.entry(deployment.model_name.clone()).or_default().push(deployment.id.clone());
            }
        }
        expected.groups.values_mut().for_each(|ids| ids.sort());
        expected
    }
}

impl ExpectedRouter {
    /// LiteLLM's defaults where nothing is set.
    ///
    /// Source: litellm/router.py `Router.__init__`, litellm/constants.py @ 1.102.4
    fn of(config: &LiteLlmConfig) -> Self {
        let router = &config.router;
        let value = |seconds: Option<Seconds>| seconds.map(|seconds| seconds.value);
        let positive = |value: Option<f64>| value.filter(|value| *value != 0.0);
        Self {
            num_retries: f64::from(router.num_retries.or(config.settings.num_retries).unwrap_or(2)),
            timeout: positive(value(router.timeout)).or(value(config.settings.request_timeout)).unwrap_or(6000.0),
            retry_after: router.retry_after.unwrap_or(0.0),
            allowed_fails: f64::from(router.allowed_fails.unwrap_or(3)),
            cooldown_time: positive(value(router.cooldown_time)).unwrap_or(5.0),
            aliases: config.aliases.iter().cloned().collect(),
            switches: config
                .reasons
                .iter()
                .filter_map(|reason| reason.path.split_once('.').map(|(_, key)| key.to_owned()))
                .collect(),
        }
    }
}
