//! What the assistant said, thought and called, in Anthropic's words.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/prompt_templates/factory.py` `anthropic_messages_pt`,
//! `convert_to_anthropic_tool_invoke`, `common_utils.py` `parse_tool_call_arguments`.

use std::collections::HashSet;

use super::content::text;
use super::messages::{text_block, valid_id, with_mark, word};
use crate::decline::Decline;
use crate::llms::anthropic::{ENCRYPTED_REASONING, is_blank};
use crate::python::json_decode::loads;
use crate::python::{Dict, Value};

/// Nesting up to which arguments of a call are read.
const ARGUMENTS_DEPTH_MAX: usize = 900;

/// `used` are the ids of the calls in this turn; a repeated one is left out.
pub(super) fn assistant_blocks(message: &Dict, used: &mut HashSet<String>) -> Result<Vec<Value>, Decline> {
    if message.get("function_call").is_some_and(|call| *call != Value::None) {
        return Err(Decline::MessageShape);
    }
    let fields = message.get("provider_specific_fields").and_then(Value::as_dict);
    let mut blocks = Vec::new();
    if let Some(Value::List(compaction)) = fields.and_then(|fields| fields.get("compaction_blocks")) {
        blocks.extend(compaction.iter().cloned());
    }
    let thinking = thinking_blocks(message)?;
    let calls = calls(message)?;
    let is_servers = |call: &Dict| word(call, "id").is_some_and(|id| id.starts_with("srvtoolu_"));
    let has_server_calls = calls.iter().flatten().any(|call| is_servers(call));
    let is_plain = matches!(message.get("content"), None | Some(Value::Str(_)));
    let invoked = invoked(calls.as_deref().unwrap_or_default(), fields)?;
    match thinking {
        Some(thinking) if has_server_calls && is_plain => {
            blocks.extend(interleaved(message, thinking, invoked, used));
        }
        thinking => {
            blocks.extend(said_and_thought(message, thinking)?);
            blocks.extend(invoked.into_iter().filter(|block| is_new(block, used)));
        }
    }
    Ok(blocks)
}

/// Thinking that Anthropic can accept: signed, and its own.
fn thinking_blocks(message: &Dict) -> Result<Option<Vec<Value>>, Decline> {
    match message.get("thinking_blocks") {
        None => Ok(None),
        Some(Value::List(blocks)) => Ok(Some(blocks.iter().filter(|block| is_signable(block)).cloned().collect())),
        Some(_) => Err(Decline::MessageShape),
    }
}

fn is_signable(block: &Value) -> bool {
    let Some(block) = block.as_dict() else { return true };
    let is_foreign = |key: &str| word(block, key).is_some_and(|value| value.starts_with(ENCRYPTED_REASONING));
    match word(block, "type") {
        Some("thinking") => {
            matches!(block.get("signature"), Some(signature @ Value::Str(_)) if signature.is_truthy())
                && !is_foreign("signature")
        }
        Some("redacted_thinking") => !is_foreign("data"),
        _ => true,
    }
}

fn calls(message: &Dict) -> Result<Option<Vec<&Dict>>, Decline> {
    match message.get("tool_calls") {
        None => Ok(None),
        Some(Value::List(calls)) => {
            calls.iter().map(|call| call.as_dict().ok_or(Decline::MessageShape)).collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(Decline::MessageShape),
    }
}

/// A call that isn't in this turn yet; what has no id always is new.
fn is_new(block: &Value, used: &mut HashSet<String>) -> bool {
    let id = block.as_dict().and_then(|block| word(block, "id")).filter(|id| !id.is_empty());
    id.is_none_or(|id| used.insert(id.to_owned()))
}

/// Thinking in front of each call of the server's, as it was in the answer.
fn interleaved(message: &Dict, thinking: Vec<Value>, invoked: Vec<Value>, used: &mut HashSet<String>) -> Vec<Value> {
    let kind = |block: &Value| block.as_dict().and_then(|block| word(block, "type")).unwrap_or_default().to_owned();
    let (mut groups, mut own): (Vec<Vec<Value>>, Vec<Value>) = (Vec::new(), Vec::new());
    for block in invoked {
        match (kind(&block).as_str(), groups.last_mut()) {
            ("tool_use", _) => own.push(block),
            ("server_tool_use", _) | (_, None) => groups.push(vec![block]),
            (_, Some(group)) => group.push(block),
        }
    }
    let mut blocks = Vec::new();
    let (mut thinking, mut groups) = (thinking.into_iter(), groups.into_iter());
    loop {
        let (thought, group) = (thinking.next(), groups.next());
        if thought.is_none() && group.is_none() {
            break;
        }
        blocks.extend(thought);
        blocks.extend(group.into_iter().flatten().filter(|block| is_new(block, used)));
    }
    if let Some(said) = message.get("content").filter(|said| said.is_truthy()) {
        blocks.push(with_mark(text_block(said.clone()), message));
    }
    blocks.extend(own.into_iter().filter(|block| is_new(block, used)));
    blocks
}

fn said_and_thought(message: &Dict, thinking: Option<Vec<Value>>) -> Result<Vec<Value>, Decline> {
    let parts = match message.get("content") {
        Some(Value::List(parts)) => parts.as_slice(),
        Some(said @ Value::Str(_)) if said.is_truthy() => {
            let mut blocks = thinking.unwrap_or_default();
            blocks.push(with_mark(text_block(said.clone()), message));
            return Ok(blocks);
        }
        _ => return Ok(thinking.unwrap_or_default()),
    };
    let parts: Vec<&Dict> = parts.iter().filter_map(Value::as_dict).collect();
    let thinks = |part: &&Dict| matches!(word(part, "type"), Some("thinking" | "redacted_thinking"));
    let mut blocks = thinking.filter(|_| !parts.iter().any(thinks)).unwrap_or_default();
    for part in parts {
        let kind = match part.get("type") {
            None => "",
            Some(kind) => kind.as_str().ok_or(Decline::MessageShape)?,
        };
        let whole = Value::Dict(part.clone());
        match kind {
            "thinking" => {
                let thought = part.get("thinking").cloned().unwrap_or_else(|| text(""));
                let thought = thought.as_str().ok_or(Decline::MessageShape)?.to_owned();
                blocks.extend((!thought.is_empty() && is_signable(&whole)).then_some(whole));
            }
            "text" => {
                let said =
                    part.get("text").filter(|said| matches!(said, Value::Str(_))).ok_or(Decline::MessageShape)?;
                blocks.push(with_mark(text_block(said.clone()), part));
            }
            kind if kind == "server_tool_use" || kind.ends_with("_tool_result") => blocks.push(whole),
            _ => {}
        }
    }
    Ok(blocks)
}

/// Calls as blocks; one that Anthropic ran itself has its result behind it.
fn invoked(calls: &[&Dict], fields: Option<&Dict>) -> Result<Vec<Value>, Decline> {
    let results = |key: &str| match fields.and_then(|fields| fields.get(key)) {
        Some(Value::List(results)) => Ok(results.as_slice()),
        Some(other) if other.is_truthy() => Err(Decline::MessageShape),
        _ => Ok(&[][..]),
    };
    let results: Vec<&Value> = results("web_search_results")?.iter().chain(results("tool_results")?).collect();
    let mut blocks = Vec::new();
    for call in calls.iter().filter(|call| word(call, "type") == Some("function")) {
        let id = word(call, "id").ok_or(Decline::MessageShape)?;
        let function = call.get("function").and_then(Value::as_dict).ok_or(Decline::MessageShape)?;
        let name = function.get("name").filter(|name| matches!(name, Value::Str(_))).ok_or(Decline::MessageShape)?;
        let input = arguments(function.get("arguments"))?;
        let is_result =
            |result: &&&Value| result.as_dict().is_some_and(|result| word(result, "tool_use_id") == Some(id));
        let result = results.iter().find(is_result).filter(|_| id.starts_with("srvtoolu_"));
        let block = |kind: &str, id: &str| {
            let mut block = Dict::default();
            block.set("type", text(kind));
            block.set("id", text(id));
            block.set("name", name.clone());
            block.set("input", input.clone());
            block
        };
        match result {
            Some(result) => {
                blocks.push(Value::Dict(block("server_tool_use", id)));
                blocks.push((*result).clone());
            }
            None => blocks.push(with_mark(block("tool_use", &valid_id(id)), call)),
        }
    }
    Ok(blocks)
}

/// Arguments that were cut are closed.
fn arguments(given: Option<&Value>) -> Result<Value, Decline> {
    let given = match given {
        None | Some(Value::None) => return Ok(Value::Dict(Dict::default())),
        Some(given) => given.as_str().ok_or(Decline::MessageShape)?,
    };
    if is_blank(given) {
        return Ok(Value::Dict(Dict::default()));
    }
    match loads(given.as_bytes(), ARGUMENTS_DEPTH_MAX) {
        Ok(read) => Ok(read),
        Err(_) => {
            let closed = closed(given).ok_or(Decline::MessageShape)?;
            loads(closed.as_bytes(), ARGUMENTS_DEPTH_MAX).map_err(|_| Decline::MessageShape)
        }
    }
}

fn closed(given: &str) -> Option<String> {
    let stripped = given
        .trim_end_matches(|character: char| character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character));
    let (mut open, mut is_text, mut is_escaped) = (Vec::new(), false, false);
    for character in stripped.chars() {
        if is_escaped {
            is_escaped = false;
            continue;
        }
        match character {
            '\\' => is_escaped = is_text,
            '"' => is_text = !is_text,
            _ if is_text => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' if open.last() == Some(&character) => drop(open.pop()),
            _ => {}
        }
    }
    if open.is_empty() {
        return None;
    }
    let mut closed = stripped.trim_end_matches(',').to_owned();
    closed.extend(open.iter().rev());
    Some(closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_arguments_are_closed() {
        let cases = [
            (r#"{"a": [1, {"b": 2,"#, Some(r#"{"a": [1, {"b": 2}]}"#)),
            (r#"{"a": "}"}"#, None),
            (r#"{"a": "\"}"#, Some(r#"{"a": "\"}}"#)),
            ("nope", None),
        ];
        for (given, expected) in cases {
            assert_eq!(closed(given).as_deref(), expected);
        }
    }
}
