//! What a request says of itself before anything else is known: its model, its shape, what it is about.

use std::collections::BTreeSet;
use std::fmt::Write;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use transform::llms::mistral::ocr::transformation::SUPPORTED_PARAMETERS;

use super::{Route, message_facts};

/// The facts a decision and its evidence need. Client text in here never reaches a metric or a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the client calls the model.
    pub model: Option<String>,
    /// The kind of request, in words of ours: `document_url:https+pages`. Coverage is counted by it.
    pub shape: String,
    /// The part of the request that a conversation keeps: for OCR the document.
    pub subject: Option<String>,
    pub extra_headers: ExtraHeaders,
}

/// The headers that a JSON body tells LiteLLM to send on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ExtraHeaders {
    /// The body is a form, or no object.
    #[default]
    NoObject,
    Absent,
    /// As they stand.
    Told(String),
}

impl ExtraHeaders {
    pub(super) fn of(told: Option<&RawValue>) -> Self {
        told.map(RawValue::get).filter(|told| *told != "null").map_or(Self::Absent, |told| Self::Told(told.to_owned()))
    }
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    document_url: Option<&'a RawValue>,
    #[serde(borrow, default)]
    image_url: Option<&'a RawValue>,
}

/// Reads the facts of a request on `route`; what is not there stays empty.
pub async fn read(route: Route, content_type: Option<&str>, body: &Bytes) -> Facts {
    match content_type.filter(|kind| kind.to_ascii_lowercase().contains("multipart/form-data")) {
        Some(content_type) => of_form(content_type, body).await,
        None => of_json(route, body),
    }
}

fn of_json(route: Route, body: &[u8]) -> Facts {
    match route {
        Route::Messages => return message_facts::read(&message_facts::MESSAGES, body),
        Route::CountTokens => return message_facts::read(&message_facts::COUNT, body),
        Route::ChatCompletions => return message_facts::read(&message_facts::CHAT, body),
        Route::Ocr | Route::Responses | Route::Embeddings => {}
    }
    let Ok(top) = serde_json::from_slice::<std::collections::BTreeMap<String, &RawValue>>(body) else {
        return Facts::default();
    };
    let text = |key: &str| top.get(key).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let mut shape = String::new();
    let mut subject = None;
    if route == Route::Ocr
        && let Some(raw) = top.get("document")
    {
        subject = Some(raw.get().to_owned());
        shape.push_str(&document_shape(raw));
    }
    push_keys(&mut shape, top.keys().map(String::as_str));
    let extra_headers = ExtraHeaders::of(top.get("extra_headers").copied());
    Facts { model: text("model"), shape, subject, extra_headers }
}

fn document_shape(raw: &RawValue) -> String {
    let Ok(document) = serde_json::from_str::<Document<'_>>(raw.get()) else { return "document:other".to_owned() };
    let kind = document.kind.map_or("", RawValue::get);
    let (kind, url) = match kind {
        "\"document_url\"" => ("document_url", document.document_url),
        "\"image_url\"" => ("image_url", document.image_url),
        _ => return "document:other".to_owned(),
    };
    let scheme = match url.map(|url| url.get().trim_start_matches('"')) {
        None => "absent",
        Some(url) if url.starts_with("data:") => "data",
        Some(url) if url.starts_with("https:") => "https",
        Some(url) if url.starts_with("http:") => "http",
        Some(url) if url.starts_with('{') => "object",
        Some(_) => "other",
    };
    format!("{kind}:{scheme}")
}

fn push_keys<'a>(shape: &mut String, keys: impl Iterator<Item = &'a str>) {
    let mut named = BTreeSet::new();
    for key in keys.filter(|key| !matches!(*key, "model" | "document" | "file")) {
        // Every key of a client's own is `other`, so that clients cannot invent shapes without end.
        named.insert(SUPPORTED_PARAMETERS.iter().copied().find(|known| *known == key).unwrap_or("other"));
    }
    for key in named {
        // Writing to a String cannot fail.
        let _ = write!(shape, "+{key}");
    }
}

async fn of_form(content_type: &str, body: &Bytes) -> Facts {
    let Ok(boundary) = multer::parse_boundary(content_type) else { return Facts::default() };
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(body.clone())]);
    let mut form = multer::Multipart::new(stream, boundary);
    let mut facts = Facts { shape: "upload".to_owned(), ..Facts::default() };
    let mut names = Vec::new();
    while let Ok(Some(field)) = form.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        let Ok(content) = field.bytes().await else { break };
        match name.as_str() {
            "model" => facts.model = String::from_utf8(content.to_vec()).ok(),
            "file" => facts.subject = Some(hex_digest(&content)),
            _ => {}
        }
        names.push(name);
    }
    push_keys(&mut facts.shape, names.iter().map(String::as_str));
    facts
}

/// SHA-256 in lower-case hexadecimal.
pub fn hex_digest(content: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(content).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, model: Option<&str>, shape: &str) {
        let facts = of_json(Route::Ocr, body.as_bytes());
        assert_eq!((facts.model.as_deref(), facts.shape.as_str()), (model, shape), "{body}");
    }

    #[test]
    fn shapes_are_words_of_ours() {
        check(
            r#"{"model":"m","document":{"type":"document_url","document_url":"https://a"},"pages":[1],"zzz":1,"yyy":2}"#,
            Some("m"),
            "document_url:https+other+pages",
        );
        check(r#"{"model":1,"document":{"type":"image_url","image_url":{"url":"x"}}}"#, None, "image_url:object");
        check(r#"{"document":{"type":"image_url","image_url":"data:image/png;base64,AA"}}"#, None, "image_url:data");
        check(r#"{"document":{"type":"secret prompt"}}"#, None, "document:other");
        check(r#"{"document":"x"}"#, None, "document:other");
        check("[]", None, "");
    }

    #[tokio::test]
    async fn forms_have_facts_too() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n--B\r\nContent-Disposition: form-data; name=\"pages\"\r\n\r\n[0]\r\n--B--\r\n";
        let facts = read(Route::Ocr, Some("multipart/form-data; boundary=B"), &Bytes::from(body)).await;
        assert_eq!((facts.model.as_deref(), facts.shape.as_str()), (Some("m"), "upload+pages"));
        assert!(facts.subject.is_some());
    }
}
