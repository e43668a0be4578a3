//! Chat completions on Anthropic's `/v1/messages`.

mod content;
pub mod streaming;
mod streaming_events;
mod streaming_tools;
mod streaming_usage;
mod tool_names;
mod usage;
