//! The Mistral provider.

pub mod ocr;
