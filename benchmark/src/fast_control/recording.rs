//! What a real LiteLLM was seen to do, ready to be sent.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use memchr::memmem;
use serde::Deserialize;

/// Crossfade's mark in a body that is mirrored, and the header that LiteLLM makes of it.
const TAPE: &[u8] = b"\"x-crossfade-tape\":\"";

/// The file.
#[derive(Deserialize)]
struct Written {
    /// By `GET /path`, or `GET /path without key`.
    answers: HashMap<String, Message>,
    /// By `POST /path`.
    relayed: HashMap<String, WrittenRelay>,
}

#[derive(Deserialize)]
struct WrittenRelay {
    /// The provider request's path, as LiteLLM sends it through the tap.
    path: String,
    provider: Message,
    answer: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Message {
    /// Headers and body, with the length that the body has.
    fn rest(&self) -> Vec<u8> {
        let mut text = String::new();
        for (name, value) in &self.headers {
            if !matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection" | "host") {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        text.push_str(&format!("content-length: {}\r\n\r\n{}", self.body.len(), self.body));
        text.into_bytes()
    }

    fn as_answer(&self) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {} X\r\n", self.status).into_bytes();
        bytes.extend(self.rest());
        bytes
    }
}

/// A route whose requests reach the provider.
pub struct Relayed {
    line: Vec<u8>,
    rest: Vec<u8>,
    pub answer: Vec<u8>,
}

impl Relayed {
    /// The provider request, marked as the client's body is.
    pub fn provider_request(&self, client_body: &[u8]) -> Vec<u8> {
        let mut request = Vec::with_capacity(self.line.len() + self.rest.len() + 128);
        request.extend_from_slice(&self.line);
        if let Some(id) = tape(client_body) {
            request.extend_from_slice(b"x-crossfade-tape: ");
            request.extend_from_slice(id);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(&self.rest);
        request
    }
}

fn tape(body: &[u8]) -> Option<&[u8]> {
    // Crossfade appends it, so the last one is its own.
    let rest = &body[memmem::rfind(body, TAPE)? + TAPE.len()..];
    Some(&rest[..memchr::memchr(b'"', rest)?])
}

/// Everything that can be answered.
pub struct Recording {
    answers: HashMap<String, Vec<u8>>,
    relayed: HashMap<String, Relayed>,
    missing: Vec<u8>,
}

impl Recording {
    /// Reads the file.
    pub fn read(path: &Path) -> io::Result<Self> {
        let written: Written = serde_json::from_slice(&std::fs::read(path)?).map_err(io::Error::other)?;
        let relayed = |relay: WrittenRelay| Relayed {
            line: format!("POST {} HTTP/1.1\r\nhost: provider\r\n", relay.path).into_bytes(),
            rest: relay.provider.rest(),
            answer: relay.answer.as_answer(),
        };
        let missing = Message { status: 404, headers: Vec::new(), body: "{\"detail\":\"Not Found\"}".to_owned() };
        Ok(Self {
            answers: written.answers.iter().map(|(route, message)| (route.clone(), message.as_answer())).collect(),
            relayed: written.relayed.into_iter().map(|(route, relay)| (route, relayed(relay))).collect(),
            missing: missing.as_answer(),
        })
    }

    /// The route, if its requests reach the provider.
    pub fn relayed(&self, route: &str) -> Option<&Relayed> {
        self.relayed.get(route)
    }

    /// A recorded answer; where there is none, that there is none, unless it is JSON for the provider.
    pub fn answer(&self, route: &str, with_key: bool, is_json: bool) -> Option<&[u8]> {
        if is_json && route.starts_with("POST") && with_key {
            return None;
        }
        let without_key = (!with_key).then(|| self.answers.get(&format!("{route} without key"))).flatten();
        Some(without_key.or_else(|| self.answers.get(route)).unwrap_or(&self.missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_mirrored_body_becomes_a_header() {
        let relayed = Relayed { line: b"POST / HTTP/1.1\r\n".to_vec(), rest: b"\r\n".to_vec(), answer: Vec::new() };
        let check = |body: &str, expected: &str| {
            assert_eq!(String::from_utf8_lossy(&relayed.provider_request(body.as_bytes())), expected, "{body}");
        };
        check("{}", "POST / HTTP/1.1\r\n\r\n");
        check(
            r#"{"a":1,"extra_headers":{"x-crossfade-tape":"ab"}}"#,
            "POST / HTTP/1.1\r\nx-crossfade-tape: ab\r\n\r\n",
        );
    }
}
