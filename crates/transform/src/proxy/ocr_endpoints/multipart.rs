//! A multipart form, already split into parts by the host, becomes the body's fields.
//!
//! Source: LiteLLM 1.102.4 `proxy/ocr_endpoints/endpoints.py` `_parse_multipart_form`, on Starlette's form parser.

use bytes::Bytes;

use crate::decline::Decline;
use crate::ocr::input::convert_upload_to_url_document;
use crate::python::json_decode::{DecodeError, loads};
use crate::python::{Dict, Text, Value};

/// One part of a form, in the order received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// Present, even if empty, for an uploaded file.
    pub filename: Option<String>,
    pub content_type: Option<String>,
    pub bytes: Bytes,
}

/// Starlette refuses a longer field that isn't a file.
const FIELD_BYTES_MAX: usize = 1024 * 1024;

/// Starlette refuses more.
const PARTS_MAX: usize = 1000;

/// Deeper values fail inside Python's decoder; where exactly depends on its stack, so leave a wide margin.
const FIELD_DEPTH_MAX: usize = 200;

/// The body's fields: the document first, then the others, each read as JSON where it is JSON.
pub(super) fn fields(parts: &[Part]) -> Result<Dict, Decline> {
    if parts.len() > PARTS_MAX {
        return Err(Decline::Upload);
    }
    // Of parts with one name Starlette keeps the last, in the place of the first.
    let file = parts.iter().rev().find(|part| part.name == "file").ok_or(Decline::Upload)?;
    let filename = file.filename.as_deref().ok_or(Decline::Upload)?;
    let document = convert_upload_to_url_document(&file.bytes, Some(filename), file.content_type.as_deref())?;
    let mut pairs = vec![(Text::from("document"), document)];
    for part in parts.iter().filter(|part| part.name != "file" && part.name != "document") {
        pairs.push((Text::from(part.name.as_str()), field_value(part)?));
    }
    Ok(Dict::from_pairs(pairs))
}

fn field_value(part: &Part) -> Result<Value, Decline> {
    if part.filename.is_some() || part.bytes.len() > FIELD_BYTES_MAX {
        return Err(Decline::Upload);
    }
    let text = std::str::from_utf8(&part.bytes).map_err(|_| Decline::Upload)?;
    // `json.loads(str)` refuses a byte order mark, so the field stays text.
    if text.starts_with('\u{feff}') {
        return Ok(Value::Str(Text::from(text)));
    }
    match loads(text.as_bytes(), FIELD_DEPTH_MAX) {
        Ok(value) => Ok(value),
        Err(DecodeError::TooDeep { .. }) => Err(Decline::Upload),
        Err(DecodeError::Syntax { .. } | DecodeError::IntegerTooLong { .. }) => Ok(Value::Str(Text::from(text))),
    }
}
