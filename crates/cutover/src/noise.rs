//! What varies between two runs of the same LiteLLM on the same provider bytes, and the format it keeps.
//!
//! Measured by running LiteLLM 1.102.4 twice on one tape; everything not named here was equal. A
//! noisy value is never ignored: it must keep its format, and ids must map one to one over an answer.

use std::collections::BTreeMap;

use crate::diff::ValueType;

/// A format that a noisy value must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 8-4-4-4-12 hexadecimal digits.
    Uuid,
    /// A decimal number as Python prints it: `0.0`, `12.5`, `1e-05`; not `nan` or `inf`.
    Float,
    /// As `Float`, or Python's `None` where nothing was measured.
    FloatOrNone,
    /// A whole number, not negative.
    Integer,
    /// An HTTP date (IMF-fixdate), such as `Mon, 23 Nov 2026 00:43:11 GMT`.
    HttpDate,
    /// A whole number of seconds since 1970, between the years 2020 and 2100.
    UnixSeconds,
    /// Letters, digits, `-` and `_` after this prefix; LiteLLM's and the providers' generated ids.
    Id(&'static str),
}

impl Format {
    /// Whether a text keeps the format.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::Uuid => is_uuid(text),
            Self::Float => is_float(text),
            Self::FloatOrNone => text == "None" || is_float(text),
            Self::Integer => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
            Self::HttpDate => is_http_date(text),
            Self::UnixSeconds => {
                text.parse::<u64>().is_ok_and(|seconds| (1_577_836_800..4_102_444_800).contains(&seconds))
            }
            Self::Id(prefix) => text.strip_prefix(prefix).is_some_and(is_id_rest),
        }
    }

    /// Whether a JSON value keeps the format: ids are strings, points in time numbers.
    pub fn is_kept_by(self, value_type: ValueType, text: &str) -> bool {
        let expected = if self.is_id() { ValueType::String } else { ValueType::Number };
        value_type == expected && self.accepts(text)
    }

    /// Whether values of this format are ids, held to a one-to-one mapping.
    pub fn is_id(self) -> bool {
        matches!(self, Self::Uuid | Self::Id(_))
    }
}

fn is_id_rest(rest: &str) -> bool {
    rest.len() >= 6 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn is_uuid(text: &str) -> bool {
    let dash = |at| matches!(at, 8 | 13 | 18 | 23);
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| if dash(at) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

fn is_float(text: &str) -> bool {
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    numeric && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_http_date(text: &str) -> bool {
    const SHAPE: &[u8; 29] = b"Aaa, 00 Aaa 0000 00:00:00 GMT";
    text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b'a' => byte.is_ascii_lowercase(),
            b'A' => byte.is_ascii_uppercase(),
            _ => byte == *shape,
        })
}

/// The format of a client-response header that varies; `None` for one that does not. Lower-case name.
///
/// The call id is a UUID unless the client sent its own, and then both legs echo the same.
///
/// Source  litellm/proxy/common_request_processing.py `get_custom_headers` @ 1.102.4; uvicorn's `date`.
pub fn response_header_format(name: &str) -> Option<Format> {
    match name {
        "date" => Some(Format::HttpDate),
        "x-litellm-call-id" => Some(Format::Uuid),
        "x-litellm-key-spend" => Some(Format::Float),
        "x-litellm-response-duration-ms" | "x-litellm-overhead-duration-ms" | "x-litellm-callback-duration-ms" => {
            Some(Format::FloatOrNone)
        }
        // The router's and the key's live counters.
        "x-ratelimit-remaining-requests" | "x-ratelimit-remaining-tokens" => Some(Format::Integer),
        _ if name.starts_with("x-litellm-timing-") => Some(Format::FloatOrNone),
        _ if name.starts_with("x-litellm-key-remaining-") => Some(Format::Integer),
        _ => None,
    }
}

/// A noisy field of a client response's JSON body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoisyField {
    /// The route it is in.
    pub route: &'static str,
    /// Its path template.
    pub template: &'static str,
    /// What it keeps.
    pub format: Format,
}

const fn field(route: &'static str, template: &'static str, format: Format) -> NoisyField {
    NoisyField { route, template, format }
}

/// Every noisy body field of LiteLLM 1.102.4, measured. OCR answers have none.
pub const NOISY_FIELDS: &[NoisyField] = &[
    field("chat_completions", "$.id", Format::Id("chatcmpl-")),
    field("chat_completions", "$.created", Format::UnixSeconds),
    field("chat_completions", "$.choices[*].message.tool_calls[*].id", Format::Id("")),
    field("chat_completions", "$.events[*].data.id", Format::Id("chatcmpl-")),
    field("chat_completions", "$.events[*].data.created", Format::UnixSeconds),
    field("chat_completions", "$.message.id", Format::Id("chatcmpl-")),
    field("chat_completions", "$.message.created", Format::UnixSeconds),
    field("messages", "$.id", Format::Id("")),
    field("messages", "$.content[*].id", Format::Id("")),
    field("responses", "$.id", Format::Id("resp_")),
    field("responses", "$.created_at", Format::UnixSeconds),
    field("responses", "$.output[*].id", Format::Id("")),
    field("responses", "$.output[*].call_id", Format::Id("")),
];

/// Whether an event of a stream, as JSON, is one that LiteLLM keeps or drops as its socket happens to cut the stream, or
/// sends by the clock: Anthropic's `ping`, which means nothing to a client.
pub fn is_stray_event(route: &str, event: &str) -> bool {
    let ping = serde_json::json!({"event": "ping", "data": {"type": "ping"}});
    route == "messages" && serde_json::from_str::<serde_json::Value>(event).is_ok_and(|event| event == ping)
}

/// Whether a header of the control's answer, which has this body, comes by chance: on `/v1/messages` LiteLLM's logging prices
/// an answer once more, with the tokens that it counts itself in a thinking that the provider did not count, and the head
/// tells of them if that was sooner.
///
/// Source  litellm/litellm_core_utils/litellm_logging.py `set_cost_breakdown`,
/// litellm/proxy/common_request_processing.py `get_custom_headers` @ 1.102.4.
pub fn is_stray_header(route: &str, name: &str, value: &str, body: &[u8]) -> bool {
    const COUNTED: &[u8] = b"\"thinking_tokens\"";
    let is_counted = || body.windows(COUNTED.len()).any(|window| window == COUNTED);
    route == "messages" && name == "x-litellm-response-cost-reasoning" && Format::Float.accepts(value) && !is_counted()
}

/// The format of a noisy body field; `None` for a field that does not vary.
pub fn body_field_format(route: &str, template: &str) -> Option<Format> {
    NOISY_FIELDS.iter().find(|noisy| noisy.route == route && noisy.template == template).map(|noisy| noisy.format)
}

/// The noisy members of the data of a stream's events.
pub fn event_fields(route: &str) -> Vec<(&'static str, Format)> {
    let of_route = NOISY_FIELDS.iter().filter(|noisy| noisy.route == route);
    of_route.filter_map(|noisy| Some((noisy.template.strip_prefix("$.events[*].data.")?, noisy.format))).collect()
}

/// A one-to-one mapping of the control's ids to the candidate's, grown over one answer.
#[derive(Clone, Debug, Default)]
pub struct Bijection {
    forward: BTreeMap<String, String>,
    backward: BTreeMap<String, String>,
}

impl Bijection {
    /// Adds a pair; false if either side is already mapped to something else.
    pub fn add(&mut self, left: &str, right: &str) -> bool {
        let known = self.forward.get(left).is_none_or(|mapped| mapped == right);
        let free = self.backward.get(right).is_none_or(|mapped| mapped == left);
        if known && free {
            self.forward.insert(left.to_owned(), right.to_owned());
            self.backward.insert(right.to_owned(), left.to_owned());
        }
        known && free
    }

    /// Whether this very pair was added.
    pub fn maps(&self, left: &str, right: &str) -> bool {
        self.forward.get(left).is_some_and(|mapped| mapped == right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_accept_and_refuse() {
        for (format, text, accepted) in [
            (Format::Uuid, "123e4567-e89b-12d3-a456-426614174000", true),
            (Format::Uuid, "123e4567-e89b-12d3-a456-42661417400", false),
            (Format::Uuid, "my-own-call-id", false),
            (Format::Float, "0.0", true),
            (Format::Float, "1e-05", true),
            (Format::Float, "12", true),
            (Format::Float, "nan", false),
            (Format::Float, "None", false),
            (Format::Float, "", false),
            (Format::FloatOrNone, "None", true),
            (Format::Integer, "17", true),
            (Format::Integer, "-1", false),
            (Format::HttpDate, "Mon, 23 Nov 2026 00:43:11 GMT", true),
            (Format::HttpDate, "2026-11-23T00:43:11Z", false),
            (Format::UnixSeconds, "1795392191", true),
            (Format::UnixSeconds, "1795392191000", false),
            (Format::Id("chatcmpl-"), "chatcmpl-9a8b7c6d", true),
            (Format::Id("chatcmpl-"), "9a8b7c6d", false),
        ] {
            assert_eq!(format.accepts(text), accepted, "{format:?} {text}");
        }
    }

    #[test]
    fn ids_map_one_to_one() {
        let mut ids = Bijection::default();
        assert!(ids.add("a", "x") && ids.add("b", "y") && ids.add("a", "x"));
        assert!(!ids.add("a", "y"), "one left id, two right ids");
        assert!(!ids.add("c", "x"), "two left ids, one right id");
        assert!(ids.maps("a", "x") && !ids.maps("c", "x"));
    }
}
