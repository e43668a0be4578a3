//! Chat completions on Anthropic's `/v1/messages`.

mod content;
mod tool_names;
mod usage;
