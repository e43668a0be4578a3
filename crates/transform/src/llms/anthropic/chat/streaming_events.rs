//! The events of a stream, each made a chunk of OpenAI's kind.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/chat/handler.py` `ModelResponseIterator.chunk_parser`. Whatever an event holds is read
//! as Python reads it, so an odd one fails where it fails there.

use super::content::text;
use super::parameters::JSON_TOOL;
use super::streaming_tools::{Opened, ServerTools, call_delta, checked_call};
use super::transformation::Reading;
use super::usage::{Answered, ChatUsage, NoUsage};
use crate::llms::openai::chat::finish_reasons::mapped;
use crate::python::json_decode::loads;
use crate::python::json_encode::json_dumps;
use crate::python::subscript::{contains, get, item};
use crate::python::{Dict, Integer, Text, Value, repr, type_name};

/// Nesting up to which an event is read.
pub(super) const EVENT_DEPTH_MAX: usize = 900;

/// Why an event can't be read.
#[derive(Debug, PartialEq)]
pub(super) enum Unread {
    /// Anthropic says that it failed.
    Provider(String),
    /// A `ValueError`; whoever read the line adds it.
    Value(String),
    /// Any other exception of Python's.
    Other(String),
}

impl From<NoUsage> for Unread {
    fn from(no_usage: NoUsage) -> Self {
        match no_usage {
            NoUsage::Invalid(words) => Self::Value(words),
            NoUsage::Other(words) => Self::Other(words),
        }
    }
}

impl From<String> for Unread {
    fn from(words: String) -> Self {
        Self::Other(words)
    }
}

/// What an event says.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub chunk: Dict,
    pub usage: Option<ChatUsage>,
}

/// The parts of a chunk on their way.
#[derive(Default)]
struct Parts {
    text: Option<Value>,
    call: Option<Dict>,
    thinking_blocks: Option<Vec<Value>>,
    reasoning: Option<Text>,
    fields: Dict,
    finish: Option<&'static str>,
    usage: Option<(Dict, ChatUsage)>,
}

/// What of a stream later events depend on.
#[derive(Debug)]
pub(super) struct EventReader {
    reading: Reading,
    counts: bool,
    /// The deltas of the block that is open but for its text.
    deltas: Vec<Value>,
    block: Option<Value>,
    calls: i64,
    server_tools: ServerTools,
    compaction_blocks: Vec<Value>,
    reasoning: String,
    is_response_format: bool,
    has_response_format: bool,
}

impl EventReader {
    /// `counts` says whether thinking may have to be counted.
    pub(super) fn new(reading: Reading, counts: bool) -> Self {
        Self {
            reading,
            counts,
            deltas: Vec::new(),
            block: None,
            calls: 0,
            server_tools: ServerTools::default(),
            compaction_blocks: Vec::new(),
            reasoning: String::new(),
            is_response_format: false,
            has_response_format: false,
        }
    }

    pub(super) fn read(&mut self, event: &Value) -> Result<Said, Unread> {
        let mut parts = Parts::default();
        match get(event, "type")?.and_then(Value::as_str) {
            Some("content_block_delta") => self.delta(event, &mut parts)?,
            Some("content_block_start") => self.block_start(event, &mut parts)?,
            Some("content_block_stop") => self.block_stop(&mut parts)?,
            Some("message_delta") => self.message_delta(event, &mut parts)?,
            Some("message_start") => {
                let message = item(event, "message")?;
                if contains(message, "usage")? {
                    parts.usage = Some(self.usage(item(message, "usage")?)?);
                }
            }
            Some("error") => return Err(failure(event)?),
            _ => {}
        }
        self.json_mode(&mut parts)?;
        parts.said()
    }

    fn delta(&mut self, event: &Value, parts: &mut Parts) -> Result<(), Unread> {
        let delta = item(event, "delta")?;
        if contains(delta, "text")? {
            parts.text = Some(item(delta, "text")?.clone());
            return Ok(());
        }
        self.deltas.push(delta.clone());
        if contains(delta, "partial_json")? {
            if self.is_in_call() {
                parts.call = Some(call_delta(self.calls - 1, item(delta, "partial_json")?.clone()));
            }
        } else if contains(delta, "citation")? {
            parts.fields.set("citation", item(delta, "citation")?.clone());
        } else if contains(delta, "thinking")? || contains(delta, "signature")? {
            self.thinking(delta, parts)?;
        } else if contains(delta, "content")? && get(delta, "type")?.and_then(Value::as_str) == Some("compaction_delta")
        {
            let mut compacted = Dict::default();
            compacted.set("type", text("compaction_delta"));
            compacted.set("content", item(delta, "content")?.clone());
            parts.fields.set("compaction_delta", Value::Dict(compacted));
        }
        Ok(())
    }

    /// A thought, or the signature below all thoughts of the block.
    fn thinking(&mut self, delta: &Value, parts: &mut Parts) -> Result<(), Unread> {
        let word = |key: &str| -> Result<Option<Text>, Unread> {
            match get(delta, key)? {
                Some(value @ Value::Str(word)) if value.is_truthy() => Ok(Some(word.clone())),
                _ => Ok(None),
            }
        };
        if let Some(thought) = word("thinking")? {
            if self.counts {
                self.reasoning.push_str(thought.as_str().unwrap_or_default());
            }
            parts.think(thought.clone(), None);
            parts.reasoning = Some(thought);
        }
        if let Some(signature) = word("signature")? {
            let mut thoughts = String::new();
            for delta in &self.deltas {
                thoughts.push_str(get(delta, "thinking")?.and_then(Value::as_str).unwrap_or_default());
            }
            parts.think(Text::Unicode(thoughts), Some(signature));
            parts.reasoning.get_or_insert_with(|| Text::from(""));
        }
        Ok(())
    }

    fn is_in_call(&self) -> bool {
        matches!(self.block.as_ref().and_then(Value::as_str), Some("tool_use" | "server_tool_use"))
    }

    fn block_start(&mut self, event: &Value, parts: &mut Parts) -> Result<(), Unread> {
        if let Some(block) = get(event, "content_block")? {
            get(block, "type")?;
        }
        self.deltas.clear();
        let block = item(event, "content_block")?;
        let kind = item(block, "type")?;
        self.block = Some(kind.clone());
        match kind.as_str() {
            Some("text") => parts.text = Some(item(block, "text")?.clone()),
            Some("tool_use" | "server_tool_use") => self.call_start(block, kind.as_str(), parts)?,
            Some("redacted_thinking") => parts.redact(item(block, "data")?),
            Some("compaction") => {
                self.compaction_blocks.push(block.clone());
                parts.fields.set("compaction_blocks", Value::List(self.compaction_blocks.clone()));
                let mut start = Dict::default();
                start.set("type", text("compaction"));
                start.set("content", get(block, "content")?.cloned().unwrap_or_else(|| text("")));
                parts.fields.set("compaction_start", Value::Dict(start));
            }
            Some(kind) if kind.ends_with("_tool_result") => self.server_tools.result(kind, block, &mut parts.fields)?,
            Some(_) => {}
            None if matches!(kind, Value::Str(_)) => {}
            None => return Err(format!("'{}' object has no attribute 'endswith'", type_name(kind)).into()),
        }
        Ok(())
    }

    fn call_start(&mut self, block: &Value, kind: Option<&str>, parts: &mut Parts) -> Result<(), Unread> {
        self.calls += 1;
        let name = match item(block, "name")? {
            Value::Str(Text::Unicode(name)) => text(self.reading.names.original(name)),
            name => name.clone(),
        };
        let id = item(block, "id")?;
        if kind == Some("server_tool_use") {
            self.server_tools.open(Opened { id, name: &name, input: get(block, "input")? }, &mut parts.fields);
        }
        let mut function = Dict::default();
        function.set("name", name);
        function.set("arguments", text(""));
        let mut call = Dict::default();
        call.set("id", id.clone());
        call.set("type", text("function"));
        call.set("function", Value::Dict(function));
        call.set("index", Value::Int(Integer::from(self.calls - 1)));
        if let Some(caller) = get(block, "caller")?.filter(|caller| caller.is_truthy()) {
            call.set("caller", caller.clone());
        }
        parts.call = Some(call);
        Ok(())
    }

    fn block_stop(&mut self, parts: &mut Parts) -> Result<(), Unread> {
        if self.is_in_call() {
            if self.has_no_arguments()? {
                parts.call = Some(call_delta(self.calls - 1, text("{}")));
            }
            if self.block.as_ref().and_then(Value::as_str) == Some("server_tool_use") {
                self.server_tools.close(&self.deltas)?;
            }
        }
        self.is_response_format = false;
        self.block = None;
        Ok(())
    }

    /// Whether arguments were sent, and all of them empty.
    fn has_no_arguments(&self) -> Result<bool, Unread> {
        let Some(first) = self.deltas.first() else { return Ok(false) };
        if matches!(item(first, "type")?.as_str(), Some("text_delta" | "thinking_delta")) {
            return Ok(false);
        }
        let mut is_empty = true;
        for delta in &self.deltas {
            if item(delta, "type")?.as_str() == Some("input_json_delta") {
                match get(delta, "partial_json")? {
                    None => {}
                    Some(part @ Value::Str(_)) => is_empty &= !part.is_truthy(),
                    Some(other) => {
                        let kind = type_name(other);
                        return Err(format!("can only concatenate str (not \"{kind}\") to str").into());
                    }
                }
            }
        }
        Ok(is_empty)
    }

    fn message_delta(&mut self, event: &Value, parts: &mut Parts) -> Result<(), Unread> {
        let delta = item(event, "delta")?;
        let finish = match get(delta, "stop_reason")?.filter(|reason| reason.is_truthy()) {
            Some(reason @ (Value::List(_) | Value::Dict(_))) => {
                return Err(format!("unhashable type: '{}'", type_name(reason)).into());
            }
            reason => mapped(reason.and_then(Value::as_str).unwrap_or("stop")),
        };
        parts.finish = Some(if self.has_response_format { "stop" } else { finish });
        parts.usage = Some(self.usage(item(event, "usage")?)?);
        if let Some(container) = get(delta, "container")?.filter(|container| container.is_truthy()) {
            parts.fields.set("container", container.clone());
            self.server_tools.contain(container, &mut parts.fields)?;
        }
        Ok(())
    }

    fn usage(&mut self, usage: &Value) -> Result<(Dict, ChatUsage), Unread> {
        let Value::Dict(usage) = usage else {
            return Err(format!("'{}' object has no attribute 'get'", type_name(usage)).into());
        };
        let answered = Answered { reasoning: Some(&self.reasoning), blocks: &[], speed: self.reading.speed.as_deref() };
        let read = ChatUsage::read(usage, &answered)?;
        if let Some(speed) = read.speed.as_ref().and_then(Value::as_str) {
            self.reading.speed = Some(speed.to_owned());
        }
        Ok((usage.clone(), read))
    }

    /// A call of the tool that stands for the client's schema is what the model says.
    fn json_mode(&mut self, parts: &mut Parts) -> Result<(), Unread> {
        let Some(call) = parts.call.as_ref().filter(|_| self.reading.json_mode) else { return Ok(()) };
        let function = call.get("function").and_then(Value::as_dict);
        if call.get("id").is_some_and(|id| *id != Value::None) {
            let name = function.and_then(|function| function.get("name")?.as_str());
            self.is_response_format = name == Some(JSON_TOOL);
        }
        if !self.is_response_format {
            return Ok(());
        }
        if let Some(content) = unwrapped(function.and_then(|function| function.get("arguments")))? {
            parts.text = Some(content);
            parts.call = None;
            self.has_response_format = true;
        }
        Ok(())
    }
}

/// The JSON of a piece of arguments, without the `values` it may be wrapped in; a piece that is no JSON is told as it is.
///
/// Source  LiteLLM 1.102.4 `_convert_tool_response_to_message`
fn unwrapped(arguments: Option<&Value>) -> Result<Option<Value>, Unread> {
    let arguments = match arguments {
        None | Some(Value::None) => return Ok(None),
        Some(Value::Str(Text::Unicode(arguments))) => arguments,
        Some(surrogates @ Value::Str(_)) => return Ok(Some(surrogates.clone())),
        Some(other) => {
            let kind = type_name(other);
            return Err(format!("the JSON object must be str, bytes or bytearray, not {kind}").into());
        }
    };
    let Ok(read) = loads(arguments.as_bytes(), EVENT_DEPTH_MAX) else { return Ok(Some(text(arguments))) };
    let values = read.as_dict().and_then(|read| read.get("values")).filter(|values| **values != Value::None);
    Ok(Some(text(&String::from_utf8_lossy(&json_dumps(values.unwrap_or(&read))))))
}

/// What an error event says.
fn failure(event: &Value) -> Result<Unread, Unread> {
    let error = match get(event, "error")? {
        Some(error) if error.is_truthy() => Some(error),
        _ => None,
    };
    let message = match error {
        Some(error) => get(error, "message")?.filter(|message| message.is_truthy()),
        None => None,
    };
    Ok(Unread::Provider(match message {
        Some(Value::Str(Text::Unicode(message))) => message.clone(),
        Some(other) => repr(other),
        None => repr(event),
    }))
}

impl Parts {
    fn think(&mut self, thought: Text, signature: Option<Text>) {
        let mut block = Dict::default();
        block.set("type", text("thinking"));
        block.set("thinking", Value::Str(thought));
        if let Some(signature) = signature {
            block.set("signature", Value::Str(signature));
        }
        let blocks = vec![Value::Dict(block)];
        self.fields.set("thinking_blocks", Value::List(blocks.clone()));
        self.thinking_blocks = Some(blocks);
    }

    /// Told twice, and only in one place without its null.
    fn redact(&mut self, data: &Value) {
        let mut block = Dict::default();
        block.set("type", text("redacted_thinking"));
        let bare = block.clone();
        block.set("data", data.clone());
        let told = if *data == Value::None { bare } else { block.clone() };
        self.fields.set("thinking_blocks", Value::List(vec![Value::Dict(block)]));
        self.thinking_blocks = Some(vec![Value::Dict(told)]);
    }

    fn said(self) -> Result<Said, Unread> {
        let mut delta = Dict::default();
        delta.set("content", self.text.unwrap_or_else(|| text("")));
        if let Some(call) = self.call {
            delta.set("tool_calls", Value::List(vec![Value::Dict(checked_call(call)?)]));
        }
        if !self.fields.is_empty() {
            delta.set("provider_specific_fields", Value::Dict(self.fields));
        }
        if let Some(blocks) = self.thinking_blocks {
            delta.set("thinking_blocks", Value::List(blocks));
        }
        if let Some(reasoning) = self.reasoning {
            delta.set("reasoning_content", Value::Str(reasoning));
        }
        let mut choice = Dict::default();
        choice.set("index", Value::Int(Integer::from(0)));
        choice.set("delta", Value::Dict(delta));
        if let Some(finish) = self.finish {
            choice.set("finish_reason", text(finish));
        }
        let mut chunk = Dict::default();
        chunk.set("choices", Value::List(vec![Value::Dict(choice)]));
        let usage = self.usage.map(|(given, usage)| {
            chunk.set("usage", Value::Dict(given));
            usage
        });
        Ok(Said { chunk, usage })
    }
}
