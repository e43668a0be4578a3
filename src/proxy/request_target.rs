//! What a client asks for in its request line, where Pingora and LiteLLM's server read it differently.

use pingora::Result;
use pingora::http::RequestHeader;
use pingora::protocols::http::ServerSession;

/// Whether LiteLLM's server takes the target for the path and query that Pingora does. It refuses what isn't ASCII, and a
/// whole URL is no route to it.
pub fn reads_alike(head: &RequestHeader) -> bool {
    let target = head.raw_path();
    target.starts_with(b"/") && target.iter().all(u8::is_ascii_graphic)
}

/// The target of a request line that came whole and reads alike everywhere: `POST`, an absolute path, HTTP/1.1.
pub fn plain_post(begun: &[u8]) -> Option<&str> {
    let target = begun.strip_prefix(b"POST ")?;
    let target = &target[..target.iter().position(|byte| !byte.is_ascii_graphic() || *byte == b'#')?];
    let rest = &begun[b"POST ".len() + target.len()..];
    (target.starts_with(b"/") && rest.starts_with(b" HTTP/1.1\r\n")).then_some(std::str::from_utf8(target).ok()?)
}

/// Escapes a `#`, which is the same to LiteLLM: `/v1/ocr#x` is no route there, and must be none here. Pingora drops it with
/// all behind it.
pub fn keep_fragment(session: &mut ServerSession) -> Result<()> {
    let Some(target) = session.as_http1().and_then(|http1| escaped(&http1.get_headers_raw_bytes())) else {
        return Ok(());
    };
    session.req_header_mut().set_raw_path(&target)
}

/// The target of a request line, if it has to be written anew.
fn escaped(head: &[u8]) -> Option<Vec<u8>> {
    let line = head.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty())?;
    if !line.contains(&b'#') {
        return None;
    }
    let mut words = line.trim_ascii().split(|byte| *byte == b' ');
    let target = words.nth(1)?;
    Some(target.split(|byte| *byte == b'#').collect::<Vec<_>>().join(&b"%23"[..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_request_line_is_read_ahead() {
        let cases: [(&str, Option<&str>); 12] = [
            ("POST /v1/ocr HTTP/1.1\r\nhost: x\r\n\r\n", Some("/v1/ocr")),
            ("POST /v1/ocr?a=b HTTP/1.1\r\n", Some("/v1/ocr?a=b")),
            ("POST /v1/ocr HTTP/1.1\r", None),
            ("POST /v1/oc", None),
            ("POST", None),
            ("", None),
            ("\r\nPOST /v1/ocr HTTP/1.1\r\n", None),
            ("POST  /v1/ocr HTTP/1.1\r\n", None),
            ("POST /v1/ocr#x HTTP/1.1\r\n", None),
            ("POST http://x/v1/ocr HTTP/1.1\r\n", None),
            ("POST /v1/\u{f6}cr HTTP/1.1\r\n", None),
            ("GET /v1/ocr HTTP/1.1\r\n", None),
        ];
        for (begun, expected) in cases {
            assert_eq!(plain_post(begun.as_bytes()), expected, "{begun:?}");
        }
        assert_eq!(plain_post(b"POST /v1/ocr HTTP/1.0\r\n"), None, "its connection ends otherwise");
    }

    #[test]
    fn only_a_fragment_is_escaped() {
        let cases: [(&str, Option<&str>); 6] = [
            ("POST /v1/ocr HTTP/1.1\r\nx: #\r\n\r\n", None),
            ("POST /v1/ocr#x HTTP/1.1\r\n\r\n", Some("/v1/ocr%23x")),
            ("\r\nPOST /v1/ocr?a#b#c HTTP/1.1\r\n\r\n", Some("/v1/ocr?a%23b%23c")),
            ("GET /# HTTP/1.1\r\n\r\n", Some("/%23")),
            ("#", None),
            ("", None),
        ];
        for (head, expected) in cases {
            assert_eq!(escaped(head.as_bytes()).as_deref(), expected.map(str::as_bytes), "{head:?}");
        }
    }
}
