//! Reading a client's request to `/chat/completions` into [`ChatRequest`], or a [`Decline`].
//!
//! Declines whatever LiteLLM answers without calling the provider, and whatever makes its router do something else: both are
//! Python's to do.
//! Source: LiteLLM 1.102.4 `proxy/proxy_server.py` `chat_completion`, `proxy/litellm_pre_call_utils.py`, `main.py` `completion`.

use std::sync::Arc;

use super::thought_signatures::remove_signatures;
use crate::decline::Decline;
use crate::llms::mistral::ocr::transformation::extra_headers as sendable_headers;
use crate::llms::openai::chat::{is_litellms, reaches_openai};
use crate::proxy::anthropic_endpoints::endpoints::{add_anthropic, is_agentic_client, is_subscription};
use crate::proxy::litellm_pre_call_utils::{body_retries, is_usable_timeout};
use crate::proxy::ocr_endpoints::endpoints::{BodyKind, body_kind};
use crate::proxy::ocr_endpoints::is_acted_on;
use crate::python::json_decode::body_loads;
use crate::python::{Dict, Text, Value, float_repr};

/// A time limit, and how LiteLLM spells it in an error's header.
#[derive(Clone, Debug, PartialEq)]
pub struct Seconds {
    pub value: f64,
    pub spelled: String,
}

/// What of a client's request matters to a chat completion.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The model group as the client names it; also the `model` of its answer.
    pub model: String,
    pub stream: bool,
    /// Wins over the deployment's and the router's.
    pub timeout: Option<Seconds>,
    /// The same for streams.
    pub stream_timeout: Option<Seconds>,
    /// Wins over the deployment's and the router's.
    pub num_retries: Option<u32>,
    /// The client asked for the usage at the end of its stream.
    pub(crate) wants_usage: bool,
    pub(crate) messages: Arc<[Dict]>,
    /// Ids in the messages were Gemini's, with a signature behind them that is gone now.
    pub(crate) had_signatures: bool,
    /// Everything else that may reach the provider, nulls included.
    pub(crate) parameters: Dict,
    pub(crate) drop_params: Option<bool>,
    pub(crate) is_agentic_client: bool,
    /// Present, even if empty, where they replace the deployment's own.
    pub(crate) extra_headers: Option<Vec<(String, String)>>,
    /// `user_id` of its metadata.
    pub(crate) metadata_user: Option<String>,
    /// `anthropic-version` and `anthropic-beta`.
    pub(crate) anthropic_headers: Vec<(String, String)>,
}

/// Reads a client's request. Header names are lower-case; `path_model` is the model a path names.
pub fn parse(body: &[u8], headers: &[(&str, &str)], path_model: Option<&str>) -> Result<ChatRequest, Decline> {
    let options = header_options(headers)?;
    let body = match body_loads(body).ok_or(Decline::InvalidJson)? {
        Value::Dict(body) => body,
        _ => return Err(Decline::BodyNotObject),
    };
    check_keys(&body)?;
    check_tools(body.get("tools").unwrap_or(&Value::None))?;
    let stream = flag(&body, "stream")?.unwrap_or(false);
    let stream_options = stream_options(&body)?;
    let Messages { messages, had_signatures } = messages(&body)?;
    Ok(ChatRequest {
        model: model(&body, path_model)?,
        stream,
        timeout: options.timeout.map_or_else(|| seconds(&body, "timeout"), |given| Ok(Some(given)))?,
        stream_timeout: options
            .stream_timeout
            .map_or_else(|| seconds(&body, "stream_timeout"), |given| Ok(Some(given)))?,
        num_retries: options.num_retries.map_or_else(|| body_retries(&body), |given| Ok(Some(given)))?,
        wants_usage: stream_options.and_then(|options| options.get("include_usage")) == Some(&Value::Bool(true)),
        messages: messages.into(),
        had_signatures,
        parameters: parameters(&body, stream),
        drop_params: flag(&body, "drop_params")?,
        is_agentic_client: options.is_agentic_client,
        extra_headers: extra_headers(&body)?,
        metadata_user: body.get("metadata").and_then(Value::as_dict).and_then(metadata_user),
        anthropic_headers: options.anthropic_headers,
    })
}

fn metadata_user(metadata: &Dict) -> Option<String> {
    metadata.get("user_id")?.as_str().map(str::to_owned)
}

/// Kinds of parts that LiteLLM takes for a user's.
const USER_PARTS: [&str; 10] = [
    "text",
    "image_url",
    "input_audio",
    "audio_url",
    "document",
    "guarded_text",
    "grounding_source",
    "query",
    "video_url",
    "file",
];

struct Messages {
    messages: Vec<Dict>,
    had_signatures: bool,
}

fn messages(body: &Dict) -> Result<Messages, Decline> {
    let given = body.get("messages").and_then(Value::as_list).ok_or(Decline::MessageShape)?;
    let mut messages: Vec<Dict> = given.iter().map(message).collect::<Result<_, _>>()?;
    let mut had_signatures = false;
    for (given, message) in given.iter().zip(&mut messages) {
        let role = given.as_dict().and_then(|given| given.get("role")?.as_str()).unwrap_or_default();
        had_signatures |= remove_signatures(message, role);
    }
    Ok(Messages { messages, had_signatures })
}

/// A message without what is null, with a role.
fn message(message: &Value) -> Result<Dict, Decline> {
    let message = message.as_dict().ok_or(Decline::MessageShape)?;
    let mut kept = Dict::with_capacity(message.len());
    for (key, value) in message.iter() {
        if key.as_str() == Some("role") && !value.is_truthy() {
            kept.push(key.clone(), Value::Str(Text::from("assistant")));
        } else if *value != Value::None {
            kept.push(key.clone(), value.clone());
        }
    }
    match message.get("role") {
        None => kept.set("role", Value::Str(Text::from("assistant"))),
        Some(role) if role.is_truthy() && role.as_str().is_none() => return Err(Decline::MessageShape),
        Some(_) => {}
    }
    only_objects(&mut kept)?;
    let parts = match kept.get("content") {
        None | Some(Value::Str(_)) => return Ok(kept),
        Some(Value::List(parts)) => parts,
        Some(_) => return Err(Decline::MessageShape),
    };
    let is_known = |part: &Value| {
        let kind = part.as_dict().and_then(|part| part.get("type")?.as_str());
        kind.is_some_and(|kind| USER_PARTS.contains(&kind))
    };
    let is_users = kept.get("role").and_then(Value::as_str) == Some("user");
    if is_users && !parts.iter().all(is_known) { Err(Decline::MessageShape) } else { Ok(kept) }
}

/// LiteLLM goes through whatever the calls are, and keeps the objects it meets.
fn only_objects(message: &mut Dict) -> Result<(), Decline> {
    match message.get_mut("tool_calls") {
        Some(Value::List(calls)) => calls.retain(|call| call.as_dict().is_some()),
        Some(calls) if calls.is_truthy() => match calls {
            Value::Str(_) | Value::Dict(_) => *calls = Value::List(Vec::new()),
            _ => return Err(Decline::MessageShape),
        },
        _ => {}
    }
    Ok(())
}

/// A list of objects, none of which LiteLLM's own gateway serves.
fn check_tools(tools: &Value) -> Result<(), Decline> {
    let tools = match tools {
        Value::None => return Ok(()),
        Value::List(tools) => tools,
        _ => return Err(Decline::MessageShape),
    };
    for tool in tools {
        let tool = tool.as_dict().ok_or(Decline::MessageShape)?;
        let server = match tool.get("server_url") {
            None | Some(Value::None) => continue,
            Some(server) => server.as_str().ok_or(Decline::HostedTool)?,
        };
        if server.starts_with("litellm_proxy") || server.contains("/mcp") {
            return Err(Decline::HostedTool);
        }
    }
    Ok(())
}

/// Read here, and not among the options.
const READ: [&str; 9] = [
    "model",
    "messages",
    "metadata",
    "timeout",
    "stream_timeout",
    "num_retries",
    "max_retries",
    "drop_params",
    "extra_headers",
];
/// LiteLLM knows the name and drops it.
const DROPPED: [&str; 1] = ["prompt_cache_retention"];
/// Known to other tables as LiteLLM's, but options here.
const OPTIONS: [&str; 7] = [
    "additional_drop_params",
    "allowed_openai_params",
    "cache_control",
    "extra_body",
    "prompt_cache_options",
    "speed",
    "system",
];

fn check_keys(body: &Dict) -> Result<(), Decline> {
    for (key, _) in body.iter() {
        let key = key.as_str().ok_or(Decline::BodyKey)?;
        if READ.contains(&key) || DROPPED.contains(&key) || OPTIONS.contains(&key) || reaches_openai(key) {
            continue;
        }
        if matches!(key, "extra_query" | "request" | "default_headers") || is_litellms(key) || is_acted_on(key) {
            return Err(Decline::BodyKey);
        }
    }
    let is_odd = |key: &str, is_fine: fn(&Value) -> bool| {
        body.get(key).is_some_and(|value| *value != Value::None && !is_fine(value))
    };
    if is_odd("user", |value| matches!(value, Value::Str(_)))
        || is_odd("response_format", |value| value.as_dict().is_some())
    {
        return Err(Decline::Parameter);
    }
    let plain = |(key, value): (&Text, &Value)| {
        key.as_str().is_some_and(|key| key == "user_id" || !is_acted_on(key)) && matches!(value, Value::Str(_))
    };
    match body.get("metadata") {
        None | Some(Value::None) => Ok(()),
        Some(Value::Dict(metadata)) if metadata.iter().all(plain) => Ok(()),
        Some(_) => Err(Decline::BodyKey),
    }
}

fn parameters(body: &Dict, stream: bool) -> Dict {
    let mut parameters = Dict::default();
    for (name, value) in body.iter() {
        let key = name.as_str().unwrap_or_default();
        if !READ.contains(&key) && !DROPPED.contains(&key) && (key != "stream" || stream) {
            parameters.push(name.clone(), value.clone());
        }
    }
    parameters
}

/// A path's model is called whatever the body says, but the answer carries the body's.
fn model(body: &Dict, path_model: Option<&str>) -> Result<String, Decline> {
    // A comma makes several models of it, a scheme a destination.
    let is_plain = |model: &&str| !model.is_empty() && !model.contains(',') && !model.contains("://");
    let model = body.get("model").and_then(Value::as_str).filter(is_plain).ok_or(Decline::Model)?;
    if path_model.is_some_and(|path_model| path_model != model) { Err(Decline::Model) } else { Ok(model.to_owned()) }
}

fn flag(body: &Dict, key: &str) -> Result<Option<bool>, Decline> {
    match body.get(key) {
        None | Some(Value::None) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Decline::BodyKey),
    }
}

fn stream_options(body: &Dict) -> Result<Option<&Dict>, Decline> {
    match body.get("stream_options") {
        None | Some(Value::None) => Ok(None),
        Some(Value::Dict(options)) => Ok(Some(options)),
        Some(_) => Err(Decline::Parameter),
    }
}

fn extra_headers(body: &Dict) -> Result<Option<Vec<(String, String)>>, Decline> {
    match body.get("extra_headers") {
        None | Some(Value::None) => Ok(None),
        Some(Value::Dict(headers)) => {
            // In another spelling it would be a header beside the one that is computed.
            let is_odd = |name: &str| name != "anthropic-beta" && name.eq_ignore_ascii_case("anthropic-beta");
            if headers.iter().any(|(name, _)| name.as_str().is_some_and(is_odd)) {
                return Err(Decline::ExtraHeaders);
            }
            sendable_headers(headers).map(Some)
        }
        Some(_) => Err(Decline::ExtraHeaders),
    }
}

fn seconds(body: &Dict, key: &str) -> Result<Option<Seconds>, Decline> {
    let seconds = match body.get(key) {
        None | Some(Value::None) => return Ok(None),
        Some(Value::Int(integer)) => {
            integer.to_float().map(|value| Seconds { value, spelled: integer.digits().to_owned() })
        }
        Some(Value::Float(float)) => Some(Seconds { value: *float, spelled: float_repr(*float) }),
        _ => None,
    };
    seconds.filter(|seconds| is_usable_timeout(&seconds.value)).map(Some).ok_or(Decline::RouterOption)
}

/// What request headers say about the call; they win over the body.
#[derive(Default)]
struct HeaderOptions {
    timeout: Option<Seconds>,
    stream_timeout: Option<Seconds>,
    num_retries: Option<u32>,
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
            "x-litellm-timeout" => options.timeout = Some(header_seconds(value)?),
            "x-litellm-stream-timeout" => options.stream_timeout = Some(header_seconds(value)?),
            "x-litellm-num-retries" => options.num_retries = Some(value.parse().map_err(|_| Decline::RouterOption)?),
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

fn header_seconds(value: &str) -> Result<Seconds, Decline> {
    let value: f64 = value.parse().ok().filter(is_usable_timeout).ok_or(Decline::RouterOption)?;
    Ok(Seconds { value, spelled: float_repr(value) })
}
