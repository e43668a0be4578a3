//! What LiteLLM changes in the history a client sends, because Anthropic would refuse it.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/common_utils.py`, `litellm_core_utils/prompt_templates/common_utils.py`.

use std::collections::HashMap;

use crate::pydantic::as_string;
use crate::python::{Dict, Text, Value};

pub(crate) const ENCRYPTED_REASONING: &str = "litellm_encrypted_reasoning:";
const THOUGHT_SEPARATOR: &str = "__thought__";
const ADVISOR: &str = "advisor";

/// What happens before a provider is known: empty blocks go, ids are made valid, foreign search results become text.
///
/// A message that only had empty blocks goes with them.
pub(crate) fn sanitized_on_arrival(messages: &[Value]) -> Vec<Value> {
    let kept = messages.iter().filter_map(without_empty_blocks);
    kept.map(|message| with_flat_search_results(with_valid_ids(message))).collect()
}

/// What happens last: fields of LiteLLM's own, the advisor's blocks if its tool is gone, reasoning of other providers.
pub(crate) fn sanitized_on_departure(messages: Vec<Value>, has_advisor: bool) -> Vec<Value> {
    let stripped = messages.into_iter().map(without_provider_specific_fields);
    let advised = stripped.map(|message| if has_advisor { message } else { without_advisor_blocks(message) });
    advised.filter_map(without_foreign_reasoning).collect()
}

/// The history without any thinking, for the second try after Anthropic refused a signature.
pub(crate) fn without_thinking_blocks(messages: &[Value]) -> Vec<Value> {
    let is_thinking = |block: &Value| matches!(kind(block), Some("thinking" | "redacted_thinking"));
    let strip = |message: &Value| match content(message) {
        None => Some(message.clone()),
        Some(blocks) => {
            let kept: Vec<Value> = blocks.iter().filter(|block| !is_thinking(block)).cloned().collect();
            (!kept.is_empty()).then(|| with_content(message.clone(), kept))
        }
    };
    messages.iter().filter_map(strip).collect()
}

fn content(message: &Value) -> Option<&[Value]> {
    message.as_dict()?.get("content")?.as_list()
}

fn with_content(mut message: Value, blocks: Vec<Value>) -> Value {
    if let Value::Dict(message) = &mut message {
        message.set("content", Value::List(blocks));
    }
    message
}

fn kind(block: &Value) -> Option<&str> {
    field(block, "type")
}

fn field<'a>(block: &'a Value, name: &str) -> Option<&'a str> {
    block.as_dict()?.get(name)?.as_str()
}

fn without_empty_blocks(message: &Value) -> Option<Value> {
    let Some(blocks) = content(message) else {
        return Some(message.clone());
    };
    let kept: Vec<Value> = blocks.iter().filter(|block| !is_empty_block(block)).cloned().collect();
    if kept.len() == blocks.len() {
        return Some(message.clone());
    }
    (!kept.is_empty()).then(|| with_content(message.clone(), kept))
}

fn is_empty_block(block: &Value) -> bool {
    let text = match kind(block) {
        Some("text") => field(block, "text"),
        Some("thinking") => field(block, "thinking"),
        _ => return false,
    };
    text.is_none_or(is_blank)
}

/// `not text.strip()`: Python also takes U+001C to U+001F for white space.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character))
}

fn with_valid_ids(mut message: Value) -> Value {
    let Value::Dict(fields) = &mut message else {
        return message;
    };
    if let Some(Value::List(blocks)) = fields.get_mut("content") {
        for block in blocks {
            let name = match kind(block) {
                Some("tool_use" | "server_tool_use") => "id",
                Some("tool_result") => "tool_use_id",
                _ => continue,
            };
            let Some(valid) = field(block, name).map(valid_id) else {
                continue;
            };
            if let Value::Dict(block) = block {
                block.set(name, Value::Str(Text::Unicode(valid)));
            }
        }
    }
    message
}

fn valid_id(id: &str) -> String {
    let own = id.split(THOUGHT_SEPARATOR).next().unwrap_or_default();
    let is_valid = |character: &char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    let valid: String = own.chars().map(|character| if is_valid(&character) { character } else { '_' }).collect();
    if valid.is_empty() { "tool_use_id".to_owned() } else { valid }
}

/// A search result without `encrypted_content` wasn't made by Anthropic.
struct SearchResult {
    tool_use_id: String,
    /// Title, URL, snippet of each hit.
    hits: Vec<[String; 3]>,
}

fn with_flat_search_results(message: Value) -> Value {
    let Some(blocks) = content(&message) else {
        return message;
    };
    let flat: HashMap<String, ()> =
        blocks.iter().filter_map(foreign_search_result).map(|result| (result.tool_use_id, ())).collect();
    if flat.is_empty() {
        return message;
    }
    let queries: HashMap<String, String> = blocks.iter().filter_map(search_query).collect();
    let rewrite = |block: &Value| {
        if let Some(result) = foreign_search_result(block) {
            let query = queries.get(&result.tool_use_id).map_or("", String::as_str);
            return Some(text_block(rendered(query, &result.hits)));
        }
        let is_answered = search_query(block).is_some_and(|(id, _)| flat.contains_key(&id));
        // LiteLLM marks what goes by `None`.
        (!is_answered && *block != Value::None).then(|| block.clone())
    };
    let rewritten = blocks.iter().filter_map(rewrite).collect();
    with_content(message, rewritten)
}

fn text_block(text: String) -> Value {
    let mut block = Dict::default();
    block.push(Text::from("type"), Value::Str(Text::from("text")));
    block.push(Text::from("text"), Value::Str(Text::Unicode(text)));
    Value::Dict(block)
}

fn foreign_search_result(block: &Value) -> Option<SearchResult> {
    if kind(block) != Some("web_search_tool_result") {
        return None;
    }
    let tool_use_id = field(block, "tool_use_id")?.to_owned();
    let mut hits = Vec::new();
    for hit in content(block)? {
        if kind(hit) != Some("web_search_result") || !text_or_empty(hit, "encrypted_content")?.is_empty() {
            return None;
        }
        hits.push([text_or_empty(hit, "title")?, text_or_empty(hit, "url")?, text_or_empty(hit, "snippet")?]);
    }
    Some(SearchResult { tool_use_id, hits })
}

/// A text that defaults to an empty one; anything else is no such block.
fn text_or_empty(block: &Value, name: &str) -> Option<String> {
    match block.as_dict()?.get(name) {
        None => Some(String::new()),
        Some(value) => as_string(value).ok()?.as_str().map(str::to_owned),
    }
}

fn search_query(block: &Value) -> Option<(String, String)> {
    if kind(block) != Some("server_tool_use") {
        return None;
    }
    let query = match block.as_dict()?.get("input") {
        None => String::new(),
        Some(input) => text_or_empty(input, "query")?,
    };
    Some((field(block, "id")?.to_owned(), query))
}

fn rendered(query: &str, hits: &[[String; 3]]) -> String {
    let header =
        if query.is_empty() { "Web search results:".to_owned() } else { format!("Web search results for '{query}':") };
    if hits.is_empty() {
        return format!("{header}\n\nNo results were returned.");
    }
    let hit = |[title, url, snippet]: &[String; 3]| {
        let lines = [("Title", title), ("URL", url), ("Snippet", snippet)];
        let said = lines.iter().filter(|(_, text)| !text.is_empty());
        said.map(|(name, text)| format!("{name}: {text}")).collect::<Vec<_>>().join("\n")
    };
    let body = hits.iter().map(hit).collect::<Vec<_>>().join("\n\n");
    if body.is_empty() { header } else { format!("{header}\n\n{body}") }
}

fn without_provider_specific_fields(mut message: Value) -> Value {
    if let Value::Dict(fields) = &mut message
        && let Some(Value::List(blocks)) = fields.get_mut("content")
    {
        for block in blocks {
            if let Value::Dict(block) = block {
                block.remove("provider_specific_fields");
            }
        }
    }
    message
}

/// Only the advisor's calls with an id, and the answers to those.
pub(crate) fn without_advisor_blocks(message: Value) -> Value {
    let blocks = match field(&message, "role") {
        Some("assistant") => content(&message).unwrap_or_default(),
        _ => return message,
    };
    let is_call = |block: &Value| kind(block) == Some("server_tool_use") && field(block, "name") == Some(ADVISOR);
    let ids: Vec<&str> = blocks
        .iter()
        .filter(|block| is_call(block))
        .filter_map(|block| field(block, "id"))
        .filter(|id| !id.is_empty())
        .collect();
    if ids.is_empty() {
        return message;
    }
    let known = |block: &Value, name: &str| field(block, name).is_some_and(|id| ids.contains(&id));
    let is_answer = |block: &Value| kind(block) == Some("advisor_tool_result") && known(block, "tool_use_id");
    let kept: Vec<Value> =
        blocks.iter().filter(|block| !(is_call(block) && known(block, "id") || is_answer(block))).cloned().collect();
    with_content(message, kept)
}

fn without_foreign_reasoning(message: Value) -> Option<Value> {
    let is_foreign = |block: &Value| {
        let sealed = match kind(block) {
            Some("thinking") => field(block, "signature"),
            Some("redacted_thinking") => field(block, "data"),
            _ => None,
        };
        sealed.is_some_and(|sealed| sealed.starts_with(ENCRYPTED_REASONING))
    };
    let Some(blocks) = content(&message) else {
        return Some(message);
    };
    let kept: Vec<Value> = blocks.iter().filter(|block| !is_foreign(block)).cloned().collect();
    if kept.len() == blocks.len() {
        return Some(message);
    }
    (!kept.is_empty()).then(|| with_content(message, kept))
}
