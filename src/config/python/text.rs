//! Python's `str()`, `repr()` and `json.dumps()` of a value.
//!
//! Source: CPython 3.11 Objects/unicodeobject.c `unicode_repr`, Lib/json/encoder.py, Lib/datetime.py

use std::fmt::Write;

use super::{Date, DateTime, Dict, Value};

/// `json.dumps` would raise: a key of this type is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotJson {
    pub key_type: &'static str,
}

/// `str(value)`
pub fn str_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Date(date) => date_text(*date),
        Value::DateTime(time) => time_text(*time),
        other => repr(other),
    }
}

/// `json.dumps(value)` with LiteLLM's `default=`, which names the class of what JSON cannot spell.
///
/// Source: litellm/router.py `_json_default_stable_id` @ 1.102.4
pub fn json_dumps(value: &Value) -> Result<String, NotJson> {
    let mut out = String::new();
    write_json(value, &mut out)?;
    Ok(out)
}

/// `repr(value)`
pub fn repr(value: &Value) -> String {
    match value {
        Value::None => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(value) => value.to_string(),
        Value::LongInt(digits) => digits.clone(),
        Value::Float(value) => float_repr(*value),
        Value::Text(text) => text_repr(text),
        Value::Date(date) => format!("datetime.date({}, {}, {})", date.year, date.month, date.day),
        Value::DateTime(time) => time_repr(*time),
        Value::Bytes(bytes) => bytes_repr(bytes),
        Value::List(items) => {
            let parts: Vec<String> = items.iter().map(|item| repr(&item.value)).collect();
            format!("[{}]", parts.join(", "))
        }
        Value::Dict(dict) => dict_repr(dict),
    }
}

fn dict_repr(dict: &Dict) -> String {
    let parts: Vec<String> = dict.iter().map(|(key, node)| format!("{}: {}", repr(key), repr(&node.value))).collect();
    format!("{{{}}}", parts.join(", "))
}

/// `float.__repr__`: the shortest digits that round-trip, scientific below 1e-4 and from 1e16 on.
fn float_repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".to_owned() } else { "-inf".to_owned() };
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{value}");
    if plain.contains('.') { plain } else { format!("{plain}.0") }
}

fn text_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character == quote => {
                out.push('\\');
                out.push(character);
            }
            _ if is_printable(character) => out.push(character),
            _ => push_escape(&mut out, u32::from(character)),
        }
    }
    out.push(quote);
    out
}

fn push_escape(out: &mut String, code: u32) {
    // Writing to a String cannot fail.
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// `str.isprintable`, but for code points that Unicode has not assigned: a wrong guess there shows as a
/// deployment id that the running LiteLLM does not have, and the agreement probe then declines the lane.
fn is_printable(character: char) -> bool {
    let code = u32::from(character);
    !matches!(
        code,
        0..=0x1f | 0x7f..=0xa0 | 0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x1680 | 0x180e
            | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x3000 | 0xe000..=0xf8ff
            | 0xfeff | 0xfff0..=0xfffb | 0xfffe | 0xffff | 0xe0000..=0xe0fff | 0xf0000..=0x10_ffff
    )
}

fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ if char::from(byte) == quote => {
                out.push('\\');
                out.push(quote);
            }
            0x20..=0x7e => out.push(char::from(byte)),
            _ => push_escape(&mut out, u32::from(byte)),
        }
    }
    out.push(quote);
    out
}

fn date_text(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

fn time_text(time: DateTime) -> String {
    let mut out = format!("{} {:02}:{:02}:{:02}", date_text(time.date), time.hour, time.minute, time.second);
    if time.microsecond != 0 {
        let _ = write!(out, ".{:06}", time.microsecond);
    }
    if let Some(offset) = time.offset_minutes {
        let sign = if offset < 0 { '-' } else { '+' };
        let _ = write!(out, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60);
    }
    out
}

fn time_repr(time: DateTime) -> String {
    let Date { year, month, day } = time.date;
    let mut out = format!("datetime.datetime({year}, {month}, {day}, {}, {}", time.hour, time.minute);
    if time.second != 0 || time.microsecond != 0 {
        let _ = write!(out, ", {}", time.second);
    }
    if time.microsecond != 0 {
        let _ = write!(out, ", {}", time.microsecond);
    }
    match time.offset_minutes {
        None => {}
        Some(0) => out.push_str(", tzinfo=datetime.timezone.utc"),
        Some(offset) => {
            let _ = write!(out, ", tzinfo=datetime.timezone({})", timedelta_repr(i32::from(offset) * 60));
        }
    }
    out.push(')');
    out
}

/// `timedelta` keeps seconds in 0..86400 and carries the sign in days.
fn timedelta_repr(seconds: i32) -> String {
    let days = seconds.div_euclid(86_400);
    let rest = seconds.rem_euclid(86_400);
    match (days, rest) {
        (0, _) => format!("datetime.timedelta(seconds={rest})"),
        (_, 0) => format!("datetime.timedelta(days={days})"),
        _ => format!("datetime.timedelta(days={days}, seconds={rest})"),
    }
}

fn write_json(value: &Value, out: &mut String) -> Result<(), NotJson> {
    match value {
        Value::None => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Value::LongInt(digits) => out.push_str(digits),
        Value::Float(value) => out.push_str(&json_float(*value)),
        Value::Text(text) => push_json_text(text, out),
        Value::Date(_) => out.push_str("\"datetime.date\""),
        Value::DateTime(_) => out.push_str("\"datetime.datetime\""),
        Value::Bytes(_) => out.push_str("\"builtins.bytes\""),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_json(&item.value, out)?;
            }
            out.push(']');
        }
        Value::Dict(dict) => {
            out.push('{');
            for (index, (key, node)) in dict.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                push_json_text(&json_key(key)?, out);
                out.push_str(": ");
                write_json(&node.value, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn json_key(key: &Value) -> Result<String, NotJson> {
    match key {
        Value::Text(text) => Ok(text.clone()),
        Value::None => Ok("null".to_owned()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Int(_) | Value::LongInt(_) => Ok(str_of(key)),
        Value::Float(value) => Ok(json_float(*value)),
        other => Err(NotJson { key_type: other.type_name() }),
    }
}

fn json_float(value: f64) -> String {
    match float_repr(value).as_str() {
        "nan" => "NaN".to_owned(),
        "inf" => "Infinity".to_owned(),
        "-inf" => "-Infinity".to_owned(),
        plain => plain.to_owned(),
    }
}

/// `ensure_ascii=True`: everything beyond printable ASCII as UTF-16 escapes.
fn push_json_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ => {
                let mut units = [0u16; 2];
                for unit in character.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}
