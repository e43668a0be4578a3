//! The types of deployment parameters, as LiteLLM's model of them accepts values.
//!
//! LiteLLM drops a deployment whose parameters it cannot accept and goes on with the others; so must we, or the
//! group would have one deployment too many.
//!
//! Source: litellm/types/router.py `LiteLLM_Params`, `ModelInfo`; pydantic 2 lax mode

use super::tables::{BOOL_PARAMS, DICT_PARAMS, FLOAT_PARAMS, INT_PARAMS, PRICE_PARAMS, TEXT_LIST_PARAMS, TEXT_PARAMS};
use crate::config::python::{Dict, Value};

/// The first parameter that LiteLLM would not accept, and what it must be.
pub fn unacceptable(litellm_params: &Dict) -> Option<(String, &'static str)> {
    litellm_params
        .named()
        .find_map(|(name, node)| expectation(name, &node.value).map(|expected| (name.to_owned(), expected)))
}

fn expectation(name: &str, value: &Value) -> Option<&'static str> {
    if name == "model" {
        return (!matches!(value, Value::Text(_))).then_some("text");
    }
    if *value == Value::None {
        return None;
    }
    let wrong = |fits: bool, expected: &'static str| if fits { None } else { Some(expected) };
    match name {
        // One deployment for each organization.
        "organization" => wrong(matches!(value, Value::Text(_)) || is_text_list(value), "text"),
        "max_retries" => wrong(as_int(value).is_some(), "an integer"),
        "timeout" | "stream_timeout" => wrong(as_float(value).is_some() || matches!(value, Value::Text(_)), "a number"),
        "vertex_credentials" => wrong(matches!(value, Value::Text(_) | Value::Dict(_)), "text or a mapping"),
        "bedrock_tags" | "aws_session_tags" | "configurable_clientside_auth_params" | "tiered_pricing" => {
            wrong(matches!(value, Value::List(_)), "a list")
        }
        "search_context_cost_per_query" => wrong(matches!(value, Value::Dict(_)), "a mapping"),
        "output_vector_size" => wrong(as_int(value).is_some(), "an integer"),
        _ if TEXT_PARAMS.contains(&name) => wrong(matches!(value, Value::Text(_)), "text"),
        _ if INT_PARAMS.contains(&name) => wrong(as_int(value).is_some(), "an integer"),
        _ if FLOAT_PARAMS.contains(&name) || PRICE_PARAMS.contains(&name) => {
            wrong(as_float(value).is_some(), "a number")
        }
        _ if BOOL_PARAMS.contains(&name) => wrong(as_bool(value).is_some(), "a boolean"),
        _ if DICT_PARAMS.contains(&name) => wrong(matches!(value, Value::Dict(_)), "a mapping"),
        _ if TEXT_LIST_PARAMS.contains(&name) => wrong(is_text_list(value), "a list of texts"),
        _ => None,
    }
}

/// Whether LiteLLM accepts these fields of `model_info`.
pub fn unacceptable_info(model_info: &Dict) -> Option<(String, &'static str)> {
    model_info.named().find_map(|(name, node)| {
        let value = &node.value;
        if *value == Value::None {
            return (name == "db_model").then(|| (name.to_owned(), "a boolean"));
        }
        let (fits, expected) = match name {
            "id" => (matches!(value, Value::Text(_) | Value::Int(_) | Value::LongInt(_) | Value::Bool(_)), "text"),
            "base_model" | "team_id" | "team_public_model_name" | "updated_by" | "created_by" => {
                (matches!(value, Value::Text(_)), "text")
            }
            "db_model" | "blocked" | "allow_fail_open" | "enable_tag_filtering" | "internal_router_model" => {
                (as_bool(value).is_some(), "a boolean")
            }
            "tier" => (matches!(value, Value::Text(text) if text == "free" || text == "paid"), "free or paid"),
            "input_cost_per_token"
            | "output_cost_per_token"
            | "input_cost_per_character"
            | "output_cost_per_character"
            | "cache_read_input_token_cost"
            | "cache_creation_input_token_cost" => (as_float(value).is_some(), "a number"),
            _ => (true, ""),
        };
        (!fits).then(|| (name.to_owned(), expected))
    })
}

fn is_text_list(value: &Value) -> bool {
    matches!(value, Value::List(items) if items.iter().all(|item| item.text().is_some()))
}

/// As pydantic reads an `int`: integral floats and numerals too.
pub fn as_int(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(value) => Some(i64::from(*value)),
        Value::Int(value) => Some(*value),
        Value::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => Some(*value as i64),
        Value::Text(text) => {
            let plain = text.trim();
            let whole = plain
                .split_once('.')
                .map_or(plain, |(whole, zeros)| if zeros.bytes().all(|byte| byte == b'0') { whole } else { plain });
            whole.parse().ok()
        }
        _ => None,
    }
}

/// As pydantic reads a `float`.
pub fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Int(value) => Some(*value as f64),
        Value::LongInt(digits) => digits.parse().ok(),
        Value::Float(value) => Some(*value),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// As pydantic reads a `bool`.
pub fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Int(0) => Some(false),
        Value::Int(1) => Some(true),
        Value::Float(value) if *value == 0.0 => Some(false),
        Value::Float(value) if *value == 1.0 => Some(true),
        Value::Text(text) => match text.to_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
            "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
