//! Chat completions.

pub(crate) mod told_costs;
pub mod transformation;
