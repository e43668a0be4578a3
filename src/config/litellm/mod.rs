//! LiteLLM's `config.yaml` as LiteLLM reads it.

mod credentials;
mod effects;
mod environment;
mod group_hash;
pub mod model_id;
mod model_list;
mod param_effects;
mod params;
mod provider;
mod reasons;
mod scalar;
mod settings;
mod source;
mod surroundings;
mod tables;
pub mod yaml;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use transform::python::float_repr;

pub use self::effects::declining_settings;
use self::environment::Environment;
pub use self::group_hash::{SETTINGS, group_hashes};
pub use self::model_list::Ignored;
pub use self::source::{Files, ReadFile, Source};
use super::error::ConfigError;
use super::{Deployment, Reason, RouteScope, Secret};

/// Reads the configuration and everything it includes.
///
/// `env` is the environment that LiteLLM runs in.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<LiteLlmConfig, ConfigError> {
    load_with(path, &read_file, env)
}

/// [`load`] with the file system as an argument.
pub fn load_with(
    path: &Path,
    read_file: ReadFile<'_>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<LiteLlmConfig, ConfigError> {
    let source = source::read(path, read_file)?;
    interpret(source, env)
}

/// The files merged, nothing resolved: what a tool that re-writes the configuration starts from.
pub fn read_source(path: &Path, read_file: ReadFile<'_>) -> Result<Source, ConfigError> {
    source::read(path, read_file)
}

/// The real file system, as [`load_with`] and [`read_source`] want it.
pub fn read_file(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Pure: what LiteLLM makes of the merged files in this environment.
fn interpret(source: Source, env: &dyn Fn(&str) -> Option<String>) -> Result<LiteLlmConfig, ConfigError> {
    let Source { mut root, files } = source;
    let mut environment = Environment::new(env);
    environment.resolve_all(&mut root, 0);
    if let Some(section) = settings::section(&root, "environment_variables", &files)? {
        environment.load_section(section);
    }
    let general_section = settings::section(&root, "general_settings", &files)?;
    let litellm_section = settings::section(&root, "litellm_settings", &files)?;
    let router_section = settings::section(&root, "router_settings", &files)?;
    let built = model_list::build(&root, &files, &mut environment)?;
    let mut findings = reasons::of_config(&reasons::Sections {
        root: &root,
        general: general_section,
        litellm: litellm_section,
        router: router_section,
    });
    surroundings::of_environment(&environment, &mut findings);
    findings.unknown_keys.extend(built.unknown_keys);
    let general = settings::general(general_section, &files, &environment)?;
    let aliases = settings::aliases(router_section, &files)?;
    let settings = settings::litellm(litellm_section, &mut findings);
    let router = settings::router(router_section, &mut findings);
    let mut deployments = built.served;
    if router.disable_cooldowns != Some(true) {
        leave_many_to_python(&mut deployments);
    }
    let config = LiteLlmConfig {
        aliases,
        general,
        settings,
        router,
        hash: hash(&root, &deployments),
        deployments,
        ignored: built.ignored,
        unknown_keys: findings.unknown_keys,
        reasons: findings.reasons,
        files: files.0,
    };
    Ok(config)
}

/// Deployments whose failures LiteLLM is sure to remember: it keeps up to five counters each, and of all counters 199.
const COUNTED_DEPLOYMENTS_MAX: usize = 32;

/// Beyond its 199 counters LiteLLM forgets, which the native leg does not imitate.
fn leave_many_to_python(deployments: &mut [Deployment]) {
    let is_counted = |one: &&mut Deployment| matches!(one.provider.as_str(), "anthropic" | "openai");
    let mut counted: Vec<&mut Deployment> = deployments.iter_mut().filter(is_counted).collect();
    if counted.len() <= COUNTED_DEPLOYMENTS_MAX {
        return;
    }
    for deployment in &mut counted {
        for route in reasons::COOLING_ROUTES {
            deployment.reasons.push(Reason {
                path: "router_settings.disable_cooldowns".to_owned(),
                code: "cooldown_policy",
                text: format!(
                    "LiteLLM forgets failures when it counts those of more than {COUNTED_DEPLOYMENTS_MAX} deployments"
                ),
                routes: RouteScope::Route(route.to_owned()),
            });
        }
    }
}

/// Over everything resolved, credentials included: a rotated key is another configuration.
fn hash(root: &super::python::Dict, deployments: &[Deployment]) -> String {
    let mut hash = Sha256::new();
    hash.update(serde_json::Value::Object(root.to_json()).to_string());
    for deployment in deployments {
        let key = deployment.api_key.as_ref().map(Secret::expose).unwrap_or_default();
        let base = deployment.api_base.as_deref().unwrap_or_default();
        for part in [deployment.id.as_str(), key, base] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
    }
    model_id::hex(&hash.finalize())
}

/// The configuration as used: nothing here needs looking up again.
#[derive(Clone, Debug, Default)]
pub struct LiteLlmConfig {
    pub deployments: Vec<Deployment>,
    /// Entries of `model_list` that LiteLLM leaves out, and so do we.
    pub ignored: Vec<Ignored>,
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

/// A time that clients may be told, who then see whether it was written as an integer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds {
    pub value: f64,
    pub is_whole: bool,
}

impl Seconds {
    /// As Python prints the number.
    pub fn spelled(&self) -> String {
        if self.is_whole { format!("{:.0}", self.value) } else { float_repr(self.value) }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeneralSettings {
    /// `general_settings.master_key`, else `LITELLM_MASTER_KEY`. None: LiteLLM lets everybody in.
    pub master_key: Option<Secret>,
    pub has_database: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LitellmSettings {
    pub num_retries: Option<u32>,
    /// `litellm_settings.request_timeout`
    pub request_timeout: Option<Seconds>,
    /// Absent: not said, which for a deployment or a request is not the same as false.
    pub drop_params: Option<bool>,
}

/// The arguments of LiteLLM's `Router` that the native leg follows. Absent means LiteLLM's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouterSettings {
    pub num_retries: Option<u32>,
    /// Seconds; the least wait between retries.
    pub retry_after: Option<f64>,
    pub timeout: Option<Seconds>,
    /// For streams.
    pub stream_timeout: Option<Seconds>,
    pub allowed_fails: Option<u32>,
    pub cooldown_time: Option<Seconds>,
    pub disable_cooldowns: Option<bool>,
}

#[cfg(test)]
pub(crate) mod tests;
