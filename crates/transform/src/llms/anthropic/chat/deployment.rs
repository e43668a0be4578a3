//! Whether a deployment's own settings are ones this crate reproduces for chat completions on Anthropic.

use serde_json::{Map, Value};

use super::headers::deployment_headers;
use crate::decline::Decline;
use crate::llms::deployment::{self, ROUTERS_OWN};
use crate::llms::openai::chat::{is_litellms, reaches_openai};
use crate::proxy::ocr_endpoints::is_acted_on;

/// Read here, sent, or passed on though other tables have them as LiteLLM's.
const PASSED: [&str; 5] = ["additional_drop_params", "allowed_openai_params", "cache_control", "extra_body", "speed"];
/// What LiteLLM's own modules say to each other about a request to Anthropic.
const INTERNAL: [&str; 5] =
    ["client_metadata", "is_vertex_request", "json_mode", "use_bearer_for_custom_base", "vertex_count_tokens_location"];

/// Every key of a deployment's `litellm_params` and `model_info` that makes chat completions on it Python's, with the reason.
pub fn declines(parameters: &Map<String, Value>, model_info: &Map<String, Value>) -> Vec<(String, Decline)> {
    deployment::declines(parameters, model_info, deployment_headers(parameters), is_option)
}

pub(super) fn is_internal(key: &str) -> bool {
    INTERNAL.contains(&key)
}

/// Whether a parameter of a deployment is merged with those of a request.
pub(super) fn is_option(key: &str) -> bool {
    if ROUTERS_OWN.contains(&key)
        || is_internal(key)
        || matches!(key, "drop_params" | "stream" | "metadata" | "tools" | "functions" | "container")
    {
        return false;
    }
    reaches_openai(key) || PASSED.contains(&key) || !(is_acted_on(key) || is_litellms(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_each_key_that_is_not_reproduced() {
        let parameters = serde_json::json!({
            "model": "anthropic/x", "api_key": "k", "temperature": 0, "foo": 1, "drop_params": true, "tags": null, "speed": "fast",
            "input_cost_per_token": 1, "guardrails": ["g"], "max_tokens": 5, "thinking": {"type": "adaptive"},
            "extra_headers": {"x-api-key": "x"}, "json_mode": true, "tools": [], "cache_control": {"type": "ephemeral"},
        });
        let model_info = serde_json::json!({"id": "1", "mode": "chat", "base_model": "m"});
        let (Value::Object(parameters), Value::Object(model_info)) = (parameters, model_info) else { return };
        let found: Vec<(String, &str)> =
            declines(&parameters, &model_info).into_iter().map(|(key, decline)| (key, decline.reason())).collect();
        let expected = [
            ("litellm_params.input_cost_per_token", "custom_pricing"),
            ("litellm_params.guardrails", "deployment_parameter"),
            ("litellm_params.json_mode", "deployment_parameter"),
            ("litellm_params.tools", "deployment_parameter"),
            ("litellm_params.extra_headers", "extra_headers"),
            ("model_info.base_model", "custom_pricing"),
        ];
        assert_eq!(found, expected.map(|(key, reason)| (key.to_owned(), reason)));
    }
}
