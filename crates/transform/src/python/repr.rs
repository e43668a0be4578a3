//! `repr()` of values as error texts contain them.

use super::float_repr;
use super::unprintable::is_printable;
use super::value::{Text, Value};

/// `type(value).__name__`.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::None => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "str",
        Value::List(_) => "list",
        Value::Dict(_) => "dict",
    }
}

/// `repr(value)`.
///
/// Depth   bounded by the decoder's: values come from [`super::json_decode`], which stops where Python's does.
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(integer) => out.push_str(integer.digits()),
        Value::Float(float) => out.push_str(&float_repr(*float)),
        Value::Str(text) => write_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, out);
                write(item, out);
            }
            out.push(']');
        }
        Value::Dict(dict) => {
            out.push('{');
            for (index, (key, item)) in dict.iter().enumerate() {
                separate(index, out);
                write_text(key, out);
                out.push_str(": ");
                write(item, out);
            }
            out.push('}');
        }
    }
}

fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push_str(", ");
    }
}

/// `repr(str)`: single quotes unless only those occur inside.
pub fn string_repr(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_points(text.chars().map(u32::from), text.contains('\'') && !text.contains('"'), &mut out);
    out
}

fn write_text(text: &Text, out: &mut String) {
    let has = |quote: char| text.code_points().any(|point| point == u32::from(quote));
    let double = has('\'') && !has('"');
    write_points(text.code_points(), double, out);
}

fn write_points(points: impl Iterator<Item = u32>, double_quotes: bool, out: &mut String) {
    let quote = if double_quotes { '"' } else { '\'' };
    out.push(quote);
    for point in points {
        match char::from_u32(point) {
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(character) if character == quote => {
                out.push('\\');
                out.push(character);
            }
            Some(character) if is_printable(point) => out.push(character),
            _ => out.push_str(&escape(point)),
        }
    }
    out.push(quote);
}

fn escape(point: u32) -> String {
    match point {
        0..=0xff => format!("\\x{point:02x}"),
        0x100..=0xffff => format!("\\u{point:04x}"),
        _ => format!("\\U{point:08x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_strings_as_python_does() {
        let cases = [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("\"'", "'\"\\''"),
            ("\n\t\r\\\0\x7f", "'\\n\\t\\r\\\\\\x00\\x7f'"),
            ("é\u{ad}\u{2028}\u{e000}😀\u{10ffff}", "'é\\xad\\u2028\\ue000😀\\U0010ffff'"),
        ];
        for (text, expected) in cases {
            assert_eq!(string_repr(text), expected);
        }
    }
}
