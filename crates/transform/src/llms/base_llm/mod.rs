//! What all providers of a route share.

pub mod ocr;
