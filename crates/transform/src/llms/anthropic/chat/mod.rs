//! Chat completions on Anthropic's `/v1/messages`.

mod assistant;
mod content;
pub mod deployment;
mod errors;
mod headers;
mod media;
mod messages;
mod parameters;
mod schemas;
pub mod streaming;
mod streaming_events;
mod streaming_tools;
mod streaming_usage;
mod thinking;
mod tool_names;
mod tools;
pub mod transformation;
mod usage;
