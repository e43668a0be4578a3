//! What an attempt at a chat completion starts from and ends in, whoever the provider is.

use crate::cost_calculator::PriceTable;
use crate::cost_calculator::anthropic::{BilledUsage, MessageCost, usage_cost};
use crate::exceptions::Exception;
use crate::llms::base_llm::chat::told_costs::{openai_told_cost, told_cost};
use crate::llms::openai::chat::transformation::completion_cost;
use crate::proxy::chat_endpoints::endpoints::ChatRequest;
use crate::python::Dict;

/// A deployment as its config describes it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Without the provider in front.
    pub model: &'a str,
    pub api_base: &'a str,
    pub api_key: &'a str,
    /// All of its `litellm_params`, in order, environment resolved.
    pub parameters: &'a serde_json::Map<String, serde_json::Value>,
    /// `litellm_settings.drop_params`; `None` where the config doesn't name it.
    pub drop_params: Option<bool>,
}

/// What only the caller knows of a completion: an id where the provider gives none, and the time.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// A random UUID; the call's will do.
    pub fallback_id: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

/// What the provider answered to a request that isn't streamed, as the client gets it but for its name of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatResponse {
    pub(crate) body: Dict,
    pub(crate) answered: AnsweredBy,
}

/// What the price depends on and the client isn't told as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AnsweredBy {
    /// A model that isn't a text can't be priced.
    OpenAi { model: Option<Option<String>>, tier: Option<String> },
    /// A model that isn't a text can't be priced.
    Anthropic { model: Option<Option<String>>, usage: BilledUsage },
}

/// What a completion costs, and who says so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum CompletionCost {
    /// LiteLLM can't price it.
    #[default]
    Unknown,
    /// The provider tells it; nobody knows what it is made of.
    Told(f64),
    Priced(MessageCost),
}

impl CompletionCost {
    pub fn total(&self) -> Option<f64> {
        match self {
            Self::Unknown => None,
            Self::Told(total) => Some(*total),
            Self::Priced(cost) => Some(cost.total),
        }
    }

    pub(crate) fn breakdown(&self) -> Option<&MessageCost> {
        match self {
            Self::Priced(cost) => Some(cost),
            Self::Unknown | Self::Told(_) => None,
        }
    }
}

impl ChatResponse {
    /// What the answer costs; `headers` are those of the provider's answer.
    pub fn cost(
        &self,
        headers: &[(String, String)],
        request: &ChatRequest,
        target: &Target<'_>,
        table: &PriceTable,
    ) -> CompletionCost {
        let told = match &self.answered {
            AnsweredBy::OpenAi { .. } => openai_told_cost(headers),
            AnsweredBy::Anthropic { .. } => told_cost(headers),
        };
        let priced = || self.priced(request, target, table).map(CompletionCost::Priced);
        told.map(CompletionCost::Told).or_else(priced).unwrap_or_default()
    }

    fn priced(&self, request: &ChatRequest, target: &Target<'_>, table: &PriceTable) -> Option<MessageCost> {
        match &self.answered {
            AnsweredBy::OpenAi { model, tier } => {
                completion_cost(&self.body, model.as_ref()?.as_deref(), tier.as_deref(), request, target, table)
            }
            AnsweredBy::Anthropic { model, usage } => {
                usage_cost(table, model.as_ref()?.as_deref(), target.model, usage)
            }
        }
    }
}

/// A failed attempt, and what of the provider's error its answer tells.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatFailure {
    pub exception: Box<Exception>,
    /// `error.type`, where the exception keeps it.
    pub(crate) kind: Option<String>,
    /// `error.param`, where the exception keeps it.
    pub(crate) param: Option<String>,
    /// The provider's headers are told, as they are with a success.
    pub(crate) tells_headers: bool,
}
