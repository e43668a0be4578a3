//! The key and the address with which a deployment's provider is called.
//!
//! Source: litellm/utils.py `load_credentials_from_list`, litellm/llms/mistral/chat/transformation.py
//! `_get_openai_compatible_provider_info`, litellm/llms/base_llm/ocr/transformation.py `resolve_connection_params` @ 1.102.4

use std::collections::BTreeMap;

use super::environment::Environment;
use super::reasons::Findings;
use super::source::Files;
use super::surroundings;
use crate::config::error::ConfigError;
use crate::config::python::{Dict, Node, Value};

/// Where Mistral is reached if nothing else is said.
pub const MISTRAL_API_BASE: &str = "https://api.mistral.ai/v1";

/// Providers that the native leg speaks to: where they are reached if nothing else is said, and where their key is looked
/// for.
const NATIVE: &[(&str, &str, &str)] = &[
    ("mistral", MISTRAL_API_BASE, "MISTRAL_API_KEY"),
    ("anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY"),
    ("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
];

/// Another credential, address or path, other thinking budgets, cache marks or dropped parameters in Anthropic's requests;
/// another end of its streams.
#[rustfmt::skip]
const ANTHROPIC_VARIABLES: &[&str] = &[
    "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS", "LITELLM_ANTHROPIC_DISABLE_URL_SUFFIX",
    "LITELLM_REASONING_AUTO_SUMMARY", "LITELLM_ENABLE_ANTHROPIC_PROMPT_CACHING",
    "LITELLM_ANTHROPIC_PROMPT_CACHING_TTL", "LITELLM_DROP_PARAMS", "LITELLM_MODIFY_PARAMS",
    "LITELLM_MAX_STREAMING_DURATION_SECONDS", "AIOHTTP_TRUST_ENV", "DISABLE_AIOHTTP_TRUST_ENV",
    "REPEATED_STREAMING_CHUNK_LIMIT", "DEFAULT_ANTHROPIC_CHAT_MAX_TOKENS",
    "DEFAULT_REASONING_EFFORT_MINIMAL_THINKING_BUDGET", "DEFAULT_REASONING_EFFORT_LOW_THINKING_BUDGET",
    "DEFAULT_REASONING_EFFORT_MEDIUM_THINKING_BUDGET", "DEFAULT_REASONING_EFFORT_HIGH_THINKING_BUDGET",
    "DEFAULT_REASONING_EFFORT_XHIGH_THINKING_BUDGET", "DEFAULT_REASONING_EFFORT_MAX_THINKING_BUDGET",
];

/// Another organization, project or header, other options, or another end of streams in calls of OpenAI.
#[rustfmt::skip]
const OPENAI_VARIABLES: &[&str] = &[
    "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER", "LITELLM_ROUTE_ALL_CHAT_OPENAI_TO_RESPONSES",
    "OPENAI_ORGANIZATION", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS", "OPENAI_LOG",
    "LITELLM_REASONING_AUTO_SUMMARY", "LITELLM_DROP_PARAMS", "LITELLM_MODIFY_PARAMS",
    "LITELLM_MAX_STREAMING_DURATION_SECONDS", "REPEATED_STREAMING_CHUNK_LIMIT", "AIOHTTP_TRUST_ENV",
    "DISABLE_AIOHTTP_TRUST_ENV",
];

/// Variables that move a provider, the first one set counts. For the tap too.
///
/// Source: litellm/main.py, litellm/llms/anthropic/common_utils.py, litellm/llms/groq/chat/transformation.py,
/// litellm/llms/deepseek/chat/transformation.py @ 1.102.4
const BASE_VARIABLES: &[(&str, &str)] = &[
    ("openai", "OPENAI_BASE_URL"),
    ("openai", "OPENAI_API_BASE"),
    ("anthropic", "ANTHROPIC_API_BASE"),
    ("anthropic", "ANTHROPIC_BASE_URL"),
    ("groq", "GROQ_API_BASE"),
    ("deepseek", "DEEPSEEK_API_BASE"),
];

/// `credential_list`, by name. The first of two with one name counts.
pub type Credentials = BTreeMap<String, Dict>;

pub fn read(root: &Dict, files: &Files) -> Result<Credentials, ConfigError> {
    let mut credentials = Credentials::new();
    let Some(node) = root.get("credential_list").filter(|node| node.value.is_true()) else {
        return Ok(credentials);
    };
    let wrong = |node: &Node, path: String, problem: &str| {
        files.error(node.place, path, problem, "give it credential_name, credential_values and credential_info")
    };
    let items = node.list().ok_or_else(|| wrong(node, "credential_list".to_owned(), "must be a list"))?;
    for (index, item) in items.iter().enumerate() {
        let path = format!("credential_list[{index}]");
        let part = |name: &str| item.dict().and_then(|dict| dict.get(name));
        let name = part("credential_name").and_then(Node::text);
        let values = part("credential_values").and_then(Node::dict);
        let (Some(name), Some(values), Some(_)) = (name, values, part("credential_info").and_then(Node::dict)) else {
            return Err(wrong(item, path, "is incomplete, and LiteLLM does not start with it"));
        };
        credentials.entry(name.to_owned()).or_insert_with(|| values.clone());
    }
    Ok(credentials)
}

/// As used: a parameter, else the named credential, else the environment.
#[derive(Default)]
pub struct Connection {
    /// As LiteLLM reports it in `x-litellm-model-api-base`; None: the provider's own.
    pub api_base: Option<String>,
    pub api_key: Option<String>,
    credential: CredentialUse,
}

#[derive(Default, PartialEq)]
enum CredentialUse {
    #[default]
    None,
    Whole,
    /// The name is in no list.
    Missing,
    /// It has values other than key and base, which would become parameters.
    MoreThanConnection,
}

pub fn connection(
    provider: &str,
    litellm_params: &Dict,
    credentials: &Credentials,
    environment: &Environment<'_>,
) -> Connection {
    let named = litellm_params.get("litellm_credential_name").and_then(Node::text).filter(|name| !name.is_empty());
    let credential = named.and_then(|name| credentials.get(name));
    let credential_use = match (named, credential) {
        (None, _) => CredentialUse::None,
        (Some(_), None) => CredentialUse::Missing,
        (Some(_), Some(values)) if values.iter().all(|(key, _)| is_connection_key(key)) => CredentialUse::Whole,
        _ => CredentialUse::MoreThanConnection,
    };
    let value = |name: &str| {
        let own = litellm_params.get(name).filter(|node| !node.is_none());
        let node = own.or_else(|| credential.and_then(|values| values.get(name)));
        node.and_then(Node::text).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let (mut api_base, mut api_key) = (value("api_base"), value("api_key"));
    if provider == "mistral" {
        api_base = api_base.or_else(|| environment.text("MISTRAL_AZURE_API_BASE").map(with_version));
        api_key = api_key
            .or_else(|| environment.text("MISTRAL_AZURE_API_KEY"))
            .or_else(|| environment.text("MISTRAL_API_KEY"));
    }
    if let Some((_, _, variable)) = NATIVE.iter().find(|(name, _, _)| *name == provider && provider != "mistral") {
        api_key = api_key.or_else(|| environment.text(variable));
    }
    let moved = BASE_VARIABLES.iter().filter(|(name, _)| *name == provider);
    let api_base = api_base.or_else(|| moved.filter_map(|(_, variable)| environment.text(variable)).next());
    Connection { api_base, api_key, credential: credential_use }
}

fn is_connection_key(key: &Value) -> bool {
    matches!(key, Value::Text(name) if name == "api_key" || name == "api_base")
}

fn with_version(base: String) -> String {
    if base.ends_with("/v1") { base } else { base + "/v1" }
}

impl Connection {
    /// Reasons to leave such a connection to Python.
    pub fn report(&self, path: &str, provider: &str, environment: &Environment<'_>, into: &mut Findings) {
        let at = |below: &str| format!("{path}.litellm_params.{below}");
        let Some((_, default_base, variable)) = NATIVE.iter().find(|(name, _, _)| *name == provider) else {
            into.add(at("model"), "provider_unsupported", format!("the native leg does not speak to {provider} yet"));
            return;
        };
        let variables = match provider {
            "anthropic" => ANTHROPIC_VARIABLES,
            "openai" => OPENAI_VARIABLES,
            _ => &[],
        };
        for name in variables.iter().filter(|name| environment.get(name).is_some_and(|text| !text.is_empty())) {
            let text = format!("LiteLLM calls {provider} in another way when this is set");
            into.add(format!("environment.{name}"), "provider_request", text);
        }
        match self.credential {
            CredentialUse::None | CredentialUse::Whole => {}
            CredentialUse::Missing => {
                into.add(at("litellm_credential_name"), "credential", "this credential is in no credential_list");
            }
            CredentialUse::MoreThanConnection => {
                let text = "the credential holds more than api_key and api_base";
                into.add(at("litellm_credential_name"), "credential", text);
            }
        }
        if self.api_key.is_none() {
            let text = format!("there is no key for the provider, neither here nor in {variable}");
            into.add(at("api_key"), "no_api_key", text);
        }
        if self.api_key.as_ref().is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            into.add(at("api_key"), "credential", "LiteLLM cannot send a key with such characters");
        }
        let base = self.api_base.as_deref().unwrap_or(default_base);
        let schemed = base.starts_with("http://") || base.starts_with("https://");
        // Query, fragment and user information end up in odd places of the URL that LiteLLM builds.
        let plain = base.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@%\"<>`{}^|\\".contains(&byte));
        let plain = plain && !base.contains("/../") && !base.contains("/./");
        if !(schemed && plain) {
            into.add(at("api_base"), "api_base", "the native leg only follows plain http and https addresses");
        }
        surroundings::of_api_base(base, environment, into);
    }
}
