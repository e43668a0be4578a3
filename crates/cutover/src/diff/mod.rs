//! Differences between two exchanges, complete in both directions.
//!
//! `json_text` reads JSON without losing how it was spelt, `json` compares two such documents,
//! `array` aligns their arrays, `headers` compares header lists under a policy table, `text` shows
//! what changed inside a text, and `body` picks among them. `stream` turns event streams (SSE) into the
//! same kind of documents: their events, and the message that these add up to.
//!
//! What a difference is worth is `verdict`'s to say.

mod array;
mod body;
mod headers;
mod json;
mod json_text;
mod path;
mod stream;
mod text;

pub use body::diff_body;
pub use headers::{HeaderPolicy, client_response_policy, diff_headers, provider_request_policy};
pub use json::diff_json;
pub use json_text::{Document, JsonError, Node, Value, parse};
pub use path::Path;
pub use stream::{Event, Layer, StreamEnd, diff_stream, events, fold, is_stream, stream_document};
pub use text::{Run, Tag, TextDiff, WORDS_MAX, diff_text};

use serde::{Deserialize, Serialize};

/// The bounds of one comparison. Beyond any of them the result says so and counts as a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How deep objects and arrays may nest.
    pub depth_max: usize,
    /// How many differences are listed; one more sets `truncated`.
    pub differences_max: usize,
    /// How many bytes a body may have to be read as JSON; above, bytes are compared.
    pub bytes_max: usize,
    /// How many elements of either array are aligned; above, elements are compared by index.
    pub aligned_elements_max: usize,
    /// How many bytes of a value are kept to show it.
    pub shown_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth_max: 128,
            differences_max: 200,
            bytes_max: 16 << 20,
            aligned_elements_max: 1024,
            shown_bytes_max: 512,
        }
    }
}

/// How two values differ. Left is the control, right the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Same type, other value.
    Changed,
    /// Only the control has it.
    Missing,
    /// Only the candidate has it.
    Extra,
    /// Another type.
    Type,
    /// Same members, other order: keys of an object, or elements of an array.
    Order,
    /// Same value, other spelling: `1` and `1.0`, an escaped and a plain character.
    Spelling,
}

impl Kind {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Type => "type",
            Self::Order => "order",
            Self::Spelling => "spelling",
        }
    }
}

/// The type of a compared value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// Not there.
    Absent,
    /// JSON null.
    Null,
    /// JSON true or false.
    Bool,
    /// JSON number.
    Number,
    /// JSON string.
    String,
    /// JSON array.
    Array,
    /// JSON object.
    Object,
    /// Text or bytes outside of JSON: a header, a URL, an opaque body.
    Text,
}

impl ValueType {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
            Self::Text => "text",
        }
    }
}

/// One difference, without judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawDifference {
    /// Where, for example `$.pages[0].markdown`.
    pub path: String,
    /// Where, with indexes as `[*]`: what differences of one cause share.
    pub template: String,
    /// How.
    pub kind: Kind,
    /// The control's type.
    pub left_type: ValueType,
    /// The candidate's type.
    pub right_type: ValueType,
    /// The control's value whole: a string's characters, else JSON text. Shorten before keeping it.
    pub left: Option<String>,
    /// The candidate's value, likewise.
    pub right: Option<String>,
}

/// The differences of one comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// In the order of the control's document.
    pub list: Vec<RawDifference>,
    /// There were more than the limit; the list holds the first ones.
    pub truncated: bool,
}

impl Differences {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && !self.truncated
    }

    fn push(&mut self, limits: &Limits, difference: impl FnOnce() -> RawDifference) {
        if self.list.len() >= limits.differences_max {
            self.truncated = true;
        } else {
            self.list.push(difference());
        }
    }
}
