//! LiteLLM's HTTP client towards providers, without the HTTP: what it makes of answers and failures.

pub(crate) mod content_decoder;
pub mod http_handler;
pub mod line_decoder;
pub mod llm_http_handler;
