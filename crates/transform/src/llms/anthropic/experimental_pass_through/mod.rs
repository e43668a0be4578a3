//! APIs whose client and provider side are the same.

pub mod messages;
