//! Values for the tests of the native leg.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};
use transform::cost_calculator::PriceTable;

use super::{AuthMode, Native};
use crate::config::{Deployment, LiteLlmConfig, Secret, litellm};

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

/// Runs `check` over every file of a folder of recorded conversations and fails with all that differs.
pub(crate) fn check_all(folder: &str, check: impl Fn(&Path) -> Vec<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 100, "the corpus is not there");
    let wrong: Vec<String> = files.iter().flat_map(|file| check(file)).collect();
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// The native leg on a recorded configuration: its deployments, and its settings by section.
pub(crate) fn recorded_native(model_list: &Value, settings: &Map<String, Value>, prices: &[u8]) -> Native {
    let mut written = json!({"model_list": model_list, "general_settings": {"master_key": "sk-1234"}});
    for (section, settings) in settings {
        written[section] = settings.clone();
    }
    Native {
        auth: AuthMode::MasterKey(Secret::new("sk-1234")),
        prices: Arc::new(PriceTable::from_price_map_json(prices).unwrap()),
        config: Arc::new(config(&written)),
    }
}

/// Headers of an answer as recordings have them.
pub fn owned(headers: &transform::AnsweredHeaders) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}
