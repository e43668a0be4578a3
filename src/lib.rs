//! Crossfade: a shadow-and-cutover router in front of LiteLLM.
//!
//! Modules stand in the order in which a request meets them.

pub mod agreement;
pub mod config;
pub mod controller;
pub mod listener;
pub mod native;
pub mod proxy;
pub mod python;
pub mod reports;
pub mod routes;
pub mod shadow;
pub mod tap;
pub mod telemetry;
pub mod tls;
