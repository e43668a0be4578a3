//! Writing JSON the way the writers of LiteLLM do: httpx and Starlette (`json.dumps`, compact, not ASCII-only), orjson, and
//! `json.dumps` as it comes (ASCII only, with or without spaces).

use super::float::{write_float_orjson, write_float_repr};
use super::value::{Text, Value};

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
    let mut out = Vec::new();
    Writer { depth_max: usize::MAX, ..COMPACT }.write(value, 0, &mut out)?;
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
    let mut out = Vec::new();
    // Nothing is refused: surrogates are escaped, every number has a spelling, depth isn't limited here.
    let _ = Writer { ascii: true, spaced, ..COMPACT }.write(value, 0, &mut out);
    out
}

/// `orjson.dumps(value)` of what a pydantic model dumped, which stops at [`DUMP_DEPTH_MAX`].
pub fn orjson_dumps(value: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    Writer { orjson: true, depth_max: DUMP_DEPTH_MAX, ..COMPACT }.write(value, 0, &mut out)?;
    Ok(out)
}

/// `model_dump_json` of a pydantic model: as [`orjson_dumps`], with integers of any size.
pub fn pydantic_dumps(value: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    Writer { orjson: true, any_integer: true, depth_max: DUMP_DEPTH_MAX, ..COMPACT }.write(value, 0, &mut out)?;
    Ok(out)
}

/// How many containers deep pydantic's serializer goes.
const DUMP_DEPTH_MAX: usize = 254;

/// Writes a JSON string as both writers do: only quotes, backslashes and control characters are escaped.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain_from..]);
    out.push(b'"');
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
            Value::Dict(dict) => {
                out.push(b'{');
                for (index, (key, item)) in dict.iter().enumerate() {
                    self.comma(index, out);
                    self.string(key, out)?;
                    out.extend_from_slice(if self.spaced { b": " } else { b":" });
                    self.write(item, depth + 1, out)?;
                }
                out.push(b'}');
            }
        }
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
            write_ascii_string(text.code_points(), out);
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
fn write_ascii_string(points: impl Iterator<Item = u32>, out: &mut Vec<u8>) {
    out.push(b'"');
    for point in points {
        match point {
            0x22 => out.extend_from_slice(b"\\\""),
            0x5c => out.extend_from_slice(b"\\\\"),
            0x0a => out.extend_from_slice(b"\\n"),
            0x0d => out.extend_from_slice(b"\\r"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0x20..=0x7e => out.push(point as u8),
            0..=0xffff => out.extend_from_slice(format!("\\u{point:04x}").as_bytes()),
            _ => {
                let offset = point - 0x10000;
                let (high, low) = (0xd800 + (offset >> 10), 0xdc00 + (offset & 0x3ff));
                out.extend_from_slice(format!("\\u{high:04x}\\u{low:04x}").as_bytes());
            }
        }
    }
    out.push(b'"');
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
    }
}
