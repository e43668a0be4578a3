//! `/chat/completions`, `/v1/chat/completions`, `/engines/{model}/chat/completions`,
//! `/openai/deployments/{model}/chat/completions`.

pub mod answers;
pub mod endpoints;

pub(crate) mod thought_signatures;
