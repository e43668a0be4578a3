//! Whether a deployment's own settings are ones this crate reproduces.

use serde_json::{Map, Value};

use super::transformation::{SUPPORTED_PARAMETERS, Target, deployment_headers};
use crate::decline::Decline;
use crate::llms::deployment;
use crate::proxy::ocr_endpoints::is_acted_on;

/// Every key of a deployment's `litellm_params` and `model_info` that makes OCR on it Python's, with the reason.
pub fn declines(parameters: &Map<String, Value>, model_info: &Map<String, Value>) -> Vec<(String, Decline)> {
    let headers = deployment_headers(&Target { model: "", api_base: "", api_key: "", parameters });
    let is_understood = |key: &str| SUPPORTED_PARAMETERS.contains(&key) || !is_acted_on(key);
    deployment::declines(parameters, model_info, headers, is_understood)
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
