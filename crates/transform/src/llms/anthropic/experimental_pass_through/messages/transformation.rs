//! One attempt on Anthropic's `/v1/messages`: the request out, the answer in.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/experimental_pass_through/messages/handler.py` and `transformation.py`,
//! `llms/custom_httpx/llm_http_handler.py` `async_anthropic_messages_handler`.

use super::headers::{has_advisor, provider_headers};
use super::parameters::{accepted, fit_thinking, requested};
use crate::answer::{Outbound, ProviderFailure, ProviderRequest, ProviderResponse};
use crate::cost_calculator::PriceTable;
use crate::decline::Decline;
use crate::exceptions::{Exception, ExceptionClass};
use crate::litellm_core_utils::exception_mapping_utils::{Raised, anthropic_exception};
use crate::llms::anthropic::{sanitized_on_departure, without_thinking_blocks};
use crate::llms::custom_httpx::llm_http_handler::answered_body;
use crate::proxy::anthropic_endpoints::endpoints::MessagesRequest;
use crate::python::bytes_decode::{json_text, response_text};
use crate::python::json_encode::json_dumps;
use crate::python::{Dict, Text, Value, json_decode, type_name};

/// How deep CPython's decoder nests at the point where LiteLLM calls it; about, it is far beyond what a provider sends.
pub(crate) const ANSWER_DEPTH_MAX: usize = 960;

/// A deployment as its config describes it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Without the provider in front.
    pub model: &'a str,
    pub api_base: &'a str,
    pub api_key: &'a str,
    /// All of its `litellm_params`, in order, environment resolved.
    pub parameters: &'a serde_json::Map<String, serde_json::Value>,
    /// `litellm_settings.drop_params`; `None` where the config doesn't name it.
    pub drop_params: Option<bool>,
}

/// What the provider answered to a request that isn't streamed.
#[derive(Clone, Debug, PartialEq)]
pub struct MessagesResponse {
    /// The answer as decoded; clients get it with their own name of the model.
    pub(crate) body: Dict,
}

impl MessagesResponse {
    /// What the price depends on, for [`crate::cost_calculator::anthropic::message_cost`].
    pub fn body(&self) -> &Dict {
        &self.body
    }

    /// Whether LiteLLM's log can read it, which also counts its successes: it is passed on to the client either way.
    ///
    /// Source  LiteLLM 1.102.4 `llms/anthropic/chat/transformation.py` `transform_parsed_response`
    pub fn is_regular(&self) -> bool {
        let has = |key: &str| self.body.get(key).is_some();
        let has_blocks = match self.body.get("content") {
            Some(Value::List(blocks)) => blocks.iter().all(is_block),
            _ => false,
        };
        let has_usage = matches!(self.body.get("usage"), Some(Value::Dict(_)));
        has_blocks && has_usage && has("stop_reason") && has("model") && !has("error")
    }
}

fn is_block(block: &Value) -> bool {
    let Value::Dict(block) = block else { return false };
    match block.get("type").and_then(Value::as_str) {
        Some("text") => matches!(block.get("text"), Some(Value::Str(_))),
        kind => kind.is_some(),
    }
}

/// Builds the request of one attempt.
///
/// Errors  what can't be written exactly, headers that collide with LiteLLM's own, options that LiteLLM translates.
pub fn outbound(request: &MessagesRequest, target: &Target<'_>, table: &PriceTable) -> Result<Outbound, Decline> {
    build(request, target, table, false)
}

/// The second request of an attempt whose first was refused for its thinking blocks; `None` for every other answer.
///
/// Whoever has sent the first sends this one too and reads its answer instead, whatever it is.
pub fn second_request(
    request: &MessagesRequest,
    target: &Target<'_>,
    table: &PriceTable,
    refused: &ProviderResponse,
) -> Option<ProviderRequest> {
    if refused.status != 400 {
        return None;
    }
    let body = crate::llms::custom_httpx::http_handler::decoded_body(refused).ok()?;
    let text = response_text(&body, refused.header("content-type")).to_lowercase();
    let is_signature = text.contains("signature") && (text.contains("invalid") || text.contains("valid string"));
    if !text.contains("thinking") || !(is_signature || text.contains("must contain thinking")) {
        return None;
    }
    build(request, target, table, true).ok()?.ok()
}

fn build(
    request: &MessagesRequest,
    target: &Target<'_>,
    table: &PriceTable,
    without_thinking: bool,
) -> Result<Outbound, Decline> {
    let accepted = match requested(request, target).map(|given| accepted(given, request, target, table)) {
        Ok(Err(message)) => return Ok(Err(refused(message, target))),
        Ok(Ok(accepted)) => Ok(accepted),
        Err(decline) => Err(decline),
    };
    if target.api_key.is_empty() || target.api_key.starts_with("sk-ant-oat") || target.api_base.is_empty() {
        return Err(Decline::Connection);
    }
    if table.anthropic_model(target.model).is_some_and(|model| model.is_foreign) {
        return Err(Decline::CustomPricing);
    }
    let mut parameters = accepted?;
    let headers = provider_headers(request, target, &parameters)?;
    fit_thinking(&mut parameters, &request.max_tokens, target.model, table)?;
    let mut messages = sanitized_on_departure(request.messages.clone(), has_advisor(&parameters));
    if without_thinking {
        messages = without_thinking_blocks(&messages);
        parameters.remove("thinking");
    }
    let mut body = Dict::with_capacity(parameters.len() + 3);
    body.push(Text::from("messages"), Value::List(messages));
    body.push(Text::from("max_tokens"), request.max_tokens.clone());
    body.push(Text::from("model"), Value::Str(Text::from(target.model)));
    for (name, value) in parameters.into_pairs() {
        body.push(name, value);
    }
    let body = json_dumps(&Value::Dict(body)).into();
    Ok(Ok(ProviderRequest { method: "POST", url: complete_url(target.api_base), headers, body }))
}

fn refused(message: String, target: &Target<'_>) -> Exception {
    Exception::refused("anthropic", target.model, message)
}

/// Where requests of this base go.
pub fn complete_url(api_base: &str) -> String {
    if api_base.ends_with("/v1/messages") { api_base.to_owned() } else { [api_base, "/v1/messages"].concat() }
}

/// Reads the outcome of an attempt that isn't streamed.
///
/// `model` is the deployment's, without its provider.
pub fn response(
    outcome: Result<&ProviderResponse, &ProviderFailure>,
    model: &str,
) -> Result<MessagesResponse, Exception> {
    let body = answered_body(outcome).map_err(|raised| anthropic_exception(raised, model))?;
    let answer = json_text(&body).ok().and_then(|text| json_decode::loads(&text, ANSWER_DEPTH_MAX).ok());
    match answer {
        Some(Value::Dict(body)) => Ok(MessagesResponse { body }),
        Some(other) => Err(not_a_mapping(&other, model)),
        None => Err(anthropic_exception(not_json(&body, outcome), model)),
    }
}

/// Whether the outcome of a streamed attempt begins a stream; if not, what is raised instead.
///
/// The answer's body must then be complete; that of a stream isn't looked at.
pub fn stream_refusal(outcome: Result<&ProviderResponse, &ProviderFailure>, model: &str) -> Option<Exception> {
    match outcome {
        Ok(response) if (200..300).contains(&response.status) => None,
        outcome => answered_body(outcome).err().map(|raised| anthropic_exception(raised, model)),
    }
}

fn not_json(body: &[u8], outcome: Result<&ProviderResponse, &ProviderFailure>) -> Raised {
    let response = outcome.ok();
    Raised {
        text: response_text(body, response.and_then(|response| response.header("content-type"))),
        status: response.map(|response| response.status),
        headers: Vec::new(),
        is_attribute_error: false,
    }
}

/// Python's own `TypeError`, which nobody maps.
fn not_a_mapping(answer: &Value, model: &str) -> Exception {
    let class = type_name(answer);
    Exception {
        class: ExceptionClass::Unmapped,
        status_code: 500,
        message: format!(
            "litellm.types.llms.anthropic_messages.anthropic_response.AnthropicMessagesResponse() argument after ** must be a \
             mapping, not {class}"
        ),
        provider: "anthropic".to_owned(),
        model: model.to_owned(),
        headers: Vec::new(),
        has_attribute_error: false,
    }
}
