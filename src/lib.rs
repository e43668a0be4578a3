//! Crossfade: a shadow-and-cutover router in front of LiteLLM.
//!
//! Modules stand in the order in which a request meets them.

pub mod agreement;
pub mod config;
pub mod native;
