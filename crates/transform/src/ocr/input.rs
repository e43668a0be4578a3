//! An uploaded file becomes a document with a data URI.
//!
//! Source: LiteLLM 1.102.4 `ocr/input.py` and `ocr/legacy.py`.

use base64::Engine as _;

use super::mime_types::of_extension;
use crate::decline::Decline;
use crate::python::{Dict, Text, Value};

/// Larger files are refused by LiteLLM.
pub const FILE_BYTES_MAX: usize = 50 * 1024 * 1024;

const UNKNOWN: &str = "application/octet-stream";

/// Builds the document of an upload.
///
/// Errors  what LiteLLM refuses (empty, too large, an odd media type) and extensions whose type depends on the machine.
pub fn convert_upload_to_url_document(
    content: &[u8],
    filename: Option<&str>,
    content_type: Option<&str>,
) -> Result<Value, Decline> {
    if content.is_empty() || content.len() > FILE_BYTES_MAX {
        return Err(Decline::Upload);
    }
    let declared =
        content_type.map(|value| value.split(';').next().unwrap_or("").trim()).filter(|value| !value.is_empty());
    let named = filename.filter(|name| !name.is_empty());
    let media_type = match (declared, named) {
        (None | Some(UNKNOWN), Some(name)) => of_file_name(name)?,
        (Some(declared), _) => declared,
        (None, None) => UNKNOWN,
    };
    if !is_media_type(media_type) {
        return Err(Decline::Upload);
    }
    let field = if media_type.starts_with("image/") { "image_url" } else { "document_url" };
    let encoded = base64::engine::general_purpose::STANDARD.encode(content);
    let uri = format!("data:{media_type};base64,{encoded}");
    let mut document = Dict::default();
    document.push(Text::from("type"), Value::Str(Text::from(field)));
    document.push(Text::from(field), Value::Str(Text::Unicode(uri)));
    Ok(Value::Dict(document))
}

/// Names with a path, a scheme or a second extension that Python reads in its own way are left to it.
fn of_file_name(name: &str) -> Result<&'static str, Decline> {
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return if name.contains([':', '/', '\\']) { Err(Decline::Upload) } else { Ok(UNKNOWN) };
    };
    let is_plain = !stem.trim_start_matches('.').is_empty()
        && !name.contains([':', '/', '\\', '?', '#', ';'])
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_plain {
        return Err(Decline::Upload);
    }
    match extension.to_ascii_lowercase().as_str() {
        "pdf" => Ok("application/pdf"),
        "png" => Ok("image/png"),
        "jpg" | "jpeg" => Ok("image/jpeg"),
        "gif" => Ok("image/gif"),
        "webp" => Ok("image/webp"),
        "tiff" | "tif" => Ok("image/tiff"),
        "bmp" => Ok("image/bmp"),
        other => of_extension(&format!(".{other}")).ok_or(Decline::Upload),
    }
}

/// Two words of letters, digits, `_`, `.`, `+`, `-` around a slash; beyond ASCII is left to Python.
fn is_media_type(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| is_word(kind) && is_word(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_types() {
        let media_type = |name: Option<&str>, declared: Option<&str>| {
            let document = convert_upload_to_url_document(b"x", name, declared)?;
            let Value::Dict(document) = document else { return Err(Decline::Upload) };
            let uri = document.iter().nth(1).and_then(|(_, value)| value.as_str()).unwrap_or_default().to_owned();
            Ok(uri.trim_start_matches("data:").split(';').next().unwrap_or_default().to_owned())
        };
        type Case<'a> = (Option<&'a str>, Option<&'a str>, Result<&'a str, Decline>);
        let cases: [Case<'_>; 9] = [
            (Some("a.PDF"), None, Ok("application/pdf")),
            (Some("a.pdf"), Some("application/octet-stream"), Ok("application/pdf")),
            (Some("a.pdf"), Some("image/png; x=y"), Ok("image/png")),
            (Some("a.docx"), None, Err(Decline::Upload)),
            (Some("a.txt"), None, Ok("text/plain")),
            (Some("scan"), None, Ok(UNKNOWN)),
            (Some("a.tar.gz"), None, Err(Decline::Upload)),
            (None, None, Ok(UNKNOWN)),
            (Some("a.pdf"), Some("no type"), Err(Decline::Upload)),
        ];
        for (name, declared, expected) in cases {
            assert_eq!(media_type(name, declared), expected.map(str::to_owned), "{name:?} {declared:?}");
        }
        assert_eq!(convert_upload_to_url_document(b"", Some("a.pdf"), None), Err(Decline::Upload));
        assert!(convert_upload_to_url_document(&vec![0; FILE_BYTES_MAX], None, None).is_ok());
        assert_eq!(convert_upload_to_url_document(&vec![0; FILE_BYTES_MAX + 1], None, None), Err(Decline::Upload));
    }
}
