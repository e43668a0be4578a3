//! What a chat completion of OpenAI costs.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/llm_cost_calc/utils.py` `generic_cost_per_token`, `tool_call_cost_tracking.py`,
//! `cost_calculator.py` `completion_cost`. Sums and products keep Python's order, so the digits in headers are the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::anthropic::MessageCost;
use super::{PriceTable, select_model_name};
use crate::pydantic::as_integer;
use crate::python::{Dict, Value};

/// An entry of the price map for a model of OpenAI.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenAiModel {
    /// Every price that is a number, by its key.
    prices: BTreeMap<Box<str>, f64>,
    /// Sizes of prompts from which on they are priced otherwise, largest first, and what their prices' keys call them.
    thresholds: Vec<(f64, Box<str>)>,
    per_search: Option<f64>,
    /// Capabilities that the entry names, by their key.
    flags: BTreeMap<Box<str>, bool>,
    pub(crate) default_effort: Option<Box<str>>,
    /// Called by the Responses API.
    pub(crate) is_for_responses: bool,
    /// Priced in a way that isn't reproduced.
    pub(crate) is_foreign: bool,
}

impl OpenAiModel {
    pub(super) fn read(entry: &Map<String, Json>) -> Self {
        let searches = entry.get("search_context_cost_per_query");
        let prices = entry.iter().filter(|(key, _)| key.contains("cost"));
        let flags = entry.iter().filter(|(key, _)| key.starts_with("supports_"));
        let foreign = ["tiered_pricing", "off_peak_pricing"];
        let prices = prices.filter_map(|(key, price)| Some((key.as_str().into(), price.as_f64()?))).collect();
        Self {
            thresholds: thresholds(&prices),
            prices,
            per_search: searches.and_then(|prices| prices.get("search_context_size_medium")).and_then(Json::as_f64),
            flags: flags.filter_map(|(key, flag)| Some((key.as_str().into(), flag.as_bool()?))).collect(),
            default_effort: entry.get("default_reasoning_effort").and_then(Json::as_str).map(Into::into),
            is_for_responses: entry.get("mode").and_then(Json::as_str) == Some("responses"),
            is_foreign: foreign.iter().any(|key| entry.get(*key).is_some_and(|value| !value.is_null())),
        }
    }

    /// What the entry says of a capability, if anything.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.flags.get(key).copied()
    }

    pub(super) fn canonical(&self) -> String {
        format!("{self:?}")
    }

    /// A price; without one for the tier, the standard one.
    fn price(&self, key: &str, tier: Option<&str>) -> Option<f64> {
        let of_tier = tier.and_then(|tier| self.prices.get(format!("{key}_{tier}").as_str()));
        of_tier.or_else(|| self.prices.get(key)).copied()
    }

    /// The prices of this many prompt tokens.
    fn rates(&self, prompt_tokens: f64, tier: Option<&str>) -> Rates {
        let price = |key: &str| self.price(key, tier);
        let mut rates = Rates {
            input: price("input_cost_per_token").unwrap_or(0.0),
            output: price("output_cost_per_token").unwrap_or(0.0),
            cache_creation: price("cache_creation_input_token_cost").unwrap_or(0.0),
            cache_read: price("cache_read_input_token_cost"),
        };
        if rates.output == 0.0 {
            rates.output = price("output_cost_per_image_token").unwrap_or(rates.output);
        }
        let above = self.thresholds.iter().find(|(threshold, _)| prompt_tokens > *threshold);
        if let Some((_, name)) = above {
            let above = |key: &str| price(&format!("{key}_above_{name}_tokens"));
            rates.input = above("input_cost_per_token").unwrap_or(rates.input);
            rates.output = above("output_cost_per_token").unwrap_or(rates.output);
            rates.cache_creation = above("cache_creation_input_token_cost").unwrap_or(rates.cache_creation);
            rates.cache_read = above("cache_read_input_token_cost").or(rates.cache_read);
        }
        rates
    }
}

fn thresholds(prices: &BTreeMap<Box<str>, f64>) -> Vec<(f64, Box<str>)> {
    let read = |key: &str| -> Option<(f64, Box<str>)> {
        let name = key.strip_prefix("input_cost_per_token_above_")?.strip_suffix("_tokens")?;
        let (digits, factor) = name.strip_suffix('k').map_or((name, 1.0), |digits| (digits, 1000.0));
        Some((digits.parse::<f64>().ok()? * factor, name.into()))
    };
    let mut found: Vec<(f64, Box<str>)> = prices.keys().filter_map(|key| read(key)).collect();
    found.sort_by(|left, right| right.0.total_cmp(&left.0));
    found
}

struct Rates {
    input: f64,
    output: f64,
    cache_creation: f64,
    cache_read: Option<f64>,
}

/// What decides about a price besides the tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Priced<'a> {
    /// The model the provider says has answered.
    pub answered_model: Option<&'a str>,
    /// The deployment's, without its provider.
    pub model: &'a str,
    /// The tier that was asked for, as the request spells it.
    pub asked_tier: Option<&'a str>,
    /// The tier that has answered; a stream's isn't looked at.
    pub answered_tier: Option<&'a str>,
    pub citations: Citations,
}

/// Whether an answer cites pages of the web, which LiteLLM takes for a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Citations {
    #[default]
    None,
    Found,
    /// Before any was found, something came up that LiteLLM fails to look at.
    Unreadable,
}

impl Citations {
    /// Takes a list of annotations; the first that settles it counts. What isn't a list is gone through like one in Python.
    pub(crate) fn add(&mut self, annotations: &Value) {
        if *self != Self::None {
            return;
        }
        let found = match annotations {
            Value::List(annotations) => annotations.iter().find_map(|annotation| match annotation.as_dict() {
                None => Some(Self::Unreadable),
                Some(one) => (one.get("type").and_then(Value::as_str) == Some("url_citation")).then_some(Self::Found),
            }),
            other => (*other != Value::None && other.is_truthy()).then_some(Self::Unreadable),
        };
        *self = found.unwrap_or_default();
    }
}

/// What a usage costs, given as it is told to the client; `None` where LiteLLM fails to price it.
///
/// A model nobody knows is free: the router has registered it without prices.
pub fn chat_cost(table: &PriceTable, usage: &Dict, priced: &Priced<'_>) -> Option<MessageCost> {
    let selected = select_model_name(table, "openai", priced.answered_model.unwrap_or(priced.model));
    let names = [Some(selected.as_str()), priced.answered_model, Some(priced.model)];
    let unpriced = OpenAiModel::default();
    let known = |name: &str| table.openai_model(name).or_else(|| table.is_generalized(name).then_some(&unpriced));
    let entry = names.into_iter().flatten().find_map(known).unwrap_or(&unpriced);
    let tier = billed_tier(priced);
    let has_searched = match priced.citations {
        Citations::Unreadable => return None,
        Citations::Found => true,
        Citations::None => counts_searches(usage),
    };
    Some(price(entry, &Tokens::read(usage)?, tier, has_searched))
}

/// A count of searches, of none too, by any provider's name for it; a search is priced once.
fn counts_searches(usage: &Dict) -> bool {
    let count = |key: &str, name: &str| usage.get(key)?.as_dict()?.get(name).filter(|count| **count != Value::None);
    let positive = |count: &Value| {
        matches!(count, Value::Int(_) | Value::Bool(_))
            && as_integer(count).ok().and_then(|count| count.to_float()) > Some(0.0)
    };
    count("prompt_tokens_details", "web_search_requests").is_some()
        || count("server_tool_use", "web_search_requests").is_some()
        || count("server_side_tool_usage_details", "web_search_calls").is_some_and(positive)
}

/// "auto" defers to what has answered; names that nothing is priced by are standard.
fn billed_tier(priced: &Priced<'_>) -> Option<&'static str> {
    let concrete = |tier: Option<&str>| tier.filter(|tier| !tier.eq_ignore_ascii_case("auto")).map(str::to_lowercase);
    match concrete(priced.asked_tier).or_else(|| concrete(priced.answered_tier))?.as_str() {
        "flex" => Some("flex"),
        "priority" | "fast" => Some("priority"),
        "ultrafast" => Some("ultrafast"),
        _ => None,
    }
}

/// The counts of a usage; all whole, all exact as doubles.
#[derive(Clone, Copy, Debug, Default)]
struct Tokens {
    prompt: f64,
    completion: f64,
    has_prompt_details: bool,
    cached: f64,
    written: f64,
    text_in: f64,
    audio_in: f64,
    image_in: f64,
    video_in: f64,
    text_out: f64,
    audio_out: f64,
    image_out: f64,
    video_out: f64,
    reasoning: f64,
}

impl Tokens {
    fn read(usage: &Dict) -> Option<Self> {
        let prompt = usage.get("prompt_tokens_details").and_then(Value::as_dict);
        let completion = usage.get("completion_tokens_details").and_then(Value::as_dict);
        let of = |details: Option<&Dict>, key: &str| count(details.and_then(|details| details.get(key)));
        // Other servers' names of the cache aren't priced by, but they have to be numbers.
        for key in ["cache_creation_input_tokens", "cache_read_input_tokens"] {
            let value = usage.get(key);
            let is_written_out = value.is_some_and(|value| as_integer(value).is_ok());
            count(value.filter(|_| !is_written_out))?;
        }
        Some(Self {
            prompt: count(usage.get("prompt_tokens"))?,
            completion: count(usage.get("completion_tokens"))?,
            has_prompt_details: prompt.is_some(),
            cached: of(prompt, "cached_tokens")?,
            written: of(prompt, "cache_write_tokens")?,
            text_in: of(prompt, "text_tokens")?,
            audio_in: of(prompt, "audio_tokens")?,
            image_in: of(prompt, "image_tokens")?,
            video_in: of(prompt, "video_tokens")?,
            text_out: of(completion, "text_tokens")?,
            audio_out: of(completion, "audio_tokens")?,
            image_out: of(completion, "image_tokens")?,
            video_out: of(completion, "video_tokens")?,
            reasoning: of(completion, "reasoning_tokens")?,
        })
    }

    /// Cached tokens are counted among the others too; what is left of each kind beside them.
    fn without_cached(mut self) -> Self {
        if !self.has_prompt_details {
            self.text_in = self.prompt;
        }
        let total = self.text_in + self.cached + self.audio_in + self.written + self.image_in + self.video_in;
        if (self.cached > 0.0 || self.written > 0.0) && total > self.prompt {
            let uncached = (self.prompt - self.cached - self.written).max(0.0);
            self.audio_in = self.audio_in.min(uncached);
            self.image_in = self.image_in.min(uncached - self.audio_in);
            self.video_in = self.video_in.min(uncached - self.audio_in - self.image_in);
            self.text_in = uncached - self.audio_in - self.image_in - self.video_in;
        } else if self.text_in == 0.0 {
            let other = self.cached + self.audio_in + self.written + self.image_in + self.video_in;
            self.text_in = (self.prompt - other).max(0.0);
        }
        self
    }
}

fn count(value: Option<&Value>) -> Option<f64> {
    match value {
        None | Some(Value::None) => Some(0.0),
        Some(Value::Int(integer)) => integer.to_float(),
        Some(Value::Float(float)) => Some(*float),
        Some(Value::Bool(bool)) => Some(f64::from(u8::from(*bool))),
        Some(_) => None,
    }
}

fn price(model: &OpenAiModel, tokens: &Tokens, tier: Option<&str>, has_searched: bool) -> MessageCost {
    let tokens = tokens.without_cached();
    let rates = model.rates(tokens.prompt, tier);
    let cache_read = tokens.cached * rates.cache_read.unwrap_or(0.0);
    let cache_creation = tokens.written * rates.cache_creation;
    let mut input = tokens.text_in * rates.input;
    input += cache_read;
    if tokens.audio_in != 0.0 {
        input += tokens.audio_in * model.price("input_cost_per_audio_token", tier).unwrap_or(0.0);
    }
    for (key, count) in
        [("input_cost_per_image_token", tokens.image_in), ("input_cost_per_video_token", tokens.video_in)]
    {
        let per_token = model.price(key, None).or_else(|| model.price("input_cost_per_token", None));
        input += if count == 0.0 { 0.0 } else { count * per_token.unwrap_or(0.0) };
    }
    if tokens.written != 0.0 {
        input += cache_creation;
    }
    let (output, reasoning) = output_cost(model, &tokens, rates.output, tier);
    let tool_usage = if has_searched { model.per_search.unwrap_or(0.0) } else { 0.0 };
    let mut total = input + output;
    total += tool_usage;
    MessageCost { total, input, output, cache_read, cache_creation, reasoning, tool_usage }
}

/// The cost of an answer, and of the reasoning in it.
fn output_cost(model: &OpenAiModel, tokens: &Tokens, rate: f64, tier: Option<&str>) -> (f64, f64) {
    let other = tokens.audio_out + tokens.image_out + tokens.video_out;
    let nested = tokens
        .reasoning
        .min(tokens.text_out)
        .min((tokens.text_out + tokens.reasoning + other - tokens.completion).max(0.0));
    let mut text = tokens.text_out - nested;
    let has_breakdown =
        [tokens.image_out, tokens.audio_out, tokens.reasoning, tokens.video_out].iter().any(|count| *count > 0.0);
    let per_reasoning = model.price("output_cost_per_reasoning_token", tier).unwrap_or(rate);
    let reasoning = tokens.reasoning * per_reasoning;
    if text == 0.0 {
        if !has_breakdown {
            return (tokens.completion * rate, reasoning);
        }
        text = (tokens.completion - tokens.reasoning - other).max(0.0);
    }
    let mut output = text * rate;
    if tokens.audio_out > 0.0 {
        output += tokens.audio_out * model.price("output_cost_per_audio_token", None).unwrap_or(rate);
    }
    if tokens.reasoning > 0.0 {
        output += reasoning;
    }
    for (key, count) in
        [("output_cost_per_image_token", tokens.image_out), ("output_cost_per_video_token", tokens.video_out)]
    {
        output += if count > 0.0 { count * model.price(key, None).unwrap_or(rate) } else { 0.0 };
    }
    (output, reasoning)
}
