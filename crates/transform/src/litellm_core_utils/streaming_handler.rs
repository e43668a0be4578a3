//! The chunks of any provider as LiteLLM passes them on to a client of `/chat/completions`.
//!
//! A provider's decoder makes chunks of OpenAI's kind of what it reads; here they are said once, ended once and written.
//! Source: LiteLLM 1.102.4 `litellm_core_utils/streaming_handler.py` `CustomStreamWrapper`, `model_response_utils.py`,
//! `proxy/proxy_server.py` `async_data_generator`, `_fast_serialize_simple_model_response_stream`.

use std::sync::Arc;

use crate::cost_calculator::PriceTable;
use crate::cost_calculator::openai::Citations;
use crate::exceptions::{Exception, ExceptionClass};
use crate::litellm_core_utils::assembled::Assembled;
use crate::litellm_core_utils::stream_chunks::{choices, chunk_extras, first_delta, no_length, specific_fields};
use crate::litellm_core_utils::token_counter::{TokenCounter, Uncounted};
pub use crate::llms::anthropic::experimental_pass_through::messages::streaming_iterator::Progress;
use crate::llms::openai::chat::choices::{given, judged_delta, made_choice, sdk_logprobs, streamed, text};
use crate::llms::openai::chat::finish_reasons::mapped;
use crate::llms::openai::chat::made_up_ids::made_up;
use crate::proxy::chat_endpoints::answers::stream_error_frame;
use crate::proxy::chat_endpoints::endpoints::ChatRequest;
use crate::pydantic::{Issues, Kind, Location};
use crate::python::json_encode::{EncodeError, orjson_dumps, pydantic_dumps};
use crate::python::{Dict, Integer, Text, Value, type_name};

/// So many equal contents in a row are taken for a loop of the model.
const REPEATED_MAX: u32 = 100;
const DONE: &[u8] = b"data: [DONE]\n\n";

/// What of a streamed answer has been said so far.
#[derive(Debug)]
pub(crate) struct StreamWrapper {
    provider: &'static str,
    model: String,
    client_model: String,
    fallback_id: String,
    /// Ids made up so far.
    made_up: u64,
    created: i64,
    wants_usage: bool,
    id: Option<Value>,
    fingerprint: Option<Value>,
    finish: Option<Value>,
    has_sent_role: bool,
    has_sent_finish: bool,
    has_sent_usage: bool,
    /// Kept where the client wants a usage, for what LiteLLM counts itself.
    messages: Option<Arc<[Dict]>>,
    assembled: Assembled,
    /// Whether the chunks name the deployment's model, once there are any: the first of them, and one that differs from it. What
    /// was told to the client names the client's model by then, unless it had a usage.
    names: [Option<bool>; 2],
    has_unknown_usage: bool,
    contents: [Option<String>; 2],
    repeated: u32,
    is_done: bool,
    has_failed: bool,
    has_head: bool,
}

/// What LiteLLM counts where the provider doesn't.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
}

/// A chunk on its way to the client.
#[derive(Default)]
struct Chunk {
    choices: Vec<Dict>,
    /// What the provider tells beside the choices.
    fields: Option<Dict>,
    extras: Vec<(Text, Value)>,
    usage: Option<Dict>,
}

pub(crate) enum Failure {
    /// Words that are mapped like any provider's.
    Raised(String),
    Known(Exception),
}

impl StreamWrapper {
    /// `created` is the caller's time in seconds since 1970, `fallback_id` a random UUID for a provider that gives no id; `messages`
    /// are those LiteLLM counts where the client wants a usage.
    pub(crate) fn new(
        provider: &'static str,
        model: &str,
        request: &ChatRequest,
        messages: Option<Arc<[Dict]>>,
        fallback_id: &str,
        created: i64,
    ) -> Self {
        Self {
            provider,
            model: model.to_owned(),
            client_model: request.model.clone(),
            fallback_id: fallback_id.to_owned(),
            made_up: 0,
            created,
            wants_usage: request.wants_usage,
            id: None,
            fingerprint: None,
            finish: None,
            has_sent_role: false,
            has_sent_finish: false,
            has_sent_usage: false,
            messages,
            assembled: Assembled::default(),
            names: [None, None],
            has_unknown_usage: false,
            contents: [None, None],
            repeated: 1,
            is_done: false,
            has_failed: false,
            has_head: false,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.is_done
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    pub(crate) fn has_chunks(&self) -> bool {
        self.names[0].is_some()
    }

    pub(crate) fn has_head(&self) -> bool {
        self.has_head
    }

    /// Whether the model has said why it stopped.
    pub(crate) fn has_finish(&self) -> bool {
        self.finish.is_some()
    }

    /// Whether the client was told a usage.
    pub(crate) fn has_told_usage(&self) -> bool {
        self.wants_usage && self.has_sent_usage
    }

    /// Whether the client was told a usage that LiteLLM would have counted in a way that isn't reproduced.
    pub(crate) fn has_unknown_usage(&self) -> bool {
        self.has_unknown_usage
    }

    /// Whether LiteLLM can't put the answer together: it counts nothing then, and prices nothing.
    pub(crate) fn fails_to_assemble(&self) -> bool {
        self.assembled.fails()
    }

    /// What LiteLLM takes for the reasoning's share, of an answer whose provider doesn't tell it.
    pub(crate) fn reasoning_tokens(&self) -> Option<u64> {
        self.assembled.reasoning_tokens()
    }

    /// Whether the answer cites pages of the web.
    pub(crate) fn citations(&self) -> Citations {
        self.assembled.citations()
    }

    /// The model that LiteLLM takes the chunks for.
    pub(crate) fn assembled_model(&self) -> &str {
        self.name(self.names[1].or(self.names[0]).unwrap_or(true))
    }

    fn name(&self, is_deployments: bool) -> &str {
        if is_deployments { &self.model } else { &self.client_model }
    }

    fn keep_name(&mut self, is_deployments: bool) {
        match self.names {
            [None, _] => self.names[0] = Some(is_deployments),
            [Some(first), None] if first != is_deployments => self.names[1] = Some(is_deployments),
            _ => {}
        }
    }

    /// What LiteLLM counts of what the provider hasn't.
    pub(crate) fn counted(&mut self, has_prompt: bool, has_completion: bool, table: &PriceTable) -> Counted {
        if has_prompt && has_completion {
            return Counted::default();
        }
        let model = self.name(self.names[0].unwrap_or(false));
        let counter = TokenCounter::of(model, table).ok_or(Uncounted::NotReproduced);
        let messages = self.messages.as_deref().unwrap_or_default();
        let prompt = match counter {
            _ if has_prompt => Ok(0),
            Ok(counter) => counter.messages(messages.iter(), None),
            Err(uncounted) => Err(uncounted),
        };
        let completion = match counter {
            _ if has_completion => Ok(0),
            counter => counter.and_then(|counter| self.assembled.completion_tokens(&counter)),
        };
        // A prompt that it can't count has no tokens.
        self.has_unknown_usage = prompt == Err(Uncounted::NotReproduced) || completion.is_err();
        Counted { prompt: prompt.unwrap_or_default(), completion: completion.unwrap_or_default() }
    }

    pub(crate) fn progress(&mut self, out: Vec<u8>) -> Progress {
        if out.is_empty() && !self.has_head {
            return Progress::Held;
        }
        self.has_head = true;
        Progress::Frames(out.into())
    }

    pub(crate) fn fail_with(&mut self, exception: Exception, mut out: Vec<u8>) -> Progress {
        (self.is_done, self.has_failed) = (true, true);
        if out.is_empty() && !self.has_head {
            return Progress::Failed(exception);
        }
        self.has_head = true;
        out.extend(stream_error_frame(&exception));
        Progress::Frames(out.into())
    }

    /// Takes a chunk as OpenAI's API would send it and its SDK reads it; a `usage` in it has been added up by the caller.
    pub(crate) fn chunk(&mut self, chunk: &Dict, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.take_id(given(chunk, "id"));
        let choices = choices(chunk)?;
        let first = choices.first().and_then(Value::as_dict);
        let first_delta = first_delta(first)?;
        self.take_finish(first)?;
        self.fingerprint = given(chunk, "system_fingerprint").cloned();
        let usage = given(chunk, "usage");
        let fields = specific_fields(chunk)?;
        let Some(first) = first else {
            if usage.is_some_and(|usage| usage.as_dict().is_some()) {
                self.keep_name(true);
                self.check_named(chunk)?;
                return self.write_if_said(
                    Chunk { choices: vec![made_choice(None, Dict::default())], fields, ..Chunk::default() },
                    out,
                );
            }
            if self.wants_usage {
                self.keep_name(false);
                return self.write(Chunk { fields, ..Chunk::default() }, out);
            }
            return Ok(());
        };
        let has_usage = usage.is_some();
        if has_usage {
            self.keep_name(true);
        }
        let judged = first_delta.map(judged_delta).unwrap_or_default();
        if self.is_content(first_delta, &judged)? {
            self.check_repetition()?;
            let told = self.content(chunk, choices, fields)?;
            check_content(&told)?;
            if has_usage {
                self.check_named(chunk)?;
            }
            self.remember(&told.choices, has_usage);
            return if has_usage { self.write_if_said(told, out) } else { self.write(told, out) };
        }
        let logprobs = given(first, "logprobs").map(sdk_logprobs);
        if self.finish.is_some() {
            return self.finishing(chunk, fields, judged, logprobs, out);
        }
        if ["tool_calls", "audio", "images"].iter().any(|key| judged.get(key).is_some()) {
            let mut choice = made_choice(None, self.special(judged)?);
            logprobs.into_iter().for_each(|logprobs| choice.set("logprobs", logprobs));
            let told = Chunk { choices: vec![choice], fields, ..Chunk::default() };
            check_content(&told)?;
            if has_usage {
                self.check_named(chunk)?;
            }
            self.remember(&told.choices, has_usage);
            return self.write(told, out);
        }
        if has_usage {
            self.remember(&[made_choice(None, judged)], has_usage);
        }
        Ok(())
    }

    /// A chunk has the provider's id, or one of its own, which LiteLLM's own last chunks share; a stream of another provider's
    /// has one.
    fn take_id(&mut self, id: Option<&Value>) {
        self.id = Some(id.cloned().unwrap_or_else(|| {
            let id = made_up(&self.fallback_id, self.made_up);
            self.made_up += u64::from(self.provider == "openai");
            text(&format!("chatcmpl-{id}"))
        }));
    }

    fn take_finish(&mut self, first: Option<&Dict>) -> Result<(), Failure> {
        let finish = first.and_then(|choice| choice.get("finish_reason")).filter(|finish| finish.is_truthy());
        let Some(finish) = finish else { return Ok(()) };
        if finish.as_str() == Some("error") {
            return Err(Failure::Raised(format!(
                "{} raised a streaming error - finish_reason: error, no content string given. Received Chunk={{'finish_reason': 'error'}}",
                self.provider
            )));
        }
        self.finish = Some(finish.clone());
        Ok(())
    }

    /// A chunk with a usage is made anew, and then a name has to be a text.
    fn check_named(&self, chunk: &Dict) -> Result<(), Failure> {
        let mut issues = Issues::default();
        for key in ["id", "system_fingerprint"] {
            if let Some(name) = given(chunk, key).filter(|name| !matches!(name, Value::Str(_))) {
                issues.add(Location::default().field(key), Kind::StringType, name);
            }
        }
        if issues.is_empty() { Ok(()) } else { Err(Failure::Raised(issues.text("ModelResponseStream"))) }
    }

    /// A delta of calls, sound or pictures alone.
    fn special(&mut self, mut delta: Dict) -> Result<Dict, Failure> {
        if self.has_sent_role {
            match delta.get("images") {
                Some(odd @ (Value::Int(_) | Value::Float(_) | Value::Bool(_))) => return Err(no_length(odd)),
                Some(images) if !images.is_truthy() => {
                    delta.remove("images");
                }
                _ => {}
            }
        }
        Ok(self.role_stripped(delta))
    }

    /// Whether a chunk says anything that LiteLLM counts.
    fn is_content(&self, told: Option<&Dict>, delta: &Dict) -> Result<bool, Failure> {
        let is_given = |key: &str| delta.get(key).is_some();
        let content = told.and_then(|told| told.get("content"));
        if matches!(content, Some(content @ Value::Str(_)) if content.is_truthy()) {
            return Ok(true);
        }
        match delta.get("tool_calls") {
            Some(odd @ (Value::Int(_) | Value::Float(_) | Value::Bool(_))) => return Err(no_length(odd)),
            Some(calls) if calls.is_truthy() => return Ok(true),
            _ => {}
        }
        Ok(["function_call", "reasoning_content", "provider_specific_fields", "annotations", "reasoning_items"]
            .into_iter()
            .any(is_given)
            || (!self.has_sent_role && is_given("role")))
    }

    /// All choices of a chunk, without what ended them.
    fn content(&mut self, chunk: &Dict, choices: &[Value], fields: Option<Dict>) -> Result<Chunk, Failure> {
        let mut told = Vec::with_capacity(choices.len());
        for choice in choices.iter().filter_map(Value::as_dict) {
            let is_first = told.is_empty();
            let mut choice = streamed(choice, is_first).unwrap_or_else(|| made_choice(None, Dict::default()));
            if is_first && let Some(Value::Dict(delta)) = choice.get_mut("delta") {
                *delta = self.role_stripped(std::mem::take(delta));
            }
            told.push(choice);
        }
        Ok(Chunk { choices: told, extras: chunk_extras(chunk, true)?, fields, usage: None })
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
    fn finishing(
        &mut self,
        chunk: &Dict,
        fields: Option<Dict>,
        delta: Dict,
        logprobs: Option<Value>,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let has_usage = given(chunk, "usage").is_some();
        let was_told = self.has_sent_finish;
        if was_told && !has_usage {
            return Ok(());
        }
        let is_empty = delta.get("tool_calls").is_none() && !delta.get("content").is_some_and(Value::is_truthy);
        let mut choice = match &self.finish {
            Some(finish) if is_empty && !was_told => {
                let finish = match finish {
                    Value::List(_) | Value::Dict(_) => {
                        return Err(Failure::Raised(format!("unhashable type: '{}'", type_name(finish))));
                    }
                    finish => finish.as_str().map_or("stop", mapped),
                };
                self.has_sent_finish = true;
                made_choice(Some(text(finish)), Dict::default())
            }
            _ => made_choice(None, delta),
        };
        logprobs.into_iter().for_each(|logprobs| choice.set("logprobs", logprobs));
        self.has_sent_role = true;
        let extras = if was_told { Vec::new() } else { chunk_extras(chunk, false)? };
        let told = Chunk { choices: vec![choice], extras, fields, usage: None };
        check_content(&told)?;
        if has_usage {
            self.check_named(chunk)?;
        }
        self.remember(&told.choices, has_usage);
        if was_told { self.write_if_said(told, out) } else { self.write(told, out) }
    }

    /// A chunk that only a usage made LiteLLM look at is told without it, if anything is left.
    fn write_if_said(&mut self, chunk: Chunk, out: &mut Vec<u8>) -> Result<(), Failure> {
        let is_meaningful = |value: &Value| match value {
            Value::None => false,
            Value::Str(_) | Value::List(_) | Value::Dict(_) => value.is_truthy(),
            _ => true,
        };
        let is_empty = |choice: &Dict| {
            choice.iter().all(|(key, value)| match (key.as_str(), value) {
                (Some("delta"), Value::Dict(delta)) => !delta.iter().any(|(_, value)| is_meaningful(value)),
                (Some("index"), value) => !value.is_truthy(),
                (_, value) => !is_meaningful(value),
            })
        };
        let is_silent = chunk.fields.as_ref().is_none_or(Dict::is_empty)
            && !chunk.extras.iter().any(|(_, value)| is_meaningful(value))
            && chunk.choices.iter().all(is_empty);
        if is_silent { Ok(()) } else { self.write(chunk, out) }
    }

    /// What later chunks and the usage depend on.
    fn remember(&mut self, choices: &[Dict], has_usage: bool) {
        if !has_usage {
            self.keep_name(false);
        }
        if self.wants_usage {
            self.assembled.name(self.id.as_ref(), self.fingerprint.as_ref());
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
        let message = format!("litellm.InternalServerError: The model is repeating the same chunk = {last}.");
        Err(Failure::Known(self.exception(ExceptionClass::InternalServerError, message)))
    }

    fn exception(&self, class: ExceptionClass, message: String) -> Exception {
        Exception {
            class,
            status_code: 500,
            message,
            provider: self.provider.to_owned(),
            model: self.model.clone(),
            headers: Vec::new(),
            has_attribute_error: false,
        }
    }

    /// The provider's stream came to a stop, which LiteLLM asks it for until everything is said: how the answer ended, its usage
    /// if there were chunks, its own last word.
    pub(crate) fn stop(
        &mut self,
        usage: impl FnOnce(&mut Self) -> Option<Dict>,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        if !self.has_sent_finish {
            self.has_sent_finish = true;
            let finish = self.finish.clone().unwrap_or_else(|| text("stop"));
            let choice = made_choice(Some(finish), Dict::default());
            return self.write(Chunk { choices: vec![choice], ..Chunk::default() }, out);
        }
        if !self.has_sent_usage && (self.wants_usage || self.takes_usage_for_itself()) {
            self.has_sent_usage = true;
            if !self.wants_usage {
                return Ok(());
            }
            let choice = made_choice(None, Dict::default());
            let usage = self.names[0].is_some().then(|| usage(self)).flatten();
            return self.write(Chunk { choices: vec![choice], usage, ..Chunk::default() }, out);
        }
        self.is_done = true;
        out.extend_from_slice(DONE);
        self.has_head = true;
        Ok(())
    }

    /// The proxy asks every provider of OpenAI's kind for a usage, and keeps it where the client doesn't want it.
    fn takes_usage_for_itself(&self) -> bool {
        self.provider == "openai"
    }

    fn write(&mut self, chunk: Chunk, out: &mut Vec<u8>) -> Result<(), Failure> {
        if !self.wants_usage && chunk.fields.is_none() && chunk.choices.iter().all(says_nothing) {
            return Ok(());
        }
        if self.id.is_none() {
            self.take_id(None);
        }
        let (is_simple, id) = (self.is_simple(&chunk), self.id.clone().unwrap_or(Value::None));
        let body = Value::Dict(if is_simple { self.simple(&chunk, id) } else { self.full(chunk, id) });
        let written = if is_simple { orjson_dumps(&body) } else { pydantic_dumps(&body) };
        let written = written.map_err(|error| {
            let words = if is_simple { unwritable_by_orjson(error) } else { unwritable_by_pydantic(error, &body) };
            Failure::Known(self.exception(ExceptionClass::Unmapped, words))
        })?;
        out.extend_from_slice(b"data: ");
        out.extend(written);
        out.extend_from_slice(b"\n\n");
        Ok(())
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
        let is_odd = chunk.fields.is_some() || choice.get("enhancements").is_some() || delta.is_none();
        let is_rich = delta.is_some_and(|delta| RICHER.iter().any(|key| delta.get(key).is_some()));
        !is_odd && self.fingerprint.is_none() && chunk.usage.is_none() && choice.get("logprobs").is_none() && !is_rich
    }

    fn simple(&self, chunk: &Chunk, id: Value) -> Dict {
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
        body.set("id", id);
        body.set("object", text("chat.completion.chunk"));
        body.set("created", Value::Int(Integer::from(self.created)));
        body.set("model", text(&self.client_model));
        body.set("choices", Value::List(vec![Value::Dict(choice)]));
        body
    }

    fn full(&self, chunk: Chunk, id: Value) -> Dict {
        let mut body = Dict::default();
        body.set("id", id);
        body.set("created", Value::Int(Integer::from(self.created)));
        body.set("model", text(&self.client_model));
        body.set("object", text("chat.completion.chunk"));
        if let Some(fingerprint) = &self.fingerprint {
            body.set("system_fingerprint", fingerprint.clone());
        }
        let numbered = |mut choice: Dict| {
            if choice.get("index") == Some(&Value::None) {
                choice.remove("index");
            }
            Value::Dict(choice)
        };
        body.set("choices", Value::List(chunk.choices.into_iter().map(numbered).collect()));
        if let Some(fields) = chunk.fields {
            body.set("provider_specific_fields", Value::Dict(fields.clone()));
            fields
                .iter()
                .filter(|(_, value)| **value != Value::None)
                .for_each(|(key, value)| body.push(key.clone(), value.clone()));
        }
        if let Some(usage) = chunk.usage {
            body.set("usage", Value::Dict(usage));
        }
        chunk.extras.into_iter().for_each(|(key, value)| body.push(key, value));
        body
    }
}

fn unwritable_by_orjson(error: EncodeError) -> String {
    let words = match error {
        EncodeError::IntegerTooBig => "Integer exceeds 64-bit range",
        EncodeError::TooDeep => "Recursion limit reached",
        EncodeError::LoneSurrogate | EncodeError::NotFinite => "str is not valid UTF-8: surrogates not allowed",
    };
    words.to_owned()
}

fn unwritable_by_pydantic(error: EncodeError, body: &Value) -> String {
    let cause = match error {
        EncodeError::TooDeep => "ValueError: Maximum serialization depth exceeded".to_owned(),
        _ => format!("UnicodeEncodeError: {}", first_surrogates(body).unwrap_or_default()),
    };
    format!("Error serializing to JSON: {cause}")
}

/// What Python says of the first text that UTF-8 can't hold.
fn first_surrogates(value: &Value) -> Option<String> {
    match value {
        Value::Str(text @ Text::Surrogates(_)) => surrogates(text),
        Value::List(items) => items.iter().find_map(first_surrogates),
        Value::Dict(dict) => dict.iter().find_map(|(key, value)| surrogates(key).or_else(|| first_surrogates(value))),
        _ => None,
    }
}

fn surrogates(text: &Text) -> Option<String> {
    let is_surrogate = |point: &u32| (0xd800..0xe000).contains(point);
    let points: Vec<u32> = text.code_points().collect();
    let from = points.iter().position(is_surrogate)?;
    let length = points[from..].iter().take_while(|point| is_surrogate(point)).count();
    let which = match length {
        1 => format!("character '\\u{:04x}' in position {from}", points[from]),
        _ => format!("characters in position {from}-{}", from + length - 1),
    };
    Some(format!("'utf-8' codec can't encode {which}: surrogates not allowed"))
}

/// What is told is put together, which only texts can be.
fn check_content(chunk: &Chunk) -> Result<(), Failure> {
    let delta = chunk.choices.first().and_then(|choice| choice.get("delta")?.as_dict());
    match delta.and_then(|delta| delta.get("content")).filter(|content| content.is_truthy()) {
        None | Some(Value::Str(_)) => Ok(()),
        Some(odd) => Err(Failure::Raised(format!("can only concatenate str (not \"{}\") to str", type_name(odd)))),
    }
}

fn zero() -> Value {
    Value::Int(Integer::from(0))
}

fn says_nothing(choice: &Dict) -> bool {
    let has_delta = choice.get("delta").and_then(Value::as_dict).is_some_and(|delta| !delta.is_empty());
    choice.get("finish_reason").is_none() && choice.get("logprobs").is_none() && !has_delta
}
