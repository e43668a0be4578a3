//! LiteLLM's `config.yaml` as LiteLLM reads it.

use std::path::PathBuf;

use super::{Deployment, Reason, Secret};

/// The configuration as used: nothing here needs looking up again.
#[derive(Clone, Debug, Default)]
pub struct LiteLlmConfig {
    pub deployments: Vec<Deployment>,
    /// `router_settings.model_group_alias`: the alias a client sends -> the group that serves it.
    pub aliases: Vec<(String, String)>,
    pub general: GeneralSettings,
    pub settings: LitellmSettings,
    pub router: RouterSettings,
    /// SHA-256 in hex over the effective configuration. Evidence is keyed by it.
    pub hash: String,
    /// Keys that LiteLLM 1.102.4 does not know, by their path: tolerated and reported.
    pub unknown_keys: Vec<String>,
    /// Reasons that concern the whole configuration.
    pub reasons: Vec<Reason>,
    /// The files that were read: to be watched.
    pub files: Vec<PathBuf>,
}

#[derive(Clone, Debug, Default)]
pub struct GeneralSettings {
    /// `general_settings.master_key`, else `LITELLM_MASTER_KEY`. None: LiteLLM lets everybody in.
    pub master_key: Option<Secret>,
    pub has_database: bool,
}

#[derive(Clone, Debug, Default)]
pub struct LitellmSettings {
    pub num_retries: Option<u32>,
    /// Seconds; `litellm_settings.request_timeout`.
    pub request_timeout: Option<f64>,
    pub drop_params: bool,
}

/// The arguments of LiteLLM's `Router` that the native leg follows. Absent means LiteLLM's default.
#[derive(Clone, Debug, Default)]
pub struct RouterSettings {
    pub num_retries: Option<u32>,
    /// Seconds; the least wait between retries.
    pub retry_after: Option<f64>,
    /// Seconds.
    pub timeout: Option<f64>,
    pub allowed_fails: Option<u32>,
    /// Seconds.
    pub cooldown_time: Option<f64>,
    pub disable_cooldowns: Option<bool>,
}
