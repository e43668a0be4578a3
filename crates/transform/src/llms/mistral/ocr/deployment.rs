//! Whether a deployment's own settings are ones this crate reproduces.

use serde_json::{Map, Value};

use super::transformation::{SUPPORTED_PARAMETERS, Target, deployment_headers};
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

/// Every key of a deployment's `litellm_params` and `model_info` that makes OCR on it Python's, with the reason.
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
    let target = Target { model: "", api_base: "", api_key: "", parameters };
    if let Err(reason) = deployment_headers(&target) {
        declines.push(("litellm_params.extra_headers".to_owned(), reason));
    }
    for (key, _) in model_info.iter().filter(|(key, value)| !value.is_null() && (is_price(key) || *key == "base_model"))
    {
        declines.push((format!("model_info.{key}"), Decline::CustomPricing));
    }
    declines
}

fn is_understood(key: &str) -> bool {
    ROUTERS_OWN.contains(&key) || SUPPORTED_PARAMETERS.contains(&key) || key == "drop_params" || !is_acted_on(key)
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
            "model": "mistral/x", "api_key": "k", "pages": [0], "foo": 1, "drop_params": true, "tags": null,
            "ocr_cost_per_page": 1, "guardrails": ["g"], "extra_headers": {"authorization": "x"},
        });
        let model_info = serde_json::json!({"id": "1", "mode": "ocr", "base_model": "m", "input_cost_per_token": 1});
        let (Value::Object(parameters), Value::Object(model_info)) = (parameters, model_info) else { return };
        let found: Vec<(String, &str)> =
            declines(&parameters, &model_info).into_iter().map(|(key, decline)| (key, decline.reason())).collect();
        let expected = [
            ("litellm_params.ocr_cost_per_page", "custom_pricing"),
            ("litellm_params.guardrails", "deployment_parameter"),
            ("litellm_params.extra_headers", "extra_headers"),
            ("model_info.base_model", "custom_pricing"),
            ("model_info.input_cost_per_token", "custom_pricing"),
        ];
        assert_eq!(found, expected.map(|(key, reason)| (key.to_owned(), reason)));
    }
}
