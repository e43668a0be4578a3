//! Every metric, defined once. Labels come from closed sets: never a key, a user or a client's model name.

pub mod logging;
pub mod metrics;

pub use metrics::Metrics;
