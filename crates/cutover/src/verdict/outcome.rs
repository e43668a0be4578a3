//! The words of a comparison's end: verdict, outcome, reason to skip, severity.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::defects::Defect;

/// Why a difference is excused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Excuse {
    /// By the `tolerate` entry with this path.
    Rule(String),
    /// By a declared defect of the control.
    Defect(Defect),
}

impl fmt::Display for Excuse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(path) => write!(formatter, "rule {path}"),
            Self::Defect(defect) => write!(formatter, "defect {}", defect.as_str()),
        }
    }
}

/// What a pair shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Equal but for noise and formatting.
    Match,
    /// Different, and every difference is excused; these are the excuses, each once.
    Tolerated(Vec<Excuse>),
    /// Different.
    Mismatch,
}

impl Verdict {
    /// The label of metrics and JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Tolerated(_) => "tolerated",
            Self::Mismatch => "mismatch",
        }
    }
}

/// What became of one request of a lane; every request has exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Both legs answered and were compared.
    Compared(Verdict),
    /// Not compared, and why.
    Skipped(SkipReason),
}

/// Declares the reasons, their labels and whether they count against coverage in one table.
macro_rules! skip_reasons {
    ($( $(#[$doc:meta])* $name:ident = $label:literal, $benign:literal; )+) => {
        /// Why a request was not compared. A closed set: it labels a metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum SkipReason { $( $(#[$doc])* #[serde(rename = $label)] $name, )+ }

        impl SkipReason {
            /// Every reason, in the order of a request's way.
            pub const ALL: &'static [Self] = &[$( Self::$name ),+];

            /// The label of metrics and JSON.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$name => $label ),+ }
            }

            /// Whether a skip for this reason says nothing against coverage: not comparing was
            /// planned, or there was nothing to compare. All others count, or the gate could be
            /// passed by failing to compare.
            pub fn benign(self) -> bool {
                match self { $( Self::$name => $benign ),+ }
            }
        }
    };
}

skip_reasons! {
    /// The sample rate left it out.
    NotSampled = "not_sampled", true;
    /// The native leg served it.
    ServedNatively = "served_natively", true;
    /// Python asked no provider: 401, 429, a cache hit, a cooldown.
    NoProviderExchange = "no_provider_exchange", true;
    /// Python refused without asking a provider, and the native leg asked for one. Whether Python really asked nobody, or
    /// the tap did not see it, cannot be told, so it is no mismatch; but it is no reason to raise a lane either.
    ProviderNotAsked = "provider_not_asked", false;
    /// The lane was not eligible: agreement unknown or disagreeing, or the config declines.
    LaneIneligible = "lane_ineligible", false;
    /// No tap is in the provider's way.
    NoTape = "no_tape", false;
    /// The tap lost part of the exchanges.
    TapeIncomplete = "tape_incomplete", false;
    /// A callback or guardrail reads the body, so no correlation id may be put into it.
    CorrelationUnsafe = "correlation_unsafe", false;
    /// The shadow's queue was full.
    QueueFull = "queue_full", false;
    /// The shadow's byte budget was used up.
    BytesBudget = "bytes_budget", false;
    /// A body was larger than what is captured.
    BodyTooLarge = "body_too_large", false;
    /// The client went away before Python had answered.
    ClientAborted = "client_aborted", false;
    /// The native leg declined the request in shadow.
    ShadowDeclined = "shadow_declined", false;
    /// The native leg took too long in shadow.
    ShadowTimeout = "shadow_timeout", false;
    /// The native leg failed in shadow: a panic, an internal error.
    ShadowFailed = "shadow_failed", false;
    /// Python gave no answer to compare with.
    PythonFailed = "python_failed", false;
    /// The answer is of a kind that cannot be compared yet, such as a stream.
    NotComparable = "not_comparable", false;
    /// The rules or the config changed between capture and comparison.
    Superseded = "superseded", false;
}

impl fmt::Display for SkipReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a difference is worth. Ordered: greater is worse.
///
/// Low: formatting (key order, number spelling). Medium: headers, usage, cost. High: content.
/// Severe: status, error type and code, provider method, URL and number of attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Formatting; does not make a mismatch.
    Low,
    /// Headers, usage and cost.
    Medium,
    /// Content.
    High,
    /// Status, error identity, provider calls.
    Severe,
}

impl Severity {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Severe => "severe",
        }
    }
}
