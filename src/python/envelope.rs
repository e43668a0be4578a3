//! What a client sees when LiteLLM cannot be reached: LiteLLM's own error shapes.

use bytes::Bytes;
use serde_json::json;

use crate::routes::Route;

/// Why there is no answer from LiteLLM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// Nobody listens, or the connection could not be opened in time.
    Unreachable,
    /// The connection broke before an answer.
    Broken,
    /// Silence for longer than the read timeout.
    Slow,
    /// A fault of ours.
    Internal,
}

impl Unavailable {
    pub fn status(self) -> u16 {
        match self {
            Self::Unreachable => 503,
            Self::Broken => 502,
            Self::Slow => 504,
            Self::Internal => 500,
        }
    }

    /// A label for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Broken => "broken",
            Self::Slow => "slow",
            Self::Internal => "internal",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Unreachable => "The LiteLLM proxy behind this gateway cannot be reached. Try again shortly.",
            Self::Broken => "The LiteLLM proxy behind this gateway closed the connection before it answered.",
            Self::Slow => "The LiteLLM proxy behind this gateway did not answer in time.",
            Self::Internal => "The gateway failed to handle this request.",
        }
    }

    /// The body in the shape that LiteLLM's errors on this path have.
    pub fn body(self, path: &str) -> Bytes {
        let code = self.status();
        let value = if path.starts_with(MESSAGES_PATH) {
            json!({"type": "error", "error": {"type": "api_error", "message": self.message()}})
        } else {
            json!({"error": {"message": self.message(), "type": "internal_server_error", "param": null, "code": code.to_string()}})
        };
        Bytes::from(value.to_string())
    }
}

/// LiteLLM answers in Anthropic's envelope on this path alone.
const MESSAGES_PATH: &str = "/v1/messages";

/// The label of a request in metrics: its route, or `other`.
pub fn route_label(route: Option<Route>) -> &'static str {
    route.map_or("other", Route::as_str)
}
