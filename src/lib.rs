//! Crossfade: a shadow-and-cutover router in front of LiteLLM.
//!
//! Modules stand in the order in which a request meets them: from the command line to the listener, through the
//! proxy to one of the two legs; then what happens off its way: shadow, tap, reports, controller, admin.

pub mod app;
pub mod background;
pub mod budget;
pub mod cli;
pub mod config;

pub mod listener;
pub mod proxy;
pub mod routes;

pub mod native;
pub mod python;

pub mod shadow;
pub mod tap;

pub mod agreement;
pub mod controller;
pub mod replay;
pub mod reports;

pub mod admin;
pub mod telemetry;
pub mod tls;
