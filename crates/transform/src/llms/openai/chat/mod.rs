//! Chat completions.

mod choices;
pub mod deployment;
mod errors;
mod finish_reasons;
mod made_up_ids;
mod messages;
mod parameters;
mod server_sent_events;
pub mod streaming;
mod tools;
pub mod transformation;
mod usage;

pub(crate) use deployment::is_litellms;
pub(crate) use messages::fixed as fixed_messages;
pub(crate) use parameters::reaches_openai;
pub(crate) use tools::check as check_tools;
pub(crate) use transformation::client_headers;
