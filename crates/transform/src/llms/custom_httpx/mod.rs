//! LiteLLM's HTTP client towards providers, without the HTTP: what it makes of answers and failures.

pub mod http_handler;
pub mod line_decoder;
pub mod llm_http_handler;
