//! Keys of a client's body that LiteLLM's proxy, router or logging act on, or that would collide with an argument inside it.
//!
//! Every other key is dropped on the way to Mistral (measured), so a request with one is served. The table is generous: a
//! name that LiteLLM reads anywhere on this route is in it, whether or not it changes an OCR request.
//! Source: LiteLLM 1.102.4, every name read from the request in `router.py`, `utils.py`, `proxy/`, `litellm_core_utils/`.

/// Whether LiteLLM may act on this key of the body.
pub(crate) fn is_acted_on(key: &str) -> bool {
    ACTED_ON.binary_search(&key).is_ok() || ACTED_ON_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

#[rustfmt::skip]
const ACTED_ON_PREFIXES: [&str; 32] = [
    "_", "adaptive_router", "arize_", "auto_router_", "aws_", "azure", "batch_", "cache_", "complexity_router_", "dd_",
    "end_user_", "gcs_", "input_cost_", "langfuse_", "langsmith_", "litellm_", "max_", "milvus_", "mock_", "model_",
    "newrelic_", "output_cost_", "posthog_", "prompt_", "quality_router_", "regional_", "s3_", "user_api_key",
    "valkey_", "vertex_", "wandb_", "watsonx",
];

#[rustfmt::skip]
const ACTED_ON: [&str; 358] = [
    "OPENAI_TRANSCRIPTION_PARAMS", "acompletion", "acreate_batch", "acreate_fine_tuning_job", "active", "adapter_id",
    "additional_args", "additional_drop_params", "additional_headers", "additional_response_cost", "aembedding",
    "agent", "agent_id", "aimg_generation", "allm_passthrough_route", "allow_client_keepalive_override",
    "allowed_features", "allowed_model_region", "allowed_openai_params", "allowed_passthrough_routes", "amoderation",
    "annotation_cost_per_page", "aocr", "api-version", "api_base", "api_call_start_time", "api_key", "api_version",
    "applied_guardrails", "applied_policies", "arerank", "args", "arguments", "arrival_time", "aspectRatio", "aspeech",
    "assistant_continue_message", "async_call", "async_complete_streaming_response", "atext_completion",
    "atranscription", "attempted_fallbacks", "attempted_retries", "attempted_targets", "audience", "background",
    "base_model", "base_url", "bedrock_tags", "best_of", "body", "bos_token", "budget_duration", "budget_limits",
    "budget_reset_at", "cache", "cached_tokens", "caching", "caching_groups", "call_type", "callback_duration_ms",
    "callback_settings", "callbacks", "citation_cost_per_token", "client", "client_disconnected", "client_id",
    "client_secret", "client_side_timeout", "cold_storage_object_key", "combined_usage_object", "complete_response",
    "complete_streaming_response", "completion", "completion_call_id", "completion_start_time", "config",
    "configurable_clientside_auth_params", "container_id", "content_policy_fallbacks", "contents",
    "context_window_fallback", "context_window_fallback_dict", "context_window_fallbacks", "cooldown_time",
    "cost_per_query", "custom_llm_provider", "custom_pricing", "custom_prompt_dict",
    "dangerously_allow_mock_testing_request_params", "dataSources", "data_residency", "datadog_cost_management",
    "default_api_key_rpm_limit", "default_api_key_tpm_limit", "deployment", "deployment_model_name", "deployments",
    "dimensions", "disable_add_transform_inline_image_block", "disable_fallbacks", "disable_global_guardrail",
    "disable_global_guardrails", "disable_global_policies", "documents", "drop_params", "embedding", "embedding_input",
    "enable_json_schema_validation", "enable_message_redaction", "enable_prompt_caching", "enable_tag_filtering",
    "encoding_format", "end_time", "endpoint", "enforce_validation", "enforced_params", "ensure_alternating_roles",
    "eos_token", "error", "error_information", "exception", "expiration_date", "extra_body", "failure_callback",
    "fallback_depth", "fallbacks", "fastapi_response", "fastest_response", "fastest_response_batch_completion", "file",
    "file_checksum", "file_name", "files", "final_prompt_value", "first_api_call_start_time", "force_timeout", "format",
    "func", "function", "function_call", "function_id", "functions", "functions_unsupported_model",
    "gcp_service_account", "gcp_ssl_ca_certs", "general_settings", "generationConfig", "get_supported_openai_params",
    "google_maps_grounding_cost_per_query", "guardrail", "guardrail_config", "guardrail_to_apply", "guardrails",
    "handler", "has_dispatched_final_stream_success", "has_logged_async_failure", "has_logged_async_success", "headers",
    "hf_model_name", "hidden_params", "httpx_response", "humanloop_api_key", "include", "include_fallback_errors",
    "incoming_bearer_token", "index", "inherited_tags", "input", "instructions", "is_async", "issuer", "itpm",
    "keepalive_seconds", "kwargs", "lakera_prompt_injection", "llm_api_duration_ms", "llm_router", "log_event_type",
    "logger", "logger_fn", "logging", "logging_obj", "mcp_rate_limit_server_name", "mcp_rpm_limit", "mcp_server_name",
    "mcp_tool_call_metadata", "members_with_roles", "merge_reasoning_content_in_choices", "messages", "metadata",
    "models", "modified_arguments", "n", "name", "no-log", "num_workers", "object", "ocr", "ocr_cost_per_credit",
    "ocr_cost_per_page", "opted_out_global_guardrails", "optional_params", "options", "order", "organization",
    "organization_id", "organizations", "original_function", "original_generic_function", "original_model_group",
    "original_response", "originating_request_masked", "otpm", "output_vector_size", "parent_otel_span",
    "passthrough_on_no_deployment", "pillar_flagged", "pillar_response_headers", "policies", "policy", "policy_sources",
    "preset_cache_key", "presidio", "previous_models", "previous_response_id", "priority", "prompt", "provider_config",
    "provider_specific_header", "proxy_server_request", "purpose", "query", "raw_request", "raw_request_typed_dict",
    "reasoningSummary", "reasoning_effort", "reasoning_summary", "redis_namespace", "region_name", "request",
    "request_data", "request_id", "request_timeout", "requester_ip_address", "requester_metadata", "response",
    "response_cost", "response_cost_failure_debug_information", "response_format", "response_id", "response_schema",
    "retry_policy", "retry_strategy", "roles", "route_type", "router_settings_override", "routing_decision",
    "routing_plugin_signals", "routing_strategy", "routing_strategy_args", "rpm", "rpm_limit_type", "rules_obj", "rust",
    "safety_identifier", "sampleCount", "scim_active", "search_context_cost_per_query", "search_provider",
    "search_tool_name", "secret_fields", "selected_guardrail", "self", "semantic-similarity",
    "sensitive_data_routing_applied", "sensitive_data_routing_detection_info", "sensitive_data_routing_guardrail",
    "sensitive_data_routing_original_model", "server_id", "server_name", "service_tier", "session", "session_id",
    "shared_session", "silent_model", "soft_budget_alerting_emails", "specific_deployment", "speed",
    "spend_logs_metadata", "ssl_verify", "standard_callback_dynamic_params", "standard_logging_guardrail_information",
    "standard_logging_object", "start_time", "store", "stream", "stream_chunk_size", "stream_options",
    "stream_response", "stream_timeout", "success_callback", "supported_regions", "supports_system_message", "system",
    "systemInstruction", "system_instruction", "table_name", "tag_regex", "tag_routing", "tag_rpm_limit", "tags",
    "target_model_names", "team_id", "team_member_budget_id", "temp_budget_expiry", "temp_budget_increase",
    "temperature", "tenant_id", "text_completion", "thinking", "tiered_pricing", "timeout_seconds", "timing_llm_api_ms",
    "timing_message_copy_ms", "timing_post_processing_ms", "timing_pre_processing_ms", "token", "toolConfig",
    "tool_choice", "tool_config", "tools", "tpm", "tpm_limit_type", "trace_id", "traceback_exception", "ttl",
    "turn_off_message_logging", "type", "usage", "use_chat_completions_api", "use_client", "use_in_pass_through",
    "use_litellm_proxy", "use_xai_oauth", "user_agent", "user_config", "user_continue_message", "user_id", "user_model",
    "user_props", "vector_store_id", "vector_store_ids", "vector_store_request_metadata", "verbose", "voice",
    "weave_project_id", "weight",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_for_the_search() {
        assert!(ACTED_ON.is_sorted());
        for key in ["tags", "metadata", "api_key", "mock_response", "stream", "input_cost_per_token"] {
            assert!(is_acted_on(key), "{key}");
        }
        for key in ["foo", "pages", "id", "user"] {
            assert!(!is_acted_on(key), "{key}");
        }
    }
}
