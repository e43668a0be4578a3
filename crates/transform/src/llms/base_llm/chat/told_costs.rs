//! What a completion costs by the word of its provider, which is a LiteLLM itself: that counts, whatever the answer's usage is.
//!
//! Source: LiteLLM 1.102.4 `cost_calculator.py` `get_response_cost_from_hidden_params`, `litellm_core_utils/core_helpers.py`
//! `process_response_headers`.

use crate::proxy::anthropic_endpoints::answers::merged;
use crate::pydantic::as_float;
use crate::python::{Text, Value};

const NAME: &str = "x-litellm-response-cost";
/// As LiteLLM names a provider's headers, and as it takes one for its own if a provider of OpenAI's kind sends it.
const PREFIXED: &str = "llm_provider-x-litellm-response-cost";

/// The cost that the headers of a provider's answer tell, zero for what is no number: LiteLLM then tells none.
pub(crate) fn told_cost(headers: &[(String, String)]) -> Option<f64> {
    last(headers, &[NAME])
}

/// The same of a provider of OpenAI's kind: of two names the later one counts.
pub(crate) fn openai_told_cost(headers: &[(String, String)]) -> Option<f64> {
    last(headers, &[NAME, PREFIXED])
}

/// The same of its stream: a header's own name goes before the other.
pub(crate) fn openai_told_stream_cost(headers: &[(String, String)]) -> Option<f64> {
    last(headers, &[NAME]).or_else(|| last(headers, &[PREFIXED]))
}

fn last(headers: &[(String, String)], names: &[&str]) -> Option<f64> {
    if !headers.iter().any(|(name, _)| names.contains(&name.as_str())) {
        return None;
    }
    let merged = merged(headers);
    let (_, value) = merged.iter().rfind(|(name, _)| names.contains(name))?;
    Some(as_float(&Value::Str(Text::from(&**value))).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_told_by_one_name_or_by_two() {
        let cases = [
            (vec![("content-type", "x")], [None, None, None]),
            (vec![(NAME, "0.5")], [Some(0.5), Some(0.5), Some(0.5)]),
            (vec![(PREFIXED, "0.5")], [None, Some(0.5), Some(0.5)]),
            (vec![(NAME, "0.5"), (PREFIXED, "0.25")], [Some(0.5), Some(0.25), Some(0.5)]),
            (vec![(NAME, "0.5"), (NAME, "0.5")], [Some(0.0), Some(0.0), Some(0.0)]),
            (vec![(NAME, "abc")], [Some(0.0), Some(0.0), Some(0.0)]),
        ];
        for (headers, expected) in cases {
            let headers: Vec<(String, String)> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let told = [told_cost(&headers), openai_told_cost(&headers), openai_told_stream_cost(&headers)];
            assert_eq!(told, expected, "{headers:?}");
        }
    }
}
