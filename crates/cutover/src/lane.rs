//! The words a decision is made of: lane, leg, stage, weight.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The route families the router knows, as rules and lanes spell them.
pub const ROUTES: [&str; 6] = ["ocr", "messages", "count_tokens", "chat_completions", "responses", "embeddings"];

/// The unit of cutover and of evidence: `route:provider[:model_group]`.
///
/// The model group may hold any character, `:` included; route and provider may not hold `:`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LaneId {
    /// One of [`ROUTES`].
    pub route: String,
    /// LiteLLM's provider name, for example `mistral`.
    pub provider: String,
    /// LiteLLM's `model_name`; absent where the whole provider is one lane.
    pub model_group: Option<String>,
}

impl LaneId {
    /// Names a lane; the parts are taken as they are.
    pub fn new(route: impl Into<String>, provider: impl Into<String>, model_group: Option<String>) -> Self {
        Self { route: route.into(), provider: provider.into(), model_group }
    }
}

impl fmt::Display for LaneId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.route, self.provider)?;
        match &self.model_group {
            Some(group) => write!(formatter, ":{group}"),
            None => Ok(()),
        }
    }
}

/// The text is not a lane. The caller wrote it (a URL, a flag), so it is theirs to correct.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a lane; write route:provider or route:provider:model_group")]
pub struct LaneError(String);

impl FromStr for LaneId {
    type Err = LaneError;

    fn from_str(text: &str) -> Result<Self, LaneError> {
        let mut parts = text.splitn(3, ':');
        let (route, provider, group) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next());
        if route.is_empty() || provider.is_empty() || group == Some("") {
            return Err(LaneError(text.to_owned()));
        }
        Ok(Self::new(route, provider, group.map(str::to_owned)))
    }
}

impl TryFrom<String> for LaneId {
    type Error = LaneError;

    fn try_from(text: String) -> Result<Self, LaneError> {
        text.parse()
    }
}

impl From<LaneId> for String {
    fn from(lane: LaneId) -> Self {
        lane.to_string()
    }
}

/// Who answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// The LiteLLM that was there before.
    Python,
    /// Our own path.
    Native,
}

impl Leg {
    /// The label of metrics and of `x-crossfade-served-by`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Native => "native",
        }
    }
}

/// How far a lane has come. Ordered: a later stage serves more natively.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Python serves and nothing is compared.
    #[default]
    Off,
    /// Python serves; a share of requests is run on the native leg too, on recorded provider answers.
    Shadow,
    /// A share of subjects is served natively, the rest as in shadow.
    Canary,
    /// Everything is served natively but for the hold-out.
    Full,
}

impl Stage {
    /// The name in rules, JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Shadow => "shadow",
            Self::Canary => "canary",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A share in parts per million, 0 to 1,000,000. Written as a number from 0 to 1.
///
/// Whole parts rather than a float: comparing with a hash is then exact and monotone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64", extend("minimum" = 0, "maximum" = 1))]
pub struct Weight(u32);

impl Weight {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Everything.
    pub const ONE: Self = Self(1_000_000);

    /// A weight of so many parts per million, or nothing above one million.
    pub const fn from_parts_per_million(parts: u32) -> Option<Self> {
        if parts <= 1_000_000 { Some(Self(parts)) } else { None }
    }

    /// The weight in parts per million.
    pub const fn parts_per_million(self) -> u32 {
        self.0
    }

    /// The weight as a number from 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// Whether it is nothing or everything: no draw can make a difference.
    pub const fn is_certain(self) -> bool {
        self.0 == 0 || self.0 == Self::ONE.0
    }

    /// Everything but this share.
    pub const fn complement(self) -> Self {
        Self(1_000_000 - self.0)
    }

    /// The nearest weight to a number, which is first held between 0 and 1. Not a number gives zero.
    pub fn nearest(share: f64) -> Self {
        // A float-to-integer cast saturates and maps NaN to 0, which is what we promise.
        Self((share.clamp(0.0, 1.0) * 1e6).round() as u32)
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} %", f64::from(self.0) / 1e4)
    }
}

/// The number is no share. Whoever wrote it corrects it.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not a share; write a number from 0 to 1, such as 0.05 for 5 %")]
pub struct WeightError(f64);

impl TryFrom<f64> for Weight {
    type Error = WeightError;

    fn try_from(share: f64) -> Result<Self, WeightError> {
        if (0.0..=1.0).contains(&share) { Ok(Self::nearest(share)) } else { Err(WeightError(share)) }
    }
}

impl From<Weight> for f64 {
    fn from(weight: Weight) -> Self {
        weight.share()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_read_and_write() {
        for text in ["ocr:mistral", "ocr:mistral:mistral-ocr", "chat_completions:openai:group:with:colons"] {
            assert_eq!(text.parse::<LaneId>().unwrap().to_string(), text);
        }
        for wrong in ["", "ocr", "ocr:", ":mistral", "ocr:mistral:"] {
            assert!(wrong.parse::<LaneId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn weights_keep_to_their_range() {
        assert_eq!(Weight::try_from(0.05).unwrap().parts_per_million(), 50_000);
        assert_eq!(Weight::try_from(1.0).unwrap(), Weight::ONE);
        assert_eq!(Weight::from_parts_per_million(1_000_001), None);
        assert_eq!(Weight::nearest(f64::NAN), Weight::ZERO);
        for wrong in [-0.01, 1.000_001, f64::NAN, f64::INFINITY] {
            assert!(Weight::try_from(wrong).is_err(), "{wrong}");
        }
        assert_eq!(serde_json::to_string(&Weight::nearest(0.05)).unwrap(), "0.05");
    }
}
