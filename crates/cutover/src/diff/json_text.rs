//! JSON read without losing its spelling: number text, escapes, key order, doubled keys.
//!
//! A library's value type folds `1`, `1.0` and `1e0` into one and keeps the last of two equal keys;
//! clients with strict parsers notice all of these. The reader is strict (RFC 8259), bounded in depth
//! and borrows from the text.

use std::borrow::Cow;

use super::ValueType;
use crate::hash;

/// A parsed document.
pub type Document<'a> = Node<'a>;

/// One value with the text it was read from.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// The value's own text, without the space around it.
    pub text: &'a str,
    /// The value.
    pub value: Value<'a>,
    /// Equal for values that are equal but for spelling and key order; used to align, never to decide.
    pub(crate) meaning: u64,
}

/// A JSON value.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; its digits are the node's text.
    Number,
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// Elements in order.
    Array(Vec<Node<'a>>),
    /// Members in order, doubled keys included.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl Node<'_> {
    /// The value's type.
    pub fn value_type(&self) -> ValueType {
        match self.value {
            Value::Null => ValueType::Null,
            Value::Bool(_) => ValueType::Bool,
            Value::Number => ValueType::Number,
            Value::String(_) => ValueType::String,
            Value::Array(_) => ValueType::Array,
            Value::Object(_) => ValueType::Object,
        }
    }

    /// What a person is shown: a string's characters, else the JSON text.
    pub fn shown(&self) -> &str {
        match &self.value {
            Value::String(text) => text,
            _ => self.text,
        }
    }

    /// The member of an object; the last one where a key is doubled, as most readers have it.
    pub fn member(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Object(members) => members.iter().rev().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }
}

/// Why a text is no JSON document for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, from this byte on.
    #[error("not JSON at byte {0}")]
    Syntax(usize),
    /// JSON, but nested deeper than the limit.
    #[error("nested deeper than the limit")]
    TooDeep,
}

/// Reads one document.
pub fn parse(text: &str, depth_max: usize) -> Result<Document<'_>, JsonError> {
    let mut reader = Reader { text, at: 0, depth_left: depth_max };
    reader.skip_space();
    let node = reader.node()?;
    reader.skip_space();
    if reader.at == text.len() { Ok(node) } else { Err(reader.wrong()) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth_left: usize,
}

impl<'a> Reader<'a> {
    fn wrong(&self) -> JsonError {
        JsonError::Syntax(self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.wrong())
        }
    }

    fn node(&mut self) -> Result<Node<'a>, JsonError> {
        let start = self.at;
        let (value, meaning) = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => {
                let text = self.string()?;
                let meaning = hash::fields(&[b"s", text.as_bytes()]);
                (Value::String(text), meaning)
            }
            Some(b'n') => self.word("null", Value::Null)?,
            Some(b't') => self.word("true", Value::Bool(true))?,
            Some(b'f') => self.word("false", Value::Bool(false))?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.wrong()),
        };
        Ok(Node { text: &self.text[start..self.at], value, meaning })
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<(Value<'a>, u64), JsonError>,
    ) -> Result<(Value<'a>, u64), JsonError> {
        self.depth_left = self.depth_left.checked_sub(1).ok_or(JsonError::TooDeep)?;
        self.at += 1;
        self.skip_space();
        let result = read(self);
        self.depth_left += 1;
        result
    }

    fn object(&mut self) -> Result<(Value<'a>, u64), JsonError> {
        let mut members = Vec::new();
        // A sum does not depend on order, so objects that differ in key order only mean the same.
        let mut meaning = hash::fields(&[b"o"]);
        if self.peek() != Some(b'}') {
            loop {
                let key = self.string()?;
                self.skip_space();
                self.take(b':')?;
                self.skip_space();
                let node = self.node()?;
                meaning = meaning.wrapping_add(hash::fold(hash::fields(&[key.as_bytes()]), node.meaning));
                members.push((key, node));
                self.skip_space();
                if self.peek() != Some(b',') {
                    break;
                }
                self.at += 1;
                self.skip_space();
            }
        }
        self.take(b'}')?;
        Ok((Value::Object(members), meaning))
    }

    fn array(&mut self) -> Result<(Value<'a>, u64), JsonError> {
        let mut elements = Vec::new();
        let mut meaning = hash::fields(&[b"a"]);
        if self.peek() != Some(b']') {
            loop {
                let node = self.node()?;
                meaning = hash::fold(meaning, node.meaning);
                elements.push(node);
                self.skip_space();
                if self.peek() != Some(b',') {
                    break;
                }
                self.at += 1;
                self.skip_space();
            }
        }
        self.take(b']')?;
        Ok((Value::Array(elements), meaning))
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<(Value<'a>, u64), JsonError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.wrong());
        }
        self.at += word.len();
        Ok((value, hash::fields(&[b"w", word.as_bytes()])))
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.wrong()) }
    }

    fn number(&mut self) -> Result<(Value<'a>, u64), JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let rounded: f64 = self.text[start..self.at].parse().unwrap_or(f64::NAN);
        // Zero and minus zero mean the same.
        Ok((Value::Number, hash::fields(&[b"n", &(rounded + 0.0).to_bits().to_le_bytes()])))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.take(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.wrong()),
            }
        }
        self.at += 1;
        let inside = &self.text[start..self.at - 1];
        if !escaped {
            return Ok(Cow::Borrowed(inside));
        }
        // Escapes are rare and their rules (surrogate pairs) are serde_json's to know.
        let quoted = &self.text[start - 1..self.at];
        serde_json::from_str(quoted).map(Cow::Owned).map_err(|_| JsonError::Syntax(start))
    }
}
