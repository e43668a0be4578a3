//! Lax coercions of scalars: what counts as an integer, a number, a string.

use super::errors::Kind;
use crate::python::json_decode::INTEGER_DIGITS_MAX;
use crate::python::{Integer, Text, Value};

/// An `int` field: integers, booleans, whole doubles within 64 bits, decimal strings.
pub fn as_integer(value: &Value) -> Result<Integer, Kind> {
    match value {
        Value::Int(integer) => Ok(integer.clone()),
        Value::Bool(bool) => Ok(Integer::from(i64::from(*bool))),
        Value::Float(float) => integer_of_float(*float),
        Value::Str(Text::Unicode(text)) => integer_of_string(text),
        Value::Str(Text::Surrogates(_)) => Err(Kind::StringUnicode),
        Value::None | Value::List(_) | Value::Dict(_) => Err(Kind::IntType),
    }
}

fn integer_of_float(float: f64) -> Result<Integer, Kind> {
    if !float.is_finite() {
        return Err(Kind::FiniteNumber);
    }
    if float % 1.0 != 0.0 {
        return Err(Kind::IntFromFloat);
    }
    let limit = 9_223_372_036_854_775_808.0;
    if -limit < float && float < limit { Ok(Integer::from(float as i64)) } else { Err(Kind::IntParsingSize) }
}

/// Digits with a sign, single underscores between digits, and a fraction of zeros.
fn integer_of_string(text: &str) -> Result<Integer, Kind> {
    let text = text.trim();
    let (sign, unsigned) = match text.as_bytes().first() {
        Some(b'-') => ("-", &text[1..]),
        Some(b'+') => ("", &text[1..]),
        _ => ("", text),
    };
    let whole = match unsigned.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0') => whole,
        Some(_) => return Err(Kind::IntParsing),
        None => unsigned,
    };
    let digits = without_underscores(whole).ok_or(Kind::IntParsing)?;
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Kind::IntParsing);
    }
    if digits.trim_start_matches('0').len() > INTEGER_DIGITS_MAX {
        return Err(Kind::IntParsingSize);
    }
    Ok(Integer::from_digits(&format!("{sign}{digits}")))
}

/// Underscores may only stand alone and inside.
fn without_underscores(text: &str) -> Option<String> {
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    Some(text.replace('_', ""))
}

/// A `float` field: numbers, booleans, and strings Rust or, with underscores, Python reads as a number.
pub fn as_float(value: &Value) -> Result<f64, Kind> {
    match value {
        Value::Float(float) => Ok(*float),
        Value::Int(integer) => integer.to_float().ok_or(Kind::FloatType),
        Value::Bool(bool) => Ok(f64::from(u8::from(*bool))),
        Value::Str(Text::Unicode(text)) => float_of_string(text).ok_or(Kind::FloatParsing),
        Value::Str(Text::Surrogates(_)) => Err(Kind::StringUnicode),
        Value::None | Value::List(_) | Value::Dict(_) => Err(Kind::FloatType),
    }
}

fn float_of_string(text: &str) -> Option<f64> {
    let text = text.trim();
    text.parse().ok().or_else(|| without_underscores(text)?.parse().ok())
}

/// A `str` field: strings only.
pub fn as_string(value: &Value) -> Result<Text, Kind> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        _ => Err(Kind::StringType),
    }
}
