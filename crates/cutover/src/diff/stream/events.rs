//! The events of a stream, as the standard reads them (WHATWG HTML, server-sent events).

use std::borrow::Cow;

use super::{
    super::parse,
    made_up::{MadeUp, replaced},
};

/// One event. Comments are no events: LiteLLM's keep-alives come by the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field; empty where there is none.
    pub name: &'a str,
    /// The `data` lines, joined by line feeds; `None` where there is none.
    pub data: Option<Cow<'a, str>>,
    /// The `id` field.
    pub id: Option<&'a str>,
    /// How it ended.
    pub end: StreamEnd,
}

/// Whether an event was finished by a blank line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    Whole,
    /// The stream ended first: readers drop such an event.
    Cut,
}

/// Reads all events of a stream. Lines end with LF, CRLF or CR; a byte order mark at the start is skipped.
pub fn events(text: &str) -> Vec<Event<'_>> {
    let mut found = Vec::new();
    let mut open = Event { name: "", data: None, id: None, end: StreamEnd::Cut };
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let (line, after, ended) = first_line(rest);
        rest = after;
        if line.is_empty() && ended {
            let event = std::mem::replace(&mut open, Event { name: "", data: None, id: None, end: StreamEnd::Cut });
            if !is_blank(&event) {
                found.push(Event { end: StreamEnd::Whole, ..event });
            }
            continue;
        }
        take_in(&mut open, line);
    }
    if !is_blank(&open) {
        found.push(open);
    }
    found
}

fn first_line(text: &str) -> (&str, &str, bool) {
    let Some(at) = text.find(['\n', '\r']) else { return (text, "", false) };
    let length = if text[at..].starts_with("\r\n") { 2 } else { 1 };
    (&text[..at], &text[at + length..], true)
}

fn is_blank(event: &Event<'_>) -> bool {
    event.name.is_empty() && event.data.is_none() && event.id.is_none()
}

fn take_in<'a>(event: &mut Event<'a>, line: &'a str) {
    let (field, value) = line.split_once(':').unwrap_or((line, ""));
    let value = value.strip_prefix(' ').unwrap_or(value);
    match field {
        "event" => event.name = value,
        "id" => event.id = Some(value),
        "data" => match &mut event.data {
            None => event.data = Some(Cow::Borrowed(value)),
            Some(before) => {
                let joined = before.to_mut();
                joined.push('\n');
                joined.push_str(value);
            }
        },
        _ => {}
    }
}

/// The events as a JSON array. Data that is JSON stays JSON, in its own spelling but for the candidate's made-up values
/// that are `made_up`, which become the control's; other data is a string.
pub(super) fn as_json(events: &[Event<'_>], depth_max: usize, made_up: &[MadeUp]) -> String {
    let mut json = String::from("[");
    for (at, event) in events.iter().enumerate() {
        json.push_str(if at > 0 { ",{" } else { "{" });
        let mut first = true;
        let mut member = |name: &str, value: &str| {
            json.push_str(if std::mem::take(&mut first) { "\"" } else { ",\"" });
            json.push_str(name);
            json.push_str("\":");
            json.push_str(value);
        };
        if !event.name.is_empty() {
            member("event", &quoted(event.name));
        }
        if let Some(id) = event.id {
            member("id", &quoted(id));
        }
        if let Some(data) = &event.data {
            let spelt = match parse(data, depth_max) {
                Ok(document) => replaced(data, &document, made_up),
                Err(_) => Cow::Owned(quoted(data)),
            };
            member("data", &spelt);
        }
        if event.end == StreamEnd::Cut {
            member("cut", "true");
        }
        json.push('}');
    }
    json.push(']');
    json
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
