//! The message that a stream's events add up to, for the kinds of streams that clients fold.

use serde_json::{Map, Value};

use super::Event;

/// Folds the events of an Anthropic Messages stream or of a chat-completions stream; `None` for any other.
///
/// Shape   Messages: the `message` object with whole content blocks, a tool's `input` as the JSON it spells; chat: the
///         first chunk with whole messages in `choices`. An error event is kept under `error`.
pub fn fold(events: &[Event<'_>]) -> Option<Value> {
    let read = events.iter().filter_map(|event| serde_json::from_str::<Value>(event.data.as_deref()?).ok());
    let mut fold = None;
    for data in read.filter(Value::is_object) {
        if fold.is_none() {
            fold = Fold::beginning_with(&data);
        }
        if let Some(fold) = &mut fold {
            fold.take_in(data);
        }
    }
    fold.map(Fold::finish)
}

/// Content blocks or choices beyond this index are left to the comparison of events.
const INDEX_MAX: usize = 4096;

enum Fold {
    Messages(Map<String, Value>),
    Chat(Map<String, Value>),
}

impl Fold {
    fn beginning_with(data: &Value) -> Option<Self> {
        match (text_of(data, "type"), text_of(data, "object")) {
            ("message_start", _) => Some(Self::Messages(Map::new())),
            (_, "chat.completion.chunk") => Some(Self::Chat(Map::new())),
            _ => None,
        }
    }

    fn take_in(&mut self, data: Value) {
        match self {
            Self::Messages(message) => messages(message, data),
            Self::Chat(chat) => chat_chunk(chat, data),
        }
    }

    fn finish(self) -> Value {
        match self {
            Self::Messages(mut message) => {
                for block in list(&mut message, "content").into_iter().flatten() {
                    read_input(block);
                }
                Value::Object(message)
            }
            Self::Chat(chat) => Value::Object(chat),
        }
    }
}

fn messages(message: &mut Map<String, Value>, mut data: Value) {
    let index = index_of(&data, 0);
    match text_of(&data, "type") {
        "message_start" => {
            if let Value::Object(started) = data["message"].take() {
                message.extend(started);
            }
        }
        "content_block_start" => {
            if let Some(place) = list(message, "content").and_then(|content| place(content, index)) {
                *place = data["content_block"].take();
            }
        }
        "content_block_delta" => {
            let block = list(message, "content").and_then(|content| object_at(content, index));
            if let (Some(block), Value::Object(delta)) = (block, data["delta"].take()) {
                block_delta(block, delta);
            }
        }
        "message_delta" => {
            if let Value::Object(delta) = data["delta"].take() {
                message.extend(delta);
            }
            if let (Some(known), Value::Object(usage)) = (object(message, "usage"), data["usage"].take()) {
                known.extend(usage);
            }
        }
        "error" => {
            message.insert("error".to_owned(), data["error"].take());
        }
        _ => {}
    }
}

fn block_delta(block: &mut Map<String, Value>, mut delta: Map<String, Value>) {
    let kind = delta.remove("type");
    if kind.as_ref().and_then(Value::as_str) == Some("citations_delta") {
        if let Some(citations) = list(block, "citations") {
            citations.extend(delta.remove("citation"));
        }
        return;
    }
    // A tool's input comes as pieces of JSON beside the empty object that its block started with.
    append_all(block, delta);
}

fn read_input(block: &mut Value) {
    let Value::Object(block) = block else { return };
    let Some(Value::String(spelt)) = block.get("partial_json") else { return };
    if let Ok(input) = serde_json::from_str::<Value>(spelt) {
        block.remove("partial_json");
        block.insert("input".to_owned(), input);
    }
}

fn chat_chunk(chat: &mut Map<String, Value>, data: Value) {
    let Value::Object(data) = data else { return };
    for (key, value) in data {
        match (key.as_str(), value) {
            ("choices", Value::Array(choices)) => {
                let Some(known) = list(chat, "choices") else { continue };
                for (at, choice) in choices.into_iter().enumerate() {
                    let index = index_of(&choice, at);
                    if let (Some(known), Value::Object(choice)) = (object_at(known, index), choice) {
                        merge_choice(known, choice);
                    }
                }
            }
            (_, value) => replace(chat, key, value),
        }
    }
}

fn merge_choice(known: &mut Map<String, Value>, choice: Map<String, Value>) {
    for (key, value) in choice {
        match (key.as_str(), value) {
            ("delta", Value::Object(delta)) => {
                if let Some(message) = object(known, "message") {
                    merge_delta(message, delta);
                }
            }
            ("logprobs", Value::Object(logprobs)) => {
                if let Some(known) = object(known, "logprobs") {
                    append_all(known, logprobs);
                }
            }
            (_, value) => replace(known, key, value),
        }
    }
}

fn merge_delta(message: &mut Map<String, Value>, delta: Map<String, Value>) {
    for (key, value) in delta {
        match (key.as_str(), value) {
            ("tool_calls", Value::Array(calls)) => {
                let Some(known) = list(message, "tool_calls") else { continue };
                for (at, call) in calls.into_iter().enumerate() {
                    let index = index_of(&call, at);
                    if let (Some(known), Value::Object(call)) = (object_at(known, index), call) {
                        merge_call(known, call);
                    }
                }
            }
            ("role", value) => replace(message, key, value),
            (_, value) => append(message, key, value),
        }
    }
}

fn merge_call(known: &mut Map<String, Value>, call: Map<String, Value>) {
    for (key, value) in call {
        match (key.as_str(), value) {
            ("function", Value::Object(function)) => {
                if let Some(known) = object(known, "function") {
                    append_all(known, function);
                }
            }
            (_, value) => replace(known, key, value),
        }
    }
}

/// A null does not undo what was said before.
fn replace(known: &mut Map<String, Value>, key: String, value: Value) {
    if !value.is_null() || !known.contains_key(&key) {
        known.insert(key, value);
    }
}

fn append_all(known: &mut Map<String, Value>, more: Map<String, Value>) {
    more.into_iter().for_each(|(key, value)| append(known, key, value));
}

/// Strings and lists grow; a null changes nothing; anything else is replaced.
fn append(known: &mut Map<String, Value>, key: String, value: Value) {
    match (known.get_mut(&key), value) {
        (Some(Value::String(before)), Value::String(more)) => before.push_str(&more),
        (Some(Value::Array(before)), Value::Array(more)) => before.extend(more),
        (Some(_), Value::Null) => {}
        (_, value) => {
            known.insert(key, value);
        }
    }
}

/// The list under a key, made where there is none; `None` where something else is in its place.
fn list<'a>(object: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Vec<Value>> {
    object.entry(key).or_insert_with(|| Value::Array(Vec::new())).as_array_mut()
}

/// The object under a key, likewise.
fn object<'a>(object: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    object.entry(key).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

/// The object at an index of a list, likewise.
fn object_at(list: &mut Vec<Value>, index: usize) -> Option<&mut Map<String, Value>> {
    let place = place(list, index)?;
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    place.as_object_mut()
}

/// A member that says where its owner belongs; else its place in the list.
fn index_of(value: &Value, otherwise: usize) -> usize {
    value.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok()).unwrap_or(otherwise)
}

fn place(list: &mut Vec<Value>, index: usize) -> Option<&mut Value> {
    if index > INDEX_MAX {
        return None;
    }
    if list.len() <= index {
        list.resize(index + 1, Value::Null);
    }
    list.get_mut(index)
}

fn text_of<'a>(data: &'a Value, key: &str) -> &'a str {
    data.get(key).and_then(Value::as_str).unwrap_or_default()
}
