//! What the operator wrote, read once and carried as types: LiteLLM's `config.yaml` and our own settings.

pub mod deployment;
pub mod litellm;

pub use deployment::{Deployment, Reason, RouteScope, Secret};
pub use litellm::LiteLlmConfig;
