//! LiteLLM's proxy: reading client requests, writing client answers.

pub mod common_request_processing;
pub mod ocr_endpoints;
