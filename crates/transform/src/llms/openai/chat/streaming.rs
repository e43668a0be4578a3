//! A stream of OpenAI's, chunk by chunk, as LiteLLM passes it on.
//!
//! Every chunk is read and written anew. Nothing is held back: LiteLLM waits for its first own chunk before it sends the head, so an
//! error before that is an answer with a status of its own. Neither is retried.
//! Source: LiteLLM 1.102.4 `litellm_core_utils/streaming_handler.py`, `streaming_chunk_builder_utils.py`; OpenAI's SDK `_streaming.py`.

use bytes::Bytes;

use super::choices::given;
use super::errors::{BODY_DEPTH_MAX, Context};
use super::messages::fixed;
use super::sdk;
pub use super::server_sent_events::EVENT_BYTES_MAX;
use super::server_sent_events::Events;
use super::transformation::{Target, asked_tier};
use super::usage::{self, StreamUsage};
use crate::answer::ProviderFailure;
use crate::cost_calculator::PriceTable;
use crate::cost_calculator::openai::{Priced, chat_cost};
use crate::exceptions::Exception;
use crate::litellm_core_utils::stream_chunks::check_choices;
pub use crate::litellm_core_utils::streaming_handler::Progress;
use crate::litellm_core_utils::streaming_handler::{Failure, StreamWrapper};
use crate::llms::anthropic::experimental_pass_through::messages::streaming_iterator::stream_failure_text;
use crate::llms::base_llm::chat::told_costs::openai_told_stream_cost;
use crate::llms::custom_httpx::content_decoder::Decoder;
use crate::proxy::chat_endpoints::endpoints::ChatRequest;
use crate::pydantic::as_float;
use crate::python::json_decode::loads;
use crate::python::{Dict, Value, type_name};

/// One streamed answer with status 2xx.
#[derive(Debug)]
pub struct ChatStream {
    model: String,
    asked_tier: Option<String>,
    /// By the provider.
    told_cost: Option<f64>,
    decoder: Decoder,
    events: Events,
    answered_model: Option<String>,
    usage: StreamUsage,
    wrapper: StreamWrapper,
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
        // What can't be sent was declined before.
        let messages = request.wants_usage.then(|| fixed(&request.messages).unwrap_or_default().into());
        Self {
            model: target.model.to_owned(),
            asked_tier: asked_tier(request, target).map(str::to_owned),
            told_cost: openai_told_stream_cost(headers),
            decoder: Decoder::of(headers),
            events: Events::default(),
            answered_model: None,
            usage: StreamUsage::default(),
            wrapper: StreamWrapper::new("openai", target.model, request, messages, fallback_id, created),
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

    /// Whether LiteLLM has kept a chunk, without which it logs no success.
    pub fn has_chunks(&self) -> bool {
        self.wrapper.has_chunks()
    }

    /// Whether bytes for the client have been handed out.
    pub fn has_head(&self) -> bool {
        self.wrapper.has_head()
    }

    /// Whether the client was told a usage that LiteLLM would have counted in a way that isn't reproduced: the provider sent none
    /// though it was asked to. A host leaves such a deployment's streams with usage to Python from then on.
    pub fn has_unknown_usage(&self) -> bool {
        self.wrapper.has_unknown_usage()
    }

    /// Takes the next bytes of the provider.
    pub fn push(&mut self, piece: &[u8], table: &PriceTable) -> Progress {
        if self.is_done() {
            return Progress::Frames(Bytes::new());
        }
        let mut out = Vec::new();
        let data = match self.decoder.push(piece) {
            Ok(data) => data,
            Err(text) => return self.fail(Failure::Raised(text), out),
        };
        self.events.push(&data);
        while let Some(event) = self.events.next() {
            let taken = match event {
                Ok(event) if event.starts_with("[DONE]") => self.finish(table, &mut out),
                Ok(event) => self.event(&event, &mut out),
                Err(words) => Err(Failure::Raised(words)),
            };
            if let Err(failure) = taken {
                return self.fail(failure, out);
            }
            if self.is_done() {
                break;
            }
        }
        self.wrapper.progress(out)
    }

    /// Takes the end of the provider's stream: by its last chunk, or by a failure.
    pub fn end(&mut self, end: Result<(), &ProviderFailure>, table: &PriceTable) -> Progress {
        if self.is_done() {
            return Progress::Frames(Bytes::new());
        }
        let mut out = Vec::new();
        match end {
            // A connection that breaks once the model has finished is as good as closed.
            Err(failure) if !self.wrapper.has_finish() || matches!(failure, ProviderFailure::Timeout { .. }) => {
                return self.fail(Failure::Raised(stream_failure_text(failure)), out);
            }
            _ => {}
        }
        match self.finish(table, &mut out) {
            Ok(()) => self.wrapper.progress(out),
            Err(failure) => self.fail(failure, out),
        }
    }

    fn fail(&mut self, failure: Failure, out: Vec<u8>) -> Progress {
        let words = match failure {
            Failure::Known(exception) => return self.wrapper.fail_with(exception, out),
            Failure::Raised(words) => words,
        };
        let exception = self.exception(words, None);
        self.wrapper.fail_with(exception, out)
    }

    /// `body` is the error of the provider's, if it is one's.
    fn exception(&self, words: String, body: Option<&Value>) -> Exception {
        let context = Context { model: &self.model, deployment_timeout: None };
        let mut exception = *context.failure(words, None, Vec::new(), body).exception;
        if let Some(at) = exception.message.find("\n\nDeployment Info:") {
            exception.message.truncate(at);
        }
        exception
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
            let words = message.unwrap_or("An error occurred during streaming").to_owned();
            return Err(Failure::Known(self.exception(words, Some(error))));
        }
        if let Some(model) = chunk.get("model").and_then(Value::as_str).filter(|model| !model.is_empty()) {
            self.answered_model = Some(model.to_owned());
        }
        let Value::Dict(chunk) = sdk::chunk(Value::Dict(chunk)) else { return Ok(()) };
        check_choices(&chunk)?;
        let has_choices = given(&chunk, "choices").is_some_and(Value::is_truthy);
        match given(&chunk, "usage") {
            Some(Value::Dict(usage)) => {
                let told = usage::told(Some(usage)).map_err(Failure::Raised)?;
                if has_choices { self.usage.add_beside(&told, usage) } else { self.usage.add_alone(&told) }
            }
            Some(odd) if has_choices => self.usage.add_odd(odd),
            _ => {}
        }
        self.wrapper.chunk(&chunk, out)
    }

    fn finish(&mut self, table: &PriceTable, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Self { usage, answered_model, model, asked_tier, told_cost, wrapper, .. } = self;
        let told = |wrapper: &mut StreamWrapper| {
            if usage.fails() || wrapper.fails_to_assemble() {
                return usage.last();
            }
            let counted = wrapper.counted(usage.has_prompt(), usage.has_completion(), table);
            let answered_model = answered_model.as_deref().or(Some(wrapper.assembled_model()));
            let (asked_tier, citations) = (asked_tier.as_deref(), wrapper.citations());
            let priced = Priced { answered_model, model, asked_tier, answered_tier: None, citations };
            match usage.told(&counted, || wrapper.reasoning_tokens()) {
                Some(told) => Some(told_usage(told, *told_cost, &priced, table)),
                None => usage.last(),
            }
        };
        while !wrapper.is_done() {
            wrapper.stop(told, out)?;
        }
        Ok(())
    }
}

fn told_usage(told: Dict, told_cost: Option<f64>, priced: &Priced<'_>, table: &PriceTable) -> Dict {
    if let Some(cost) =
        told.get("cost").filter(|cost| !matches!(cost, Value::Str(_))).and_then(|cost| as_float(cost).ok())
    {
        return usage::with_cost(told, cost);
    }
    let cost = told_cost.or_else(|| chat_cost(table, &told, priced).map(|cost| cost.total));
    match cost.filter(|cost| *cost > 0.0) {
        Some(cost) => usage::with_cost(told, cost),
        None => told,
    }
}
