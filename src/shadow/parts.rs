//! Takes a message apart: what stays of it for good, and what is content and goes when its time is over.

use bytes::Bytes;
use cutover::diff::{Limits, is_stream, stream_document};
use cutover::rules::LaneRule;
use serde_json::{Map, Value, json};

use super::pair::{HeaderList, Recorded};
use crate::reports::{Names, Redactor};

/// Headers whose values say nothing of a request's content.
const PLAIN_HEADERS: [&str; 10] = [
    "accept",
    "accept-encoding",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "content-type",
    "transfer-encoding",
    "vary",
    "x-content-type-options",
    "x-frame-options",
];

/// What these headers of a request commonly say, which is not of a client's choosing either.
const PLAIN_VALUES: [&str; 8] = [
    "*/*",
    "application/json",
    "chunked",
    "deflate",
    "gzip",
    "gzip, deflate",
    "gzip, deflate, br",
    "gzip, deflate, br, zstd",
];

/// What Anthropic calls the events of a stream.
const EVENTS: [&str; 8] = [
    "content_block_delta",
    "content_block_start",
    "content_block_stop",
    "error",
    "message_delta",
    "message_start",
    "message_stop",
    "ping",
];

/// Who wrote a message: a client, partly, or LiteLLM and the provider.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Request,
    ClientAnswer,
    ProviderAnswer,
}

/// A message as it is taken apart.
pub struct Message<'a> {
    pub url: Option<&'a str>,
    pub headers: &'a HeaderList,
    pub body: &'a Bytes,
}

/// What goes when its time is over.
pub struct Kept {
    /// Bodies by the names of their parts, and beside them what else is content.
    pub content: Map<String, Value>,
    /// URLs and headers by the names of their parts.
    pub heads: Map<String, Value>,
    /// The longest body kept.
    bytes_max: usize,
    /// In seconds.
    pub ttl: u64,
}

/// Takes messages apart: what stays of them, and what is content.
pub struct Parts<'a> {
    redactor: &'a Redactor,
    names: &'a Names,
    /// `None`: content is off.
    pub kept: Option<Kept>,
}

impl<'a> Parts<'a> {
    pub fn new(redactor: &'a Redactor, names: &'a Names, rule: &LaneRule) -> Self {
        let kept = rule.content.as_ref().map(|content| Kept {
            content: Map::new(),
            heads: Map::new(),
            bytes_max: usize::try_from(content.max_bytes).unwrap_or(usize::MAX),
            ttl: content.ttl.seconds(),
        });
        Self { redactor, names, kept }
    }

    /// What stays of a message; its content goes to `kept` under `name`.
    pub fn part(&mut self, name: &str, side: Side, head: &Value, message: Message<'_>) -> Value {
        let Message { url, headers, body } = message;
        let streams = is_stream(headers);
        if let Some(kept) = &mut self.kept {
            kept.content.insert(name.to_owned(), shown_body(self.redactor, body, streams, kept.bytes_max));
            let shown = |(header, value): &(String, String)| json!([header, self.redactor.header(header, value)]);
            let mut whole = json!({"headers": headers.iter().map(shown).collect::<Value>()});
            if let Some(url) = url {
                whole["url"] = json!(self.redactor.text(url));
            }
            kept.heads.insert(name.to_owned(), whole);
        }
        let mut part = head.clone();
        if let Some(url) = url {
            part["url"] = json!(self.without_query(url));
        }
        part["name"] = json!(name);
        let shown = |(header, value): &(String, String)| {
            json!([self.names.shown(header, self.redactor), self.header(side, header, value)])
        };
        part["headers"] = headers.iter().map(shown).collect();
        part["body_bytes"] = json!(body.len());
        part["body_hash"] = json!(self.redactor.hash(body));
        part["structure"] = match std::str::from_utf8(body) {
            Ok(text) if streams => self.stream_structure(text),
            _ => self.redactor.structure(body, self.names),
        };
        if streams {
            part["streams"] = json!(true);
        }
        part
    }

    pub fn answer(&mut self, name: &str, leg: &Recorded) -> Value {
        let message = Message { url: None, headers: &leg.headers, body: &leg.body };
        self.part(name, Side::ClientAnswer, &json!({"status": leg.status}), message)
    }

    fn stream_structure(&self, text: &str) -> Value {
        let shown = stream_shown(text);
        let mut structure = self.redactor.structure(shown.to_string().as_bytes(), self.names);
        let known = |name: &Value| EVENTS.contains(&name.as_str().unwrap_or_default()).then(|| name.clone());
        for (n, event) in shown["events"].as_array().into_iter().flatten().enumerate() {
            for way in ["event", "data/type"] {
                let place = structure.pointer_mut(&format!("/events/{n}/{way}"));
                if let (Some(place), Some(name)) = (place, event.pointer(&format!("/{way}")).and_then(known)) {
                    *place = name;
                }
            }
        }
        structure
    }

    /// A query may hold content.
    fn without_query(&self, url: &str) -> String {
        match url.split_once('?') {
            Some((path, query)) => format!("{}?{} bytes", self.redactor.text(path), query.len()),
            None => self.redactor.text(url),
        }
    }

    /// A value stays only where LiteLLM or HTTP made it; in the place of others stands a hash.
    fn header(&self, side: Side, name: &str, value: &str) -> String {
        let plain = PLAIN_HEADERS.contains(&name);
        let stays = match side {
            // LiteLLM takes its call id from the client, where that sends one.
            Side::ClientAnswer => plain || (name.starts_with("x-litellm-") && name != "x-litellm-call-id"),
            Side::ProviderAnswer => plain,
            Side::Request => {
                plain && (PLAIN_VALUES.contains(&value) || value.bytes().all(|byte| byte.is_ascii_digit()))
            }
        };
        match stays {
            true => self.redactor.header(name, value),
            false => format!("{} bytes #{}", value.len(), self.redactor.hash(value.as_bytes())),
        }
    }
}

/// The message that a stream adds up to, its events and its bytes: a place for the path of every difference.
fn stream_shown(text: &str) -> Value {
    let mut document = stream_document(text, &Limits::default());
    document["frames"] = json!(text);
    document
}

fn shown_body(redactor: &Redactor, body: &Bytes, streams: bool, limit: usize) -> Value {
    if body.len() > limit {
        return json!(format!("… {} bytes, more than this lane keeps ({limit})", body.len()));
    }
    match redactor.body(body) {
        Some(text) if streams => stream_shown(&text),
        Some(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        None => json!(format!("{} bytes that are no text", body.len())),
    }
}
