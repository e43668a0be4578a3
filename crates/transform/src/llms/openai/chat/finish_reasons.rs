//! Why a model stopped, in OpenAI's words.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/core_helpers.py` `map_finish_reason`.

/// OpenAI's word for any provider's; "stop" for what nobody knows.
pub(crate) fn mapped(reason: &str) -> &'static str {
    match reason {
        "length" | "max_tokens" | "compaction" | "MAX_TOKENS" => "length",
        "tool_calls" | "tool_use" => "tool_calls",
        "function_call" => "function_call",
        "content_filter"
        | "content_filtered"
        | "refusal"
        | "ERROR_TOXIC"
        | "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "OTHER"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "sensitive"
        | "guardrail_intervened" => "content_filter",
        _ => "stop",
    }
}
