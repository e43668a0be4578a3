//! Cases run offline: a client's request, what the provider answered, and what LiteLLM made of it, against the native leg.
//!
//! The control's side is part of the case, or asked of a running LiteLLM whose provider is the tap in replay. No provider
//! is called either way. It is how a new build, a new LiteLLM or a new configuration is tried before any traffic meets it.

mod against;
mod case;
mod playing;
mod report;
mod run;

pub use against::{Against, AgainstError};
pub use case::{Case, CaseError, read};
pub use report::{Format, write};
pub use run::{Finding, Replayer, Result as CaseResult, native};
