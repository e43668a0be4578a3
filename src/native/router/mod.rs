//! LiteLLM's router as it stands in the way of one request: which deployments may serve it, which one is tried, and
//! after a failure whether, when and where it is tried again.
//!
//! Fallbacks, other strategies, ordered deployments and shared state are reasons to decline, found in the configuration.

pub mod cooldown;
pub mod pick;
pub mod resolve;
pub mod retry;
pub mod retry_after;
pub mod timeout;

pub use resolve::{Reach, resolve};
pub use retry::Retries;
