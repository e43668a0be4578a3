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
mod thinking;
mod tool_names;
mod tools;
pub mod transformation;
mod usage;
