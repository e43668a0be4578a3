//! What LiteLLM believes a model can do: flags of the price map, then what the name says.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/common_utils.py` `_supports_model_capability`, `_supports_sampling_params`; the rules
//! for names that aren't in the map are its `fallback_generalizations`.

use std::borrow::Cow;
use std::sync::OnceLock;

use regex::Regex;

use crate::cost_calculator::PriceTable;

/// One flag of a model's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    AdaptiveThinking,
    AlwaysOnThinking,
    LegacyThinking,
    ForcedToolUse,
    NativeStructuredOutput,
    OutputConfig,
    Reasoning,
    SamplingParameters,
    Speed,
    MinimalEffort,
    LowEffort,
    MediumEffort,
    HighEffort,
    XhighEffort,
    MaxEffort,
}

impl Capability {
    pub const ALL: [Self; 15] = [
        Self::AdaptiveThinking,
        Self::AlwaysOnThinking,
        Self::LegacyThinking,
        Self::ForcedToolUse,
        Self::NativeStructuredOutput,
        Self::OutputConfig,
        Self::Reasoning,
        Self::SamplingParameters,
        Self::Speed,
        Self::MinimalEffort,
        Self::LowEffort,
        Self::MediumEffort,
        Self::HighEffort,
        Self::XhighEffort,
        Self::MaxEffort,
    ];

    /// The key in the price map.
    pub fn key(self) -> &'static str {
        match self {
            Self::AdaptiveThinking => "supports_adaptive_thinking",
            Self::AlwaysOnThinking => "thinking_always_on",
            Self::LegacyThinking => "supports_legacy_thinking",
            Self::ForcedToolUse => "supports_forced_tool_use",
            Self::NativeStructuredOutput => "supports_native_structured_output",
            Self::OutputConfig => "supports_output_config",
            Self::Reasoning => "supports_reasoning",
            Self::SamplingParameters => "supports_sampling_params",
            Self::Speed => "supports_speed",
            Self::MinimalEffort => "supports_minimal_reasoning_effort",
            Self::LowEffort => "supports_low_reasoning_effort",
            Self::MediumEffort => "supports_medium_reasoning_effort",
            Self::HighEffort => "supports_high_reasoning_effort",
            Self::XhighEffort => "supports_xhigh_reasoning_effort",
            Self::MaxEffort => "supports_max_reasoning_effort",
        }
    }

    /// What the rules say of a model that isn't in the map.
    fn by_rule(self, model: &str) -> Option<bool> {
        let pattern = match self {
            Self::AdaptiveThinking => &ADAPTIVE,
            Self::AlwaysOnThinking => &ALWAYS_ON,
            Self::LegacyThinking => &LEGACY,
            Self::Reasoning => &FAMILY,
            _ => return None,
        };
        pattern.is_match(model).then_some(true)
    }
}

/// A pattern compiled on first use; a look-ahead of the original is spelled as the character that must follow.
struct Rule(&'static str, OnceLock<Option<Regex>>);

impl Rule {
    fn is_match(&self, text: &str) -> bool {
        self.compiled().is_some_and(|rule| rule.is_match(text))
    }

    /// `may_match` is true of every text with a match, and of few others.
    fn replaced<'a>(&self, text: &'a str, may_match: fn(&str) -> bool, with: &str) -> Cow<'a, str> {
        match Some(text).filter(|text| may_match(text)).and_then(|_| self.compiled()) {
            Some(pattern) => pattern.replace_all(text, with),
            None => Cow::Borrowed(text),
        }
    }

    fn compiled(&self) -> Option<&Regex> {
        self.1.get_or_init(|| Regex::new(self.0).ok()).as_ref()
    }
}

static FAMILY: Rule = Rule(r"claude-[a-z]+-\d", OnceLock::new());
static ADAPTIVE: Rule =
    Rule(r"claude-[a-z]+-(?:4[-._](?:[6-9]|[1-9]\d)(?:\D|$)|(?:[5-9]|[1-9]\d)(?:\D|$))", OnceLock::new());
static LEGACY: Rule = Rule(r"claude-[a-z]+-4[-._]6(?:\D|$)", OnceLock::new());
static ALWAYS_ON: Rule = Rule(r"claude-(?:fable|mythos)-", OnceLock::new());

/// Whether the name alone makes LiteLLM know the model, without prices.
pub(crate) fn is_of_the_family(model: &str) -> bool {
    FAMILY.is_match(model) || ALWAYS_ON.is_match(model)
}

/// Whether the model has the capability on Anthropic; what nobody says is a no.
pub fn supports(table: &PriceTable, model: &str, capability: Capability) -> bool {
    let resolved = match table.anthropic_model(model) {
        Some(entry) => entry.flag(capability),
        None => capability.by_rule(model),
    };
    resolved.or_else(|| declared(table, model, capability)).unwrap_or(false)
}

/// `temperature`, `top_p` and `top_k`: allowed unless the map or the name says otherwise.
pub fn supports_sampling(table: &PriceTable, model: &str) -> bool {
    const WITHOUT: [&str; 9] =
        ["fable", "opus-4-7", "opus_4_7", "opus-4.7", "opus_4.7", "opus-4-8", "opus_4_8", "opus-4.8", "opus_4.8"];
    let lower = model.to_lowercase();
    declared(table, model, Capability::SamplingParameters).unwrap_or(!WITHOUT.iter().any(|name| lower.contains(name)))
}

/// Whether the map says that a call of a tool can't be forced.
pub(crate) fn forbids_forced_tools(table: &PriceTable, model: &str) -> bool {
    declared(table, model, Capability::ForcedToolUse) == Some(false)
}

/// Fast mode: only the very entry counts.
pub fn supports_speed(table: &PriceTable, model: &str) -> bool {
    table.exact_anthropic_model(model).and_then(|entry| entry.flag(Capability::Speed)) == Some(true)
}

/// Whether `output_config.effort` is understood at all.
pub fn supports_effort(table: &PriceTable, model: &str) -> bool {
    use Capability::{HighEffort, LowEffort, MaxEffort, MediumEffort, MinimalEffort, OutputConfig, XhighEffort};
    let any = [OutputConfig, LowEffort, MinimalEffort, MediumEffort, HighEffort, XhighEffort, MaxEffort];
    any.iter().any(|&capability| supports(table, model, capability))
}

/// The flag of the entry under this name or a plainer spelling of it.
fn declared(table: &PriceTable, model: &str, capability: Capability) -> Option<bool> {
    let flag = |name: &str| table.exact_anthropic_model(name)?.flag(capability);
    flag(model).or_else(|| plainer_spellings(model).iter().filter(|name| **name != model).find_map(|name| flag(name)))
}

/// The name without a Bedrock version, a minor, a date; with hyphens for dots; without what follows an `@`.
fn plainer_spellings(model: &str) -> [Cow<'_, str>; 6] {
    static MINOR: Rule = Rule(r":\d+$", OnceLock::new());
    static DOTTED: Rule = Rule(r"(\d)\.(\d)", OnceLock::new());
    let hyphenated = DOTTED.replaced(model, |text| text.contains('.'), "$1-$2");
    let base = undated(&unversioned(&hyphenated)).into_owned();
    let before_at = model.rfind('@').filter(|&at| at > 0).map_or(model, |at| &model[..at]);
    [
        unversioned(model),
        MINOR.replaced(model, |text| text.contains(':'), ""),
        undated(model),
        hyphenated,
        Cow::Owned(base),
        Cow::Borrowed(before_at),
    ]
}

fn unversioned(model: &str) -> Cow<'_, str> {
    static VERSION: Rule = Rule(r"-v\d+(?::\d+)?$", OnceLock::new());
    VERSION.replaced(model, |text| text.contains("-v"), "")
}

fn undated(model: &str) -> Cow<'_, str> {
    static DATE: Rule = Rule(r"-\d{8}$", OnceLock::new());
    DATE.replaced(model, |text| text.chars().nth_back(8) == Some('-'), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_plainer_by_a_version_a_minor_a_date_or_dots() {
        let cases = [
            ("claude", ["claude", "claude", "claude", "claude", "claude", "claude"]),
            ("a-v1:0", ["a", "a-v1", "a-v1:0", "a-v1:0", "a", "a-v1:0"]),
            (
                "a-4.5-20250929",
                ["a-4.5-20250929", "a-4.5-20250929", "a-4.5", "a-4-5-20250929", "a-4-5", "a-4.5-20250929"],
            ),
            ("a-20250929-v2", ["a-20250929", "a-20250929-v2", "a-20250929-v2", "a-20250929-v2", "a", "a-20250929-v2"]),
            ("a-٢٠٢٥٠٩٢٩", ["a-٢٠٢٥٠٩٢٩", "a-٢٠٢٥٠٩٢٩", "a", "a-٢٠٢٥٠٩٢٩", "a", "a-٢٠٢٥٠٩٢٩"]),
            ("a-202509290", ["a-202509290"; 6]),
            ("a@20250929", ["a@20250929", "a@20250929", "a@20250929", "a@20250929", "a@20250929", "a"]),
        ];
        for (model, spelled) in cases {
            assert_eq!(plainer_spellings(model), spelled, "{model}");
        }
    }
}
