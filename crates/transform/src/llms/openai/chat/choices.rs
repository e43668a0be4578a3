//! The choices of a completion and of a stream's chunk, as LiteLLM writes them.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/llm_response_utils/convert_dict_to_response.py`, `types/utils.py` `Message`, `Delta`,
//! `Choices`, `StreamingChoices`; the order of keys is that of pydantic's fields, extras last.

use super::finish_reasons::mapped;
use super::made_up_ids::made_up;
use crate::python::json_decode::loads;
use crate::python::json_encode::json_dumps;
use crate::python::{Dict, Integer, Text, Value};

/// Nesting up to which arguments of a call are read.
const ARGUMENTS_DEPTH_MAX: usize = 900;

const MESSAGE_FIELDS: [&str; 11] = [
    "content",
    "role",
    "tool_calls",
    "function_call",
    "audio",
    "images",
    "reasoning_content",
    "thinking_blocks",
    "reasoning_items",
    "provider_specific_fields",
    "annotations",
];

/// One choice of a completion.
pub(super) fn completed(index: usize, choice: &Dict, message: &Dict, fallback_id: &str) -> Dict {
    let message = told_message(message, fallback_id);
    let native = given(choice, "finish_reason").or_else(|| given(choice, "finish_details"));
    let native = native.and_then(Value::as_str).unwrap_or("stop");
    let native = if native == "stop" && message.get("tool_calls").is_some() { "tool_calls" } else { native };
    let mut fields = Dict::default();
    let known = ["finish_reason", "index", "message", "logprobs", "provider_specific_fields"];
    extras(choice, &known).for_each(|(key, value)| fields.push(key.clone(), value.clone()));
    if mapped(native) != native {
        fields.set("native_finish_reason", text(native));
    }
    let mut told = Dict::default();
    told.set("finish_reason", text(mapped(native)));
    told.set("index", Value::Int(Integer::from(index as i64)));
    told.set("message", Value::Dict(message));
    if let Some(logprobs) = logprobs(choice) {
        told.set("logprobs", logprobs);
    }
    told.set("provider_specific_fields", Value::Dict(fields));
    told
}

fn told_message(message: &Dict, fallback_id: &str) -> Dict {
    let (reasoning, content) = reasoning_and_content(message);
    let mut told = Dict::default();
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|value| *value != Value::None) {
            told.set(key, value);
        }
    };
    let has_content = content.is_some();
    add("content", content);
    add(
        "role",
        Some(given(message, "role").filter(|role| role.is_truthy()).cloned().unwrap_or_else(|| text("assistant"))),
    );
    add("tool_calls", tool_calls(message, fallback_id));
    add(
        "function_call",
        given(message, "function_call").and_then(Value::as_dict).map(|call| Value::Dict(function(call))),
    );
    add("audio", given(message, "audio").cloned());
    add("images", given(message, "images").map(images));
    add("reasoning_content", reasoning);
    add("thinking_blocks", given(message, "thinking_blocks").cloned());
    add("provider_specific_fields", Some(Value::Dict(specific_fields(message))));
    add("annotations", given(message, "annotations").map(annotations));
    if !has_content {
        told.set("content", Value::None);
    }
    told
}

/// What LiteLLM has no field for, in an order that changes from process to process there; a refusal is always said.
fn specific_fields(message: &Dict) -> Dict {
    let mut fields = given(message, "provider_specific_fields").and_then(Value::as_dict).cloned().unwrap_or_default();
    for (key, value) in extras(message, &MESSAGE_FIELDS) {
        if let Some(key) = key.as_str().filter(|key| *key != "refusal") {
            fields.set(key, value.clone());
        }
    }
    fields.set("refusal", message.get("refusal").cloned().unwrap_or(Value::None));
    if let Some(blocks) = message.get("thinking_blocks") {
        fields.set("thinking_blocks", blocks.clone());
    }
    fields
}

/// Reasoning has a field of its own, or stands in tags in front of the text.
fn reasoning_and_content(message: &Dict) -> (Option<Value>, Option<Value>) {
    let content = given(message, "content");
    for key in ["reasoning_content", "reasoning"] {
        if let Some(reasoning) = message.get(key) {
            return (Some(reasoning.clone()).filter(|value| *value != Value::None), content.cloned());
        }
    }
    if let Some((reasoning, rest)) = content.and_then(Value::as_str).and_then(split_tags) {
        return (Some(text(reasoning)), Some(text(rest)));
    }
    (None, content.cloned())
}

/// `<(think|thinking|budget:thinking)>(.*?)</(think|thinking|budget:thinking)>(.*)`
fn split_tags(content: &str) -> Option<(&str, &str)> {
    const TAGS: [&str; 3] = ["think>", "thinking>", "budget:thinking>"];
    let opened = content.strip_prefix('<')?;
    let inner = TAGS.iter().find_map(|tag| opened.strip_prefix(tag))?;
    inner.match_indices("</").find_map(|(at, _)| {
        let behind = &inner[at + 2..];
        TAGS.iter().find_map(|tag| behind.strip_prefix(tag)).map(|rest| (&inner[..at], rest))
    })
}

fn tool_calls(message: &Dict, fallback_id: &str) -> Option<Value> {
    let calls = given(message, "tool_calls")?.as_list()?;
    // The number 0 is the completion's own.
    let named = calls.iter().filter_map(Value::as_dict).zip(1..);
    let calls: Vec<Dict> = named.map(|(call, number)| tool_call(call, &made_up(fallback_id, number))).collect();
    let calls = without_parallel(&calls).unwrap_or(calls);
    (!calls.is_empty()).then(|| Value::List(calls.into_iter().map(Value::Dict).collect()))
}

fn tool_call(call: &Dict, fallback_id: &str) -> Dict {
    let mut told = Dict::default();
    if is_custom(call) {
        told.set("id", given(call, "id").cloned().unwrap_or(Value::None));
        told.set("type", text("custom"));
        told.set("custom", given(call, "custom").and_then(Value::as_dict).map_or(Value::None, custom));
        extras(call, &["id", "type", "custom", "function"])
            .for_each(|(key, value)| told.push(key.clone(), value.clone()));
        return told;
    }
    let known = ["id", "type", "function"];
    let others = extras(call, &known).filter(|(_, value)| **value != Value::None);
    others.for_each(|(key, value)| told.push(key.clone(), value.clone()));
    let empty = Dict::default();
    told.set("function", Value::Dict(function(given(call, "function").and_then(Value::as_dict).unwrap_or(&empty))));
    told.set("id", given(call, "id").cloned().unwrap_or_else(|| text(fallback_id)));
    told.set("type", given(call, "type").cloned().unwrap_or_else(|| text("function")));
    told
}

fn is_custom(call: &Dict) -> bool {
    call.get("type").and_then(Value::as_str) == Some("custom") || given(call, "custom").is_some()
}

fn custom(call: &Dict) -> Value {
    let mut told = Dict::default();
    for key in ["name", "input"] {
        if let Some(value) = given(call, key) {
            told.set(key, value.clone());
        }
    }
    Value::Dict(told)
}

/// Arguments are a text; anything else of a function is dropped.
fn function(function: &Dict) -> Dict {
    let arguments = match given(function, "arguments") {
        Some(Value::Dict(arguments)) => text(&String::from_utf8_lossy(&json_dumps(&Value::Dict(arguments.clone())))),
        Some(arguments) => arguments.clone(),
        None => text(""),
    };
    let mut told = Dict::default();
    told.set("arguments", arguments);
    if let Some(name) = given(function, "name") {
        told.set("name", name.clone());
    }
    told
}

/// OpenAI's models sometimes call a function of their own that stands for several; `None` if none did, or none readable.
fn without_parallel(calls: &[Dict]) -> Option<Vec<Dict>> {
    let function_of = |call: &Dict| call.get("function").and_then(Value::as_dict).cloned().unwrap_or_default();
    let named = |function: &Dict| function.get("name").and_then(Value::as_str) == Some("multi_tool_use.parallel");
    if !calls.iter().any(|call| named(&function_of(call))) {
        return None;
    }
    let mut told = Vec::new();
    for call in calls {
        let function = function_of(call);
        let arguments = loads(function.get("arguments")?.as_str()?.as_bytes(), ARGUMENTS_DEPTH_MAX).ok()?;
        if !named(&function) {
            told.push(call.clone());
            continue;
        }
        let uses = arguments.as_dict()?.get("tool_uses")?.as_list()?.to_vec();
        for (index, used) in uses.iter().enumerate() {
            told.push(parallel_use(call, index, used.as_dict()?)?);
        }
    }
    Some(told)
}

fn parallel_use(call: &Dict, index: usize, used: &Dict) -> Option<Dict> {
    let name = used.get("recipient_name")?.as_str()?;
    let parameters = json_dumps(used.get("parameters")?);
    let mut function = Dict::default();
    function.set("arguments", text(&String::from_utf8_lossy(&parameters)));
    function.set("name", text(name.strip_prefix("functions.").unwrap_or(name)));
    let mut told = Dict::default();
    told.set("function", Value::Dict(function));
    told.set("id", text(&format!("{}_{index}", call.get("id")?.as_str()?)));
    told.set("type", text("function"));
    Some(told)
}

fn images(images: &Value) -> Value {
    let told = images.as_list().unwrap_or_default().iter().enumerate().map(|(index, image)| {
        let Some(image) = image.as_dict() else { return image.clone() };
        let mut told = Dict::default();
        for key in ["image_url", "index", "type"] {
            match image.get(key) {
                Some(value) => told.set(key, value.clone()),
                None if key == "index" => told.set(key, Value::Int(Integer::from(index as i64))),
                None => {}
            }
        }
        Value::Dict(told)
    });
    Value::List(told.collect())
}

fn annotations(annotations: &Value) -> Value {
    let picked = |from: &Dict, keys: &[&str]| {
        let mut told = Dict::default();
        for key in keys {
            if let Some(value) = given(from, key) {
                told.set(key, value.clone());
            }
        }
        told
    };
    let told = annotations.as_list().unwrap_or_default().iter().map(|annotation| {
        let Some(annotation) = annotation.as_dict() else { return annotation.clone() };
        let mut told = picked(annotation, &["type", "url_citation"]);
        if let Some(citation) = told.get("url_citation").and_then(Value::as_dict) {
            let citation = picked(citation, &["end_index", "start_index", "title", "url"]);
            told.set("url_citation", Value::Dict(citation));
        }
        Value::Dict(told)
    });
    Value::List(told.collect())
}

/// The log probabilities of a choice, of a completion or a chunk.
pub(crate) fn logprobs(choice: &Dict) -> Option<Value> {
    let logprobs = given(choice, "logprobs")?;
    let Some(logprobs) = logprobs.as_dict() else { return Some(logprobs.clone()) };
    let mut told = Dict::default();
    if let Some(content) = given(logprobs, "content") {
        let tokens = content.as_list().unwrap_or_default().iter().map(|token| token_logprob(token, true));
        told.set("content", Value::List(tokens.collect()));
    }
    if let Some(refusal) = given(logprobs, "refusal").and_then(Value::as_list) {
        told.set("refusal", Value::List(refusal.iter().map(|token| sdk_logprob(token, true)).collect()));
    }
    let others = extras(logprobs, &["content", "refusal"]).filter(|(_, value)| **value != Value::None);
    others.for_each(|(key, value)| told.push(key.clone(), value.clone()));
    Some(Value::Dict(told))
}

/// A token as OpenAI's SDK writes it, for LiteLLM has no field for it: nulls included.
fn sdk_logprob(token: &Value, has_top: bool) -> Value {
    let Some(token) = token.as_dict() else {
        return token.clone();
    };
    let mut told = Dict::default();
    for key in ["token", "bytes", "logprob"] {
        told.set(key, token.get(key).cloned().unwrap_or(Value::None));
    }
    if has_top {
        let top = given(token, "top_logprobs").and_then(Value::as_list).unwrap_or_default();
        told.set("top_logprobs", Value::List(top.iter().map(|token| sdk_logprob(token, false)).collect()));
    }
    let known = ["token", "bytes", "logprob", "top_logprobs"];
    extras(token, &known).for_each(|(key, value)| told.push(key.clone(), value.clone()));
    Value::Dict(told)
}

fn token_logprob(token: &Value, has_top: bool) -> Value {
    let Some(token) = token.as_dict() else { return token.clone() };
    let mut told = Dict::default();
    for key in ["token", "bytes", "logprob"] {
        let value = match given(token, key) {
            Some(Value::Int(integer)) if key == "logprob" => integer.to_float().map(Value::Float),
            value => value.cloned(),
        };
        if let Some(value) = value {
            told.set(key, value);
        }
    }
    if has_top {
        let top = given(token, "top_logprobs").and_then(Value::as_list).unwrap_or_default();
        told.set("top_logprobs", Value::List(top.iter().map(|token| token_logprob(token, false)).collect()));
    }
    let others =
        extras(token, &["token", "bytes", "logprob", "top_logprobs"]).filter(|(_, value)| **value != Value::None);
    others.for_each(|(key, value)| told.push(key.clone(), value.clone()));
    Value::Dict(told)
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
    for key in ["thinking_blocks", "reasoning_items", "provider_specific_fields"] {
        add(key, given(delta, key).cloned());
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
    add(
        "function_call",
        match given(delta, "function_call") {
            Some(call) => Some(function_call_delta(call)?),
            None => None,
        },
    );
    add(
        "tool_calls",
        match given(delta, "tool_calls") {
            Some(calls) => Some(tool_call_deltas(calls)?),
            None => None,
        },
    );
    add("audio", given(delta, "audio").cloned());
    add("images", given(delta, "images").filter(|images| images.is_truthy()).cloned());
    add("annotations", given(delta, "annotations").cloned());
    Some(told)
}

fn function_call_delta(call: &Value) -> Option<Value> {
    Some(Value::Dict(function(call.as_dict()?)))
}

fn tool_call_deltas(calls: &Value) -> Option<Value> {
    let mut missing = 0;
    let mut told = Vec::new();
    for call in calls.as_list()? {
        let call = call.as_dict()?;
        let index = given(call, "index").cloned().unwrap_or_else(|| {
            missing += 1;
            Value::Int(Integer::from(missing - 1))
        });
        told.push(Value::Dict(tool_call_delta(call, index)?));
    }
    Some(Value::List(told))
}

fn tool_call_delta(call: &Dict, index: Value) -> Option<Dict> {
    let mut told = Dict::default();
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            told.set(key, value);
        }
    };
    add("id", given(call, "id").cloned());
    if is_custom(call) {
        add("type", given(call, "type").cloned());
        add("custom", given(call, "custom").and_then(Value::as_dict).map(custom));
    } else {
        add("function", Some(Value::Dict(function(given(call, "function")?.as_dict()?))));
        add("type", Some(given(call, "type").cloned().unwrap_or_else(|| text("function"))));
    }
    add("index", Some(index));
    let known = ["id", "type", "function", "custom", "index"];
    for (key, value) in extras(call, &known).filter(|(_, value)| **value != Value::None) {
        told.push(key.clone(), value.clone());
    }
    Some(told)
}

/// One choice of a chunk, with the delta as it is to be told.
pub(crate) fn streamed(choice: Option<&Dict>, finish: Option<&str>, index: Value, delta: Dict) -> Dict {
    let mut told = Dict::default();
    if let Some(choice) = choice {
        let known = ["finish_reason", "index", "delta", "logprobs", "message"];
        for (key, value) in extras(choice, &known).filter(|(_, value)| **value != Value::None) {
            told.push(key.clone(), value.clone());
        }
    }
    if let Some(finish) = finish {
        told.set("finish_reason", text(finish));
    }
    if index != Value::None {
        told.set("index", index);
    }
    told.set("delta", Value::Dict(delta));
    if let Some(logprobs) = choice.and_then(logprobs) {
        told.set("logprobs", logprobs);
    }
    told
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
