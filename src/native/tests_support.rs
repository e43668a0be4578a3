//! Values for the tests of the native leg.

use crate::config::{Deployment, Secret};

/// A Mistral deployment with this id, in the group `g`.
pub(crate) fn deployment(id: &str) -> Deployment {
    Deployment {
        id: id.to_owned(),
        model_name: "g".to_owned(),
        provider: "mistral".to_owned(),
        model: "mistral-ocr-latest".to_owned(),
        litellm_model: "mistral/mistral-ocr-latest".to_owned(),
        api_base: Some("http://provider.invalid/v1".to_owned()),
        api_key: Some(Secret::new(id)),
        timeout: None,
        stream_timeout: None,
        num_retries: None,
        weight: None,
        rpm: None,
        tpm: None,
        params: serde_json::Map::new(),
        model_info: serde_json::Map::new(),
        path: "model_list[0]".to_owned(),
        reasons: Vec::new(),
    }
}
