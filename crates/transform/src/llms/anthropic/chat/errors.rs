//! How an attempt at a chat completion on Anthropic ends if it fails.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/chat/handler.py`, `exception_mapping_utils.py` `_map_anthropic_exception`.

use crate::answer::{ProviderFailure, ProviderResponse};
use crate::exceptions::{Exception, ExceptionClass};
use crate::litellm_core_utils::exception_mapping_utils::{Raised, anthropic_exception};
use crate::llms::base_llm::chat::transformation::{ChatFailure, Target};
use crate::llms::custom_httpx::http_handler::decoded_body;
use crate::llms::custom_httpx::llm_http_handler::{answered_body, failure_text};
use crate::python::float_repr;

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

    pub(super) fn failure(&self, raised: Raised) -> ChatFailure {
        self.told(anthropic_exception(raised, self.model))
    }

    fn told(&self, mut exception: Exception) -> ChatFailure {
        if exception.class == ExceptionClass::Timeout {
            let timeout = self.deployment_timeout.map_or_else(|| "None".to_owned(), float_repr);
            exception.message.push_str(&format!("\n\nDeployment Info: request_timeout: None\ntimeout: {timeout}"));
        }
        ChatFailure { exception: Box::new(exception), kind: None, param: None, tells_headers: false }
    }

    /// An exception of Python's own while an answer is read: its words, and a traceback that clients never see.
    pub(super) fn broken(&self, words: &str) -> ChatFailure {
        self.told(Exception {
            class: ExceptionClass::ApiConnectionError,
            status_code: 500,
            message: format!("litellm.APIConnectionError: {words}\nTraceback (most recent call last):"),
            provider: "anthropic".to_owned(),
            model: self.model.to_owned(),
            headers: Vec::new(),
            has_attribute_error: words.contains("object has no attribute"),
        })
    }

    /// A whole answer, or why there is none.
    pub(super) fn body(
        &self,
        outcome: Result<&ProviderResponse, &ProviderFailure>,
    ) -> Result<bytes::Bytes, ChatFailure> {
        answered_body(outcome).map_err(|raised| self.failure(raised))
    }

    /// An attempt at a stream that wasn't begun. LiteLLM tells the bytes of the answer as Python spells bytes.
    pub(super) fn stream_refused(&self, outcome: Result<&ProviderResponse, &ProviderFailure>) -> ChatFailure {
        match outcome {
            Ok(response) => {
                let text = match decoded_body(response) {
                    Ok(body) => bytes_repr(&body),
                    Err(words) => words,
                };
                let headers = response.headers.clone();
                self.failure(Raised { text, status: Some(response.status), headers, is_attribute_error: false })
            }
            Err(failure @ ProviderFailure::Timeout { .. }) => self.told(Exception {
                class: ExceptionClass::Timeout,
                status_code: 408,
                message: failure_text(failure),
                provider: "anthropic".to_owned(),
                model: self.model.to_owned(),
                headers: Vec::new(),
                has_attribute_error: false,
            }),
            Err(failure) => match answered_body(Err(failure)) {
                Err(raised) => self.failure(raised),
                Ok(_) => self.broken(""),
            },
        }
    }
}

/// `repr(bytes)`.
fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte if char::from(byte) == quote => {
                out.push('\\');
                out.push(quote);
            }
            0x20..0x7f => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_bytes_as_python_does() {
        let cases: [(&[u8], &str); 4] =
            [(b"a\"'", r#"b'a"\''"#), (b"'", r#"b"'""#), (b"\n\xff\x7f\\", r"b'\n\xff\x7f\\'"), (b"", "b''")];
        for (bytes, expected) in cases {
            assert_eq!(bytes_repr(bytes), expected);
        }
    }
}
