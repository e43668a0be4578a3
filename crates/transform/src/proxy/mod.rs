//! LiteLLM's proxy: reading client requests, writing client answers.

pub mod anthropic_endpoints;
pub mod chat_endpoints;
pub mod common_request_processing;
mod litellm_pre_call_utils;
pub mod ocr_endpoints;
