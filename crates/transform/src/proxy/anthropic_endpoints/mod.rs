//! `/v1/messages`, and counting its tokens.

pub mod answers;
pub mod count_tokens;
pub mod endpoints;
pub(crate) mod streaming_model_restamp;
