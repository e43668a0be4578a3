//! The headers of a provider request, and the beta features they announce.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/experimental_pass_through/messages/transformation.py`
//! `validate_anthropic_messages_environment`, `_update_headers_with_anthropic_beta`.

use std::collections::BTreeSet;

use super::transformation::Target;
use crate::decline::Decline;
use crate::llms::mistral::ocr::transformation::extra_headers;
use crate::proxy::anthropic_endpoints::endpoints::MessagesRequest;
use crate::python::json_decode::orjson_loads;
use crate::python::{Dict, Value};

const API_VERSION: &str = "2023-06-01";
/// Room for what nearly every request has.
const MOST_HEADERS: usize = 8;
const COMPACT: &str = "compact_20260112";
const ADVISOR_TOOL: &str = "advisor_20260301";

/// Headers that LiteLLM computes here: a deployment's or a client's own spelling of them is left to Python.
const COMPUTED: [&str; 4] =
    ["x-api-key", "anthropic-version", "anthropic-beta", "anthropic-dangerous-direct-browser-access"];

/// All headers but the connection's, in LiteLLM's order.
pub(super) fn provider_headers(
    request: &MessagesRequest,
    target: &Target<'_>,
    parameters: &Dict,
) -> Result<Vec<(String, String)>, Decline> {
    let mut headers = Vec::with_capacity(MOST_HEADERS);
    headers.push(("accept".to_owned(), "*/*".to_owned()));
    headers.push(("accept-encoding".to_owned(), "gzip, deflate".to_owned()));
    headers.push(("user-agent".to_owned(), ["litellm/", crate::LITELLM_VERSION].concat()));
    match &request.extra_headers {
        Some(extra) => headers.extend(extra.iter().cloned()),
        None => headers.extend(deployment_headers(target.parameters)?),
    }
    let of_client = |name: &str| request.anthropic_headers.iter().find(|(header, _)| header == name);
    headers.extend(of_client("anthropic-version").cloned());
    let of_client_beta = of_client("anthropic-beta");
    let betas = betas(of_client_beta.map(|(_, value)| value.as_str()), parameters)?;
    let betas = betas.map(|betas| ("anthropic-beta".to_owned(), betas));
    headers.extend(betas.iter().filter(|_| of_client_beta.is_some()).cloned());
    headers.push(("x-api-key".to_owned(), target.api_key.to_owned()));
    if of_client("anthropic-version").is_none() {
        headers.push(("anthropic-version".to_owned(), API_VERSION.to_owned()));
    }
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    headers.extend(betas.filter(|_| of_client_beta.is_none()));
    Ok(headers)
}

/// `extra_headers` of a deployment.
pub(super) fn deployment_headers(
    parameters: &serde_json::Map<String, serde_json::Value>,
) -> Result<Vec<(String, String)>, Decline> {
    let value = match parameters.get("extra_headers") {
        None | Some(serde_json::Value::Null) => return Ok(Vec::new()),
        Some(value) => serde_json::to_vec(value).map_err(|_| Decline::ExtraHeaders)?,
    };
    match orjson_loads(&value) {
        Some(Value::Dict(headers)) => client_headers(&headers),
        _ => Err(Decline::ExtraHeaders),
    }
}

/// `extra_headers` of a request's body.
pub(crate) fn client_headers(headers: &Dict) -> Result<Vec<(String, String)>, Decline> {
    let sent = extra_headers(headers)?;
    let is_computed = sent.iter().any(|(name, _)| COMPUTED.contains(&name.as_str()));
    if is_computed { Err(Decline::ExtraHeaders) } else { Ok(sent) }
}

/// The client's beta features and those that its parameters need, sorted.
fn betas(of_client: Option<&str>, parameters: &Dict) -> Result<Option<String>, Decline> {
    let listed = of_client.filter(|value| !value.is_empty());
    let mut betas: BTreeSet<String> =
        listed.into_iter().flat_map(|value| value.split(',')).map(|beta| beta.trim().to_owned()).collect();
    let mut add = |beta: &str, is_used: bool| {
        if is_used {
            betas.insert(beta.to_owned());
        }
    };
    let edits = context_edits(parameters)?;
    add("compact-2026-01-12", edits.iter().any(|edit| edit == COMPACT));
    add("context-management-2025-06-27", edits.iter().any(|edit| edit != COMPACT));
    let is_given = |value: Option<&Value>| value.is_some_and(|value| *value != Value::None);
    let format = parameters.get("output_config").and_then(Value::as_dict).and_then(|config| config.get("format"));
    add("structured-outputs-2025-11-13", is_given(parameters.get("output_format")) || is_given(format));
    add("fast-mode-2026-02-01", parameters.get("speed").and_then(Value::as_str) == Some("fast"));
    add("advisor-tool-2026-03-01", has_advisor(parameters));
    let searches = ["tool_search_tool_regex_20251119", "tool_search_tool_bm25_20251119"];
    add("advanced-tool-use-2025-11-20", searches.iter().any(|kind| has_tool(parameters, kind)));
    Ok((!betas.is_empty()).then(|| betas.into_iter().collect::<Vec<_>>().join(",")))
}

fn context_edits(parameters: &Dict) -> Result<Vec<String>, Decline> {
    let Some(management) = parameters.get("context_management") else {
        return Ok(Vec::new());
    };
    let management = management.as_dict().ok_or(Decline::Parameter)?;
    let Some(edits) = management.get("edits") else {
        return Ok(Vec::new());
    };
    let kind = |edit: &'_ Value| -> Option<Option<String>> {
        let edit = edit.as_dict()?;
        Some(edit.get("type").map_or(Some(String::new()), |kind| kind.as_str().map(str::to_owned)))
    };
    let edits = edits.as_list().ok_or(Decline::Parameter)?;
    edits.iter().map(|edit| kind(edit).flatten().ok_or(Decline::Parameter)).collect()
}

pub(super) fn has_advisor(parameters: &Dict) -> bool {
    has_tool(parameters, ADVISOR_TOOL)
}

fn has_tool(parameters: &Dict, kind: &str) -> bool {
    let tools = parameters.get("tools").and_then(Value::as_list).unwrap_or_default();
    tools.iter().any(|tool| tool.as_dict().and_then(|tool| tool.get("type")?.as_str()) == Some(kind))
}
