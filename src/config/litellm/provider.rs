//! Which provider serves a deployment, as LiteLLM finds it.
//!
//! Complete for what carries a provider: a known prefix, `custom_llm_provider`, or an API base of a known host.
//! A bare model name is looked up by LiteLLM in its price map; only the usual families are labelled here, and a
//! deployment labelled that way is never served natively.
//!
//! Source: litellm/litellm_core_utils/get_llm_provider_logic.py `get_llm_provider` @ 1.102.4

use super::tables::{ENDPOINTS, PROVIDERS};

/// A provider and the model name it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub provider: String,
    pub model: String,
    /// False: a label for coverage, not a proof.
    pub certain: bool,
}

/// None: LiteLLM drops the deployment, or finds a provider in its price map that this function does not know.
pub fn resolve(model: &str, custom_llm_provider: Option<&str>, api_base: Option<&str>) -> Option<Resolved> {
    let certain = |provider: &str, model: &str| {
        Some(Resolved { provider: provider.to_owned(), model: model.to_owned(), certain: true })
    };
    let custom = custom_llm_provider.filter(|name| !name.is_empty());
    let prefixed = match custom {
        Some(name) if model.split('/').next() != Some(name) => format!("{name}/{model}"),
        _ => model.to_owned(),
    };
    if let Some((prefix, rest)) = prefixed.split_once('/')
        && PROVIDERS.contains(&prefix)
    {
        // LiteLLM re-reads some of these by model name (azure/command-r is served as openai, and so on); none is ours.
        return certain(prefix, rest);
    }
    if let Some(base) = api_base.filter(|base| !base.is_empty())
        && let Some((_, provider)) = ENDPOINTS.iter().find(|(endpoint, _)| endpoint_matches(endpoint, base))
    {
        return certain(provider, &prefixed);
    }
    label(&prefixed).map(|provider| Resolved { provider: provider.to_owned(), model: prefixed, certain: false })
}

fn label(model: &str) -> Option<&'static str> {
    const FAMILIES: [(&str, &str); 9] = [
        ("gpt-", "openai"),
        ("chatgpt-", "openai"),
        ("o1", "openai"),
        ("o3", "openai"),
        ("o4", "openai"),
        ("text-embedding-", "openai"),
        ("dall-e-", "openai"),
        ("claude-", "anthropic"),
        ("command-", "cohere_chat"),
    ];
    if model == "*" {
        return Some("openai");
    }
    FAMILIES.iter().find(|(start, _)| model.starts_with(start)).map(|(_, provider)| *provider)
}

/// Same host, and the endpoint's path a prefix of the base's on a segment boundary.
fn endpoint_matches(endpoint: &str, api_base: &str) -> bool {
    let (Some(left), Some(right)) = (host_and_path(endpoint), host_and_path(api_base)) else {
        return false;
    };
    let path = left.1.trim_end_matches('/');
    let url_path = right.1.trim_end_matches('/');
    left.0 == right.0
        && (path.is_empty() || url_path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn host_and_path(value: &str) -> Option<(String, &str)> {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let path = tail.split(['?', '#']).next().unwrap_or("");
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = if host_port.starts_with('[') {
        host_port.split(']').next().unwrap_or("")
    } else {
        host_port.split(':').next().unwrap_or("")
    };
    (!host.is_empty()).then(|| (host.to_lowercase(), path))
}
