//! The sign that provider traffic itself gives of who sent it.

/// What the tap has seen since LiteLLM was last found to have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TapSign {
    /// No OCR request yet, or no tap.
    #[default]
    Nothing,
    /// Only requests of Python's HTTP client.
    Python,
    /// At least one request of LiteLLM's Rust.
    Rust,
}

impl TapSign {
    /// Takes one OCR provider request into account.
    pub fn saw(self, user_agent: Option<&str>) -> Self {
        match self {
            TapSign::Rust => TapSign::Rust,
            _ if is_python_ocr(user_agent) => TapSign::Python,
            _ => TapSign::Rust,
        }
    }
}

/// LiteLLM's Rust sends no user-agent; its Python client names itself.
pub fn is_python_ocr(user_agent: Option<&str>) -> bool {
    user_agent.is_some_and(|value| value.starts_with("litellm/"))
}
