//! `/v1/messages` on Anthropic.

pub mod deployment;
mod headers;
mod parameters;
pub mod streaming_iterator;
pub mod transformation;

pub(crate) use headers::client_headers;
pub(crate) use parameters::reaches_anthropic;
