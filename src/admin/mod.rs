//! The operator's port: health, metrics, JSON API and dashboard. Never the clients' port.

mod access;
mod api;
mod dashboard;
mod health;
mod server;
mod views;

pub use access::{Access, CHANGE_HEADER};
pub use api::OPERATOR_HEADER;
pub use server::{Admin, AdminError};
