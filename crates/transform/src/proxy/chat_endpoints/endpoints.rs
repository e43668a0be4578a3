//! Reading a client's request to `/chat/completions` into [`ChatRequest`], or a [`Decline`].
//!
//! Declines whatever LiteLLM answers without calling the provider, and whatever makes its router do something else: both are
//! Python's to do.
//! Source: LiteLLM 1.102.4 `proxy/proxy_server.py` `chat_completion`, `proxy/litellm_pre_call_utils.py`, `main.py` `completion`.

use std::sync::Arc;

use crate::decline::Decline;
use crate::llms::openai::chat::{check_tools, client_headers, fixed_messages, is_litellms, reaches_openai};
use crate::proxy::anthropic_endpoints::endpoints::is_agentic_client;
use crate::proxy::litellm_pre_call_utils::{body_retries, is_usable_timeout};
use crate::proxy::ocr_endpoints::endpoints::{BodyKind, body_kind};
use crate::proxy::ocr_endpoints::is_acted_on;
use crate::python::json_decode::orjson_loads;
use crate::python::{Dict, Value, float_repr};

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
    /// Everything else that may reach the provider, nulls included.
    pub(crate) parameters: Dict,
    pub(crate) drop_params: Option<bool>,
    pub(crate) is_agentic_client: bool,
    /// Present, even if empty, where they replace the deployment's own.
    pub(crate) extra_headers: Option<Vec<(String, String)>>,
}

/// Reads a client's request. Header names are lower-case; `path_model` is the model a path names.
pub fn parse(body: &[u8], headers: &[(&str, &str)], path_model: Option<&str>) -> Result<ChatRequest, Decline> {
    let options = header_options(headers)?;
    let body = match orjson_loads(body).ok_or(Decline::InvalidJson)? {
        Value::Dict(body) => body,
        _ => return Err(Decline::BodyNotObject),
    };
    check_keys(&body)?;
    check_tools(body.get("tools").unwrap_or(&Value::None))?;
    let stream = flag(&body, "stream")?.unwrap_or(false);
    let stream_options = stream_options(&body)?;
    Ok(ChatRequest {
        model: model(&body, path_model)?,
        stream,
        timeout: options.timeout.map_or_else(|| seconds(&body, "timeout"), |given| Ok(Some(given)))?,
        stream_timeout: options
            .stream_timeout
            .map_or_else(|| seconds(&body, "stream_timeout"), |given| Ok(Some(given)))?,
        num_retries: options.num_retries.map_or_else(|| body_retries(&body), |given| Ok(Some(given)))?,
        wants_usage: stream_options.and_then(|options| options.get("include_usage")) == Some(&Value::Bool(true)),
        messages: fixed_messages(body.get("messages").ok_or(Decline::MessageShape)?)?.into(),
        parameters: parameters(&body, stream),
        drop_params: flag(&body, "drop_params")?,
        is_agentic_client: options.is_agentic_client,
        extra_headers: extra_headers(&body)?,
    })
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
const OPTIONS: [&str; 4] = ["additional_drop_params", "allowed_openai_params", "extra_body", "prompt_cache_options"];

fn check_keys(body: &Dict) -> Result<(), Decline> {
    for (key, _) in body.iter() {
        let key = key.as_str().ok_or(Decline::BodyKey)?;
        let is_read = READ.contains(&key) || DROPPED.contains(&key) || OPTIONS.contains(&key) || reaches_openai(key);
        let is_foreign =
            matches!(key, "extra_query" | "request" | "default_headers") || is_litellms(key) || is_acted_on(key);
        if !is_read && is_foreign {
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
    let plain = |(key, value): (&crate::python::Text, &Value)| {
        key.as_str().is_some_and(|key| !is_acted_on(key)) && matches!(value, Value::Str(_))
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
        Some(Value::Dict(headers)) => client_headers(headers).map(Some),
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
