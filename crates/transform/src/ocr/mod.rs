//! Documents as clients give them.

pub mod input;
mod mime_types;
