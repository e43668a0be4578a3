//! `/v1/messages`.

pub mod answers;
pub mod endpoints;
pub(crate) mod streaming_model_restamp;
