//! Some servers say in a 200 that they failed.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/llm_response_utils/convert_dict_to_response.py`, `router.py`
//! `should_retry_this_error`; the error's code is taken for a status, whatever it is.

use super::choices::given;
use super::errors::Context;
use crate::exceptions::ExceptionClass;
use crate::llms::base_llm::chat::transformation::ChatFailure;
use crate::python::json_encode::json_dumps;
use crate::python::{Dict, Value, repr, type_name};

const UNNAMED: &str = "Error in response object";
/// A status that is none, and by which LiteLLM tries again as by every one from 500 on.
const NO_STATUS: u16 = 600;

/// A code as a status.
enum Status {
    Integer(u16),
    /// Compares like a number, but is no integer.
    Number(u16),
    /// A text, a list or an object, by the name of its type; LiteLLM's log takes a text of digits for a number.
    Incomparable {
        kind: &'static str,
        logged: u16,
    },
}

/// What an answer with an error in it comes to, if the error says anything.
pub(super) fn error_in_answer(answer: &Dict, context: &Context<'_>) -> Option<ChatFailure> {
    let error = given(answer, "error")?;
    let (message, status) = match error {
        Value::Dict(error) => {
            let code = error.get("code");
            if !error.get("message").is_some_and(Value::is_truthy) && code.is_none_or(|code| *code == Value::None) {
                return None;
            }
            (message(error), code.map_or(Status::Integer(422), Status::of))
        }
        Value::Str(_) if !error.is_truthy() => return None,
        _ => (UNNAMED.to_owned(), Status::Integer(422)),
    };
    Some(failure(message, status, context))
}

fn message(error: &Dict) -> String {
    match error.get("message") {
        None => UNNAMED.to_owned(),
        Some(Value::Str(message)) => message.as_str().unwrap_or_default().to_owned(),
        Some(object @ Value::Dict(_)) => String::from_utf8_lossy(&json_dumps(object)).into_owned(),
        Some(other) => repr(other),
    }
}

fn failure(message: String, status: Status, context: &Context<'_>) -> ChatFailure {
    let mapped = |status| context.failure(message.clone(), status, Vec::new(), None);
    // Where the status is no integer, a lone 429 among the words counts.
    let limited = || Some(mapped(None)).filter(|failure| failure.exception.class == ExceptionClass::RateLimitError);
    match status {
        Status::Integer(status) => mapped(Some(status)),
        Status::Number(status) => limited().unwrap_or_else(|| mapped(Some(status))),
        Status::Incomparable { kind, logged } => limited().unwrap_or_else(|| {
            let mut failure = mapped(Some(NO_STATUS));
            // Some classes have a status of their own, which the router can compare.
            if failure.exception.status_code == NO_STATUS {
                failure.exception.class = ExceptionClass::Unjudged;
                failure.exception.status_code = logged;
                failure.exception.message = format!("'>=' not supported between instances of '{kind}' and 'int'");
            }
            failure
        }),
    }
}

impl Status {
    fn of(code: &Value) -> Self {
        match code {
            Value::None => Self::Number(NO_STATUS),
            Value::Bool(bool) => Self::Integer(u16::from(*bool)),
            Value::Int(code) if code.digits().starts_with('-') => Self::Integer(0),
            Value::Int(code) => Self::Integer(code.digits().parse().unwrap_or(u16::MAX)),
            Value::Float(code) => Self::Number(if code.fract() == 0.0 && (0.0..600.0).contains(code) {
                *code as u16
            } else if *code >= 500.0 {
                NO_STATUS
            } else {
                0
            }),
            Value::Str(text) => Self::Incomparable {
                kind: type_name(code),
                logged: text.as_str().and_then(|text| text.trim().parse().ok()).unwrap_or(500),
            },
            Value::List(_) | Value::Dict(_) => Self::Incomparable { kind: type_name(code), logged: 500 },
        }
    }
}
