//! The headers of a provider request, and the beta features they announce.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/common_utils.py` `validate_environment`, `get_anthropic_headers`,
//! `llms/anthropic/chat/transformation.py` `update_headers_with_optional_anthropic_beta`, `anthropic_beta_headers_manager.py`.

use std::collections::BTreeSet;

use super::content::text;
use super::tools::ADVISOR;
use crate::cost_calculator::PriceTable;
use crate::decline::Decline;
use crate::llms::anthropic::capabilities::{Capability, supports};
use crate::llms::base_llm::chat::transformation::Target;
use crate::llms::mistral::ocr::transformation::extra_headers;
use crate::proxy::chat_endpoints::endpoints::ChatRequest;
use crate::python::json_decode::orjson_loads;
use crate::python::{Dict, Value};

const API_VERSION: &str = "2023-06-01";
/// Headers that LiteLLM computes here: a deployment's or a client's own spelling of them is left to Python.
const COMPUTED: [&str; 3] = ["x-api-key", "anthropic-version", "anthropic-dangerous-direct-browser-access"];
const BETA: &str = "anthropic-beta";
/// `anthropic_beta_headers_config.json` as LiteLLM brings it. It fetches a newer one where it can, so what it does with a beta
/// that isn't here can't be known: a client's is left to Python.
const KNOWN_BETAS: [&str; 24] = [
    "advanced-tool-use-2025-11-20",
    "advisor-tool-2026-03-01",
    "code-execution-2025-08-25",
    "compact-2026-01-12",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "dangerous-tool-use-2026-09-03",
    "effort-2025-11-24",
    "fast-mode-2026-02-01",
    "files-api-2025-04-14",
    "fine-grained-tool-streaming-2025-05-14",
    "interleaved-thinking-2025-05-14",
    "mcp-client-2025-04-04",
    "mcp-client-2025-11-20",
    "oauth-2025-04-20",
    "output-128k-2025-02-19",
    "prompt-caching-scope-2026-01-05",
    "skills-2025-10-02",
    "structured-outputs-2025-11-13",
    "token-efficient-tools-2025-02-19",
    "web-fetch-2025-09-10",
    "web-search-2025-03-05",
];

/// All headers but the connection's, in LiteLLM's order.
pub(super) fn provider_headers(
    request: &ChatRequest,
    target: &Target<'_>,
    betas: &BTreeSet<String>,
) -> Result<Vec<(String, String)>, Decline> {
    let mut headers = vec![
        ("accept-encoding".to_owned(), "gzip, deflate".to_owned()),
        ("user-agent".to_owned(), format!("litellm/{}", crate::LITELLM_VERSION)),
    ];
    headers.extend(added_headers(request, target)?.into_iter().filter(|(name, _)| name != BETA));
    let own = [
        ("anthropic-version", API_VERSION),
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("x-api-key", target.api_key),
    ];
    headers.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    if !betas.is_empty() {
        let betas: Vec<&str> = betas.iter().map(String::as_str).collect();
        headers.push((BETA.to_owned(), betas.join(",")));
    }
    Ok(headers)
}

/// `extra_headers` of the client, or else of the deployment.
fn added_headers(request: &ChatRequest, target: &Target<'_>) -> Result<Vec<(String, String)>, Decline> {
    match &request.extra_headers {
        Some(extra) => check_headers(extra).map(|()| extra.clone()),
        None => deployment_headers(target.parameters),
    }
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
        Some(Value::Dict(headers)) => {
            // In another spelling it would be a header beside the one that is computed.
            let is_odd = |name: &str| name != BETA && name.eq_ignore_ascii_case(BETA);
            if headers.iter().any(|(name, _)| name.as_str().is_some_and(is_odd)) {
                return Err(Decline::ExtraHeaders);
            }
            let sent = extra_headers(&headers)?;
            check_headers(&sent).map(|()| sent)
        }
        _ => Err(Decline::ExtraHeaders),
    }
}

fn check_headers(sent: &[(String, String)]) -> Result<(), Decline> {
    let is_computed = sent.iter().any(|(name, _)| COMPUTED.contains(&name.as_str()));
    if is_computed { Err(Decline::ExtraHeaders) } else { Ok(()) }
}

/// What the betas depend on: the body but for its messages, and the messages as the client has them.
pub(super) struct Features<'a> {
    pub model: &'a str,
    pub table: &'a PriceTable,
    pub parameters: &'a Dict,
    pub messages: &'a [Dict],
}

impl Features<'_> {
    /// The client's beta features and those that the request needs, as far as LiteLLM knows them.
    pub(super) fn betas(&self, request: &ChatRequest, target: &Target<'_>) -> Result<BTreeSet<String>, Decline> {
        let mut betas: BTreeSet<String> = BTreeSet::new();
        let added = added_headers(request, target)?;
        let listed = request.anthropic_headers.iter().chain(&added).find(|(name, _)| name == BETA);
        let listed = listed.iter().flat_map(|(_, value)| value.split(',')).map(|beta| beta.trim().to_owned());
        betas.extend(listed.filter(|beta| !beta.is_empty()));
        if !betas.iter().all(|beta| is_known(beta)) {
            return Err(Decline::RequestHeader);
        }
        let mut add = |beta: &str, is_used: bool| {
            if is_used {
                betas.insert(beta.to_owned());
            }
        };
        self.add_tools(&mut add)?;
        self.add_parameters(&mut add)?;
        add("files-api-2025-04-14", self.messages.iter().any(names_a_file));
        Ok(betas)
    }

    fn add_tools(&self, add: &mut impl FnMut(&str, bool)) -> Result<(), Decline> {
        let tools = self.parameters.get("tools").and_then(Value::as_list).unwrap_or_default();
        let mut computer = None;
        for tool in tools {
            let tool = tool.as_dict().ok_or(Decline::Parameter)?;
            let kind = match tool.get("type") {
                None => "",
                Some(kind) => kind.as_str().ok_or(Decline::Parameter)?,
            };
            if kind.starts_with("computer_") {
                computer.get_or_insert(kind);
            }
            let is_search = matches!(kind, "tool_search_tool_regex_20251119" | "tool_search_tool_bm25_20251119");
            add("advanced-tool-use-2025-11-20", is_search || is_called_by_code(tool) || has_examples(tool));
            add("code-execution-2025-08-25", kind == "code_execution_20250825");
            add("web-fetch-2025-09-10", kind.starts_with("web_fetch"));
            add("context-management-2025-06-27", kind.starts_with("memory"));
            add("advisor-tool-2026-03-01", kind == ADVISOR);
        }
        add("computer-use-2025-01-24", computer == Some("computer_20250124"));
        Ok(())
    }

    fn add_parameters(&self, add: &mut impl FnMut(&str, bool)) -> Result<(), Decline> {
        let parameter = |key: &str| self.parameters.get(key).filter(|value| **value != Value::None);
        let config = parameter("output_config").and_then(Value::as_dict);
        let effort = config.and_then(|config| config.get("effort")?.as_str()).filter(|effort| !effort.is_empty());
        let is_adaptive = supports(self.table, self.model, Capability::AdaptiveThinking);
        let lower = self.model.to_lowercase();
        let is_opus_4_5 = lower.contains("opus-4-5") || lower.contains("opus_4_5");
        let asked = parameter("reasoning_effort").and_then(Value::as_str).filter(|asked| !asked.is_empty());
        add("effort-2025-11-24", !is_adaptive && (effort.is_some() || (is_opus_4_5 && asked.is_some())));
        add("mcp-client-2025-04-04", parameter("mcp_servers").is_some_and(Value::is_truthy));
        let format = config.and_then(|config| config.get("format")).filter(|format| **format != Value::None);
        add("structured-outputs-2025-11-13", parameter("output_format").is_some() || format.is_some());
        add("fast-mode-2026-02-01", parameter("speed").and_then(Value::as_str) == Some("fast"));
        for edit in context_edits(parameter("context_management"))? {
            let is_compaction = matches!(edit.as_str(), "compact_20260112" | "compaction");
            add("compact-2026-01-12", is_compaction);
            add("context-management-2025-06-27", !is_compaction);
        }
        Ok(())
    }
}

fn is_known(beta: &str) -> bool {
    KNOWN_BETAS.contains(&beta)
}

/// `anthropic_beta` of a body, sorted.
pub(super) fn body_betas(betas: &Value) -> Result<Value, Decline> {
    if !betas.is_truthy() {
        return Ok(betas.clone());
    }
    let listed = betas.as_list().ok_or(Decline::Parameter)?;
    let names: Option<BTreeSet<&str>> = listed.iter().map(|beta| beta.as_str().map(str::trim)).collect();
    let names = names.ok_or(Decline::Parameter)?;
    if !names.iter().all(|beta| is_known(beta)) {
        return Err(Decline::Parameter);
    }
    Ok(Value::List(names.into_iter().map(text).collect()))
}

fn is_called_by_code(tool: &Dict) -> bool {
    let calls = |dict: &Dict| {
        let callers = dict.get("allowed_callers").and_then(Value::as_list).unwrap_or_default();
        callers.iter().any(|caller| caller.as_str() == Some("code_execution_20250825"))
    };
    calls(tool) || tool.get("function").and_then(Value::as_dict).is_some_and(calls)
}

fn has_examples(tool: &Dict) -> bool {
    let has = |dict: &Dict| dict.get("input_examples").and_then(Value::as_list).is_some_and(|list| !list.is_empty());
    has(tool) || tool.get("function").and_then(Value::as_dict).is_some_and(has)
}

fn context_edits(management: Option<&Value>) -> Result<Vec<String>, Decline> {
    let edits = match management {
        Some(Value::Dict(management)) => management.get("edits"),
        Some(edits @ Value::List(_)) => Some(edits),
        _ => None,
    };
    let Some(edits) = edits else { return Ok(Vec::new()) };
    let kind = |edit: &Value| match edit.as_dict().map(|edit| edit.get("type")) {
        Some(None) => Ok(String::new()),
        Some(Some(Value::Str(kind))) => kind.as_str().map(str::to_owned).ok_or(Decline::Parameter),
        _ => Err(Decline::Parameter),
    };
    edits.as_list().ok_or(Decline::Parameter)?.iter().map(kind).collect()
}

fn names_a_file(message: &Dict) -> bool {
    let word = |dict: &Dict, key: &str| dict.get(key).and_then(Value::as_str).map(str::to_owned);
    let names = |part: &Value| {
        let part = part.as_dict()?;
        let file = part.get("file").filter(|_| word(part, "type").as_deref() == Some("file"))?;
        Some(file.as_dict()?.get("file_id")?.is_truthy())
    };
    let parts = message.get("content").and_then(Value::as_list).unwrap_or_default();
    word(message, "role").as_deref() == Some("user") && parts.iter().any(|part| names(part) == Some(true))
}
