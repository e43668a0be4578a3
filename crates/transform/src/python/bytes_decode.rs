//! Bytes to text: `json.loads(bytes)` (strict, guesses UTF-8/16/32) and httpx's `response.text` (replaces what it can't read).

use super::json_decode::push_wtf8;
use super::value::Text;

/// Text from generalised UTF-8; `None` for a lone surrogate if `strict`, or for bytes that aren't even that.
pub(super) fn wtf8_text(bytes: Vec<u8>, strict: bool) -> Option<Text> {
    match String::from_utf8(bytes) {
        Ok(text) => Some(Text::Unicode(text)),
        Err(_) if strict => None,
        Err(error) => Some(Text::Surrogates(wtf8_points(error.as_bytes())?)),
    }
}

fn wtf8_points(bytes: &[u8]) -> Option<Vec<u32>> {
    let mut points = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let (length, lead) = match first {
            0..=0x7f => (1, u32::from(first)),
            0xc0..=0xdf => (2, u32::from(first & 0x1f)),
            0xe0..=0xef => (3, u32::from(first & 0x0f)),
            _ => (4, u32::from(first & 0x07)),
        };
        let tail = rest.get(1..length)?;
        points.push(tail.iter().fold(lead, |point, &byte| (point << 6) | u32::from(byte & 0x3f)));
        rest = &rest[length..];
    }
    Some(points)
}

/// The text `json.loads(bytes)` reads: decoded as detected, with surrogates passed; as WTF-8. The error is Python's text.
pub fn json_text(bytes: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>, String> {
    use std::borrow::Cow;
    match detect(bytes) {
        Encoding::Utf8 { skip } => {
            let text = &bytes[skip..];
            match std::str::from_utf8(text) {
                Ok(_) => Ok(Cow::Borrowed(text)),
                Err(_) => utf8_surrogate_pass(text).map(|()| Cow::Borrowed(text)),
            }
        }
        Encoding::Utf16 { big, skip, name } => utf16(&bytes[skip..], big, skip, name).map(Cow::Owned),
        Encoding::Utf32 { big, skip, name } => utf32(&bytes[skip..], big, skip, name).map(Cow::Owned),
    }
}

enum Encoding {
    Utf8 { skip: usize },
    Utf16 { big: bool, skip: usize, name: &'static str },
    Utf32 { big: bool, skip: usize, name: &'static str },
}

/// `json.detect_encoding`.
fn detect(bytes: &[u8]) -> Encoding {
    let utf16 = |big, skip, name| Encoding::Utf16 { big, skip, name };
    let utf32 = |big, skip, name| Encoding::Utf32 { big, skip, name };
    if bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return utf32(true, 4, "utf-32-be");
    }
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) {
        return utf32(false, 4, "utf-32-le");
    }
    if bytes.starts_with(&[0xfe, 0xff]) {
        return utf16(true, 2, "utf-16-be");
    }
    if bytes.starts_with(&[0xff, 0xfe]) {
        return utf16(false, 2, "utf-16-le");
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        return Encoding::Utf8 { skip: 3 };
    }
    match bytes {
        [0, second, _, _, ..] if *second != 0 => utf16(true, 0, "utf-16-be"),
        [0, _, _, _, ..] => utf32(true, 0, "utf-32-be"),
        [_, 0, third, fourth, ..] if *third != 0 || *fourth != 0 => utf16(false, 0, "utf-16-le"),
        [_, 0, _, _, ..] => utf32(false, 0, "utf-32-le"),
        [0, _] => utf16(true, 0, "utf-16-be"),
        [_, 0] => utf16(false, 0, "utf-16-le"),
        _ => Encoding::Utf8 { skip: 0 },
    }
}

/// Checks UTF-8 with surrogates allowed; the error names the first byte that doesn't fit, as CPython does.
fn utf8_surrogate_pass(bytes: &[u8]) -> Result<(), String> {
    let mut from = 0;
    loop {
        let Err(error) = std::str::from_utf8(&bytes[from..]) else {
            return Ok(());
        };
        let at = from + error.valid_up_to();
        if let [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] = bytes[at..] {
            from = at + 3;
            continue;
        }
        return Err(utf8_error(bytes, at, error.error_len()));
    }
}

fn utf8_error(bytes: &[u8], at: usize, length: Option<usize>) -> String {
    let first = bytes[at];
    let reason = match length {
        None => "unexpected end of data",
        Some(_) if matches!(first, 0xc2..=0xf4) => "invalid continuation byte",
        Some(_) => "invalid start byte",
    };
    let span = length.unwrap_or(bytes.len() - at);
    decode_error("utf-8", first, at, span, reason)
}

fn decode_error(codec: &str, first: u8, at: usize, span: usize, reason: &str) -> String {
    if span == 1 {
        return format!("'{codec}' codec can't decode byte 0x{first:02x} in position {at}: {reason}");
    }
    format!("'{codec}' codec can't decode bytes in position {at}-{}: {reason}", at + span - 1)
}

fn utf16(bytes: &[u8], big: bool, skipped: usize, name: &str) -> Result<Vec<u8>, String> {
    let units = bytes.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    });
    let mut out = Vec::with_capacity(bytes.len());
    for unit in char::decode_utf16(units) {
        let point = unit.map_or_else(|error| u32::from(error.unpaired_surrogate()), u32::from);
        push_wtf8(point, &mut out);
    }
    match bytes.chunks_exact(2).remainder() {
        [] => Ok(out),
        [odd, ..] => Err(decode_error(name, *odd, skipped + bytes.len() - 1, 1, "truncated data")),
    }
}

fn utf32(bytes: &[u8], big: bool, skipped: usize, name: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(bytes.len());
    for (index, chunk) in bytes.chunks_exact(4).enumerate() {
        let quad = [chunk[0], chunk[1], chunk[2], chunk[3]];
        let point = if big { u32::from_be_bytes(quad) } else { u32::from_le_bytes(quad) };
        if point > 0x10_ffff {
            return Err(decode_error(name, quad[0], skipped + index * 4, 4, "code point not in range(0x110000)"));
        }
        push_wtf8(point, &mut out);
    }
    let odd = bytes.chunks_exact(4).remainder();
    match odd.first() {
        None => Ok(out),
        Some(&first) => Err(decode_error(name, first, skipped + bytes.len() - odd.len(), odd.len(), "truncated data")),
    }
}

/// httpx's `response.text`: the `charset` of the content type if Python knows it, UTF-8 otherwise, errors replaced.
///
/// Charsets beyond UTF-8, ASCII, Latin-1, Windows-1252 and UTF-16 are read as UTF-8.
pub fn response_text(body: &[u8], content_type: Option<&str>) -> String {
    let mut decoder = TextDecoder::of(content_type);
    let mut text = decoder.decode(body);
    text.push_str(decoder.finish());
    text
}

/// httpx's `TextDecoder`: [`response_text`] piece by piece.
#[derive(Debug)]
pub(crate) struct TextDecoder {
    charset: Charset,
    /// The beginning of a character.
    rest: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Charset {
    Ascii,
    Latin1,
    Windows1252,
    Utf8,
}

impl TextDecoder {
    pub(crate) fn of(content_type: Option<&str>) -> Self {
        let charset = content_type.and_then(charset).map(|name| normalised(&name));
        let charset = match charset.as_deref() {
            Some("latin_1" | "iso_8859_1" | "iso8859_1" | "latin1" | "l1" | "8859" | "cp819" | "iso8859" | "latin") => {
                Charset::Latin1
            }
            Some("ascii" | "us_ascii" | "646") => Charset::Ascii,
            Some("cp1252" | "windows_1252" | "1252") => Charset::Windows1252,
            _ => Charset::Utf8,
        };
        Self { charset, rest: Vec::new() }
    }

    pub(crate) fn decode(&mut self, bytes: &[u8]) -> String {
        match self.charset {
            Charset::Latin1 => bytes.iter().map(|&byte| char::from(byte)).collect(),
            Charset::Ascii => {
                bytes.iter().map(|&byte| if byte < 0x80 { char::from(byte) } else { '\u{fffd}' }).collect()
            }
            Charset::Windows1252 => bytes.iter().map(|&byte| windows_1252(byte)).collect(),
            Charset::Utf8 => self.utf8(bytes),
        }
    }

    fn utf8(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let (mut text, mut from) = (String::with_capacity(all.len()), 0);
        loop {
            let error = match std::str::from_utf8(&all[from..]) {
                Ok(valid) => {
                    text.push_str(valid);
                    return text;
                }
                Err(error) => error,
            };
            let end = from + error.valid_up_to();
            text.push_str(&String::from_utf8_lossy(&all[from..end]));
            let Some(length) = error.error_len() else {
                self.rest = all.split_off(end);
                return text;
            };
            text.push('\u{fffd}');
            from = end + length;
        }
    }

    /// What stands for a character that never ended.
    pub(crate) fn finish(&mut self) -> &'static str {
        if std::mem::take(&mut self.rest).is_empty() { "" } else { "\u{fffd}" }
    }
}

/// The `charset` parameter as Python's `email.message` reads it from a content type.
fn charset(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn normalised(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', ' '], "_")
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž', '\u{fffd}',
        '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}
