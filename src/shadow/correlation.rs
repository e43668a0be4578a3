//! Puts a tape's id into the request that LiteLLM gets, so that the tap can tell whose provider exchange it relays.
//!
//! LiteLLM sends a body's `extra_headers` on as provider headers; the tap takes ours out again.

use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value, json};

use crate::routes::facts::{ExtraHeaders, Facts};
use crate::tap::TAPE_HEADER;

/// The body with the id in it; `None` when it cannot be put in without changing what the request means.
///
/// `facts` are the body's.
pub fn mark(content_type: Option<&str>, body: &Bytes, facts: &Facts, id: &str) -> Option<Bytes> {
    match content_type.and_then(multipart_boundary) {
        Some(boundary) => mark_multipart(body, &boundary, id),
        None => mark_json(body, &facts.extra_headers, id),
    }
}

/// Appends the key, text as it stands otherwise: of two equal keys LiteLLM's parser takes the last. An id is hexadecimal.
fn mark_json(body: &Bytes, own: &ExtraHeaders, id: &str) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?.trim_end();
    let headers = match own {
        ExtraHeaders::NoObject => return None,
        ExtraHeaders::Absent => ["{\"", TAPE_HEADER, "\":\"", id, "\"}"].concat(),
        ExtraHeaders::Told(raw) => {
            let mut headers: Map<String, Value> = serde_json::from_str(raw).ok()?;
            headers.retain(|name, _| !name.eq_ignore_ascii_case(TAPE_HEADER));
            headers.insert(TAPE_HEADER.to_owned(), json!(id));
            Value::Object(headers).to_string()
        }
    };
    let open = text.strip_suffix('}')?;
    let comma = if open.trim_end().ends_with('{') { "" } else { "," };
    Some(Bytes::from([open, comma, "\"extra_headers\":", &headers, "}"].concat()))
}

/// Adds a form field, which LiteLLM reads as JSON.
fn mark_multipart(body: &Bytes, boundary: &str, id: &str) -> Option<Bytes> {
    let end = format!("\r\n--{boundary}--");
    let at = find_last(body, end.as_bytes())?;
    if find_last(body, b"name=\"extra_headers\"").is_some() || find_last(body, b"name=extra_headers").is_some() {
        return None;
    }
    let field = format!(
        "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"extra_headers\"\r\n\r\n{}",
        json!({ TAPE_HEADER: id })
    );
    let mut marked = BytesMut::with_capacity(body.len() + field.len());
    marked.extend_from_slice(&body[..at]);
    marked.extend_from_slice(field.as_bytes());
    marked.extend_from_slice(&body[at..]);
    Some(marked.freeze())
}

fn multipart_boundary(content_type: &str) -> Option<String> {
    content_type
        .to_ascii_lowercase()
        .contains("multipart/form-data")
        .then(|| multer::parse_boundary(content_type).ok())?
}

fn find_last(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).rposition(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::Route;
    use crate::routes::facts;

    async fn check(body: &str, expected: Option<&str>) {
        let (kind, body) = (Some("application/json"), Bytes::copy_from_slice(body.as_bytes()));
        let facts = facts::read(Route::Ocr, kind, &body).await;
        let marked = mark(kind, &body, &facts, "ab");
        let body = String::from_utf8_lossy(&body);
        assert_eq!(marked.as_deref().map(String::from_utf8_lossy).as_deref(), expected, "{body}");
    }

    #[tokio::test]
    async fn json_bodies_keep_their_text() {
        check(r#"{"model": "m"}"#, Some(r#"{"model": "m","extra_headers":{"x-crossfade-tape":"ab"}}"#)).await;
        check("{ }\n", Some(r#"{ "extra_headers":{"x-crossfade-tape":"ab"}}"#)).await;
        check(
            r#"{"extra_headers":{"a":"b","X-Crossfade-Tape":"forged"},"z":1.0}"#,
            Some(
                r#"{"extra_headers":{"a":"b","X-Crossfade-Tape":"forged"},"z":1.0,"extra_headers":{"a":"b","x-crossfade-tape":"ab"}}"#,
            ),
        ).await;
        check(r#"{"extra_headers":null}"#, Some(r#"{"extra_headers":null,"extra_headers":{"x-crossfade-tape":"ab"}}"#))
            .await;
        check(r#"{"extra_headers":"text"}"#, None).await;
        check("[1]", None).await;
        check("{", None).await;
        check("", None).await;
    }

    #[test]
    fn forms_gain_a_field() {
        let facts = Facts::default();
        let body = Bytes::from_static(b"--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--B--\r\n");
        let marked = mark(Some("multipart/form-data; boundary=B"), &body, &facts, "ab").unwrap();
        let text = String::from_utf8_lossy(&marked);
        assert!(text.contains("name=\"extra_headers\"\r\n\r\n{\"x-crossfade-tape\":\"ab\"}\r\n--B--\r\n"), "{text}");
        assert!(mark(Some("multipart/form-data; boundary=B"), &marked, &facts, "cd").is_none());
        assert!(mark(Some("multipart/form-data; boundary=C"), &body, &facts, "ab").is_none());
    }
}
