//! A stream of Anthropic's, line by line, as a stream of chat completion chunks.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/chat/handler.py` `ModelResponseIterator`, `litellm_core_utils/streaming_handler.py`.
//! LiteLLM reads lines and not events: whatever is no data is an empty chunk, and the first such line behind the reason to stop is
//! where it stops asking for more.

use std::sync::Arc;

use bytes::Bytes;

use super::streaming_events::{EVENT_DEPTH_MAX, EventReader, Unread};
use super::streaming_usage::StreamUsage;
use super::transformation::Reading;
use crate::answer::ProviderFailure;
use crate::cost_calculator::PriceTable;
use crate::cost_calculator::anthropic::usage_cost;
use crate::exceptions::{Exception, ExceptionClass};
use crate::litellm_core_utils::exception_mapping_utils::{Raised, anthropic_exception};
use crate::litellm_core_utils::json_fragment_accumulator::JsonFragments;
pub use crate::litellm_core_utils::streaming_handler::Progress;
use crate::litellm_core_utils::streaming_handler::{Failure, StreamWrapper};
use crate::llms::anthropic::experimental_pass_through::messages::streaming_iterator::stream_failure_text;
use crate::llms::base_llm::chat::told_costs::told_cost;
use crate::llms::base_llm::chat::transformation::Target;
use crate::llms::custom_httpx::content_decoder::Decoder;
pub use crate::llms::custom_httpx::line_decoder::LINE_BYTES_MAX;
use crate::llms::custom_httpx::line_decoder::Lines;
use crate::proxy::chat_endpoints::endpoints::ChatRequest;
use crate::python::json_decode::{DecodeError, loads};
use crate::python::{Text, Value};

/// One streamed answer with status 2xx.
#[derive(Debug)]
pub struct ChatStream {
    model: String,
    /// By the provider.
    told_cost: Option<f64>,
    decoder: Decoder,
    lines: Lines,
    /// Once a line wasn't JSON, all data is put together.
    fragments: Option<JsonFragments>,
    events: EventReader,
    usage: StreamUsage,
    wrapper: StreamWrapper,
    /// An error event has been read.
    has_error: bool,
}

impl ChatStream {
    /// `created` is the caller's time in seconds since 1970, `fallback_id` a random UUID for the stream's id, `headers` are those of
    /// the provider's answer.
    pub fn new(
        request: &ChatRequest,
        target: &Target<'_>,
        table: &PriceTable,
        headers: &[(String, String)],
        fallback_id: &str,
        created: i64,
    ) -> Self {
        let messages = request.wants_usage.then(|| Arc::clone(&request.messages));
        let wrapper = StreamWrapper::new("anthropic", target.model, request, messages, fallback_id, created);
        let content_type = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
        Self {
            model: target.model.to_owned(),
            told_cost: told_cost(headers),
            decoder: Decoder::of(headers),
            lines: Lines::of(content_type),
            fragments: None,
            events: EventReader::new(Reading::of(request, target, table), request.wants_usage),
            usage: StreamUsage::default(),
            wrapper,
            has_error: false,
        }
    }

    /// Whether nothing more of the provider's stream matters.
    pub fn is_done(&self) -> bool {
        self.wrapper.is_done()
    }

    /// Whether it ended by an error, of the provider's or of the connection's: LiteLLM then logs a failed call.
    pub fn has_failed(&self) -> bool {
        self.wrapper.has_failed()
    }

    /// The status of the exception in that log, before it is mapped: every error event is a 500, nothing else has one.
    pub fn logged_status(&self) -> Option<u16> {
        self.has_error.then_some(500)
    }

    /// Whether LiteLLM has kept a chunk, without which it logs no success.
    pub fn has_chunks(&self) -> bool {
        self.wrapper.has_chunks()
    }

    /// Whether bytes for the client have been handed out.
    pub fn has_head(&self) -> bool {
        self.wrapper.has_head()
    }

    /// Whether the client was told a usage that LiteLLM would have counted in a way that isn't reproduced: the stream was cut off,
    /// or the provider counts nothing. A host leaves such a deployment's streams with usage to Python from then on.
    pub fn has_unknown_usage(&self) -> bool {
        self.wrapper.has_unknown_usage() || (self.wrapper.has_told_usage() && self.usage.is_uncounted())
    }

    /// Takes the next bytes of the provider.
    pub fn push(&mut self, piece: &[u8], table: &PriceTable) -> Progress {
        if self.is_done() {
            return Progress::Frames(Bytes::new());
        }
        let mut out = Vec::new();
        match self.decoder.push(piece) {
            Ok(data) => self.lines.push(&data),
            Err(text) => return self.fail(self.broken(text), out),
        }
        match self.take_lines(table, &mut out) {
            Ok(()) => self.wrapper.progress(out),
            Err(exception) => self.fail(exception, out),
        }
    }

    /// Takes the end of the provider's stream: by its last chunk, or by a failure.
    pub fn end(&mut self, end: Result<(), &ProviderFailure>, table: &PriceTable) -> Progress {
        if self.is_done() {
            return Progress::Frames(Bytes::new());
        }
        let mut out = Vec::new();
        match end {
            Ok(()) => self.lines.finish(),
            // A connection that breaks once the model has finished is as good as closed.
            Err(failure) if !self.wrapper.has_finish() || matches!(failure, ProviderFailure::Timeout { .. }) => {
                return self.fail(self.broken(stream_failure_text(failure)), out);
            }
            Err(_) => {}
        }
        match self.take_end(end.is_ok(), table, &mut out) {
            Ok(()) => self.wrapper.progress(out),
            Err(exception) => self.fail(exception, out),
        }
    }

    fn take_lines(&mut self, table: &PriceTable, out: &mut Vec<u8>) -> Result<(), Exception> {
        while !self.is_done() {
            let Some(line) = self.lines.next().map(str::to_owned) else { break };
            self.line(&line, table, out)?;
        }
        let waiting = self.fragments.as_ref().map_or(0, JsonFragments::len);
        if self.lines.is_too_long() || waiting > LINE_BYTES_MAX {
            return Err(self.too_long());
        }
        Ok(())
    }

    fn line(&mut self, line: &str, table: &PriceTable, out: &mut Vec<u8>) -> Result<(), Exception> {
        if line.len() > LINE_BYTES_MAX {
            return Err(self.too_long());
        }
        let Some(data) = line.strip_prefix("data:") else {
            return if self.wrapper.has_finish() { self.stop(table, out) } else { Ok(()) };
        };
        let read = self.value(data).map_err(unreadable).and_then(|event| self.event(event.as_ref(), out));
        read.map_err(|unread| self.unread(unread, Some(line)))
    }

    /// What a line of data holds, by itself or with those before it.
    fn value(&mut self, data: &str) -> Result<Option<Value>, DecodeError> {
        if self.fragments.is_none() {
            match loads(data.as_bytes(), EVENT_DEPTH_MAX) {
                Err(DecodeError::Syntax { .. }) => {}
                read => return read.map(Some),
            }
        }
        let fragments = self.fragments.get_or_insert_default();
        fragments.append(data);
        if fragments.could_close() { next_event(fragments) } else { Ok(None) }
    }

    /// LiteLLM asks for more until it has said everything, and each time takes what the fragments still hold.
    fn take_end(&mut self, is_whole: bool, table: &PriceTable, out: &mut Vec<u8>) -> Result<(), Exception> {
        if is_whole {
            self.take_lines(table, out)?;
        }
        while !self.is_done() {
            let left = match &mut self.fragments {
                Some(fragments) if is_whole => next_event(fragments),
                _ => Ok(None),
            };
            match left {
                Ok(None) => self.stop(table, out)?,
                left => {
                    let read = left.map_err(unreadable).and_then(|event| self.event(event.as_ref(), out));
                    read.map_err(|unread| self.unread(unread, None))?;
                }
            }
        }
        Ok(())
    }

    fn event(&mut self, event: Option<&Value>, out: &mut Vec<u8>) -> Result<(), Read> {
        let Some(event) = event else { return Ok(()) };
        let said = self.events.read(event)?;
        if let Some(usage) = said.usage {
            self.usage.add(usage);
        }
        self.wrapper.chunk(&said.chunk, out).map_err(Read::Said)
    }

    fn stop(&mut self, table: &PriceTable, out: &mut Vec<u8>) -> Result<(), Exception> {
        let (usage, model, told_cost) = (&self.usage, &self.model, self.told_cost);
        let told = |wrapper: &mut StreamWrapper| {
            let counted = wrapper.counted(usage.has_prompt(), usage.has_completion(), table);
            let reasoning = wrapper.reasoning_tokens();
            let mut told = usage.told(&counted, reasoning);
            let priced = || {
                let billed = usage.billed(&counted, reasoning);
                usage_cost(table, Some(wrapper.assembled_model()), model, &billed).map(|cost| cost.total)
            };
            if let Some(cost) = told_cost.or_else(priced).filter(|cost| *cost > 0.0) {
                told.push(Text::from("cost"), Value::Float(cost));
            }
            usage.rest().into_iter().for_each(|(key, value)| told.push(key, value));
            Some(told)
        };
        match self.wrapper.stop(told, out) {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.known(failure)),
        }
    }

    fn fail(&mut self, exception: Exception, out: Vec<u8>) -> Progress {
        self.wrapper.fail_with(exception, out)
    }

    fn too_long(&self) -> Exception {
        self.broken("event is too long".to_owned())
    }

    /// The connection failed.
    fn broken(&self, text: String) -> Exception {
        anthropic_exception(raised(text, None), &self.model)
    }

    fn known(&self, failure: Failure) -> Exception {
        match failure {
            Failure::Known(exception) => exception,
            Failure::Raised(words) => self.python(words),
        }
    }

    /// An exception of Python's; LiteLLM tells its traceback too.
    fn python(&self, words: String) -> Exception {
        let exception = anthropic_exception(raised(words.clone(), None), &self.model);
        if exception.class != ExceptionClass::ApiConnectionError {
            return exception;
        }
        Exception { message: format!("litellm.APIConnectionError: {words}"), ..exception }
    }

    fn unread(&mut self, read: Read, line: Option<&str>) -> Exception {
        self.has_error |= matches!(read, Read::Unread(Unread::Provider(_)));
        match (read, line) {
            (Read::Said(failure), _) => self.known(failure),
            (Read::Unread(Unread::Provider(message)), _) => {
                anthropic_exception(raised(message, Some(500)), &self.model)
            }
            (Read::Unread(Unread::Value(words)), Some(line)) => {
                self.python(format!("Error parsing chunk: {words},\nReceived chunk: {line}"))
            }
            (Read::Unread(Unread::Value(words) | Unread::Other(words)), _) => self.python(words),
        }
    }
}

/// Why an event got no further.
enum Read {
    Unread(Unread),
    Said(Failure),
}

impl From<Unread> for Read {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

fn unreadable(error: DecodeError) -> Read {
    let words = error.to_string();
    Read::Unread(match error {
        DecodeError::TooDeep { .. } => Unread::Other(words),
        _ => Unread::Value(words),
    })
}

fn raised(text: String, status: Option<u16>) -> Raised {
    Raised { text, status, headers: Vec::new(), is_attribute_error: false }
}

/// The next value that is an event at all.
fn next_event(fragments: &mut JsonFragments) -> Result<Option<Value>, DecodeError> {
    while let Some(value) = fragments.pop(EVENT_DEPTH_MAX)? {
        if matches!(value, Value::Dict(_)) {
            return Ok(Some(value));
        }
    }
    Ok(None)
}
