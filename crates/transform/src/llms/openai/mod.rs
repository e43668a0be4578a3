//! OpenAI, and whoever speaks its language.

pub mod chat;
