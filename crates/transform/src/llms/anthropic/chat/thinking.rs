//! How a model is asked to think: by a budget, or by an effort.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/chat/transformation.py` `_map_reasoning_effort`, `_apply_output_config`,
//! `llms/anthropic/common_utils.py` `translate_legacy_thinking_for_adaptive_model`, `utils.py` `validate_and_fix_thinking_param`.

use super::content::text;
use super::parameters::{Fit, Unfit, bad_request};
use crate::decline::Decline;
use crate::llms::anthropic::capabilities::{Capability, supports_effort};
use crate::python::{Dict, Integer, Value, repr};

const MINIMUM_BUDGET: i64 = 1024;
/// For the answer, behind the thinking.
const ROOM: i64 = 4096;
const MEDIUM_BUDGET: i64 = 2048;

fn number(value: i64) -> Value {
    Value::Int(Integer::from(value))
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(integer) => integer.digits().parse().ok(),
        _ => None,
    }
}

fn enabled(budget: i64) -> Value {
    let mut thinking = Dict::default();
    thinking.set("type", text("enabled"));
    thinking.set("budget_tokens", number(budget));
    Value::Dict(thinking)
}

fn kind(thinking: &Value) -> Option<&str> {
    thinking.as_dict()?.get("type")?.as_str()
}

/// `thinking` as LiteLLM reads it: yes and no, and a key in camel case.
pub(super) fn normalised(asked: &Value) -> Result<Option<Value>, Decline> {
    match asked {
        Value::Bool(true) => Ok(Some(enabled(MEDIUM_BUDGET))),
        Value::Bool(false) => Ok(None),
        Value::Dict(asked) => {
            let mut asked = asked.clone();
            if let Some(budget) = asked.remove("budgetTokens")
                && asked.get("budget_tokens").is_none()
            {
                asked.set("budget_tokens", budget);
            }
            Ok(Some(Value::Dict(asked)))
        }
        _ => Err(Decline::Parameter),
    }
}

/// Whether the request asks for thinking by itself.
pub(super) fn is_asked(options: &Dict) -> bool {
    options.get("thinking").and_then(kind) == Some("enabled") || options.get("reasoning_effort").is_some()
}

/// `reasoning_effort`, a word or an object with one.
pub(super) fn map_effort(asked: &Value, fit: &Fit<'_>, body: &mut Dict) -> Result<(), Unfit> {
    let asked = match asked {
        Value::Dict(asked) => asked.get("effort").unwrap_or(&Value::None),
        asked => asked,
    };
    let Value::Str(_) = asked else { return Ok(()) };
    let effort = asked.as_str().ok_or(Decline::Unwritable)?;
    if effort == "none" {
        body.remove("thinking");
        body.remove("output_config");
        return Ok(());
    }
    if fit.can(Capability::AdaptiveThinking) {
        let effort = match effort {
            "minimal" => "low",
            "low" | "medium" | "high" | "xhigh" | "max" => effort,
            _ => {
                return Err(bad_request(&format!(
                    "Invalid reasoning_effort: {}. Must be one of: 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'none'",
                    repr(asked)
                )));
            }
        };
        let mut thinking = Dict::default();
        thinking.set("type", text("adaptive"));
        thinking.set("display", text("summarized"));
        body.set("thinking", Value::Dict(thinking));
        body.set("output_config", output_effort(effort));
        return Ok(());
    }
    let budget = match effort {
        "minimal" | "low" => 1024,
        "medium" => MEDIUM_BUDGET,
        "high" => 4096,
        "xhigh" => 8192,
        "max" => 16384,
        _ => {
            return Err(bad_request(&format!(
                "Unmapped reasoning effort: {}. Must be one of: 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'none'.",
                repr(asked)
            )));
        }
    };
    body.set("thinking", enabled(budget));
    Ok(())
}

fn output_effort(effort: &str) -> Value {
    let mut config = Dict::default();
    config.set("effort", text(effort));
    Value::Dict(config)
}

/// `thinking`, in the words that the model understands.
pub(super) fn map_thinking(asked: &Value, options: &Dict, fit: &Fit<'_>, body: &mut Dict) -> Result<(), Unfit> {
    let is_adaptive = fit.can(Capability::AdaptiveThinking);
    if kind(asked) == Some("adaptive") && !is_adaptive {
        let limit =
            ["max_completion_tokens", "max_tokens"].iter().find_map(|name| options.get(name).filter(|v| v.is_truthy()));
        let budget = match limit {
            None => Some(MEDIUM_BUDGET),
            Some(limit) => capped(MEDIUM_BUDGET, whole(limit).ok_or(Decline::Parameter)?),
        };
        match budget {
            Some(budget) => body.set("thinking", enabled(budget)),
            None => drop(body.remove("thinking")),
        }
        return Ok(());
    }
    body.set("thinking", asked.clone());
    if kind(asked) == Some("enabled") && is_adaptive && !fit.can(Capability::LegacyThinking) {
        let budget = match asked.as_dict().and_then(|asked| asked.get("budget_tokens")) {
            Some(budget) if budget.is_truthy() => whole(budget).ok_or(Decline::Parameter)?,
            _ => 0,
        };
        let mut thinking = Dict::default();
        thinking.set("type", text("adaptive"));
        body.set("thinking", Value::Dict(thinking));
        let mut config = Dict::default();
        config.set("effort", text(effort_of(budget, fit)));
        if let Some(Value::Dict(existing)) = body.get("output_config") {
            for (key, value) in existing.iter() {
                config.set(key.as_str().ok_or(Decline::Unwritable)?, value.clone());
            }
        }
        body.set("output_config", Value::Dict(config));
    }
    Ok(())
}

fn effort_of(budget: i64, fit: &Fit<'_>) -> &'static str {
    match budget {
        8192.. if fit.can(Capability::XhighEffort) => "xhigh",
        4096.. => "high",
        2048.. => "medium",
        _ => "low",
    }
}

/// Below the answer's limit; none if the limit doesn't even take the smallest.
fn capped(budget: i64, limit: i64) -> Option<i64> {
    if limit <= MINIMUM_BUDGET {
        return None;
    }
    Some(if budget < limit { budget } else { limit - 1 })
}

/// A budget without a limit for the answer gets one.
pub(super) fn leave_room(options: &Dict, body: &mut Dict) -> Result<(), Decline> {
    let has_limit = ["max_tokens", "max_completion_tokens"].iter().any(|name| options.get(name).is_some());
    let thinking = body.get("thinking").filter(|thinking| kind(thinking) == Some("enabled"));
    let budget = thinking.and_then(|thinking| thinking.as_dict()?.get("budget_tokens"));
    let Some(budget) = budget.filter(|budget| !has_limit && **budget != Value::None) else {
        return Ok(());
    };
    let budget = whole(budget).ok_or(Decline::Parameter)?;
    body.set("max_tokens", number(budget.saturating_add(ROOM)));
    Ok(())
}

/// `output_config` as it leaves. `drops_everywhere` is `litellm.drop_params`, not a request's.
pub(super) fn fit_output_config(body: &mut Dict, fit: &Fit<'_>, drops_everywhere: bool) -> Result<(), Unfit> {
    let config = match body.get("output_config") {
        Some(Value::Dict(config)) if !config.is_empty() => config.clone(),
        _ => return Ok(()),
    };
    let has_more = config.iter().any(|(key, _)| key.as_str() != Some("format"));
    if drops_everywhere && has_more && !supports_effort(fit.table, fit.model) {
        match config.get("format").filter(|format| **format != Value::None) {
            None => drop(body.remove("output_config")),
            Some(format) => {
                let mut only = Dict::default();
                only.set("format", format.clone());
                body.set("output_config", Value::Dict(only));
            }
        }
        return Ok(());
    }
    let Some(effort) = config.get("effort").filter(|effort| **effort != Value::None) else {
        return Ok(());
    };
    let refused = match effort.as_str() {
        Some("high" | "medium" | "low") => None,
        Some("max") => {
            let is_taken = fit.can(Capability::AdaptiveThinking) || fit.can(Capability::MaxEffort);
            (!is_taken).then(|| format!("effort='max' is not supported by this model. Got model: {}", fit.model))
        }
        Some("xhigh") => (!fit.can(Capability::XhighEffort))
            .then(|| format!("effort='xhigh' is not supported by this model. Got model: {}", fit.model)),
        _ => Some(format!(
            "Invalid effort value: {}. Must be one of: 'high', 'medium', 'low', 'xhigh', 'max'",
            repr(effort)
        )),
    };
    refused.map_or(Ok(()), |words| Err(bad_request(&words)))
}
