//! Anthropic.

pub mod capabilities;
pub mod chat;
mod common_utils;
pub mod count_tokens;
pub mod experimental_pass_through;

pub(crate) use common_utils::{
    ENCRYPTED_REASONING, is_blank, sanitized_on_arrival, sanitized_on_departure, without_advisor_blocks,
    without_thinking_blocks,
};
