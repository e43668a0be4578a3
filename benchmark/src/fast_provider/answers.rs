//! Ready-made answers of a provider, by route and by the words of a profile.
//!
//! A profile is a list of words with dots between: `events50` (a stream of 50 text events), `every5` (5 ms between them),
//! `delay20` (20 ms before the head), `status429`, `bytes100000` (the size of a whole answer), `cut` (the connection ends
//! in the middle). Words that say nothing are passed over, so any model name is a profile.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;
use serde_json::{Value, json};

/// Different answers kept; a benchmark has a few dozen.
const KEPT_MAX: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Route {
    Chat,
    Messages,
    Ocr,
    Other,
}

/// What a profile asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Profile {
    events: usize,
    every: Duration,
    delay: Duration,
    status: u16,
    bytes: usize,
    cut: bool,
}

impl Profile {
    fn of(words: &str) -> Self {
        let mut profile =
            Self { events: 8, every: Duration::ZERO, delay: Duration::ZERO, status: 200, bytes: 0, cut: false };
        for word in words.split('.') {
            let digits = word.trim_start_matches(|letter: char| !letter.is_ascii_digit());
            let Ok(number) = digits.parse::<u64>() else {
                profile.cut |= word == "cut";
                continue;
            };
            match &word[..word.len() - digits.len()] {
                "events" => profile.events = number as usize,
                "every" => profile.every = Duration::from_millis(number),
                "delay" => profile.delay = Duration::from_millis(number),
                "status" => profile.status = number as u16,
                "bytes" => profile.bytes = number as usize,
                _ => {}
            }
        }
        profile
    }
}

/// An answer as it goes out.
#[derive(Debug)]
pub struct Answer {
    pub delay: Duration,
    pub status: u16,
    pub content_type: &'static str,
    /// Without framing: one part if it is whole, one for each event of a stream.
    pub parts: Vec<Bytes>,
    pub streams: bool,
    /// Before every part but the first.
    pub every: Duration,
    /// The connection ends after half of the parts, or of the one.
    pub cut: bool,
    /// For HTTP/1: the head, with all of the body if the answer is whole.
    pub head: Bytes,
    /// For HTTP/1: the parts of a stream as chunks.
    pub chunks: Vec<Bytes>,
}

/// Every answer that was asked for once.
#[derive(Debug, Default)]
pub struct Answers {
    made: HashMap<(Route, bool, String), Rc<Answer>>,
}

impl Answers {
    /// The answer to a request. The profile stands in the path (`/profile/<words>/v1/…`), or else in the body's model.
    pub fn to(&mut self, path: &str, body: &[u8]) -> Rc<Answer> {
        let words = path.strip_prefix("/profile/").and_then(|rest| rest.split('/').next()).or_else(|| model(body));
        let streams = memmem::find(body, b"\"stream\":true").or_else(|| memmem::find(body, b"\"stream\": true"));
        let key = (route(path), streams.is_some(), words.unwrap_or("").to_owned());
        if let Some(answer) = self.made.get(&key) {
            return Rc::clone(answer);
        }
        let answer = Rc::new(make(key.0, key.1, Profile::of(&key.2)));
        if self.made.len() < KEPT_MAX {
            self.made.insert(key, Rc::clone(&answer));
        }
        answer
    }
}

fn route(path: &str) -> Route {
    let path = path.split('?').next().unwrap_or(path);
    match path.rsplit('/').next() {
        Some("completions") => Route::Chat,
        Some("messages") => Route::Messages,
        Some("ocr") => Route::Ocr,
        _ => Route::Other,
    }
}

/// The value of the first `"model"` in a body.
fn model(body: &[u8]) -> Option<&str> {
    let rest = &body[memmem::find(body, b"\"model\"")? + 7..];
    let rest = &rest[memchr::memchr(b'"', rest)? + 1..];
    std::str::from_utf8(&rest[..memchr::memchr(b'"', rest)?]).ok()
}

fn make(route: Route, streams: bool, profile: Profile) -> Answer {
    let streams = streams && profile.status == 200 && route != Route::Ocr;
    let parts = match (profile.status, route) {
        (200, Route::Chat) if streams => chat_events(profile.events),
        (200, Route::Messages) if streams => message_events(profile.events),
        (200, Route::Other) if streams => chat_events(profile.events),
        (200, _) => vec![whole(route, profile.bytes)],
        (status, route) => vec![refusal(route, status)],
    };
    let content_type = if streams { "text/event-stream; charset=utf-8" } else { "application/json" };
    let mut head = format!("HTTP/1.1 {} X\r\ncontent-type: {content_type}\r\n", profile.status);
    for (name, value) in HEADERS {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut chunks = Vec::new();
    let mut head = if streams {
        chunks = parts.iter().map(chunk).collect();
        (head + "transfer-encoding: chunked\r\n\r\n").into_bytes()
    } else {
        let mut bytes = (head + &format!("content-length: {}\r\n\r\n", parts[0].len())).into_bytes();
        bytes.extend_from_slice(&parts[0]);
        bytes
    };
    if profile.cut {
        if streams {
            chunks.truncate(chunks.len() / 2);
        } else {
            head.truncate(head.len() - parts[0].len() / 2);
        }
    } else if streams {
        chunks.push(Bytes::from_static(b"0\r\n\r\n"));
    }
    Answer {
        delay: profile.delay,
        status: profile.status,
        content_type,
        parts,
        streams,
        every: profile.every,
        cut: profile.cut,
        head: Bytes::from(head),
        chunks,
    }
}

/// As many as real providers send at the least.
pub const HEADERS: [(&str, &str); 6] = [
    ("date", "Mon, 23 Nov 2026 00:00:00 GMT"),
    ("request-id", "req_011CSHoEeqs5C35K2UUqR7Fy"),
    ("anthropic-ratelimit-requests-limit", "4000"),
    ("anthropic-ratelimit-requests-remaining", "3999"),
    ("anthropic-organization-id", "86c8b1b2-5a4c-4d70-a6d5-8c1f2a1e7f60"),
    ("server", "fast-provider"),
];

fn chunk(part: &Bytes) -> Bytes {
    let mut framed = format!("{:x}\r\n", part.len()).into_bytes();
    framed.extend_from_slice(part);
    framed.extend_from_slice(b"\r\n");
    Bytes::from(framed)
}

const SENTENCE: &str =
    "The tide turns at six, so the boats leave at five; whoever comes later has to wait for the night. ";

fn text(bytes: usize) -> String {
    SENTENCE.chars().cycle().take(bytes.max(SENTENCE.len() * 2)).collect()
}

fn whole(route: Route, bytes: usize) -> Bytes {
    let text = text(bytes.saturating_sub(400));
    let answer = match route {
        Route::Chat | Route::Other => json!({
            "id": "chatcmpl-CMockMockMockMockMockMockMock", "object": "chat.completion", "created": 1_760_000_000_u64, "model": "gpt-4o-2024-08-06",
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": text, "refusal": null, "annotations": [] }, "logprobs": null, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 11, "completion_tokens": 42, "total_tokens": 53,
                "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 }, "completion_tokens_details": { "reasoning_tokens": 0, "audio_tokens": 0 } },
            "service_tier": "default", "system_fingerprint": "fp_mock",
        }),
        Route::Messages => json!({
            "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
            "content": [{ "type": "text", "text": text }], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": { "input_tokens": 11, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 42 },
        }),
        Route::Ocr => json!({
            "pages": [{ "index": 0, "markdown": text, "images": [], "dimensions": { "dpi": 200, "height": 2200, "width": 1700 } }],
            "model": "mistral-ocr-2505-completion", "document_annotation": null,
            "usage_info": { "pages_processed": 1, "doc_size_bytes": 40_960 },
        }),
    };
    Bytes::from(answer.to_string())
}

fn refusal(route: Route, status: u16) -> Bytes {
    let kind = if status == 429 { "rate_limit_error" } else { "api_error" };
    let answer = match route {
        Route::Messages => json!({ "type": "error", "error": { "type": kind, "message": "as the profile says" } }),
        _ => json!({ "error": { "message": "as the profile says", "type": kind, "param": null, "code": null } }),
    };
    Bytes::from(answer.to_string())
}

fn chat_events(count: usize) -> Vec<Bytes> {
    let event = |delta: Value, reason: Value| {
        Bytes::from(format!(
            "data: {}\n\n",
            json!({ "id": "chatcmpl-CMockMockMockMockMockMockMock", "object": "chat.completion.chunk", "created": 1_760_000_000_u64,
                "model": "gpt-4o-2024-08-06", "service_tier": "default", "system_fingerprint": "fp_mock",
                "choices": [{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason }] })
        ))
    };
    let mut events = vec![event(json!({ "role": "assistant", "content": "", "refusal": null }), Value::Null)];
    events.extend((0..count).map(|_| event(json!({ "content": " word" }), Value::Null)));
    events.push(event(json!({}), "stop".into()));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

fn message_events(count: usize) -> Vec<Bytes> {
    let event = |value: Value| {
        Bytes::from(format!("event: {}\ndata: {value}\n\n", value.get("type").and_then(Value::as_str).unwrap_or("")))
    };
    let mut events = vec![
        event(
            json!({ "type": "message_start", "message": { "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF", "type": "message", "role": "assistant",
            "model": "claude-sonnet-4-5-20250929", "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": { "input_tokens": 11, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1 } } }),
        ),
        event(json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } })),
    ];
    let word =
        event(json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": " word" } }));
    events.extend((0..count).map(|_| word.clone()));
    events.push(event(json!({ "type": "content_block_stop", "index": 0 })));
    events.push(event(json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null }, "usage": { "output_tokens": 42 } })));
    events.push(event(json!({ "type": "message_stop" })));
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, body: &str, status: u16, parts: usize, streams: bool) {
        let answer = Answers::default().to(path, body.as_bytes());
        assert_eq!((answer.status, answer.parts.len(), answer.streams), (status, parts, streams), "{path} {body}");
    }

    #[test]
    fn profiles_decide() {
        check("/v1/chat/completions", r#"{"model":"gpt-4o"}"#, 200, 1, false);
        check("/v1/chat/completions", r#"{"model":"chat.events50","stream":true}"#, 200, 53, true);
        check("/v1/messages", r#"{"messages":[],"model": "m.events20.every5", "stream": true}"#, 200, 25, true);
        check("/profile/events3/v1/messages", r#"{"model":"claude","stream":true}"#, 200, 8, true);
        check("/profile/status429/v1/ocr", r#"{"model":"x"}"#, 429, 1, false);
        check("/v1/messages", r#"{"model":"m.status500","stream":true}"#, 500, 1, false);
    }

    #[test]
    fn whole_answers_have_about_the_size_asked_for() {
        for bytes in [1_000, 100_000, 1_000_000] {
            let answer = Answers::default().to(&format!("/profile/bytes{bytes}/v1/messages"), b"{}");
            let length = answer.parts.first().map_or(0, Bytes::len);
            assert!(length.abs_diff(bytes) < 300, "{length} for {bytes}");
        }
    }
}
