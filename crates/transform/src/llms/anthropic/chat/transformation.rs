//! One attempt at a chat completion on Anthropic: the request out, the answer in.
//!
//! Source: LiteLLM 1.102.4 `main.py` `_complete_anthropic`, `llms/anthropic/chat/handler.py`,
//! `llms/anthropic/chat/transformation.py` `transform_request`, `transform_parsed_response`.

use std::borrow::Cow;

use super::content::{Content, text, told_thinking};
use super::deployment::is_option;
use super::errors::Context;
use super::headers::{Features, body_betas, provider_headers};
use super::messages::Conversation;
use super::parameters::{Fit, JSON_TOOL, Mapped, Unfit, bad_request, is_user_id, mapped, unsupported, user_id};
use super::thinking::fit_output_config;
use super::tool_names::ToolNames;
use super::tools::{ADVISOR, code_execution, dummy};
use super::usage::{Answered, ChatUsage};
use crate::answer::{HeaderText, Outbound, ProviderFailure, ProviderRequest, ProviderResponse};
use crate::cost_calculator::PriceTable;
use crate::decline::Decline;
use crate::exceptions::Exception;
use crate::litellm_core_utils::exception_mapping_utils::Raised;
use crate::llms::anthropic::capabilities::{Capability, supports_speed};
use crate::llms::anthropic::{is_blank, without_advisor_blocks};
use crate::llms::base_llm::chat::transformation::AnsweredBy;
pub use crate::llms::base_llm::chat::transformation::{ChatFailure, ChatResponse, Circumstances, Target};
use crate::llms::openai::chat::{mapped_finish_reason, requested};
use crate::proxy::chat_endpoints::endpoints::ChatRequest;
use crate::proxy::chat_endpoints::thought_signatures::keeps_signatures;
use crate::python::bytes_decode::{json_text, response_text};
use crate::python::json_decode::loads;
use crate::python::json_encode::{httpx_json, json_dumps};
use crate::python::{Dict, Integer, Value, repr, type_name};

/// How deep CPython's decoder nests at the point where LiteLLM calls it; about, it is far beyond what a provider sends.
const ANSWER_DEPTH_MAX: usize = 960;

/// LiteLLM's words for a conversation of system prompts only.
const NO_MESSAGES: &str = "AnthropicException - litellm.BadRequestError: Anthropic requires at least one non-system message. Either \
                           provide one, or set `litellm.modify_params = True` // `litellm_settings::modify_params: True` to add \
                           the dummy user message - {'role': 'user', 'content': 'Please continue.'}.\nReceived Messages=[]";

/// Builds the request of one attempt.
///
/// Errors  what can't be written exactly, what LiteLLM fetches or makes up, headers that collide with LiteLLM's own.
pub fn outbound(request: &ChatRequest, target: &Target<'_>, table: &PriceTable) -> Result<Outbound, Decline> {
    let sent = match Sent::of(request, target, table) {
        Ok(sent) => Ok(sent),
        Err(Unfit::Refused(message)) => return Ok(Err(Exception::refused("anthropic", target.model, message))),
        Err(Unfit::Declined(decline)) => Err(decline),
    };
    if target.parameters.contains_key("thinking") && request.parameters.get("reasoning_effort").is_some() {
        return Err(Decline::Parameter);
    }
    let sent = sent?;
    let body = Value::Dict(sent.body);
    let compact = httpx_json(&body).map_err(|_| Decline::Unwritable)?;
    // Only a stream is written by hand.
    let body = if request.stream { json_dumps(&body) } else { compact };
    let url = complete_url(target.api_base);
    Ok(Ok(ProviderRequest { method: "POST", url, headers: sent.headers, body: body.into() }))
}

/// Nothing is sent twice within an attempt.
pub fn second_request(
    _request: &ChatRequest,
    _target: &Target<'_>,
    _table: &PriceTable,
    _timeout_seconds: f64,
    _refused: &ProviderResponse,
) -> Option<ProviderRequest> {
    None
}

/// Where requests of this base go. LiteLLM puts the path behind a query too.
pub fn complete_url(api_base: &str) -> String {
    let whole =
        if api_base.ends_with("/v1/messages") { api_base.to_owned() } else { [api_base, "/v1/messages"].concat() };
    let authority = whole.find("://").map_or(0, |at| at + 3);
    match whole[authority..].find(['/', '?']) {
        Some(at) if whole[authority + at..].starts_with('?') => {
            format!("{}/{}", &whole[..authority + at], &whole[authority + at..])
        }
        _ => whole,
    }
}

/// A request as it leaves.
struct Sent {
    body: Dict,
    headers: Vec<(String, String)>,
}

/// What of a request decides how its answer is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// A call of [`JSON_TOOL`] is told as a text.
    pub json_mode: bool,
    /// `speed` of the request, even if it was dropped.
    pub speed: Option<String>,
    pub names: ToolNames,
    /// A prefill that is told in front of the answer.
    pub prefix: Option<String>,
}

impl Reading {
    /// How the answer to a request that was sent is read.
    pub(super) fn of(request: &ChatRequest, target: &Target<'_>, table: &PriceTable) -> Self {
        let fit = Fit::of(request, target, table);
        options(request, target, &fit).map(|(_, reading)| reading).unwrap_or_default()
    }
}

/// The body but for what comes of the messages.
fn options(request: &ChatRequest, target: &Target<'_>, fit: &Fit<'_>) -> Result<(Dict, Reading), Unfit> {
    let given = requested(request, target, is_option)?;
    let Mapped { mut body, json_mode } = mapped(&given, fit)?;
    if target.drop_params == Some(true) {
        drop_blank_stops(&mut body);
    }
    let speed = body.get("speed").and_then(Value::as_str).map(str::to_owned);
    prepare(&mut body, request, fit)?;
    let names = renamed(&mut body);
    Ok((body, Reading { json_mode, speed, names, prefix: prefix(&request.messages)? }))
}

impl Sent {
    fn of(request: &ChatRequest, target: &Target<'_>, table: &PriceTable) -> Result<Self, Unfit> {
        check_target(target, table)?;
        if request.had_signatures && keeps_signatures(target.model) {
            return Err(Unfit::Declined(Decline::MessageShape));
        }
        let fit = Fit::of(request, target, table);
        let (mut body, reading) = options(request, target, &fit)?;
        let features = Features { model: target.model, table, parameters: &body, messages: &request.messages };
        let betas = features.betas(request, target)?;
        let mut turns = converted(request, &mut body, &reading.names)?;
        finish(&mut body, &mut turns, request, &fit)?;
        let mut data = Dict::default();
        data.set("model", text(target.model));
        data.set("messages", Value::List(turns));
        for (key, value) in body.iter() {
            data.set(key.as_str().ok_or(Decline::Unwritable)?, value.clone());
        }
        fit_output_config(&mut data, &fit, target.drop_params == Some(true))?;
        if let Some(asked) = data.get("anthropic_beta").cloned() {
            data.set("anthropic_beta", body_betas(&asked)?);
        }
        if request.stream {
            data.set("stream", Value::Bool(true));
        }
        Ok(Self { body: data, headers: provider_headers(request, target, &betas)? })
    }
}

fn check_target(target: &Target<'_>, table: &PriceTable) -> Result<(), Decline> {
    let is_usable_base = !target.api_base.is_empty() && !target.api_base.contains('#');
    if target.api_key.is_empty() || target.api_key.starts_with("sk-ant-oat") || !is_usable_base {
        return Err(Decline::Connection);
    }
    // Such names have prices and limits of other providers.
    if target.model.contains('/') {
        return Err(Decline::Model);
    }
    if table.anthropic_model(target.model).is_some_and(|model| model.is_foreign) {
        return Err(Decline::CustomPricing);
    }
    Ok(())
}

/// Blank stops are left out where `litellm.drop_params` is set; a request's own doesn't count.
fn drop_blank_stops(body: &mut Dict) {
    let Some(Value::List(stops)) = body.get_mut("stop_sequences") else { return };
    stops.retain(|stop| stop.as_str().is_none_or(|stop| stop.is_empty() || !is_blank(stop)));
    if stops.is_empty() {
        body.remove("stop_sequences");
    }
}

/// What happens before the messages are looked at.
fn prepare(body: &mut Dict, request: &ChatRequest, fit: &Fit<'_>) -> Result<(), Unfit> {
    let has_calls = request.messages.iter().any(|message| message.get("tool_calls").is_some());
    if body.get("tools").is_none() && has_calls {
        body.set("tools", Value::List(vec![dummy()]));
    }
    if let Some(speed) = body.get("speed").filter(|_| !supports_speed(fit.table, fit.model)) {
        if !fit.drops {
            return Err(unsupported(&format!(
                "{} does not support speed={}. To drop unsupported params, set `litellm.drop_params = True`.",
                fit.model,
                repr(speed)
            )));
        }
        body.remove("speed");
    }
    let kind = body.get("thinking").and_then(|thinking| thinking.as_dict()?.get("type")?.as_str());
    if kind == Some("disabled") && fit.can(Capability::AlwaysOnThinking) {
        body.remove("thinking");
    }
    Ok(())
}

/// Gives tools names that Anthropic takes.
fn renamed(body: &mut Dict) -> ToolNames {
    fn is_own(tool: &Dict) -> bool {
        tool.get("type").and_then(Value::as_str) == Some("custom")
    }
    let tools = body.get("tools").and_then(Value::as_list).unwrap_or_default().to_vec();
    let own = tools.iter().filter_map(Value::as_dict).filter(|tool| is_own(tool));
    let names = ToolNames::of(own.filter_map(|tool| tool.get("name")?.as_str()));
    if names.is_empty() {
        return names;
    }
    let rename = |mut tool: Value| {
        if let Value::Dict(tool) = &mut tool
            && is_own(tool)
            && let Some(name) = tool.get("name").and_then(Value::as_str).map(|name| names.sent(name).to_owned())
        {
            tool.set("name", text(&name));
        }
        tool
    };
    body.set("tools", Value::List(tools.into_iter().map(rename).collect()));
    if let Some(Value::Dict(choice)) = body.get_mut("tool_choice")
        && choice.get("type").and_then(Value::as_str) == Some("tool")
        && let Some(name) = choice.get("name").and_then(Value::as_str).map(|name| names.sent(name).to_owned())
    {
        choice.set("name", text(&name));
    }
    names
}

/// The turns; a system prompt goes into the body.
fn converted(request: &ChatRequest, body: &mut Dict, names: &ToolNames) -> Result<Vec<Value>, Unfit> {
    let Conversation { system, turns } = Conversation::of(&request.messages, names)?;
    let role = |message: &Dict| message.get("role").and_then(Value::as_str).unwrap_or_default().to_owned();
    if request.messages.iter().all(|message| matches!(role(message).as_str(), "system" | "developer")) {
        return Err(bad_request(NO_MESSAGES));
    }
    if !system.is_empty() {
        body.set("system", Value::List(system));
    }
    let tools = body.get("tools").and_then(Value::as_list).unwrap_or_default();
    let is_advisor = |tool: &Value| tool.as_dict().and_then(|tool| tool.get("type")?.as_str()) == Some(ADVISOR);
    if tools.iter().any(is_advisor) {
        return Ok(turns);
    }
    Ok(turns.into_iter().map(without_advisor_blocks).collect())
}

/// What depends on the messages, and what is the same for every request.
fn finish(body: &mut Dict, turns: &mut [Value], request: &ChatRequest, fit: &Fit<'_>) -> Result<(), Unfit> {
    let kind = |block: &Value| block.as_dict().and_then(|block| block.get("type")?.as_str()).map(str::to_owned);
    let is_upload = |turn: &Value| {
        let blocks = turn.as_dict().and_then(|turn| turn.get("content")?.as_list()).unwrap_or_default();
        blocks.iter().any(|block| kind(block).as_deref() == Some("container_upload"))
    };
    let tools = body.get("tools").and_then(Value::as_list).unwrap_or_default();
    let runs_code = tools.iter().any(|tool| kind(tool).is_some_and(|kind| kind.starts_with("code_execution")));
    if turns.iter().any(is_upload) && !runs_code && !tools.is_empty() {
        let tools = tools.iter().cloned().chain([code_execution()]).collect();
        body.set("tools", Value::List(tools));
    }
    if body.get("max_tokens").is_none() {
        body.set("max_tokens", Value::Int(Integer::from(fit.table.anthropic_output_limit(fit.model)?)));
    }
    if let Some(user) = request.metadata_user.as_deref().filter(|user| is_user_id(user)) {
        body.set("metadata", user_id(user));
    }
    if let Some(top_k) = body.remove("top_k") {
        fit.sampled(body, "top_k", &top_k)?;
    }
    Ok(())
}

/// A prefill that says of itself that it is one.
fn prefix(messages: &[Dict]) -> Result<Option<String>, Decline> {
    let role = |message: &Dict| message.get("role").and_then(Value::as_str).unwrap_or_default().to_owned();
    let has_prefix = |message: &Dict| message.get("prefix").is_some_and(Value::is_truthy);
    let Some(last) = messages.last() else { return Ok(None) };
    if matches!(role(last).as_str(), "system" | "developer") && messages.iter().any(has_prefix) {
        return Err(Decline::MessageShape);
    }
    let content = last.get("content").and_then(Value::as_str);
    Ok(content.filter(|_| role(last) == "assistant" && has_prefix(last)).map(str::to_owned))
}

/// Reads the outcome of an attempt that isn't streamed.
pub fn response(
    outcome: Result<&ProviderResponse, &ProviderFailure>,
    request: &ChatRequest,
    target: &Target<'_>,
    table: &PriceTable,
    circumstances: &Circumstances<'_>,
) -> Result<ChatResponse, ChatFailure> {
    let context = Context::of(target);
    let body = context.body(outcome)?;
    let answer = parsed(&body, outcome, &context)?;
    let reading = Reading::of(request, target, table);
    told(&answer, &reading, circumstances).map_err(|words| context.broken(&words))
}

/// The answer as an object.
fn parsed(
    body: &[u8],
    outcome: Result<&ProviderResponse, &ProviderFailure>,
    context: &Context<'_>,
) -> Result<Dict, ChatFailure> {
    let status = outcome.ok().map(|response| response.status);
    let raised = |text: String| {
        let headers = outcome.map(|response| response.headers.clone()).unwrap_or_default();
        context.failure(Raised { text, status, headers, is_attribute_error: false })
    };
    let read = json_text(body).and_then(|text| loads(&text, ANSWER_DEPTH_MAX).map_err(|error| error.to_string()));
    match read {
        Ok(Value::Dict(answer)) => match answer.get("error") {
            None => Ok(answer),
            Some(error) => Err(raised(error.as_str().map_or_else(|| repr(error), str::to_owned))),
        },
        Ok(Value::List(_)) => Err(context.broken("list indices must be integers or slices, not str")),
        Ok(Value::Str(_)) => Err(context.broken("string indices must be integers, not 'str'")),
        Ok(other) => Err(context.broken(&format!("argument of type '{}' is not iterable", type_name(&other)))),
        Err(words) => {
            let content_type = outcome.ok().and_then(|response| response.header("content-type"));
            let original = response_text(body, content_type);
            Err(raised(format!("Unable to get json response - {words}, Original Response: {original}")))
        }
    }
}

fn required<'a>(answer: &'a Dict, key: &str) -> Result<&'a Value, String> {
    answer.get(key).ok_or_else(|| format!("'{key}'"))
}

/// The completion, in the order of LiteLLM's fields.
fn told(answer: &Dict, reading: &Reading, circumstances: &Circumstances<'_>) -> Result<ChatResponse, String> {
    let blocks = match required(answer, "content")? {
        Value::List(blocks) => blocks.as_slice(),
        Value::Str(said) if said.code_points().next().is_none() => &[],
        Value::Dict(blocks) if blocks.is_empty() => &[],
        Value::Str(_) | Value::Dict(_) => return Err("string indices must be integers, not 'str'".to_owned()),
        other => return Err(format!("'{}' object is not iterable", type_name(other))),
    };
    let content = Content::read(blocks, &reading.names)?;
    let (message, is_json) = message(answer, &content, reading);
    let reason = match required(answer, "stop_reason") {
        _ if is_json => Some("stop"),
        Ok(reason @ (Value::List(_) | Value::Dict(_))) => {
            return Err(format!("unhashable type: '{}'", type_name(reason)));
        }
        reason => reason?.as_str(),
    };
    let usage = match required(answer, "usage")? {
        Value::Dict(usage) => usage,
        other => return Err(format!("'{}' object has no attribute 'get'", type_name(other))),
    };
    let reasoning = content.reasoning();
    let answered = Answered { reasoning: reasoning.as_deref(), blocks, speed: reading.speed.as_deref() };
    let usage = ChatUsage::read(usage, &answered)?;
    let model = match required(answer, "model")? {
        Value::None => Some(None),
        model => model.as_str().map(|model| Some(model.to_owned())),
    };
    let mut choice = Dict::default();
    choice.set("finish_reason", text(mapped_finish_reason(reason.unwrap_or_default())));
    choice.set("index", Value::Int(Integer::from(0)));
    choice.set("message", Value::Dict(message));
    let mut body = Dict::default();
    body.set("id", text(&format!("chatcmpl-{}", circumstances.fallback_id)));
    body.set("created", Value::Int(Integer::from(circumstances.now)));
    body.set("model", Value::None);
    body.set("object", text("chat.completion"));
    body.set("choices", Value::List(vec![Value::Dict(choice)]));
    body.set("usage", Value::Dict(usage.told()));
    Ok(ChatResponse { answered: AnsweredBy::Anthropic { model, usage: usage.billed() }, body })
}

/// The message, and whether it is nothing but the JSON that was asked for.
fn message(answer: &Dict, content: &Content, reading: &Reading) -> (Dict, bool) {
    let is_json = |call: &&Dict| {
        let name = call.get("function").and_then(|function| function.as_dict()?.get("name")?.as_str());
        reading.json_mode && name == Some(JSON_TOOL)
    };
    let json = content.tool_calls.iter().find(is_json).and_then(json_of);
    let calls: Vec<Value> = content.tool_calls.iter().filter(|call| !is_json(call)).cloned().map(Value::Dict).collect();
    let mut told = Dict::default();
    if let Some(json) = json.as_ref().filter(|_| calls.is_empty()) {
        told.set("content", text(json));
        told.set("role", text("assistant"));
        return (told, true);
    }
    let mut said = content.text.clone();
    if let Some(prefix) = reading.prefix.as_deref().filter(|prefix| !said.starts_with(*prefix)) {
        said.insert_str(0, prefix);
    }
    said.push_str(json.as_deref().unwrap_or_default());
    if !said.is_empty() {
        told.set("content", text(&said));
    }
    told.set("role", text("assistant"));
    if !calls.is_empty() {
        told.set("tool_calls", Value::List(calls));
    }
    if let Some(blocks) = &content.thinking_blocks {
        told.set("reasoning_content", text(&content.reasoning().unwrap_or_default()));
        told.set("thinking_blocks", told_thinking(blocks));
    }
    told.set("provider_specific_fields", Value::Dict(content.specific_fields(answer)));
    if said.is_empty() {
        told.set("content", Value::None);
    }
    (told, false)
}

/// What a call of [`JSON_TOOL`] says: its input, or the `values` in it.
fn json_of(call: &Dict) -> Option<String> {
    let arguments = call.get("function")?.as_dict()?.get("arguments")?.as_str()?;
    let input = loads(arguments.as_bytes(), ANSWER_DEPTH_MAX).ok()?;
    let values = input.as_dict().and_then(|input| input.get("values")).filter(|values| **values != Value::None);
    Some(String::from_utf8_lossy(&json_dumps(values.unwrap_or(&input))).into_owned())
}

/// Whether the outcome of a streamed attempt begins a stream; if not, what is raised instead.
///
/// The answer's body must then be complete; that of a stream isn't looked at.
pub fn stream_refusal(
    outcome: Result<&ProviderResponse, &ProviderFailure>,
    target: &Target<'_>,
) -> Option<ChatFailure> {
    match outcome {
        Ok(response) if (200..300).contains(&response.status) => None,
        outcome => Some(Context::of(target).stream_refused(outcome)),
    }
}

/// The provider's headers as a client is told them: under a name that says so, the limits also under OpenAI's.
pub(crate) fn told_headers(provider: &[(&str, Cow<'_, str>)]) -> Vec<(HeaderText, HeaderText)> {
    const LIMITS: [(&str, &str); 4] = [
        ("anthropic-ratelimit-requests-limit", "x-ratelimit-limit-requests"),
        ("anthropic-ratelimit-requests-remaining", "x-ratelimit-remaining-requests"),
        ("anthropic-ratelimit-tokens-limit", "x-ratelimit-limit-tokens"),
        ("anthropic-ratelimit-tokens-remaining", "x-ratelimit-remaining-tokens"),
    ];
    let limit = |(name, told): (&str, &'static str)| {
        let (_, value) = provider.iter().find(|(header, _)| *header == name)?;
        Some((told.into(), value.to_string().into()))
    };
    let all = provider.iter().map(|(name, value)| (["llm_provider-", name].concat().into(), value.to_string().into()));
    all.chain(LIMITS.into_iter().filter_map(limit)).collect()
}
