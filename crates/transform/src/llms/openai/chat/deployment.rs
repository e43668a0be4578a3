//! Whether a deployment's own settings are ones this crate reproduces for chat completions.

use serde_json::{Map, Value};

use super::parameters::reaches_openai;
use super::transformation::deployment_headers;
use crate::decline::Decline;
use crate::llms::deployment::{self, ROUTERS_OWN};
use crate::proxy::ocr_endpoints::is_acted_on;

/// Read here, and not sent.
const LISTS: [&str; 3] = ["additional_drop_params", "allowed_openai_params", "extra_body"];

/// Every key of a deployment's `litellm_params` and `model_info` that makes chat completions on it Python's, with the reason.
pub fn declines(parameters: &Map<String, Value>, model_info: &Map<String, Value>) -> Vec<(String, Decline)> {
    let is_understood = |key: &str| key == "organization" || is_option(key);
    deployment::declines(parameters, model_info, deployment_headers(parameters), is_understood)
}

/// Whether a parameter of a deployment is merged with those of a request.
pub(super) fn is_option(key: &str) -> bool {
    if ROUTERS_OWN.contains(&key)
        || matches!(key, "drop_params" | "organization" | "stream" | "metadata" | "tools" | "functions")
    {
        return false;
    }
    reaches_openai(key) || LISTS.contains(&key) || !(is_acted_on(key) || is_litellms(key))
}

/// Names that LiteLLM keeps to itself though no other table here has them.
pub(crate) fn is_litellms(key: &str) -> bool {
    const KEPT: [&str; 8] = [
        "default_headers",
        "deployment_id",
        "id",
        "include_server_side_tool_invocations",
        "num_retries",
        "timeout",
        "stream_timeout",
        "extra_headers",
    ];
    LISTS.contains(&key) || KEPT.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_each_key_that_is_not_reproduced() {
        let parameters = serde_json::json!({
            "model": "openai/x", "api_key": "k", "temperature": 0, "foo": 1, "drop_params": true, "tags": null,
            "input_cost_per_token": 1, "guardrails": ["g"], "max_tokens": 5, "keepalive_seconds": 3, "organization": "o",
            "extra_headers": {"x-stainless-lang": "x"}, "merge_reasoning_content_in_choices": true, "tools": [],
            "additional_drop_params": ["seed"], "id": "x",
        });
        let model_info = serde_json::json!({"id": "1", "mode": "chat", "base_model": "m"});
        let (Value::Object(parameters), Value::Object(model_info)) = (parameters, model_info) else { return };
        let found: Vec<(String, &str)> =
            declines(&parameters, &model_info).into_iter().map(|(key, decline)| (key, decline.reason())).collect();
        let expected = [
            ("litellm_params.input_cost_per_token", "custom_pricing"),
            ("litellm_params.guardrails", "deployment_parameter"),
            ("litellm_params.keepalive_seconds", "deployment_parameter"),
            ("litellm_params.merge_reasoning_content_in_choices", "deployment_parameter"),
            ("litellm_params.tools", "deployment_parameter"),
            ("litellm_params.id", "deployment_parameter"),
            ("litellm_params.extra_headers", "extra_headers"),
            ("model_info.base_model", "custom_pricing"),
        ];
        assert_eq!(found, expected.map(|(key, reason)| (key.to_owned(), reason)));
    }
}
