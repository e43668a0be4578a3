//! From what went wrong to LiteLLM's exception, for Mistral, OpenAI and Anthropic.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/exception_mapping_utils.py`, `exception_type`, `_map_openai_exception`,
//! `_map_anthropic_exception`, `_map_exception_by_status`.
//! The texts decide before the status does: an error body that talks of a "rate limit" is a `RateLimitError` at any status.

use std::sync::OnceLock;

use regex::Regex;

use super::secret_redaction::redact_string;
use crate::exceptions::{Exception, ExceptionClass};

const PROVIDER: &str = "mistral";
const PROVIDER_EXCEPTION: &str = "MistralException";

/// What was raised during the attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Raised {
    /// `str(e)`, or `e.message` where the exception has one.
    pub text: String,
    /// `e.status_code`; absent for Python's own exceptions.
    pub status: Option<u16>,
    pub headers: Vec<(String, String)>,
    pub is_attribute_error: bool,
}

/// Maps what was raised on a deployment's model (without its provider).
pub fn exception_type(raised: Raised, model: &str) -> Exception {
    let shown = raised.text.replace("OPENAI", "MISTRAL").replace("openai.OpenAIError", "mistral.mistralError");
    openai_compatible_exception(raised, shown, model, PROVIDER).0
}

/// Maps what was raised on a deployment's model of OpenAI; also whether the exception keeps the body of the provider's error.
///
/// `message` is the provider's own, if its error has one.
pub fn openai_exception(raised: Raised, message: Option<&str>, model: &str) -> (Exception, bool) {
    let shown = message.unwrap_or(&raised.text).replace("openai.OpenAIError", "openai.openaiError");
    openai_compatible_exception(raised, shown, model, "openai")
}

fn openai_compatible_exception(raised: Raised, shown: String, model: &str, provider: &str) -> (Exception, bool) {
    let redacted = redact_string(&raised.text);
    let named = if provider == "openai" { "OpenAIException" } else { PROVIDER_EXCEPTION };
    let plain = format!("{named} - {shown}");
    let by_text = by_text(&raised, &redacted, &plain);
    let keeps_body = match &by_text {
        Some(mapped) => mapped.class == ExceptionClass::BadRequestError,
        None => raised.status == Some(422),
    };
    let Mapped { class, status, message } = by_text.unwrap_or_else(|| by_status(raised.status, &plain));
    let exception = Exception {
        class,
        status_code: status,
        message: format!("litellm.{}{message}", prefix(class)),
        provider: provider.to_owned(),
        model: model.to_owned(),
        headers: raised.headers,
        has_attribute_error: raised.is_attribute_error,
    };
    (exception, keeps_body)
}

/// Maps what was raised on a deployment's model of Anthropic (without its provider).
pub fn anthropic_exception(raised: Raised, model: &str) -> Exception {
    let error = redact_string(&raised.text);
    let (class, message) = anthropic_by_text(&error).unwrap_or_else(|| anthropic_by_status(raised.status, &error));
    let status_code = match (class, raised.status) {
        (ExceptionClass::Timeout, Some(504)) => 504,
        (ExceptionClass::BadRequestError, Some(status @ 402..=499)) if status != 413 => status,
        (ExceptionClass::ApiError, Some(status)) => status,
        _ => status_code(class, None),
    };
    Exception {
        class,
        status_code,
        message: format!("litellm.{}{message}", prefix(class)),
        provider: "anthropic".to_owned(),
        model: model.to_owned(),
        headers: raised.headers,
        has_attribute_error: raised.is_attribute_error,
    }
}

fn anthropic_by_text(error: &str) -> Option<(ExceptionClass, String)> {
    use ExceptionClass::*;
    let any = |needles: &[&str]| needles.iter().any(|needle| error.contains(needle));
    if any(&TIMED_OUT) {
        return Some((Timeout, format!("APITimeoutError - Request timed out. Error_str: {error}")));
    }
    let class = if any(&["prompt is too long", "prompt: length"]) || is_context_window_exceeded(error) {
        ContextWindowExceededError
    } else if any(&["overloaded_error", "Overloaded"]) {
        InternalServerError
    } else if any(&["Invalid API Key"]) {
        AuthenticationError
    } else if any(&["content filtering policy"]) {
        ContentPolicyViolationError
    } else if any(&["Client error '400 Bad Request'"]) {
        BadRequestError
    } else {
        return None;
    };
    Some((class, format!("AnthropicError - {error}")))
}

fn anthropic_by_status(status: Option<u16>, error: &str) -> (ExceptionClass, String) {
    use ExceptionClass::*;
    let plain = format!("AnthropicException - {error}");
    match status {
        Some(401) => (AuthenticationError, plain),
        Some(403) => (PermissionDeniedError, plain),
        Some(404) => (NotFoundError, plain),
        Some(408) => (Timeout, plain),
        Some(429) => (RateLimitError, plain),
        Some(500 | 529) => (InternalServerError, format!("{plain}. Handle with `litellm.InternalServerError`.")),
        Some(502) => (BadGatewayError, format!("AnthropicException BadGatewayError - {error}")),
        Some(503) => (ServiceUnavailableError, format!("{plain}. Handle with `litellm.ServiceUnavailableError`.")),
        Some(504) => (Timeout, format!("AnthropicException Timeout - {error}")),
        Some(400..=499) => (BadRequestError, plain),
        Some(500..) => (ApiError, plain),
        _ => (ApiConnectionError, plain),
    }
}

struct Mapped {
    class: ExceptionClass,
    status: u16,
    message: String,
}

/// Two classes put their parent's name into the message.
fn prefix(class: ExceptionClass) -> String {
    match class {
        ExceptionClass::ContextWindowExceededError => {
            "ContextWindowExceededError: litellm.BadRequestError: ".to_owned()
        }
        ExceptionClass::ContentPolicyViolationError => {
            "BadRequestError: litellm.ContentPolicyViolationError: ".to_owned()
        }
        _ => format!("{}: ", class.name()),
    }
}

/// The status of a class; those derived from the client library's status error carry the provider's, if there is one.
fn status_code(class: ExceptionClass, provider_status: Option<u16>) -> u16 {
    use ExceptionClass::*;
    match class {
        AuthenticationError => provider_status.unwrap_or(401),
        NotFoundError => provider_status.unwrap_or(404),
        PermissionDeniedError => 403,
        BadRequestError | ContentPolicyViolationError | ContextWindowExceededError => provider_status.unwrap_or(400),
        Timeout => 408,
        RateLimitError => 429,
        BadGatewayError => 502,
        ServiceUnavailableError => 503,
        ApiConnectionError | ApiError | InternalServerError | Unmapped | Unjudged => 500,
    }
}

/// The text rules, in LiteLLM's order. `error` is what they look at, `plain` what they say.
fn by_text(raised: &Raised, error: &str, plain: &str) -> Option<Mapped> {
    use ExceptionClass::*;
    let says = |needle: &str| error.contains(needle);
    let any = |needles: &[&str]| needles.iter().any(|needle| says(needle));
    let as_is = |class, message| Some(Mapped { class, status: status_code(class, raised.status), message });
    let plain = plain.to_owned();
    let named = |class: ExceptionClass| as_is(class, format!("{}: {plain}", class.name()));
    if any(&TIMED_OUT) {
        as_is(Timeout, format!("APITimeoutError - Request timed out. Error_str: {error}"))
    } else if is_rate_limit(error, raised.status) {
        named(RateLimitError)
    } else if is_context_window_exceeded(error) {
        named(ContextWindowExceededError)
    } else if says("invalid_request_error") && says("model_not_found") {
        as_is(NotFoundError, plain)
    } else if says("A timeout occurred") {
        as_is(Timeout, plain)
    } else if is_content_policy(error) {
        named(ContentPolicyViolationError)
    } else if any(&["invalid_encrypted_content", "could not be verified"]) {
        as_is(BadRequestError, format!("{plain}{ENCRYPTED_CONTENT_ADVICE}"))
    } else if says("invalid_request_error") && !says("Incorrect API key provided") {
        as_is(BadRequestError, plain)
    } else if any(&["Web server is returning an unknown error", "The server had an error processing your request."]) {
        as_is(InternalServerError, plain)
    } else if says("Request too large") {
        named(RateLimitError)
    } else if says(MISSING_API_KEY) {
        named(AuthenticationError)
    } else if says("Mistral API raised a streaming error") {
        as_is(ApiError, plain)
    } else {
        None
    }
}

const TIMED_OUT: [&str; 4] =
    ["Request Timeout Error", "Request timed out", "Timed out generating response", "The read operation timed out"];

fn by_status(provider_status: Option<u16>, plain: &str) -> Mapped {
    use ExceptionClass::*;
    let class = match provider_status {
        None => ApiConnectionError,
        Some(400 | 422) => BadRequestError,
        Some(401) => AuthenticationError,
        Some(404) => NotFoundError,
        Some(408 | 504) => Timeout,
        Some(429) => RateLimitError,
        Some(500) => InternalServerError,
        Some(502) => BadGatewayError,
        Some(503) => ServiceUnavailableError,
        Some(_) => ApiError,
    };
    let status = match (class, provider_status) {
        (ApiError | Timeout, Some(status)) => status,
        _ => status_code(class, provider_status),
    };
    let message = match class {
        BadRequestError => plain.to_owned(),
        Timeout => format!("Timeout Error: {plain}"),
        _ => format!("{}: {plain}", class.name()),
    };
    Mapped { class, status, message }
}

/// A lone 429 in the text counts only where the status doesn't say otherwise.
fn is_rate_limit(error: &str, status: Option<u16>) -> bool {
    if status.is_none_or(|status| status == 429) && has_word_429(error) {
        return true;
    }
    let lower = error.to_lowercase();
    lower.contains("service tier capacity exceeded") || mentions_rate_limit(&lower)
}

/// `\b429\b` with Python's idea of a word character.
fn has_word_429(text: &str) -> bool {
    static WORD_429: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = r"(?:\A|[^\p{L}\p{N}_])429(?:\z|[^\p{L}\p{N}_])";
    WORD_429.get_or_init(|| Regex::new(pattern).ok()).as_ref().is_some_and(|word| word.is_match(text))
}

/// `rate[\s_\-]*limit` in lower-cased text.
fn mentions_rate_limit(lower: &str) -> bool {
    let is_joint = |c: char| c == '_' || c == '-' || c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
    lower
        .match_indices("rate")
        .any(|(at, found)| lower[at + found.len()..].trim_start_matches(is_joint).starts_with("limit"))
}

fn is_context_window_exceeded(error: &str) -> bool {
    const PHRASES: [&str; 9] = [
        "exceed context limit",
        "this model's maximum context length is",
        "string too long. expected a string with maximum length",
        "model's maximum context limit",
        "is longer than the model's context length",
        "input tokens exceed the configured limit",
        "`inputs` tokens + `max_new_tokens` must be",
        "exceeds the available context size",
        "exceeds the maximum number of tokens allowed",
    ];
    let lower = error.to_lowercase();
    let says = |needle: &str| lower.contains(needle);
    if says("string_above_max_length") || (says("invalid 'user'") && says("string too long")) {
        return false;
    }
    PHRASES.iter().any(|phrase| says(phrase))
        || (says("current length is") && says("while limit is"))
        || (says("maximum input length is") && says("tokens"))
}

fn is_content_policy(error: &str) -> bool {
    let says = |needle: &str| error.contains(needle);
    (says("invalid_request_error") && says("content_policy_violation"))
        || (says("Invalid prompt") && says("violating our usage policy"))
        || error.to_lowercase().contains("request was rejected as a result of the safety system")
}

const MISSING_API_KEY: &str = "The api_key client option must be set either by passing api_key to the client or by setting the \
                               OPENAI_API_KEY environment variable";

/// Text a client reads, so it is LiteLLM's to the letter.
const ENCRYPTED_CONTENT_ADVICE: &str = "\n\n This error occurs when load balancing Responses API across deployments with different \
API keys.\n   Encrypted content is tied to the organization that created it and cannot be decrypted by other organizations.\n\n   \
Solution: Enable 'encrypted_content_affinity' to route follow-up requests to the correct deployment:\n\n   router_settings:\n     \
enable_pre_call_checks: true\n     optional_pre_call_checks:\n       - encrypted_content_affinity\n\n   Learn more: \
https://docs.litellm.ai/docs/response_api#encrypted-content-affinity-multi-region-load-balancing";
