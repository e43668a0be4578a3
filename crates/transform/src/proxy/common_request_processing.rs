//! The client's answer: status, headers and body, of a success and of an error.
//!
//! Source: LiteLLM 1.102.4 `proxy/common_request_processing.py` `get_custom_headers`, `_handle_llm_api_exception`;
//! `proxy/_types.py` `ProxyException`. Header names are lower-case as uvicorn sends them; `date` is the host's.

use crate::LITELLM_VERSION;
use crate::answer::{Answered, AnsweredHeaders, HeaderText};
use crate::exceptions::{Exception, ExceptionClass};
use crate::litellm_core_utils::secret_redaction::redact_internal_details;
use crate::llms::base_llm::ocr::transformation::OcrResponse;
use crate::python::json_encode::write_string;
use crate::python::{float_repr, string_repr};

/// What the headers of a success say besides the answer itself.
#[derive(Clone, Debug)]
pub struct Served<'a> {
    pub call_id: &'a str,
    /// The model the client asked for; also the body's `model`.
    pub model_group: &'a str,
    /// The deployment's id (`x-litellm-model-id`).
    pub model_id: &'a str,
    /// With its provider, as the config writes it.
    pub litellm_model: &'a str,
    /// As the config writes it.
    pub api_base: &'a str,
    /// US dollars; `None` where LiteLLM can't price the answer.
    pub cost: Option<f64>,
    /// From the start of the call to its end, retries included, in milliseconds.
    pub duration_ms: f64,
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
    /// Seconds, as the router passed them to the last attempt.
    pub timeout_seconds: f64,
    /// The client sent `origin`.
    pub is_cross_origin: bool,
}

/// Writes a success.
///
/// An answer that can't be written (a lone surrogate, an integer beyond 64 bits) is what it is in Python: a bare 500.
pub fn success(response: &OcrResponse, served: &Served<'_>) -> Answered {
    let Ok(body) = response.to_json(served.model_group) else {
        return internal_server_error();
    };
    let mut headers = framing(body.len());
    let mut add = |name: &'static str, value: String| headers.push((name.into(), HeaderText::from(value)));
    add("x-litellm-call-id", served.call_id.to_owned());
    add("x-litellm-model-id", served.model_id.to_owned());
    add("x-litellm-model-name", served.litellm_model.to_owned());
    add("x-litellm-model-api-base", served.api_base.split('?').next().unwrap_or_default().to_owned());
    add("x-litellm-version", LITELLM_VERSION.to_owned());
    let cost = served.cost.unwrap_or(0.0);
    if cost != 0.0 {
        add("x-litellm-response-cost", float_repr(cost));
    }
    if served.cost.is_some() {
        add("x-litellm-response-cost-original", float_repr(cost));
        add("x-litellm-response-cost-discount-amount", float_repr(0.0));
        add("x-litellm-response-cost-margin-amount", float_repr(0.0));
        add("x-litellm-response-cost-margin-percent", float_repr(0.0));
        add("x-litellm-response-cost-input", float_repr(cost));
        add("x-litellm-response-cost-output", float_repr(0.0));
        add("x-litellm-response-cost-tool-usage", float_repr(0.0));
    }
    add("x-litellm-key-spend", float_repr(if cost > 0.0 { cost } else { 0.0 }));
    add("x-litellm-response-duration-ms", float_repr(served.duration_ms));
    add("x-litellm-callback-duration-ms", float_repr(0.0));
    add("x-litellm-model-group", served.model_group.to_owned());
    add("x-litellm-attempted-retries", served.attempted_retries.to_string());
    if served.attempted_retries > 0 {
        add("x-litellm-max-retries", served.max_retries.to_string());
    }
    add("x-litellm-attempted-fallbacks", "0".to_owned());
    headers.extend(browser_headers(served.is_cross_origin));
    Answered { status: 200, headers, body: body.into() }
}

/// What the router appends to an exception it gives up on.
///
/// `retries` is (retried, allowed) where it retried at all; only "Invalid request format" shows it.
#[derive(Clone, Copy, Debug)]
pub struct GivenUp<'a> {
    pub model_group: &'a str,
    pub retries: Option<(u32, u32)>,
}

/// Writes an error that the router gave up on.
pub fn error(exception: &Exception, given_up: &GivenUp<'_>, failed: &Failed<'_>) -> Answered {
    let message = message_after_router(exception, given_up);
    if exception.has_attribute_error {
        let message = format!("Invalid request format: {message}{}", retried_words(given_up.retries));
        return Envelope { message: &message, kind: "invalid_request_error", status: 400 }.failed(failed);
    }
    let status = if (400..600).contains(&exception.status_code) { exception.status_code } else { 500 };
    let kind = error_type(exception.class, status);
    Envelope { message: &redact_internal_details(&message), kind, status }.failed(failed)
}

/// `e.message` once the router is done with it.
pub(crate) fn message_after_router(exception: &Exception, given_up: &GivenUp<'_>) -> String {
    let group = given_up.model_group;
    if matches!(exception.class, ExceptionClass::Unmapped | ExceptionClass::Unjudged) {
        return exception.message.clone();
    }
    let advice = |missing: &str, setting: &str| {
        format!(
            "\nmodel={group}. {missing}=None. fallbacks=None.\n\nSet '{setting}' - \
             https://docs.litellm.ai/docs/routing#fallbacks"
        )
    };
    let advice = match exception.class {
        ExceptionClass::ContextWindowExceededError => advice("context_window_fallbacks", "context_window_fallback"),
        ExceptionClass::ContentPolicyViolationError => advice("content_policy_fallback", "content_policy_fallback"),
        _ => String::new(),
    };
    format!("{}{advice}. Received Model Group={group}\nAvailable Model Group Fallbacks=None", exception.message)
}

/// Part of `str(e)`, though not of `e.message`.
pub(crate) fn retried_words(retries: Option<(u32, u32)>) -> String {
    match retries {
        Some((retried, allowed)) if retried > 0 => {
            format!(" LiteLLM Retried: {retried} times, LiteLLM Max Retries: {allowed}")
        }
        _ => String::new(),
    }
}

pub(crate) fn error_type(class: ExceptionClass, status: u16) -> &'static str {
    match (class, status) {
        (ExceptionClass::RateLimitError, _) => "throttling_error",
        (_, 401) => "authentication_error",
        (_, 403) => "permission_error",
        (_, 429) => "rate_limit_error",
        (_, ..500) => "invalid_request_error",
        _ => "internal_server_error",
    }
}

/// Every deployment of a group is cooling down.
#[derive(Clone, Copy, Debug)]
pub struct NoDeployments<'a> {
    pub model_group: &'a str,
    /// Until the first may be used again; `spelled` as Python prints that number (`5`, or `5.0` from a YAML float).
    pub cooldown_seconds: f64,
    pub cooldown_spelled: &'a str,
    /// `enable_pre_call_checks` of the router.
    pub pre_call_checks: bool,
    /// Ids of the deployments that are cooling down, in LiteLLM's order.
    pub cooling: &'a [String],
}

/// Writes the error of a group without a usable deployment; no attempt was made.
pub fn no_deployments(none: &NoDeployments<'_>, call_id: &str, is_cross_origin: bool) -> Answered {
    let cooling: Vec<String> = none.cooling.iter().map(|id| string_repr(id)).collect();
    let checks = if none.pre_call_checks { "True" } else { "False" };
    let message = format!(
        "No deployments available for selected model, Try again in {} seconds. Passed model={}. pre-call-checks={checks}, \
         cooldown_list=[{}]",
        none.cooldown_spelled,
        none.model_group,
        cooling.join(", ")
    );
    let retry_after =
        (none.cooldown_seconds > 0.0).then(|| ("retry-after", format!("{:.0}", none.cooldown_seconds.ceil())));
    let envelope = Envelope { message: &redact_internal_details(&message), kind: "internal_server_error", status: 500 };
    envelope.answer(call_id, retry_after, is_cross_origin)
}

/// The error object of a client's body and the status it comes with.
struct Envelope<'a> {
    message: &'a str,
    kind: &'static str,
    status: u16,
}

impl Envelope<'_> {
    /// After an attempt.
    fn failed(&self, failed: &Failed<'_>) -> Answered {
        let timeout = ("x-litellm-timeout", float_repr(failed.timeout_seconds));
        self.answer(failed.call_id, Some(timeout), failed.is_cross_origin)
    }

    fn answer(&self, call_id: &str, extra: Option<(&'static str, String)>, is_cross_origin: bool) -> Answered {
        let status = error_status(self.message, self.status);
        let mut body = b"{\"error\":{\"message\":".to_vec();
        write_string(self.message, &mut body);
        let rest = format!(",\"type\":\"{}\",\"param\":null,\"code\":\"{status}\"}}}}", self.kind);
        body.extend_from_slice(rest.as_bytes());
        let own = [
            ("x-litellm-call-id", call_id.to_owned()),
            ("x-litellm-version", LITELLM_VERSION.to_owned()),
            ("x-litellm-response-cost", "0".to_owned()),
            ("x-litellm-key-spend", float_repr(0.0)),
        ];
        let mut headers: AnsweredHeaders =
            own.into_iter().chain(extra).map(|(name, value)| (name.into(), value.into())).collect();
        headers.extend(framing(body.len()));
        headers.extend(browser_headers(is_cross_origin));
        Answered { status, headers, body: body.into() }
    }
}

/// Two phrases in a message decide the status, whoever wrote them.
pub(crate) fn error_status(message: &str, status: u16) -> u16 {
    if message.contains("No healthy deployment available") || message.contains("No deployments available") {
        429
    } else if message.contains("Not allowed to access model due to tags configuration") {
        401
    } else {
        status
    }
}

/// FastAPI's last resort: none of LiteLLM's headers, no browser headers either.
pub(crate) fn internal_server_error() -> Answered {
    let body = br#"{"error":{"message":"Internal server error","type":"internal_server_error"}}"#;
    Answered { status: 500, headers: framing(body.len()), body: bytes::Bytes::from_static(body) }
}

pub(crate) fn framing(body_bytes: usize) -> AnsweredHeaders {
    vec![("content-length".into(), body_bytes.to_string().into()), ("content-type".into(), "application/json".into())]
}

pub(crate) fn browser_headers(is_cross_origin: bool) -> impl Iterator<Item = (HeaderText, HeaderText)> {
    const CROSS_ORIGIN: [(&str, &str); 2] = [
        ("access-control-allow-origin", "*"),
        (
            "access-control-expose-headers",
            "x-litellm-semantic-filter, x-litellm-semantic-filter-tools, x-litellm-adaptive-router-model, \
             x-litellm-applied-guardrails, x-litellm-guardrail-scan-id, x-litellm-guardrail-scan-metadata, x-litellm-cache-key",
        ),
    ];
    const ALWAYS: [(&str, &str); 4] = [
        ("vary", "Origin"),
        ("x-frame-options", "DENY"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
    ];
    let cross_origin = CROSS_ORIGIN.iter().filter(move |_| is_cross_origin);
    cross_origin.chain(&ALWAYS).map(|&(name, value)| (name.into(), value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_cools_down() {
        let none = NoDeployments {
            model_group: "ocr",
            cooldown_seconds: 5.0,
            cooldown_spelled: "5",
            pre_call_checks: false,
            cooling: &["a".to_owned()],
        };
        let answered = no_deployments(&none, "id", false);
        let expected = "{\"error\":{\"message\":\"No deployments available for selected model, Try again in 5 seconds. Passed \
                        model=ocr. pre-call-checks=False, cooldown_list=['a']\",\"type\":\"internal_server_error\",\
                        \"param\":null,\"code\":\"429\"}}";
        assert_eq!((answered.status, &*answered.body), (429, expected.as_bytes()));
        let own =
            ["x-litellm-call-id", "x-litellm-version", "x-litellm-response-cost", "x-litellm-key-spend", "retry-after"];
        let names: Vec<&str> = answered.headers.iter().take(5).map(|(name, _)| &**name).collect();
        assert_eq!(names, own);
    }

    #[test]
    fn words_about_retries_only_follow_an_invalid_format() {
        let exception = |has_attribute_error| Exception {
            class: ExceptionClass::ApiConnectionError,
            status_code: 500,
            message: "litellm.APIConnectionError: x".to_owned(),
            provider: "mistral".to_owned(),
            model: "m".to_owned(),
            headers: Vec::new(),
            has_attribute_error,
        };
        let given_up = GivenUp { model_group: "ocr", retries: Some((1, 1)) };
        let failed = Failed { call_id: "id", timeout_seconds: 600.0, is_cross_origin: false };
        let says = |has_attribute_error| {
            let answered = error(&exception(has_attribute_error), &given_up, &failed);
            (
                answered.status,
                String::from_utf8_lossy(&answered.body)
                    .contains("None LiteLLM Retried: 1 times, LiteLLM Max Retries: 1"),
            )
        };
        assert_eq!(says(true), (400, true));
        assert_eq!(says(false), (500, false));
    }

    #[test]
    fn a_retry_is_told_with_its_limit() {
        assert!(headers_after(0).iter().all(|(name, _)| name != "x-litellm-max-retries"));
        let after_one = headers_after(1);
        let told = |name: &str| after_one.iter().find(|(header, _)| header == name).map(|(_, value)| &**value);
        assert_eq!(told("x-litellm-attempted-retries"), Some("1"));
        assert_eq!(told("x-litellm-max-retries"), Some("2"));
    }

    fn headers_after(attempted_retries: u32) -> AnsweredHeaders {
        use crate::python::{Text, Value};
        let (pages, model) = (Value::List(Vec::new()), Value::Str(Text::from("m")));
        let Ok(response) = OcrResponse::validate(&pages, &model, &Value::None, &Value::None) else {
            return AnsweredHeaders::new();
        };
        let served = Served {
            call_id: "id",
            model_group: "ocr",
            model_id: "d",
            litellm_model: "mistral/m",
            api_base: "http://provider/v1?x",
            cost: Some(0.0),
            duration_ms: 1.0,
            attempted_retries,
            max_retries: 2,
            is_cross_origin: false,
        };
        success(&response, &served).headers
    }
}
