//! The few prices and flags the native routes need, read out of LiteLLM's price map without holding the whole of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::LazyLock;

use regex::RegexSet;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::anthropic::AnthropicModel;
use super::openai::OpenAiModel;

/// US dollars; absent means not priced that way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prices {
    pub ocr_cost_per_page: Option<f64>,
    pub ocr_cost_per_credit: Option<f64>,
    pub annotation_cost_per_page: Option<f64>,
}

/// What pricing asks of the map: which models it has, the OCR prices of Mistral's, the entries of Anthropic's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceTable {
    /// Every model's name: LiteLLM strips a segment only if the rest is in the map.
    names: HashSet<Box<str>>,
    /// Models of Mistral, or of no provider, by lower-case name.
    mistral: BTreeMap<String, Prices>,
    /// Anthropic's models.
    anthropic: HashMap<Box<str>, Box<AnthropicModel>>,
    /// OpenAI's models.
    openai: HashMap<Box<str>, Box<OpenAiModel>>,
    /// OpenAI's models by themselves, for what LiteLLM takes for its catalogue.
    openai_catalogue: HashSet<Box<str>>,
    /// An entry declares the effort a model reasons with by itself.
    pub(crate) declares_default_effort: bool,
    /// Lower-case names of other providers' models: they are found, and then not taken.
    lower_names: HashMap<String, Box<str>>,
}

/// The price map can't be read.
#[derive(Debug, thiserror::Error)]
#[error("price map is not a JSON object of models: {0}")]
pub struct PriceTableError(#[from] serde_json::Error);

impl PriceTable {
    /// Reads LiteLLM's `model_prices_and_context_window.json`, or what `/public/litellm_model_cost_map` serves.
    pub fn from_price_map_json(json: &[u8]) -> Result<Self, PriceTableError> {
        Ok(serde_json::from_slice(json)?)
    }

    /// A text that is equal for two tables exactly if they price OCR alike; the host hashes it.
    pub fn canonical(&self) -> String {
        let spell = |price: Option<f64>| price.map_or_else(|| "-".to_owned(), crate::python::float_repr);
        let mut text = String::new();
        for (name, prices) in &self.mistral {
            let Prices { ocr_cost_per_page, ocr_cost_per_credit, annotation_cost_per_page } = *prices;
            if [ocr_cost_per_page, ocr_cost_per_credit, annotation_cost_per_page].iter().any(Option::is_some) {
                let prices = [ocr_cost_per_page, ocr_cost_per_credit, annotation_cost_per_page].map(spell).join(" ");
                text.push_str(&format!("{name} {prices}\n"));
            }
        }
        text
    }

    /// The same for `/v1/messages`: prices and capabilities of Anthropic's models.
    pub fn canonical_messages(&self) -> String {
        in_order(&self.anthropic).map(|(name, model)| format!("{name} {}\n", model.canonical())).collect()
    }

    /// The same for chat completions on OpenAI.
    pub fn canonical_chat(&self) -> String {
        in_order(&self.openai).map(|(name, model)| format!("{name} {}\n", model.canonical())).collect()
    }

    /// Whether LiteLLM counts a model among OpenAI's own.
    pub(crate) fn is_openai_catalogue_model(&self, model: &str) -> bool {
        self.openai_catalogue.contains(model)
    }

    /// Whether the map has this very name as one of OpenAI's, and not as a text completion's.
    pub(crate) fn is_openai_provider_model(&self, model: &str) -> bool {
        self.openai_catalogue.contains(model) && self.openai.contains_key(model)
    }

    /// Whether the map has this very name as one of Anthropic's.
    pub(crate) fn is_anthropic_provider_model(&self, model: &str) -> bool {
        // What belongs to nobody is kept among OpenAI's too.
        self.anthropic.contains_key(model) && !self.openai.contains_key(model)
    }

    /// The entry LiteLLM finds for a model of OpenAI.
    pub(crate) fn openai_model(&self, model: &str) -> Option<&OpenAiModel> {
        let bare = model.strip_prefix("openai/").unwrap_or(model);
        let prefixed = ["openai/", bare].concat();
        let found = |name: &str| self.openai.get(self.name(name)?).map(|model| &**model);
        distinct([&prefixed, model, bare]).find_map(found).or_else(|| {
            let base = fine_tuned_base(bare)?;
            found(&["openai/", base].concat()).or_else(|| found(base))
        })
    }

    /// Whether LiteLLM knows a model of OpenAI by its name alone, without prices; not if the map has the name for anybody.
    pub(crate) fn is_generalized(&self, model: &str) -> bool {
        let bare = model.strip_prefix("openai/").unwrap_or(model);
        let has = |name: &str| self.name(name).is_some() || self.name(&["openai/", name].concat()).is_some();
        is_of_the_reasoning_family(model)
            && ![Some(model), Some(bare), fine_tuned_base(bare)].into_iter().flatten().any(has)
    }

    /// The entry LiteLLM finds for a model of Anthropic.
    pub(crate) fn anthropic_model(&self, model: &str) -> Option<&AnthropicModel> {
        let bare = model.strip_prefix("anthropic/").unwrap_or(model);
        let prefixed = ["anthropic/", bare].concat();
        distinct([&prefixed, model, bare]).find_map(|name| self.exact_anthropic_model(self.name(name)?))
    }

    /// The name as the map spells it.
    fn name(&self, name: &str) -> Option<&str> {
        self.names.get(name).or_else(|| self.lower_names.get(&*lower(name))).map(|name| &**name)
    }

    pub(crate) fn exact_anthropic_model(&self, name: &str) -> Option<&AnthropicModel> {
        self.anthropic.get(name).map(|model| &**model)
    }

    /// How long an answer of a model of Anthropic's may be, where nobody says; declined if the map has the name otherwise.
    pub(crate) fn anthropic_output_limit(&self, model: &str) -> Result<i64, crate::Decline> {
        const UNKNOWN: i64 = 4096;
        match self.exact_anthropic_model(model) {
            Some(entry) => entry.output_limit.ok_or(crate::Decline::Parameter),
            None if self.names.contains(model) => Err(crate::Decline::Parameter),
            None => Ok(UNKNOWN),
        }
    }

    /// Whether the map has this very name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The prices LiteLLM finds for a model of Mistral; none if it finds none.
    pub(super) fn mistral_prices(&self, model: &str) -> Prices {
        let split = model.strip_prefix("mistral/");
        let combined = if split.is_some() { model.to_owned() } else { format!("mistral/{model}") };
        let prefixed = format!("mistral/{model}");
        let candidates = [combined.as_str(), model, split.unwrap_or(model), prefixed.as_str()];
        candidates.iter().find_map(|name| self.exact_or_folded(name)).unwrap_or_default()
    }

    fn exact_or_folded(&self, name: &str) -> Option<Prices> {
        self.mistral.get(self.name(name)?).copied()
    }
}

/// By name, whatever order they were read in.
fn in_order<Model>(models: &HashMap<Box<str>, Box<Model>>) -> impl Iterator<Item = (&str, &Model)> {
    let ordered: BTreeMap<&str, &Model> = models.iter().map(|(name, model)| (&**name, &**model)).collect();
    ordered.into_iter()
}

/// `name.to_lowercase()`, which most names are already.
fn lower(name: &str) -> Cow<'_, str> {
    let is_lower = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { name.into() } else { name.to_lowercase().into() }
}

/// A fine-tuned model's name without its organization, suffix and id, which are there even if empty.
fn fine_tuned_base(model: &str) -> Option<&str> {
    let at = model.rmatch_indices(':').nth(2).map(|(at, _)| at)?;
    model.contains("ft:").then(|| &model[..at])
}

/// The rule `openai-reasoning-family-baseline` of the price map's `fallback_generalizations`, without its look-aheads.
fn is_of_the_reasoning_family(model: &str) -> bool {
    static FAMILY: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
        let family = concat!(
            r"(?i)^(?:[a-z0-9_.-]+/)*(?:ft:)?(?:o[1-9]\d*(?:[^a-z0-9]|\z)|gpt-[5-9](?:\.\d+)?(?:[^0-9.]|\z)|",
            r"(?:gpt-\d+(?:\.\d+)?(?:-[a-z0-9]+)*-)?(?:codex|deep-research|chat-latest)(?:[^a-z0-9]|\z))"
        );
        RegexSet::new([family, r"(?i)^.*search-api"]).ok()
    });
    let matched = FAMILY.as_ref().map(|family| family.matches(model));
    matched.is_some_and(|matched| matched.matched(0) && !matched.matched(1))
}

/// What is looked up in turn, the model's own spelling once.
fn distinct([prefixed, model, bare]: [&str; 3]) -> impl Iterator<Item = &str> {
    let others = [Some(model).filter(|model| *model != prefixed), Some(bare).filter(|bare| *bare != model)];
    std::iter::once(prefixed).chain(others.into_iter().flatten())
}

impl<'de> Deserialize<'de> for PriceTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TableVisitor)
    }
}

struct TableVisitor;

impl<'de> Visitor<'de> for TableVisitor {
    type Value = PriceTable;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of models")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PriceTable, A::Error> {
        let mut table = PriceTable::default();
        while let Some(name) = map.next_key::<String>()? {
            if name == "sample_spec" || name.starts_with("_") {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let entry: Map<String, Value> = map.next_value()?;
            let provider = entry.get("litellm_provider").and_then(Value::as_str);
            table.lower_names.insert(name.to_lowercase(), name.as_str().into());
            if provider.is_none_or(|provider| provider == super::PROVIDER) {
                // LiteLLM takes a price only if it is a number.
                let price = |key: &str| entry.get(key).and_then(Value::as_f64);
                let prices = Prices {
                    ocr_cost_per_page: price("ocr_cost_per_page"),
                    ocr_cost_per_credit: price("ocr_cost_per_credit"),
                    annotation_cost_per_page: price("annotation_cost_per_page"),
                };
                table.mistral.insert(name.clone(), prices);
            }
            if provider.is_none_or(|provider| provider == "anthropic") {
                table.anthropic.insert(name.as_str().into(), Box::new(AnthropicModel::read(&entry)));
            }
            if provider.is_none_or(|provider| provider == "openai") {
                let model = OpenAiModel::read(&entry);
                table.declares_default_effort |= model.default_effort.is_some();
                table.openai.insert(name.as_str().into(), Box::new(model));
            }
            if provider.is_some_and(|provider| matches!(provider, "openai" | "text-completion-openai"))
                && !name.starts_with("ft:")
            {
                table.openai_catalogue.insert(name.as_str().into());
            }
            table.names.insert(name.into());
        }
        Ok(table)
    }
}
