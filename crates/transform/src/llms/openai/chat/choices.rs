//! The choices of a stream's chunk, as LiteLLM reads and writes them.
//!
//! Source: LiteLLM 1.102.4 `types/utils.py` `Delta`, `StreamingChoices`, `litellm_core_utils/streaming_handler.py`; the order of keys
//! is that of pydantic's fields, extras last.

use super::completed::function;
use super::shapes::{CUSTOM_CALL_DELTA, FUNCTION_CALL, LOGPROBS, TEXT};
use crate::pydantic::shapes::Shape;
use crate::python::{Dict, Integer, Text, Value};

pub(super) fn is_custom(call: &Dict) -> bool {
    call.get("type").and_then(Value::as_str) == Some("custom") || given(call, "custom").is_some()
}

const DELTA_FIELDS: [&str; 11] = [
    "content",
    "role",
    "function_call",
    "tool_calls",
    "audio",
    "images",
    "annotations",
    "reasoning_content",
    "thinking_blocks",
    "reasoning_items",
    "provider_specific_fields",
];

/// The delta of a chunk without its nulls; `None` where LiteLLM fails to read it and goes on with an empty one.
pub(crate) fn delta(delta: &Dict) -> Option<Dict> {
    let mut told = Dict::default();
    let own = given(delta, "reasoning_content");
    let reasoning = own.or_else(|| given(delta, "reasoning"));
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            told.set(key, value);
        }
    };
    add("reasoning_content", reasoning.cloned());
    for key in ["thinking_blocks", "reasoning_items"] {
        add(key, given(delta, key).cloned());
    }
    match given(delta, "provider_specific_fields") {
        Some(fields @ Value::Dict(_)) => add("provider_specific_fields", Some(fields.clone())),
        Some(_) => return None,
        None => {}
    }
    let refusal = given(delta, "refusal");
    add("refusal", refusal.cloned());
    for (key, value) in extras(delta, &DELTA_FIELDS).filter(|(_, value)| **value != Value::None) {
        match key.as_str() {
            Some("refusal") => {}
            Some("reasoning") if own.is_none() => {}
            Some(key) => add(key, Some(value.clone())),
            None => {}
        }
    }
    add("content", given(delta, "content").cloned());
    add("role", given(delta, "role").cloned());
    if let Some(call) = given(delta, "function_call") {
        add("function_call", Some(function_call_delta(call)?));
    }
    if let Some(calls) = given(delta, "tool_calls") {
        add("tool_calls", Some(tool_call_deltas(calls)?));
    }
    add("audio", given(delta, "audio").cloned());
    match given(delta, "images") {
        Some(Value::Int(_) | Value::Float(_) | Value::Bool(_)) => return None,
        images => add("images", images.filter(|images| images.is_truthy()).cloned()),
    }
    add("annotations", given(delta, "annotations").cloned());
    Some(told)
}

/// The delta that a chunk is judged by, which is that of its first choice: sound and pictures hide the rest, and a call is the
/// assistant's.
pub(crate) fn judged_delta(given_delta: &Dict) -> Dict {
    let is_given = |key: &str| given(given_delta, key).is_some();
    if is_given("function_call") || is_given("tool_calls") {
        let mut called = given_delta.clone();
        complete_function_call(&mut called);
        if !is_given("role") {
            called.set("role", text("assistant"));
        }
        let is_odd = given(given_delta, "function_call").is_some_and(|call| call.as_dict().is_none());
        return delta(&called).filter(|_| !is_odd).unwrap_or_default();
    }
    if is_given("audio") || is_given("images") {
        let mut told = Dict::default();
        for key in ["audio", "images"] {
            if let Some(value) = given(given_delta, key) {
                told.set(key, value.clone());
            }
        }
        return told;
    }
    delta(given_delta).unwrap_or_default()
}

/// A called function of a first choice has arguments.
pub(crate) fn complete_function_call(delta: &mut Dict) {
    if let Some(Value::Dict(call)) = delta.get_mut("function_call")
        && given(call, "arguments").is_none()
    {
        call.set("arguments", text(""));
    }
}

fn function_call_delta(call: &Value) -> Option<Value> {
    match call {
        Value::Dict(_) => FUNCTION_CALL.validated(call),
        odd => Some(odd.clone()),
    }
}

/// What isn't a call is left out, what isn't a list is told as it is.
fn tool_call_deltas(calls: &Value) -> Option<Value> {
    let Some(calls) = calls.as_list() else { return Some(calls.clone()) };
    let mut missing = 0;
    let mut told = Vec::new();
    for call in calls.iter().filter_map(Value::as_dict) {
        let index = given(call, "index").cloned().unwrap_or_else(|| {
            missing += 1;
            Value::Int(Integer::from(missing - 1))
        });
        told.push(Value::Dict(tool_call_delta(call, index)?));
    }
    Some(Value::List(told))
}

fn tool_call_delta(call: &Dict, index: Value) -> Option<Dict> {
    if is_custom(call) {
        let mut custom = call.clone();
        if given(call, "function").is_none() {
            custom.remove("function");
        }
        custom.set("index", index);
        let Value::Dict(told) = CUSTOM_CALL_DELTA.validated(&Value::Dict(custom))? else { return None };
        return Some(told);
    }
    let mut told = Dict::default();
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            told.set(key, value);
        }
    };
    let kind = given(call, "type").cloned().unwrap_or_else(|| text("function"));
    let id = given(call, "id");
    if !id.is_none_or(|id| TEXT.accepts(id)) {
        return None;
    }
    add("id", id.cloned());
    add("function", Some(function(given(call, "function")?.as_dict()?)?));
    add("type", Some(TEXT.validated(&kind)?));
    add("index", Some(Shape::Integer.validated(&index)?));
    let known = ["id", "type", "function", "index"];
    for (key, value) in extras(call, &known).filter(|(_, value)| **value != Value::None) {
        told.push(key.clone(), value.clone());
    }
    Some(told)
}

/// The log probabilities of a chunk's choice as the SDK has them, without nulls.
pub(crate) fn sdk_logprobs(logprobs: &Value) -> Value {
    match logprobs {
        Value::Dict(dict) => {
            let pairs = dict.iter().filter(|(_, value)| **value != Value::None);
            Value::Dict(Dict::from_distinct(pairs.map(|(key, value)| (key.clone(), sdk_logprobs(value))).collect()))
        }
        Value::List(items) => Value::List(items.iter().map(sdk_logprobs).collect()),
        other => other.clone(),
    }
}

/// One choice of a chunk that has a choice of LiteLLM's own making.
pub(crate) fn made_choice(finish: Option<Value>, delta: Dict) -> Dict {
    let mut told = Dict::default();
    if let Some(finish) = finish {
        told.set("finish_reason", finish);
    }
    told.set("index", Value::Int(Integer::from(0)));
    told.set("delta", Value::Dict(delta));
    told
}

/// One choice of a chunk without what ended it; `None` where LiteLLM fails to read it and tells an empty one.
pub(crate) fn streamed(choice: &Dict, is_first: bool) -> Option<Dict> {
    let read = match given(choice, "delta") {
        None => Some(Dict::default()),
        Some(Value::Dict(given_delta)) if is_first && given_delta.get("function_call").is_some() => {
            let mut completed = given_delta.clone();
            complete_function_call(&mut completed);
            Some(delta(&completed)?)
        }
        Some(Value::Dict(given_delta)) => Some(delta(given_delta)?),
        Some(_) => None,
    };
    let logprobs = match given(choice, "logprobs") {
        Some(logprobs @ Value::Dict(_)) => Some(LOGPROBS.validated(logprobs)?),
        other => other.cloned(),
    };
    let mut told = Dict::default();
    let known = ["finish_reason", "index", "delta", "logprobs", "message", "enhancements"];
    for (key, value) in extras(choice, &known).filter(|(_, value)| **value != Value::None) {
        told.push(key.clone(), value.clone());
    }
    told.set("index", choice.get("index").cloned().unwrap_or(Value::None));
    read.into_iter().for_each(|delta| told.set("delta", Value::Dict(delta)));
    if let Some(enhancements) = given(choice, "enhancements") {
        told.set("enhancements", enhancements.clone());
    }
    logprobs.into_iter().for_each(|logprobs| told.set("logprobs", logprobs));
    Some(told)
}

/// A value that is there and not null.
pub(crate) fn given<'a>(dict: &'a Dict, key: &str) -> Option<&'a Value> {
    dict.get(key).filter(|value| **value != Value::None)
}

/// What isn't one of the known keys.
pub(crate) fn extras<'a>(dict: &'a Dict, known: &'a [&str]) -> impl Iterator<Item = (&'a Text, &'a Value)> {
    dict.iter().filter(move |(key, _)| key.as_str().is_none_or(|key| !known.contains(&key)))
}

pub(crate) fn text(text: &str) -> Value {
    Value::Str(Text::from(text))
}
