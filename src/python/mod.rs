//! The Python leg: LiteLLM as it runs, reached over HTTP.

pub mod envelope;
pub mod forward;
pub mod headers;
pub mod upstream;

pub use upstream::Upstream;
