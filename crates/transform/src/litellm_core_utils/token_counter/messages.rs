//! The tokens of a list of messages, and of the tools with them.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/token_counter.py` `_count_messages`, `_count_content_list`, `_count_extra`.

use super::tools::definitions;
use super::{TokenCounter, Uncounted, images};
use crate::python::{Dict, Value, repr};

/// Every answer begins with so many.
const ANSWER: i64 = 3;
const TOOLS: i64 = 9;
/// Tools and a system message share some.
const TOOLS_WITH_SYSTEM: i64 = -4;

/// Nesting that Python surely counts; deeper, and at some point its stack is full.
const DEPTH_MAX: usize = 100;

type Count = Result<i64, Uncounted>;

pub(super) fn count<'a>(
    counter: &TokenCounter,
    mut messages: impl Iterator<Item = &'a Dict> + Clone,
    tools: Option<&Value>,
) -> Result<u64, Uncounted> {
    let mut total = ANSWER;
    if tools.is_some_and(|tools| is_deep(tools, DEPTH_MAX)) {
        return Err(Uncounted::NotReproduced);
    }
    for message in messages.clone() {
        if message.iter().any(|(_, value)| is_deep(value, DEPTH_MAX)) {
            return Err(Uncounted::NotReproduced);
        }
        total += count_message(counter, message)?;
    }
    if let Some(tools) = tools.filter(|tools| tools.is_truthy()) {
        let tools = tools.as_list().ok_or(Uncounted::NotReproduced)?;
        let is_system = |message: &Dict| message.get("role").and_then(Value::as_str) == Some("system");
        total += words(counter, &definitions(tools)?)? + TOOLS;
        total += if messages.any(is_system) { TOOLS_WITH_SYSTEM } else { 0 };
    }
    u64::try_from(total).map_err(|_| Uncounted::NotReproduced)
}

fn is_deep(value: &Value, depth_left: usize) -> bool {
    let is_deeper = |value: &Value| depth_left == 0 || is_deep(value, depth_left - 1);
    match value {
        Value::List(items) => items.iter().any(is_deeper),
        Value::Dict(dict) => dict.iter().any(|(_, value)| is_deeper(value)),
        _ => false,
    }
}

fn words(counter: &TokenCounter, text: &str) -> Count {
    counter.words(text).map(|count| count as i64)
}

/// `count_function(str(value))`
fn spelled(counter: &TokenCounter, value: &Value) -> Count {
    match value {
        Value::Str(text) => counter.text(text).map(|count| count as i64),
        value => words(counter, &repr(value)),
    }
}

/// Every text of a message counts, whatever its name.
fn count_message(counter: &TokenCounter, message: &Dict) -> Count {
    let mut total = counter.tokens_per_message as i64;
    for (key, value) in message.iter() {
        let key = key.as_str().unwrap_or_default();
        total += match (key, value) {
            (_, Value::None) => 0,
            ("tool_calls", value) => tool_calls(counter, value)?,
            ("function_call", Value::Dict(call)) => arguments(counter, call)?,
            ("function_call", _) => return Err(Uncounted::Raised),
            (key, Value::Str(text)) => {
                let name = if key == "name" { counter.tokens_per_name } else { 0 };
                counter.text(text)? as i64 + name
            }
            ("content", Value::List(blocks)) => count_blocks(counter, blocks)?,
            ("search_results", Value::List(_)) => return Err(Uncounted::NotReproduced),
            _ => 0,
        };
    }
    Ok(total)
}

fn tool_calls(counter: &TokenCounter, calls: &Value) -> Count {
    let mut total = 0;
    for call in calls.as_list().ok_or(Uncounted::Raised)? {
        let call = call.as_dict().ok_or(Uncounted::NotReproduced)?;
        let function = call.get("function").and_then(Value::as_dict).ok_or(Uncounted::Raised)?;
        total += arguments(counter, function)?;
    }
    Ok(total)
}

fn arguments(counter: &TokenCounter, call: &Dict) -> Count {
    call.get("arguments").map_or(Ok(0), |arguments| spelled(counter, arguments))
}

fn count_blocks(counter: &TokenCounter, blocks: &[Value]) -> Count {
    blocks.iter().map(|block| count_block(counter, block)).sum()
}

fn count_block(counter: &TokenCounter, block: &Value) -> Count {
    let block = match block {
        Value::Str(text) => return counter.text(text).map(|count| count as i64),
        Value::Dict(block) => block,
        _ => return Err(Uncounted::Raised),
    };
    let field = |key: &str| block.get(key);
    match field("type").and_then(Value::as_str).ok_or(Uncounted::Raised)? {
        "text" => field("text").map_or(Ok(0), |text| spelled(counter, text)),
        "image_url" => image_url(field("image_url")),
        "image" => source(field("source")),
        "document" => document(counter, block),
        "file" => Ok(field("file").and_then(Value::as_dict).map_or(Ok(0), |file| count_file(counter, file))?),
        "tool_use" => of_fields(counter, block, &["name", "input", "caller"]),
        "tool_result" if field("tool_use_id").is_none() => Err(Uncounted::Raised),
        "tool_result" => of_fields(counter, block, &["content"]),
        "thinking" => field("thinking").map_or(Ok(0), |text| spelled(counter, text)),
        "tool_reference" => {
            let name = field("tool_name").filter(|name| name.is_truthy());
            name.map_or(Ok(0), |name| spelled(counter, name))
        }
        _ => Err(Uncounted::Raised),
    }
}

fn of_fields(counter: &TokenCounter, block: &Dict, fields: &[&str]) -> Count {
    let counted = fields.iter().filter_map(|field| block.get(field)).map(|value| match value {
        Value::Str(text) => counter.text(text).map(|count| count as i64),
        Value::List(blocks) => count_blocks(counter, blocks),
        Value::Dict(_) => words(counter, &repr(value)),
        _ => Ok(0),
    });
    counted.sum()
}

fn image_url(image: Option<&Value>) -> Count {
    match image {
        Some(Value::Dict(image)) => {
            let detail = image.get("detail").map_or(Some("auto"), Value::as_str);
            let url = image.get("url").filter(|url| url.is_truthy());
            match (detail, url) {
                (Some("low" | "auto"), Some(_)) => Ok(images::plain() as i64),
                (Some("high"), Some(url)) => {
                    let url = url.as_str().ok_or(Uncounted::NotReproduced)?;
                    images::detailed(url).map(|count| count as i64)
                }
                _ => Err(Uncounted::Raised),
            }
        }
        Some(Value::Str(url)) => {
            let url = url.as_str().ok_or(Uncounted::NotReproduced)?;
            let is_space = |character: char| character.is_whitespace() || ('\x1c'..='\x1f').contains(&character);
            if url.chars().all(is_space) { Err(Uncounted::Raised) } else { Ok(images::plain() as i64) }
        }
        _ => Err(Uncounted::Raised),
    }
}

/// A picture's or document's source; only its type has to be there.
fn source(source: Option<&Value>) -> Count {
    let source = source.and_then(Value::as_dict).ok_or(Uncounted::Raised)?;
    source.get("type").map(|_| images::plain() as i64).ok_or(Uncounted::Raised)
}

fn document(counter: &TokenCounter, block: &Dict) -> Count {
    let given = block.get("source").and_then(Value::as_dict).ok_or(Uncounted::Raised)?;
    let mut total = 0;
    for text in ["title", "context"].iter().filter_map(|key| block.get(key)).filter(|text| text.is_truthy()) {
        let Value::Str(text) = text else { return Err(Uncounted::Raised) };
        total += counter.text(text)? as i64;
    }
    let counted = match (given.get("type").and_then(Value::as_str), given.get("data"), given.get("content")) {
        (Some("text"), Some(Value::Str(data)), _) => counter.text(data)? as i64,
        (Some("text"), ..) => return Err(Uncounted::Raised),
        (Some("content"), _, Some(Value::Str(text))) => counter.text(text)? as i64,
        (Some("content"), _, Some(Value::List(blocks))) => count_blocks(counter, blocks)?,
        (Some("content"), ..) => return Err(Uncounted::NotReproduced),
        _ => source(block.get("source"))?,
    };
    Ok(total + counted)
}

fn count_file(counter: &TokenCounter, file: &Dict) -> Count {
    let filled = |key: &str| match file.get(key) {
        Some(Value::Str(text)) => Some(text).filter(|_| file.get(key).is_some_and(Value::is_truthy)),
        _ => None,
    };
    let name = filled("filename").map_or(Ok(0), |name| counter.text(name))? as i64;
    Ok(name + if filled("file_data").is_some() { images::plain() as i64 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::json_decode::orjson_loads;

    #[test]
    fn what_is_nested_too_deep_is_not_counted() {
        for (depth, is_counted) in [(DEPTH_MAX, true), (DEPTH_MAX + 1, false)] {
            let nested = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
            let message = orjson_loads(format!(r#"{{"role": "user", "foo": {nested}}}"#).as_bytes());
            let message = message.as_ref().and_then(Value::as_dict);
            let counted = count(&TokenCounter::DEFAULT, message.into_iter(), None);
            assert_eq!(counted.is_ok(), is_counted, "{depth}");
        }
    }
}
