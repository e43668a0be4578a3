//! Response headers as LiteLLM's HTTP stack takes them over.

use std::fmt::Write;

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

/// aiohttp's limits. Its parser counts a name and a value each.
pub const HEADERS_MAX: usize = 128;
const FIELD_BYTES_MAX: usize = 8190;

/// Why LiteLLM fails an attempt over its answer's headers: aiohttp takes no long ones and no two lengths, decodes them as UTF-8,
/// and httpx can only encode ASCII when the answer is handed over. The text is Python's where it is about an encoding.
///
/// Source: litellm/llms/custom_httpx/aiohttp_transport.py `AiohttpTransport.handle_async_request`, aiohttp 3.14 `_http_parser.pyx`,
/// httpx `_models.Headers.__init__` @ LiteLLM 1.102.4
pub fn fault(headers: &HeaderMap) -> Option<String> {
    framing_error(headers).or_else(|| headers.values().find_map(|value| encode_error(value.as_bytes())))
}

/// hyper takes the one length that several spell, and the chunks of an answer that has a length too.
fn framing_error(headers: &HeaderMap) -> Option<String> {
    let is_long = |bytes: &[u8]| bytes.len() > FIELD_BYTES_MAX;
    if headers.iter().any(|(name, value)| is_long(name.as_str().as_bytes()) || is_long(value.as_bytes())) {
        return Some(format!("400, message='Got more than {FIELD_BYTES_MAX} bytes when reading a header'"));
    }
    let lengths = headers.get_all(CONTENT_LENGTH).iter();
    let numbers = lengths.map(|value| value.as_bytes().split(|byte| *byte == b',').count()).sum::<usize>();
    let said = match numbers {
        0 => return None,
        1 if headers.contains_key(TRANSFER_ENCODING) => "Content-Length can't be present with Transfer-Encoding",
        1 => return None,
        _ => "Content-Length can't be present twice",
    };
    Some(format!("400, message='{said}'"))
}

/// What Python says when it encodes these bytes, decoded as UTF-8 with surrogate escapes, as ASCII.
fn encode_error(bytes: &[u8]) -> Option<String> {
    if bytes.is_ascii() {
        return None;
    }
    let characters = decoded(bytes);
    let first = characters.iter().position(|code| *code > 0x7f)?;
    let run = characters[first..].iter().take_while(|code| **code > 0x7f).count();
    let place = match run {
        1 => format!("character '{}' in position {first}", escaped(characters[first])),
        _ => format!("characters in position {first}-{}", first + run - 1),
    };
    Some(format!("'ascii' codec can't encode {place}: ordinal not in range(128)"))
}

/// Code points; a byte that is no UTF-8 becomes the surrogate that stands for it.
fn decoded(bytes: &[u8]) -> Vec<u32> {
    let mut characters = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        characters.extend(chunk.valid().chars().map(u32::from));
        characters.extend(chunk.invalid().iter().map(|byte| 0xdc00 + u32::from(*byte)));
    }
    characters
}

fn escaped(code: u32) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = match code {
        0..=0xff => write!(text, "\\x{code:02x}"),
        0x100..=0xffff => write!(text, "\\u{code:04x}"),
        _ => write!(text, "\\U{code:08x}"),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aiohttp_refuses_fails_the_attempt() {
        let long = "a".repeat(FIELD_BYTES_MAX + 1);
        let cases: [(&[(&str, &str)], bool); 9] = [
            (&[], true),
            (&[("content-length", "4")], true),
            (&[("content-length", "4"), ("content-length", "4")], false),
            (&[("content-length", "4, 4")], false),
            (&[("transfer-encoding", "chunked")], true),
            (&[("transfer-encoding", "chunked"), ("content-length", "4")], false),
            (&[("transfer-encoding", "identity"), ("content-length", "4")], false),
            (&[("x-long", &long[1..])], true),
            (&[("x-long", &long)], false),
        ];
        for (pairs, is_taken) in cases {
            let parsed = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            let headers: HeaderMap =
                parsed.collect::<Vec<(http::HeaderName, http::HeaderValue)>>().into_iter().collect();
            assert_eq!(fault(&headers).is_none(), is_taken, "{:?}", pairs.first());
        }
    }

    #[test]
    fn python_names_the_run_it_cannot_encode() {
        let said = |place: &str| Some(format!("'ascii' codec can't encode {place}: ordinal not in range(128)"));
        for (bytes, expected) in [
            (b"plain".as_slice(), None),
            ("Größe".as_bytes(), said("characters in position 2-3")),
            (b"Gr\xf6\xdfe".as_slice(), said("characters in position 2-3")),
            ("naïve".as_bytes(), said("character '\\xef' in position 2")),
            ("日".as_bytes(), said("character '\\u65e5' in position 0")),
            ("a😀".as_bytes(), said("character '\\U0001f600' in position 1")),
            (b"a\xff".as_slice(), said("character '\\udcff' in position 1")),
        ] {
            assert_eq!(encode_error(bytes), expected, "{bytes:?}");
        }
    }
}
