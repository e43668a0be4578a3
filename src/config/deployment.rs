//! One entry of LiteLLM's `model_list`, after environment references and credentials are resolved.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::python::Place;

/// A credential. Prints as `***`; the value is reached only through [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The credential itself: for a header that leaves this process, or a comparison, and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// Which routes a [`Reason`] speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteScope {
    All,
    /// A route by its name, as in `ocr`.
    Route(String),
}

/// Why the native leg leaves a deployment, or the whole configuration, to Python.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Where in the configuration, as in `litellm_settings.callbacks` or `model_list[3].litellm_params.tags`.
    pub path: String,
    /// From a closed set, because it labels metrics.
    pub code: &'static str,
    /// One sentence for the operator.
    pub text: String,
    pub routes: RouteScope,
}

/// A deployment as LiteLLM's router holds it.
///
/// Source: litellm/router.py `_create_deployment`, litellm/types/router.py `LiteLLM_Params` @ 1.102.4
#[derive(Clone, PartialEq)]
pub struct Deployment {
    /// What `x-litellm-model-id` shows: `model_info.id`, else the hash of group and parameters.
    pub id: String,
    /// The model group: the name that clients send.
    pub model_name: String,
    /// `mistral`
    pub provider: String,
    /// The provider's model name, without prefix: `mistral-ocr-latest`.
    pub model: String,
    /// As configured: `mistral/mistral-ocr-latest`.
    pub litellm_model: String,
    pub api_base: Option<String>,
    pub api_key: Option<Secret>,
    /// Seconds.
    pub timeout: Option<f64>,
    /// Seconds.
    pub stream_timeout: Option<f64>,
    pub num_retries: Option<u32>,
    pub weight: Option<f64>,
    pub rpm: Option<f64>,
    pub tpm: Option<f64>,
    /// All of `litellm_params`, in the order of the file, environment references resolved.
    pub params: Map<String, Value>,
    pub model_info: Map<String, Value>,
    /// The file names the id (`model_info.id`); it then survives changes of the parameters.
    pub id_is_declared: bool,
    pub place: Place,
    /// `model_list[3]`
    pub path: String,
    /// Why the native leg would not serve this deployment; empty means exact.
    pub reasons: Vec<Reason>,
}

impl Deployment {
    /// The address that LiteLLM tells clients on the routes that stream: what the file says, and of its own accord only that of
    /// OpenAI. Empty: none. Where it comes from the environment it is told as if it did not.
    ///
    /// Source: litellm/litellm_core_utils/llm_response_utils/get_api_base.py `get_api_base` @ 1.102.4
    pub fn told_api_base(&self) -> &str {
        let is_named = |key: &str| self.params.get(key).is_some_and(|value| !value.is_null() && value != "");
        match &self.api_base {
            Some(api_base) if is_named("api_base") || is_named("litellm_credential_name") => api_base,
            _ if self.provider == "openai" => "https://api.openai.com",
            _ => "",
        }
    }
}

impl fmt::Debug for Deployment {
    /// Without `params`, which hold credentials.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Deployment")
            .field("path", &self.path)
            .field("id", &self.id)
            .field("model_name", &self.model_name)
            .field("litellm_model", &self.litellm_model)
            .field("api_base", &self.api_base)
            .field("reasons", &self.reasons)
            .finish_non_exhaustive()
    }
}
