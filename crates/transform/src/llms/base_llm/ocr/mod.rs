//! OCR: the response model every provider is brought to.

pub mod transformation;
