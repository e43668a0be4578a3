//! Whether a deployment's own settings are ones this crate reproduces for `/v1/messages`.

use serde_json::{Map, Value};

use super::headers::deployment_headers;
use super::parameters::reaches_anthropic;
use crate::decline::Decline;
use crate::llms::deployment;
use crate::proxy::ocr_endpoints::is_acted_on;

/// Every key of a deployment's `litellm_params` and `model_info` that makes messages on it Python's, with the reason.
pub fn declines(parameters: &Map<String, Value>, model_info: &Map<String, Value>) -> Vec<(String, Decline)> {
    let is_understood = |key: &str| is_option(key) || !is_acted_on(key);
    deployment::declines(parameters, model_info, deployment_headers(parameters), is_understood)
}

/// A deployment's own `metadata`, `stream` or `max_tokens` would reach the logs or collide with the client's.
fn is_option(key: &str) -> bool {
    reaches_anthropic(key) && !matches!(key, "metadata" | "stream" | "container")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_each_key_that_is_not_reproduced() {
        let parameters = serde_json::json!({
            "model": "anthropic/x", "api_key": "k", "temperature": 0, "foo": 1, "drop_params": true, "tags": null,
            "input_cost_per_token": 1, "guardrails": ["g"], "max_tokens": 5, "keepalive_seconds": 3,
            "extra_headers": {"anthropic-beta": "x"},
        });
        let model_info = serde_json::json!({"id": "1", "mode": "chat", "base_model": "m"});
        let (Value::Object(parameters), Value::Object(model_info)) = (parameters, model_info) else { return };
        let found: Vec<(String, &str)> =
            declines(&parameters, &model_info).into_iter().map(|(key, decline)| (key, decline.reason())).collect();
        let expected = [
            ("litellm_params.input_cost_per_token", "custom_pricing"),
            ("litellm_params.guardrails", "deployment_parameter"),
            ("litellm_params.max_tokens", "deployment_parameter"),
            ("litellm_params.keepalive_seconds", "deployment_parameter"),
            ("litellm_params.extra_headers", "extra_headers"),
            ("model_info.base_model", "custom_pricing"),
        ];
        assert_eq!(found, expected.map(|(key, reason)| (key.to_owned(), reason)));
    }
}
