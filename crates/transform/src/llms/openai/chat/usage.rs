//! The tokens of an answer as clients are told them.
//!
//! Source: LiteLLM 1.102.4 `types/utils.py` `Usage`, `PromptTokensDetailsWrapper`, `CompletionTokensDetailsWrapper`,
//! `streaming_chunk_builder_utils.py` `calculate_usage`.

use super::shapes::{COMPLETION_DETAILS, PROMPT_DETAILS, SERVER_TOOL_USE};
use crate::litellm_core_utils::streaming_handler::Counted;
use crate::pydantic::attributes::{is_attribute, unsettable};
use crate::pydantic::shapes::Shape;
use crate::pydantic::{Issues, Location, as_integer};
use crate::python::{Dict, Integer, Text, Value, type_name};

const NAMED: [&str; 8] = [
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "reasoning_tokens",
    "prompt_tokens_details",
    "completion_tokens_details",
    "server_tool_use",
    "cost",
];

const COUNTS: [&str; 3] = ["completion_tokens", "prompt_tokens", "total_tokens"];

/// The usage of an answer that isn't streamed, or of none: what the provider says, in LiteLLM's order, extras last.
///
/// Errors  what Python says of one that it can't read.
pub(super) fn told(usage: Option<&Dict>) -> Result<Dict, String> {
    let empty = Dict::default();
    let usage = usage.unwrap_or(&empty);
    let completion_details = completion_details(usage)?;
    let prompt_details = prompt_details(usage)?;
    let mut told = Dict::with_capacity(usage.len().max(COUNTS.len()));
    let mut issues = Issues::default();
    for key in COUNTS {
        let count = usage.get(key).filter(|value| value.is_truthy()).cloned().unwrap_or_else(|| integer(0));
        match as_integer(&count) {
            Ok(count) => told.push(Text::from(key), Value::Int(count)),
            Err(kind) => issues.add(Location::default().field(key), kind, &count),
        }
    }
    if !issues.is_empty() {
        return Err(issues.text("Usage"));
    }
    let mut add =
        |key: &str, value: Option<Value>| value.into_iter().for_each(|value| told.push(Text::from(key), value));
    add("completion_tokens_details", completion_details.map(Value::Dict));
    add("prompt_tokens_details", prompt_details.map(Value::Dict));
    add(
        "server_tool_use",
        match given(usage, "server_tool_use") {
            Some(used @ Value::Dict(_)) => Some(read(&SERVER_TOOL_USE, used, "ServerToolUse")?),
            other => other.cloned(),
        },
    );
    add("cost", given(usage, "cost").cloned());
    if let Some(words) = unsettable("Usage", usage) {
        return Err(words);
    }
    let is_named = |key: &Text| key.as_str().is_some_and(|key| NAMED.contains(&key));
    let is_extra = |key: &Text| !is_named(key) && !is_attribute("Usage", key);
    for (key, value) in usage.iter().filter(|(key, value)| is_extra(key) && **value != Value::None) {
        told.push(key.clone(), value.clone());
    }
    Ok(told)
}

fn given<'a>(dict: &'a Dict, key: &str) -> Option<&'a Value> {
    dict.get(key).filter(|value| **value != Value::None)
}

/// Details as their type declares them; only its integers can be told apart.
fn read(shape: &Shape, details: &Value, name: &str) -> Result<Value, String> {
    shape.validated(details).ok_or_else(|| {
        let mut issues = Issues::default();
        for (key, value) in shape.integers(details) {
            if let Err(kind) = as_integer(value) {
                issues.add(Location::default().field(key), kind, value);
            }
        }
        issues.text(name)
    })
}

fn details(usage: &Dict, key: &str, shape: &Shape, name: &str) -> Result<Option<Dict>, String> {
    match usage.get(key) {
        Some(details @ Value::Dict(dict)) if !dict.is_empty() => match read(shape, details, name)? {
            Value::Dict(details) => Ok(Some(details)),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Reasoning is also counted beside the details, and leaves the rest for the text.
fn completion_details(usage: &Dict) -> Result<Option<Dict>, String> {
    let details = details(usage, "completion_tokens_details", &COMPLETION_DETAILS, "CompletionTokensDetailsWrapper")?;
    let Some(reasoning) = usage.get("reasoning_tokens").filter(|reasoning| reasoning.is_truthy()) else {
        return Ok(details);
    };
    let mut details = details.unwrap_or_default();
    let mut added = Vec::new();
    if given(&details, "reasoning_tokens").is_none() {
        added.push(("reasoning_tokens", reasoning.clone()));
    }
    if given(&details, "text_tokens").is_none()
        && let Some(completion) = given(usage, "completion_tokens")
    {
        let mut rest = minus(completion, reasoning)?;
        for key in ["image_tokens", "audio_tokens"] {
            if let Some(count) = details.get(key).filter(|count| count.is_truthy()) {
                rest = minus(&rest, count)?;
            }
        }
        added.push(("text_tokens", if is_negative(&rest) { integer(0) } else { rest }));
    }
    added.into_iter().for_each(|(key, value)| details.set(key, value));
    COMPLETION_DETAILS.reordered(&mut details);
    Ok(Some(details))
}

/// What was written to the cache has two names, and other servers have names of their own for all of it.
fn prompt_details(usage: &Dict) -> Result<Option<Dict>, String> {
    let mut details = details(usage, "prompt_tokens_details", &PROMPT_DETAILS, "PromptTokensDetailsWrapper")?;
    if let Some(details) = &mut details {
        let nested = details.get("cache_creation_input_tokens").filter(|count| is_int(count));
        let written =
            given(details, "cache_write_tokens").or(given(details, "cache_creation_tokens")).or(nested).cloned();
        if let Some(written) = written {
            details.set("cache_write_tokens", written.clone());
            details.set("cache_creation_tokens", written);
            PROMPT_DETAILS.reordered(details);
        }
    }
    let named = |key: &str| usage.get(key).filter(|count| is_int(count)).cloned();
    for cached in [named("prompt_cache_hit_tokens"), named("cache_read_input_tokens")].into_iter().flatten() {
        match &mut details {
            Some(details) => {
                details.set("cached_tokens", cached);
                PROMPT_DETAILS.reordered(details);
            }
            None => details = Some(Dict::from_distinct(vec![(Text::from("cached_tokens"), whole(cached))])),
        }
    }
    let Some(written) = named("cache_creation_input_tokens") else { return Ok(details) };
    let is_new = details.is_none();
    let written = if is_new { whole(written) } else { written };
    let mut details = details.unwrap_or_default();
    if is_new || details.get("cache_write_tokens").is_some() {
        details.set("cache_write_tokens", written.clone());
        details.set("cache_creation_tokens", written);
        PROMPT_DETAILS.reordered(&mut details);
        return Ok(Some(details));
    }
    // What was taken away for want of a value comes back behind the other fields.
    let is_field = |(key, _): &(Text, Value)| key.as_str().is_some_and(|key| PROMPT_DETAILS.declares(key));
    let (mut fields, extras): (Vec<_>, Vec<_>) = details.into_pairs().into_iter().partition(is_field);
    fields.extend(["cache_write_tokens", "cache_creation_tokens"].map(|key| (Text::from(key), written.clone())));
    fields.extend(extras);
    Ok(Some(Dict::from_distinct(fields)))
}

/// The usage with what it costs, in front of what LiteLLM has no field for.
pub(super) fn with_cost(mut usage: Dict, cost: f64) -> Dict {
    if let Some(known) = usage.get_mut("cost") {
        *known = Value::Float(cost);
        return usage;
    }
    let is_field = |(key, _): &(Text, Value)| key.as_str().is_some_and(|key| NAMED.contains(&key));
    let (mut fields, extras): (Vec<_>, Vec<_>) = usage.into_pairs().into_iter().partition(is_field);
    fields.push((Text::from("cost"), Value::Float(cost)));
    fields.extend(extras);
    Dict::from_distinct(fields)
}

/// `isinstance(value, int)`
fn is_int(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Bool(_))
}

fn whole(value: Value) -> Value {
    as_integer(&value).map(Value::Int).unwrap_or(value)
}

/// `left - right`
fn minus(left: &Value, right: &Value) -> Result<Value, String> {
    let unsupported = || format!("unsupported operand type(s) for -: '{}' and '{}'", type_name(left), type_name(right));
    if is_int(left) && is_int(right) {
        let number = |value: &Value| as_integer(value).ok().and_then(|integer| integer.digits().parse::<i128>().ok());
        let (left, right) = number(left).zip(number(right)).ok_or_else(unsupported)?;
        return Ok(Value::Int(Integer::from_digits(&left.saturating_sub(right).to_string())));
    }
    let number = |value: &Value| match value {
        Value::Float(float) => Some(*float),
        value if is_int(value) => as_integer(value).ok()?.to_float(),
        _ => None,
    };
    let (left, right) = number(left).zip(number(right)).ok_or_else(unsupported)?;
    Ok(Value::Float(left - right))
}

fn is_negative(value: &Value) -> bool {
    match value {
        Value::Float(float) => *float <= 0.0,
        Value::Int(integer) => integer.digits().starts_with('-'),
        _ => false,
    }
}

/// The usage of a stream, put together from the chunks that had one.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamUsage {
    prompt: Option<Value>,
    completion: Option<Value>,
    prompt_details: Option<Dict>,
    completion_details: Option<Dict>,
    cost: Option<Value>,
    written: Option<Value>,
    cached: Option<Value>,
    tools: Option<Value>,
    searches: [Option<Value>; 2],
    words: [Option<Value>; 2],
    /// Of chunks with nothing else, with details from before if the last has none.
    last: Dict,
    fails: bool,
    fails_at_last: bool,
}

const SEARCHES: [&str; 2] = ["web_search_requests", "google_maps_grounding_requests"];
const WORDS: [&str; 2] = ["inference_geo", "speed"];

impl StreamUsage {
    /// Takes the usage of a chunk with nothing else, as LiteLLM has read it.
    pub(super) fn add_alone(&mut self, usage: &Dict) {
        self.add(usage);
        let mut last = usage.clone();
        for key in ["completion_tokens_details", "prompt_tokens_details"] {
            let before = self.last.remove(key);
            if last.get(key).and_then(Value::as_dict).is_none() {
                before.into_iter().for_each(|details| last.set(key, details));
            }
        }
        self.last = last;
    }

    /// Takes the usage of a chunk with more, as LiteLLM has read it and as the provider gave it.
    pub(super) fn add_beside(&mut self, usage: &Dict, given_usage: &Dict) {
        self.add(usage);
        let mut details = Dict::default();
        for key in ["completion_tokens_details", "prompt_tokens_details"] {
            details.set(key, given_usage.get(key).cloned().unwrap_or(Value::None));
        }
        for (key, value) in told(Some(&details)).unwrap_or_default().iter() {
            if let Some(key) = key.as_str().filter(|_| value.as_dict().is_some()) {
                self.last.set(key, value.clone());
            }
        }
        self.last.remove("cost");
        if let Some(cost) = given(given_usage, "cost") {
            self.last.set("cost", cost.clone());
        }
    }

    /// Takes a usage that is no object: LiteLLM fails to put the stream together, and of a number it can't even tell the rest.
    pub(super) fn add_odd(&mut self, usage: &Value) {
        self.fails = true;
        self.fails_at_last |= !matches!(usage, Value::Str(_) | Value::List(_));
        self.last.remove("cost");
    }

    pub(super) fn fails(&self) -> bool {
        self.fails
    }

    /// The last that was told, of a stream that LiteLLM can't put together.
    pub(super) fn last(&self) -> Option<Dict> {
        let mut whole = Dict::default();
        let count = |key: &str| self.last.get(key).cloned().unwrap_or_else(|| integer(0));
        let (prompt, completion) = (count("prompt_tokens"), count("completion_tokens"));
        whole.set("total_tokens", sum(&prompt, &completion));
        whole.set("prompt_tokens", prompt);
        whole.set("completion_tokens", completion);
        for key in ["completion_tokens_details", "prompt_tokens_details"] {
            if let Some(Value::Dict(details)) = self.last.get(key) {
                whole.set(key, kept(details.clone()));
            }
        }
        if let Some(cost) = self.last.get("cost") {
            whole.set("cost", cost.clone());
        }
        told(Some(&whole)).ok().filter(|_| !self.fails_at_last)
    }

    pub(super) fn has_prompt(&self) -> bool {
        self.prompt.is_some()
    }

    pub(super) fn has_completion(&self) -> bool {
        self.completion.is_some()
    }

    /// The last count that isn't zero wins, and the last details.
    pub(super) fn add(&mut self, usage: &Dict) {
        let positive = |key: &str| usage.get(key).filter(|value| number(value).is_some_and(|count| count > 0)).cloned();
        let details = |key: &str| usage.get(key).and_then(Value::as_dict).cloned();
        self.prompt = positive("prompt_tokens").or(self.prompt.take());
        self.completion = positive("completion_tokens").or(self.completion.take());
        self.completion_details = details("completion_tokens_details").or(self.completion_details.take());
        if let Some(details) = details("prompt_tokens_details") {
            for (search, key) in self.searches.iter_mut().zip(SEARCHES) {
                *search = given(&details, key).cloned().or(search.take());
            }
            let before = self.prompt_details.take();
            let creation = before.as_ref().and_then(|before| before.get("cache_creation_token_details")).cloned();
            let details = self.prompt_details.insert(details);
            if let Some(creation) = creation.filter(|_| given(details, "cache_creation_token_details").is_none()) {
                details.set("cache_creation_token_details", creation);
                PROMPT_DETAILS.reordered(details);
            }
        }
        self.cost = given(usage, "cost").cloned().or(self.cost.take());
        self.tools = given(usage, "server_tool_use").cloned().or(self.tools.take());
        self.fails |= self.tools.as_ref().is_some_and(|tools| tools.as_dict().is_none());
        for (known, key) in
            [(&mut self.written, "cache_creation_input_tokens"), (&mut self.cached, "cache_read_input_tokens")]
        {
            let Some(count) = given(usage, key) else { continue };
            match float(count) {
                Some(number) if number > 0.0 || known.is_none() => *known = Some(count.clone()),
                Some(_) => {}
                None => self.fails = true,
            }
        }
        for (word, key) in self.words.iter_mut().zip(WORDS) {
            *word = usage.get(key).filter(|word| matches!(word, Value::Str(_))).cloned().or(word.take());
        }
    }

    /// What the provider said nothing of, or zero, is what `counted` says. `reasoning` is what LiteLLM takes for the reasoning's
    /// share, of an answer whose provider doesn't tell it.
    pub(super) fn told(&self, counted: &Counted, reasoning: impl FnOnce() -> Option<u64>) -> Option<Dict> {
        let or = |value: &Option<Value>, counted: u64| value.clone().unwrap_or_else(|| unsigned(counted));
        let prompt = or(&self.prompt, counted.prompt);
        let completion = or(&self.completion, counted.completion);
        let mut whole = Dict::default();
        whole.set("total_tokens", sum(&prompt, &completion));
        whole.set("prompt_tokens", prompt);
        whole.set("completion_tokens", completion.clone());
        let mut details = self.completion_details.clone();
        let is_missing = details.as_ref().is_none_or(|details| given(details, "reasoning_tokens").is_none());
        if let Some(reasoning) = is_missing.then(reasoning).flatten() {
            match &mut details {
                None => {
                    details = Some(Dict::from_distinct(vec![(Text::from("reasoning_tokens"), unsigned(reasoning))]))
                }
                Some(details) => {
                    let whole = number(&completion).and_then(|count| u64::try_from(count).ok()).unwrap_or_default();
                    let reasoning = reasoning.min(whole);
                    details.set("reasoning_tokens", unsigned(reasoning));
                    if given(details, "text_tokens").is_none() {
                        details.set("text_tokens", unsigned(whole - reasoning));
                    }
                }
            }
        }
        let mut prompt_details = self.prompt_details.clone();
        for (search, key) in self.searches.iter().zip(SEARCHES) {
            if let (Some(details), Some(search)) = (&mut prompt_details, search) {
                details.set(key, search.clone());
            }
        }
        let mut add = |key: &str, value: Option<Value>| value.into_iter().for_each(|value| whole.set(key, value));
        add("completion_tokens_details", details.map(kept));
        add("prompt_tokens_details", prompt_details.map(kept));
        add("server_tool_use", self.tools.clone());
        add("cost", self.cost.clone());
        add("cache_creation_input_tokens", self.written.clone());
        add("cache_read_input_tokens", self.cached.clone());
        for (word, key) in self.words.iter().zip(WORDS) {
            add(key, word.clone());
        }
        let mut told = told(Some(&whole)).ok()?;
        for (key, shape) in
            [("completion_tokens_details", &COMPLETION_DETAILS), ("prompt_tokens_details", &PROMPT_DETAILS)]
        {
            if let Some(Value::Dict(details)) = told.get_mut(key) {
                *details = numbered(std::mem::take(details), shape);
            }
        }
        Some(told)
    }
}

/// A truth in the place of a count is written as one in a stream.
fn numbered(details: Dict, shape: &Shape) -> Dict {
    let is_truth = |key: &Text, value: &Value| {
        matches!(value, Value::Bool(_)) && key.as_str().is_some_and(|key| shape.declares(key))
    };
    let pairs = details.into_pairs().into_iter();
    let pairs = pairs.map(|(key, value)| if is_truth(&key, &value) { (key, whole(value)) } else { (key, value) });
    Dict::from_distinct(pairs.collect())
}

/// Details that were given are told, even if they say nothing.
fn kept(mut details: Dict) -> Value {
    if details.is_empty() {
        details.set("audio_tokens", Value::None);
    }
    Value::Dict(details)
}

fn integer(number: i64) -> Value {
    Value::Int(Integer::from(number))
}

fn unsigned(number: u64) -> Value {
    integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn number(value: &Value) -> Option<i128> {
    match value {
        Value::Int(integer) => integer.digits().parse().ok(),
        _ => None,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(float) => Some(*float),
        value if is_int(value) => as_integer(value).ok()?.to_float(),
        _ => None,
    }
}

fn sum(left: &Value, right: &Value) -> Value {
    match (number(left), number(right)) {
        (Some(left), Some(right)) => Value::Int(Integer::from_digits(&left.saturating_add(right).to_string())),
        _ => integer(0),
    }
}
