//! LiteLLM's shared core.

pub mod exception_mapping_utils;
pub mod secret_redaction;
pub(crate) mod streaming_handler;
pub mod token_counter;
