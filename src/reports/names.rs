//! Names of JSON members and headers, as a store without content may keep them.
//!
//! A name that LiteLLM, Mistral, Anthropic, OpenAI, JSON Schema or HTTP knows is structure. One that a client thought of, or a model
//! for a tool's arguments, can be as telling as a value, so in its place stands a keyed hash, wherever it turns up: an answer
//! may echo it.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use super::redact::Redactor;

/// Which names of one pair may be shown.
#[derive(Debug, Default)]
pub struct Names {
    invented: HashSet<String>,
    /// A request could not be read, so every name that nobody knows may be its client's.
    unread: bool,
}

impl Names {
    /// From the requests of a pair, the client's and those to providers: their headers' names and their bodies.
    pub fn of_requests<'a>(
        headers: impl IntoIterator<Item = &'a str>,
        bodies: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let mut names = Self::default();
        for header in headers.into_iter().filter(|header| !is_known(header)) {
            names.invented.insert(header.to_owned());
        }
        for body in bodies.into_iter().filter(|body| !body.is_empty()) {
            match serde_json::from_slice::<Value>(body) {
                Ok(value) => names.collect(&value),
                Err(_) => names.unread = true,
            }
        }
        names
    }

    /// What a model calls the arguments of a tool is content of its answer.
    pub fn hide_arguments(&mut self, answer: &Value) {
        match answer {
            Value::Array(elements) => elements.iter().for_each(|element| self.hide_arguments(element)),
            Value::Object(members) => {
                for (name, member) in members {
                    if name == "input" { self.collect(member) } else { self.hide_arguments(member) }
                }
            }
            _ => {}
        }
    }

    /// As deep as the parser goes, which is bounded.
    fn collect(&mut self, value: &Value) {
        match value {
            Value::Array(elements) => elements.iter().for_each(|element| self.collect(element)),
            Value::Object(members) => {
                for (name, member) in members {
                    if !is_known(name) {
                        self.invented.insert(name.clone());
                    }
                    self.collect(member);
                }
            }
            _ => {}
        }
    }

    /// The name, or the hash that stands for it.
    pub fn shown<'a>(&self, name: &'a str, redactor: &Redactor) -> Cow<'a, str> {
        let hidden = !is_known(name) && (self.unread || self.invented.contains(name));
        if hidden { Cow::Owned(format!("#{}", redactor.hash(name.as_bytes()))) } else { Cow::Borrowed(name) }
    }

    /// A difference's path or template, name by name: `$.pages[*].markdown`, `$["a name"]`, `headers.x-name`, `status`.
    pub fn path(&self, path: &str, redactor: &Redactor) -> String {
        if let Some(name) = path.strip_prefix("headers.") {
            return format!("headers.{}", self.shown(name, redactor));
        }
        let Some(mut rest) = path.strip_prefix('$') else { return path.to_owned() };
        let mut clean = String::from("$");
        while let Some(first) = rest.chars().next() {
            let length = segment_length(rest);
            let segment = &rest[..length];
            match first {
                '.' => {
                    clean.push('.');
                    clean.push_str(&self.shown(&segment[1..], redactor));
                }
                '[' if segment.starts_with("[\"") => clean.push_str(&self.quoted(segment, redactor)),
                _ => clean.push_str(segment),
            }
            rest = &rest[length..];
        }
        clean
    }

    /// `["a name"]`. Quoted as in Rust; a name that is not spelt so in JSON, too, is too odd to be anybody's but a client's.
    fn quoted<'a>(&self, segment: &'a str, redactor: &Redactor) -> Cow<'a, str> {
        let quoted = segment.trim_start_matches('[').trim_end_matches(']');
        match serde_json::from_str::<String>(quoted) {
            Ok(name) if self.shown(&name, redactor) == name => Cow::Borrowed(segment),
            Ok(name) => Cow::Owned(format!(".{}", self.shown(&name, redactor))),
            Err(_) => Cow::Owned(format!(".#{}", redactor.hash(quoted.as_bytes()))),
        }
    }
}

/// Bytes up to the next segment: `.name`, `[3]`, `["a \"name\""]`.
fn segment_length(path: &str) -> usize {
    if !path.starts_with("[\"") {
        return path
            .char_indices()
            .skip(1)
            .find(|(_, character)| ".[".contains(*character))
            .map_or(path.len(), |(at, _)| at);
    }
    let mut escaped = false;
    for (at, character) in path.char_indices().skip(2) {
        if !escaped && character == '"' {
            return (at + 2).min(path.len());
        }
        escaped = !escaped && character == '\\';
    }
    path.len()
}

fn is_known(name: &str) -> bool {
    MEMBERS.binary_search(&name).is_ok() || HEADERS.binary_search(&name).is_ok()
}

/// Members of bodies: LiteLLM's, Mistral's OCR, Anthropic's messages and OpenAI's chat completions, requests, answers, events
/// and errors, and JSON Schema for annotations and tools.
#[rustfmt::skip]
const MEMBERS: [&str; 332] = [
    "$defs", "$id", "$ref", "$schema", "accepted_prediction_tokens", "additionalProperties", "additional_drop_params",
    "allOf", "allowed_callers", "allowed_domains", "allowed_openai_params", "allowed_tools", "annotations", "anyOf",
    "api_base", "api_key", "api_version", "applied_edits", "approximate", "arguments", "audio", "audio_tokens",
    "authorization_token", "base64", "bbox", "bbox_annotation_format", "blocked_domains", "blocks", "bottom_right_x",
    "bottom_right_y", "budget_tokens", "bytes", "cache_control", "cache_creation", "cache_creation_input_tokens",
    "cache_creation_token_details", "cache_creation_tokens", "cache_read_input_tokens", "cached_tokens", "caching",
    "call_id", "caller", "category", "choices", "citation", "citations", "cited_text", "city", "clear_at_least",
    "clear_tool_inputs", "cleared_input_tokens", "cleared_thinking_turns", "cleared_tool_uses", "code",
    "completion_tokens", "completion_tokens_details", "confidence_scores", "confidence_scores_granularity", "const",
    "container", "content", "content_block", "context", "context_management", "cost", "country", "created", "credits",
    "custom", "custom_llm_provider", "cut", "data", "default", "defer_loading", "definition", "definitions", "delta",
    "description", "detail", "dimensions", "disable_parallel_tool_use", "display", "display_height_px",
    "display_number", "display_width_px", "doc_size_bytes", "document", "document_annotation",
    "document_annotation_format", "document_annotation_prompt", "document_index", "document_name", "document_title",
    "document_url", "dpi", "drop_params", "eager_input_streaming", "edits", "effort", "enabled", "encrypted_content",
    "encrypted_index", "end_block_index", "end_char_index", "end_index", "end_page_number", "enum",
    "ephemeral_1h_input_tokens", "ephemeral_5m_input_tokens", "error", "error_code", "event", "events",
    "exclude_tools", "exclusiveMaximum", "exclusiveMinimum", "expires_at", "explanation", "extra_body",
    "extra_headers", "extra_query", "extract_footer", "extract_header", "fallbacks", "file", "file_data", "file_id",
    "file_search", "filename", "finish_reason", "footer", "format", "frames", "frequency_penalty", "function",
    "function_call", "functions", "grammar", "guardrails", "header", "height", "hyperlinks", "id", "image_annotation",
    "image_base64", "image_limit", "image_min_size", "image_tokens", "image_url", "images", "include_blocks",
    "include_image_base64", "include_obfuscation", "include_usage", "index", "inference_geo", "input", "input_audio",
    "input_examples", "input_schema", "input_tokens", "instructions", "is_error", "items", "iterations", "json_schema",
    "keep", "keyValuePairs", "litellm_metadata", "litellm_session_id", "litellm_trace_id", "loc", "logit_bias",
    "logprob", "logprobs", "markdown", "maxItems", "maxLength", "max_characters", "max_completion_tokens",
    "max_content_tokens", "max_retries", "max_tokens", "max_uses", "maximum", "mcp_servers", "media_type", "message",
    "messages", "metadata", "mime_type", "minItems", "minLength", "minimum", "modalities", "mode", "model",
    "moderation", "msg", "n", "name", "no-log", "num_retries", "obfuscation", "object", "oneOf",
    "original_input_tokens", "output_config", "output_format", "output_tokens", "output_tokens_details", "page",
    "page_age", "pages", "pages_processed", "pages_processed_annotation", "parallel_tool_calls", "param",
    "partial_json", "pattern", "predicted_outputs", "prediction", "presence_penalty", "prompt_cache_key",
    "prompt_cache_retention", "prompt_tokens", "prompt_tokens_details", "properties", "provider_specific_fields",
    "purpose", "query", "raw_status_code", "reasoning", "reasoning_content", "reasoning_effort", "reasoning_tokens",
    "refusal", "region", "rejected_prediction_tokens", "request_id", "request_timeout", "required", "response_format",
    "retrieved_at", "return_code", "role", "safeguards", "safety_identifier", "schema", "schema_definition",
    "search_context_size", "search_result_index", "seed", "server_name", "server_tool_use", "service_tier",
    "session_id", "signature", "skill_id", "skills", "source", "speed", "start_block_index", "start_char_index",
    "start_index", "start_page_number", "stderr", "stdout", "stop", "stop_details", "stop_reason", "stop_sequence",
    "stop_sequences", "store", "stream", "stream_options", "stream_timeout", "strict", "summary", "syntax", "system",
    "system_fingerprint", "table_format", "tables", "tags", "temperature", "text", "text_tokens", "thinking",
    "thinking_blocks", "thinking_tokens", "timeout", "timezone", "title", "token", "tokens", "tool", "tool_call_id",
    "tool_calls", "tool_choice", "tool_configuration", "tool_name", "tool_use_id", "tools", "top_k", "top_left_x",
    "top_left_y", "top_logprobs", "top_p", "total_tokens", "trace_id", "transcript", "trigger", "ttl", "type",
    "uniqueItems", "url", "url_citation", "usage", "usage_info", "user", "user_id", "user_location", "value",
    "verbosity", "version", "video_tokens", "voice", "web_fetch_requests", "web_search_options", "web_search_requests",
    "width",
];

/// Request headers of HTTP, proxies, tracing, LiteLLM and the providers' own clients.
#[rustfmt::skip]
const HEADERS: [&str; 92] = [
    "accept", "accept-charset", "accept-encoding", "accept-language", "access-control-request-headers",
    "access-control-request-method", "anthropic-beta", "anthropic-dangerous-direct-browser-access", "anthropic-version",
    "api-key", "api-version", "authorization", "baggage", "cache-control", "connection", "content-encoding",
    "content-language", "content-length", "content-type", "cookie", "date", "dnt", "expect", "forwarded", "host",
    "http-referer", "if-match", "if-modified-since", "if-none-match", "keep-alive", "ocp-apim-subscription-key",
    "openai-beta", "openai-organization", "openai-project", "origin", "pragma", "priority", "proxy-authorization",
    "referer", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "sec-fetch-dest", "sec-fetch-mode",
    "sec-fetch-site", "sec-fetch-user", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade",
    "upgrade-insecure-requests", "user-agent", "via", "x-amzn-trace-id", "x-api-key", "x-app",
    "x-claude-code-session-id", "x-correlation-id", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port",
    "x-forwarded-prefix", "x-forwarded-proto", "x-goog-api-key", "x-litellm-api-key", "x-litellm-call-id",
    "x-litellm-enable-message-redaction", "x-litellm-end-user-id", "x-litellm-num-retries", "x-litellm-session-id",
    "x-litellm-spend-logs-metadata", "x-litellm-stream-timeout", "x-litellm-tags", "x-litellm-timeout",
    "x-litellm-trace-id", "x-real-ip", "x-request-id", "x-stainless-arch", "x-stainless-async", "x-stainless-helper",
    "x-stainless-helper-method", "x-stainless-lang", "x-stainless-os", "x-stainless-package-version",
    "x-stainless-raw-response", "x-stainless-read-timeout", "x-stainless-retry-count", "x-stainless-runtime",
    "x-stainless-runtime-version", "x-stainless-timeout",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_for_the_search() {
        assert!(MEMBERS.is_sorted() && HEADERS.is_sorted());
        for known in transform::llms::mistral::ocr::transformation::SUPPORTED_PARAMETERS {
            assert!(is_known(known), "{known}");
        }
    }

    /// A path as it is kept, with `#` for every hash.
    fn check(body: &str, path: &str, expected: &str) {
        let redactor = Redactor::new([], [7; 32]);
        let kept = Names::of_requests(["x-mine", "accept"], [body.as_bytes()]).path(path, &redactor);
        let mut shortened = String::new();
        for (at, part) in kept.split('#').enumerate() {
            shortened.push_str(if at == 0 { "" } else { "#" });
            shortened.push_str(if at == 0 { part } else { part.get(12..).unwrap_or("a hash too short") });
        }
        assert_eq!(shortened, expected, "{path} of a client that sent {body}");
    }

    #[test]
    fn what_anthropic_names_is_structure() {
        let body = r#"{"max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "image", "source":
            {"media_type": "image/png", "data": "x"}, "cache_control": {"ttl": "1h"}}]}], "thinking": {"budget_tokens": 1},
            "tools": [{"name": "n", "input_schema": {"properties": {"secret_plan": {"type": "string"}}}}]}"#;
        for path in [
            "$.max_tokens",
            "$.messages[0].content[0].source.data",
            "$.message.content[0].text",
            "$.message.usage.cache_creation.ephemeral_5m_input_tokens",
            "$.events[4].data.delta.partial_json",
            "$.frames",
            "headers.anthropic-beta",
        ] {
            check(body, path, path);
        }
        check(body, "$.tools[0].input_schema.properties.secret_plan", "$.tools[0].input_schema.properties.#");
        check(body, "$.message.content[0].input.secret_plan", "$.message.content[0].input.#");
    }

    #[test]
    fn names_of_a_clients_own_are_hashed_in_paths() {
        let body = r#"{"pages": [{"my project": 1, "mine": {"a\"b]": 2}}], "document": {"type": "x"}}"#;
        for path in
            ["$", "$.pages[*].markdown", "$.document.type", "status", "url", "headers.accept", "headers.x-other"]
        {
            check(body, path, path);
        }
        check(body, "headers.x-mine", "headers.#");
        check(body, "$.mine", "$.#");
        check(body, "$.pages[0][\"my project\"].index", "$.pages[0].#.index");
        check(body, r#"$.pages[*].mine["a\"b]"][2]"#, "$.pages[*].#.#[2]");
        check(body, "$.new_at_the_provider", "$.new_at_the_provider");
        check(body, "$[\"new there\"]", "$[\"new there\"]");
        check(body, "$[\"\\u{1f}\"]", "$.#");
        check("no JSON", "$.pages.new_at_the_provider[\"my project\"]", "$.pages.#.#");
        check("", "$.new_at_the_provider", "$.new_at_the_provider");
    }
}
