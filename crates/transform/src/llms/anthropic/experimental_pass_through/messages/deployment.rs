//! Whether a deployment's own settings are ones this crate reproduces for `/v1/messages`.

use serde_json::{Map, Value};

use super::headers::deployment_headers;
use super::parameters::reaches_anthropic;
use crate::decline::Decline;
use crate::proxy::ocr_endpoints::is_acted_on;

/// Parameters that end before the provider request: the router reads them, or they say where to connect.
const ROUTERS_OWN: [&str; 14] = [
    "api_base",
    "api_key",
    "cooldown_time",
    "extra_headers",
    "max_parallel_requests",
    "max_retries",
    "model",
    "num_retries",
    "order",
    "rpm",
    "stream_timeout",
    "timeout",
    "tpm",
    "weight",
];

/// Every key of a deployment's `litellm_params` and `model_info` that makes messages on it Python's, with the reason.
///
/// Says nothing about [`ROUTERS_OWN`] beyond the headers: whether those are understood is the router's to say.
pub fn declines(parameters: &Map<String, Value>, model_info: &Map<String, Value>) -> Vec<(String, Decline)> {
    let mut declines = Vec::new();
    for (key, value) in parameters.iter().filter(|(_, value)| !value.is_null()) {
        if is_price(key) {
            declines.push((format!("litellm_params.{key}"), Decline::CustomPricing));
        } else if !is_understood(key) || (key == "drop_params" && !value.is_boolean()) {
            declines.push((format!("litellm_params.{key}"), Decline::DeploymentParameter));
        }
    }
    if let Err(reason) = deployment_headers(parameters) {
        declines.push(("litellm_params.extra_headers".to_owned(), reason));
    }
    for (key, _) in model_info.iter().filter(|(key, value)| !value.is_null() && (is_price(key) || *key == "base_model"))
    {
        declines.push((format!("model_info.{key}"), Decline::CustomPricing));
    }
    declines
}

/// A deployment's own `metadata`, `stream` or `max_tokens` would reach the logs or collide with the client's.
fn is_understood(key: &str) -> bool {
    let is_option = reaches_anthropic(key) && !matches!(key, "metadata" | "stream" | "container");
    ROUTERS_OWN.contains(&key) || is_option || key == "drop_params" || !is_acted_on(key)
}

fn is_price(key: &str) -> bool {
    key.contains("cost") || key.contains("pricing") || key.contains("uplift_multiplier")
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
