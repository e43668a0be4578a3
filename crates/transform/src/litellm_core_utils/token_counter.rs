//! Counting tokens as LiteLLM does where no provider has told it a number.
//!
//! The numbers are LiteLLM's, not the provider's: texts are cut every 1024 characters, a model's tokenizer is guessed from its
//! name, and pictures have a price of their own.
//! Source: LiteLLM 1.102.4 `litellm_core_utils/token_counter.py`, `utils.py` `huggingface_tokenizer_kind`.

mod byte_pairs;
mod characters;
mod encoding;
mod images;
mod messages;
mod pieces;
mod tools;
mod vocabulary;

use std::borrow::Cow;

pub use encoding::Encoding;

use crate::cost_calculator::PriceTable;
use crate::python::{Dict, Text, Value, repr};

/// Why there is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncounted {
    /// LiteLLM raises an exception over it.
    Raised,
    /// LiteLLM has one.
    NotReproduced,
}

/// How LiteLLM counts for one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCounter {
    encoding: Encoding,
    tokens_per_message: u64,
    tokens_per_name: i64,
    is_dry: bool,
}

impl TokenCounter {
    /// For a text that no model is named for.
    pub const DEFAULT: Self =
        Self { encoding: Encoding::Cl100kBase, tokens_per_message: 3, tokens_per_name: 1, is_dry: false };

    /// `None` for a model whose tokenizer LiteLLM downloads.
    pub fn of(model: &str, table: &PriceTable) -> Option<Self> {
        if table.is_anthropic_provider_model(model) && !model.contains("claude-3") {
            return Some(Self { encoding: Encoding::Anthropic, ..Self::DEFAULT });
        }
        let lower = model.to_lowercase();
        let is_cohere = model.contains("command-r") && table.contains(model);
        if is_cohere || ["llama-2", "replicate", "llama-3"].iter().any(|word| lower.contains(word)) {
            return None;
        }
        let model = known_model(model, table);
        let encoding = tiktoken_encoding(&model);
        let legacy = Self { encoding, tokens_per_message: 4, tokens_per_name: -1, ..Self::DEFAULT };
        Some(if model == "gpt-3.5-turbo-0301" { legacy } else { Self { encoding, ..Self::DEFAULT } })
    }

    /// The same, but that no text is counted: it only finds out whether there will be a number.
    pub fn dry(self) -> Self {
        Self { is_dry: true, ..self }
    }

    /// `token_counter(text=…)`
    pub fn text(&self, text: &Text) -> Result<u64, Uncounted> {
        match text {
            _ if !self.is_dry => self.encoding.count(text),
            Text::Unicode(text) => self.words(text),
            Text::Surrogates(_) if self.encoding == Encoding::Anthropic => Err(Uncounted::Raised),
            Text::Surrogates(_) => Ok(0),
        }
    }

    fn words(&self, text: &str) -> Result<u64, Uncounted> {
        if self.is_dry { self.encoding.check(text).map(|()| 0) } else { self.encoding.count_str(text) }
    }

    /// `token_counter(messages=…, tools=…)`
    pub fn messages<'a>(
        &self,
        messages: impl Iterator<Item = &'a Dict> + Clone,
        tools: Option<&Value>,
    ) -> Result<u64, Uncounted> {
        messages::count(self, messages, tools)
    }
}

/// Models of Azure's that OpenAI spells otherwise.
const AZURE: [&str; 6] = [
    "gpt-35-turbo",
    "gpt-35-turbo-16k",
    "gpt-35-turbo-instruct",
    "azure/gpt-41",
    "azure/gpt-41-mini",
    "azure/gpt-41-nano",
];

/// What isn't OpenAI's is counted like an old model of theirs.
fn known_model<'a>(model: &'a str, table: &PriceTable) -> Cow<'a, str> {
    if AZURE.contains(&model) {
        Cow::Owned(model.replace("-35", "-3.5"))
    } else if table.is_openai_provider_model(model) {
        Cow::Borrowed(model)
    } else {
        Cow::Borrowed("gpt-3.5-turbo")
    }
}

/// Of models that tiktoken knows and that aren't on cl100k_base.
const O200K_BASE: [&str; 6] = ["o1", "o3", "o4-mini", "gpt-5", "gpt-4.1", "gpt-4o"];
const O200K_BASE_PREFIXES: [&str; 9] =
    ["o1-", "o3-", "o4-mini-", "gpt-5", "gpt-4.5-", "gpt-4.1-", "chatgpt-4o-", "gpt-oss-", "ft:gpt-4o"];

/// `tiktoken.encoding_for_model`, of models that have to do with chats.
fn tiktoken_encoding(model: &str) -> Encoding {
    let is_of_o200k = model.contains("gpt-4o")
        || O200K_BASE.contains(&model)
        || O200K_BASE_PREFIXES.iter().any(|prefix| model.starts_with(prefix));
    if is_of_o200k { Encoding::O200kBase } else { Encoding::Cl100kBase }
}

/// `str(value)`
fn python_text(value: &Value) -> Result<Cow<'_, str>, Uncounted> {
    match value {
        Value::Str(text) => text.as_str().map(Cow::Borrowed).ok_or(Uncounted::NotReproduced),
        value => Ok(Cow::Owned(repr(value))),
    }
}
