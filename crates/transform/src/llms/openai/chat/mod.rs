//! Chat completions.

pub(crate) mod choices;
mod completed;
pub mod deployment;
mod errors;
mod errors_in_answers;
pub(crate) mod finish_reasons;
pub(crate) mod made_up_ids;
mod messages;
mod parameters;
mod sdk;
mod server_sent_events;
mod shapes;
pub mod streaming;
mod tools;
pub mod transformation;
mod usage;

pub(crate) use deployment::is_litellms;
pub(crate) use finish_reasons::mapped as mapped_finish_reason;
pub(crate) use parameters::{
    OPTIONS, drops_unsupported, is_one, listed, reaches_openai, requested, spelled, tool_choice,
};
