//! The choices of a completion, as LiteLLM writes them or refuses to read them.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/llm_response_utils/convert_dict_to_response.py`, `types/utils.py` `Message`, `Choices`;
//! the order of keys is that of pydantic's fields, extras last.

use super::choices::{extras, given, is_custom, text};
use super::finish_reasons::mapped;
use super::made_up_ids::made_up;
use super::shapes::{
    ANNOTATIONS, AUDIO, CUSTOM_CALL, FUNCTION, FUNCTION_CALL, IMAGES, LOGPROBS, ROLE, TEXT, THINKING_BLOCKS,
};
use crate::pydantic::shapes::Shape;
use crate::python::json_decode::loads;
use crate::python::json_encode::json_dumps;
use crate::python::{Dict, Integer, Text, Value, repr};

/// Nesting up to which arguments of a call are read.
const ARGUMENTS_DEPTH_MAX: usize = 900;

/// Room for what most choices, and their messages, have.
const COMPLETED_FIELDS: usize = 6;

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

/// An answer that Python fails to read, by the kind of its exception: an `AttributeError` is told as the client's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    Attribute,
    Other,
}

/// One choice of a completion that the SDK has read.
pub(super) fn completed(index: usize, choice: &Value, fallback_id: &str) -> Result<Dict, Unreadable> {
    let choice = choice.as_dict().ok_or(Unreadable::Other)?;
    let message = choice.get("message").and_then(Value::as_dict).ok_or(Unreadable::Attribute)?;
    let message = told_message(message, fallback_id)?;
    let native = given(choice, "finish_reason").cloned();
    let native = native.or_else(|| given(choice, "finish_details").filter(|details| details.is_truthy()).cloned());
    let native = match native.unwrap_or_else(|| text("stop")) {
        Value::List(_) | Value::Dict(_) => return Err(Unreadable::Other),
        native if native.as_str() == Some("stop") && message.get("tool_calls").is_some() => text("tool_calls"),
        native => native,
    };
    let finish = native.as_str().map_or("stop", mapped);
    let mut fields = Dict::default();
    let known = ["finish_reason", "index", "message", "logprobs", "provider_specific_fields"];
    extras(choice, &known).for_each(|(key, value)| fields.push(key.clone(), value.clone()));
    if native.as_str() != Some(finish) {
        fields.set("native_finish_reason", native);
    }
    let mut told = Dict::with_capacity(COMPLETED_FIELDS);
    told.set("finish_reason", text(finish));
    told.set("index", Value::Int(Integer::from(index as i64)));
    told.set("message", Value::Dict(message));
    match given(choice, "logprobs") {
        Some(logprobs @ Value::Dict(_)) => told.set("logprobs", read(&LOGPROBS, logprobs)?),
        Some(other) => told.set("logprobs", other.clone()),
        None => {}
    }
    told.set("provider_specific_fields", Value::Dict(fields));
    if let Some(enhancements) = given(choice, "enhancements") {
        told.set("enhancements", enhancements.clone());
    }
    Ok(told)
}

fn read(shape: &Shape, value: &Value) -> Result<Value, Unreadable> {
    shape.validated(value).ok_or(Unreadable::Other)
}

fn told_message(message: &Dict, fallback_id: &str) -> Result<Dict, Unreadable> {
    let calls = tool_calls(message, fallback_id)?;
    let fields = specific_fields(message)?;
    let (reasoning, content) = reasoning_and_content(message);
    let role = given(message, "role").filter(|role| role.is_truthy()).cloned().unwrap_or_else(|| text("assistant"));
    let part = |key: &str, shape: &Shape| given(message, key).map(|value| read(shape, value)).transpose();
    let mut told = Dict::with_capacity(COMPLETED_FIELDS);
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            told.push(Text::from(key), value);
        }
    };
    let is_silent = content.is_none();
    add("content", content.map(|content| read(&TEXT, &content)).transpose()?);
    add("role", Some(read(&ROLE, &role)?));
    add("tool_calls", calls);
    add("function_call", part("function_call", &FUNCTION_CALL)?);
    add("audio", given(message, "audio").map(|audio| self::audio(audio, fallback_id)).transpose()?);
    add("images", given(message, "images").map(images).transpose()?);
    add("reasoning_content", reasoning.map(|reasoning| read(&TEXT, &reasoning)).transpose()?);
    add("thinking_blocks", part("thinking_blocks", &THINKING_BLOCKS)?);
    add("provider_specific_fields", Some(Value::Dict(fields)));
    add("annotations", part("annotations", &ANNOTATIONS)?);
    if is_silent {
        told.push(Text::from("content"), Value::None);
    }
    Ok(told)
}

/// What LiteLLM has no field for, in an order that changes from process to process there; a refusal is always said.
fn specific_fields(message: &Dict) -> Result<Dict, Unreadable> {
    let mut fields = match given(message, "provider_specific_fields").filter(|fields| fields.is_truthy()) {
        None => Dict::default(),
        Some(Value::Dict(fields)) => fields.clone(),
        Some(_) => return Err(Unreadable::Other),
    };
    for (key, value) in extras(message, &MESSAGE_FIELDS) {
        if let Some(key) = key.as_str().filter(|key| *key != "refusal") {
            fields.set(key, value.clone());
        }
    }
    fields.set("refusal", message.get("refusal").cloned().unwrap_or(Value::None));
    if let Some(blocks) = message.get("thinking_blocks") {
        fields.set("thinking_blocks", blocks.clone());
    }
    Ok(fields)
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

fn audio(audio: &Value, fallback_id: &str) -> Result<Value, Unreadable> {
    let mut audio = audio.as_dict().ok_or(Unreadable::Other)?.clone();
    if given(&audio, "id").is_none() {
        audio.set("id", text(fallback_id));
    }
    read(&AUDIO, &Value::Dict(audio))
}

/// Each picture has a number.
fn images(images: &Value) -> Result<Value, Unreadable> {
    let images = images.as_list().ok_or(Unreadable::Other)?;
    let numbered = images.iter().enumerate().map(|(index, image)| match image {
        Value::Dict(image) if image.get("index").is_none() => {
            let mut image = image.clone();
            image.set("index", Value::Int(Integer::from(index as i64)));
            Value::Dict(image)
        }
        image => image.clone(),
    });
    read(&IMAGES, &Value::List(numbered.collect()))
}

fn tool_calls(message: &Dict, fallback_id: &str) -> Result<Option<Value>, Unreadable> {
    let calls = match given(message, "tool_calls") {
        None => return Ok(None),
        Some(Value::List(calls)) => calls,
        Some(Value::Str(_) | Value::Dict(_)) if !message.get("tool_calls").is_some_and(Value::is_truthy) => {
            return Ok(None);
        }
        Some(Value::Str(_) | Value::Dict(_)) => return Err(Unreadable::Attribute),
        Some(_) => return Err(Unreadable::Other),
    };
    let mut told = Vec::with_capacity(calls.len());
    // The number 0 is the completion's own.
    for (call, number) in calls.iter().zip(1..) {
        let call = call.as_dict().ok_or(Unreadable::Attribute)?;
        told.push(tool_call(call, &made_up(fallback_id, number))?);
    }
    let told = without_parallel(told)?;
    Ok((!told.is_empty()).then(|| Value::List(told.into_iter().map(Value::Dict).collect())))
}

fn tool_call(call: &Dict, fallback_id: &str) -> Result<Dict, Unreadable> {
    let mut told = Dict::default();
    if is_custom(call) {
        let is_named = |(key, value): &(&Text, &Value)| {
            **value != Value::None || !matches!(key.as_str(), Some("function" | "type"))
        };
        let call = call.iter().filter(is_named).map(|(key, value)| (key.clone(), value.clone())).collect();
        return match read(&CUSTOM_CALL, &Value::Dict(Dict::from_distinct(call)))? {
            Value::Dict(call) => Ok(call),
            _ => Err(Unreadable::Other),
        };
    }
    let known = ["id", "type", "function"];
    let others = extras(call, &known).filter(|(_, value)| **value != Value::None);
    others.for_each(|(key, value)| told.push(key.clone(), value.clone()));
    // One that is missing is missed only when all calls are looked at.
    let function = given(call, "function").and_then(Value::as_dict);
    told.set("function", function.map_or(Some(Value::None), self::function).ok_or(Unreadable::Other)?);
    told.set("id", given(call, "id").cloned().unwrap_or_else(|| text(fallback_id)));
    told.set("type", given(call, "type").cloned().unwrap_or_else(|| text("function")));
    Ok(told)
}

/// A function that is called: arguments are a text, and whatever else there is, is dropped.
pub(super) fn function(function: &Dict) -> Option<Value> {
    let dumped = |arguments: &Dict| text(&String::from_utf8_lossy(&json_dumps(&Value::Dict(arguments.clone()))));
    let arguments = match given(function, "arguments") {
        Some(Value::Dict(arguments)) => dumped(arguments),
        Some(arguments) => arguments.clone(),
        None => given(function, "parameters").and_then(Value::as_dict).map_or_else(|| text(""), dumped),
    };
    let name = given(function, "name").cloned().unwrap_or(Value::None);
    FUNCTION.validated(&Value::Dict(Dict::from_distinct(vec![
        (Text::from("arguments"), arguments),
        (Text::from("name"), name),
    ])))
}

/// OpenAI's models sometimes call a function of their own that stands for several; nothing is changed if arguments aren't JSON.
fn without_parallel(calls: Vec<Dict>) -> Result<Vec<Dict>, Unreadable> {
    let mut replaced = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        if is_custom(call) {
            continue;
        }
        let function = call.get("function").and_then(Value::as_dict).ok_or(Unreadable::Attribute)?;
        let arguments = function.get("arguments").and_then(Value::as_str).unwrap_or_default();
        let Ok(arguments) = loads(arguments.as_bytes(), ARGUMENTS_DEPTH_MAX) else { return Ok(calls) };
        if function.get("name").and_then(Value::as_str) == Some("multi_tool_use.parallel") {
            let uses = parallel_uses(call, &arguments)?;
            if !uses.is_empty() {
                replaced.push((at, uses));
            }
        }
    }
    let mut told = calls;
    let mut shift = 0;
    for (at, uses) in replaced {
        let count = uses.len();
        let place = (at + shift).min(told.len());
        told.splice(place..(place + 1).min(told.len()), uses);
        // One too many, as in LiteLLM.
        shift += count;
    }
    Ok(told)
}

fn parallel_uses(call: &Dict, arguments: &Value) -> Result<Vec<Dict>, Unreadable> {
    let uses = arguments.as_dict().and_then(|arguments| arguments.get("tool_uses")).ok_or(Unreadable::Other)?;
    match uses {
        Value::List(uses) => uses.iter().enumerate().map(|(index, used)| parallel_use(call, index, used)).collect(),
        Value::Str(_) | Value::Dict(_) if !uses.is_truthy() => Ok(Vec::new()),
        _ => Err(Unreadable::Other),
    }
}

fn parallel_use(call: &Dict, index: usize, used: &Value) -> Result<Dict, Unreadable> {
    let part = |key: &str| used.as_dict().and_then(|used| used.get(key)).ok_or(Unreadable::Other);
    let (parameters, name) = (part("parameters")?, part("recipient_name")?);
    let name = name.as_str().ok_or(Unreadable::Attribute)?;
    let mut function = Dict::default();
    function.set("arguments", text(&String::from_utf8_lossy(&json_dumps(parameters))));
    function.set("name", text(name.strip_prefix("functions.").unwrap_or(name)));
    let id = call.get("id").map_or_else(String::new, |id| id.as_str().map_or_else(|| repr(id), str::to_owned));
    let mut told = Dict::default();
    told.set("function", Value::Dict(function));
    told.set("id", text(&format!("{id}_{index}")));
    told.set("type", text("function"));
    Ok(told)
}
