//! Reading a client's request to `/v1/messages` into [`MessagesRequest`], or a [`Decline`].
//!
//! Declines whatever LiteLLM answers without calling the provider, and whatever makes its router do something else: both are
//! Python's to do.
//! Source: LiteLLM 1.102.4 `proxy/anthropic_endpoints/endpoints.py`, `proxy/litellm_pre_call_utils.py`,
//! `llms/anthropic/experimental_pass_through/messages/handler.py`.

use crate::decline::Decline;
use crate::llms::anthropic::experimental_pass_through::messages::{client_headers, reaches_anthropic};
use crate::llms::anthropic::sanitized_on_arrival;
use crate::proxy::litellm_pre_call_utils::{body_retries, body_seconds, check_user, header_seconds};
use crate::proxy::ocr_endpoints::endpoints::{BodyKind, body_kind};
use crate::proxy::ocr_endpoints::is_acted_on;
use crate::python::json_decode::body_loads;
use crate::python::{Dict, Value};

/// What of a client's request matters to a call of `/v1/messages`.
#[derive(Clone, Debug, PartialEq)]
pub struct MessagesRequest {
    /// The model group as the client names it; also the `model` of its answer.
    pub model: String,
    pub stream: bool,
    /// Seconds; wins over the deployment's and the router's.
    pub timeout_seconds: Option<f64>,
    /// The same for streams.
    pub stream_timeout_seconds: Option<f64>,
    /// Wins over the deployment's and the router's.
    pub num_retries: Option<u32>,
    /// `x-request-id`, which comes back in errors.
    pub request_id: Option<String>,
    /// Without empty blocks, with valid ids.
    pub(crate) messages: Vec<Value>,
    pub(crate) max_tokens: Value,
    /// Options that reach Anthropic, nulls included.
    pub(crate) parameters: Dict,
    pub(crate) drop_params: Option<bool>,
    pub(crate) is_agentic_client: bool,
    /// Present, even if empty, where they replace the deployment's own.
    pub(crate) extra_headers: Option<Vec<(String, String)>>,
    /// `anthropic-version` and `anthropic-beta`.
    pub(crate) anthropic_headers: Vec<(String, String)>,
}

/// Reads a client's request. Header names are lower-case.
pub fn parse(body: &[u8], headers: &[(&str, &str)]) -> Result<MessagesRequest, Decline> {
    let options = header_options(headers)?;
    let body = match body_loads(body).ok_or(Decline::InvalidJson)? {
        Value::Dict(body) => body,
        _ => return Err(Decline::BodyNotObject),
    };
    check_keys(&body)?;
    check_user(&body)?;
    check_tools(&body)?;
    let max_tokens = body.get("max_tokens").filter(|limit| matches!(limit, Value::Int(_)));
    Ok(MessagesRequest {
        model: model(&body)?,
        stream: stream(&body)?,
        timeout_seconds: options
            .timeout_seconds
            .map_or_else(|| body_seconds(&body, "timeout"), |given| Ok(Some(given)))?,
        stream_timeout_seconds: options
            .stream_timeout_seconds
            .map_or_else(|| body_seconds(&body, "stream_timeout"), |given| Ok(Some(given)))?,
        num_retries: options.num_retries.map_or_else(|| body_retries(&body), |given| Ok(Some(given)))?,
        request_id: options.request_id,
        messages: messages(&body)?,
        max_tokens: max_tokens.cloned().ok_or(Decline::MessageShape)?,
        parameters: parameters(&body)?,
        drop_params: drop_params(&body)?,
        is_agentic_client: options.is_agentic_client,
        extra_headers: extra_headers(&body)?,
        anthropic_headers: options.anthropic_headers,
    })
}

/// No key that LiteLLM acts on.
pub(super) fn check_keys(body: &Dict) -> Result<(), Decline> {
    let is_odd = body.iter().any(|(key, _)| key.as_str().is_none_or(|key| !is_harmless(key)));
    if is_odd { Err(Decline::BodyKey) } else { Ok(()) }
}

/// Keys that reach Anthropic, that are read here, or that LiteLLM drops on the way.
fn is_harmless(key: &str) -> bool {
    const READ: [&str; 11] = [
        "model",
        "messages",
        "max_tokens",
        "user",
        "timeout",
        "stream_timeout",
        "num_retries",
        "drop_params",
        "extra_headers",
        "service_tier",
        "betas",
    ];
    reaches_anthropic(key) || READ.contains(&key) || !is_acted_on(key)
}

pub(super) fn model(body: &Dict) -> Result<String, Decline> {
    // A comma makes several models of it, a scheme a destination.
    let is_plain = |model: &&str| !model.is_empty() && !model.contains(',') && !model.contains("://");
    body.get("model").and_then(Value::as_str).filter(is_plain).map(str::to_owned).ok_or(Decline::Model)
}

fn stream(body: &Dict) -> Result<bool, Decline> {
    match body.get("stream") {
        None => Ok(false),
        Some(Value::Bool(stream)) => Ok(*stream),
        Some(_) => Err(Decline::MessageShape),
    }
}

/// A list of objects whose content is a text or a list.
fn messages(body: &Dict) -> Result<Vec<Value>, Decline> {
    let messages = body.get("messages").and_then(Value::as_list).filter(|list| !list.is_empty());
    let messages = messages.ok_or(Decline::MessageShape)?;
    let is_plain = |message: &Value| {
        let content = message.as_dict().and_then(|message| message.get("content"));
        matches!(content, Some(Value::Str(_) | Value::List(_)))
    };
    if messages.iter().all(is_plain) { Ok(sanitized_on_arrival(messages)) } else { Err(Decline::MessageShape) }
}

/// The options, with `metadata` as far as Anthropic knows it.
fn parameters(body: &Dict) -> Result<Dict, Decline> {
    let mut parameters = Dict::with_capacity(body.len());
    for (name, value) in body.iter() {
        let Some(key) = name.as_str().filter(|key| reaches_anthropic(key)) else {
            continue;
        };
        let value = if key == "metadata" { metadata(value)? } else { value.clone() };
        parameters.push(name.clone(), value);
    }
    Ok(parameters)
}

/// Only a user id: anything else is read by LiteLLM's own logs, guardrails and tag routing.
fn metadata(value: &Value) -> Result<Value, Decline> {
    let mut kept = Dict::default();
    let given = match value {
        Value::None => return Ok(Value::None),
        Value::Dict(given) => given,
        _ => return Err(Decline::MessageShape),
    };
    for (name, value) in given.iter() {
        match (name.as_str(), value) {
            (Some("user_id"), Value::Str(_)) => kept.push(name.clone(), value.clone()),
            (Some("user_id"), Value::None) => {}
            _ => return Err(Decline::MessageShape),
        }
    }
    Ok(Value::Dict(kept))
}

fn drop_params(body: &Dict) -> Result<Option<bool>, Decline> {
    match body.get("drop_params") {
        None => Ok(None),
        Some(Value::Bool(drops)) => Ok(Some(*drops)),
        Some(_) => Err(Decline::BodyKey),
    }
}

fn extra_headers(body: &Dict) -> Result<Option<Vec<(String, String)>>, Decline> {
    match body.get("extra_headers") {
        None => Ok(None),
        Some(Value::None) => Ok(Some(Vec::new())),
        Some(Value::Dict(headers)) => client_headers(headers).map(Some),
        Some(_) => Err(Decline::ExtraHeaders),
    }
}

/// Tools are objects; one with a `server_url` may be LiteLLM's own gateway, a container may hold skills of LiteLLM's own.
fn check_tools(body: &Dict) -> Result<(), Decline> {
    if let Some(Value::Dict(container)) = body.get("container")
        && container.get("skills").is_some_and(Value::is_truthy)
    {
        return Err(Decline::HostedTool);
    }
    let tools = match body.get("tools") {
        None | Some(Value::None) => return Ok(()),
        Some(Value::List(tools)) => tools,
        Some(_) => return Err(Decline::MessageShape),
    };
    for tool in tools {
        let tool = tool.as_dict().ok_or(Decline::MessageShape)?;
        if tool.get("server_url").is_some() || tool.get("type").and_then(Value::as_str) == Some("mcp") {
            return Err(Decline::HostedTool);
        }
    }
    Ok(())
}

/// No header that says what a message's options could not.
pub(super) fn check_headers(headers: &[(&str, &str)]) -> Result<(), Decline> {
    header_options(headers).map(drop)
}

/// What request headers say about the call; they win over the body.
#[derive(Default)]
struct HeaderOptions {
    timeout_seconds: Option<f64>,
    stream_timeout_seconds: Option<f64>,
    num_retries: Option<u32>,
    request_id: Option<String>,
    is_agentic_client: bool,
    anthropic_headers: Vec<(String, String)>,
}

fn header_options(headers: &[(&str, &str)]) -> Result<HeaderOptions, Decline> {
    let mut options = HeaderOptions::default();
    let content_type = headers.iter().find(|(name, _)| *name == "content-type").map(|(_, value)| *value);
    if body_kind(content_type)? == BodyKind::Form {
        return Err(Decline::ContentType);
    }
    for &(name, value) in headers {
        match name {
            "x-litellm-timeout" => options.timeout_seconds = Some(header_seconds(value)?),
            "x-litellm-stream-timeout" => options.stream_timeout_seconds = Some(header_seconds(value)?),
            "x-litellm-num-retries" => options.num_retries = Some(value.parse().map_err(|_| Decline::RouterOption)?),
            "x-request-id" => options.request_id = Some(value.to_owned()).filter(|id| !id.is_empty()),
            "user-agent" => options.is_agentic_client = is_agentic_client(value),
            "anthropic-version" | "anthropic-beta" => add_anthropic(&mut options.anthropic_headers, name, value)?,
            // A subscription's token goes to Anthropic in place of the deployment's key.
            "authorization" if is_subscription(value) => {
                return Err(Decline::RequestHeader);
            }
            // Of logs, or the host's to read.
            "x-litellm-trace-id" | "x-litellm-session-id" | "x-litellm-call-id" | "x-litellm-api-key" => {}
            _ if name.starts_with("x-litellm-") => return Err(Decline::RequestHeader),
            _ => {}
        }
    }
    Ok(options)
}

/// Whether the credentials are the token of a subscription.
pub(crate) fn is_subscription(mut authorization: &str) -> bool {
    while let Some(rest) = authorization.strip_prefix("Bearer ") {
        authorization = rest;
    }
    authorization.starts_with("sk-ant-oat")
}

/// Claude Code or Codex, by their own names.
pub(crate) fn is_agentic_client(user_agent: &str) -> bool {
    let lower = user_agent.to_ascii_lowercase();
    let is_codex = ["codex-", "codex_", "codex ", "codex/"].iter().any(|name| lower.starts_with(name));
    is_codex || user_agent.starts_with("claude-cli/") || user_agent.starts_with("claude-code/")
}

/// Each once, and as plain text.
pub(crate) fn add_anthropic(headers: &mut Vec<(String, String)>, name: &str, value: &str) -> Result<(), Decline> {
    let is_repeated = headers.iter().any(|(earlier, _)| earlier == name);
    if is_repeated || value.is_empty() || !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(Decline::RequestHeader);
    }
    headers.push((name.to_owned(), value.to_owned()));
    Ok(())
}
