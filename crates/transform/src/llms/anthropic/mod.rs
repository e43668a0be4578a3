//! Anthropic.

pub mod capabilities;
mod common_utils;
pub mod count_tokens;
pub mod experimental_pass_through;

pub(crate) use common_utils::{sanitized_on_arrival, sanitized_on_departure, without_thinking_blocks};
