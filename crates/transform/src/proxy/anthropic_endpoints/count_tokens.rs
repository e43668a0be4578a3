//! `/v1/messages/count_tokens`: reading a client's request, counting where Anthropic doesn't, writing the answer.
//!
//! One attempt at most, whatever comes of it: LiteLLM's router picks a deployment as for a message and takes no further part. Where
//! none is left, nothing is sent, and LiteLLM counts for the name the client gave.
//! Source: LiteLLM 1.102.4 `proxy/anthropic_endpoints/endpoints.py` `count_tokens`, `proxy/proxy_server.py` `token_counter`.

use serde_json::{Map, Value as Json};

use super::endpoints::{check_headers, check_keys, model};
use crate::answer::Answered;
use crate::cost_calculator::PriceTable;
use crate::decline::Decline;
use crate::litellm_core_utils::token_counter::{TokenCounter, Uncounted};
use crate::proxy::common_request_processing::{browser_headers, framing};
use crate::proxy::litellm_pre_call_utils::check_user;
use crate::python::json_decode::body_loads;
use crate::python::{Dict, Integer, Text, Value};

/// What of a client's request matters.
#[derive(Clone, Debug, PartialEq)]
pub struct CountRequest {
    /// The model group as the client names it.
    pub model: String,
    /// Objects with a role and a content.
    pub(crate) messages: Vec<Value>,
    /// `None`, or a list of objects.
    pub(crate) tools: Value,
    pub(crate) system: Value,
}

/// Every key of a deployment's `model_info` that makes LiteLLM's own counts of its model others than these, with the reason.
pub fn declines(model_info: &Map<String, Json>) -> Vec<(String, Decline)> {
    let is_given = model_info.get("custom_tokenizer").is_some_and(|value| !value.is_null());
    is_given.then(|| ("model_info.custom_tokenizer".to_owned(), Decline::DeploymentParameter)).into_iter().collect()
}

/// Reads a client's request. Header names are lower-case.
pub fn parse(body: &[u8], headers: &[(&str, &str)]) -> Result<CountRequest, Decline> {
    check_headers(headers)?;
    let body = match body_loads(body).ok_or(Decline::InvalidJson)? {
        Value::Dict(body) => body,
        _ => return Err(Decline::BodyNotObject),
    };
    check_keys(&body)?;
    check_user(&body)?;
    let given = |key: &str| body.get(key).cloned().unwrap_or(Value::None);
    Ok(CountRequest { model: model(&body)?, messages: messages(&body)?, tools: tools(&body)?, system: given("system") })
}

fn messages(body: &Dict) -> Result<Vec<Value>, Decline> {
    let messages = body.get("messages").and_then(Value::as_list).filter(|messages| !messages.is_empty());
    let messages = messages.ok_or(Decline::MessageShape)?;
    let is_whole = |message: &Value| {
        let has = |key: &str| message.as_dict().is_some_and(|message| message.get(key).is_some());
        has("role") && has("content")
    };
    if messages.iter().all(is_whole) { Ok(messages.to_vec()) } else { Err(Decline::MessageShape) }
}

fn tools(body: &Dict) -> Result<Value, Decline> {
    match body.get("tools") {
        None | Some(Value::None) => Ok(Value::None),
        Some(Value::List(tools)) if tools.iter().all(|tool| tool.as_dict().is_some()) => Ok(Value::List(tools.clone())),
        Some(_) => Err(Decline::MessageShape),
    }
}

impl CountRequest {
    /// Whether LiteLLM can count it too, should the provider not: asked before anything is sent.
    pub fn check_local_count(&self, model: &str, table: &PriceTable) -> Result<(), Decline> {
        let counter = TokenCounter::of(model, table).ok_or(Decline::Model)?;
        self.counted(&counter.dry()).map(drop).map_err(|_| Decline::MessageShape)
    }

    /// What LiteLLM counts by itself: for a deployment's model, without its provider, if the provider fails; for the client's name of
    /// it where no deployment is left.
    pub fn local_count(&self, model: &str, table: &PriceTable) -> Result<Integer, Uncounted> {
        let counter = TokenCounter::of(model, table).ok_or(Uncounted::NotReproduced)?;
        let count = self.counted(&counter)?;
        Ok(Integer::from(i64::try_from(count).map_err(|_| Uncounted::NotReproduced)?))
    }

    fn counted(&self, counter: &TokenCounter) -> Result<u64, Uncounted> {
        let is_told = matches!(self.system, Value::Str(_) | Value::List(_)) && self.system.is_truthy();
        let system = is_told.then(|| {
            let mut message = Dict::default();
            message.set("role", Value::Str(Text::from("system")));
            message.set("content", self.system.clone());
            message
        });
        let messages = system.iter().chain(self.messages.iter().filter_map(Value::as_dict));
        counter.messages(messages, Some(&self.tools))
    }
}

/// Writes the answer: it has none of LiteLLM's own headers.
pub fn answered(tokens: &Integer, is_cross_origin: bool) -> Answered {
    written(200, format!(r#"{{"input_tokens":{}}}"#, tokens.digits()), is_cross_origin)
}

/// Writes the answer of a count that failed nevertheless.
pub fn uncounted(is_cross_origin: bool) -> Answered {
    let body = r#"{"detail":{"error":"Internal server error: the tokens could not be counted"}}"#;
    written(500, body.to_owned(), is_cross_origin)
}

fn written(status: u16, body: String, is_cross_origin: bool) -> Answered {
    let mut headers = framing(body.len());
    headers.extend(browser_headers(is_cross_origin));
    Answered { status, headers, body: body.into_bytes().into() }
}
