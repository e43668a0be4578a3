//! The tokens of an answer as clients are told them.
//!
//! Source: LiteLLM 1.102.4 `types/utils.py` `Usage`, `PromptTokensDetailsWrapper`, `CompletionTokensDetailsWrapper`.

use crate::litellm_core_utils::streaming_handler::Counted;
use crate::python::{Dict, Integer, Text, Value};

const PROMPT_DETAILS: [&str; 6] =
    ["audio_tokens", "cache_write_tokens", "cached_tokens", "text_tokens", "image_tokens", "video_tokens"];
const COMPLETION_DETAILS: [&str; 7] = [
    "accepted_prediction_tokens",
    "audio_tokens",
    "reasoning_tokens",
    "rejected_prediction_tokens",
    "text_tokens",
    "image_tokens",
    "video_tokens",
];
const KNOWN: [&str; 7] = [
    "completion_tokens",
    "prompt_tokens",
    "total_tokens",
    "completion_tokens_details",
    "prompt_tokens_details",
    "cost",
    "reasoning_tokens",
];

/// The usage of an answer that isn't streamed: what the provider says, in LiteLLM's order, extras last.
pub(super) fn told(usage: Option<&Dict>) -> Dict {
    let empty = Dict::default();
    let usage = usage.unwrap_or(&empty);
    let mut told = Dict::default();
    for key in ["completion_tokens", "prompt_tokens", "total_tokens"] {
        told.push(Text::from(key), count(usage.get(key)));
    }
    if let Some(details) = usage.get("completion_tokens_details").and_then(Value::as_dict) {
        told.push(Text::from("completion_tokens_details"), Value::Dict(completion_details(details)));
    }
    if let Some(details) = usage.get("prompt_tokens_details").and_then(Value::as_dict) {
        told.push(Text::from("prompt_tokens_details"), Value::Dict(prompt_details(details)));
    }
    if let Some(cost) = usage.get("cost").filter(|cost| **cost != Value::None) {
        told.push(Text::from("cost"), cost.clone());
    }
    let is_extra = |key: &Text| key.as_str().is_none_or(|key| !KNOWN.contains(&key));
    for (key, value) in usage.iter().filter(|(key, value)| is_extra(key) && **value != Value::None) {
        told.push(key.clone(), value.clone());
    }
    told
}

fn count(value: Option<&Value>) -> Value {
    value.filter(|value| value.is_truthy()).cloned().unwrap_or_else(|| Value::Int(Integer::from(0)))
}

fn completion_details(details: &Dict) -> Dict {
    ordered(details, &COMPLETION_DETAILS)
}

/// What was written to the cache has two names.
fn prompt_details(details: &Dict) -> Dict {
    let mut told = ordered(details, &PROMPT_DETAILS);
    if let Some(written) = told.get("cache_write_tokens").cloned() {
        let extras: Vec<(Text, Value)> = told
            .iter()
            .filter(|(key, _)| key.as_str().is_none_or(|key| !PROMPT_DETAILS.contains(&key)))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        for (key, _) in &extras {
            key.as_str().map(|key| told.remove(key));
        }
        told.set("cache_creation_tokens", written);
        extras.into_iter().for_each(|(key, value)| told.push(key, value));
    }
    told
}

/// Known keys in their order, then the others, none that is null.
fn ordered(details: &Dict, known: &[&str]) -> Dict {
    let is_given = |value: &&Value| **value != Value::None;
    let mut told = Dict::default();
    for &key in known {
        if let Some(value) = details.get(key).filter(is_given) {
            told.push(Text::from(key), value.clone());
        }
    }
    for (key, value) in details.iter() {
        if key.as_str().is_none_or(|key| !known.contains(&key)) && is_given(&value) {
            told.push(key.clone(), value.clone());
        }
    }
    told
}

/// The usage of a stream, put together from the chunks that had one.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamUsage {
    prompt: Option<Value>,
    completion: Option<Value>,
    prompt_details: Option<Dict>,
    completion_details: Option<Dict>,
    cost: Option<Value>,
    /// Of chunks with nothing else, with details from before if the last has none.
    last: Dict,
}

impl StreamUsage {
    /// Takes the usage of a chunk with nothing else.
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

    /// The last that was told, of a stream that LiteLLM can't put together.
    pub(super) fn last(&self) -> Dict {
        let mut whole = Dict::default();
        let count = |key: &str| count(self.last.get(key));
        let (prompt, completion) = (count("prompt_tokens"), count("completion_tokens"));
        whole.set("total_tokens", sum(&prompt, &completion));
        whole.set("prompt_tokens", prompt);
        whole.set("completion_tokens", completion);
        for key in ["completion_tokens_details", "prompt_tokens_details", "cost"] {
            self.last.get(key).into_iter().for_each(|value| whole.set(key, value.clone()));
        }
        told(Some(&whole))
    }

    pub(super) fn has_prompt(&self) -> bool {
        self.prompt.is_some()
    }

    pub(super) fn has_completion(&self) -> bool {
        self.completion.is_some()
    }

    /// The last count that isn't zero wins, and the last details.
    pub(super) fn add(&mut self, usage: &Dict) {
        let positive = |key: &str| usage.get(key).filter(|value| value.is_truthy()).cloned();
        let details = |key: &str| usage.get(key).and_then(Value::as_dict).cloned();
        self.prompt = positive("prompt_tokens").or(self.prompt.take());
        self.completion = positive("completion_tokens").or(self.completion.take());
        self.prompt_details = details("prompt_tokens_details").or(self.prompt_details.take());
        self.completion_details = details("completion_tokens_details").or(self.completion_details.take());
        self.cost = usage.get("cost").filter(|cost| **cost != Value::None).cloned().or(self.cost.take());
    }

    /// What the provider said nothing of, or zero, is what `counted` says. `reasoning` is what LiteLLM takes for the reasoning's
    /// share, of an answer whose provider doesn't tell it.
    pub(super) fn told(&self, counted: &Counted, reasoning: impl FnOnce() -> Option<u64>) -> Dict {
        let or = |value: &Option<Value>, counted: u64| value.clone().unwrap_or_else(|| integer(counted));
        let prompt = or(&self.prompt, counted.prompt);
        let completion = or(&self.completion, counted.completion);
        let mut whole = Dict::default();
        whole.set("total_tokens", sum(&prompt, &completion));
        whole.set("prompt_tokens", prompt);
        whole.set("completion_tokens", completion.clone());
        let mut details = self.completion_details.clone();
        let is_null = |details: &Dict, key: &str| details.get(key).is_none_or(|count| *count == Value::None);
        let is_missing = details.as_ref().is_none_or(|details| is_null(details, "reasoning_tokens"));
        if let Some(reasoning) = is_missing.then(reasoning).flatten() {
            match &mut details {
                None => details = Some(Dict::from_pairs(vec![(Text::from("reasoning_tokens"), integer(reasoning))])),
                Some(details) => {
                    let whole = number(&completion).and_then(|count| u64::try_from(count).ok()).unwrap_or_default();
                    let reasoning = reasoning.min(whole);
                    details.set("reasoning_tokens", integer(reasoning));
                    if is_null(details, "text_tokens") {
                        details.set("text_tokens", integer(whole - reasoning));
                    }
                }
            }
        }
        if let Some(details) = details {
            whole.set("completion_tokens_details", Value::Dict(details));
        }
        if let Some(details) = &self.prompt_details {
            whole.set("prompt_tokens_details", Value::Dict(details.clone()));
        }
        if let Some(cost) = &self.cost {
            whole.set("cost", cost.clone());
        }
        told(Some(&whole))
    }
}

fn integer(number: u64) -> Value {
    Value::Int(Integer::from(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(integer) => integer.digits().parse().ok(),
        _ => None,
    }
}

fn sum(left: &Value, right: &Value) -> Value {
    match (number(left), number(right)) {
        (Some(left), Some(right)) => Value::Int(Integer::from(left.saturating_add(right))),
        _ => Value::Int(Integer::from(0)),
    }
}
