//! What LiteLLM 1.102.4 knows by name: providers, hosts, and the types of deployment parameters. Data only.
//!
//! Source: litellm/types/router.py `LiteLLM_Params` @ 1.102.4

/// Provider prefixes, of the enumeration and of the JSON registry.
///
/// Source: litellm/types/utils.py `LlmProviders`, litellm/llms/openai_like/providers.json @ 1.102.4
#[rustfmt::skip]
pub const PROVIDERS: &[&str] = &[
    "a2a", "a2a_agent", "abliteration", "ai21", "ai21_chat", "aihubmix", "aiml", "aiohttp_openai", "amazon_nova",
    "anthropic", "anthropic_text", "apertis", "assemblyai", "auto_router", "aws_polly", "azure", "azure_ai",
    "azure_text", "baseten", "bedrock", "bedrock_mantle", "black_forest_labs", "bytez", "cerebras",
    "charity_engine", "chatgpt", "chutes", "clarifai", "cloudflare", "codestral", "cognition", "cohere",
    "cohere_chat", "cometapi", "compactifai", "crusoe", "cursor", "custom", "custom_openai", "darkbloom",
    "dashscope", "databricks", "datarobot", "deepgram", "deepinfra", "deepseek", "docker_model_runner", "dotprompt",
    "elevenlabs", "empiriolabs", "empower", "fal_ai", "featherless_ai", "fireworks_ai", "friendliai", "galadriel",
    "gdc", "gemini", "gigachat", "github", "github_copilot", "gmi", "gradient_ai", "groq", "helicone", "heroku",
    "hosted_vllm", "huggingface", "humanloop", "hyperbolic", "inception", "infinity", "jina_ai", "lambda_ai",
    "langflow", "langfuse", "langgraph", "lemonade", "libertai", "litellm_agent", "litellm_proxy", "llamafile",
    "llamagate", "lm_studio", "manus", "meta", "meta_llama", "milvus", "minimax", "mistral", "modelscope",
    "mongodb", "moonshot", "morph", "nano-gpt", "nebius", "neosantara", "nlp_cloud", "novita", "nscale",
    "nvidia_nim", "nvidia_riva", "oci", "ollama", "ollama_chat", "oobabooga", "openai", "openai_like", "openrouter",
    "ovhcloud", "parasail", "perplexity", "petals", "pg_vector", "pinstripes", "poe", "predibase", "publicai",
    "qwen_ai_platform", "qwencloud", "ragflow", "recraft", "reducto", "replicate", "runwayml", "s3_vectors",
    "sagemaker", "sagemaker_chat", "sagemaker_nova", "sambanova", "sap", "sarvam", "scaleway", "scx-ai",
    "snowflake", "soniox", "stability", "synthetic", "tencent", "tensormesh", "text-completion-codestral",
    "text-completion-inception", "text-completion-openai", "together_ai", "topaz", "triton", "v0", "valkey",
    "veniceai", "vercel_ai_gateway", "vertex_ai", "vertex_ai_beta", "vllm", "volcengine", "voyage", "wandb",
    "watsonx", "watsonx_text", "xai", "xiaomi_mimo", "xinference", "zai",
];

/// API bases that tell a provider, in the order in which they are tried.
///
/// Source: litellm/constants.py `openai_compatible_endpoints` @ 1.102.4
#[rustfmt::skip]
pub const ENDPOINTS: &[(&str, &str)] = &[
    ("api.perplexity.ai", "perplexity"),
    ("api.endpoints.anyscale.com/v1", "anyscale"),
    ("api.deepinfra.com/v1/openai", "deepinfra"),
    ("api.mistral.ai/v1", "mistral"),
    ("codestral.mistral.ai/v1/chat/completions", "codestral"),
    ("codestral.mistral.ai/v1/fim/completions", "text-completion-codestral"),
    ("api.groq.com/openai/v1", "groq"),
    ("https://integrate.api.nvidia.com/v1", "nvidia_nim"),
    ("api.deepseek.com/v1", "deepseek"),
    ("api.together.ai/v1", "together_ai"),
    ("api.together.xyz/v1", "together_ai"),
    ("app.empower.dev/api/v1", "empower"),
    ("https://api.friendli.ai/serverless/v1", "friendliai"),
    ("api.sambanova.ai/v1", ""),
    ("api.x.ai/v1", ""),
    ("ollama.com", "ollama"),
    ("api.galadriel.ai/v1", ""),
    ("api.llama.com/compat/v1/", ""),
    ("api.featherless.ai/v1", ""),
    ("inference.api.nscale.com/v1", ""),
    ("api.studio.nebius.ai/v1", ""),
    ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", ""),
    ("https://dashscope.aliyuncs.com/compatible-mode/v1", ""),
    ("https://api-inference.modelscope.cn/v1", "modelscope"),
    ("https://api.moonshot.ai/v1", ""),
    ("https://api.publicai.co/v1", "publicai"),
    ("https://api.synthetic.new/openai/v1", "synthetic"),
    ("https://serverless.tensormesh.ai/v1", "tensormesh"),
    ("https://api.stima.tech/v1", "apertis"),
    ("https://nano-gpt.com/api/v1", "nano-gpt"),
    ("https://api.poe.com/v1", "poe"),
    ("https://llm.chutes.ai/v1/", "chutes"),
    ("https://api.v0.dev/v1", "v0"),
    ("https://api.morphllm.com/v1", ""),
    ("https://api.lambda.ai/v1", "lambda_ai"),
    ("https://api.inceptionlabs.ai/v1", "inception"),
    ("https://api.hyperbolic.xyz/v1", "hyperbolic"),
    ("https://ai-gateway.helicone.ai/", "helicone"),
    ("https://ai-gateway.vercel.sh/v1", "vercel_ai_gateway"),
    ("https://api.inference.wandb.ai/v1", "wandb"),
    ("https://api.clarifai.com/v2/ext/openai/v1", ""),
    ("https://api.libertai.io/v1", "libertai"),
    ("https://pinstripes.io/v1", "pinstripes"),
    ("https://api.meta.ai/v1", "meta"),
    ("https://api.cognition.ai/v1", "cognition"),
    ("https://api.scx.ai/v1", "scx-ai"),
    ("https://gigachat.devices.sberbank.ru/api/v1", "gigachat"),
];

/// Must be text.
#[rustfmt::skip]
pub const TEXT_PARAMS: &[&str] = &[
    "api_key", "api_base", "api_version", "azure_ad_token", "vertex_project", "vertex_location", "region_name",
    "gcs_bucket_name", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_region_name",
    "aws_session_name", "aws_profile_name", "aws_role_name", "aws_web_identity_token", "aws_sts_endpoint",
    "aws_external_id", "aws_bedrock_runtime_endpoint", "aws_bedrock_project_id", "s3_bucket_name", "s3_region_name",
    "s3_encryption_key_id", "aws_batch_role_arn", "s3_output_bucket_name", "watsonx_region_name",
    "custom_llm_provider", "organization", "litellm_credential_name", "litellm_trace_id", "budget_duration",
    "auto_router_config_path", "auto_router_config", "auto_router_default_model", "auto_router_embedding_model",
    "auto_router_routing_compression", "auto_router_model_compression", "complexity_router_default_model",
    "adaptive_router_default_model", "quality_router_default_model", "vector_store_id", "milvus_text_field",
    "milvus_db_name", "valkey_host", "valkey_password", "valkey_text_field", "valkey_embedding_field",
];

/// Must be, or read as, an integer.
#[rustfmt::skip]
pub const INT_PARAMS: &[&str] = &[
    "output_vector_size", "tpm", "rpm", "itpm", "otpm", "max_retries", "default_api_key_tpm_limit",
    "default_api_key_rpm_limit", "auto_router_max_input_chars", "valkey_port",
];

/// Must be, or read as, a number.
#[rustfmt::skip]
pub const FLOAT_PARAMS: &[&str] = &[
    "max_file_size_mb", "max_budget", "keepalive_seconds",
];

/// Must be, or read as, a boolean.
#[rustfmt::skip]
pub const BOOL_PARAMS: &[&str] = &[
    "allow_client_keepalive_override", "use_in_pass_through", "use_litellm_proxy", "use_chat_completions_api",
    "use_xai_oauth", "merge_reasoning_content_in_choices", "valkey_ssl",
];

/// Must be a mapping.
#[rustfmt::skip]
pub const DICT_PARAMS: &[&str] = &[
    "model_info", "complexity_router_config", "adaptive_router_config", "quality_router_config",
];

/// Must be a list of texts.
#[rustfmt::skip]
pub const TEXT_LIST_PARAMS: &[&str] = &[
    "tags", "tag_regex", "milvus_partition_names",
];

/// Prices; numbers, but for `tiered_pricing` and `search_context_cost_per_query`.
#[rustfmt::skip]
pub const PRICE_PARAMS: &[&str] = &[
    "input_cost_per_token", "output_cost_per_token", "input_cost_per_character", "output_cost_per_character",
    "cache_read_input_token_cost", "cache_creation_input_token_cost", "tiered_pricing", "input_cost_per_second",
    "output_cost_per_second", "output_cost_per_second_1080p", "output_cost_per_second_480p",
    "output_cost_per_second_720p", "output_cost_per_second_4k", "input_cost_per_pixel", "output_cost_per_pixel",
    "input_cost_per_token_flex", "input_cost_per_token_priority", "input_cost_per_token_ultrafast",
    "cache_creation_input_token_cost_above_1hr", "cache_creation_input_token_cost_above_200k_tokens",
    "cache_creation_input_token_cost_above_272k_tokens",
    "cache_creation_input_token_cost_above_272k_tokens_priority",
    "cache_creation_input_token_cost_above_272k_tokens_flex", "cache_creation_input_token_cost_flex",
    "cache_creation_input_token_cost_priority", "cache_creation_input_token_cost_ultrafast",
    "cache_creation_input_audio_token_cost", "cache_read_input_token_cost_flex",
    "cache_read_input_token_cost_priority", "cache_read_input_token_cost_ultrafast",
    "cache_read_input_token_cost_above_200k_tokens", "cache_read_input_token_cost_above_200k_tokens_priority",
    "cache_read_input_token_cost_above_272k_tokens_priority", "cache_read_input_token_cost_above_272k_tokens_flex",
    "cache_read_input_audio_token_cost", "input_cost_per_character_above_128k_tokens", "input_cost_per_audio_token",
    "input_cost_per_token_cache_hit", "input_cost_per_token_above_128k_tokens",
    "input_cost_per_token_above_200k_tokens", "input_cost_per_token_above_200k_tokens_priority",
    "input_cost_per_token_above_272k_tokens_priority", "input_cost_per_token_above_272k_tokens_flex",
    "input_cost_per_query", "input_cost_per_image", "input_cost_per_image_above_128k_tokens",
    "input_cost_per_audio_per_second", "input_cost_per_audio_per_second_above_128k_tokens",
    "input_cost_per_video_per_second", "input_cost_per_video_per_second_above_128k_tokens",
    "input_cost_per_video_per_second_above_15s_interval", "input_cost_per_video_per_second_above_8s_interval",
    "input_cost_per_token_batches", "output_cost_per_token_batches", "output_cost_per_token_flex",
    "output_cost_per_token_priority", "output_cost_per_token_ultrafast", "output_cost_per_audio_token",
    "output_cost_per_token_above_128k_tokens", "output_cost_per_token_above_200k_tokens",
    "output_cost_per_token_above_200k_tokens_priority", "output_cost_per_token_above_272k_tokens_priority",
    "output_cost_per_token_above_272k_tokens_flex", "output_cost_per_character_above_128k_tokens",
    "output_cost_per_image", "output_cost_per_image_token", "output_cost_per_video_token",
    "output_cost_per_reasoning_token", "output_cost_per_reasoning_token_flex",
    "output_cost_per_reasoning_token_priority", "output_cost_per_video_per_second",
    "output_cost_per_audio_per_second", "search_context_cost_per_query", "google_maps_grounding_cost_per_query",
    "citation_cost_per_token", "cache_read_input_token_cost_above_272k_tokens",
    "cache_read_input_token_cost_above_512k_tokens", "input_cost_per_image_token", "input_cost_per_video_token",
    "input_cost_per_token_above_272k_tokens", "input_cost_per_token_above_512k_tokens",
    "output_cost_per_token_above_272k_tokens", "output_cost_per_token_above_512k_tokens", "output_vector_size",
    "ocr_cost_per_page", "ocr_cost_per_credit", "annotation_cost_per_page",
    "regional_processing_uplift_multiplier_eu", "regional_processing_uplift_multiplier_us",
    "regional_endpoint_uplift_multiplier",
];
