//! Which of a deployment's own settings a route reproduces, as far as that is the same for every provider.

use serde_json::{Map, Value};

use crate::decline::Decline;

/// Parameters that end before the provider request: the router reads them, or they say where to connect.
pub(super) const ROUTERS_OWN: [&str; 14] = [
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

/// Every key of a deployment's `litellm_params` and `model_info` that leaves a route to Python, with the reason.
///
/// `is_understood` knows the route's own options and what it passes on, `headers` is what came of reading the deployment's `extra_headers`. Says
/// nothing else about [`ROUTERS_OWN`]: whether those are understood is the router's to say.
pub(super) fn declines<H>(
    parameters: &Map<String, Value>,
    model_info: &Map<String, Value>,
    headers: Result<H, Decline>,
    is_understood: impl Fn(&str) -> bool,
) -> Vec<(String, Decline)> {
    let is_understood = |key: &str| ROUTERS_OWN.contains(&key) || key == "drop_params" || is_understood(key);
    let mut declines = Vec::new();
    for (key, value) in parameters.iter().filter(|(_, value)| !value.is_null()) {
        if is_price(key) {
            declines.push((format!("litellm_params.{key}"), Decline::CustomPricing));
        } else if !is_understood(key) || (key == "drop_params" && !value.is_boolean()) {
            declines.push((format!("litellm_params.{key}"), Decline::DeploymentParameter));
        }
    }
    if let Err(reason) = headers {
        declines.push(("litellm_params.extra_headers".to_owned(), reason));
    }
    for (key, _) in model_info.iter().filter(|(key, value)| !value.is_null() && (is_price(key) || *key == "base_model"))
    {
        declines.push((format!("model_info.{key}"), Decline::CustomPricing));
    }
    declines
}

fn is_price(key: &str) -> bool {
    key.contains("cost") || key.contains("pricing") || key.contains("uplift_multiplier")
}
