//! A chunk of a stream as LiteLLM looks at it: its choices, and what stands beside them.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/streaming_handler.py` `handle_openai_chat_completion_chunk`, `core_helpers.py`
//! `preserve_upstream_non_openai_attributes`.

use super::streaming_handler::Failure;
use crate::llms::openai::chat::choices::{extras, given};
use crate::pydantic::attributes::{is_attribute, unsettable};
use crate::python::{Dict, Text, Value, type_name};

/// The choices that LiteLLM goes by, the first of which can be read.
pub(super) fn choices(chunk: &Dict) -> Result<&[Value], Failure> {
    let choices = match given(chunk, "choices").filter(|choices| choices.is_truthy()) {
        None => return Ok(&[]),
        Some(Value::List(choices)) => choices,
        Some(odd @ Value::Str(_)) => return Err(no_attribute(odd, "delta")),
        Some(Value::Dict(_)) => return Err(Failure::Raised("0".to_owned())),
        Some(odd) => return Err(no_length(odd)),
    };
    match choices.first() {
        Some(odd) if odd.as_dict().is_none() => Err(no_attribute(odd, "delta")),
        _ => Ok(choices),
    }
}

/// What a provider tells beside the choices.
pub(super) fn specific_fields(chunk: &Dict) -> Result<Option<Dict>, Failure> {
    match given(chunk, "provider_specific_fields") {
        None => Ok(None),
        Some(Value::Dict(fields)) => Ok(Some(fields.clone())),
        Some(odd) => Err(no_attribute(odd, "items")),
    }
}

pub(super) fn no_attribute(odd: &Value, name: &str) -> Failure {
    Failure::Raised(format!("'{}' object has no attribute '{name}'", type_name(odd)))
}

pub(super) fn no_length(odd: &Value) -> Failure {
    Failure::Raised(format!("object of type '{}' has no len()", type_name(odd)))
}

/// What a chunk says besides what LiteLLM has fields for; citations stand in front of a content.
///
/// Errors  a key that can't be set on a chunk of LiteLLM's.
pub(super) fn chunk_extras(chunk: &Dict, is_content: bool) -> Result<Vec<(Text, Value)>, Failure> {
    const CLASS: &str = "ModelResponseStream";
    const KNOWN: [&str; 10] = [
        "id",
        "choices",
        "created",
        "model",
        "object",
        "system_fingerprint",
        "usage",
        "moderation",
        "service_tier",
        "provider_specific_fields",
    ];
    let mut told = Vec::new();
    let citations = given(chunk, "citations").filter(|_| is_content);
    told.extend(citations.map(|citations| (Text::from("citations"), citations.clone())));
    for key in ["moderation", "service_tier"] {
        told.extend(given(chunk, key).map(|value| (Text::from(key), value.clone())));
    }
    let is_remade = given(chunk, "usage").is_some();
    let is_left_out = |key: &Text| match key.as_str() {
        Some("citations") => citations.is_some(),
        Some("stream") => is_remade,
        _ => is_attribute(CLASS, key),
    };
    if let Some(words) = unsettable(CLASS, chunk) {
        return Err(Failure::Raised(words));
    }
    let others = extras(chunk, &KNOWN).filter(|(key, value)| **value != Value::None && !is_left_out(key));
    told.extend(others.map(|(key, value)| (key.clone(), value.clone())));
    Ok(told)
}

/// The delta that a chunk is looked at for; of none, an empty one is.
pub(super) fn first_delta(first: Option<&Dict>) -> Result<Option<&Dict>, Failure> {
    match first.and_then(|first| given(first, "delta")) {
        None => Ok(None),
        Some(Value::Dict(delta)) => Ok(Some(delta)),
        Some(odd) => Err(no_attribute(odd, "content")),
    }
}

/// Whether LiteLLM can look at a chunk at all, which it does before it reads a usage.
pub(crate) fn check_choices(chunk: &Dict) -> Result<(), Failure> {
    let first = choices(chunk)?.first().and_then(Value::as_dict);
    first_delta(first).map(|_| ())
}
