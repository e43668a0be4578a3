//! The tokens of an answer, as Anthropic counts them, as clients are told them and as they are billed.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/chat/transformation.py` `calculate_usage`, `types/utils.py` `Usage`.

use crate::cost_calculator::anthropic::{BilledUsage, region};
use crate::litellm_core_utils::token_counter::{TokenCounter, Uncounted};
use crate::pydantic::{Issues, Location, as_integer};
use crate::python::subscript::{contains, item};
use crate::python::{Dict, Integer, Text, Value, type_name};

/// What LiteLLM makes of a `usage`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ChatUsage {
    /// With what was read from and written to the cache.
    pub prompt: i64,
    pub completion: i64,
    pub cache_creation: i64,
    pub cache_read: i64,
    /// Of what was written: for five minutes, for an hour.
    pub cache_creation_details: Option<(Option<i64>, Option<i64>)>,
    pub reasoning: Option<i64>,
    pub text: Option<i64>,
    pub web_searches: Option<i64>,
    pub tool_searches: Option<i64>,
    pub iterations: Option<Value>,
    pub inference_geo: Option<Value>,
    pub speed: Option<Value>,
    pub service_tier: Option<Value>,
    /// LiteLLM has a count of the thinking that isn't reproduced.
    pub is_uncounted: bool,
}

/// Where thinking is counted, if the usage doesn't say how much of the answer it was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answered<'a> {
    /// The text of all thinking; counted by LiteLLM itself.
    pub reasoning: Option<&'a str>,
    /// The blocks of an answer that isn't streamed.
    pub blocks: &'a [Value],
    /// `speed` of the request.
    pub speed: Option<&'a str>,
}

/// What Python says of a usage that isn't one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum NoUsage {
    /// A pydantic model refuses it, which is a `ValueError`.
    Invalid(String),
    Other(String),
}

impl From<String> for NoUsage {
    fn from(words: String) -> Self {
        Self::Other(words)
    }
}

impl From<NoUsage> for String {
    fn from(no_usage: NoUsage) -> Self {
        match no_usage {
            NoUsage::Invalid(words) | NoUsage::Other(words) => words,
        }
    }
}

impl ChatUsage {
    pub(super) fn read(usage: &Dict, answered: &Answered<'_>) -> Result<Self, NoUsage> {
        let iterations = iterations(usage)?;
        let counted = if iterations.is_empty() { vec![usage] } else { iterations.clone() };
        let sum = |key: &str| {
            counted.iter().try_fold(0i64, |sum, part| Ok::<i64, NoUsage>(sum.saturating_add(count(part, key)?)))
        };
        let (cache_creation, cache_read) = (sum("cache_creation_input_tokens")?, sum("cache_read_input_tokens")?);
        let (prompt, completion) = match iterations.is_empty() {
            true => (lenient_count(usage.get("input_tokens")), lenient_count(usage.get("output_tokens"))),
            false => (sum("input_tokens")?, sum("output_tokens")?),
        };
        let (web_searches, tool_searches) = searches(usage)?;
        let reported = thought(usage, &iterations);
        let estimated = if reported.is_none() { estimated(answered) } else { None };
        let is_uncounted = matches!(estimated, Some(Err(_)));
        let (reasoning, text) = shares(reported.or(estimated.and_then(Result::ok)), completion, answered);
        let given = |key: &str| usage.get(key).filter(|value| **value != Value::None).cloned();
        let asked_speed = || answered.speed.map(|speed| Value::Str(Text::from(speed)));
        Ok(Self {
            prompt: prompt.saturating_add(cache_creation).saturating_add(cache_read),
            completion,
            cache_creation,
            cache_read,
            cache_creation_details: cache_creation_details(usage, &iterations)?,
            reasoning,
            text,
            web_searches,
            tool_searches: tool_searches.or_else(|| Some(searched_tools(answered.blocks)).filter(|count| *count > 0)),
            iterations: given("iterations"),
            inference_geo: given("inference_geo"),
            speed: given("speed").filter(|speed| matches!(speed, Value::Str(_))).or_else(asked_speed),
            service_tier: given("service_tier"),
            is_uncounted,
        })
    }

    fn uncached(&self) -> i64 {
        self.prompt - self.cache_read - self.cache_creation
    }

    /// As clients get it, in LiteLLM's order.
    pub(super) fn told(&self) -> Dict {
        let mut told = Dict::default();
        told.set("completion_tokens", number(self.completion));
        told.set("prompt_tokens", number(self.prompt));
        told.set("total_tokens", number(self.prompt.saturating_add(self.completion)));
        told.set("completion_tokens_details", self.completion_details());
        told.set("prompt_tokens_details", self.prompt_details());
        if self.web_searches.is_some() || self.tool_searches.is_some() {
            let searches = [("web_search_requests", self.web_searches), ("tool_search_requests", self.tool_searches)];
            told.set("server_tool_use", numbers(searches));
        }
        told.set("cache_creation_input_tokens", number(self.cache_creation));
        told.set("cache_read_input_tokens", number(self.cache_read));
        let rest = [
            ("iterations", &self.iterations),
            ("inference_geo", &self.inference_geo),
            ("speed", &self.speed),
            ("service_tier", &self.service_tier),
        ];
        for (key, value) in rest {
            if let Some(value) = value {
                told.set(key, value.clone());
            }
        }
        told
    }

    pub(super) fn completion_details(&self) -> Value {
        numbers([("reasoning_tokens", self.reasoning), ("text_tokens", self.text)])
    }

    /// What was written to the cache has two names.
    pub(super) fn prompt_details(&self) -> Value {
        let mut details = Dict::default();
        details.set("cache_write_tokens", number(self.cache_creation));
        details.set("cached_tokens", number(self.cache_read));
        details.set("text_tokens", number(self.uncached()));
        details.set("cache_creation_tokens", number(self.cache_creation));
        if let Some((short, long)) = self.cache_creation_details {
            let each = [("ephemeral_5m_input_tokens", short), ("ephemeral_1h_input_tokens", long)];
            details.set("cache_creation_token_details", numbers(each));
        }
        Value::Dict(details)
    }

    pub(super) fn billed(&self) -> BilledUsage {
        let mut place = Dict::default();
        place.set("inference_geo", self.inference_geo.clone().unwrap_or(Value::None));
        let as_float = |count: Option<i64>| count.map(|count| count as f64);
        BilledUsage {
            plain: self.uncached() as f64,
            cache_read: self.cache_read as f64,
            cache_creation: self.cache_creation as f64,
            cache_creation_details: self.cache_creation_details.map(|(short, long)| (as_float(short), as_float(long))),
            output: self.completion as f64,
            reasoning: self.reasoning.unwrap_or(0) as f64,
            searches: as_float(self.web_searches),
            region: region(&place),
            is_fast: self.speed.as_ref().and_then(Value::as_str) == Some("fast"),
        }
    }
}

fn number(count: i64) -> Value {
    Value::Int(Integer::from(count))
}

fn numbers<const N: usize>(counts: [(&str, Option<i64>); N]) -> Value {
    let mut told = Dict::default();
    for (key, count) in counts {
        if let Some(count) = count {
            told.set(key, number(count));
        }
    }
    Value::Dict(told)
}

fn integer(value: &Value) -> Option<i64> {
    as_integer(value).ok()?.digits().parse().ok()
}

/// `int(value)` of a number, zero for anything else.
fn lenient_count(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::Float(float)) if float.is_finite() => float.trunc() as i64,
        Some(value @ (Value::Int(_) | Value::Bool(_))) => integer(value).unwrap_or(0),
        _ => 0,
    }
}

/// `part.get(key, 0) or 0`; what is no whole number is refused by the model it ends in.
fn count(part: &Dict, key: &str) -> Result<i64, NoUsage> {
    match part.get(key) {
        Some(value @ (Value::Int(_) | Value::Bool(_))) => Ok(integer(value).unwrap_or(i64::MAX)),
        Some(value @ Value::Float(_)) => {
            let field = if key == "cache_read_input_tokens" { "cached_tokens" } else { "cache_creation_tokens" };
            valid("PromptTokensDetailsWrapper", field, value)
        }
        Some(value) if value.is_truthy() => {
            Err(format!("unsupported operand type(s) for +=: 'int' and '{}'", type_name(value)).into())
        }
        _ => Ok(0),
    }
}

/// An `int` field of a pydantic model.
fn valid(model: &str, field: &str, value: &Value) -> Result<i64, NoUsage> {
    match as_integer(value) {
        Ok(integer) => Ok(integer.digits().parse().unwrap_or(i64::MAX)),
        Err(kind) => {
            let mut issues = Issues::default();
            issues.add(Location::default().field(field), kind, value);
            Err(NoUsage::Invalid(issues.text(model)))
        }
    }
}

fn iterations(usage: &Dict) -> Result<Vec<&Dict>, String> {
    let attribute = |value: &Value| format!("'{}' object has no attribute 'get'", type_name(value));
    match usage.get("iterations") {
        Some(Value::List(parts)) => parts.iter().map(|part| part.as_dict().ok_or_else(|| attribute(part))).collect(),
        Some(Value::Dict(parts)) if !parts.is_empty() => Err("'str' object has no attribute 'get'".to_owned()),
        Some(parts @ Value::Str(_)) if parts.is_truthy() => Err(attribute(parts)),
        Some(other) if other.is_truthy() => Err(format!("'{}' object is not iterable", type_name(other))),
        _ => Ok(Vec::new()),
    }
}

type CacheCreationDetails = Option<(Option<i64>, Option<i64>)>;

fn cache_creation_details(usage: &Dict, iterations: &[&Dict]) -> Result<CacheCreationDetails, NoUsage> {
    const KEPT: [&str; 2] = ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"];
    let split: Vec<&Dict> =
        iterations.iter().filter_map(|part| part.get("cache_creation").and_then(Value::as_dict)).collect();
    if split.is_empty() {
        let Some(details) = usage.get("cache_creation").and_then(Value::as_dict) else { return Ok(None) };
        let of = |key: &str| optional("CacheCreationTokenDetails", key, details.get(key));
        return Ok(Some((of(KEPT[0])?, of(KEPT[1])?)));
    }
    let sum = |parts: &[&Dict], key: &str| {
        parts.iter().try_fold(0i64, |sum, part| Ok::<i64, NoUsage>(sum.saturating_add(count(part, key)?)))
    };
    let (short, long) = (sum(&split, KEPT[0])?, sum(&split, KEPT[1])?);
    let undetailed = (sum(iterations, "cache_creation_input_tokens")? - short - long).max(0);
    Ok(Some((Some(short + undetailed), Some(long))))
}

/// Searches of the web and of tools, where they are counted.
fn searches(usage: &Dict) -> Result<(Option<i64>, Option<i64>), NoUsage> {
    let Some(tools) = usage.get("server_tool_use").filter(|tools| **tools != Value::None) else {
        return Ok((None, None));
    };
    let of = |key: &str| {
        let value = if contains(tools, key)? { Some(item(tools, key)?) } else { None };
        optional("ServerToolUse", key, value)
    };
    Ok((of("web_search_requests")?, of("tool_search_requests")?))
}

/// An `int | None` field of a pydantic model.
fn optional(model: &str, field: &str, value: Option<&Value>) -> Result<Option<i64>, NoUsage> {
    value.filter(|value| **value != Value::None).map(|value| valid(model, field, value)).transpose()
}

/// Searches for tools among the blocks of an answer.
fn searched_tools(blocks: &[Value]) -> i64 {
    let is_search = |block: &&Value| {
        let word = |key: &str| block.as_dict().and_then(|block| block.get(key)?.as_str());
        word("type") == Some("server_tool_use") && word("name").is_some_and(|name| name.contains("tool_search"))
    };
    blocks.iter().filter(is_search).count() as i64
}

fn thinking_tokens(part: &Dict) -> Option<i64> {
    integer(part.get("output_tokens_details")?.as_dict()?.get("thinking_tokens")?)
}

/// How much of the answer was thinking, if the provider says so.
fn thought(usage: &Dict, iterations: &[&Dict]) -> Option<i64> {
    let each: Option<Vec<i64>> = iterations.iter().map(|part| thinking_tokens(part)).collect();
    let of_iterations = each.filter(|_| !iterations.is_empty()).map(|each| each.iter().sum::<i64>());
    of_iterations.or_else(|| thinking_tokens(usage)).map(|tokens| tokens.max(0))
}

/// How much of the answer was thinking, and how much was not.
fn shares(thought: Option<i64>, completion: i64, answered: &Answered<'_>) -> (Option<i64>, Option<i64>) {
    match thought {
        Some(tokens) => {
            let tokens = tokens.min(completion);
            (Some(tokens), Some(completion - tokens))
        }
        None if answered.blocks.iter().any(is_thinking) => (None, None),
        None => (Some(0), Some(completion)),
    }
}

/// The thinking as LiteLLM counts it, if there is any.
fn estimated(answered: &Answered<'_>) -> Option<Result<i64, Uncounted>> {
    let text = answered.reasoning.filter(|text| !text.is_empty())?;
    let counted = TokenCounter::DEFAULT.text(&Text::from(text));
    Some(counted.map(|count| i64::try_from(count).unwrap_or(i64::MAX)))
}

fn is_thinking(block: &Value) -> bool {
    let kind = block.as_dict().and_then(|block| block.get("type")?.as_str());
    matches!(kind, Some("thinking" | "redacted_thinking"))
}
