//! What all providers of a route share.

pub mod chat;
pub mod ocr;
