//! Which deployment parameters leave the native leg exact on `/ocr` and which do not. Data only.
//!
//! The harmless ones were set on a deployment of the real LiteLLM and left its provider request and its answer
//! as they were; those of other providers and routes are never read on this one.
//!
//! Source: litellm/types/utils.py `all_litellm_params`, litellm/types/router.py `LiteLLM_Params`,
//! litellm/llms/mistral/ocr/transformation.py `get_supported_ocr_params` @ 1.102.4

use super::effects::Declining;

/// The native leg does as they say.
#[rustfmt::skip]
pub const FOLLOWED: &[&str] = &[
    "model", "api_key", "api_base", "timeout", "stream_timeout", "num_retries", "weight",
    "litellm_credential_name", "custom_llm_provider",
];

#[rustfmt::skip]
pub const HARMLESS: &[&str] = &[
    "adaptive_router_config", "adaptive_router_default_model", "additional_drop_params",
    "allow_client_keepalive_override", "allowed_model_region", "allowed_openai_params", "api_version",
    "arize_api_key", "arize_space_id", "arize_space_key", "assistant_continue_message", "auto_router_config",
    "auto_router_config_path", "auto_router_default_model", "auto_router_embedding_model",
    "auto_router_max_input_chars", "auto_router_model_compression", "auto_router_routing_compression",
    "aws_access_key_id", "aws_batch_role_arn", "aws_bedrock_project_id", "aws_bedrock_runtime_endpoint",
    "aws_external_id", "aws_profile_name", "aws_region_name", "aws_role_name", "aws_secret_access_key",
    "aws_session_name", "aws_session_tags", "aws_session_token", "aws_sts_endpoint", "aws_web_identity_token",
    "azure_ad_token", "azure_password", "azure_scope", "azure_username", "bedrock_tags", "bos_token", "cache",
    "client_id", "client_secret", "complexity_router_config", "complexity_router_default_model",
    "configurable_clientside_auth_params", "dataSources", "data_residency", "dd_agent_host", "dd_agent_port",
    "dd_api_key", "dd_site", "dimensions", "drop_params", "enable_json_schema_validation",
    "enable_prompt_caching", "encoding_format", "ensure_alternating_roles", "eos_token", "extra_body",
    "frequency_penalty", "gcs_bucket_name", "gcs_path_service_account", "generation_config", "headers",
    "hf_model_name", "humanloop_api_key", "input_type", "keepalive_seconds", "langfuse_environment",
    "langfuse_host", "langfuse_prompt_version", "langfuse_public_key", "langfuse_secret", "langfuse_secret_key",
    "langsmith_api_key", "langsmith_base_url", "langsmith_project", "langsmith_sampling_rate",
    "langsmith_tenant_id", "litellm_session_id", "litellm_trace_id", "logit_bias", "logprobs",
    "max_completion_tokens", "max_retries", "max_tokens", "merge_reasoning_content_in_choices", "metadata",
    "milvus_db_name", "milvus_partition_names", "milvus_text_field", "min_p", "modalities", "model_info", "n",
    "newrelic_api_key", "newrelic_region", "organization", "parallel_tool_calls", "posthog_api_key",
    "posthog_api_url", "presence_penalty", "prompt_label", "quality_router_config",
    "quality_router_default_model", "reasoning_effort", "region_name", "repetition_penalty", "response_format",
    "roles", "s3_bucket_name", "s3_encryption_key_id", "s3_output_bucket_name", "s3_region_name",
    "safety_settings", "seed", "service_tier", "stop", "stream", "stream_options", "supports_system_message",
    "tag_regex", "tags", "temperature", "tenant_id", "thinking", "tool_choice", "tools", "top_k", "top_logprobs",
    "top_p", "ttl", "turn_off_message_logging", "use_chat_completions_api", "use_in_pass_through",
    "use_xai_oauth", "user", "user_continue_message", "valkey_embedding_field", "valkey_host", "valkey_password",
    "valkey_port", "valkey_ssl", "valkey_text_field", "vector_store_id", "verbose", "vertex_credentials",
    "vertex_location", "vertex_project", "wandb_api_key", "watsonx_region_name", "weave_project_id",
];

#[rustfmt::skip]
pub const DECLINING: &[Declining] = &[
    ("extra_headers", "provider_request", "adds headers to the provider's request"),
    ("order", "deployment_order", "puts deployments of one group in an order"),
    ("rpm", "usage_headers", "shows clients how much of its limit Python has used"),
    ("tpm", "usage_headers", "shows clients how much of its limit Python has used"),
    ("itpm", "usage_headers", "shows clients how much of its limit Python has used"),
    ("otpm", "usage_headers", "shows clients how much of its limit Python has used"),
    ("max_parallel_requests", "rate_limit", "bounds the calls in flight"),
    ("default_api_key_rpm_limit", "rate_limit", "limits keys"),
    ("default_api_key_tpm_limit", "rate_limit", "limits keys"),
    ("max_budget", "budget", "ends service by a budget"),
    ("budget_duration", "budget", "ends service by a budget"),
    ("guardrails", "guardrails", "has guardrails judge requests or answers"),
    ("mock_response", "mock_response", "answers without calling the provider"),
    ("mock_timeout", "mock_response", "answers without calling the provider"),
    ("ssl_verify", "tls", "checks the provider's certificate by another rule"),
    ("cooldown_time", "cooldown_policy", "has a cooldown of its own"),
    ("fallbacks", "fallbacks", "lets another group answer"),
    ("retry_policy", "retries", "retries by the kind of failure"),
    ("cost_per_query", "custom_pricing", "has a price of its own"),
    ("base_model", "custom_pricing", "takes its price from another model"),
    ("use_litellm_proxy", "provider_request", "calls another LiteLLM"),
    ("max_file_size_mb", "size_limit", "refuses larger files"),
    ("prompt_id", "prompts", "has a prompt filled in"),
    ("enable_tag_filtering", "tag_routing", "is picked by tags"),
    ("litellm_disabled_callbacks", "callbacks", "switches callbacks"),
    ("req_format", "ocr_default", "sets an answer format"),
];

/// They become fields of every provider request.
#[rustfmt::skip]
pub const OCR_FIELDS: &[&str] = &[
    "pages", "include_image_base64", "image_limit", "image_min_size", "bbox_annotation_format",
    "document_annotation_format", "document_annotation_prompt", "extract_header", "extract_footer",
    "table_format", "confidence_scores_granularity", "include_blocks", "id", "document",
];

/// LiteLLM reads them somewhere; nobody has measured whether on this route.
#[rustfmt::skip]
pub const UNPROVEN: &[&str] = &[
    "_agentic_loop_api_surface", "_agentic_loop_depth", "_agentic_loop_fingerprints",
    "_code_interpreter_interception_active", "_code_interpreter_interception_converted_stream",
    "_code_interpreter_interception_sandbox_key", "_code_interpreter_interception_session_scoped",
    "_headroom_interception_converted_stream", "_litellm_addressed_response_id", "_litellm_strip_stream_usage",
    "_websearch_interception_converted_stream", "_websearch_interception_emit_native_blocks", "acompletion",
    "aembedding", "aimg_generation", "allm_passthrough_route", "async_call", "atext_completion",
    "attempted_targets", "azure", "azure_ad_token_provider", "cache_key", "caching", "caching_groups", "client",
    "client_side_timeout", "complete_response", "completion_call_id", "context_window_fallback_dict",
    "custom_prompt_dict", "disable_add_transform_inline_image_block", "fallback_depth", "fastest_response",
    "final_prompt_value", "force_timeout", "id", "litellm_call_id", "litellm_logging_obj", "litellm_metadata",
    "litellm_request_debug", "litellm_system_prompt", "litellm_trusted_callback_vars", "logger_fn",
    "max_agentic_loops", "max_fallbacks", "model_alias_map", "model_config", "model_file_id_mapping",
    "model_list", "no-log", "preset_cache_key", "prompt_environment", "prompt_variables", "prompt_version",
    "provider_specific_header", "proxy_server_request", "request_timeout", "retry_strategy", "routing_strategy",
    "rust", "search_tool_name", "secret_fields", "self", "shared_session", "stream_response", "text_completion",
    "use_client",
];
