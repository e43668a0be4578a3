//! What an answer costs, by LiteLLM's price map: OCR here, messages in [`anthropic`], chat completions in [`openai`].
//!
//! Source: LiteLLM 1.102.4 `cost_calculator.py` `completion_cost`, `ocr_cost`, `_select_model_name_for_cost_calc`; look-ups by
//! `utils.py` `_get_model_info_helper`. Sums and products keep Python's order, so the digits in headers are the same.

pub mod anthropic;
pub mod openai;
mod price_table;
mod providers;

pub use price_table::{PriceTable, PriceTableError, Prices};

use crate::llms::base_llm::ocr::transformation::Usage;
use crate::python::Integer;
use providers::is_provider;

const PROVIDER: &str = "mistral";

/// The cost in US dollars; `None` where LiteLLM fails to price the answer and says nothing about costs.
///
/// `answered_model` is what the provider names, `model` the deployment's; the first that can be priced counts.
pub fn ocr_cost(table: &PriceTable, answered_model: &str, model: &str, usage: Option<&Usage>) -> Option<f64> {
    let usage = usage?;
    let selected = select_model_name(table, PROVIDER, answered_model);
    [selected.as_str(), answered_model, model]
        .into_iter()
        .find_map(|candidate| price(table.mistral_prices(candidate), usage))
}

/// The answered model with its provider in front, less leading segments that keep it from being found.
fn select_model_name(table: &PriceTable, provider: &str, answered_model: &str) -> String {
    if is_provider(answered_model.split('/').next().unwrap_or_default()) {
        return answered_model.to_owned();
    }
    let prefixed = [provider, "/", answered_model].concat();
    // Without a segment to strip nothing but this can be found.
    if !answered_model.contains('/') || table.contains(answered_model) {
        return prefixed;
    }
    let segments: Vec<&str> = answered_model.split('/').collect();
    let strippable = segments.iter().position(|segment| is_provider(segment)).unwrap_or(segments.len());
    let candidates =
        (0..=strippable.min(segments.len() - 1)).map(|start| format!("{provider}/{}", segments[start..].join("/")));
    candidates.into_iter().find(|candidate| table.contains(candidate)).unwrap_or(prefixed)
}

fn price(prices: Prices, usage: &Usage) -> Option<f64> {
    if let (Some(credits), Some(per_credit)) = (usage.credits, prices.ocr_cost_per_credit) {
        return Some(per_credit * credits);
    }
    let annotation_rate = prices.annotation_cost_per_page.or(prices.ocr_cost_per_page);
    let annotation_pages = count(usage.pages_processed_annotation.as_ref())?;
    let has_annotation_cost = annotation_rate.is_some() && annotation_pages > 0.0;
    if !has_annotation_cost {
        if usage.pages_processed.is_none() && prices.ocr_cost_per_credit.is_none() && prices.ocr_cost_per_page.is_some()
        {
            return None;
        }
        if usage.pages_processed.is_none() || prices.ocr_cost_per_page.is_none() {
            return Some(0.0);
        }
    }
    let pages_cost = prices.ocr_cost_per_page.unwrap_or(0.0) * count(usage.pages_processed.as_ref())?;
    Some(pages_cost + annotation_rate.unwrap_or(0.0) * annotation_pages)
}

/// A page count as a double; a number too large for one fails, as in Python.
fn count(pages: Option<&Integer>) -> Option<f64> {
    pages.map_or(Some(0.0), Integer::to_float)
}
