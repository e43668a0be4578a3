//! The few prices OCR needs, read out of LiteLLM's price map without holding the whole of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// US dollars; absent means not priced that way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prices {
    pub ocr_cost_per_page: Option<f64>,
    pub ocr_cost_per_credit: Option<f64>,
    pub annotation_cost_per_page: Option<f64>,
}

/// What OCR pricing asks of the map: which models it has, and the OCR prices of Mistral's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceTable {
    /// Every model's name: LiteLLM strips a segment only if the rest is in the map.
    names: BTreeSet<Box<str>>,
    /// Models of Mistral, or of no provider, by lower-case name.
    mistral: BTreeMap<String, Prices>,
    /// Lower-case names of other providers' models: they are found, and then not taken.
    lower_names: BTreeMap<String, Box<str>>,
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

    /// Whether the map has this very name.
    pub(super) fn contains(&self, name: &str) -> bool {
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
        let key = match self.names.get(name) {
            Some(key) => key,
            None => self.lower_names.get(&name.to_lowercase())?,
        };
        self.mistral.get(&**key).copied()
    }
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    litellm_provider: Option<String>,
    #[serde(default, deserialize_with = "number")]
    ocr_cost_per_page: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    ocr_cost_per_credit: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    annotation_cost_per_page: Option<f64>,
}

/// LiteLLM takes a price only if it is a number.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_f64())
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
            let entry: Entry = map.next_value()?;
            table.lower_names.insert(name.to_lowercase(), name.as_str().into());
            if entry.litellm_provider.is_none_or(|provider| provider == super::PROVIDER) {
                let Entry { ocr_cost_per_page, ocr_cost_per_credit, annotation_cost_per_page, .. } = entry;
                table
                    .mistral
                    .insert(name.clone(), Prices { ocr_cost_per_page, ocr_cost_per_credit, annotation_cost_per_page });
            }
            table.names.insert(name.into());
        }
        Ok(table)
    }
}
