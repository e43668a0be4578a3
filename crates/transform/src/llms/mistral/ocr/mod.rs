//! OCR on Mistral.

pub mod deployment;
pub mod transformation;
