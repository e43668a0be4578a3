//! Values for the tests of the native leg.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use crate::config::{Deployment, LiteLlmConfig, litellm};

/// A configuration read as LiteLLM reads it; JSON is YAML.
pub(crate) fn config(written: &Value) -> LiteLlmConfig {
    let text = written.to_string();
    litellm::load_with(Path::new("config.yaml"), &|_| Ok(Some(text.clone().into_bytes())), &|_| None).unwrap()
}

/// A Mistral deployment with this id, in the group `g`.
pub(crate) fn deployment(id: &str) -> Deployment {
    let entry = json!({
        "model_name": "g",
        "litellm_params": {"model": "mistral/mistral-ocr-latest", "api_base": "http://provider.invalid/v1", "api_key": id},
        "model_info": {"id": id},
    });
    config(&json!({"model_list": [entry]})).deployments.remove(0)
}

/// Any moment: what reads no clock is given one.
pub(crate) fn moment() -> Instant {
    Instant::now()
}
