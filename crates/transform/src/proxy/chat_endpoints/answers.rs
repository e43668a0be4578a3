//! The client's answer to `/chat/completions`: a completion, the head of a stream, an error before or inside it.
//!
//! Source: LiteLLM 1.102.4 `proxy/common_request_processing.py`, `proxy/proxy_server.py`, `litellm_core_utils/core_helpers.py`
//! `process_response_headers`.

use std::borrow::Cow;

use crate::LITELLM_VERSION;
use crate::answer::{Answered, AnsweredHeaders, HeaderText};
use crate::cost_calculator::anthropic::{MessageCost, breakdown_headers};
use crate::exceptions::{Exception, ExceptionClass};
use crate::litellm_core_utils::secret_redaction::redact_internal_details;
use crate::llms::anthropic::chat::transformation::told_headers as anthropic_headers;
use crate::llms::base_llm::chat::transformation::{ChatFailure, ChatResponse, CompletionCost};
use crate::proxy::anthropic_endpoints::answers::{
    OWN_HEADERS, PREFIX, Served, attempts, dict, durations, merged, own, prefixed, text, told,
};
use crate::proxy::common_request_processing::{
    GivenUp, NoDeployments, browser_headers, error_status, error_type, framing, internal_server_error,
    message_after_router, no_deployments as no_deployments_error, retried_words,
};
use crate::python::json_encode::{EncodeError, httpx_json, httpx_json_with, json_dumps};
use crate::python::{Value, float_repr};

/// What the headers of an error say besides the error itself.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    pub call_id: &'a str,
    /// Seconds, as the router passed them to the last attempt and as Python spells them (`30`, `30.0`).
    pub timeout: &'a str,
    /// The client sent `origin`.
    pub is_cross_origin: bool,
}

/// Writes a completion. `provider` are the headers of the provider's answer; `cost` is what it costs.
///
/// An answer that can't be written (NaN, a lone surrogate) is what it is in Python: a bare 500.
pub fn success(
    response: &ChatResponse,
    provider: &[(String, String)],
    served: &Served<'_>,
    cost: CompletionCost,
) -> Answered {
    let Ok(body) = body(response, served.model_group) else {
        return internal_server_error();
    };
    let mut headers = AnsweredHeaders::with_capacity(OWN_HEADERS + provider.len());
    headers.extend(framing(body.len()));
    headers.extend(deployment(served));
    let total = cost.total().unwrap_or_default();
    if total != 0.0 {
        headers.push(("x-litellm-response-cost".into(), float_repr(total).into()));
    }
    headers.extend(cost.breakdown().into_iter().flat_map(breakdown_headers));
    headers.extend(durations(if total > 0.0 { total } else { 0.0 }, served));
    headers.push(("x-litellm-callback-duration-ms".into(), "0.0".into()));
    passed_on(provider, served, false, &mut headers);
    headers.extend(attempts(served));
    headers.extend(browser_headers(served.is_cross_origin));
    Answered { status: 200, headers: told(headers), body: body.into() }
}

/// The completion under the client's own name of the model.
fn body(response: &ChatResponse, model_group: &str) -> Result<Vec<u8>, EncodeError> {
    if response.body.get("model").is_some() {
        return httpx_json_with(&response.body, "model", model_group);
    }
    let mut body = response.body.clone();
    body.set("model", text(model_group));
    httpx_json(&Value::Dict(body))
}

/// Writes the head of a stream: status 200 and these headers, the body follows in frames.
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

/// Only limits have a type here, and what nobody mapped has neither type nor parameter, by name.
fn stream_error(failure: &Exception) -> Value {
    let (kind, param) = match failure.class {
        ExceptionClass::RateLimitError => (text("throttling_error"), Value::None),
        ExceptionClass::Unmapped => (text("None"), text("None")),
        _ => (Value::None, Value::None),
    };
    dict([(
        "error",
        dict([
            ("message", text(&failure.message)),
            ("type", kind),
            ("param", param),
            ("code", text(&failure.status_code.to_string())),
        ]),
    )])
}

/// Writes an error that the router gave up on. `provider` are the headers of the provider's last answer, if there was one.
pub fn error(
    failure: &ChatFailure,
    given_up: &GivenUp<'_>,
    provider: &[(String, String)],
    failed: &Failed<'_>,
) -> Answered {
    let exception = &failure.exception;
    let message = message_after_router(exception, given_up);
    let provider = if failure.tells_headers { passed_on_error(provider) } else { AnsweredHeaders::new() };
    if exception.has_attribute_error {
        let message = format!("Invalid request format: {message}{}", retried_words(given_up.retries));
        return envelope(&message, "invalid_request_error", None, 400, provider, failed);
    }
    let is_unjudged = exception.class == ExceptionClass::Unjudged;
    let status = exception.status_code;
    let status = if is_unjudged || !(400..600).contains(&status) { 500 } else { status };
    let kind = failure.kind.as_deref().unwrap_or_else(|| error_type(exception.class, status));
    let mut answered =
        envelope(&redact_internal_details(&message), kind, failure.param.as_deref(), status, provider, failed);
    if is_unjudged {
        answered.headers.retain(|(name, _)| name != "x-litellm-timeout");
    }
    answered
}

/// Writes the error of a refusal that no provider was asked for.
pub fn refused(exception: &Exception, given_up: &GivenUp<'_>, failed: &Failed<'_>) -> Answered {
    let failure = ChatFailure { exception: Box::new(exception.clone()), kind: None, param: None, tells_headers: false };
    error(&failure, given_up, &[], failed)
}

/// Writes the error of a group without a usable deployment; no attempt was made.
pub fn no_deployments(none: &NoDeployments<'_>, call_id: &str, is_cross_origin: bool) -> Answered {
    let mut answered = no_deployments_error(none, call_id, is_cross_origin);
    answered.headers.retain(|(name, _)| name != "x-litellm-version");
    answered
}

fn envelope(
    message: &str,
    kind: &str,
    param: Option<&str>,
    status: u16,
    provider: AnsweredHeaders,
    failed: &Failed<'_>,
) -> Answered {
    let status = error_status(message, status);
    let error = dict([
        ("message", text(message)),
        ("type", text(kind)),
        ("param", param.map_or(Value::None, text)),
        ("code", text(&status.to_string())),
    ]);
    let body = httpx_json(&dict([("error", error)])).unwrap_or_default();
    let mut headers = provider;
    headers.extend(own([
        ("x-litellm-call-id", failed.call_id),
        ("x-litellm-response-cost", "0"),
        ("x-litellm-key-spend", "0.0"),
        ("x-litellm-timeout", failed.timeout),
    ]));
    headers = told(headers);
    headers.extend(framing(body.len()));
    headers.extend(browser_headers(failed.is_cross_origin));
    Answered { status, headers, body: body.into() }
}

fn deployment(served: &Served<'_>) -> impl Iterator<Item = (HeaderText, HeaderText)> + use<> {
    own([
        ("x-litellm-call-id", served.call_id),
        ("x-litellm-model-id", served.model_id),
        ("x-litellm-model-name", served.litellm_model),
        ("x-litellm-model-api-base", served.api_base.split('?').next().unwrap_or_default()),
        ("x-litellm-version", LITELLM_VERSION),
    ])
}

/// A stream isn't priced before it has begun, so it is said to cost nothing.
fn stream_headers(provider: &[(String, String)], served: &Served<'_>) -> AnsweredHeaders {
    let mut headers = AnsweredHeaders::with_capacity(OWN_HEADERS + provider.len());
    headers.extend(deployment(served));
    headers.extend(breakdown_headers(&MessageCost::default()));
    headers.extend(durations(0.0, served));
    headers.push(("x-litellm-callback-duration-ms".into(), "0.0".into()));
    passed_on(provider, served, true, &mut headers);
    headers.extend(attempts(served));
    told(headers)
}

const LIMITS: [&str; 4] = [
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
];

const STREAM_LIMITS: [&str; 6] = [
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
];

/// Adds the provider's headers under a name that says so, the rate limits OpenAI clients know also under their own.
fn passed_on(provider: &[(String, String)], served: &Served<'_>, is_stream: bool, headers: &mut AnsweredHeaders) {
    let mut merged = merged(provider);
    let limits = if is_stream { &STREAM_LIMITS[..] } else { &LIMITS };
    if served.litellm_model.starts_with("anthropic/") {
        // Under Anthropic's names these are limits of OpenAI's too, by that provider's part of LiteLLM.
        let told = anthropic_headers(&merged);
        let told: Vec<_> = told.iter().map(|(name, value)| (&**name, Cow::Borrowed(&**value))).collect();
        return add_passed_on(told, limits, headers);
    }
    if is_stream {
        // What comes under such a name stands first there.
        merged.sort_by_key(|(name, _)| !name.starts_with(PREFIX));
    }
    add_passed_on(merged, limits, headers);
}

fn add_passed_on(provider: Vec<(&str, Cow<'_, str>)>, limits: &[&'static str], headers: &mut AnsweredHeaders) {
    for (name, value) in &provider {
        if let Some(limit) = limits.iter().find(|limit| *limit == name) {
            headers.push(((*limit).into(), value.to_string().into()));
        }
    }
    let first = headers.len();
    // Names are unique but for those that come prefixed and meet their plain ones.
    let may_repeat = provider.iter().any(|(name, _)| name.starts_with(PREFIX));
    for (name, value) in provider.into_iter().map(prefixed) {
        let earlier = if may_repeat { headers[first..].iter_mut().find(|(earlier, _)| *earlier == name) } else { None };
        match earlier {
            Some((_, earlier)) => *earlier = value,
            None => headers.push((name, value)),
        }
    }
}

/// In an error the limits come last.
fn passed_on_error(provider: &[(String, String)]) -> AnsweredHeaders {
    let merged = merged(provider);
    let known = LIMITS.iter().filter_map(|limit| {
        let (_, value) = merged.iter().find(|(name, _)| name == limit)?;
        Some(((*limit).into(), value.to_string().into()))
    });
    let known: AnsweredHeaders = known.collect();
    merged.into_iter().map(prefixed).chain(known).collect()
}
