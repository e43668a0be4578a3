//! What the operator wrote, read once and carried as types: LiteLLM's `config.yaml` and our own settings.

pub mod check;
pub mod deployment;
pub mod error;
pub mod litellm;
pub mod lookup;
pub mod python;
pub mod rule_files;
pub mod tap_config;

pub use deployment::{Deployment, Reason, RouteScope, Secret};
pub use error::ConfigError;
pub use litellm::LiteLlmConfig;
