//! Writing JSON the way two writers of LiteLLM do: httpx (`json.dumps`, compact, not ASCII-only) towards providers, orjson
//! towards clients.

use super::float::{float_orjson, float_repr};
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
    Writer { orjson: false, depth_max: usize::MAX }.write(value, 0, &mut out)?;
    Ok(out)
}

/// `orjson.dumps(value)` of what a pydantic model dumped, which stops at [`DUMP_DEPTH_MAX`].
pub fn orjson_dumps(value: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    Writer { orjson: true, depth_max: DUMP_DEPTH_MAX }.write(value, 0, &mut out)?;
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

struct Writer {
    orjson: bool,
    depth_max: usize,
}

impl Writer {
    fn write(&self, value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match value {
            Value::List(_) | Value::Dict(_) if depth >= self.depth_max => return Err(EncodeError::TooDeep),
            Value::None => out.extend_from_slice(b"null"),
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Int(integer) if self.orjson && !integer.fits_64_bits() => return Err(EncodeError::IntegerTooBig),
            Value::Int(integer) => out.extend_from_slice(integer.digits().as_bytes()),
            Value::Float(float) => self.float(*float, out)?,
            Value::Str(text) => string(text, out)?,
            Value::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    comma(index, out);
                    self.write(item, depth + 1, out)?;
                }
                out.push(b']');
            }
            Value::Dict(dict) => {
                out.push(b'{');
                for (index, (key, item)) in dict.iter().enumerate() {
                    comma(index, out);
                    string(key, out)?;
                    out.push(b':');
                    self.write(item, depth + 1, out)?;
                }
                out.push(b'}');
            }
        }
        Ok(())
    }

    fn float(&self, float: f64, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match (float.is_finite(), self.orjson) {
            (true, true) => out.extend_from_slice(float_orjson(float).as_bytes()),
            (true, false) => out.extend_from_slice(float_repr(float).as_bytes()),
            (false, true) => out.extend_from_slice(b"null"),
            (false, false) => return Err(EncodeError::NotFinite),
        }
        Ok(())
    }
}

fn comma(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}

fn string(text: &Text, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    write_string(text.as_str().ok_or(EncodeError::LoneSurrogate)?, out);
    Ok(())
}
