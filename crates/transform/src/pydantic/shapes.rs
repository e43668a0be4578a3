//! Declared shapes of JSON: what pydantic's lax mode accepts and makes of it, and what OpenAI's SDK makes of answers, which it
//! never refuses.
//!
//! Source: pydantic 2; OpenAI's SDK 2.54.0 `_models.py` `construct_type`, `BaseModel.construct`.

use super::coerce::{as_float, as_integer};
use crate::python::{Dict, Text, Value};

/// The declared type of a value.
#[derive(Debug)]
pub(crate) enum Shape {
    Any,
    Text,
    Integer,
    Float,
    /// `Literal`
    Word(&'static [&'static str]),
    Mapping,
    List(&'static Shape),
    /// A list, or null for an empty one.
    ListOrNull(&'static Shape),
    Nullable(&'static Shape),
    Object(&'static Object),
    /// One of several objects, which their `type` tells apart.
    OneOf(&'static [&'static Object]),
}

/// A model, or a typed dict.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) fields: &'static [Field],
    /// Whether keys that aren't declared are kept; those of typed dicts are dropped.
    pub(crate) is_open: bool,
}

#[derive(Debug)]
pub(crate) struct Field {
    name: &'static str,
    shape: Shape,
    is_required: bool,
}

pub(crate) const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, is_required: true }
}

pub(crate) const fn optional(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, is_required: false }
}

pub(crate) const fn open(fields: &'static [Field]) -> Object {
    Object { fields, is_open: true }
}

pub(crate) const fn closed(fields: &'static [Field]) -> Object {
    Object { fields, is_open: false }
}

impl Shape {
    /// Whether pydantic takes the value for this.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Text => matches!(value, Value::Str(_)),
            Self::Integer => matches!(value, Value::Int(_)) || as_integer(value).is_ok(),
            Self::Float => as_float(value).is_ok(),
            Self::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Mapping => value.as_dict().is_some(),
            Self::List(items) => value.as_list().is_some_and(|list| list.iter().all(|item| items.accepts(item))),
            Self::ListOrNull(items) => *value == Value::None || Self::List(items).accepts(value),
            Self::Nullable(shape) => *value == Value::None || shape.accepts(value),
            Self::Object(object) => value.as_dict().is_some_and(|dict| object.accepts(dict)),
            Self::OneOf(objects) => {
                value.as_dict().is_some_and(|dict| objects.iter().any(|object| object.accepts(dict)))
            }
        }
    }

    /// What pydantic makes of a value that it accepts; nulls are left out of objects, as they are when LiteLLM writes them.
    pub(crate) fn validated(&self, value: &Value) -> Option<Value> {
        self.accepts(value).then(|| self.coerced(value.clone(), false))
    }

    fn coerced(&self, value: Value, keeps_nulls: bool) -> Value {
        match (self, value) {
            (Self::Integer, value @ Value::Int(_)) => value,
            (Self::Integer, value) => as_integer(&value).map(Value::Int).unwrap_or(value),
            (Self::Float, value) => as_float(&value).map(Value::Float).unwrap_or(value),
            (Self::ListOrNull(_), Value::None) => Value::List(Vec::new()),
            (Self::List(items) | Self::ListOrNull(items), Value::List(list)) => {
                Value::List(list.into_iter().map(|item| items.coerced(item, keeps_nulls)).collect())
            }
            (Self::Nullable(_), Value::None) => Value::None,
            (Self::Nullable(shape), value) => shape.coerced(value, keeps_nulls),
            (Self::Object(object), Value::Dict(dict)) => {
                Value::Dict(object.ordered(dict, keeps_nulls, |shape, value| shape.coerced(value, keeps_nulls)))
            }
            (Self::OneOf(objects), Value::Dict(dict)) => match objects.iter().find(|object| object.accepts(&dict)) {
                Some(object) => {
                    let coerced = |shape: &Shape, value| shape.coerced(value, keeps_nulls);
                    Value::Dict(object.ordered(dict, keeps_nulls, coerced))
                }
                None => Value::Dict(dict),
            },
            (_, value) => value,
        }
    }

    /// The declared integers of an object that are given, in the order of their declaration.
    pub(crate) fn integers<'a>(&self, value: &'a Value) -> Vec<(&'static str, &'a Value)> {
        let (Self::Object(object), Value::Dict(dict)) = (self, value) else { return Vec::new() };
        let is_integer = |field: &&Field| matches!(field.shape, Self::Nullable(Self::Integer));
        let fields = object.fields.iter().filter(is_integer);
        let given = fields.filter_map(|field| Some((field.name, dict.get(field.name)?)));
        given.filter(|(_, value)| **value != Value::None).collect()
    }

    /// Whether an object has a field of this name.
    pub(crate) fn declares(&self, name: &str) -> bool {
        matches!(self, Self::Object(object) if object.fields.iter().any(|field| field.name == name))
    }

    /// Puts declared keys into the order of their declaration, in front of the others.
    pub(crate) fn reordered(&self, dict: &mut Dict) {
        if let Self::Object(object) = self {
            *dict = object.ordered(std::mem::take(dict), false, |_, value| value);
        }
    }

    /// What OpenAI's SDK makes of a value of an answer and dumps again: declared fields first and all of them, what it knows in the
    /// type it should have if all around it is right, anything else as it came.
    pub(crate) fn constructed(&self, value: Value) -> Value {
        match (self, value) {
            (Self::Nullable(_), value) if self.accepts(&value) => self.coerced(value, true),
            (Self::Nullable(shape), value) => shape.constructed(value),
            (Self::List(items) | Self::ListOrNull(items), Value::List(list)) => {
                Value::List(list.into_iter().map(|item| items.constructed(item)).collect())
            }
            (Self::Float, Value::Int(integer)) => match integer.to_float() {
                Some(float) if format!("{float:.0}") == integer.digits() => Value::Float(float),
                _ => Value::Int(integer),
            },
            (Self::Float, Value::Bool(bool)) => Value::Float(f64::from(u8::from(bool))),
            (Self::Object(object), value) => object.constructed(value),
            (Self::OneOf(objects), Value::Dict(dict)) => {
                let is_named = |object: &&&Object| {
                    let kind = object.fields.iter().find(|field| field.name == "type").map(|field| &field.shape);
                    let named = dict.get("type").unwrap_or(&Value::None);
                    kind.is_some_and(|kind| kind.accepts(named))
                };
                if objects.iter().any(|object| object.accepts(&dict)) {
                    return self.coerced(Value::Dict(dict), true);
                }
                match objects.iter().find(is_named).or(objects.first()) {
                    Some(object) => object.constructed(Value::Dict(dict)),
                    None => Value::Dict(dict),
                }
            }
            (Self::OneOf([first, ..]), value) => first.constructed(value),
            (_, value) => value,
        }
    }
}

impl Object {
    fn accepts(&self, dict: &Dict) -> bool {
        self.fields.iter().all(|field| match dict.get(field.name) {
            Some(value) => field.shape.accepts(value),
            None => !field.is_required,
        })
    }

    fn constructed(&self, value: Value) -> Value {
        match value {
            Value::Dict(dict) => Value::Dict(self.ordered(dict, true, |shape, value| match value {
                Value::None => Value::None,
                value => shape.constructed(value),
            })),
            Value::List(list) => Value::List(
                list.into_iter()
                    .map(|item| if item.as_dict().is_some() { self.constructed(item) } else { item })
                    .collect(),
            ),
            value => value,
        }
    }

    fn ordered(&self, dict: Dict, keeps_nulls: bool, each: impl Fn(&Shape, Value) -> Value) -> Dict {
        let mut given = dict.into_pairs();
        let mut told = Vec::with_capacity(given.len().max(self.fields.len()));
        let is_told = |value: &Value| keeps_nulls || *value != Value::None;
        for field in self.fields {
            match given.iter().position(|(key, _)| key.as_str() == Some(field.name)) {
                Some(at) => {
                    let (key, value) = given.remove(at);
                    let value = each(&field.shape, value);
                    told.extend(is_told(&value).then_some((key, value)));
                }
                None if keeps_nulls => told.push((Text::from(field.name), Value::None)),
                None => {}
            }
        }
        if self.is_open {
            told.extend(given.into_iter().filter(|(_, value)| is_told(value)));
        }
        Dict::from_distinct(told)
    }
}
