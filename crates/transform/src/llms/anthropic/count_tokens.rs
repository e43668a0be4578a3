//! Counting a message's tokens at Anthropic: the request out, the number in.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/count_tokens/handler.py`, `transformation.py`, `token_counter.py`.

use serde_json::{Map, Value as Json};

use super::experimental_pass_through::messages::transformation::{ANSWER_DEPTH_MAX, Target};
use crate::answer::{ProviderFailure, ProviderRequest, ProviderResponse};
use crate::decline::Decline;
use crate::llms::custom_httpx::http_handler::decoded_body;
use crate::proxy::anthropic_endpoints::count_tokens::{self, CountRequest};
use crate::pydantic::as_integer;
use crate::python::bytes_decode::json_text;
use crate::python::json_decode::loads;
use crate::python::json_encode::httpx_json;
use crate::python::{Dict, Integer, Text, Value};

/// Whatever the deployment's `api_base` is.
pub const URL: &str = "https://api.anthropic.com/v1/messages/count_tokens";
const BETA: &str = "token-counting-2024-11-01";
const SUBSCRIPTION_BETA: &str = "oauth-2025-04-20";

/// Whether a deployment's key is meant for Anthropic itself.
pub fn is_anthropics(api_base: &str) -> bool {
    let rest = api_base.strip_prefix("https://api.anthropic.com");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Every key of a deployment's `litellm_params` and `model_info` that makes counting on it Python's, with the reason. None of a
/// deployment's options reaches Anthropic here.
pub fn declines(parameters: &Map<String, Json>, model_info: &Map<String, Json>) -> Vec<(String, Decline)> {
    let given = |key: &str| parameters.get(key).is_some_and(|value| !value.is_null());
    let mut declines = Vec::new();
    for key in ["custom_llm_provider", "litellm_credential_name"] {
        if given(key) {
            declines.push((format!("litellm_params.{key}"), Decline::DeploymentParameter));
        }
    }
    // LiteLLM takes the key of another host to Anthropic. That is for nobody to imitate.
    if given("api_base") && !parameters["api_base"].as_str().is_some_and(is_anthropics) {
        declines.push(("litellm_params.api_base".to_owned(), Decline::Connection));
    }
    declines.extend(count_tokens::declines(model_info));
    declines
}

/// Builds the request of the only attempt. It has LiteLLM's own time-out, not the deployment's or the client's, and a failure of it
/// is neither retried nor counted for a cooldown.
pub fn request(asked: &CountRequest, target: &Target<'_>) -> Result<ProviderRequest, Decline> {
    if target.api_key.is_empty() {
        return Err(Decline::Connection);
    }
    let mut body = Dict::default();
    body.set("model", Value::Str(Text::from(target.model)));
    body.set("messages", Value::List(asked.messages.clone()));
    for (key, value) in [("system", &asked.system), ("tools", &asked.tools)] {
        if *value != Value::None {
            body.set(key, value.clone());
        }
    }
    let body = httpx_json(&Value::Dict(body)).map_err(|_| Decline::Unwritable)?;
    Ok(ProviderRequest { method: "POST", url: URL.to_owned(), headers: headers(target.api_key), body: body.into() })
}

fn headers(api_key: &str) -> Vec<(String, String)> {
    let mut headers = vec![
        ("accept", "*/*".to_owned()),
        ("accept-encoding", "gzip, deflate".to_owned()),
        ("user-agent", format!("litellm/{}", crate::LITELLM_VERSION)),
        ("content-type", "application/json".to_owned()),
    ];
    let version = ("anthropic-version", "2023-06-01".to_owned());
    if api_key.starts_with("sk-ant-oat") {
        headers.extend([
            version,
            ("anthropic-beta", format!("{SUBSCRIPTION_BETA},{BETA}")),
            ("authorization", format!("Bearer {api_key}")),
            ("anthropic-dangerous-direct-browser-access", "true".to_owned()),
        ]);
    } else {
        headers.extend([("x-api-key", api_key.to_owned()), version, ("anthropic-beta", BETA.to_owned())]);
    }
    headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The number that Anthropic told; `None` where LiteLLM counts itself instead, with [`CountRequest::local_count`].
pub fn told_tokens(outcome: Result<&ProviderResponse, &ProviderFailure>) -> Option<Integer> {
    let response = outcome.ok().filter(|response| response.status == 200)?;
    let body = decoded_body(response).ok()?;
    match loads(&json_text(&body).ok()?, ANSWER_DEPTH_MAX).ok()? {
        Value::Dict(body) => body.get("input_tokens").map_or_else(|| Some(Integer::from(0)), |n| as_integer(n).ok()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_each_key_that_is_not_reproduced() {
        let cases = [
            (r#"{"model": "m", "api_key": "k", "timeout": 5, "foo": 1}"#, "{}", &[][..]),
            (r#"{"api_base": "https://api.anthropic.com/"}"#, "{}", &[]),
            (r#"{"api_base": null}"#, r#"{"custom_tokenizer": null}"#, &[]),
            (r#"{"api_base": "https://gateway.example.com"}"#, "{}", &["litellm_params.api_base"]),
            (r#"{"api_base": "https://api.anthropic.com.example.com"}"#, "{}", &["litellm_params.api_base"]),
            (r#"{"api_base": 5}"#, "{}", &["litellm_params.api_base"]),
            (r#"{"litellm_credential_name": "c"}"#, "{}", &["litellm_params.litellm_credential_name"]),
            ("{}", r#"{"custom_tokenizer": {"identifier": "x"}}"#, &["model_info.custom_tokenizer"]),
        ];
        for (parameters, model_info, expected) in cases {
            let map = |text: &str| serde_json::from_str(text).unwrap_or_default();
            let found = declines(&map(parameters), &map(model_info));
            assert_eq!(found.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), expected, "{parameters}");
        }
    }
}
