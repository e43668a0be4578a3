//! A streamed answer put together again, as far as LiteLLM counts its tokens.
//!
//! Source: LiteLLM 1.102.4 `main.py` `stream_chunk_builder`, `litellm_core_utils/streaming_chunk_builder_utils.py`,
//! `litellm_core_utils/prompt_templates/common_utils.py` `get_content_from_model_response`.

use std::collections::BTreeMap;

use crate::cost_calculator::openai::Citations;
use crate::litellm_core_utils::token_counter::{TokenCounter, Uncounted};
use crate::python::json_encode::orjson_dumps;
use crate::python::{Dict, Text, Value};

/// What was streamed so far.
#[derive(Debug, Default)]
pub(crate) struct Assembled {
    is_rich: bool,
    /// Of the first choices alone.
    plain: String,
    /// Of all choices, once there was more than one.
    contents: Option<String>,
    reasoning: Option<String>,
    function_call: Option<(Value, String)>,
    tool_calls: BTreeMap<i64, ToolCall>,
    /// Something that LiteLLM reads in a way that isn't reproduced.
    is_odd: bool,
    /// LiteLLM raises over it.
    fails: bool,
    /// And over this, if there was more than text.
    has_odd_content: bool,
    is_named: bool,
    has_id: bool,
    citations: Citations,
}

#[derive(Debug, Default)]
struct ToolCall {
    id: String,
    kind: String,
    name: String,
    arguments: String,
    custom_name: String,
    custom_input: String,
}

/// One of these, and an answer is more than text.
const RICH: [&str; 8] = [
    "tool_calls",
    "function_call",
    "reasoning_content",
    "thinking_blocks",
    "annotations",
    "audio",
    "images",
    "provider_specific_fields",
];

impl Assembled {
    /// Takes the names of a chunk: the first ones have to be texts.
    pub(crate) fn name(&mut self, id: Option<&Value>, fingerprint: Option<&Value>) {
        let is_odd = |name: Option<&Value>| name.is_some_and(|name| !matches!(name, Value::None | Value::Str(_)));
        if !std::mem::replace(&mut self.is_named, true) {
            self.fails |= is_odd(fingerprint);
        }
        if !self.has_id && id.is_some_and(Value::is_truthy) {
            self.has_id = true;
            self.fails |= is_odd(id);
        }
    }

    /// Takes the choices of a chunk as they were written.
    pub(crate) fn add(&mut self, choices: &[Dict]) {
        let deltas = || choices.iter().filter_map(|choice| choice.get("delta")?.as_dict());
        let Some(first) = deltas().next() else { return };
        let is_given = |key: &str| first.get(key).is_some_and(|value| *value != Value::None);
        self.is_rich |= RICH.into_iter().any(is_given);
        if choices.len() > 1 {
            self.contents.get_or_insert_with(|| self.plain.clone());
        }
        self.plain.push_str(content(first));
        let is_text = |value: &Value| matches!(value, Value::None | Value::Str(_));
        let is_odd = |key: &str| deltas().any(|delta| delta.get(key).is_some_and(|value| !is_text(value)));
        self.has_odd_content |= is_given("content") && is_odd("content");
        self.fails |= is_given("reasoning_content") && is_odd("reasoning_content");
        let is_number = |value: &Value| matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_));
        let is_uncountable = |key: &str| first.get(key).is_some_and(is_number);
        self.fails |= is_uncountable("annotations") || is_uncountable("images");
        self.fails |= is_given("audio") && deltas().filter_map(|delta| delta.get("audio")).any(is_broken_audio);
        self.fails |= is_given("thinking_blocks")
            && deltas().filter_map(|delta| delta.get("thinking_blocks")?.as_list()).flatten().any(is_broken_thought);
        first.get("annotations").into_iter().for_each(|annotations| self.citations.add(annotations));
        if let Some(contents) = self.contents.as_mut().filter(|_| is_given("content")) {
            deltas().for_each(|delta| contents.push_str(content(delta)));
        }
        if is_given("reasoning_content") {
            for delta in deltas() {
                let words = delta.get("reasoning_content").and_then(Value::as_str).unwrap_or_default();
                self.reasoning.get_or_insert_default().push_str(words);
            }
        }
        if is_given("function_call") {
            let is_odd = |call: &Value| call.is_truthy() && call.as_dict().is_none();
            self.fails |= first.get("function_call").is_some_and(|call| call.as_dict().is_none())
                || deltas().filter_map(|delta| delta.get("function_call")).any(is_odd);
            deltas().filter_map(|delta| delta.get("function_call")?.as_dict()).for_each(|call| self.function(call));
        }
        if is_given("tool_calls") {
            self.fails |= deltas().any(|delta| delta.get("tool_calls").is_none_or(is_number));
            let calls = deltas().filter_map(|delta| delta.get("tool_calls")?.as_list());
            calls.flatten().filter_map(Value::as_dict).for_each(|call| self.tool(call));
        }
    }

    fn function(&mut self, call: &Dict) {
        let name = call.get("name").cloned().unwrap_or(Value::None);
        let (_, arguments) = self.function_call.get_or_insert((name, String::new()));
        match call.get("arguments").and_then(Value::as_str) {
            Some(more) => arguments.push_str(more),
            None => self.fails = true,
        }
    }

    fn tool(&mut self, call: &Dict) {
        let part = |key: &str| call.get(key).and_then(Value::as_dict);
        let (function, custom) = (part("function"), part("custom"));
        if function.is_none() && custom.is_none() {
            return;
        }
        let index = match call.get("index") {
            Some(Value::Int(index)) => index.digits().parse().ok(),
            _ => None,
        };
        let has_specific_fields =
            |part: Option<&Dict>| part.is_some_and(|part| part.get("provider_specific_fields").is_some());
        self.is_odd |= index.is_none() || has_specific_fields(Some(call)) || has_specific_fields(function);
        let known = self.tool_calls.entry(index.unwrap_or_default()).or_default();
        let replace = |old: &mut String, part: Option<&Dict>, key: &str| {
            let new = part.and_then(|part| part.get(key)?.as_str()).filter(|new| !new.is_empty());
            if let Some(new) = new {
                new.clone_into(old);
            }
        };
        replace(&mut known.id, Some(call), "id");
        replace(&mut known.kind, Some(call), "type");
        replace(&mut known.name, function, "name");
        replace(&mut known.custom_name, custom, "name");
        let text = |part: Option<&Dict>, key: &str| part.and_then(|part| part.get(key)?.as_str()).map(str::to_owned);
        known.arguments.push_str(&text(function, "arguments").unwrap_or_default());
        known.custom_input.push_str(&text(custom, "input").unwrap_or_default());
    }

    /// Whether LiteLLM can't put the answer together: it counts nothing then, and prices nothing.
    pub(crate) fn fails(&self) -> bool {
        self.fails || (self.is_rich && self.has_odd_content)
    }

    /// What its annotations come to: those of the first choices, whichever these are.
    pub(crate) fn citations(&self) -> Citations {
        self.citations
    }

    /// What reasoning counts for: nothing if there was but text, `None` if nobody says.
    pub(crate) fn reasoning_tokens(&self) -> Option<u64> {
        match &self.reasoning {
            _ if !self.is_rich => Some(0),
            Some(words) if !words.is_empty() => TokenCounter::DEFAULT.text(&Text::from(words.as_str())).ok(),
            _ => None,
        }
    }

    /// The tokens of all that was said.
    pub(crate) fn completion_tokens(&self, counter: &TokenCounter) -> Result<u64, Uncounted> {
        if self.is_odd {
            return Err(Uncounted::NotReproduced);
        }
        let mut said = self.contents.as_ref().filter(|_| self.is_rich).unwrap_or(&self.plain).clone();
        if let Some((name, arguments)) = &self.function_call {
            said.push_str(&object(&[("arguments", text(arguments)), ("name", name.clone())])?);
        }
        for call in self.tool_calls.values() {
            said.push_str(&call.spelled()?);
        }
        counter.text(&Text::Unicode(said))
    }
}

impl ToolCall {
    /// A call that never got an id or a name isn't one.
    fn spelled(&self) -> Result<String, Uncounted> {
        if self.id.is_empty() || (self.name.is_empty() && self.custom_name.is_empty()) {
            return Ok(String::new());
        }
        if !self.custom_name.is_empty() {
            let custom = dict(&[("name", text(&self.custom_name)), ("input", text(&self.custom_input))]);
            return object(&[("id", text(&self.id)), ("type", text("custom")), ("custom", custom)]);
        }
        let arguments = if self.arguments.is_empty() { "{}" } else { &self.arguments };
        let kind = if self.kind.is_empty() { "function" } else { &self.kind };
        let function = dict(&[("arguments", text(arguments)), ("name", text(&self.name))]);
        object(&[("function", function), ("id", text(&self.id)), ("type", text(kind))])
    }
}

/// Sound that can't be put together: what isn't an object, and data that isn't Base64.
fn is_broken_audio(audio: &Value) -> bool {
    match audio {
        Value::None => false,
        Value::Dict(audio) => audio.get("data").and_then(Value::as_str).is_some_and(|data| !is_base64(data)),
        _ => true,
    }
}

/// `base64.b64decode(data)`, which skips what isn't of the alphabet.
fn is_base64(data: &str) -> bool {
    let (mut place, mut pads) = (0, 0);
    for byte in data.bytes() {
        match byte {
            b'=' if place >= 2 => {
                pads += 1;
                if place + pads >= 4 {
                    return true;
                }
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => {
                (place, pads) = ((place + 1) % 4, 0);
            }
            byte if !byte.is_ascii() => return false,
            _ => {}
        }
    }
    place == 0
}

fn is_broken_thought(thought: &Value) -> bool {
    let Some(thought) = thought.as_dict() else { return true };
    thought.get("thinking").is_some_and(|words| words.is_truthy() && words.as_str().is_none())
}

fn text(words: &str) -> Value {
    Value::Str(Text::from(words))
}

fn dict(pairs: &[(&str, Value)]) -> Value {
    Value::Dict(Dict::from_pairs(pairs.iter().map(|(key, value)| (Text::from(*key), value.clone())).collect()))
}

fn content(delta: &Dict) -> &str {
    delta.get("content").and_then(Value::as_str).unwrap_or_default()
}

/// `model_dump_json()`
fn object(pairs: &[(&str, Value)]) -> Result<String, Uncounted> {
    let written = orjson_dumps(&dict(pairs)).map_err(|_| Uncounted::NotReproduced)?;
    String::from_utf8(written).map_err(|_| Uncounted::NotReproduced)
}
