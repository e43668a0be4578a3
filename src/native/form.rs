//! Splits a multipart form into its parts.

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use transform::proxy::ocr_endpoints::Part;

use super::Decline;

/// More parts than Starlette takes; the transformation declines at its own limit, this one ends the work before.
const PARTS_MAX: usize = 1001;

/// The parts of a whole body, in order.
///
/// Errors  whatever is not plainly a form: a missing end, headers in forms that parsers read differently.
pub(super) fn parts(content_type: &str, body: &Bytes) -> Result<Vec<Part>, Decline> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| Decline::Form)?;
    let whole = stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(body.clone())));
    let form = multer::Multipart::new(whole, boundary);
    // The body is in memory, so nothing is ever waited for.
    collect(form).now_or_never().ok_or(Decline::Form)?.map_err(|_| Decline::Form)?.into_iter().map(plain).collect()
}

struct Split {
    disposition: Option<String>,
    part: Part,
}

async fn collect(mut form: multer::Multipart<'_>) -> Result<Vec<Split>, multer::Error> {
    let mut parts = Vec::new();
    while let Some(field) = form.next_field().await? {
        if parts.len() >= PARTS_MAX {
            break;
        }
        let text = |name| {
            field.headers().get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok()).map(str::to_owned)
        };
        let (disposition, content_type) = (text(CONTENT_DISPOSITION), text(CONTENT_TYPE));
        let name = field.name().unwrap_or_default().to_owned();
        let filename = field.file_name().map(str::to_owned);
        let bytes = field.bytes().await?;
        parts.push(Split { disposition, part: Part { name, filename, content_type, bytes } });
    }
    Ok(parts)
}

/// Escapes, RFC 5987 names and unnamed parts are read differently by different parsers.
fn plain(split: Split) -> Result<Part, Decline> {
    let disposition = split.disposition.ok_or(Decline::Form)?;
    let odd = disposition.contains(['\\', '%']) || disposition.contains("*=") || split.part.name.is_empty();
    if odd { Err(Decline::Form) } else { Ok(split.part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=XX";

    fn form(disposition: &str, rest: &str) -> Bytes {
        Bytes::from(format!(
            "--XX\r\nContent-Disposition: {disposition}\r\nContent-Type: text/plain\r\n\r\nhello\r\n--XX{rest}"
        ))
    }

    #[test]
    fn plain_forms_are_split() {
        let found = parts(TYPE, &form("form-data; name=\"file\"; filename=\"a.pdf\"", "--\r\n")).unwrap();
        assert_eq!(found.len(), 1);
        let expect = Part {
            name: "file".into(),
            filename: Some("a.pdf".into()),
            content_type: Some("text/plain".into()),
            bytes: Bytes::from_static(b"hello"),
        };
        assert_eq!(found[0], expect);
    }

    #[test]
    fn odd_forms_are_declined() {
        for disposition in [
            "form-data; name=\"file\"; filename*=UTF-8''a.pdf",
            "form-data; name=\"fi\\\"le\"",
            "form-data; name=\"a%22\"",
            "form-data",
            "form-data; name=\"\"",
        ] {
            assert_eq!(parts(TYPE, &form(disposition, "--\r\n")), Err(Decline::Form), "{disposition}");
        }
        assert_eq!(parts(TYPE, &form("form-data; name=\"a\"", "")), Err(Decline::Form));
        assert_eq!(parts("multipart/form-data", &Bytes::new()), Err(Decline::Form));
        assert_eq!(parts(TYPE, &Bytes::new()), Err(Decline::Form));
    }
}
