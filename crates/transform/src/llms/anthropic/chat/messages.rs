//! A conversation in Anthropic's words.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/prompt_templates/factory.py` `anthropic_messages_pt`,
//! `llms/anthropic/chat/transformation.py` `translate_system_message`.

use std::collections::HashSet;

use super::assistant::assistant_blocks;
use super::content::text;
use super::media::{document, image, is_document_uri};
use super::tool_names::ToolNames;
use crate::decline::Decline;
use crate::llms::anthropic::is_blank;
use crate::python::{Dict, Text, Value};

const PLACEHOLDER: &str = "[System: Empty message content sanitised to satisfy protocol]";

/// The system prompt and the turns, which take each other's place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Conversation {
    pub system: Vec<Value>,
    pub turns: Vec<Value>,
}

impl Conversation {
    /// Declines what LiteLLM refuses, fetches, or makes up ids for.
    pub(super) fn of(messages: &[Dict], names: &ToolNames) -> Result<Self, Decline> {
        let mut conversation = Self::default();
        let mut rest: Vec<Dict> = Vec::with_capacity(messages.len());
        for message in messages {
            match role(message) {
                "system" | "developer" => conversation.add_system(message)?,
                "user" | "tool" | "function" | "assistant" => rest.push(told(message, names)),
                _ => return Err(Decline::MessageShape),
            }
        }
        conversation.add_turns(&rest)?;
        conversation.trim_prefill()?;
        Ok(conversation)
    }

    fn add_system(&mut self, message: &Dict) -> Result<(), Decline> {
        let is_system = role(message) == "system";
        match message.get("content").ok_or(Decline::MessageShape)? {
            content @ Value::Str(_) if content.is_truthy() => {
                let mut block = text_block(content.clone());
                // A developer's message keeps nothing but its content.
                if let Some(mark) = message.get("cache_control").filter(|_| is_system) {
                    block.set("cache_control", mark.clone());
                }
                self.system.push(Value::Dict(block));
            }
            Value::List(parts) => {
                for part in parts {
                    let part = part.as_dict().ok_or(Decline::MessageShape)?;
                    let said = part.get("text").cloned().unwrap_or(Value::None);
                    if word(part, "type") == Some("text") && !said.is_truthy() {
                        continue;
                    }
                    let mut block = Dict::default();
                    block.set("type", part.get("type").cloned().unwrap_or(Value::None));
                    block.set("text", said);
                    if let Some(mark) = part.get("cache_control") {
                        block.set("cache_control", mark.clone());
                    }
                    self.system.push(Value::Dict(block));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Messages of one side in a row become one turn.
    fn add_turns(&mut self, messages: &[Dict]) -> Result<(), Decline> {
        let mut at = 0;
        while at < messages.len() {
            let of_user = messages[at..].iter().take_while(|message| role(message) != "assistant").count();
            let mut content = Vec::new();
            for message in &messages[at..at + of_user] {
                content.extend(user_blocks(message)?);
            }
            self.add("user", content);
            at += of_user;
            let of_assistant = messages[at..].iter().take_while(|message| role(message) == "assistant").count();
            let (mut content, mut used) = (Vec::new(), HashSet::new());
            for message in &messages[at..at + of_assistant] {
                content.extend(assistant_blocks(message, &mut used)?);
            }
            self.add("assistant", content);
            at += of_assistant;
        }
        Ok(())
    }

    fn add(&mut self, role: &str, content: Vec<Value>) {
        if !content.is_empty() {
            let mut turn = Dict::default();
            turn.set("role", text(role));
            turn.set("content", Value::List(content));
            self.turns.push(Value::Dict(turn));
        }
    }

    /// White space at the end of the last turn, if that is the assistant's, would be refused.
    fn trim_prefill(&mut self) -> Result<(), Decline> {
        let Some(Value::Dict(turn)) = self.turns.last_mut() else { return Ok(()) };
        if role(turn) != "assistant" {
            return Ok(());
        }
        let Some(Value::List(blocks)) = turn.get_mut("content") else { return Ok(()) };
        for block in blocks {
            let Value::Dict(block) = block else { continue };
            match word(block, "type") {
                None => return Err(Decline::MessageShape),
                Some("text") => {
                    let said = word(block, "text").ok_or(Decline::MessageShape)?;
                    let trimmed = said.trim_end_matches(is_space).to_owned();
                    block.set("text", Value::Str(Text::Unicode(trimmed)));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Python also takes U+001C to U+001F for white space.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

pub(super) fn word<'a>(dict: &'a Dict, key: &str) -> Option<&'a str> {
    dict.get(key).and_then(Value::as_str)
}

fn role(message: &Dict) -> &str {
    word(message, "role").unwrap_or_default()
}

pub(super) fn text_block(said: Value) -> Dict {
    let mut block = Dict::default();
    block.set("type", text("text"));
    block.set("text", said);
    block
}

/// Adds the mark of the prompt cache that stands on `original`.
pub(super) fn with_mark(mut block: Dict, original: &Dict) -> Value {
    if let Some(mark @ Value::Dict(_)) = original.get("cache_control") {
        block.set("cache_control", mark.clone());
    }
    Value::Dict(block)
}

/// The message with names that Anthropic takes, and with words where it has none.
fn told(message: &Dict, names: &ToolNames) -> Dict {
    let mut told = message.clone();
    if !names.is_empty() {
        rename(&mut told, names);
    }
    if !matches!(role(message), "user" | "assistant") {
        return told;
    }
    match told.get_mut("content") {
        Some(content @ Value::Str(_)) if content.as_str().is_some_and(is_blank) => *content = text(PLACEHOLDER),
        Some(Value::List(parts)) => {
            for part in parts {
                let Value::Dict(part) = part else { continue };
                let is_silent = match part.get("text") {
                    Some(said @ Value::Str(_)) => said.as_str().is_some_and(is_blank),
                    _ => true,
                };
                if word(part, "type") == Some("text") && is_silent {
                    part.set("text", text(PLACEHOLDER));
                }
            }
        }
        _ => {}
    }
    told
}

fn rename(message: &mut Dict, names: &ToolNames) {
    let Some(Value::List(calls)) = message.get_mut("tool_calls") else { return };
    for call in calls {
        let Value::Dict(call) = call else { continue };
        let Some(Value::Dict(function)) = call.get_mut("function") else { continue };
        if let Some(name) = word(function, "name").map(|name| names.sent(name).to_owned()) {
            function.set("name", text(&name));
        }
    }
}

fn user_blocks(message: &Dict) -> Result<Vec<Value>, Decline> {
    if role(message) != "user" {
        return tool_result(message).map(|result| vec![result]);
    }
    match message.get("content").ok_or(Decline::MessageShape)? {
        said @ Value::Str(_) => Ok(vec![with_mark(text_block(said.clone()), message)]),
        Value::List(parts) => {
            let mut blocks = Vec::with_capacity(parts.len());
            for part in parts {
                blocks.extend(user_block(part.as_dict().ok_or(Decline::MessageShape)?)?);
            }
            Ok(blocks)
        }
        _ => Err(Decline::MessageShape),
    }
}

/// Other kinds of parts are left out.
fn user_block(part: &Dict) -> Result<Option<Value>, Decline> {
    let block = match word(part, "type") {
        Some("image_url") => image(part.get("image_url").ok_or(Decline::MessageShape)?)?,
        Some("text") => text_block(part.get("text").cloned().ok_or(Decline::MessageShape)?),
        Some("document") => part.clone(),
        Some("file") => document(part.get("file"))?,
        _ => return Ok(None),
    };
    Ok(Some(with_mark(block, part)))
}

fn tool_result(message: &Dict) -> Result<Value, Decline> {
    let id = match message.get("tool_call_id") {
        // A function's result without an id gets a random one.
        Some(id) if role(message) == "tool" || id.is_truthy() => id.as_str().ok_or(Decline::MessageShape)?,
        _ => return Err(Decline::MessageShape),
    };
    let content = match message.get("content").ok_or(Decline::MessageShape)? {
        said @ Value::Str(_) => said.clone(),
        Value::List(parts) => {
            let mut blocks = Vec::with_capacity(parts.len());
            for part in parts {
                blocks.extend(result_block(part.as_dict().ok_or(Decline::MessageShape)?)?);
            }
            Value::List(blocks)
        }
        _ => return Err(Decline::MessageShape),
    };
    let mut result = Dict::default();
    result.set("type", text("tool_result"));
    result.set("tool_use_id", text(&valid_id(id)));
    result.set("content", content);
    if let Some(mark) = message.get("cache_control") {
        result.set("cache_control", mark.clone());
    }
    Ok(Value::Dict(result))
}

fn result_block(part: &Dict) -> Result<Option<Value>, Decline> {
    let block = match word(part, "type").ok_or(Decline::MessageShape)? {
        "text" => {
            let mut block = text_block(part.get("text").cloned().ok_or(Decline::MessageShape)?);
            if let Some(mark) = part.get("cache_control").filter(|mark| **mark != Value::None) {
                block.set("cache_control", mark.clone());
            }
            return Ok(Some(Value::Dict(block)));
        }
        "image_url" => {
            let given = part.get("image_url").ok_or(Decline::MessageShape)?;
            let url = given.as_str().or_else(|| word(given.as_dict()?, "url")).unwrap_or_default();
            if is_document_uri(url) {
                let mut file = Dict::default();
                file.set("file_data", text(url));
                document(Some(&Value::Dict(file)))?
            } else {
                image(given)?
            }
        }
        "tool_reference" => {
            let mut block = Dict::default();
            block.set("type", text("tool_reference"));
            block.set("tool_name", part.get("tool_name").cloned().ok_or(Decline::MessageShape)?);
            return Ok(Some(Value::Dict(block)));
        }
        "file" => document(part.get("file"))?,
        _ => return Ok(None),
    };
    Ok(Some(with_mark(block, part)))
}

/// An id as Anthropic takes it.
pub(super) fn valid_id(id: &str) -> String {
    let is_valid = |character: &char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    let valid: String = id.chars().map(|character| if is_valid(&character) { character } else { '_' }).collect();
    if valid.is_empty() { "tool_use_id".to_owned() } else { valid }
}
