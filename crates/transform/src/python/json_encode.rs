//! Writing JSON the way the writers of LiteLLM do: httpx and Starlette (`json.dumps`, compact, not ASCII-only), orjson, and
//! `json.dumps` as it comes (ASCII only, with or without spaces).

use super::float::{write_float_orjson, write_float_repr};
use super::json_plain::{plain_ascii_length, plain_length};
use super::value::{Dict, Text, Value};

/// What a writer refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// NaN or an infinity under `allow_nan=False`.
    NotFinite,
    /// A lone surrogate can't become UTF-8.
    LoneSurrogate,
    /// orjson writes 64-bit integers only.
    IntegerTooBig,
    /// Nested deeper than pydantic writes.
    TooDeep,
}

/// `json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()`: an httpx `json=` body.
pub fn httpx_json(value: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(INITIAL_BYTES);
    Writer { depth_max: usize::MAX, ..COMPACT }.write(value, 0, &mut out)?;
    Ok(out)
}

/// [`httpx_json`] of a dict with another text under `key`, if it has that.
pub(crate) fn httpx_json_with(dict: &Dict, key: &str, text: &str) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(INITIAL_BYTES);
    COMPACT.dict(dict, 0, &mut out, |name| (name.as_str() == Some(key)).then_some(text))?;
    Ok(out)
}

/// `json.dumps(value)`: ASCII only, a space behind commas and colons, NaN and infinities by name.
pub fn json_dumps(value: &Value) -> Vec<u8> {
    ascii(value, true)
}

/// `json.dumps(value, separators=(",", ":"))`.
pub fn json_dumps_compact(value: &Value) -> Vec<u8> {
    ascii(value, false)
}

fn ascii(value: &Value, spaced: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(INITIAL_BYTES);
    // Nothing is refused: surrogates are escaped, every number has a spelling, depth isn't limited here.
    let _ = Writer { ascii: true, spaced, ..COMPACT }.write(value, 0, &mut out);
    out
}

/// `orjson.dumps(value)` of what a pydantic model dumped, which stops at [`DUMP_DEPTH_MAX`].
pub fn orjson_dumps(value: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(INITIAL_BYTES);
    Writer { orjson: true, depth_max: DUMP_DEPTH_MAX, ..COMPACT }.write(value, 0, &mut out)?;
    Ok(out)
}

/// `model_dump_json` of a pydantic model: as [`orjson_dumps`], with integers of any size.
pub fn pydantic_dumps(value: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(INITIAL_BYTES);
    Writer { orjson: true, any_integer: true, depth_max: DUMP_DEPTH_MAX, ..COMPACT }.write(value, 0, &mut out)?;
    Ok(out)
}

/// How many containers deep pydantic's serializer goes.
const DUMP_DEPTH_MAX: usize = 254;

/// Room for most bodies from the start; larger ones grow as they are written.
const INITIAL_BYTES: usize = 1024;

/// Writes a JSON string as both writers do: only quotes, backslashes and control characters are escaped.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + 2);
    out.push(b'"');
    loop {
        let (plain, behind) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        let Some((&byte, behind)) = behind.split_first() else {
            break;
        };
        write_escape(u16::from(byte), out);
        rest = behind;
    }
    out.push(b'"');
}

/// A character that JSON can't hold as it is, or a unit of UTF-16.
fn write_escape(unit: u16, out: &mut Vec<u8>) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    let short = match unit {
        0x22 => b'"',
        0x5c => b'\\',
        0x0a => b'n',
        0x0d => b'r',
        0x09 => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let digit = |shift: u32| HEX[usize::from((unit >> shift) & 0xf)];
            out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

const COMPACT: Writer =
    Writer { orjson: false, any_integer: false, ascii: false, spaced: false, depth_max: usize::MAX };

struct Writer {
    orjson: bool,
    /// Integers beyond 64 bits are written.
    any_integer: bool,
    /// `ensure_ascii`; also lets NaN and infinities through.
    ascii: bool,
    spaced: bool,
    depth_max: usize,
}

impl Writer {
    fn write(&self, value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match value {
            Value::List(_) | Value::Dict(_) if depth >= self.depth_max => return Err(EncodeError::TooDeep),
            Value::None => out.extend_from_slice(b"null"),
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Int(integer) if self.orjson && !self.any_integer && !integer.fits_64_bits() => {
                return Err(EncodeError::IntegerTooBig);
            }
            Value::Int(integer) => out.extend_from_slice(integer.digits().as_bytes()),
            Value::Float(float) => self.float(*float, out)?,
            Value::Str(text) => self.string(text, out)?,
            Value::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    self.comma(index, out);
                    self.write(item, depth + 1, out)?;
                }
                out.push(b']');
            }
            Value::Dict(dict) => self.dict(dict, depth, out, |_| None)?,
        }
        Ok(())
    }

    /// `replaced` gives the text to write in place of a key's value, if any.
    fn dict<'a>(
        &self,
        dict: &Dict,
        depth: usize,
        out: &mut Vec<u8>,
        replaced: impl Fn(&Text) -> Option<&'a str>,
    ) -> Result<(), EncodeError> {
        out.push(b'{');
        for (index, (key, item)) in dict.iter().enumerate() {
            self.comma(index, out);
            self.string(key, out)?;
            out.extend_from_slice(if self.spaced { b": " } else { b":" });
            match replaced(key) {
                Some(text) => write_string(text, out),
                None => self.write(item, depth + 1, out)?,
            }
        }
        out.push(b'}');
        Ok(())
    }

    fn float(&self, float: f64, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match (float.is_finite(), self.orjson) {
            (true, true) => write_float_orjson(float, out),
            (true, false) => write_float_repr(float, out),
            (false, true) => out.extend_from_slice(b"null"),
            (false, false) if self.ascii => out.extend_from_slice(not_finite(float)),
            (false, false) => return Err(EncodeError::NotFinite),
        }
        Ok(())
    }

    fn string(&self, text: &Text, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if self.ascii {
            write_ascii_string(text, out);
            return Ok(());
        }
        write_string(text.as_str().ok_or(EncodeError::LoneSurrogate)?, out);
        Ok(())
    }

    fn comma(&self, index: usize, out: &mut Vec<u8>) {
        if index > 0 {
            out.extend_from_slice(if self.spaced { b", " } else { b"," });
        }
    }
}

fn not_finite(float: f64) -> &'static [u8] {
    if float.is_nan() {
        b"NaN"
    } else if float > 0.0 {
        b"Infinity"
    } else {
        b"-Infinity"
    }
}

/// A string as `json.dumps` writes it: everything beyond ASCII as UTF-16 escapes.
fn write_ascii_string(text: &Text, out: &mut Vec<u8>) {
    out.push(b'"');
    match text {
        Text::Unicode(text) => write_ascii_text(text, out),
        Text::Surrogates(points) => points.iter().for_each(|&point| write_ascii_point(point, out)),
    }
    out.push(b'"');
}

fn write_ascii_text(mut text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 1);
    loop {
        let (plain, behind) = text.split_at(plain_ascii_length(text.as_bytes()));
        out.extend_from_slice(plain.as_bytes());
        let mut characters = behind.chars();
        let Some(character) = characters.next() else {
            return;
        };
        write_ascii_point(u32::from(character), out);
        text = characters.as_str();
    }
}

fn write_ascii_point(point: u32, out: &mut Vec<u8>) {
    match point {
        0x20..=0x7e if point != 0x22 && point != 0x5c => out.push(point as u8),
        0..=0xffff => write_escape(point as u16, out),
        _ => {
            let offset = point - 0x10000;
            write_escape(0xd800 + (offset >> 10) as u16, out);
            write_escape(0xdc00 + (offset & 0x3ff) as u16, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::json_decode::loads;

    #[test]
    fn the_three_spellings() {
        let text = "{\"a\": [1, 1e-7, NaN, null], \"é😀\": \"\\ud800\\u007f/\\n\"}";
        let value = loads(text.as_bytes(), 9).expect("JSON");
        assert_eq!(
            String::from_utf8_lossy(&json_dumps(&value)),
            "{\"a\": [1, 1e-07, NaN, null], \"\\u00e9\\ud83d\\ude00\": \"\\ud800\\u007f/\\n\"}"
        );
        let compact = loads(b"{\"a\": [1, \"\xc3\xa9\"]}", 9).expect("JSON");
        assert_eq!(json_dumps_compact(&compact), b"{\"a\":[1,\"\\u00e9\"]}");
        assert_eq!(httpx_json(&compact).ok(), Some("{\"a\":[1,\"é\"]}".into()));
        assert_eq!(httpx_json(&value), Err(EncodeError::NotFinite));
        let told = |text: &str| match loads(text.as_bytes(), 9) {
            Ok(Value::Dict(dict)) => {
                httpx_json_with(&dict, "model", "\"a\"").map(|body| String::from_utf8_lossy(&body).into_owned())
            }
            _ => Ok(String::new()),
        };
        assert_eq!(
            told(r#"{"a":{"model":1},"model":NaN,"b":2}"#),
            Ok(r#"{"a":{"model":1},"model":"\"a\"","b":2}"#.to_owned())
        );
        assert_eq!(told(r#"{"a":{"model":1}}"#), Ok(r#"{"a":{"model":1}}"#.to_owned()));
    }

    /// Character by character, as both were written before.
    fn spelled(text: &Text, is_ascii_only: bool) -> Option<String> {
        if !is_ascii_only && text.as_str().is_none() {
            return None;
        }
        let mut spelled = "\"".to_owned();
        for point in text.code_points() {
            match char::from_u32(point) {
                Some('"') => spelled.push_str("\\\""),
                Some('\\') => spelled.push_str("\\\\"),
                Some('\n') => spelled.push_str("\\n"),
                Some('\r') => spelled.push_str("\\r"),
                Some('\t') => spelled.push_str("\\t"),
                Some('\u{8}') => spelled.push_str("\\b"),
                Some('\u{c}') => spelled.push_str("\\f"),
                Some(character) if (' '..='~').contains(&character) => spelled.push(character),
                Some(character) if !is_ascii_only && character >= ' ' => spelled.push(character),
                Some(character) => {
                    let units = character
                        .encode_utf16(&mut [0; 2])
                        .iter()
                        .map(|unit| format!("\\u{unit:04x}"))
                        .collect::<String>();
                    spelled.push_str(&units);
                }
                None => spelled.push_str(&format!("\\u{point:04x}")),
            }
        }
        spelled.push('"');
        Some(spelled)
    }

    fn is_spelled_as_before(text: Text) -> bool {
        let (ascii, plain) = (spelled(&text, true), spelled(&text, false));
        let value = Value::Str(text);
        Some(json_dumps(&value)) == ascii.map(String::into_bytes)
            && httpx_json(&value).ok() == plain.clone().map(String::into_bytes)
            && orjson_dumps(&value).ok() == plain.map(String::into_bytes)
    }

    proptest::proptest! {
        #[test]
        fn strings_are_escaped_as_character_by_character(
            text in "\\PC*", escapes in "[\u{0}-\u{100}\"\\\\\u{ffff}\u{10000}]{0,40}", points in proptest::collection::vec(0_u32..0xffff, 0..40)
        ) {
            proptest::prop_assert!(is_spelled_as_before(Text::Unicode(text)));
            proptest::prop_assert!(is_spelled_as_before(Text::Unicode(escapes)));
            proptest::prop_assert!(is_spelled_as_before(Text::Surrogates(points)));
        }
    }
}
