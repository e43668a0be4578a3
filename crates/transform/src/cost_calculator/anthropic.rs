//! What a message costs.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/cost_calculation.py`, `llms/anthropic/chat/transformation.py` `calculate_usage`,
//! `litellm_core_utils/llm_cost_calc/utils.py`. Sums and products keep Python's order, so the digits in headers are the same.

use serde_json::{Map, Value as Json};

use super::{PriceTable, select_model_name};
use crate::answer::HeaderText;
use crate::llms::anthropic::capabilities::{Capability, is_of_the_family};
use crate::proxy::anthropic_endpoints::answers::number;
use crate::pydantic::as_integer;
use crate::python::{Dict, Integer, Value};

/// US dollars, as the headers of an answer tell them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MessageCost {
    pub total: f64,
    /// With what was read from and written to the cache.
    pub input: f64,
    pub output: f64,
    pub cache_read: f64,
    pub cache_creation: f64,
    pub reasoning: f64,
    pub tool_usage: f64,
}

/// US dollars per token.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Rates {
    input: Option<f64>,
    output: Option<f64>,
    cache_creation: Option<f64>,
    cache_creation_above_1hr: Option<f64>,
    cache_read: Option<f64>,
}

/// An entry of the price map for a model of Anthropic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnthropicModel {
    rates: Rates,
    /// Prices of long prompts: above so many tokens, most first.
    above: Vec<(f64, Rates)>,
    per_search: Option<f64>,
    /// `provider_specific_entry`: factors by region, and for `fast`.
    factors: Vec<(Box<str>, f64)>,
    flags: Vec<(Capability, bool)>,
    /// The longest answer; absent means the entry doesn't say.
    pub(crate) output_limit: Option<i64>,
    /// Priced in a way that isn't reproduced.
    pub(crate) is_foreign: bool,
}

impl AnthropicModel {
    pub(super) fn read(entry: &Map<String, Json>) -> Self {
        let factors = entry.get("provider_specific_entry").and_then(Json::as_object);
        let searches = entry.get("search_context_cost_per_query");
        let flag = |capability: Capability| Some((capability, entry.get(capability.key())?.as_bool()?));
        Self {
            rates: rates(entry, ""),
            above: thresholds(entry),
            per_search: searches.and_then(|prices| prices.get("search_context_size_medium")).and_then(Json::as_f64),
            factors: factors
                .into_iter()
                .flatten()
                .filter_map(|(name, factor)| Some((name.as_str().into(), factor.as_f64()?)))
                .collect(),
            output_limit: entry.get("max_output_tokens").or_else(|| entry.get("max_tokens")).and_then(Json::as_i64),
            flags: Capability::ALL.into_iter().filter_map(flag).collect(),
            is_foreign: entry.iter().any(|(key, value)| !value.is_null() && is_foreign_price(key)),
        }
    }

    pub(crate) fn flag(&self, capability: Capability) -> Option<bool> {
        self.flags.iter().find(|(flag, _)| *flag == capability).map(|(_, value)| *value)
    }

    pub(super) fn canonical(&self) -> String {
        format!("{self:?}")
    }

    fn factor(&self, name: &str) -> f64 {
        self.factors.iter().find(|(factor, _)| **factor == *name).map_or(1.0, |(_, factor)| *factor)
    }
}

const RATE_KEYS: [&str; 5] = [
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_creation_input_token_cost",
    "cache_creation_input_token_cost_above_1hr",
    "cache_read_input_token_cost",
];

fn rates(entry: &Map<String, Json>, suffix: &str) -> Rates {
    let price = |key: &str| entry.get(&format!("{key}{suffix}")).and_then(Json::as_f64);
    let [input, output, cache_creation, cache_creation_above_1hr, cache_read] = RATE_KEYS.map(price);
    Rates { input, output, cache_creation, cache_creation_above_1hr, cache_read }
}

fn thresholds(entry: &Map<String, Json>) -> Vec<(f64, Rates)> {
    let read = |(key, value): (&String, &Json)| {
        let name = key.strip_prefix("input_cost_per_token_above_")?.strip_suffix("_tokens")?;
        value.as_f64()?;
        let (digits, factor) = name.strip_suffix('k').map_or((name, 1.0), |digits| (digits, 1000.0));
        Some((digits.parse::<f64>().ok()? * factor, rates(entry, &format!("_above_{name}_tokens"))))
    };
    let mut above: Vec<(f64, Rates)> = entry.iter().filter_map(read).collect();
    above.sort_by(|left, right| right.0.total_cmp(&left.0));
    above
}

/// Off-peak hours, tiers by table, prices of service tiers, of reasoning, of images.
fn is_foreign_price(key: &str) -> bool {
    let is_price = key.contains("cost") || key.contains("pricing");
    let is_known = RATE_KEYS.iter().any(|known| {
        key.strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("_above_") && rest.ends_with("_tokens"))
    });
    is_price && !is_known && !key.ends_with("_batches") && key != "search_context_cost_per_query"
}

/// What an answer costs; `None` where LiteLLM fails to price it and says nothing about costs.
///
/// `model` is the deployment's. A model nobody knows is free: the router has registered it without prices.
pub fn message_cost(table: &PriceTable, answer: &Dict, model: &str) -> Option<MessageCost> {
    let answered = match answer.get("model") {
        None | Some(Value::None) => None,
        Some(answered) => Some(answered.as_str()?),
    };
    match answer.get("usage") {
        None | Some(Value::None) => Some(MessageCost::default()),
        Some(Value::Dict(usage)) => usage_cost(table, answered, model, &BilledUsage::read(usage)?),
        Some(_) => None,
    }
}

/// What a usage costs on the model that answered; `model` is the deployment's.
pub(crate) fn usage_cost(
    table: &PriceTable,
    answered: Option<&str>,
    model: &str,
    usage: &BilledUsage,
) -> Option<MessageCost> {
    let selected = select_model_name(table, "anthropic", answered.unwrap_or(model));
    let names = [Some(selected.as_str()), answered, Some(model)];
    let unpriced = AnthropicModel::default();
    let entry = names.into_iter().flatten().find_map(|name| match table.anthropic_model(name) {
        Some(entry) => Some(entry),
        None => is_of_the_family(name).then_some(&unpriced),
    });
    price(entry.unwrap_or(&unpriced), usage)
}

/// The billable part of an answer's `usage`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct BilledUsage {
    /// Of the prompt: neither read from nor written to the cache.
    pub plain: f64,
    pub cache_read: f64,
    pub cache_creation: f64,
    /// Of what was written: for five minutes, for an hour.
    pub cache_creation_details: Option<(Option<f64>, Option<f64>)>,
    pub output: f64,
    pub reasoning: f64,
    pub searches: Option<f64>,
    pub region: Option<String>,
    pub is_fast: bool,
}

impl BilledUsage {
    fn read(usage: &Dict) -> Option<Self> {
        let has_cache = ["cache_read_input_tokens", "cache_creation_input_tokens"];
        let is_anthropic = usage.get("prompt_tokens").is_none()
            && usage.get("input_tokens").is_some()
            && has_cache.iter().any(|key| usage.get(key).is_some());
        let mut read = Self {
            searches: searches(usage)?,
            region: region(usage),
            is_fast: usage.get("speed").and_then(Value::as_str) == Some("fast"),
            ..Self::default()
        };
        if is_anthropic {
            read.add_tokens(usage)?;
        } else if usage.get("input_tokens").is_some() && usage.get("output_tokens").is_some() {
            read.plain = whole_count(usage, "input_tokens")?;
            read.output = whole_count(usage, "output_tokens")?;
        } else {
            read.cache_read = optional_count(usage.get("cache_read_input_tokens"))?;
            read.cache_creation = optional_count(usage.get("cache_creation_input_tokens"))?;
        }
        Some(read)
    }

    fn add_tokens(&mut self, usage: &Dict) -> Option<()> {
        let whole = [usage];
        let iterations: Vec<&Dict> = match usage.get("iterations") {
            Some(Value::List(items)) => items.iter().map(Value::as_dict).collect::<Option<_>>()?,
            _ => Vec::new(),
        };
        let counted = if iterations.is_empty() { &whole[..] } else { &iterations[..] };
        let sum = |key: &str| counted.iter().try_fold(0.0, |sum, part| Some(sum + optional_count(part.get(key))?));
        self.plain = sum("input_tokens")?;
        self.output = sum("output_tokens")?;
        self.cache_creation = sum("cache_creation_input_tokens")?;
        self.cache_read = sum("cache_read_input_tokens")?;
        self.cache_creation_details = cache_creation_details(usage, &iterations)?;
        let thought: Vec<Option<f64>> = counted.iter().map(|part| thinking_tokens(part)).collect();
        let reported = match thought.iter().copied().collect::<Option<Vec<f64>>>() {
            Some(each) => Some(each.iter().sum()),
            None => thinking_tokens(usage),
        };
        self.reasoning = reported.map_or(0.0, |tokens: f64| tokens.max(0.0).min(self.output));
        Some(())
    }
}

/// A count of a usage in OpenAI's reading, which wants integers, or a total beside what can be made one.
fn whole_count(usage: &Dict, key: &str) -> Option<f64> {
    let count = usage.get(key)?;
    let has_total = usage.get("total_tokens").is_some_and(|total| *total != Value::None);
    let is_integer = matches!(count, Value::Int(_) | Value::Bool(_));
    if is_integer || has_total { as_integer(count).ok()?.to_float() } else { None }
}

/// `usage.get(key) or 0`.
fn optional_count(value: Option<&Value>) -> Option<f64> {
    match value {
        None | Some(Value::None) => Some(0.0),
        Some(value) => as_integer(value).ok().as_ref().and_then(Integer::to_float),
    }
}

fn thinking_tokens(part: &Dict) -> Option<f64> {
    let tokens = part.get("output_tokens_details")?.as_dict()?.get("thinking_tokens")?;
    as_integer(tokens).ok()?.to_float()
}

type CacheCreationDetails = Option<(Option<f64>, Option<f64>)>;

fn cache_creation_details(usage: &Dict, iterations: &[&Dict]) -> Option<CacheCreationDetails> {
    let kept = ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"];
    let split: Vec<&Dict> =
        iterations.iter().filter_map(|part| part.get("cache_creation").and_then(Value::as_dict)).collect();
    if split.is_empty() {
        let Some(details) = usage.get("cache_creation").and_then(Value::as_dict) else {
            return Some(None);
        };
        let count = |key: &str| match details.get(key) {
            None | Some(Value::None) => Some(None),
            given => optional_count(given).map(Some),
        };
        return Some(Some((count(kept[0])?, count(kept[1])?)));
    }
    let sum =
        |parts: &[&Dict], key: &str| parts.iter().try_fold(0.0, |sum, part| Some(sum + optional_count(part.get(key))?));
    let (short, long) = (sum(&split, kept[0])?, sum(&split, kept[1])?);
    let undetailed = (sum(iterations, "cache_creation_input_tokens")? - short - long).max(0.0);
    Some(Some((Some(short + undetailed), Some(long))))
}

/// Searches that were billed, if the answer counts them at all.
fn searches(usage: &Dict) -> Option<Option<f64>> {
    match usage.get("server_tool_use").and_then(Value::as_dict).and_then(|tools| tools.get("web_search_requests")) {
        None | Some(Value::None) => Some(None),
        given => optional_count(given).map(Some),
    }
}

pub(crate) fn region(usage: &Dict) -> Option<String> {
    let region = usage.get("inference_geo")?.as_str()?.to_lowercase();
    (!["global", "not_available"].contains(&region.as_str())).then_some(region)
}

fn price(model: &AnthropicModel, usage: &BilledUsage) -> Option<MessageCost> {
    let rates = billed_rates(model, usage);
    let mut input = usage.plain * rates.input;
    input += usage.cache_read * rates.cache_read;
    if usage.cache_creation != 0.0 || usage.cache_creation_details.is_some() {
        input += cache_creation_cost(usage, &rates);
    }
    let text = usage.output - usage.reasoning;
    let mut output = if text == 0.0 && usage.reasoning == 0.0 { usage.output } else { text } * rates.output;
    if usage.reasoning > 0.0 {
        output += usage.reasoning * rates.output;
    }
    let region = usage.region.as_deref().map_or(1.0, |region| model.factor(region));
    let speed = if usage.is_fast { model.factor("fast") } else { 1.0 };
    for factor in [speed, region].into_iter().filter(|factor| *factor != 1.0) {
        input *= factor;
        output *= factor;
    }
    let tool_usage = usage.searches.map_or(0.0, |count| model.per_search.unwrap_or(0.0) * count);
    let scaled = rates.scaled(region);
    Some(MessageCost {
        total: input + output + tool_usage,
        input,
        output,
        cache_read: usage.cache_read * scaled.cache_read,
        cache_creation: cache_creation_cost(usage, &scaled),
        reasoning: usage.reasoning * scaled.output,
        tool_usage,
    })
}

/// What each token of this request costs.
struct Billed {
    input: f64,
    output: f64,
    cache_creation: f64,
    cache_creation_above_1hr: f64,
    cache_read: f64,
}

impl Billed {
    fn scaled(&self, factor: f64) -> Self {
        if factor == 1.0 {
            return Self { ..*self };
        }
        Self {
            input: self.input * factor,
            output: self.output * factor,
            cache_creation: self.cache_creation * factor,
            cache_creation_above_1hr: self.cache_creation_above_1hr * factor,
            cache_read: self.cache_read * factor,
        }
    }
}

fn billed_rates(model: &AnthropicModel, usage: &BilledUsage) -> Billed {
    let prompt = usage.plain + usage.cache_read + usage.cache_creation;
    let above =
        model.above.iter().find(|(threshold, _)| prompt > *threshold).map_or(Rates::default(), |(_, rates)| *rates);
    let plain = &model.rates;
    let first = |long: Option<f64>, plain: Option<f64>| long.or(plain).unwrap_or(0.0);
    Billed {
        input: first(above.input, plain.input),
        output: first(above.output, plain.output),
        cache_creation: first(above.cache_creation, plain.cache_creation),
        cache_creation_above_1hr: first(above.cache_creation_above_1hr, plain.cache_creation_above_1hr),
        cache_read: first(above.cache_read, plain.cache_read),
    }
}

fn cache_creation_cost(usage: &BilledUsage, rates: &Billed) -> f64 {
    match usage.cache_creation_details {
        Some((short, long)) => {
            let mut cost = 0.0;
            cost += short.map_or(0.0, |tokens| tokens * rates.cache_creation);
            cost += long.map_or(0.0, |tokens| tokens * rates.cache_creation_above_1hr);
            cost
        }
        None => usage.cache_creation * rates.cache_creation,
    }
}

/// The part of the cost headers that follows the total, in LiteLLM's order.
pub(crate) fn breakdown_headers(cost: &MessageCost) -> impl Iterator<Item = (HeaderText, HeaderText)> + use<> {
    let positive = |value: f64| if value > 0.0 { value } else { 0.0 };
    let uncached = cost.input - positive(cost.cache_read) - positive(cost.cache_creation);
    let told = |name, value| Some((name, value));
    let where_any = |name, value| Some((name, value)).filter(|_| value > 0.0);
    let headers = [
        told("x-litellm-response-cost-original", cost.total),
        told("x-litellm-response-cost-discount-amount", 0.0),
        told("x-litellm-response-cost-margin-amount", 0.0),
        told("x-litellm-response-cost-margin-percent", 0.0),
        told("x-litellm-response-cost-input", uncached),
        told("x-litellm-response-cost-output", cost.output),
        where_any("x-litellm-response-cost-cache-read", cost.cache_read),
        where_any("x-litellm-response-cost-cache-creation", cost.cache_creation),
        where_any("x-litellm-response-cost-reasoning", cost.reasoning),
        told("x-litellm-response-cost-tool-usage", cost.tool_usage),
    ];
    headers.into_iter().flatten().map(|(name, value)| (name.into(), number(value)))
}
