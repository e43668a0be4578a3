//! The wire form of a rule file. Doc comments in here become the descriptions of its JSON schema.
//!
//! Only the shape and the range of single values are checked here; what needs a second value (order
//! of steps, duplicates, routes that exist) is `resolve`'s.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{content::ContentChoice, resolve::Promotion};
use crate::{
    lane::{Stage, Weight},
    time::{Date, Span},
};

/// One file of `cutover_rules/`: how one route moves from Python to the native leg.
///
/// Everything but `route` may be left out. What is left out comes from the file for `*`, if there
/// is one, and else from the defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// The route family: ocr, messages, count_tokens, chat_completions, responses, embeddings, or `*` for every route.
    pub route: String,
    /// Where the lanes start: off, shadow, canary or full. The store keeps where they got to; changing this moves them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Pins the lanes: no automatic move, neither up nor down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<bool>,
    /// Share of Python-served requests that is mirrored and compared, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Weight>,
    /// What sticks to one leg: request, conversation, key, or `header:<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky_by: Option<StickyBy>,
    /// The steps of the canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryFile>,
    /// Share kept on Python, and mirrored, once a lane is at full, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<Weight>,
    /// What the evidence must show before a step up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateFile>,
    /// What takes a lane back to shadow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackFile>,
    /// Who raises a lane once its gate is open: automatic or manual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promote: Option<Promotion>,
    /// Keeps the content of samples, or `off`. Where no layer says: only structure, lengths and keyed hashes are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentChoice>,
    /// Exceptions for single providers or model groups of the route.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<LaneOverride>,
    /// Differences that are excused, each with an owner and an end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerate: Vec<Tolerate>,
}

/// What one provider, or one model group of it, does differently from the rest of the route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LaneOverride {
    /// LiteLLM's provider name, for example mistral.
    pub provider: String,
    /// LiteLLM's model_name. Absent: every model group of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_group: Option<String>,
    /// As in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// As in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<bool>,
    /// As in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Weight>,
    /// As in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky_by: Option<StickyBy>,
    /// As in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryFile>,
    /// As in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<Weight>,
    /// As in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateFile>,
    /// As in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackFile>,
    /// As in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promote: Option<Promotion>,
    /// As in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentChoice>,
}

/// The steps of the canary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryFile {
    /// Native shares in ascending order, each above 0 and below 1. Default 0.01, 0.05, 0.25, 0.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<Weight>>,
    /// The least time a lane stays at each step. Default 1h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_time: Option<Span>,
}

/// What the evidence must show before a step up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateFile {
    /// The mismatch rate that must be excluded, above 0 and below 1. Default 0.005.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mismatch_rate_max: Option<f64>,
    /// The chance of a wrong promotion that is accepted, however often one looks; above 0 and below 1. Default 0.05.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// The largest accepted chance that the next request has a shape that was never compared. Default 0.05.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen_shape_max: Option<f64>,
    /// The largest accepted share of sampled requests that could not be compared, overall and per shape. Default 0.05.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncompared_max: Option<f64>,
    /// The least time in shadow. Default 24h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_time: Option<Span>,
    /// How many pairs of one caller count within an hour, at least 1. Default 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_hourly_max: Option<u32>,
}

/// What takes a lane back to shadow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackFile {
    /// The mismatch rate that is still fine, above 0 and below gate.mismatch_rate_max. Default 0.0005.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mismatch_rate_ok: Option<f64>,
    /// Pairs between two false alarms, on average at least; 100 or more. Default 100000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_run_length: Option<f64>,
    /// Native 5xx answers beyond Python's that are accepted within the host's window. Default 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_5xx_max: Option<u32>,
    /// Milliseconds that the native leg may spend on a request beside its waits for the provider; one answer in a hundred may take longer. At least 1. Default 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead_ms_max: Option<u32>,
    /// How long a lane stays in shadow after a rollback. Default 1h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<Span>,
}

/// Which exchange a difference is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What a leg sent to the provider.
    ProviderRequest,
    /// What a leg answered the client.
    ClientResponse,
}

impl Side {
    /// The name in JSON and rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProviderRequest => "provider_request",
            Self::ClientResponse => "client_response",
        }
    }
}

/// A difference that is excused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tolerate {
    /// Where: `$.pages[*].markdown`, `headers.x-name`, or a subtree such as `$.usage_info.**`.
    pub path: String,
    /// In which exchange.
    pub side: Side,
    /// Who answers for it.
    pub owner: String,
    /// Why it is fine.
    pub reason: String,
    /// The last day it holds.
    pub expires: Date,
}

impl Tolerate {
    /// Whether this entry excuses a difference at a path template on a day. The last day counts.
    pub fn covers(&self, side: Side, template: &str, today: Date) -> bool {
        if self.side != side || today > self.expires {
            return false;
        }
        match self.path.strip_suffix(".**") {
            Some(root) => {
                template.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            }
            None => self.path == template,
        }
    }
}

/// What sticks to one leg.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum StickyBy {
    /// Every request is drawn for itself.
    Request,
    /// A conversation stays on its leg.
    #[default]
    Conversation,
    /// A caller's key stays on its leg.
    Key,
    /// Requests with the same value of this header (lower case) stay together.
    Header(String),
}

/// The text names nothing that can stick. The operator corrects it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown variant `{0}`, expected one of `request`, `conversation`, `key`, `header:<name>`")]
pub struct StickyByError(String);

impl FromStr for StickyBy {
    type Err = StickyByError;

    fn from_str(text: &str) -> Result<Self, StickyByError> {
        match (text, text.strip_prefix("header:")) {
            ("request", _) => Ok(Self::Request),
            ("conversation", _) => Ok(Self::Conversation),
            ("key", _) => Ok(Self::Key),
            (_, Some(name)) if is_header_name(name) => Ok(Self::Header(name.to_ascii_lowercase())),
            _ => Err(StickyByError(text.to_owned())),
        }
    }
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

impl fmt::Display for StickyBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => formatter.write_str("request"),
            Self::Conversation => formatter.write_str("conversation"),
            Self::Key => formatter.write_str("key"),
            Self::Header(name) => write!(formatter, "header:{name}"),
        }
    }
}

impl TryFrom<String> for StickyBy {
    type Error = StickyByError;

    fn try_from(text: String) -> Result<Self, StickyByError> {
        text.parse()
    }
}

impl From<StickyBy> for String {
    fn from(sticky_by: StickyBy) -> Self {
        sticky_by.to_string()
    }
}

impl JsonSchema for StickyBy {
    fn schema_name() -> Cow<'static, str> {
        "StickyBy".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(request|conversation|key|header:[A-Za-z0-9_-]+)$",
            "description": "What sticks to one leg: request, conversation, key, or `header:<name>`.",
        })
    }
}
