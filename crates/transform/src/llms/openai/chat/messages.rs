//! The messages of a request: what LiteLLM refuses, and what it changes on the way to OpenAI.
//!
//! Source: LiteLLM 1.102.4 `utils.py` `validate_and_fix_openai_messages`, `llms/openai/chat/gpt_transformation.py`.

use crate::decline::Decline;
use crate::python::{Dict, Text, Value};

/// Parts of a user's message that need nothing more than this module does.
const USER_PARTS: [&str; 4] = ["text", "image_url", "input_audio", "file"];

/// The messages as they leave, but for roles, which depend on the model.
pub(super) fn fixed(messages: &[Dict]) -> Result<Vec<Dict>, Decline> {
    messages.iter().map(message).collect()
}

fn message(message: &Dict) -> Result<Dict, Decline> {
    let mut kept = message.clone();
    let is = |name: &str| kept.get("role").and_then(Value::as_str) == Some(name);
    let content = match kept.get("content") {
        None | Some(Value::Str(_)) => return Ok(kept),
        Some(Value::List(parts)) => parts.clone(),
        Some(_) => return Err(Decline::MessageShape),
    };
    if is("user") {
        let parts = content.iter().map(part).collect::<Result<Vec<_>, _>>()?;
        kept.set("content", Value::List(parts));
    } else if is("tool") && !content.iter().all(is_text) {
        return Err(Decline::MessageShape);
    }
    Ok(kept)
}

fn is_text(part: &Value) -> bool {
    part.as_dict().and_then(|part| part.get("type")?.as_str()) == Some("text")
}

fn part(part: &Value) -> Result<Value, Decline> {
    let part = part.as_dict().ok_or(Decline::MessageShape)?;
    let kind = part.get("type").and_then(Value::as_str).filter(|kind| USER_PARTS.contains(kind));
    let mut part = part.clone();
    match kind.ok_or(Decline::MessageShape)? {
        "image_url" => {
            let image = match part.get("image_url") {
                Some(Value::Str(url)) => Dict::from_pairs(vec![(Text::from("url"), Value::Str(url.clone()))]),
                Some(Value::Dict(image)) => without_format(image),
                _ => return Err(Decline::MessageShape),
            };
            part.set("image_url", Value::Dict(image));
        }
        "file" => {
            let given = part.get("file").and_then(Value::as_dict).ok_or(Decline::MessageShape)?;
            let file = file(given)?;
            part.set("file", Value::Dict(file));
        }
        _ => {}
    }
    Ok(Value::Dict(part))
}

/// A file gets a name; one behind a link would be fetched by LiteLLM, one it manages itself has another id at OpenAI.
fn file(file: &Dict) -> Result<Dict, Decline> {
    let mut file = without_format(file);
    match file.get("file_id") {
        None | Some(Value::None) => {}
        Some(id) => {
            let id = id.as_str().ok_or(Decline::MessageShape)?;
            let foreign = ["https://", "http://", "www.", "bGl0ZWxsb"];
            if foreign.iter().any(|prefix| id.starts_with(prefix)) {
                return Err(Decline::MessageShape);
            }
        }
    }
    let is_given = |key: &str| file.get(key).is_some_and(|value| *value != Value::None);
    if is_given("file_data") && !is_given("filename") {
        file.set("filename", Value::Str(Text::from("my_file.pdf")));
    }
    Ok(file)
}

fn without_format(object: &Dict) -> Dict {
    let mut kept = object.clone();
    kept.remove("format");
    kept
}

fn role(name: &str) -> Value {
    Value::Str(Text::from(name))
}

/// Roles that a model doesn't know, by those it does; such a message keeps nothing but its content.
pub(super) fn with_roles(
    messages: Vec<Dict>,
    knows_developer: bool,
    knows_system: bool,
) -> Result<Vec<Value>, Decline> {
    let told = |mut message: Dict| {
        let known = message.get("role").and_then(Value::as_str).unwrap_or_default();
        let (is_developer, is_system) = (known == "developer", known == "system");
        let mut content = || message.remove("content").ok_or(Decline::MessageShape);
        let mut told = Dict::default();
        if is_developer && !knows_developer {
            told.set("role", role("system"));
            told.set("content", content()?);
        } else if is_system && !knows_system {
            told.set("content", content()?);
            told.set("role", role("user"));
        } else {
            told = message;
        }
        Ok(Value::Dict(told))
    };
    messages.into_iter().map(told).collect()
}

/// Removes the marks of Anthropic's prompt cache, at any depth.
pub(super) fn without_cache_control(value: &mut Value) {
    match value {
        Value::List(items) => items.iter_mut().for_each(without_cache_control),
        Value::Dict(dict) => {
            dict.remove("cache_control");
            let keys: Vec<Text> = dict.iter().map(|(key, _)| key.clone()).collect();
            for key in keys.iter().filter_map(Text::as_str) {
                if let Some(value) = dict.get_mut(key) {
                    without_cache_control(value);
                }
            }
        }
        _ => {}
    }
}
