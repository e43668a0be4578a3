//! Images and documents in Anthropic's words. What LiteLLM would fetch is declined.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/prompt_templates/factory.py` `create_anthropic_image_param`,
//! `convert_to_anthropic_image_obj`, `anthropic_process_openai_file_message`.

use super::content::text;
use super::messages::word;
use crate::decline::Decline;
use crate::python::{Dict, Value};

/// An id that LiteLLM's own file store has given out.
const MANAGED: &str = "bGl0ZWxsb";

/// An image behind a link, or in one.
pub(super) fn image(given: &Value) -> Result<Dict, Decline> {
    let (url, format) = match given {
        Value::Str(_) => (given.as_str(), None),
        Value::Dict(image) => (word(image, "url"), format(image)?),
        _ => return Err(Decline::MessageShape),
    };
    let url = url.ok_or(Decline::MessageShape)?;
    let source = if url.starts_with("https://") { by_link(url) } else { by_data(url, format)? };
    Ok(block("image", source))
}

fn format(dict: &Dict) -> Result<Option<&str>, Decline> {
    match dict.get("format") {
        None | Some(Value::None) => Ok(None),
        Some(format) => format.as_str().map(Some).ok_or(Decline::MessageShape),
    }
}

/// A file, which is a document unless its format or id says otherwise.
pub(super) fn document(file: Option<&Value>) -> Result<Dict, Decline> {
    let file = file.and_then(Value::as_dict).ok_or(Decline::MessageShape)?;
    let given = |key: &str| file.get(key).filter(|value| value.is_truthy());
    let format = format(file)?;
    if let Some(data) = given("file_data") {
        let data = data.as_str().ok_or(Decline::MessageShape)?;
        return Ok(block("document", by_data(data, format)?));
    }
    let id = given("file_id").and_then(Value::as_str).ok_or(Decline::MessageShape)?;
    if id.starts_with("http://") || id.starts_with(MANAGED) {
        return Err(Decline::MessageShape);
    }
    let kind = match format.filter(|format| !format.is_empty()) {
        Some("application/pdf" | "text/plain") => "document",
        Some("image/jpeg" | "image/png" | "image/gif" | "image/webp") => "image",
        None if id.starts_with("http") => return Ok(block("document", by_link(id))),
        _ => {
            let mut upload = Dict::default();
            upload.set("type", text("container_upload"));
            upload.set("file_id", text(id));
            return Ok(upload);
        }
    };
    let mut source = Dict::default();
    source.set("type", text("file"));
    source.set("file_id", text(id));
    Ok(block(kind, source))
}

fn block(kind: &str, source: Dict) -> Dict {
    let mut block = Dict::default();
    block.set("type", text(kind));
    block.set("source", Value::Dict(source));
    block
}

fn by_link(url: &str) -> Dict {
    let mut source = Dict::default();
    source.set("type", text("url"));
    source.set("url", text(url));
    source
}

/// `url.split("data:")[1].split(";base64,")`, which must be two.
fn by_data(url: &str, format: Option<&str>) -> Result<Dict, Decline> {
    if url.starts_with("http") {
        return Err(Decline::MessageShape);
    }
    let data = url.split("data:").nth(1).ok_or(Decline::MessageShape)?;
    let (kind, data) = data.split_once(";base64,").ok_or(Decline::MessageShape)?;
    if data.contains(";base64,") {
        return Err(Decline::MessageShape);
    }
    let kind = match format.filter(|format| !format.is_empty()) {
        Some(format) => format.to_owned(),
        None => kind.replace("\\/", "/"),
    };
    let mut source = Dict::default();
    source.set("type", text("base64"));
    source.set("media_type", text(&kind));
    source.set("data", text(data));
    Ok(source)
}

/// `data:` of a kind that Anthropic takes for a document.
pub(super) fn is_document_uri(url: &str) -> bool {
    let kind = url.strip_prefix("data:").and_then(|rest| rest.split([';', ',']).next());
    matches!(kind, Some("application/pdf" | "text/plain"))
}
