//! The client's answer to `/v1/messages`: a message, the head of a stream, an error before or inside it.
//!
//! Source: LiteLLM 1.102.4 `proxy/common_request_processing.py`, `proxy/anthropic_endpoints/endpoints.py`,
//! `anthropic_interface/exceptions`.

use std::borrow::Cow;

use crate::LITELLM_VERSION;
use crate::answer::{Answered, AnsweredHeaders, HeaderText};
use crate::cost_calculator::anthropic::{MessageCost, breakdown_headers};
use crate::exceptions::Exception;
use crate::litellm_core_utils::secret_redaction::redact_internal_details;
use crate::llms::anthropic::experimental_pass_through::messages::transformation::MessagesResponse;
use crate::proxy::common_request_processing::{
    GivenUp, browser_headers, error_status, error_type, framing, internal_server_error, message_after_router,
};
use crate::python::json_encode::{httpx_json, httpx_json_with, json_dumps};
use crate::python::{Dict, Text, Value, float_repr, string_repr};

/// At most so many are LiteLLM's own.
pub(crate) const OWN_HEADERS: usize = 32;

/// What the headers of a message or a stream say besides the answer itself.
#[derive(Clone, Debug)]
pub struct Served<'a> {
    pub call_id: &'a str,
    /// The model the client asked for; also the answer's `model`.
    pub model_group: &'a str,
    /// The deployment's id (`x-litellm-model-id`).
    pub model_id: &'a str,
    /// With its provider, as the config writes it.
    pub litellm_model: &'a str,
    /// As the config writes it; only streams tell it.
    pub api_base: &'a str,
    /// From the start of the call to its end, or to the head of the stream, retries included, in milliseconds.
    pub duration_ms: f64,
    /// Of that, what wasn't the provider's.
    pub overhead_ms: f64,
    /// Retries before this answer.
    pub attempted_retries: u32,
    /// Retries allowed; only said after a retry.
    pub max_retries: u32,
    /// The client sent `origin`.
    pub is_cross_origin: bool,
}

/// What the headers of an error say besides the error itself.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    pub call_id: &'a str,
    /// The last deployment tried.
    pub model_id: &'a str,
    /// Seconds, as the router passed them to the last attempt.
    pub timeout_seconds: f64,
    /// `x-request-id` of the client.
    pub request_id: Option<&'a str>,
    /// The client sent `origin`.
    pub is_cross_origin: bool,
}

/// Writes a message. `cost` is `None` where LiteLLM can't price it.
///
/// An answer that can't be written (NaN, a lone surrogate) is what it is in Python: a bare 500.
pub fn success(response: &MessagesResponse, served: &Served<'_>, cost: Option<MessageCost>) -> Answered {
    let Ok(body) = httpx_json_with(&response.body, "model", served.model_group) else {
        return internal_server_error();
    };
    let mut headers = AnsweredHeaders::with_capacity(OWN_HEADERS);
    headers.extend(framing(body.len()));
    headers.extend(own([
        ("x-litellm-call-id", served.call_id),
        ("x-litellm-model-id", served.model_id),
        ("x-litellm-model-name", served.litellm_model),
        ("x-litellm-version", LITELLM_VERSION),
    ]));
    let total = cost.map_or(0.0, |cost| cost.total);
    if total != 0.0 {
        headers.push(("x-litellm-response-cost".into(), float_repr(total).into()));
    }
    headers.extend(cost.iter().flat_map(breakdown_headers));
    headers.extend(durations(if total > 0.0 { total } else { 0.0 }, served));
    headers.extend(attempts(served));
    headers.extend(browser_headers(served.is_cross_origin));
    Answered { status: 200, headers: told(headers), body: body.into() }
}

/// Writes the head of a stream: status 200 and these headers, the body follows in frames.
///
/// `provider` are the headers of the provider's answer as received.
pub fn stream_head(provider: &[(String, String)], served: &Served<'_>) -> Answered {
    let mut headers = stream_headers(provider, served);
    headers.extend(own([
        ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"),
        ("content-type", "text/event-stream; charset=utf-8"),
    ]));
    headers.extend(browser_headers(served.is_cross_origin));
    Answered { status: 200, headers, body: bytes::Bytes::new() }
}

/// Writes the answer to a stream that failed before its head.
pub fn stream_failed(failure: &Exception, provider: &[(String, String)], served: &Served<'_>) -> Answered {
    let body = httpx_json(&stream_error(failure)).unwrap_or_default();
    let mut headers = stream_headers(provider, served);
    headers.extend(framing(body.len()));
    headers.extend(browser_headers(served.is_cross_origin));
    Answered { status: failure.status_code, headers, body: body.into() }
}

/// The last frame of a stream that failed behind its head.
pub(crate) fn stream_error_frame(failure: &Exception) -> Vec<u8> {
    let mut frame = b"data: ".to_vec();
    frame.extend(json_dumps(&stream_error(failure)));
    frame.extend(b"\n\n");
    frame
}

fn stream_error(failure: &Exception) -> Value {
    let status = failure.status_code;
    dict([(
        "error",
        dict([
            ("message", text(&redact_internal_details(&failure.message))),
            ("type", text(error_type(failure.class, status))),
            ("param", Value::None),
            ("code", text(&status.to_string())),
        ]),
    )])
}

/// Writes an error that the router gave up on.
pub fn error(exception: &Exception, given_up: &GivenUp<'_>, failed: &Failed<'_>) -> Answered {
    let message = message_after_router(exception, given_up);
    let timeout = ("x-litellm-timeout".into(), float_repr(failed.timeout_seconds).into());
    envelope(&message, exception.status_code, Some(timeout), failed)
}

/// Writes the error of a group without a usable deployment; `failed.model_id` is empty if no attempt was made.
pub fn no_deployments(
    none: &crate::proxy::common_request_processing::NoDeployments<'_>,
    failed: &Failed<'_>,
) -> Answered {
    let cooling: Vec<String> = none.cooling.iter().map(|id| string_repr(id)).collect();
    let message = format!(
        "No deployments available for selected model, Try again in {} seconds. Passed model={}. pre-call-checks={}, \
         cooldown_list=[{}]",
        none.cooldown_spelled,
        none.model_group,
        if none.pre_call_checks { "True" } else { "False" },
        cooling.join(", ")
    );
    envelope(&message, 500, None, failed)
}

fn envelope(message: &str, status: u16, timeout: Option<(HeaderText, HeaderText)>, failed: &Failed<'_>) -> Answered {
    let status = error_status(message, status);
    let mut error = Dict::default();
    error.set("type", text("error"));
    error.set("error", dict([("type", text(anthropic_type(status))), ("message", text(message))]));
    if let Some(id) = failed.request_id {
        error.set("request_id", text(id));
    }
    let body = httpx_json(&Value::Dict(error)).unwrap_or_default();
    let mut headers = AnsweredHeaders::with_capacity(OWN_HEADERS);
    headers.extend(own([
        ("x-litellm-call-id", failed.call_id),
        ("x-litellm-model-id", failed.model_id),
        ("x-litellm-version", LITELLM_VERSION),
        ("x-litellm-response-cost", "0"),
        ("x-litellm-key-spend", "0.0"),
    ]));
    headers.extend(timeout);
    headers = told(headers);
    headers.extend(framing(body.len()));
    headers.extend(browser_headers(failed.is_cross_origin));
    Answered { status, headers, body: body.into() }
}

fn anthropic_type(status: u16) -> &'static str {
    match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}

/// A stream isn't priced before it has begun, so it is said to cost nothing.
fn stream_headers(provider: &[(String, String)], served: &Served<'_>) -> AnsweredHeaders {
    let mut headers = AnsweredHeaders::with_capacity(OWN_HEADERS + provider.len());
    headers.extend(own([
        ("x-litellm-call-id", served.call_id),
        ("x-litellm-model-id", served.model_id),
        ("x-litellm-model-name", served.litellm_model),
        ("x-litellm-model-api-base", served.api_base.split('?').next().unwrap_or_default()),
        ("x-litellm-version", LITELLM_VERSION),
    ]));
    headers.extend(breakdown_headers(&MessageCost::default()));
    headers.extend(durations(0.0, served));
    headers.push(("x-litellm-callback-duration-ms".into(), "0.0".into()));
    headers.extend(passed_on(provider));
    headers.extend(attempts(served));
    told(headers)
}

/// The provider's headers under a name that says so, the rate limits OpenAI clients know also under their own.
fn passed_on(provider: &[(String, String)]) -> AnsweredHeaders {
    const KNOWN: [&str; 6] = [
        "x-ratelimit-remaining-requests",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-limit-requests",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-reset-requests",
        "x-ratelimit-reset-tokens",
    ];
    let merged = merged(provider);
    let known = merged.iter().filter_map(|(name, value)| {
        let known = KNOWN.into_iter().find(|known| known == name)?;
        Some((known.into(), value.to_string().into()))
    });
    let known: AnsweredHeaders = known.collect();
    known.into_iter().chain(merged.into_iter().map(prefixed)).collect()
}

/// The provider's headers, those of one name in one.
pub(crate) fn merged(provider: &[(String, String)]) -> Vec<(&str, Cow<'_, str>)> {
    let mut merged: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(provider.len());
    for (name, value) in provider {
        match merged.iter_mut().find(|(earlier, _)| earlier == name) {
            Some((_, joined)) => {
                let joined = joined.to_mut();
                joined.push_str(", ");
                joined.push_str(value);
            }
            None => merged.push((name, value.into())),
        }
    }
    merged
}

/// Under a name that says whose header it is.
pub(crate) fn prefixed((name, value): (&str, Cow<'_, str>)) -> (HeaderText, HeaderText) {
    let name = if name.starts_with(PREFIX) { name.to_owned() } else { [PREFIX, name].concat() };
    (name.into(), value.into_owned().into())
}

pub(crate) const PREFIX: &str = "llm_provider-";

pub(crate) fn durations(spend: f64, served: &Served<'_>) -> impl Iterator<Item = (HeaderText, HeaderText)> + use<> {
    let durations = [
        ("x-litellm-key-spend", spend),
        ("x-litellm-response-duration-ms", served.duration_ms),
        ("x-litellm-overhead-duration-ms", served.overhead_ms),
    ];
    durations.into_iter().map(|(name, value)| (name.into(), number(value)))
}

/// Most numbers in headers are nought.
pub(crate) fn number(value: f64) -> HeaderText {
    if value.to_bits() == 0 { "0.0".into() } else { float_repr(value).into() }
}

pub(crate) fn attempts(served: &Served<'_>) -> AnsweredHeaders {
    let mut headers = AnsweredHeaders::with_capacity(4);
    headers.push(("x-litellm-model-group".into(), served.model_group.to_owned().into()));
    headers.push(("x-litellm-attempted-retries".into(), count(served.attempted_retries)));
    if served.attempted_retries > 0 {
        headers.push(("x-litellm-max-retries".into(), count(served.max_retries)));
    }
    headers.push(("x-litellm-attempted-fallbacks".into(), "0".into()));
    headers
}

fn count(number: u32) -> HeaderText {
    if number == 0 { "0".into() } else { number.to_string().into() }
}

/// LiteLLM leaves out headers that say nothing.
pub(crate) fn told(mut headers: AnsweredHeaders) -> AnsweredHeaders {
    headers.retain(|(_, value)| !value.is_empty() && value != "None");
    headers
}

pub(crate) fn own<const N: usize>(
    headers: [(&'static str, &str); N],
) -> impl Iterator<Item = (HeaderText, HeaderText)> + use<N> {
    headers.map(|(name, value)| (name.into(), value.to_owned().into())).into_iter()
}

pub(crate) fn text(text: &str) -> Value {
    Value::Str(Text::from(text))
}

pub(crate) fn dict<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Dict(Dict::from_pairs(pairs.into_iter().map(|(name, value)| (Text::from(name), value)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::common_request_processing::NoDeployments;

    #[test]
    fn a_group_that_cools_down() {
        let none = NoDeployments {
            model_group: "one",
            cooldown_seconds: 3.0,
            cooldown_spelled: "3",
            pre_call_checks: false,
            cooling: &["a".to_owned()],
        };
        let failed =
            Failed { call_id: "id", model_id: "", timeout_seconds: 600.0, request_id: None, is_cross_origin: false };
        let answered = no_deployments(&none, &failed);
        let expected = "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"No deployments available for \
                        selected model, Try again in 3 seconds. Passed model=one. pre-call-checks=False, \
                        cooldown_list=['a']\"}}";
        assert_eq!((answered.status, &*answered.body), (429, expected.as_bytes()));
        let names: Vec<&str> = answered.headers.iter().take(4).map(|(name, _)| &**name).collect();
        let own = ["x-litellm-call-id", "x-litellm-version", "x-litellm-response-cost", "x-litellm-key-spend"];
        assert_eq!(names, own);
        assert!(!answered.headers.iter().any(|(name, _)| name == "x-litellm-timeout" || name == "retry-after"));
    }

    #[test]
    fn a_retry_is_told_with_its_limit() {
        let served = Served {
            call_id: "id",
            model_group: "claude",
            model_id: "d",
            litellm_model: "anthropic/m",
            api_base: "http://provider?x",
            duration_ms: 1.0,
            overhead_ms: 0.5,
            attempted_retries: 1,
            max_retries: 2,
            is_cross_origin: false,
        };
        let head = stream_head(&[("x-empty".to_owned(), String::new())], &served);
        let told = |name: &str| head.headers.iter().find(|(header, _)| header == name).map(|(_, value)| &**value);
        assert_eq!(told("x-litellm-max-retries"), Some("2"));
        assert_eq!(told("x-litellm-model-api-base"), Some("http://provider"));
        assert_eq!(told("llm_provider-x-empty"), None);
    }
}
