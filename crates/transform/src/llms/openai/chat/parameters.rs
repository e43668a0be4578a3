//! The options of a request: which reach OpenAI, what a model doesn't take, and how limits and efforts are spelled for it.
//!
//! Source: LiteLLM 1.102.4 `utils.py` `get_optional_params`, `llms/openai/chat/gpt_transformation.py`,
//! `o_series_transformation.py`, `gpt_5_transformation.py`; the order of the body is that of OpenAI's SDK.

use super::transformation::Target;
use crate::cost_calculator::PriceTable;
use crate::decline::Decline;
use crate::proxy::chat_endpoints::endpoints::ChatRequest;
use crate::python::json_decode::orjson_loads;
use crate::python::{Dict, Text, Value, repr, string_repr};

/// In the order of the arguments of `get_optional_params`, in which LiteLLM names those it refuses.
pub(crate) const OPTIONS: [&str; 32] = [
    "functions",
    "function_call",
    "temperature",
    "top_p",
    "n",
    "stream",
    "stream_options",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "modalities",
    "prediction",
    "audio",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
    "response_format",
    "seed",
    "tools",
    "tool_choice",
    "logprobs",
    "top_logprobs",
    "parallel_tool_calls",
    "reasoning_effort",
    "verbosity",
    "thinking",
    "web_search_options",
    "safety_identifier",
    "store",
    "prompt_cache_key",
    // No argument of its own there.
    "service_tier",
];
/// Taken by a plain model.
const PLAIN: [&str; 28] = [
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "max_tokens",
    "max_completion_tokens",
    "modalities",
    "prediction",
    "n",
    "presence_penalty",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "tools",
    "tool_choice",
    "function_call",
    "functions",
    "parallel_tool_calls",
    "audio",
    "web_search_options",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "store",
    "response_format",
];
/// Taken by `gpt-5-search-api` and the like.
const SEARCHING: [&str; 11] = [
    "max_tokens",
    "max_completion_tokens",
    "stream",
    "stream_options",
    "web_search_options",
    "service_tier",
    "safety_identifier",
    "response_format",
    "user",
    "store",
    "verbosity",
];
/// The order of a body.
const BODY: [&str; 35] = [
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "modalities",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];
const SAMPLING: [&str; 3] = ["logprobs", "top_logprobs", "top_p"];

/// Whether LiteLLM knows this option of a chat completion.
pub(crate) fn reaches_openai(name: &str) -> bool {
    OPTIONS.contains(&name)
}

/// How a model takes options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    OSeries,
    Reasoning,
    Searching,
    Plain,
    /// Not in OpenAI's catalogue.
    Unknown,
}

impl Family {
    pub(super) fn of(model: &str, table: &PriceTable) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let is_o = name.strip_prefix('o').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()));
        if is_o && table.is_openai_catalogue_model(name) {
            return Self::OSeries;
        }
        if is_reasoning(model) {
            return if model.contains("gpt-5") && model.contains("search") { Self::Searching } else { Self::Reasoning };
        }
        if table.is_openai_catalogue_model(model) { Self::Plain } else { Self::Unknown }
    }
}

/// gpt-5 and what follows, but for the models that chat.
fn is_reasoning(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    (model.contains("gpt-5") || model.contains("gpt-6")) && !name.starts_with("gpt-5-chat")
}

/// gpt-5.4 and newer: OpenAI calls functions while they reason in its Responses API only.
pub(super) fn bridges_tools(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let minor = name.strip_prefix("gpt-5.").map(|rest| rest.split(['-', '.']).next().unwrap_or_default());
    name.starts_with("gpt-6") || minor.is_some_and(|minor| minor.parse::<u32>().is_ok_and(|minor| minor >= 4))
}

fn has(table: &PriceTable, model: &str, capability: &str) -> bool {
    table.openai_model(model).and_then(|entry| entry.flag(capability)) == Some(true)
}

fn takes(family: Family, model: &str, table: &PriceTable, option: &str) -> bool {
    if family == Family::Searching {
        return SEARCHING.contains(&option);
    }
    let is_plain = PLAIN.contains(&option)
        && !(option == "response_format" && matches!(model, "gpt-4" | "gpt-3.5-turbo-16k"))
        || (option == "user" && table.is_openai_catalogue_model(model));
    let has = |capability: &str| has(table, model, capability);
    match family {
        Family::OSeries => match option {
            "logprobs" | "top_p" | "presence_penalty" | "frequency_penalty" | "top_logprobs" => false,
            "reasoning_effort" => true,
            "tools" | "tool_choice" | "function_call" | "functions" => has("supports_function_calling"),
            "parallel_tool_calls" => has("supports_parallel_function_calling"),
            "response_format" => has("supports_response_schema"),
            _ => is_plain,
        },
        Family::Reasoning => match option {
            "presence_penalty" | "frequency_penalty" | "stop" | "logit_bias" | "modalities" | "prediction"
            | "audio" | "web_search_options" => false,
            "reasoning_effort" | "verbosity" => true,
            "tool_choice" => has("supports_tool_choice"),
            option if SAMPLING.contains(&option) => has("supports_none_reasoning_effort"),
            _ => is_plain,
        },
        Family::Unknown => is_plain || option == "reasoning_effort",
        _ => is_plain,
    }
}

/// What the request says, filled up with what the deployment says; a null of the client keeps the deployment's away.
pub(crate) fn requested(
    request: &ChatRequest,
    target: &Target<'_>,
    is_option: fn(&str) -> bool,
) -> Result<Dict, Decline> {
    let mut given = Dict::default();
    for (name, value) in target.parameters.iter().filter(|(name, _)| is_option(name)) {
        let spelled = serde_json::to_vec(value).map_err(|_| Decline::Unwritable)?;
        given.set(name, orjson_loads(&spelled).ok_or(Decline::Unwritable)?);
    }
    for (name, value) in request.parameters.iter() {
        match name.as_str() {
            Some(name) => given.set(name, value.clone()),
            None => return Err(Decline::Unwritable),
        }
    }
    if request.stream {
        // The proxy always asks for the usage of a stream.
        let mut options = given.get("stream_options").and_then(Value::as_dict).cloned().unwrap_or_default();
        options.set("include_usage", Value::Bool(true));
        given.set("stream_options", Value::Dict(options));
    }
    Ok(given)
}

/// Names of options, as a deployment or a client lists them.
pub(crate) fn listed(given: &Dict, key: &str) -> Result<Vec<String>, Decline> {
    let Some(names) = given.get(key).filter(|names| **names != Value::None) else {
        return Ok(Vec::new());
    };
    let plain = |name: &Value| name.as_str().filter(|name| !name.contains(['.', '[', '*'])).map(str::to_owned);
    let names = names.as_list().ok_or(Decline::Parameter)?;
    names.iter().map(|name| plain(name).ok_or(Decline::Parameter)).collect()
}

/// What leaves besides model and messages, or LiteLLM's words for what it refuses.
pub(super) enum Fitted {
    Body(Dict),
    Refused(String),
}

pub(super) fn fitted(
    given: &Dict,
    request: &ChatRequest,
    target: &Target<'_>,
    family: Family,
    table: &PriceTable,
) -> Result<Fitted, Decline> {
    let (dropped, allowed) = (listed(given, "additional_drop_params")?, listed(given, "allowed_openai_params")?);
    if dropped.iter().any(|name| matches!(name.as_str(), "stream" | "stream_options")) {
        return Err(Decline::Parameter);
    }
    let drops = drops_unsupported(request, target);
    let mut options = options(given, &dropped)?;
    let mut unsupported = Vec::new();
    for (name, value) in options.iter() {
        let name = name.as_str().unwrap_or_default();
        let is_free = matches!(name, "user" | "stream_options" | "stream") || (name == "n" && is_one(value));
        let is_allowed = allowed.iter().any(|allowed| allowed == name);
        if !is_free && !is_allowed && !takes(family, target.model, table, name) {
            unsupported.push(name.to_owned());
        }
    }
    if !unsupported.is_empty() && !drops {
        return Ok(Fitted::Refused(refusal(&unsupported, target.model)));
    }
    unsupported.iter().for_each(|name| {
        options.remove(name);
    });
    let fit = Fit { model: target.model, family, table, drops };
    let mut body = match fit.mapped(&mut options) {
        Ok(body) => body,
        Err(words) => return Ok(Fitted::Refused(words)),
    };
    for (name, value) in options.iter() {
        let is_allowed = name.as_str().is_some_and(|name| allowed.iter().any(|allowed| allowed == name));
        if is_allowed && name.as_str().is_some_and(|name| body.get(name).is_none()) {
            body.push(name.clone(), value.clone());
        }
    }
    let is_given = |name: &str| body.get(name).is_some_and(Value::is_truthy);
    if !is_given("tools") && !is_given("functions") {
        body.remove("tool_choice");
    }
    Ok(Fitted::Body(ordered(&body, &extra_body(given, &dropped)?)))
}

/// The options that are set, in LiteLLM's order.
fn options(given: &Dict, dropped: &[String]) -> Result<Dict, Decline> {
    let mut options = Dict::default();
    for name in OPTIONS {
        let Some(value) = given.get(name).filter(|value| **value != Value::None) else {
            continue;
        };
        if dropped.iter().any(|dropped| dropped == name) {
            continue;
        }
        let value = match (name, value) {
            ("stop", Value::List(stops)) => Value::List(stops.iter().take(4).cloned().collect()),
            ("tool_choice", Value::Dict(choice)) => tool_choice(choice)?,
            ("tool_choice", Value::Str(_)) => value.clone(),
            ("tool_choice", _) => return Err(Decline::Parameter),
            ("stream", Value::Bool(false)) => continue,
            _ => value.clone(),
        };
        options.push(Text::from(name), value);
    }
    if options.get("stream").is_none() {
        options.remove("stream_options");
    }
    Ok(options)
}

/// A choice that is only a word, as the word; one that LiteLLM refuses is Python's.
pub(crate) fn tool_choice(choice: &Dict) -> Result<Value, Decline> {
    let kind = choice.get("type").and_then(Value::as_str);
    if let Some(kind @ ("auto" | "none" | "required")) = kind
        && choice.get("function").is_none()
    {
        return Ok(Value::Str(Text::from(kind)));
    }
    let is_given = |key: &str| choice.get(key).is_some_and(|value| *value != Value::None);
    if is_given("type") && is_given("function") { Ok(Value::Dict(choice.clone())) } else { Err(Decline::Parameter) }
}

fn refusal(unsupported: &[String], model: &str) -> String {
    let names: Vec<String> = unsupported.iter().map(|name| string_repr(name)).collect();
    let names = format!("[{}]", names.join(", "));
    format!(
        "litellm.UnsupportedParamsError: openai does not support parameters: {names}, for model={model}. To drop these, set \
         `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`\n. \n If you want to use these params \
         dynamically send allowed_openai_params={names} in your request."
    )
}

/// `drop_params`, which LiteLLM turns on by itself for Claude Code and Codex where nobody has said anything.
pub(crate) fn drops_unsupported(request: &ChatRequest, target: &Target<'_>) -> bool {
    let of_deployment = || target.parameters.get("drop_params").and_then(serde_json::Value::as_bool);
    let by_itself = || (request.is_agentic_client && target.drop_params.is_none()).then_some(true);
    target.drop_params == Some(true) || request.drop_params.or_else(by_itself).or_else(of_deployment) == Some(true)
}

pub(crate) fn is_one(value: &Value) -> bool {
    match value {
        Value::Int(integer) => integer.digits() == "1",
        Value::Float(float) => *float == 1.0,
        Value::Bool(bool) => *bool,
        _ => false,
    }
}

/// The effort of a request, by itself or in an object. An empty word is none, but for one in an object.
fn asked_effort(options: &Dict) -> Option<Value> {
    let effort = match options.get("reasoning_effort")? {
        effort @ Value::Str(_) if effort.is_truthy() => effort,
        Value::Dict(effort) => effort.get("effort")?,
        _ => return None,
    };
    (*effort != Value::None).then(|| effort.clone())
}

struct Fit<'a> {
    model: &'a str,
    family: Family,
    table: &'a PriceTable,
    drops: bool,
}

impl Fit<'_> {
    /// Takes options out of `options` that are spelled otherwise, and copies those the model takes.
    fn mapped(&self, options: &mut Dict) -> Result<Dict, String> {
        let mut body = Dict::default();
        // A dropped effort still counts as asked for.
        let effort = asked_effort(options);
        if self.family == Family::Reasoning {
            self.fit_effort(options, effort.as_ref())?;
        }
        if matches!(self.family, Family::OSeries | Family::Reasoning | Family::Searching)
            && let Some(limit) = options.remove("max_tokens")
        {
            body.set("max_completion_tokens", limit);
        }
        match self.family {
            Family::OSeries => self.fit_temperature(options, &mut body)?,
            Family::Reasoning => self.fit_sampling(options, &mut body, effort.as_ref())?,
            _ => {}
        }
        for (name, value) in options.iter() {
            if let Some(name) = name.as_str().filter(|name| takes(self.family, self.model, self.table, name)) {
                body.set(name, value.clone());
            }
        }
        Ok(body)
    }

    fn fit_temperature(&self, options: &mut Dict, body: &mut Dict) -> Result<(), String> {
        let Some(temperature) = options.remove("temperature") else {
            return Ok(());
        };
        if is_one(&temperature) {
            body.set("temperature", temperature);
        } else if !self.drops {
            return Err(format!(
                "litellm.UnsupportedParamsError: O-series models don't support temperature={}. Only temperature=1 is supported. \
                 To drop unsupported openai params from the call, set `litellm.drop_params = True`",
                spelled(&temperature)
            ));
        }
        Ok(())
    }

    /// An effort is a word; one that the model doesn't know is refused or dropped.
    fn fit_effort(&self, options: &mut Dict, asked: Option<&Value>) -> Result<(), String> {
        let Some(asked) = asked else { return Ok(()) };
        options.set("reasoning_effort", asked.clone());
        let Some(effort) = asked.as_str() else { return Ok(()) };
        let flag = self
            .table
            .openai_model(self.model)
            .and_then(|entry| entry.flag(&format!("supports_{effort}_reasoning_effort")));
        let is_refused = match effort {
            "xhigh" => flag != Some(true),
            "minimal" | "low" => flag == Some(false),
            _ => false,
        };
        if is_refused && !self.drops {
            return Err(format!(
                "litellm.UnsupportedParamsError: reasoning_effort={effort} is not supported for this model."
            ));
        }
        if is_refused {
            options.remove("reasoning_effort");
        }
        Ok(())
    }

    /// Sampling is only for a model that doesn't reason this time.
    fn fit_sampling(&self, options: &mut Dict, body: &mut Dict, effort: Option<&Value>) -> Result<(), String> {
        let can_rest = has(self.table, self.model, "supports_none_reasoning_effort");
        let rests = self.rests(effort, can_rest);
        if can_rest && !rests && SAMPLING.iter().any(|name| options.get(name).is_some()) {
            if !self.drops {
                let effort = repr(effort.unwrap_or(&Value::None));
                return Err(format!(
                    "litellm.UnsupportedParamsError: {} only supports logprobs, top_p, top_logprobs when reasoning_effort \
                     resolves to 'none', either set explicitly on the request or declared as the model's \
                     default_reasoning_effort. Current reasoning_effort={effort}. To drop unsupported params set \
                     `litellm.drop_params = True`",
                    self.model
                ));
            }
            SAMPLING.iter().for_each(|name| {
                options.remove(name);
            });
        }
        let Some(temperature) = options.remove("temperature") else {
            return Ok(());
        };
        if (can_rest && rests) || is_one(&temperature) {
            body.set("temperature", temperature);
        } else if !self.drops {
            return Err(format!(
                "litellm.UnsupportedParamsError: {} doesn't support temperature={} while reasoning is active. Only temperature=1 \
                 is supported unless reasoning_effort resolves to 'none', either set explicitly on the request or declared as \
                 the model's default_reasoning_effort. To drop unsupported params set `litellm.drop_params = True`",
                self.model,
                spelled(&temperature)
            ));
        }
        Ok(())
    }

    /// Whether the model doesn't reason: it is told so, or declares that it doesn't by itself.
    fn rests(&self, effort: Option<&Value>, can_rest: bool) -> bool {
        let declared = || self.table.openai_model(self.model).and_then(|entry| entry.default_effort.as_deref());
        match effort {
            Some(effort) => effort.as_str() == Some("none"),
            None => match declared() {
                Some(declared) => declared == "none",
                None => !self.table.declares_default_effort && can_rest,
            },
        }
    }
}

pub(crate) fn spelled(value: &Value) -> String {
    value.as_str().map_or_else(|| repr(value), str::to_owned)
}

/// What neither LiteLLM nor the SDK knows, behind the client's own `extra_body`.
fn extra_body(given: &Dict, dropped: &[String]) -> Result<Dict, Decline> {
    let mut extra = match given.get("extra_body") {
        None | Some(Value::None) => Dict::default(),
        Some(Value::Dict(extra)) => extra.clone(),
        Some(_) => return Err(Decline::Parameter),
    };
    for (name, value) in given.iter() {
        let name = name.as_str().unwrap_or_default();
        let is_known = OPTIONS.contains(&name) || super::deployment::is_litellms(name);
        if !is_known && *value != Value::None {
            extra.set(name, value.clone());
        }
    }
    dropped.iter().for_each(|name| {
        extra.remove(name);
    });
    Ok(extra)
}

/// The SDK's order, extras last; an extra wins over an option of its name.
fn ordered(body: &Dict, extra: &Dict) -> Dict {
    let mut told = Dict::default();
    for name in BODY {
        if let Some(value) = body.get(name) {
            told.push(Text::from(name), value.clone());
        }
    }
    for (name, value) in extra.iter() {
        match name.as_str() {
            Some(name) => told.set(name, value.clone()),
            None => told.push(name.clone(), value.clone()),
        }
    }
    told
}
