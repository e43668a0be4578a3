//! The events of a stream, off the bytes it comes in.
//!
//! Source: OpenAI's SDK 2.54.0 `_streaming.py` `SSEDecoder`.

use std::ops::Range;

use memchr::memchr2;

/// An event longer than this ends the stream.
pub const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Server-sent events as OpenAI's SDK reads them: by lines, an event ends at an empty one.
#[derive(Debug, Default)]
pub(super) struct Events {
    bytes: Vec<u8>,
    at: usize,
    /// Bytes behind `at` that hold no end of a line.
    seen: usize,
    event: Event,
}

/// An event as far as it has come.
#[derive(Debug, Default)]
struct Event {
    /// Its lines of data, joined.
    data: Option<String>,
    /// A field other than data has been seen, so an empty line makes an event without data.
    is_named: bool,
    has_id: bool,
}

impl Events {
    pub(super) fn push(&mut self, data: &[u8]) {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(data);
    }

    /// The data of the next whole event.
    pub(super) fn next(&mut self) -> Option<Result<String, String>> {
        while let Some(line) = self.line() {
            let line = &self.bytes[line];
            let line = match std::str::from_utf8(line) {
                Ok(line) => line,
                Err(error) => return Some(Err(undecodable(line, &error))),
            };
            if !line.is_empty() {
                self.event.field(line);
                continue;
            }
            if self.event.data.is_none() && !self.event.is_named && !self.event.has_id {
                continue;
            }
            self.event.is_named = false;
            return Some(Ok(self.event.data.take().unwrap_or_default()));
        }
        if self.bytes.len() - self.at > EVENT_BYTES_MAX {
            return Some(Err("event is too long".to_owned()));
        }
        None
    }

    /// Where the next line is, without its end; a carriage return may have a line feed behind it.
    fn line(&mut self) -> Option<Range<usize>> {
        let rest = &self.bytes[self.at..];
        let Some(end) = memchr2(b'\n', b'\r', &rest[self.seen..]).map(|end| self.seen + end) else {
            self.seen = rest.len();
            return None;
        };
        let length = match (rest[end], rest.get(end + 1)) {
            (b'\r', None) => {
                self.seen = end;
                return None;
            }
            (b'\r', Some(b'\n')) => 2,
            _ => 1,
        };
        let line = self.at..self.at + end;
        self.at += end + length;
        self.seen = 0;
        Some(line)
    }
}

impl Event {
    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => match &mut self.data {
                None => self.data = Some(value.to_owned()),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
            },
            "event" => self.is_named |= !value.is_empty(),
            "retry" => self.is_named |= value.trim().parse::<i64>().is_ok(),
            "id" if !value.contains('\0') => self.has_id = !value.is_empty(),
            _ => {}
        }
    }
}

fn undecodable(line: &[u8], error: &std::str::Utf8Error) -> String {
    let at = error.valid_up_to();
    let byte = line.get(at).copied().unwrap_or_default();
    format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: invalid start byte")
}
