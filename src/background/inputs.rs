//! The files an operator writes: LiteLLM's configuration and the rules. Read whole, taken whole or not at all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use thiserror::Error;

use crate::config::litellm;
use crate::config::rule_files::{self, RuleFault, RuleFolder};
use crate::config::{ConfigError, LiteLlmConfig, tap_config};
use crate::controller::{Controller, Loaded};
use crate::native::{AuthMode, Native};
use crate::routes::facts::hex_digest;
use crate::tap::Targets;

/// Where the inputs are, and what they held when they were last looked at.
pub struct Inputs {
    config: Option<PathBuf>,
    rules: PathBuf,
    targets: Arc<ArcSwap<Targets>>,
    config_files: Vec<PathBuf>,
    config_seen: String,
    rules_seen: String,
}

/// Why Crossfade cannot start with these files.
#[derive(Debug, Error)]
pub enum InputsError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{}", joined(.0))]
    Rules(Vec<RuleFault>),
}

fn joined(faults: &[RuleFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl Inputs {
    pub fn new(config: Option<PathBuf>, rules: PathBuf, targets: Arc<ArcSwap<Targets>>) -> Self {
        let config_files = config.iter().cloned().collect();
        Self { config, rules, targets, config_files, config_seen: String::new(), rules_seen: String::new() }
    }

    /// The first reading: a fault ends the start.
    pub fn load(&mut self, controller: &Controller) -> Result<(), InputsError> {
        self.rules_seen = fingerprint_of_folder(&self.rules);
        let folder = rule_files::read(&self.rules, controller.now().date()).map_err(InputsError::Rules)?;
        self.take_rules(folder, controller);
        if let Some(path) = self.config.clone() {
            let config = read_config(&path)?;
            self.take_config(&path, config, controller);
        }
        Ok(())
    }

    /// Reads what changed since the last look.
    pub fn reload_changed(&mut self, controller: &Controller) {
        if self.config.is_some() && fingerprint(&self.config_files) != self.config_seen {
            self.reload_config(controller);
        }
        if fingerprint_of_folder(&self.rules) != self.rules_seen {
            self.reload_rules(controller);
        }
    }

    /// Reads everything again.
    pub fn reload(&mut self, controller: &Controller) {
        self.reload_config(controller);
        self.reload_rules(controller);
    }

    fn reload_config(&mut self, controller: &Controller) {
        let Some(path) = self.config.clone() else { return };
        self.config_seen = fingerprint(&self.config_files);
        match read_config(&path) {
            Ok(config) => {
                tracing::info!("configuration read again");
                self.take_config(&path, config, controller);
            }
            Err(error) => {
                tracing::error!(%error, "the new configuration is bad; the old one stays in use");
                controller.config_failed(error.to_string());
            }
        }
    }

    fn reload_rules(&mut self, controller: &Controller) {
        self.rules_seen = fingerprint_of_folder(&self.rules);
        match rule_files::read(&self.rules, controller.now().date()) {
            Ok(folder) => {
                tracing::info!("rules read again");
                self.take_rules(folder, controller);
            }
            Err(faults) => {
                let error = joined(&faults);
                tracing::error!(error, "the new rules are bad; the old ones stay in use");
                controller.rules_failed(error);
            }
        }
    }

    fn take_config(&mut self, path: &Path, config: LiteLlmConfig, controller: &Controller) {
        self.config_files = config.files.clone();
        self.config_seen = fingerprint(&self.config_files);
        self.targets.store(Arc::new(targets(&config).with(&self.targets.load())));
        let loaded = Loaded {
            path: Some(path.display().to_string()),
            hash: Some(config.hash.clone()),
            at: Some(format!("{:.3}", jiff::Timestamp::now())),
            error: None,
            warnings: config.unknown_keys.iter().map(|key| format!("{key}: LiteLLM does not know this key")).collect(),
        };
        let native = Native { config: Arc::new(config), auth: AuthMode::Unknown, prices: Arc::default() };
        controller.replace_native(native, loaded);
    }

    fn take_rules(&mut self, folder: RuleFolder, controller: &Controller) {
        let loaded = Loaded {
            path: Some(self.rules.display().to_string()),
            hash: Some(folder.hash),
            at: Some(format!("{:.3}", jiff::Timestamp::now())),
            error: None,
            warnings: folder.warnings,
        };
        controller.replace_rules(folder.rules, loaded);
    }
}

/// Reads LiteLLM's configuration with this process's environment.
pub fn read_config(path: &Path) -> Result<LiteLlmConfig, ConfigError> {
    litellm::load(path, &|name| std::env::var(name).ok())
}

pub fn targets(config: &LiteLlmConfig) -> Targets {
    Targets::new(config.deployments.iter().filter_map(|deployment| {
        let base = tap_config::provider_base(&deployment.provider, deployment.api_base.as_deref())?;
        Some((deployment.id.as_str(), base))
    }))
}

/// Over names and contents; a file that cannot be read counts as its absence.
fn fingerprint(files: &[PathBuf]) -> String {
    let mut seen = String::new();
    for file in files {
        let content = std::fs::read(file).map(|content| hex_digest(&content)).unwrap_or_default();
        seen.push_str(&format!("{} {content}\n", file.display()));
    }
    seen
}

fn fingerprint_of_folder(folder: &Path) -> String {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"));
    files.sort();
    fingerprint(&files)
}
