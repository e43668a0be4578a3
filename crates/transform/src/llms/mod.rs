//! Providers, as LiteLLM lays them out.

pub mod anthropic;
pub mod base_llm;
pub mod custom_httpx;
mod deployment;
pub mod mistral;
pub mod openai;
