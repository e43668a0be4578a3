//! A stream of OpenAI's, chunk by chunk, as LiteLLM passes it on.
//!
//! Every chunk is read and written anew. Nothing is held back: LiteLLM waits for its first own chunk before it sends the head, so an
//! error before that is an answer with a status of its own. Neither is retried.
//! Source: LiteLLM 1.102.4 `litellm_core_utils/streaming_handler.py`, `streaming_chunk_builder_utils.py`, `proxy/proxy_server.py`
//! `async_data_generator`, `_fast_serialize_simple_model_response_stream`; OpenAI's SDK `_streaming.py`.

use std::sync::Arc;

use bytes::Bytes;

use super::assembled::Assembled;
use super::choices::{delta, extras, given, logprobs, streamed, text};
use super::errors::{BODY_DEPTH_MAX, Context};
use super::finish_reasons::mapped;
pub use super::server_sent_events::EVENT_BYTES_MAX;
use super::server_sent_events::Events;
use super::transformation::{Target, asked_tier};
use super::usage::{Counted, StreamUsage};
use crate::answer::ProviderFailure;
use crate::cost_calculator::PriceTable;
use crate::cost_calculator::openai::{Priced, chat_cost};
use crate::exceptions::{Exception, ExceptionClass};
use crate::litellm_core_utils::token_counter::{TokenCounter, Uncounted};
pub use crate::llms::anthropic::experimental_pass_through::messages::streaming_iterator::Progress;
use crate::llms::anthropic::experimental_pass_through::messages::streaming_iterator::{Decoder, stream_failure_text};
use crate::proxy::chat_endpoints::answers::stream_error_frame;
use crate::proxy::chat_endpoints::endpoints::ChatRequest;
use crate::python::json_decode::loads;
use crate::python::json_encode::orjson_dumps;
use crate::python::{Dict, Integer, Text, Value, type_name};

/// So many equal contents in a row are taken for a loop of the model.
const REPEATED_MAX: u32 = 100;
const DONE: &[u8] = b"data: [DONE]\n\n";

/// One streamed answer with status 2xx.
#[derive(Debug)]
pub struct ChatStream {
    model: String,
    client_model: String,
    fallback_id: String,
    created: i64,
    wants_usage: bool,
    asked_tier: Option<String>,
    decoder: Decoder,
    events: Events,
    id: Option<Value>,
    fingerprint: Option<Value>,
    answered_model: Option<String>,
    finish: Option<String>,
    has_sent_role: bool,
    has_sent_finish: bool,
    /// Kept where the client wants a usage, for what LiteLLM counts itself.
    messages: Option<Arc<[Dict]>>,
    assembled: Assembled,
    /// The model that LiteLLM counts for: the one its first chunk named, which by then is the client's, unless that chunk had a usage.
    counted_model: Option<String>,
    has_unknown_usage: bool,
    usage: StreamUsage,
    contents: [Option<String>; 2],
    repeated: u32,
    is_done: bool,
    has_head: bool,
}

/// A chunk on its way to the client.
struct Chunk {
    choices: Vec<Dict>,
    extras: Vec<(Text, Value)>,
    usage: Option<Dict>,
}

impl ChatStream {
    /// `created` is the caller's time in seconds since 1970, `fallback_id` a random UUID for a provider that gives no id, `headers`
    /// are those of the provider's answer.
    pub fn new(
        request: &ChatRequest,
        target: &Target<'_>,
        headers: &[(String, String)],
        fallback_id: &str,
        created: i64,
    ) -> Self {
        Self {
            model: target.model.to_owned(),
            client_model: request.model.clone(),
            fallback_id: fallback_id.to_owned(),
            created,
            wants_usage: request.wants_usage,
            asked_tier: asked_tier(request, target).map(str::to_owned),
            decoder: Decoder::of(headers),
            events: Events::default(),
            id: None,
            fingerprint: None,
            answered_model: None,
            finish: None,
            has_sent_role: false,
            has_sent_finish: false,
            messages: request.wants_usage.then(|| Arc::clone(&request.messages)),
            assembled: Assembled::default(),
            counted_model: None,
            has_unknown_usage: false,
            usage: StreamUsage::default(),
            contents: [None, None],
            repeated: 1,
            is_done: false,
            has_head: false,
        }
    }

    /// Whether nothing more of the provider's stream matters.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Whether bytes for the client have been handed out.
    pub fn has_head(&self) -> bool {
        self.has_head
    }

    /// Whether the client was told a usage that LiteLLM would have counted in a way that isn't reproduced: the provider sent none
    /// though it was asked to. A host leaves such a deployment's streams with usage to Python from then on.
    pub fn has_unknown_usage(&self) -> bool {
        self.has_unknown_usage
    }

    /// Takes the next bytes of the provider.
    pub fn push(&mut self, piece: &[u8], table: &PriceTable) -> Progress {
        if self.is_done {
            return Progress::Frames(Bytes::new());
        }
        let mut out = Vec::new();
        let data = match self.decoder.push(piece) {
            Ok(data) => data,
            Err(text) => return self.fail(&text, out),
        };
        self.events.push(&data);
        while let Some(event) = self.events.next() {
            let taken = match event {
                Ok(event) if event.starts_with("[DONE]") => {
                    self.finish(table, &mut out);
                    break;
                }
                Ok(event) => self.event(&event, &mut out),
                Err(words) => Err(Failure::Raised(words)),
            };
            match taken {
                Ok(()) => {}
                Err(Failure::Raised(words)) => return self.fail(&words, out),
                Err(Failure::Known(exception)) => return self.fail_with(exception, out),
            }
        }
        self.progress(out)
    }

    /// Takes the end of the provider's stream: by its last chunk, or by a failure.
    pub fn end(&mut self, end: Result<(), &ProviderFailure>, table: &PriceTable) -> Progress {
        if self.is_done {
            return Progress::Frames(Bytes::new());
        }
        let mut out = Vec::new();
        match end {
            // A connection that breaks once the model has finished is as good as closed.
            Err(failure) if self.finish.is_none() || matches!(failure, ProviderFailure::Timeout { .. }) => {
                return self.fail(&stream_failure_text(failure), out);
            }
            _ => {}
        }
        self.finish(table, &mut out);
        self.progress(out)
    }

    fn progress(&mut self, out: Vec<u8>) -> Progress {
        if out.is_empty() && !self.has_head {
            return Progress::Held;
        }
        self.has_head = true;
        Progress::Frames(out.into())
    }

    fn fail(&mut self, words: &str, out: Vec<u8>) -> Progress {
        let context = Context { model: &self.model, deployment_timeout: None };
        let mut exception = *context.failure(words.to_owned(), None, Vec::new(), None).exception;
        if let Some(at) = exception.message.find("\n\nDeployment Info:") {
            exception.message.truncate(at);
        }
        self.fail_with(exception, out)
    }

    fn fail_with(&mut self, exception: Exception, mut out: Vec<u8>) -> Progress {
        self.is_done = true;
        if out.is_empty() && !self.has_head {
            return Progress::Failed(exception);
        }
        self.has_head = true;
        out.extend(stream_error_frame(&exception));
        Progress::Frames(out.into())
    }

    fn event(&mut self, event: &str, out: &mut Vec<u8>) -> Result<(), Failure> {
        let data = loads(event.as_bytes(), BODY_DEPTH_MAX).map_err(|error| Failure::Raised(error.to_string()))?;
        let chunk = match data {
            Value::None => return Ok(()),
            Value::Dict(chunk) => chunk,
            other => return Err(Failure::Raised(format!("'{}' object has no attribute 'choices'", type_name(&other)))),
        };
        if let Some(error) = chunk.get("error").filter(|error| error.is_truthy()) {
            let message =
                error.as_dict().and_then(|error| error.get("message")?.as_str()).filter(|words| !words.is_empty());
            return Err(Failure::Raised(message.unwrap_or("An error occurred during streaming").to_owned()));
        }
        self.chunk(&chunk, out)
    }

    fn chunk(&mut self, chunk: &Dict, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.id = given(chunk, "id").cloned();
        if let Some(model) = chunk.get("model").and_then(Value::as_str).filter(|model| !model.is_empty()) {
            self.answered_model = Some(model.to_owned());
        }
        let choices: Vec<&Dict> = given(chunk, "choices")
            .and_then(Value::as_list)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_dict)
            .collect();
        if let Some(finish) =
            choices.first().and_then(|choice| choice.get("finish_reason")?.as_str()).filter(|word| !word.is_empty())
        {
            if finish == "error" {
                return Err(Failure::Raised(format!(
                    "openai raised a streaming error - finish_reason: error, no content string given. Received Chunk={{'finish_reason': '{finish}'}}"
                )));
            }
            self.finish = Some(finish.to_owned());
        }
        self.fingerprint = given(chunk, "system_fingerprint").cloned();
        if let Some(usage) = given(chunk, "usage").and_then(Value::as_dict) {
            if choices.is_empty() {
                self.usage.add_alone(usage);
            } else {
                self.usage.add(usage);
            }
            self.counted_model.get_or_insert_with(|| self.model.clone());
        }
        let Some(first) = choices.first() else {
            if self.wants_usage && given(chunk, "usage").is_none() {
                self.counted_model.get_or_insert_with(|| self.client_model.clone());
                self.write(Chunk { choices: Vec::new(), extras: Vec::new(), usage: None }, out);
            }
            return Ok(());
        };
        let first_delta = first.get("delta").and_then(Value::as_dict).map_or_else(|| Some(Dict::default()), delta);
        let first_delta = sound_alone(first_delta.unwrap_or_default());
        if self.is_content(&first_delta) {
            self.check_repetition()?;
            let told = self.content(chunk, &choices);
            self.remember(&told.choices);
            self.write(told, out);
            return Ok(());
        }
        if self.finish.is_some() {
            self.finishing(chunk, first, first_delta, out);
        } else if ["tool_calls", "audio", "images"].iter().any(|key| first_delta.get(key).is_some()) {
            let told = self.role_stripped(first_delta);
            let choice = streamed(None, None, zero(), told);
            self.remember(std::slice::from_ref(&choice));
            self.write(Chunk { choices: vec![choice], extras: Vec::new(), usage: None }, out);
        }
        Ok(())
    }

    /// Whether a chunk says anything that LiteLLM counts.
    fn is_content(&self, delta: &Dict) -> bool {
        let is_filled = |key: &str| delta.get(key).is_some_and(Value::is_truthy);
        let is_given = |key: &str| delta.get(key).is_some();
        is_filled("content")
            || is_filled("tool_calls")
            || ["function_call", "reasoning_content", "provider_specific_fields", "annotations", "reasoning_items"]
                .into_iter()
                .any(is_given)
            || (!self.has_sent_role && is_given("role"))
    }

    /// All choices of a chunk, without what ended them.
    fn content(&mut self, chunk: &Dict, choices: &[&Dict]) -> Chunk {
        let mut told = Vec::with_capacity(choices.len());
        for (at, choice) in choices.iter().enumerate() {
            let given_delta = choice.get("delta").and_then(Value::as_dict);
            let read = given_delta.map_or_else(|| Some(Dict::default()), delta);
            let is_read = read.is_some();
            let delta = read.unwrap_or_default();
            let delta = if at == 0 { self.role_stripped(delta) } else { delta };
            let index = choice.get("index").cloned().unwrap_or(Value::None);
            told.push(if is_read {
                streamed(Some(choice), None, index, delta)
            } else {
                streamed(None, None, zero(), delta)
            });
        }
        Chunk { choices: told, extras: chunk_extras(chunk), usage: None }
    }

    /// The role is said once, and then it is the assistant's.
    fn role_stripped(&mut self, mut delta: Dict) -> Dict {
        if self.has_sent_role {
            delta.remove("role");
            return delta;
        }
        self.has_sent_role = true;
        if delta.get("role").is_some() {
            delta.set("role", text("assistant"));
            return delta;
        }
        let mut told = Dict::default();
        let behind = ["function_call", "tool_calls", "audio", "images", "annotations"];
        let is_behind = |key: &Text| key.as_str().is_some_and(|key| behind.contains(&key));
        for (key, value) in delta.iter().filter(|(key, _)| !is_behind(key)) {
            told.push(key.clone(), value.clone());
        }
        told.push(Text::from("role"), text("assistant"));
        for (key, value) in delta.iter().filter(|(key, _)| is_behind(key)) {
            told.push(key.clone(), value.clone());
        }
        told
    }

    /// A chunk without content once an end has been said: the first such one tells it.
    fn finishing(&mut self, chunk: &Dict, first: &Dict, first_delta: Dict, out: &mut Vec<u8>) {
        if self.has_sent_finish {
            return;
        }
        let mut choice = Dict::default();
        if first_delta.get("tool_calls").is_some() {
            let mut delta = first_delta;
            if delta.get("role").is_none() {
                let mut told = Dict::default();
                told.set("role", text("assistant"));
                delta.iter().for_each(|(key, value)| told.push(key.clone(), value.clone()));
                delta = told;
            }
            choice.set("index", zero());
            choice.set("delta", Value::Dict(delta));
        } else {
            let finish = self.finish.as_deref().map(mapped).unwrap_or("stop");
            choice.set("finish_reason", text(finish));
            choice.set("index", zero());
            choice.set("delta", Value::Dict(Dict::default()));
            self.has_sent_finish = true;
        }
        if let Some(logprobs) = logprobs(first) {
            choice.set("logprobs", logprobs);
        }
        self.has_sent_role = true;
        self.remember(std::slice::from_ref(&choice));
        self.write(Chunk { choices: vec![choice], extras: chunk_extras(chunk), usage: None }, out);
    }

    /// What later chunks and the usage depend on.
    fn remember(&mut self, choices: &[Dict]) {
        self.counted_model.get_or_insert_with(|| self.client_model.clone());
        if self.wants_usage {
            self.assembled.add(choices);
        }
        let delta = choices.first().and_then(|choice| choice.get("delta")?.as_dict());
        let content = delta.and_then(|delta| delta.get("content")?.as_str()).map(str::to_owned);
        let [_, last] = std::mem::take(&mut self.contents);
        self.contents = [last, content];
    }

    fn check_repetition(&mut self) -> Result<(), Failure> {
        let [before, last] = &self.contents;
        let Some(last) = last.as_ref().filter(|last| last.chars().count() > 2) else {
            self.repeated = 1;
            return Ok(());
        };
        self.repeated = if before.as_ref() == Some(last) { self.repeated + 1 } else { 1 };
        if self.repeated < REPEATED_MAX {
            return Ok(());
        }
        Err(Failure::Known(Exception {
            class: ExceptionClass::InternalServerError,
            status_code: 500,
            message: format!("litellm.InternalServerError: The model is repeating the same chunk = {last}."),
            provider: "openai".to_owned(),
            model: self.model.clone(),
            headers: Vec::new(),
            has_attribute_error: false,
        }))
    }

    /// The end of the model's answer: what hasn't been said of how it ended, its usage, and LiteLLM's last word.
    fn finish(&mut self, table: &PriceTable, out: &mut Vec<u8>) {
        self.is_done = true;
        if !self.has_sent_finish {
            let finish = self.finish.clone().unwrap_or_else(|| "stop".to_owned());
            let choice = streamed(None, Some(&finish), zero(), Dict::default());
            self.write(Chunk { choices: vec![choice], extras: Vec::new(), usage: None }, out);
        }
        if self.wants_usage {
            let choice = streamed(None, None, zero(), Dict::default());
            let usage = self.counted_model.is_some().then(|| self.told_usage(table));
            self.write(Chunk { choices: vec![choice], extras: Vec::new(), usage }, out);
        }
        out.extend_from_slice(DONE);
        self.has_head = true;
    }

    fn told_usage(&mut self, table: &PriceTable) -> Dict {
        if self.assembled.fails() {
            return self.usage.last();
        }
        let counted = self.counted(table);
        let mut usage = self.usage.told(&counted, || self.assembled.reasoning_tokens());
        if usage.get("cost").is_some() {
            return usage;
        }
        let priced = Priced {
            answered_model: self.answered_model.as_deref(),
            model: &self.model,
            asked_tier: self.asked_tier.as_deref(),
            ..Priced::default()
        };
        if let Some(cost) = chat_cost(table, &usage, &priced).filter(|cost| cost.total > 0.0) {
            usage.push(Text::from("cost"), Value::Float(cost.total));
        }
        usage
    }

    /// What LiteLLM counts of what the provider hasn't.
    fn counted(&mut self, table: &PriceTable) -> Counted {
        if self.usage.has_prompt() && self.usage.has_completion() {
            return Counted::default();
        }
        let model = self.counted_model.as_deref().unwrap_or_default();
        let counter = TokenCounter::of(model, table).ok_or(Uncounted::NotReproduced);
        let messages = self.messages.as_deref().unwrap_or_default();
        let prompt = match counter {
            _ if self.usage.has_prompt() => Ok(0),
            Ok(counter) => counter.messages(messages.iter(), None),
            Err(uncounted) => Err(uncounted),
        };
        let completion = match counter {
            _ if self.usage.has_completion() => Ok(0),
            counter => counter.and_then(|counter| self.assembled.completion_tokens(&counter)),
        };
        // A prompt that it can't count has no tokens.
        self.has_unknown_usage = prompt == Err(Uncounted::NotReproduced) || completion.is_err();
        Counted { prompt: prompt.unwrap_or_default(), completion: completion.unwrap_or_default() }
    }

    fn write(&self, chunk: Chunk, out: &mut Vec<u8>) {
        if !self.wants_usage && chunk.choices.iter().all(says_nothing) {
            return;
        }
        let body = if self.is_simple(&chunk) { self.simple(&chunk) } else { self.full(chunk) };
        // A text with a lone surrogate can't be written; Python fails here too.
        if let Ok(body) = orjson_dumps(&Value::Dict(body)) {
            out.extend_from_slice(b"data: ");
            out.extend(body);
            out.extend_from_slice(b"\n\n");
        }
    }

    fn told_id(&self) -> Value {
        self.id.clone().unwrap_or_else(|| text(&format!("chatcmpl-{}", self.fallback_id)))
    }

    /// Plain text has a writer of its own, which drops whatever else a chunk has.
    fn is_simple(&self, chunk: &Chunk) -> bool {
        const RICHER: [&str; 9] = [
            "function_call",
            "tool_calls",
            "audio",
            "images",
            "annotations",
            "reasoning_content",
            "thinking_blocks",
            "provider_specific_fields",
            "refusal",
        ];
        let [choice] = &chunk.choices[..] else { return false };
        let delta = choice.get("delta").and_then(Value::as_dict);
        let is_rich = delta.is_some_and(|delta| RICHER.iter().any(|key| delta.get(key).is_some()));
        self.fingerprint.is_none() && chunk.usage.is_none() && choice.get("logprobs").is_none() && !is_rich
    }

    fn simple(&self, chunk: &Chunk) -> Dict {
        let mut choice = Dict::default();
        if let Some(given) = chunk.choices.first() {
            let mut told = Dict::default();
            for key in ["role", "content"] {
                if let Some(value) = given.get("delta").and_then(Value::as_dict).and_then(|delta| delta.get(key)) {
                    told.set(key, value.clone());
                }
            }
            choice.set("index", given.get("index").cloned().unwrap_or_else(zero));
            choice.set("delta", Value::Dict(told));
            if let Some(finish) = given.get("finish_reason") {
                choice.set("finish_reason", finish.clone());
            }
        }
        let mut body = Dict::default();
        body.set("id", self.told_id());
        body.set("object", text("chat.completion.chunk"));
        body.set("created", Value::Int(Integer::from(self.created)));
        body.set("model", text(&self.client_model));
        body.set("choices", Value::List(vec![Value::Dict(choice)]));
        body
    }

    fn full(&self, chunk: Chunk) -> Dict {
        let mut body = Dict::default();
        body.set("id", self.told_id());
        body.set("created", Value::Int(Integer::from(self.created)));
        body.set("model", text(&self.client_model));
        body.set("object", text("chat.completion.chunk"));
        if let Some(fingerprint) = &self.fingerprint {
            body.set("system_fingerprint", fingerprint.clone());
        }
        body.set("choices", Value::List(chunk.choices.into_iter().map(Value::Dict).collect()));
        if let Some(usage) = chunk.usage {
            body.set("usage", Value::Dict(usage));
        }
        chunk.extras.into_iter().for_each(|(key, value)| body.push(key, value));
        body
    }
}

enum Failure {
    /// Words that are mapped like any provider's.
    Raised(String),
    Known(Exception),
}

/// Of a delta with sound or pictures LiteLLM looks at nothing else.
fn sound_alone(delta: Dict) -> Dict {
    let has = |key: &str| delta.get(key).is_some();
    if has("tool_calls") || has("function_call") || !(has("audio") || has("images")) {
        return delta;
    }
    let mut told = Dict::default();
    for key in ["audio", "images"] {
        if let Some(value) = delta.get(key) {
            told.set(key, value.clone());
        }
    }
    told
}

fn zero() -> Value {
    Value::Int(Integer::from(0))
}

fn says_nothing(choice: &Dict) -> bool {
    let has_delta = choice.get("delta").and_then(Value::as_dict).is_some_and(|delta| !delta.is_empty());
    choice.get("finish_reason").is_none() && choice.get("logprobs").is_none() && !has_delta
}

/// What a chunk says besides what LiteLLM has fields for.
fn chunk_extras(chunk: &Dict) -> Vec<(Text, Value)> {
    const KNOWN: [&str; 9] =
        ["id", "choices", "created", "model", "object", "system_fingerprint", "usage", "moderation", "service_tier"];
    let mut told = Vec::new();
    for key in ["moderation", "service_tier"] {
        told.extend(given(chunk, key).map(|value| (Text::from(key), value.clone())));
    }
    let others = extras(chunk, &KNOWN).filter(|(_, value)| **value != Value::None);
    told.extend(others.map(|(key, value)| (key.clone(), value.clone())));
    told
}
