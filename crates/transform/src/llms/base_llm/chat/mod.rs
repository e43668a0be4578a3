//! Chat completions.

pub mod transformation;
