//! LiteLLM's shared core.

pub(crate) mod assembled;
pub mod exception_mapping_utils;
pub(crate) mod json_fragment_accumulator;
pub mod secret_redaction;
pub(crate) mod stream_chunks;
pub(crate) mod streaming_handler;
pub mod token_counter;
