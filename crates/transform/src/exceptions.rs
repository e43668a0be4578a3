//! LiteLLM's exceptions as the router and the client see them.
//!
//! Source: LiteLLM 1.102.4 `exceptions.py`.

/// The class a failure is mapped to; retries and cooldowns go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExceptionClass {
    ApiConnectionError,
    ApiError,
    AuthenticationError,
    BadGatewayError,
    BadRequestError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceUnavailableError,
    Timeout,
    /// An exception of Python's own that nobody mapped: neither class nor model group is told.
    Unmapped,
    /// What LiteLLM's router raises itself over a status that is no number: told like the former, and never tried again.
    Unjudged,
}

impl ExceptionClass {
    /// The class name as Python spells it, without the `litellm.` in front.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiConnectionError => "APIConnectionError",
            Self::ApiError => "APIError",
            Self::AuthenticationError => "AuthenticationError",
            Self::BadGatewayError => "BadGatewayError",
            Self::BadRequestError => "BadRequestError",
            Self::ContentPolicyViolationError => "ContentPolicyViolationError",
            Self::ContextWindowExceededError => "ContextWindowExceededError",
            Self::InternalServerError => "InternalServerError",
            Self::NotFoundError => "NotFoundError",
            Self::PermissionDeniedError => "PermissionDeniedError",
            Self::RateLimitError => "RateLimitError",
            Self::ServiceUnavailableError => "ServiceUnavailableError",
            Self::Timeout => "Timeout",
            Self::Unmapped => "Exception",
            Self::Unjudged => "TypeError",
        }
    }
}

/// One failed attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    pub class: ExceptionClass,
    /// Not always the class's own: a `BadRequestError` made from a 422 carries 422.
    pub status_code: u16,
    /// `e.message`, with the class in front and without what the router appends.
    pub message: String,
    pub provider: String,
    /// The deployment's model without its provider.
    pub model: String,
    /// The provider's response headers (`litellm_response_headers`), which the router reads `retry-after` from; empty where the
    /// failure carries none.
    pub headers: Vec<(String, String)>,
    /// An `AttributeError` is in the chain of causes: the client is told "Invalid request format", status 400.
    pub has_attribute_error: bool,
}

impl Exception {
    /// What LiteLLM raises over a request that it will not send: a `BadRequestError` of status 400.
    pub fn refused(provider: &str, model: &str, message: String) -> Self {
        Self {
            class: ExceptionClass::BadRequestError,
            status_code: 400,
            message,
            provider: provider.to_owned(),
            model: model.to_owned(),
            headers: Vec::new(),
            has_attribute_error: false,
        }
    }
}
