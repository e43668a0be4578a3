//! The options of a request: which reach Anthropic, in which order, and how thinking is fitted to the model.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/experimental_pass_through/messages/utils.py` and `transformation.py`,
//! `llms/anthropic/common_utils.py`; the order is that of the locals of `anthropic_messages_handler`.

use super::transformation::Target;
use crate::cost_calculator::PriceTable;
use crate::decline::Decline;
use crate::llms::anthropic::capabilities::{Capability, supports, supports_effort, supports_sampling, supports_speed};
use crate::proxy::anthropic_endpoints::endpoints::MessagesRequest;
use crate::python::json_decode::orjson_loads;
use crate::python::{Dict, Integer, Text, Value, repr};

/// In this order whatever the client's.
const NAMED: [&str; 8] =
    ["metadata", "stop_sequences", "stream", "system", "thinking", "tool_choice", "tools", "container"];
/// Behind the named ones, in the order of the deployment, then of the client.
const FREE: [&str; 7] = [
    "cache_control",
    "context_management",
    "inference_geo",
    "mcp_servers",
    "output_config",
    "output_format",
    "safeguards",
];
/// Last.
const SAMPLING: [&str; 3] = ["temperature", "top_p", "top_k"];

const MINIMUM_BUDGET: i64 = 1024;

/// Whether LiteLLM hands an option of this name to Anthropic.
pub(crate) fn reaches_anthropic(name: &str) -> bool {
    NAMED.contains(&name) || FREE.contains(&name) || SAMPLING.contains(&name) || name == "speed"
}

/// What the request says, filled up with what the deployment says; a null of the client keeps the deployment's away.
pub(super) fn requested(request: &MessagesRequest, target: &Target<'_>) -> Result<Dict, Decline> {
    let mut given = Dict::default();
    for (name, value) in target.parameters.iter().filter(|(name, _)| reaches_anthropic(name)) {
        let spelled = serde_json::to_vec(value).map_err(|_| Decline::Unwritable)?;
        given.set(name, orjson_loads(&spelled).ok_or(Decline::Unwritable)?);
    }
    for (name, value) in request.parameters.iter() {
        if let Some(name) = name.as_str() {
            given.set(name, value.clone());
        }
    }
    given.set("stream", request.parameters.get("stream").cloned().unwrap_or(Value::Bool(false)));
    Ok(given)
}

/// Keeps what the model takes, in LiteLLM's order.
///
/// Errors  LiteLLM's words for what it refuses: sampling options or fast mode on a model without, and no leave to drop them.
pub(super) fn accepted(
    mut given: Dict,
    request: &MessagesRequest,
    target: &Target<'_>,
    table: &PriceTable,
) -> Result<Dict, String> {
    let drops = drops_unsupported(request, target);
    let mut taken = |name: &str| given.remove(name).filter(|value| *value != Value::None);
    let mut kept = Dict::default();
    for name in NAMED {
        if let Some(value) = taken(name) {
            kept.push(Text::from(name), value);
        }
    }
    let sampling = SAMPLING.map(|name| (name, taken(name)));
    let takes_speed = supports_speed(table, target.model);
    if let Some(speed) = given.get("speed").filter(|speed| **speed != Value::None && !takes_speed && !drops) {
        return Err(unsupported(target.model, "speed", &repr(speed), ""));
    }
    for (name, value) in given.into_pairs().into_iter().filter(|(_, value)| *value != Value::None) {
        match name.as_str() {
            Some("speed") if takes_speed => kept.push(name, value),
            Some(free) if FREE.contains(&free) => kept.push(name, value),
            _ => {}
        }
    }
    for (name, value) in sampling {
        let Some(value) = value else {
            continue;
        };
        if supports_sampling(table, target.model) || (name == "temperature" && is_one(&value)) {
            kept.push(Text::from(name), value);
        } else if !drops {
            let hint = if name == "temperature" { "Only temperature=1 is supported. " } else { "" };
            let spelled = value.as_str().map_or_else(|| repr(&value), str::to_owned);
            return Err(unsupported(target.model, name, &spelled, hint));
        }
    }
    Ok(kept)
}

fn unsupported(model: &str, name: &str, value: &str, hint: &str) -> String {
    format!(
        "litellm.UnsupportedParamsError: {model} does not support {name}={value}. {hint}To drop unsupported params, set \
         `litellm.drop_params = True`."
    )
}

/// `drop_params`, which LiteLLM turns on by itself for Claude Code and Codex where nobody has said anything.
fn drops_unsupported(request: &MessagesRequest, target: &Target<'_>) -> bool {
    let of_deployment = || target.parameters.get("drop_params").and_then(serde_json::Value::as_bool);
    let by_itself = || (request.is_agentic_client && target.drop_params.is_none()).then_some(true);
    target.drop_params == Some(true) || request.drop_params.or_else(by_itself).or_else(of_deployment) == Some(true)
}

fn is_one(value: &Value) -> bool {
    match value {
        Value::Int(integer) => integer.digits() == "1",
        Value::Float(float) => *float == 1.0,
        Value::Bool(bool) => *bool,
        _ => false,
    }
}

/// Fits `thinking` and `output_config.effort` to the model, and drops a temperature that thinking forbids.
pub(super) fn fit_thinking(
    parameters: &mut Dict,
    max_tokens: &Value,
    model: &str,
    table: &PriceTable,
) -> Result<(), Decline> {
    let can = |capability| supports(table, model, capability);
    if thinking_type(parameters) == Some("disabled") && can(Capability::AlwaysOnThinking) {
        parameters.remove("thinking");
    }
    let is_adaptive = || can(Capability::AdaptiveThinking);
    if thinking_type(parameters) == Some("enabled") && is_adaptive() && !can(Capability::LegacyThinking) {
        legacy_to_adaptive(parameters, can(Capability::XhighEffort))?;
    }
    if uses_effort(parameters) && !is_adaptive() {
        effort_to_budget(parameters, max_tokens, model, table)?;
    }
    let thinks =
        thinking_type(parameters) == Some("enabled") || !matches!(effort(parameters), None | Some(Value::None));
    let is_pinned = parameters.get("temperature").is_some_and(|temperature| !is_one(temperature));
    if is_pinned && thinks && !is_adaptive() {
        parameters.remove("temperature");
    }
    Ok(())
}

fn thinking_type(parameters: &Dict) -> Option<&str> {
    parameters.get("thinking")?.as_dict()?.get("type")?.as_str()
}

fn effort(parameters: &Dict) -> Option<&Value> {
    parameters.get("output_config")?.as_dict()?.get("effort")
}

fn uses_effort(parameters: &Dict) -> bool {
    thinking_type(parameters) == Some("adaptive") || !matches!(effort(parameters), None | Some(Value::None))
}

fn dict(pairs: &[(&str, Value)]) -> Value {
    Value::Dict(Dict::from_pairs(pairs.iter().map(|(name, value)| (Text::from(*name), value.clone())).collect()))
}

fn text(text: &str) -> Value {
    Value::Str(Text::from(text))
}

/// A budget becomes an effort; one that the caller gave wins.
fn legacy_to_adaptive(parameters: &mut Dict, has_xhigh: bool) -> Result<(), Decline> {
    let budget = parameters.get("thinking").and_then(Value::as_dict).and_then(|thinking| thinking.get("budget_tokens"));
    let budget = match budget {
        None | Some(Value::None) => 0,
        Some(Value::Int(integer)) => integer.digits().parse().unwrap_or(i64::MAX),
        Some(_) => return Err(Decline::Parameter),
    };
    let effort = match budget {
        8192.. if has_xhigh => "xhigh",
        4096.. => "high",
        2048.. => "medium",
        _ => "low",
    };
    let mut config = Dict::default();
    config.push(Text::from("effort"), text(effort));
    for (name, value) in parameters.get("output_config").and_then(Value::as_dict).into_iter().flat_map(Dict::iter) {
        match name.as_str() {
            Some(name) => config.set(name, value.clone()),
            None => return Err(Decline::Unwritable),
        }
    }
    parameters.set("thinking", dict(&[("type", text("adaptive"))]));
    parameters.set("output_config", Value::Dict(config));
    Ok(())
}

/// Adaptive thinking becomes a budget on models without it, or goes.
fn effort_to_budget(parameters: &mut Dict, max_tokens: &Value, model: &str, table: &PriceTable) -> Result<(), Decline> {
    let effort = match effort(parameters) {
        None | Some(Value::None) => None,
        Some(effort) => Some(effort.as_str().ok_or(Decline::Parameter)?.to_owned()),
    };
    let is_adaptive = thinking_type(parameters) == Some("adaptive");
    let is_allowed = match effort.as_deref() {
        Some("max") => supports(table, model, Capability::MaxEffort),
        Some("xhigh") => supports(table, model, Capability::XhighEffort),
        _ => true,
    };
    if supports_effort(table, model) && (!is_adaptive || is_allowed) {
        if is_adaptive {
            parameters.remove("thinking");
        }
        return Ok(());
    }
    let budget = if supports(table, model, Capability::Reasoning) {
        let effort = effort.as_deref().filter(|effort| !effort.is_empty()).unwrap_or("medium");
        budget(effort)?.and_then(|budget| capped(budget, max_tokens))
    } else {
        None
    };
    match budget {
        Some(budget) => {
            let budget = Value::Int(Integer::from(budget));
            parameters.set("thinking", dict(&[("type", text("enabled")), ("budget_tokens", budget)]));
        }
        None => drop(parameters.remove("thinking")),
    }
    let Some(Value::Dict(config)) = parameters.get_mut("output_config") else {
        return Ok(());
    };
    if config.remove("effort").is_some() && config.is_empty() {
        parameters.remove("output_config");
    }
    Ok(())
}

fn budget(effort: &str) -> Result<Option<i64>, Decline> {
    Ok(Some(match effort {
        "none" => return Ok(None),
        "low" | "minimal" => 1024,
        "medium" => 2048,
        "high" => 4096,
        "xhigh" => 8192,
        "max" => 16384,
        _ => return Err(Decline::Parameter),
    }))
}

/// Below the answer's limit; none if the limit doesn't even take the smallest.
fn capped(budget: i64, max_tokens: &Value) -> Option<i64> {
    let Value::Int(limit) = max_tokens else {
        return Some(budget);
    };
    let limit: i64 = limit.digits().parse().unwrap_or(i64::MAX);
    if limit <= MINIMUM_BUDGET {
        return None;
    }
    Some(if budget < limit { budget } else { limit - 1 })
}
