//! The values that PyYAML's `safe_load` can give, kept faithfully enough for Python's `str()` and `json.dumps()`.
//!
//! A deployment's id is a hash over those spellings, so `True`, `1e300`, a date and a 20-digit integer must all survive.

mod text;

pub use text::{NotJson, json_dumps, repr, str_of};

/// Where a value was written: an index into the files read, and a line counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub file: u16,
    pub line: u32,
}

/// A value with its place and identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub value: Value,
    pub place: Place,
    /// Equal for every use of one anchor, as Python's `id()` would be. LiteLLM writes into such shared objects.
    pub object: u64,
}

/// A Python object as a YAML file can spell it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// Decimal digits, perhaps with `-`, of an integer outside `i64`.
    LongInt(String),
    Float(f64),
    Text(String),
    Date(Date),
    DateTime(DateTime),
    Bytes(Vec<u8>),
    List(Vec<Node>),
    Dict(Dict),
}

/// `datetime.date`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

/// `datetime.datetime`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    pub date: Date,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub microsecond: u32,
    /// Minutes east of UTC; None is a naive time.
    pub offset_minutes: Option<i16>,
}

/// `dict`: insertion-ordered, unique keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dict {
    entries: Vec<(Value, Node)>,
}

impl Node {
    pub fn new(value: Value, place: Place) -> Self {
        Self { value, place, object: 0 }
    }

    pub fn is_none(&self) -> bool {
        self.value == Value::None
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn dict(&self) -> Option<&Dict> {
        match &self.value {
            Value::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }
}

impl Value {
    /// Python's truth: `None`, `False`, zero and everything empty are false.
    pub fn is_true(&self) -> bool {
        match self {
            Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Dict(dict) => !dict.is_empty(),
            Value::LongInt(_) | Value::Date(_) | Value::DateTime(_) => true,
        }
    }

    /// `type(value).__name__`
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::LongInt(_) => "int",
            Value::Float(_) => "float",
            Value::Text(_) => "str",
            Value::Date(_) => "date",
            Value::DateTime(_) => "datetime",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Dict(_) => "dict",
        }
    }

    /// As JSON, for the engine: dates and overlong integers become their `str()`, NaN and infinities `null`.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Value::None => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Json::from(*value),
            Value::Float(value) => serde_json::Number::from_f64(*value).map_or(Json::Null, Json::Number),
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(|item| item.value.to_json()).collect()),
            Value::Dict(dict) => Json::Object(dict.to_json()),
            Value::LongInt(_) | Value::Date(_) | Value::DateTime(_) | Value::Bytes(_) => Json::String(str_of(self)),
        }
    }

    /// Whether Python would take both for the same `dict` key: `1`, `1.0` and `True` are one.
    fn same_key(&self, other: &Value) -> bool {
        match (self.as_key_number(), other.as_key_number()) {
            (Some(left), Some(right)) => left == right,
            (None, None) => self == other,
            _ => false,
        }
    }

    fn as_key_number(&self) -> Option<f64> {
        match self {
            Value::Bool(value) => Some(f64::from(u8::from(*value))),
            // Beyond 2^53 two integers could share a double; such keys do not occur in a configuration.
            Value::Int(value) => Some(*value as f64),
            Value::Float(value) => Some(*value),
            _ => None,
        }
    }
}

impl Dict {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Value, &Node)> {
        self.entries.iter().map(|(key, node)| (key, node))
    }

    /// Entries whose key is text, which is all of them in any configuration that LiteLLM can start with.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.entries.iter().filter_map(|(key, node)| match key {
            Value::Text(name) => Some((name.as_str(), node)),
            _ => None,
        })
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.entries.iter_mut().map(|(_, node)| node)
    }

    pub fn get(&self, name: &str) -> Option<&Node> {
        self.named().find(|(key, _)| *key == name).map(|(_, node)| node)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.entries.iter_mut().find(|(key, _)| matches!(key, Value::Text(text) if text == name)).map(|(_, node)| node)
    }

    /// Like `dict[key] = value`: a known key keeps its position.
    pub fn insert(&mut self, key: Value, node: Node) {
        match self.entries.iter_mut().find(|(known, _)| known.same_key(&key)) {
            Some((_, slot)) => *slot = node,
            None => self.entries.push((key, node)),
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<Node> {
        let index = self.entries.iter().position(|(key, _)| matches!(key, Value::Text(text) if text == name))?;
        Some(self.entries.remove(index).1)
    }

    /// Keys that are not text are spelt as `str()` spells them.
    pub fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        self.iter().map(|(key, node)| (str_of(key), node.value.to_json())).collect()
    }
}
