//! Comparing event streams (SSE), in three layers: the bytes, the events in order, and the message they add up to.
//!
//! Two streams with the same events may frame them differently; two with the same message may cut its text
//! differently. The layer that differs says which of it a client can notice, so each has its own paths: `$.frames`,
//! `$.events[…]`, `$.message…`.

mod events;
mod fold;
mod made_up;

pub use events::{Event, StreamEnd, events};
pub use fold::fold;

use serde::{Deserialize, Serialize};

use self::made_up::MadeUp;
use super::{Differences, Kind, Limits, RawDifference, ValueType, diff_json, parse};
use crate::noise::Format;

/// How far up two streams differ. Ordered: greater is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Only the bytes around equal events.
    Frames,
    /// The events, which add up to the same message.
    Events,
    /// What the events add up to: text, tool calls, finish, usage.
    Message,
}

impl Layer {
    /// The layer that a difference's path lies in; `None` for one that is not of a stream.
    pub fn of(path: &str) -> Option<Self> {
        let within =
            |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        match path {
            _ if within("$.message") => Some(Self::Message),
            _ if within("$.events") => Some(Self::Events),
            _ if within("$.frames") => Some(Self::Frames),
            _ => None,
        }
    }
}

/// Whether headers say that their body is an event stream.
pub fn is_stream(headers: &[(String, String)]) -> bool {
    let content_type = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    content_type.is_some_and(|(_, value)| value.trim_start().starts_with("text/event-stream"))
}

/// A stream as the paths of its differences see it: `message`, where the events add up to one, and `events`.
pub fn stream_document(text: &str, limits: &Limits) -> serde_json::Value {
    let events = events(text);
    let listed = serde_json::from_str(&events::as_json(&events, limits.depth_max, &[])).unwrap_or_default();
    let mut document = serde_json::Map::new();
    document.extend(fold(&events).map(|message| ("message".to_owned(), message)));
    document.insert("events".to_owned(), listed);
    serde_json::Value::Object(document)
}

/// Compares two event streams; `fields` are members of the events' data that each run makes up anew, with their formats.
///
/// Shape   differences of the message come first, then those of the events; the bytes are named only where both are
///         equal. A stream that cannot be read as text is compared as bytes, at `$.frames`. What the runs made up in a field
///         is one difference, at its first event, however often it is repeated.
pub fn diff_stream(left: &[u8], right: &[u8], fields: &[(&'static str, Format)], limits: &Limits) -> Differences {
    if left == right {
        return Differences::default();
    }
    let text = |bytes| std::str::from_utf8(bytes).ok().filter(|text: &&str| text.len() <= limits.bytes_max);
    let (Some(left_text), Some(right_text)) = (text(left), text(right)) else {
        return frames(Kind::Changed, left.len(), right.len(), limits);
    };
    let (lefts, rights) = (events(left_text), events(right_text));
    let mut found = Differences::default();
    let (left_message, right_message) = (fold(&lefts), fold(&rights));
    if left_message.is_some() || right_message.is_some() {
        let wrapped = |message| serde_json::json!({ "message": message }).to_string();
        compare(&wrapped(left_message), &wrapped(right_message), limits, &mut found);
    }
    let made_up = made_up::between(&lefts, &rights, fields, limits.depth_max);
    for one in &made_up {
        found.push(limits, || one.difference());
    }
    let listed = |events: &[Event<'_>], replaced: &[MadeUp]| {
        format!("{{\"events\":{}}}", events::as_json(events, limits.depth_max, replaced))
    };
    let of_events = found.list.len();
    compare(&listed(&lefts, &[]), &listed(&rights, &made_up), limits, &mut found);
    for difference in &mut found.list[of_events..] {
        made_up.iter().for_each(|one| one.restore(difference));
    }
    if found.is_empty() {
        return frames(Kind::Spelling, left.len(), right.len(), limits);
    }
    found
}

fn compare(left: &str, right: &str, limits: &Limits, found: &mut Differences) {
    // The wrapping object and list are two levels of their own.
    let depth_max = limits.depth_max + 4;
    if let (Ok(left), Ok(right)) = (parse(left, depth_max), parse(right, depth_max)) {
        let more = diff_json(&left, &right, limits);
        found.truncated |= more.truncated;
        for difference in more.list {
            found.push(limits, || difference);
        }
    } else {
        // Cannot be: both were written here.
        found.truncated = true;
    }
}

fn frames(kind: Kind, left_bytes: usize, right_bytes: usize, limits: &Limits) -> Differences {
    let mut found = Differences::default();
    found.push(limits, || RawDifference {
        path: "$.frames".to_owned(),
        template: "$.frames".to_owned(),
        kind,
        left_type: ValueType::Text,
        right_type: ValueType::Text,
        left: Some(format!("{left_bytes} bytes")),
        right: Some(format!("{right_bytes} bytes")),
    });
    found
}
