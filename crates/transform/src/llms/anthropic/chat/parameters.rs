//! The options of a request in Anthropic's words, or LiteLLM's words for what it refuses.
//!
//! Source: LiteLLM 1.102.4 `utils.py` `get_optional_params`, `llms/anthropic/chat/transformation.py` `map_openai_params`.

use std::sync::OnceLock;

use regex::Regex;

use super::content::text;
use super::deployment::is_internal;
use super::schemas::{output_schema, requested_schema};
use super::thinking;
use super::tools::{self, Tools};
use crate::cost_calculator::PriceTable;
use crate::decline::Decline;
use crate::llms::anthropic::capabilities::{Capability, forbids_forced_tools, supports, supports_sampling};
use crate::llms::base_llm::chat::transformation::Target;
use crate::llms::openai::chat::{OPTIONS, drops_unsupported, is_litellms, is_one, listed, spelled, tool_choice};
use crate::proxy::chat_endpoints::endpoints::ChatRequest;
use crate::python::{Dict, Integer, Text, Value, string_repr};

/// LiteLLM's name for the tool that an answer in JSON is a call of.
pub(super) const JSON_TOOL: &str = "json_tool_call";

/// What every model takes.
const SUPPORTED: [&str; 12] = [
    "stream",
    "stop",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "user",
    "web_search_options",
];

/// Why a request doesn't leave.
#[derive(Debug)]
pub(super) enum Unfit {
    /// LiteLLM's words, with the class in front.
    Refused(String),
    Declined(Decline),
}

impl From<Decline> for Unfit {
    fn from(decline: Decline) -> Self {
        Self::Declined(decline)
    }
}

pub(super) fn unsupported(words: &str) -> Unfit {
    Unfit::Refused(format!("litellm.UnsupportedParamsError: {words}"))
}

pub(super) fn bad_request(words: &str) -> Unfit {
    Unfit::Refused(format!("litellm.BadRequestError: {words}"))
}

/// Options in Anthropic's words and LiteLLM's order.
#[derive(Debug, Default)]
pub(super) struct Mapped {
    pub body: Dict,
    /// An answer that is a call of [`JSON_TOOL`] is told as a text.
    pub json_mode: bool,
}

/// What the options are fitted to.
#[derive(Clone, Copy)]
pub(super) struct Fit<'a> {
    pub model: &'a str,
    pub table: &'a PriceTable,
    pub drops: bool,
}

impl<'a> Fit<'a> {
    pub(super) fn of(request: &ChatRequest, target: &Target<'a>, table: &'a PriceTable) -> Self {
        Self { model: target.model, table, drops: drops_unsupported(request, target) }
    }

    pub(super) fn can(&self, capability: Capability) -> bool {
        supports(self.table, self.model, capability)
    }

    fn takes(&self, option: &str) -> bool {
        let thinks = || {
            self.model.contains("claude-3-7-sonnet")
                || self.can(Capability::AdaptiveThinking)
                || self.can(Capability::Reasoning)
        };
        SUPPORTED.contains(&option) || (matches!(option, "thinking" | "reasoning_effort") && thinks())
    }

    /// `temperature`, `top_p` and `top_k`, which newer models don't take.
    pub(super) fn sampled(&self, body: &mut Dict, name: &str, value: &Value) -> Result<(), Unfit> {
        if supports_sampling(self.table, self.model) || (name == "temperature" && is_one(value)) {
            body.set(name, value.clone());
        } else if !self.drops {
            let hint = if name == "temperature" { "Only temperature=1 is supported. " } else { "" };
            return Err(unsupported(&format!(
                "{} does not support {name}={}. {hint}To drop unsupported params, set `litellm.drop_params = True`.",
                self.model,
                spelled(value)
            )));
        }
        Ok(())
    }
}

/// Maps what the request and the deployment say.
pub(super) fn mapped(given: &Dict, fit: &Fit<'_>) -> Result<Mapped, Unfit> {
    let (dropped, allowed) = (listed(given, "additional_drop_params")?, listed(given, "allowed_openai_params")?);
    let mut options = options(given, &dropped)?;
    let is_allowed = |name: &str| allowed.iter().any(|allowed| allowed == name);
    let is_free = |name: &str, value: &Value| {
        matches!(name, "user" | "stream_options" | "stream") || (name == "n" && is_one(value))
    };
    let refused: Vec<String> = options
        .iter()
        .filter_map(|(name, value)| Some((name.as_str()?, value)))
        .filter(|(name, value)| !is_free(name, value) && !is_allowed(name) && !fit.takes(name))
        .filter(|(name, _)| *name != "context_management")
        .map(|(name, _)| name.to_owned())
        .collect();
    if !refused.is_empty() && !fit.drops {
        return Err(unsupported(&refusal(&refused, fit.model)));
    }
    refused.iter().for_each(|name| drop(options.remove(name)));
    let mut mapped = Mapped::default();
    for (name, value) in options.iter() {
        map(name.as_str().unwrap_or_default(), value, &options, fit, &mut mapped)?;
    }
    thinking::leave_room(&options, &mut mapped.body)?;
    pass_on(given, &dropped, &mut mapped.body)?;
    for name in &allowed {
        if let Some(value) = options.get(name).filter(|_| mapped.body.get(name).is_none()) {
            mapped.body.set(name, value.clone());
        }
    }
    mapped.body.remove("stream");
    Ok(mapped)
}

/// The options that are set, in LiteLLM's order.
fn options(given: &Dict, dropped: &[String]) -> Result<Dict, Decline> {
    let mut options = Dict::default();
    for name in OPTIONS.into_iter().chain(["context_management"]) {
        let value = given.get(name).filter(|value| **value != Value::None);
        let Some(value) = value.filter(|_| !dropped.iter().any(|dropped| dropped == name)) else {
            continue;
        };
        let value = match (name, value) {
            ("stop", Value::List(stops)) => Value::List(stops.iter().take(4).cloned().collect()),
            ("tool_choice", Value::Dict(choice)) => tool_choice(choice)?,
            ("tool_choice", Value::Str(_)) => value.clone(),
            ("tool_choice", _) => return Err(Decline::Parameter),
            ("thinking", value) => match thinking::normalised(value)? {
                Some(value) => value,
                None => continue,
            },
            _ => value.clone(),
        };
        options.push(Text::from(name), value);
    }
    Ok(options)
}

fn refusal(unsupported: &[String], model: &str) -> String {
    let names: Vec<String> = unsupported.iter().map(|name| string_repr(name)).collect();
    let names = format!("[{}]", names.join(", "));
    format!(
        "anthropic does not support parameters: {names}, for model={model}. To drop these, set `litellm.drop_params=True` or for \
         proxy:\n\n`litellm_settings:\n drop_params: true`\n. \n If you want to use these params dynamically send \
         allowed_openai_params={names} in your request."
    )
}

fn map(name: &str, value: &Value, options: &Dict, fit: &Fit<'_>, mapped: &mut Mapped) -> Result<(), Unfit> {
    let body = &mut mapped.body;
    match (name, value) {
        ("max_tokens" | "max_completion_tokens", limit) => body.set("max_tokens", whole_limit(limit)?),
        ("temperature" | "top_p", value) => fit.sampled(body, name, value)?,
        ("stop", stop) => {
            if let Some(stops) = stops(stop)? {
                body.set("stop_sequences", stops);
            }
        }
        ("user", Value::Str(_)) => {
            let user = value.as_str().ok_or(Decline::Unwritable)?;
            if is_user_id(user) {
                body.set("metadata", user_id(user));
            }
        }
        ("response_format", Value::Dict(format)) => map_format(format, options, fit, mapped)?,
        ("tools", tools) => {
            let mapped = Tools::of(tools.as_list().ok_or(Decline::MessageShape)?)?;
            add_tools(body, mapped.tools);
            if !mapped.servers.is_empty() {
                body.set("mcp_servers", Value::List(mapped.servers));
            }
        }
        ("tool_choice" | "parallel_tool_calls", _) => {
            if let Some(choice) = tools::choice(options.get("tool_choice"), options.get("parallel_tool_calls"))? {
                body.set("tool_choice", Value::Dict(fitted_choice(choice, fit)?));
            }
        }
        ("reasoning_effort", effort) => thinking::map_effort(effort, fit, body)?,
        ("thinking", asked) => thinking::map_thinking(asked, options, fit, body)?,
        ("web_search_options", Value::Dict(asked)) => add_tools(body, vec![tools::web_search(asked)?]),
        ("context_management", asked) => {
            if let Some(management) = context_management(asked)? {
                body.set("context_management", management);
            }
        }
        _ => {}
    }
    Ok(())
}

fn add_tools(body: &mut Dict, more: Vec<Value>) {
    let mut tools = body.get("tools").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default();
    tools.extend(more);
    body.set("tools", Value::List(tools));
}

/// `max(1, int(round(value)))` of what isn't whole.
fn whole_limit(limit: &Value) -> Result<Value, Decline> {
    match limit {
        Value::Int(_) | Value::Bool(_) => Ok(limit.clone()),
        Value::Float(float) if float.abs() < 1e15 => {
            Ok(Value::Int(Integer::from((float.round_ties_even() as i64).max(1))))
        }
        _ => Err(Decline::Parameter),
    }
}

/// Blank ones are only left out where `litellm.drop_params` is set; see [`Fit`].
fn stops(stop: &Value) -> Result<Option<Value>, Decline> {
    match stop {
        Value::Str(_) => Ok(Some(Value::List(vec![stop.clone()]))),
        Value::List(stops) if stops.iter().all(|stop| matches!(stop, Value::Str(_))) => {
            Ok((!stops.is_empty()).then(|| stop.clone()))
        }
        Value::List(_) => Err(Decline::Parameter),
        _ => Ok(None),
    }
}

pub(super) fn user_id(user: &str) -> Value {
    let mut metadata = Dict::default();
    metadata.set("user_id", text(user));
    Value::Dict(metadata)
}

/// Neither an email nor a phone number, which Anthropic doesn't want to know.
pub(super) fn is_user_id(user: &str) -> bool {
    static FORBIDDEN: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = r"^(?:[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}|\+?[\d\s\x1c-\x1f()-]{7,})\n?$";
    let forbidden = FORBIDDEN.get_or_init(|| Regex::new(pattern).ok()).as_ref();
    !forbidden.is_some_and(|forbidden| forbidden.is_match(user))
}

/// An answer in JSON: by a schema where the model has that, else as the call of a tool.
fn map_format(format: &Dict, options: &Dict, fit: &Fit<'_>, mapped: &mut Mapped) -> Result<(), Unfit> {
    let schema = requested_schema(format)?;
    if fit.can(Capability::NativeStructuredOutput) {
        if let Some(schema) = schema {
            let mut asked = Dict::default();
            asked.set("type", text("json_schema"));
            asked.set("schema", output_schema(&schema)?);
            mapped.body.set("output_format", Value::Dict(asked));
        }
        mapped.json_mode = true;
        return Ok(());
    }
    let kind = format.get("type").ok_or(Decline::Parameter)?;
    let Some(schema) = schema.filter(|_| kind.as_str() != Some("text")) else {
        return Ok(());
    };
    if !thinking::is_asked(options) && !forbids_forced_tools(fit.table, fit.model) {
        let mut choice = Dict::default();
        choice.set("name", text(JSON_TOOL));
        choice.set("type", text("tool"));
        mapped.body.set("tool_choice", Value::Dict(choice));
    }
    let mut input = Dict::default();
    input.set("type", text("object"));
    for (key, value) in schema.iter() {
        input.set(key.as_str().ok_or(Decline::Unwritable)?, value.clone());
    }
    let mut tool = Dict::default();
    tool.set("name", text(JSON_TOOL));
    tool.set("input_schema", Value::Dict(input));
    add_tools(&mut mapped.body, vec![Value::Dict(tool)]);
    mapped.json_mode = true;
    Ok(())
}

/// Models that always think don't let a call be forced.
fn fitted_choice(choice: Dict, fit: &Fit<'_>) -> Result<Dict, Unfit> {
    let is_forced = matches!(choice.get("type").and_then(Value::as_str), Some("any" | "tool"));
    if !is_forced || !forbids_forced_tools(fit.table, fit.model) {
        return Ok(choice);
    }
    if !fit.drops {
        return Err(unsupported(&format!(
            "{} does not support forced tool use (tool_choice='required' or a named tool). Use tool_choice='auto' and tell the \
             model in the prompt when to call the tool, or set `litellm.drop_params = True` to downgrade to 'auto' automatically.",
            fit.model
        )));
    }
    let mut fitted = Dict::default();
    fitted.set("type", text("auto"));
    if let Some(serial) = choice.get("disable_parallel_tool_use") {
        fitted.set("disable_parallel_tool_use", serial.clone());
    }
    Ok(fitted)
}

/// `context_management` of either API.
fn context_management(asked: &Value) -> Result<Option<Value>, Decline> {
    let entries = match asked {
        Value::Dict(management) if management.get("edits").is_some() => return Ok(Some(asked.clone())),
        Value::List(entries) => entries,
        _ => return Ok(None),
    };
    let mut edits = Vec::new();
    for entry in entries.iter().filter_map(Value::as_dict) {
        if entry.get("type").and_then(Value::as_str) != Some("compaction") {
            continue;
        }
        let mut edit = Dict::default();
        edit.set("type", text("compact_20260112"));
        let threshold = match entry.get("compact_threshold") {
            Some(Value::Float(float)) if float.abs() < 1e15 => Some(Value::Int(Integer::from(float.trunc() as i64))),
            Some(Value::Float(_)) => return Err(Decline::Parameter),
            Some(threshold @ Value::Int(_)) => Some(threshold.clone()),
            Some(Value::Bool(threshold)) => Some(Value::Int(Integer::from(i64::from(*threshold)))),
            _ => None,
        };
        if let Some(threshold) = threshold {
            let mut trigger = Dict::default();
            trigger.set("type", text("input_tokens"));
            trigger.set("value", threshold);
            edit.set("trigger", Value::Dict(trigger));
        }
        for (key, value) in entry.iter() {
            match key.as_str() {
                Some("type" | "compact_threshold") => {}
                Some(key) => edit.set(key, value.clone()),
                None => return Err(Decline::Unwritable),
            }
        }
        edits.push(Value::Dict(edit));
    }
    let mut management = Dict::default();
    management.set("edits", Value::List(edits.clone()));
    Ok((!edits.is_empty()).then_some(Value::Dict(management)))
}

/// What LiteLLM doesn't know reaches Anthropic as it came.
fn pass_on(given: &Dict, dropped: &[String], body: &mut Dict) -> Result<(), Decline> {
    for (name, value) in given.iter().filter(|(_, value)| **value != Value::None) {
        let name = name.as_str().ok_or(Decline::Unwritable)?;
        let is_known = OPTIONS.contains(&name) || name == "context_management";
        let is_kept = is_litellms(name) && name != "extra_body";
        if is_internal(name) || name == "container" && has_skills(value) {
            return Err(Decline::BodyKey);
        }
        if name == "speed" && !matches!(value, Value::Str(_)) {
            return Err(Decline::Parameter);
        }
        if !is_known && !is_kept && !dropped.iter().any(|dropped| dropped == name) {
            body.set(name, value.clone());
        }
    }
    Ok(())
}

/// Skills may be LiteLLM's own.
fn has_skills(container: &Value) -> bool {
    container.as_dict().and_then(|container| container.get("skills")).is_some_and(Value::is_truthy)
}
