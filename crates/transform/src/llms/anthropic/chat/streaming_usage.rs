//! The usage of a stream, put together from the events that had one.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/streaming_chunk_builder_utils.py`, `llm_cost_calc/utils.py`.

use super::usage::ChatUsage;
use crate::cost_calculator::anthropic::BilledUsage;
use crate::litellm_core_utils::streaming_handler::Counted;
use crate::python::{Dict, Integer, Text, Value};

/// Every usage of a stream so far, in one.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamUsage {
    prompt: i64,
    completion: i64,
    /// How many events counted what was said.
    completions: u32,
    cache_creation: Option<i64>,
    cache_read: Option<i64>,
    cache_creation_details: Option<(Option<i64>, Option<i64>)>,
    searches: Option<(Option<i64>, Option<i64>)>,
    inference_geo: Option<Text>,
    speed: Option<Text>,
    /// The last one's details are told.
    last: Option<ChatUsage>,
}

impl StreamUsage {
    /// The last count that isn't zero wins; the details are the last's.
    pub(super) fn add(&mut self, usage: ChatUsage) {
        if usage.prompt > 0 {
            self.prompt = usage.prompt;
        }
        if usage.completion > 0 {
            self.completion = usage.completion;
            self.completions += 1;
        }
        let latest = |known: &mut Option<i64>, count: i64| {
            if count > 0 || known.is_none() {
                *known = Some(count);
            }
        };
        latest(&mut self.cache_creation, usage.cache_creation);
        latest(&mut self.cache_read, usage.cache_read);
        self.cache_creation_details = usage.cache_creation_details.or(self.cache_creation_details);
        if usage.web_searches.is_some() || usage.tool_searches.is_some() {
            self.searches = Some((usage.web_searches, usage.tool_searches));
        }
        let word = |value: &Option<Value>| match value {
            Some(Value::Str(word)) => Some(word.clone()),
            _ => None,
        };
        self.inference_geo = word(&usage.inference_geo).or(self.inference_geo.take());
        self.speed = word(&usage.speed).or(self.speed.take());
        self.last = Some(usage);
    }

    /// Whether LiteLLM has a count of the thinking that isn't reproduced.
    pub(super) fn is_uncounted(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.is_uncounted)
    }

    pub(super) fn has_prompt(&self) -> bool {
        self.prompt > 0
    }

    /// A single token that only the start of a message has counted is no count.
    pub(super) fn has_completion(&self) -> bool {
        self.completion() > 0
    }

    fn completion(&self) -> i64 {
        if self.completion == 1 && self.completions < 2 { 0 } else { self.completion }
    }

    fn details(&self) -> (i64, i64, i64) {
        let last = self.last.as_ref();
        let uncached = last.map_or(0, |last| last.prompt - last.cache_read - last.cache_creation);
        (uncached, self.cache_read.unwrap_or(0), self.cache_creation.unwrap_or(0))
    }

    /// As clients get it, but for what it costs; `reasoning` is counted by LiteLLM, for a stream without any usage.
    pub(super) fn told(&self, counted: &Counted, reasoning: Option<u64>) -> Dict {
        let (prompt, completion) = self.whole(counted);
        let mut told = Dict::default();
        told.set("completion_tokens", number(completion));
        told.set("prompt_tokens", number(prompt));
        told.set("total_tokens", number(prompt.saturating_add(completion)));
        let Some(last) = &self.last else {
            if let Some(reasoning) = reasoning {
                let mut details = Dict::default();
                details.set("reasoning_tokens", number(signed(reasoning)));
                told.set("completion_tokens_details", Value::Dict(details));
            }
            return told;
        };
        told.set("completion_tokens_details", last.completion_details());
        told.set("prompt_tokens_details", self.prompt_details(last));
        if let Some((web, tools)) = self.searches {
            let mut searches = Dict::default();
            for (key, count) in [("web_search_requests", web), ("tool_search_requests", tools)] {
                if let Some(count) = count {
                    searches.set(key, number(count));
                }
            }
            told.set("server_tool_use", Value::Dict(searches));
        }
        told
    }

    /// What stands behind the costs.
    pub(super) fn rest(&self) -> Vec<(Text, Value)> {
        let cached =
            [("cache_creation_input_tokens", self.cache_creation), ("cache_read_input_tokens", self.cache_read)];
        let words = [("inference_geo", &self.inference_geo), ("speed", &self.speed)];
        let mut rest = Vec::new();
        rest.extend(cached.into_iter().filter_map(|(key, count)| Some((Text::from(key), number(count?)))));
        rest.extend(words.into_iter().filter_map(|(key, word)| Some((Text::from(key), Value::Str(word.clone()?)))));
        rest
    }

    fn whole(&self, counted: &Counted) -> (i64, i64) {
        let prompt = if self.has_prompt() { self.prompt } else { signed(counted.prompt) };
        let completion = if self.has_completion() { self.completion() } else { signed(counted.completion) };
        (prompt, completion)
    }

    fn prompt_details(&self, last: &ChatUsage) -> Value {
        let (_, cache_read, cache_creation) = self.details();
        let told = ChatUsage {
            prompt: last.prompt - last.cache_read - last.cache_creation + cache_read + cache_creation,
            cache_read,
            cache_creation,
            cache_creation_details: self.cache_creation_details,
            ..last.clone()
        };
        told.prompt_details()
    }

    /// What is paid for: the details where they fit the whole.
    pub(super) fn billed(&self, counted: &Counted, reasoning: Option<u64>) -> BilledUsage {
        let (prompt, completion) = self.whole(counted);
        let (uncached, cache_read, cache_creation) = self.details();
        let is_cached = cache_read > 0 || cache_creation > 0;
        let is_twice = is_cached && uncached + cache_read + cache_creation > prompt;
        let plain = if is_twice || uncached == 0 { (prompt - cache_read - cache_creation).max(0) } else { uncached };
        let reasoning = self.last.as_ref().map_or(reasoning.map(signed), |last| last.reasoning).unwrap_or(0);
        let text = match self.last.as_ref().and_then(|last| last.text).unwrap_or(0).max(0) {
            0 if reasoning > 0 => (completion - reasoning).max(0),
            0 => completion,
            text => text,
        };
        let billed = ChatUsage {
            prompt: plain + cache_read + cache_creation,
            completion: text + reasoning,
            cache_creation,
            cache_read,
            cache_creation_details: self.cache_creation_details,
            reasoning: Some(reasoning),
            web_searches: self.searches.and_then(|(web, _)| web),
            inference_geo: self.inference_geo.clone().map(Value::Str),
            speed: self.speed.clone().map(Value::Str),
            ..ChatUsage::default()
        };
        billed.billed()
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn number(count: i64) -> Value {
    Value::Int(Integer::from(count))
}
