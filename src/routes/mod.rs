//! Which route family a request belongs to, and what decides who answers it.

pub mod coverage;
pub mod facts;
pub mod latency;
mod message_facts;
pub mod table;

pub use facts::Facts;
pub use latency::{Distribution, Histogram};
pub use table::{Activity, LaneTable, LaneTally, LaneTimes, LiveLane};

use http::Method;

/// A route family of the API. Every path alias that LiteLLM accepts belongs to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Route {
    Ocr,
    Messages,
    CountTokens,
    ChatCompletions,
    Responses,
    Embeddings,
}

impl Route {
    pub const ALL: [Self; 6] =
        [Self::Ocr, Self::Messages, Self::CountTokens, Self::ChatCompletions, Self::Responses, Self::Embeddings];

    /// The name in rules, lanes, metrics and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ocr => "ocr",
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::ChatCompletions => "chat_completions",
            Self::Responses => "responses",
            Self::Embeddings => "embeddings",
        }
    }

    /// The route of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.as_str() == name)
    }

    /// The paths that LiteLLM accepts for it.
    pub fn paths(self) -> &'static [&'static str] {
        match self {
            Self::Ocr => &["/v1/ocr", "/ocr"],
            Self::Messages => &["/v1/messages"],
            Self::CountTokens => &["/v1/messages/count_tokens"],
            Self::ChatCompletions => &[
                "/v1/chat/completions",
                "/chat/completions",
                "/engines/{model}/chat/completions",
                "/openai/deployments/{model}/chat/completions",
            ],
            Self::Responses => &["/v1/responses", "/responses", "/openai/v1/responses"],
            Self::Embeddings => &["/v1/embeddings", "/embeddings"],
        }
    }

    /// The providers for which this build can answer the route, by LiteLLM's names.
    pub fn native_providers(self) -> &'static [&'static str] {
        match self {
            Self::Ocr => &["mistral"],
            Self::Messages => &["anthropic"],
            Self::CountTokens => &["anthropic", "mistral"],
            Self::ChatCompletions => &["anthropic", "openai"],
            Self::Responses | Self::Embeddings => &[],
        }
    }

    /// Whether a tap can stand in its provider's way. LiteLLM asks Anthropic to count at an address that no setting moves, and
    /// passes no header of the client's on, so that nothing could tell whose question it is.
    pub fn is_taped(self) -> bool {
        self != Self::CountTokens
    }

    /// Whether this build can answer the route at all. Without it a body is never read for a decision.
    pub fn has_native_leg(self) -> bool {
        !self.native_providers().is_empty()
    }

    /// Matches what LiteLLM's FastAPI routers register; anything else, a trailing slash included, is Python's.
    ///
    /// Source: litellm/proxy/ocr_endpoints/endpoints.py, litellm/proxy/proxy_server.py and the endpoint
    /// modules beside it @ 1.102.4
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        if method != Method::POST {
            return None;
        }
        match path {
            "/ocr" | "/v1/ocr" => Some(Self::Ocr),
            "/v1/messages" => Some(Self::Messages),
            "/v1/messages/count_tokens" => Some(Self::CountTokens),
            "/chat/completions" | "/v1/chat/completions" | "/cursor/chat/completions" => Some(Self::ChatCompletions),
            "/responses" | "/v1/responses" | "/openai/v1/responses" => Some(Self::Responses),
            "/embeddings" | "/v1/embeddings" => Some(Self::Embeddings),
            _ => Self::of_model_in_path(path),
        }
    }

    fn of_model_in_path(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/engines/").or_else(|| path.strip_prefix("/openai/deployments/"))?;
        if rest.len() > "/chat/completions".len() && rest.ends_with("/chat/completions") {
            Some(Self::ChatCompletions)
        } else if rest.len() > "/embeddings".len() && rest.ends_with("/embeddings") {
            Some(Self::Embeddings)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, path: &str, expected: Option<Route>) {
        assert_eq!(Route::of(&method, path), expected, "{method} {path}");
    }

    #[test]
    fn paths_belong_to_routes() {
        check(Method::POST, "/ocr", Some(Route::Ocr));
        check(Method::POST, "/v1/ocr", Some(Route::Ocr));
        check(Method::POST, "/v1/ocr/", None);
        check(Method::GET, "/v1/ocr", None);
        check(Method::POST, "/messages", None);
        check(Method::POST, "/v1/messages", Some(Route::Messages));
        check(Method::POST, "/v1/messages/count_tokens", Some(Route::CountTokens));
        check(Method::POST, "/messages/count_tokens", None);
        check(Method::POST, "/engines/a/b/chat/completions", Some(Route::ChatCompletions));
        check(Method::POST, "/engines//chat/completions", None);
        check(Method::POST, "/openai/deployments/x/embeddings", Some(Route::Embeddings));
        check(Method::POST, "/openai/responses", None);
        check(Method::POST, "/V1/OCR", None);
    }
}
