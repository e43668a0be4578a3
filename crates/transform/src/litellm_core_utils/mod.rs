//! LiteLLM's shared core.

pub mod exception_mapping_utils;
pub mod secret_redaction;
pub mod token_counter;
