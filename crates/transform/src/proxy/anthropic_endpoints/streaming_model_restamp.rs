//! Puts the client's own name of the model into `message_start`, the only event that has one.
//!
//! Source: LiteLLM 1.102.4 `proxy/anthropic_endpoints/streaming_model_restamp.py`.

use crate::python::json_decode::loads;
use crate::python::json_encode::json_dumps_compact;
use crate::python::{Text, Value};

/// An event longer than this is let through as it is, and so is everything behind it.
pub(crate) const HELD_BYTES_MAX: usize = 65536;

const MARKER: &[u8] = b"message_start";
/// How deep the event may nest to be read.
const DEPTH_MAX: usize = 200;

/// Rewrites the first real event of a stream, if it is a `message_start`; holds an event until it is whole.
#[derive(Debug)]
pub(crate) struct ModelRestamper {
    model: String,
    held: Vec<u8>,
    is_armed: bool,
}

impl ModelRestamper {
    pub(crate) fn new(model: &str) -> Self {
        Self { model: model.to_owned(), held: Vec::new(), is_armed: true }
    }

    /// Appends to `out` what may leave.
    pub(crate) fn process(&mut self, data: &[u8], out: &mut Vec<u8>) {
        if !self.is_armed {
            out.extend_from_slice(data);
            return;
        }
        self.held.extend_from_slice(data);
        while self.is_armed {
            let Some(end) = frame_end(&self.held) else {
                if self.held.len() > HELD_BYTES_MAX {
                    self.is_armed = false;
                }
                break;
            };
            let frame: Vec<u8> = self.held.drain(..end).collect();
            self.frame(&frame, out);
        }
        if !self.is_armed {
            out.append(&mut self.held);
        }
    }

    /// The end of a stream that ended well: what is held leaves too.
    pub(crate) fn flush(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        if self.is_armed && contains(&held, MARKER) {
            out.extend_from_slice(&restamped(&held, &self.model).unwrap_or(held));
        } else {
            out.extend_from_slice(&held);
        }
        self.is_armed = false;
    }

    fn frame(&mut self, frame: &[u8], out: &mut Vec<u8>) {
        let is_start = frame.len() <= HELD_BYTES_MAX && contains(frame, MARKER);
        let is_ping =
            [&b"event: ping"[..], b"\"type\": \"ping\"", b"\"type\":\"ping\""].iter().any(|ping| contains(frame, ping));
        self.is_armed = !(contains(frame, MARKER) || contains(frame, b"data:") && !is_ping);
        match is_start.then(|| restamped(frame, &self.model)).flatten() {
            Some(restamped) => out.extend_from_slice(&restamped),
            None => out.extend_from_slice(frame),
        }
    }
}

/// Behind the first blank line, in any of the three spellings.
pub(crate) fn frame_end(data: &[u8]) -> Option<usize> {
    (0..data.len()).find_map(|at| {
        let rest = &data[at..];
        if rest.starts_with(b"\r\n\r\n") {
            Some(at + 4)
        } else if rest.starts_with(b"\r\r") || rest.starts_with(b"\n\n") {
            Some(at + 2)
        } else {
            None
        }
    })
}

fn contains(data: &[u8], needle: &[u8]) -> bool {
    data.windows(needle.len()).any(|window| window == needle)
}

/// The frame with another model, `None` if there is nothing to change.
fn restamped(frame: &[u8], model: &str) -> Option<Vec<u8>> {
    let text: String = frame.utf8_chunks().map(|chunk| chunk.valid()).collect();
    let mut changed = false;
    let mut out = String::with_capacity(text.len());
    for line in lines(&text) {
        match restamped_line(line, model) {
            Some(line) => {
                changed = true;
                out.push_str(&line);
            }
            None => out.push_str(line),
        }
    }
    changed.then(|| out.into_bytes())
}

fn restamped_line(line: &str, model: &str) -> Option<String> {
    let payload = line.trim().strip_prefix("data:")?.trim();
    let Ok(Value::Dict(mut event)) = loads(payload.as_bytes(), DEPTH_MAX) else {
        return None;
    };
    if event.get("type")?.as_str() != Some("message_start") {
        return None;
    }
    let Some(Value::Dict(message)) = event.get_mut("message") else {
        return None;
    };
    if message.get("model").and_then(Value::as_str) == Some(model) {
        return None;
    }
    message.set("model", Value::Str(Text::from(model)));
    let written = json_dumps_compact(&Value::Dict(event));
    let terminator = &line[line.trim_end_matches(['\r', '\n']).len()..];
    Some(format!("data: {}{terminator}", String::from_utf8_lossy(&written)))
}

/// `str.splitlines(keepends=True)`.
fn lines(text: &str) -> Vec<&str> {
    let ends_line = |character: char| {
        matches!(character, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    let mut lines = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if !ends_line(character) {
            continue;
        }
        let mut end = at + character.len_utf8();
        if character == '\r' && characters.next_if(|(_, next)| *next == '\n').is_some() {
            end += 1;
        }
        lines.push(&text[start..end]);
        start = end;
    }
    lines.extend((start < text.len()).then(|| &text[start..]));
    lines
}
