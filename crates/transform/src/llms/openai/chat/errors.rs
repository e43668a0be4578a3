//! How an attempt on OpenAI ends if it fails.
//!
//! Source: LiteLLM 1.102.4 `llms/openai/openai.py`, `exception_mapping_utils.py`; OpenAI's Python SDK, whose words these are.

use super::completed::Unreadable;
use crate::answer::{ProviderFailure, ProviderResponse};
use crate::exceptions::ExceptionClass;
use crate::litellm_core_utils::exception_mapping_utils::{Raised, openai_exception};
use crate::llms::base_llm::chat::transformation::{ChatFailure, Target};
use crate::llms::custom_httpx::http_handler::decoded_body;
use crate::python::bytes_decode::response_text;
use crate::python::json_decode::loads;
use crate::python::{Dict, Value, float_repr, repr};

/// Nesting up to which an error's body is read.
pub(super) const BODY_DEPTH_MAX: usize = 900;
const UNREADABLE: &str = "Invalid response object Traceback (most recent call last):";

/// What the deployment says about time-outs; every `Timeout` repeats it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub model: &'a str,
    pub deployment_timeout: Option<f64>,
}

impl<'a> Context<'a> {
    pub(super) fn of(target: &Target<'a>) -> Self {
        let timeout = target.parameters.get("timeout").and_then(serde_json::Value::as_f64);
        Context { model: target.model, deployment_timeout: timeout }
    }

    /// Maps an error with a body, or none.
    pub(super) fn failure(
        &self,
        text: String,
        status: Option<u16>,
        headers: Vec<(String, String)>,
        body: Option<&Value>,
    ) -> ChatFailure {
        let raised = Raised { text, status, headers, is_attribute_error: false };
        let error = body.and_then(Value::as_dict);
        let (mut exception, keeps_body) = openai_exception(raised, error.and_then(said).as_deref(), self.model);
        if exception.class == ExceptionClass::Timeout {
            let timeout = self.deployment_timeout.map_or_else(|| "None".to_owned(), float_repr);
            exception.message.push_str(&format!("\n\nDeployment Info: request_timeout: None\ntimeout: {timeout}"));
        }
        let kept = |key: &str| error.filter(|_| keeps_body)?.get(key)?.as_str().map(str::to_owned);
        ChatFailure { kind: kept("type"), param: kept("param"), tells_headers: false, exception: Box::new(exception) }
    }

    /// An exception raised on this side; LiteLLM gives it the status 500.
    pub(super) fn raised(&self, text: &str) -> ChatFailure {
        self.failure(text.to_owned(), Some(500), Vec::new(), None)
    }

    /// An answer that Python fails to read. Its words are a traceback, of which clients are told nothing, and the answer itself, by
    /// which the error is mapped all the same.
    pub(super) fn unreadable(&self, kind: Unreadable, answer: &Dict) -> ChatFailure {
        let answer = repr(&Value::Dict(answer.clone()));
        let mut failure = self.raised(&format!("{UNREADABLE}\n\nreceived_args={{'response_object': {answer}}}"));
        let message = &mut failure.exception.message;
        if let Some(at) = message.find(UNREADABLE) {
            message.truncate(at + UNREADABLE.len());
        }
        failure.exception.has_attribute_error = kind == Unreadable::Attribute;
        failure
    }

    /// An answer that isn't 2xx.
    pub(super) fn refused(&self, response: &ProviderResponse) -> ChatFailure {
        let Ok(body) = decoded_body(response) else {
            return self.raised("Connection error.");
        };
        let text = response_text(&body, response.header("content-type"));
        let text = text.trim();
        let read = loads(text.as_bytes(), BODY_DEPTH_MAX).ok();
        let message = match &read {
            Some(Value::Str(read)) => {
                format!("Error code: {} - {}", response.status, read.as_str().unwrap_or_default())
            }
            Some(read) => format!("Error code: {} - {}", response.status, repr(read)),
            None if text.is_empty() => format!("Error code: {}", response.status),
            None => text.to_owned(),
        };
        let error = match read.as_ref().and_then(Value::as_dict) {
            Some(object) => object.get("error").or(read.as_ref()),
            None => read.as_ref(),
        };
        let mut failure = self.failure(message, Some(response.status), response.headers.clone(), error);
        failure.tells_headers = response.status == 422;
        failure
    }

    /// No answer; the SDK has few words for it.
    pub(super) fn unanswered(&self, failure: &ProviderFailure, is_stream: bool) -> ChatFailure {
        let text = match failure {
            ProviderFailure::Timeout { .. } if is_stream => "Request timed out.".to_owned(),
            ProviderFailure::Timeout { limit_seconds, taken_seconds } => format!(
                "Request timed out. - timeout value={}, time taken={} seconds",
                float_repr(*limit_seconds),
                float_repr((taken_seconds * 100.0).round() / 100.0)
            ),
            _ => "Connection error.".to_owned(),
        };
        self.raised(&text)
    }
}

/// The provider's own words, or how Python spells what stands in their place.
fn said(error: &Dict) -> Option<String> {
    let message = match error.get("message").filter(|message| message.is_truthy()) {
        Some(message) => message,
        None => error.get("error")?.as_dict()?.get("message").filter(|message| **message != Value::None)?,
    };
    Some(message.as_str().map_or_else(|| repr(message), str::to_owned))
}
