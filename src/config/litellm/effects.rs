//! Which settings leave the native leg exact and which do not. Data only.
//!
//! A setting that is absent, `null`, false, zero or empty counts as not made, but for [`MATTER_WHEN_FALSE`].
//! What is in none of the tables is unknown to LiteLLM 1.102.4: tolerated, and reported.
//!
//! Source: litellm/__init__.py, litellm/proxy/_types.py `ConfigGeneralSettings`, litellm/router.py `Router.__init__`,
//! litellm/proxy/proxy_server.py `load_config` @ 1.102.4

use super::param_effects::DECLINING;

/// A key, the code of its reason, and what it does, as a clause.
pub type Declining = (&'static str, &'static str, &'static str);

/// Their default is not false.
pub const MATTER_WHEN_FALSE: &[&str] = &["ssl_verify", "use_aiohttp_transport", "always_include_stream_usage"];

#[rustfmt::skip]
pub const TOP_HARMLESS: &[&str] = &[
    "model_list", "litellm_settings", "router_settings", "general_settings", "environment_variables", "include",
    "credential_list", "callback_settings", "search_tools", "sandbox_tools", "mcp_servers", "mcp_tools", "agents",
    "agent_list", "vector_store_registry", "files_settings", "finetune_settings", "default_vertex_config",
    "assistant_settings", "enable_jwt_auth", "litellm_jwtauth",
];

#[rustfmt::skip]
pub const TOP_DECLINING: &[Declining] = &[
    ("guardrails", "guardrails", "guardrails judge requests or answers"),
    ("policies", "guardrails", "policies judge requests or answers"),
    ("prompts", "prompts", "Python fills in prompts"),
    ("worker_registry", "plugins", "a control plane steers this proxy"),
];

/// About keys, dashboards, databases that are not there, clean-up, and other routes.
#[rustfmt::skip]
pub const GENERAL_HARMLESS: &[&str] = &[
    "alert_to_webhook_url", "alert_type_config", "alert_types", "alerting_args", "alerting_threshold",
    "allow_cli_sso_verification_uri_complete", "allow_public_health_readiness_details",
    "allow_requests_on_db_unavailable", "allow_unmanaged_response_ids", "always_include_stream_usage",
    "apply_user_budget_to_team_keys", "auto_redirect_ui_login_to_sso", "background_health_check_model_groups",
    "background_health_checks", "control_plane_url", "custom_auth_run_common_checks", "custom_key_generate",
    "custom_key_update", "custom_sso", "custom_team_metadata_validate", "custom_ui_sso_sign_in_handler",
    "database_args", "database_connect_timeout", "database_connection_pool_limit",
    "database_connection_pool_timeout", "database_connection_timeout", "database_disable_prepared_statements",
    "database_extra_connection_params", "database_max_idle_connection_lifetime", "database_socket_timeout",
    "database_type", "default_team_disabled", "disable_auto_add_proxy_admin_to_teams",
    "disable_batch_input_file_rate_limiting", "disable_bedrock_agent_runtime_passthrough",
    "disable_budget_reservation", "disable_env_credential_login", "disable_error_logs",
    "disable_key_generate_for_org_admin", "disable_master_key_return", "disable_password_login_when_sso_enabled",
    "disable_prisma_schema_update", "disable_reset_budget", "disable_responses_id_security", "disable_spend_logs",
    "disable_spend_updates", "drain_endpoint_token", "enable_drain_endpoint", "enable_mcp_registry",
    "enable_openai_websocket_passthrough", "enable_public_model_hub", "enforce_fallback_model_access",
    "fail_closed_budget_enforcement", "health_check_concurrency", "health_check_details",
    "health_check_ignore_transient_errors", "health_check_interval",
    "health_check_skip_disabled_background_models", "health_check_staleness_threshold",
    "hide_default_credentials_hint", "image_generation_model", "key_management_settings", "litellm_license",
    "master_key", "max_batch_file_size_mb", "maximum_autorouter_session_retention_period",
    "maximum_health_check_retention_period", "maximum_spend_logs_cleanup_batch_size",
    "maximum_spend_logs_cleanup_batch_timeout", "maximum_spend_logs_cleanup_cron",
    "maximum_spend_logs_cleanup_max_batches", "maximum_spend_logs_cleanup_run_budget",
    "maximum_spend_logs_retention_interval", "maximum_spend_logs_retention_period",
    "mcp_allow_all_keys_respects_mcp_scope", "mcp_client_side_auth_header_name", "mcp_internal_ip_ranges",
    "mcp_required_fields", "mcp_session_token_signing", "mcp_trusted_proxy_ranges", "mcp_xff_num_trusted_hops",
    "model_list_healthy_only", "moderation_model", "pass_through_endpoints",
    "passthrough_managed_object_ids", "password_policy_min_length", "password_policy_require_lowercase",
    "password_policy_require_numbers", "password_policy_require_special_characters",
    "password_policy_require_uppercase", "provider_url_destination_allowed_hosts", "proxy_batch_polling_interval",
    "proxy_batch_write_at", "proxy_budget_rescheduler_max_time", "proxy_budget_rescheduler_min_time",
    "proxy_config_reload_interval_seconds", "require_end_user_mcp_access_defined",
    "require_key_mcp_access_defined", "scheduled_job_stagger", "search_tools",
    "skip_batch_input_file_rate_limiting_for_models", "skip_batch_input_file_rate_limiting_for_providers",
    "spend_report_frequency", "store_prompts_in_spend_logs", "supported_db_objects", "team_metadata_schema",
    "team_metadata_validation_error_message", "team_metadata_validation_timeout", "token_rate_limit_type",
    "track_unmanaged_batch_cost", "trusted_proxy_ranges", "ui_access_mode", "use_legacy_interactions_schema",
    "use_shared_health_check", "use_spend_logs_partitioning", "use_team_public_model_name", "use_x_forwarded_for",
    "user_api_key_cache_max_size", "user_api_key_cache_ttl", "user_mcp_management_mode", "user_url_allowed_hosts",
    "user_url_validation",
];

#[rustfmt::skip]
pub const GENERAL_DECLINING: &[Declining] = &[
    ("completion_model", "model_override", "it replaces the model that the client asks for"),
    ("custom_auth", "custom_auth", "a Python function authenticates"),
    ("enable_jwt_auth", "custom_auth", "tokens are checked by rules that only Python has"),
    ("litellm_jwtauth", "custom_auth", "tokens are checked by rules that only Python has"),
    ("allow_user_auth", "custom_auth", "tokens are checked by rules that only Python has"),
    ("litellm_key_header_name", "custom_auth", "keys come in another header"),
    ("service_account_settings", "custom_auth", "service accounts are checked by Python"),
    ("enforce_user_param", "request_policy", "requests without user are refused by Python"),
    ("enforced_params", "request_policy", "requests without certain parameters are refused by Python"),
    ("reject_clientside_metadata_tags", "request_policy", "requests with tags are refused by Python"),
    ("missing_session_id", "request_policy", "requests without session are treated by Python"),
    ("allowed_ips", "request_policy", "Python checks the client's address"),
    ("allowed_routes", "request_policy", "Python restricts the routes"),
    ("admin_only_routes", "request_policy", "Python restricts the routes"),
    ("public_routes", "request_policy", "Python opens routes without a key"),
    ("role_permissions", "request_policy", "Python checks roles"),
    ("enforce_rbac", "request_policy", "Python checks roles"),
    ("allow_client_side_credentials", "request_policy", "clients may name their own provider and key"),
    ("max_parallel_requests", "rate_limit", "Python counts parallel requests"),
    ("global_max_parallel_requests", "rate_limit", "Python counts parallel requests"),
    ("max_in_flight_requests_per_worker", "rate_limit", "Python bounds the requests in flight"),
    ("max_queued_requests_per_worker", "rate_limit", "Python bounds the requests in flight"),
    ("admission_queue_timeout_seconds", "rate_limit", "Python bounds the requests in flight"),
    ("max_request_size_mb", "size_limit", "Python refuses larger requests"),
    ("max_response_size_mb", "size_limit", "Python refuses larger answers"),
    ("max_file_size_mb", "size_limit", "Python refuses larger files"),
    ("blocked_file_extensions", "size_limit", "Python refuses files by their name"),
    ("store_model_in_db", "database", "models may come from the database"),
    ("database_url", "database", "keys, budgets and spend live in a database"),
    ("coordination_redis", "redis", "limits and cooldowns are shared through Redis"),
    ("use_redis_transaction_buffer", "redis", "spend is written through Redis"),
    ("alerting", "alerting", "Python reports slow and failed requests"),
    ("plugins", "plugins", "Python runs plugins"),
    ("otel", "callbacks", "Python reports every request"),
    ("forward_client_headers_to_llm_api", "forwarded_headers", "client headers may reach the provider"),
    ("forward_llm_provider_auth_headers", "forwarded_headers", "client credentials may reach the provider"),
    ("forward_openai_org_id", "forwarded_headers", "client headers may reach the provider"),
    ("pass_through_request_timeout", "timeout", "Python bounds the provider call by it"),
    ("cancel_on_disconnect", "cancellation", "Python ends the provider's call when the client leaves"),
    ("infer_model_from_keys", "model_list", "Python adds models by the keys it finds"),
    ("enable_health_check_routing", "health_routing", "unhealthy deployments are left out"),
    ("user_header_name", "end_users", "Python books requests on end users"),
    ("user_header_mappings", "end_users", "Python books requests on end users"),
    ("key_management_system", "secret_manager", "secrets come from a manager that only Python asks"),
    ("use_google_kms", "secret_manager", "secrets come from a manager that only Python asks"),
    ("use_azure_key_vault", "secret_manager", "secrets come from a manager that only Python asks"),
    ("expose_fallback_errors_to_caller", "fallbacks", "errors of fallbacks are shown to the client"),
    ("disable_retry_on_max_parallel_request_limit_error", "rate_limit", "Python bounds the requests in flight"),
];

/// Without effect on `/ocr`, and not measured on the other routes.
pub const TOP_UNPROVEN: &[&str] =
    &["search_tools", "sandbox_tools", "mcp_servers", "mcp_tools", "agents", "agent_list", "vector_store_registry"];
pub const GENERAL_UNPROVEN: &[&str] = &["always_include_stream_usage", "search_tools"];
#[rustfmt::skip]
pub const LITELLM_FOR_MESSAGES: &[&str] = &[
    "anthropic_key", "anthropic_prompt_caching_ttl", "anthropic_sse_ping_interval_seconds",
    "disable_add_prefix_to_prompt", "disable_token_counter", "enable_anthropic_prompt_caching",
    "enable_json_schema_validation", "include_cost_in_streaming_usage", "mcp_tool_search", "modify_params",
    "reasoning_auto_summary", "redact_messages_in_exceptions", "responses", "route_all_chat_openai_to_responses",
    "safe_memory_mode", "sse_keepalive_ping_interval_seconds", "strip_anthropic_total_tokens", "token",
    "use_chat_completions_url_for_anthropic_messages", "vector_store_search_failure_mode",
];

/// Of how tokens are counted, and of the key that Anthropic is asked with.
pub const LITELLM_FOR_COUNTS: &[&str] =
    &["anthropic_key", "disable_hf_tokenizer_download", "disable_token_counter", "token"];

#[rustfmt::skip]
pub const LITELLM_FOR_CHAT: &[&str] = &[
    "add_function_to_prompt", "anthropic_key", "anthropic_prompt_caching_ttl", "disable_add_prefix_to_prompt",
    "disable_hf_tokenizer_download", "disable_stop_sequence_limit", "disable_streaming_logging",
    "disable_token_counter",
    "enable_anthropic_prompt_caching", "enable_json_schema_validation", "include_cost_in_streaming_usage",
    "mcp_tool_search", "modify_params", "openai_key", "reasoning_auto_summary", "redact_messages_in_exceptions",
    "responses", "route_all_chat_openai_to_responses", "safe_memory_mode", "sse_keepalive_ping_interval_seconds",
    "token", "vector_store_search_failure_mode",
];

/// Followed natively, about logs and keys, or about other routes and providers.
#[rustfmt::skip]
pub const LITELLM_HARMLESS: &[&str] = &[
    "add_function_to_prompt", "anthropic_key", "anthropic_prompt_caching_ttl",
    "anthropic_sse_ping_interval_seconds", "audit_log_callbacks", "azure_key", "budget_reset_time",
    "cache_params", "cohere_key", "custom_prometheus_metadata_labels", "custom_prometheus_tags", "databricks_key",
    "datadog_params", "default_internal_user_params", "default_key_generate_params",
    "default_max_internal_user_budget", "default_team_params", "default_team_settings",
    "disable_add_prefix_to_prompt", "disable_copilot_system_to_assistant", "disable_end_user_cost_tracking",
    "disable_end_user_cost_tracking_prometheus_only", "disable_hf_tokenizer_download",
    "disable_stop_sequence_limit", "disable_streaming_logging", "disable_token_counter", "drop_params", "email",
    "enable_anthropic_prompt_caching", "enable_end_user_cost_tracking_prometheus_only",
    "enable_gemini_default_thinking_level_low", "enable_json_schema_validation",
    "enable_loadbalancing_on_batch_endpoints", "error_logs", "gemini_live_defer_setup", "groq_key",
    "huggingface_key", "include_cost_in_streaming_usage", "internal_user_budget_duration", "json_logs",
    "key_generation_settings", "langfuse_default_tags", "langsmith_batch_size", "log_client_error_tracebacks",
    "log_raw_request_response", "logging", "max_end_user_budget_id", "max_internal_user_budget",
    "max_ui_session_budget", "mcp_aliases", "mcp_tool_search", "model_list_set", "modify_params", "num_retries",
    "ollama_key", "openai_key", "openrouter_key", "prometheus_deployment_and_latency_caller_identity",
    "prometheus_emit_input_sequence_length_label", "prometheus_emit_rate_limit_labels",
    "prometheus_emit_stream_label", "prometheus_end_user_metrics_cleanup_interval_seconds",
    "prometheus_end_user_metrics_max_series_per_metric", "prometheus_end_user_metrics_ttl_seconds",
    "prometheus_exclude_labels", "prometheus_exclude_metrics", "prometheus_initialize_budget_metrics",
    "prometheus_latency_buckets", "prometheus_metrics_config", "prometheus_user_budget_label_include_email_alias",
    "public_agent_groups", "public_mcp_servers", "public_model_groups", "public_model_groups_links",
    "reasoning_auto_summary", "redact_messages_in_exceptions", "redact_user_api_key_info", "replicate_key",
    "request_correlation_in_logs", "request_timeout", "require_auth_for_metrics_endpoint", "responses",
    "route_all_chat_openai_to_responses", "s3_audit_callback_params", "s3_callback_params", "safe_memory_mode",
    "set_verbose", "sse_keepalive_ping_interval_seconds", "standard_logging_payload_excluded_fields",
    "store_audit_logs", "strip_anthropic_total_tokens", "suppress_debug_info", "telemetry", "togetherai_api_key",
    "token", "turn_off_message_logging", "upperbound_key_generate_params",
    "use_chat_completions_url_for_anthropic_messages", "vector_store_search_failure_mode", "vertex_location",
    "vertex_project", "xai_key",
];

#[rustfmt::skip]
pub const LITELLM_DECLINING: &[Declining] = &[
    ("callbacks", "callbacks", "Python code sees every request"),
    ("success_callback", "callbacks", "every answer is reported by Python"),
    ("failure_callback", "callbacks", "every failure is reported by Python"),
    ("service_callback", "callbacks", "Python reports its services"),
    ("input_callback", "callbacks", "Python code sees every request"),
    ("post_call_rules", "callbacks", "Python code judges every answer"),
    ("pre_call_rules", "callbacks", "Python code judges every request"),
    ("cache", "cache", "answers and limits go through LiteLLM's cache"),
    ("caching", "cache", "answers go through LiteLLM's cache"),
    ("enable_redis_auth_cache", "redis", "keys are cached in Redis"),
    ("guardrails", "guardrails", "guardrails judge requests or answers"),
    ("fallbacks", "fallbacks", "another group answers when this one fails"),
    ("default_fallbacks", "fallbacks", "another group answers when this one fails"),
    ("context_window_fallbacks", "fallbacks", "another group answers when this one fails"),
    ("content_policy_fallbacks", "fallbacks", "another group answers when this one fails"),
    ("model_fallbacks", "fallbacks", "another group answers when this one fails"),
    ("max_budget", "budget", "a budget ends service"),
    ("tag_budget_config", "budget", "a budget ends service"),
    ("max_user_budget", "budget", "a budget ends service"),
    ("max_end_user_budget", "budget", "a budget ends service"),
    ("ssl_verify", "tls", "the provider's certificate is checked by another rule"),
    ("ssl_certificate", "tls", "a client certificate is sent to providers"),
    ("ssl_security_level", "tls", "other TLS settings are used towards providers"),
    ("ssl_ecdh_curve", "tls", "other TLS settings are used towards providers"),
    ("disable_aiohttp_transport", "http_client", "another HTTP client calls the providers"),
    ("use_aiohttp_transport", "http_client", "another HTTP client calls the providers"),
    ("force_ipv4", "http_client", "providers are called over IPv4 only"),
    ("headers", "provider_request", "headers are added to provider requests"),
    ("model_alias_map", "model_override", "models are renamed"),
    ("cost_discount_config", "custom_pricing", "costs are changed"),
    ("cost_margin_config", "custom_pricing", "costs are changed"),
    ("custom_provider_map", "custom_provider", "Python code is a provider"),
    ("num_retries_per_request", "retries", "retries are bounded in another way"),
    ("model_group_settings", "forwarded_headers", "client headers may reach the provider"),
    ("block_requests_for_models_without_pricing", "request_policy", "models without price are refused"),
    ("allowed_fails", "cooldown_policy", "the default of allowed fails is moved, which changes when it counts as set"),
    ("add_user_information_to_llm_headers", "forwarded_headers", "users are named to the provider"),
    ("forward_traceparent_to_llm_provider", "forwarded_headers", "client headers may reach the provider"),
];

/// Module attributes whose effect on a native route nobody has measured.
#[rustfmt::skip]
pub const LITELLM_UNPROVEN: &[&str] = &[
    "aclient_session", "adapters", "agent_search_embedding_model", "ai21_key", "aiohttp_trust_env",
    "aleph_alpha_key", "allow_dynamic_callback_disabling", "amazon_nova_api_key", "anthropic_beta_headers_url",
    "api_base", "api_key", "api_version", "argilla_batch_size", "argilla_transformation_object",
    "autorouter_presets_url", "aws_sqs_callback_params", "azure_llms", "banned_keywords_list", "baseten_key",
    "bedrock_request_metadata_fields", "blocked_user_list", "blog_posts_url", "budget_duration",
    "budget_exceeded_throttle_percentage", "budget_rollover", "bytez_key", "callback_settings",
    "check_provider_endpoint", "clarifai_key", "client_session", "cloudflare_api_key",
    "cold_storage_custom_logger", "cometapi_key", "common_cloud_provider_auth_params", "config_path",
    "credential_list", "custom_prompt_dict", "datadog_llm_observability_params", "datadog_use_v1",
    "datarobot_key", "default_in_memory_ttl", "default_key_max_budget_alert_emails",
    "default_redis_batch_cache_expiry", "default_redis_ttl", "default_soft_budget",
    "disable_add_transform_inline_image_block", "disable_add_user_agent_to_request_tags",
    "disable_aiohttp_trust_env", "disable_anthropic_gemini_context_caching_transform",
    "disable_vertex_batch_output_transformation", "dynamodb_table_name", "enable_azure_ad_token_refresh",
    "enable_caching_on_provider_specific_optional_params", "enable_key_alias_format_validation",
    "enable_model_config_credential_overrides", "enable_preview_features", "expose_router_debug_in_errors",
    "extra_spend_tag_headers", "filter_invalid_headers", "gcs_pub_sub_use_v1", "gdc_api_base", "gdc_key",
    "generic_api_use_v1", "generic_logger_headers", "gigachat_key", "global_bitbucket_config",
    "global_disable_no_log_param", "global_gitlab_config", "global_prompt_directory",
    "google_moderation_confidence_threshold", "gradient_ai_api_key", "guardrail_name_config_map", "heroku_key",
    "in_memory_llm_clients_cache", "inception_key", "infinity_key", "initialized_langfuse_clients",
    "langfuse_enable_update_trace_keys", "lemonade_key", "litellm_mode", "llama_api_key", "llamaguard_model_name",
    "llamaguard_unsafe_content_categories", "llm_guard_mode", "logged_real_time_event_types",
    "longer_context_model_fallback_dict", "maritalk_key", "max_fallbacks", "max_tokens", "model_cost",
    "model_cost_map_url", "model_list", "models_by_provider", "nebius_key", "network_mock", "newrelic_params",
    "nlp_cloud_key", "novita_api_key", "openai_like_key", "openai_moderations_model_name", "organization",
    "otel_tenant_destination_mode", "output_parse_pii", "overwrite_user_with_key_hash", "ovhcloud_key",
    "pointfive_params", "predibase_key", "predibase_tenant_id", "presidio_ad_hoc_recognizers",
    "priority_reservation", "priority_reservation_settings", "project", "prompt_name_config_map",
    "provider_url_destination_allowed_hosts", "proxy_auth", "public_mcp_hub_strict_whitelist",
    "public_skills_index", "require_managed_files", "retry", "return_response_headers", "routing_strategy",
    "sap_service_key", "secret_manager_client", "skill_search_embedding_model",
    "skip_system_message_in_guardrail", "skip_tool_message_in_guardrail", "snowflake_key", "use_client",
    "use_legacy_interactions_schema", "use_litellm_proxy", "user_url_allowed_hosts", "user_url_validation",
    "validate_end_user_id_in_db", "vector_store_index_registry", "vector_store_registry", "vercel_ai_gateway_key",
    "vertex_ai_safety_settings", "wandb_key",
];

/// Followed natively, or about what [`ROUTER_DECLINING`] switches on.
#[rustfmt::skip]
pub const ROUTER_HARMLESS: &[&str] = &[
    "num_retries", "timeout", "stream_timeout", "retry_after", "allowed_fails", "cooldown_time",
    "disable_cooldowns", "model_group_alias", "set_verbose", "debug_level", "client_ttl", "max_fallbacks",
    "polling_interval", "ignore_invalid_deployments", "assistants_config", "search_tools",
    "health_check_staleness_threshold", "background_health_check_model_groups", "tag_filtering_match_any",
    "tag_routing_prefix", "deployment_affinity_ttl_seconds", "routing_strategy_args", "router_general_settings",
    "model_list", "auto_router_capability_limit", "fallback_access_check",
];

#[rustfmt::skip]
pub const ROUTER_DECLINING: &[Declining] = &[
    ("redis_url", "redis", "cooldowns and limits are shared through Redis"),
    ("redis_host", "redis", "cooldowns and limits are shared through Redis"),
    ("redis_port", "redis", "cooldowns and limits are shared through Redis"),
    ("redis_password", "redis", "cooldowns and limits are shared through Redis"),
    ("redis_db", "redis", "cooldowns and limits are shared through Redis"),
    ("cache_responses", "cache", "answers go through LiteLLM's cache"),
    ("cache_kwargs", "cache", "answers go through LiteLLM's cache"),
    ("caching_groups", "cache", "answers go through LiteLLM's cache"),
    ("fallbacks", "fallbacks", "another group answers when this one fails"),
    ("default_fallbacks", "fallbacks", "another group answers when this one fails"),
    ("context_window_fallbacks", "fallbacks", "another group answers when this one fails"),
    ("content_policy_fallbacks", "fallbacks", "another group answers when this one fails"),
    ("enable_weighted_failover", "fallbacks", "a failed request moves on by weight"),
    ("retry_policy", "retries", "retries depend on the kind of failure"),
    ("model_group_retry_policy", "retries", "retries depend on the group"),
    ("allowed_fails_policy", "cooldown_policy", "cooldowns depend on the kind of failure"),
    ("routing_strategy", "routing_strategy", "deployments are not picked by simple-shuffle"),
    ("routing_groups", "routing_strategy", "groups have strategies of their own"),
    ("plugins", "plugins", "Python code picks deployments"),
    ("enable_pre_call_checks", "pre_call_checks", "deployments are left out by their limits"),
    ("optional_pre_call_checks", "pre_call_checks", "deployments are left out by their limits"),
    ("enable_tag_filtering", "tag_routing", "deployments are picked by tags"),
    ("provider_budget_config", "budget", "a budget ends service"),
    ("default_max_parallel_requests", "rate_limit", "calls to a deployment wait for each other"),
    ("alerting_config", "alerting", "Python reports slow and failed requests"),
    ("default_priority", "rate_limit", "requests wait for each other by priority"),
    ("guardrail_list", "guardrails", "guardrails judge requests or answers"),
    ("default_litellm_params", "provider_request", "parameters are added to every request"),
    ("enable_health_check_routing", "health_routing", "unhealthy deployments are left out"),
    ("model_group_affinity_config", "routing_strategy", "callers stick to deployments"),
    ("health_check_ignore_transient_errors", "health_routing", "unhealthy deployments are left out"),
];

/// Every setting that declines, with the code of its reason: `litellm_settings.cache`, `litellm_params.order`.
pub fn declining_settings() -> impl Iterator<Item = (&'static str, String)> {
    let sections = [
        ("", TOP_DECLINING),
        ("general_settings.", GENERAL_DECLINING),
        ("litellm_settings.", LITELLM_DECLINING),
        ("router_settings.", ROUTER_DECLINING),
        ("litellm_params.", DECLINING),
    ];
    let named = sections.into_iter().flat_map(|(prefix, table)| table.iter().map(move |entry| (prefix, entry)));
    named.map(|(prefix, (key, code, _))| (*code, format!("{prefix}{key}")))
}
