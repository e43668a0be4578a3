//! One attempt on OpenAI's chat completions: the request out, the answer in.
//!
//! Source: LiteLLM 1.102.4 `main.py` `completion`, `llms/openai/openai.py`, `llms/openai/chat/gpt_transformation.py`; the request is
//! as OpenAI's SDK 2.54.0 sends it, which never retries here (`max_retries` is 0 behind a router).

use super::choices::{extras, given, text};
use super::completed::{Unreadable, completed};
use super::deployment::is_option;
use super::errors::{BODY_DEPTH_MAX, Context};
use super::errors_in_answers::error_in_answer;
use super::made_up_ids::made_up;
use super::messages::{fixed, with_roles, without_cache_control};
use super::parameters::{Family, Fitted, bridges_tools, fitted, requested};
use super::sdk;
use super::tools::{check as check_tools, needs_flattening};
use super::usage;
use crate::answer::{Outbound, ProviderFailure, ProviderRequest, ProviderResponse};
use crate::cost_calculator::PriceTable;
use crate::cost_calculator::anthropic::MessageCost;
use crate::cost_calculator::openai::{Citations, Priced, chat_cost};
use crate::decline::Decline;
use crate::exceptions::Exception;
use crate::llms::base_llm::chat::transformation::AnsweredBy;
pub use crate::llms::base_llm::chat::transformation::{ChatFailure, ChatResponse, Circumstances, Target};
use crate::llms::custom_httpx::http_handler::decoded_body;
use crate::llms::mistral::ocr::transformation::extra_headers;
use crate::proxy::chat_endpoints::endpoints::ChatRequest;
use crate::proxy::chat_endpoints::thought_signatures::keeps_signatures;
use crate::pydantic::as_float;
use crate::pydantic::attributes::{has_read_only, is_attribute, unsettable};
use crate::python::bytes_decode::{json_text, response_text};
use crate::python::json_decode::{loads, orjson_loads};
use crate::python::json_encode::httpx_json;
use crate::python::{Dict, Integer, Text, Value, float_repr, repr, string_repr, type_name};

/// The SDK and the interpreter LiteLLM runs with; they are told to the provider.
const SDK_VERSION: &str = "2.54.0";
const PYTHON_VERSION: &str = "3.11.7";
/// Headers behind the SDK's first.
const HEADERS_BEHIND: usize = 4;
/// Ids that are set apart for the calls of one choice.
const CALLS_MAX: u64 = 1 << 20;

/// What a completion costs; `None` where LiteLLM can't price it.
pub(crate) fn completion_cost(
    body: &Dict,
    answered_model: Option<&str>,
    answered_tier: Option<&str>,
    request: &ChatRequest,
    target: &Target<'_>,
    table: &PriceTable,
) -> Option<MessageCost> {
    let asked_tier = asked_tier(request, target);
    let priced = Priced { answered_model, model: target.model, asked_tier, answered_tier, citations: citations(body) };
    chat_cost(table, body.get("usage")?.as_dict()?, &priced)
}

pub(super) fn asked_tier<'a>(request: &'a ChatRequest, target: &Target<'a>) -> Option<&'a str> {
    match request.parameters.get("service_tier") {
        Some(tier) => tier.as_str(),
        None => target.parameters.get("service_tier").and_then(serde_json::Value::as_str),
    }
}

fn citations(body: &Dict) -> Citations {
    let mut found = Citations::default();
    for choice in body.get("choices").and_then(Value::as_list).unwrap_or_default() {
        let message = choice.as_dict().and_then(|choice| choice.get("message")?.as_dict());
        if let Some(annotations) = message.and_then(|message| message.get("annotations")) {
            found.add(annotations);
        }
    }
    found
}

/// Builds the request of one attempt; `timeout_seconds` is the attempt's, which the SDK tells the provider.
///
/// Errors  what can't be written exactly, headers that collide with the SDK's own, options that LiteLLM translates, models that
///         LiteLLM calls by another API.
pub fn outbound(
    request: &ChatRequest,
    target: &Target<'_>,
    table: &PriceTable,
    timeout_seconds: f64,
) -> Result<Outbound, Decline> {
    build(request, target, table, timeout_seconds, &[])
}

fn build(
    request: &ChatRequest,
    target: &Target<'_>,
    table: &PriceTable,
    timeout_seconds: f64,
    without: &[String],
) -> Result<Outbound, Decline> {
    let family = Family::of(target.model, table);
    let parts = match parts(request, target, family, table) {
        // What is declined is nobody's to refuse.
        Ok((_, Fitted::Refused(message))) => return Ok(Err(refused(message, target))),
        Ok((messages, Fitted::Body(parameters))) => Ok((messages, parameters)),
        Err(decline) => Err(decline),
    };
    let host = host(target.api_base);
    check_connection(target, host)?;
    let (messages, mut parameters) = parts?;
    let knows_system = family != Family::OSeries || knows_system(table, target.model);
    let mut messages = Value::List(with_roles(messages, family == Family::OSeries, knows_system)?);
    if is_openai_host(host) {
        if needs_flattening(parameters.get("tools")) {
            return Err(Decline::Parameter);
        }
        without_cache_control(&mut messages);
        if let Some(tools) = parameters.get_mut("tools") {
            without_cache_control(tools);
        }
    }
    let mut body = Dict::with_capacity(parameters.len() + 2);
    body.push(Text::from("messages"), messages);
    body.push(Text::from("model"), text(target.model));
    for (name, value) in parameters.into_pairs() {
        body.set(name.as_str().ok_or(Decline::Unwritable)?, value);
    }
    without.iter().for_each(|name| {
        body.remove(name);
    });
    let body = httpx_json(&Value::Dict(body)).map_err(|_| Decline::Unwritable)?;
    let headers = headers(request, target, timeout_seconds)?;
    Ok(Ok(ProviderRequest { method: "POST", url: complete_url(target.api_base), headers, body: body.into() }))
}

fn refused(message: String, target: &Target<'_>) -> Exception {
    Exception::refused("openai", target.model, message)
}

/// The messages, and what leaves besides.
fn parts(
    request: &ChatRequest,
    target: &Target<'_>,
    family: Family,
    table: &PriceTable,
) -> Result<(Vec<Dict>, Fitted), Decline> {
    let messages = check_request(request, target)?;
    let given = requested(request, target, is_option)?;
    check_api(&given, target, family, table)?;
    Ok((messages, fitted(&given, request, target, family, table)?))
}

/// What LiteLLM changes in ways that aren't reproduced, or keeps for other providers; also the messages as they leave.
fn check_request(request: &ChatRequest, target: &Target<'_>) -> Result<Vec<Dict>, Decline> {
    const FOREIGN: [&str; 3] = ["cache_control", "speed", "system"];
    if request.metadata_user.is_some() || FOREIGN.iter().any(|name| request.parameters.get(name).is_some()) {
        return Err(Decline::BodyKey);
    }
    if request.had_signatures && keeps_signatures(target.model) {
        return Err(Decline::MessageShape);
    }
    check_tools(request.parameters.get("tools").unwrap_or(&Value::None))?;
    check_headers(request.extra_headers.as_deref().unwrap_or_default())?;
    fixed(&request.messages)
}

fn knows_system(table: &PriceTable, model: &str) -> bool {
    table.openai_model(model).and_then(|entry| entry.flag("supports_system_messages")) == Some(true)
}

fn check_connection(target: &Target<'_>, host: &str) -> Result<(), Decline> {
    // A regional host of OpenAI's is priced otherwise.
    let is_regional = host.ends_with(".api.openai.com");
    if target.api_key.is_empty() || target.api_base.is_empty() || is_regional || target.api_base.contains('#') {
        return Err(Decline::Connection);
    }
    Ok(())
}

/// Models and combinations that LiteLLM calls by the Responses API, and models it has prices for that aren't reproduced.
fn check_api(given: &Dict, target: &Target<'_>, family: Family, table: &PriceTable) -> Result<(), Decline> {
    if target.model.contains('/') || target.model.starts_with("ft:") {
        return Err(Decline::Model);
    }
    // For the Responses API, which LiteLLM refuses it for elsewhere.
    if given.get("context_management").is_some() {
        return Err(Decline::Parameter);
    }
    let entry = table.openai_model(target.model);
    if entry.is_some_and(|entry| entry.is_for_responses) {
        return Err(Decline::Model);
    }
    if entry.is_some_and(|entry| entry.is_foreign) {
        return Err(Decline::CustomPricing);
    }
    let is_function = |tool: &Value| tool.as_dict().and_then(|tool| tool.get("type")?.as_str()) == Some("function");
    let has_function = given.get("tools").and_then(Value::as_list).is_some_and(|tools| tools.iter().any(is_function));
    let effort = given.get("reasoning_effort").filter(|effort| **effort != Value::None);
    let may_reason = effort.and_then(Value::as_str) != Some("none");
    let is_bridged = family == Family::Reasoning && bridges_tools(target.model);
    if is_bridged && has_function && may_reason && (effort.is_some() || is_openai_host(host(target.api_base))) {
        return Err(Decline::Parameter);
    }
    Ok(())
}

fn host(api_base: &str) -> &str {
    let rest = api_base.split_once("://").map_or(api_base, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default()
}

fn is_openai_host(host: &str) -> bool {
    host == "openai.com" || host.ends_with(".openai.com")
}

/// Where requests of this base go.
pub fn complete_url(api_base: &str) -> String {
    let slash = if api_base.ends_with('/') { "" } else { "/" };
    [api_base, slash, "chat/completions"].concat()
}

fn headers(request: &ChatRequest, target: &Target<'_>, timeout_seconds: f64) -> Result<Vec<(String, String)>, Decline> {
    let own = [
        ("accept-encoding", "gzip, deflate".to_owned()),
        ("authorization", ["Bearer ", target.api_key].concat()),
        ("accept", "application/json".to_owned()),
        ("content-type", "application/json".to_owned()),
        ("user-agent", ["AsyncOpenAI/Python ", SDK_VERSION].concat()),
        ("x-stainless-lang", "python".to_owned()),
        ("x-stainless-package-version", SDK_VERSION.to_owned()),
        ("x-stainless-os", "Linux".to_owned()),
        ("x-stainless-arch", "x64".to_owned()),
        ("x-stainless-runtime", "CPython".to_owned()),
        ("x-stainless-runtime-version", PYTHON_VERSION.to_owned()),
        ("x-stainless-async", "async:asyncio".to_owned()),
    ];
    let mut headers = Vec::with_capacity(own.len() + HEADERS_BEHIND);
    headers.extend(own.map(|(name, value)| (name.to_owned(), value)));
    if let Some(organization) = target.parameters.get("organization").filter(|value| !value.is_null()) {
        let organization = organization.as_str().ok_or(Decline::DeploymentParameter)?;
        headers.push(("openai-organization".to_owned(), organization.to_owned()));
    }
    match &request.extra_headers {
        Some(extra) => headers.extend(extra.iter().cloned()),
        None => headers.extend(deployment_headers(target.parameters)?),
    }
    headers.push(("x-stainless-raw-response".to_owned(), "true".to_owned()));
    headers.push(("x-stainless-retry-count".to_owned(), "0".to_owned()));
    headers.push(("x-stainless-read-timeout".to_owned(), float_repr(timeout_seconds)));
    Ok(headers)
}

/// `extra_headers` of a deployment.
pub(super) fn deployment_headers(
    parameters: &serde_json::Map<String, serde_json::Value>,
) -> Result<Vec<(String, String)>, Decline> {
    let value = match parameters.get("extra_headers") {
        None | Some(serde_json::Value::Null) => return Ok(Vec::new()),
        Some(value) => serde_json::to_vec(value).map_err(|_| Decline::ExtraHeaders)?,
    };
    match orjson_loads(&value) {
        Some(Value::Dict(headers)) => client_headers(&headers),
        _ => Err(Decline::ExtraHeaders),
    }
}

/// Headers as a client or a deployment adds them: the SDK's own are left to Python.
fn client_headers(headers: &Dict) -> Result<Vec<(String, String)>, Decline> {
    let sent = extra_headers(headers)?;
    check_headers(&sent).map(|()| sent)
}

fn check_headers(sent: &[(String, String)]) -> Result<(), Decline> {
    let is_own =
        |name: &str| name.starts_with("x-stainless-") || name == "openai-organization" || name == "idempotency-key";
    if sent.iter().any(|(name, _)| is_own(name)) { Err(Decline::ExtraHeaders) } else { Ok(()) }
}

/// The second request of an attempt whose first was refused with a 422, where the settings give leave to drop what is refused.
///
/// Whoever has sent the first sends this one too and reads its answer instead. Should that be a 422 again, LiteLLM answers with
/// nothing at all (`null`, or an error of Python's in a stream), which isn't reproduced: here it is the provider's error.
pub fn second_request(
    request: &ChatRequest,
    target: &Target<'_>,
    table: &PriceTable,
    timeout_seconds: f64,
    refused: &ProviderResponse,
) -> Option<ProviderRequest> {
    if refused.status != 422 || target.drop_params != Some(true) {
        return None;
    }
    build(request, target, table, timeout_seconds, &refused_options(refused)).ok()?.ok()
}

/// The options a provider's validation names.
fn refused_options(refused: &ProviderResponse) -> Vec<String> {
    let named = || -> Option<Vec<String>> {
        let body = decoded_body(refused).ok()?;
        let body = loads(&body, BODY_DEPTH_MAX).ok()?;
        let error = match body.as_dict()?.get("error") {
            Some(error) => error.as_dict()?,
            None => body.as_dict()?,
        };
        let said = loads(error.get("message")?.as_str()?.as_bytes(), BODY_DEPTH_MAX).ok()?;
        let details = said.as_dict()?.get("detail")?.as_list()?.to_vec();
        let place = |detail: &Value| -> Option<String> {
            let place = detail.as_dict()?.get("loc")?.as_list()?;
            place.get(1).filter(|_| place.len() == 2)?.as_str().map(str::to_owned)
        };
        Some(details.iter().filter_map(place).collect())
    };
    named().unwrap_or_default()
}

/// Reads the outcome of an attempt that isn't streamed.
pub fn response(
    outcome: Result<&ProviderResponse, &ProviderFailure>,
    target: &Target<'_>,
    circumstances: &Circumstances<'_>,
) -> Result<ChatResponse, ChatFailure> {
    let context = Context::of(target);
    let response = outcome.map_err(|failure| context.unanswered(failure, false))?;
    if !(200..300).contains(&response.status) {
        return Err(context.refused(response));
    }
    let body = decoded_body(response).map_err(|_| context.raised("Connection error."))?;
    let answer = parsed(&body, response).map_err(|words| context.raised(&words))?;
    if let Some(failure) = error_in_answer(&answer, &context) {
        return Err(failure);
    }
    let Value::Dict(answer) = sdk::completion(Value::Dict(answer)) else {
        return Err(context.unreadable(Unreadable::Other, &Dict::default()));
    };
    match answer.get("choices") {
        Some(Value::List(choices)) => {
            converted(&answer, choices, circumstances).map_err(|kind| context.unreadable(kind, &answer))
        }
        other => Err(context.raised(&no_choices(&answer, other.unwrap_or(&Value::None)))),
    }
}

/// The answer as an object, or the words of what the SDK or LiteLLM says instead.
fn parsed(body: &[u8], response: &ProviderResponse) -> Result<Dict, String> {
    let content_type = response.header("content-type");
    let kind = content_type.unwrap_or("*").split(';').next().unwrap_or_default().trim();
    let read = json_text(body).and_then(|text| loads(&text, BODY_DEPTH_MAX).map_err(|error| error.to_string()));
    let received = match read {
        Ok(Value::Dict(answer)) => return Ok(answer),
        Ok(other) => repr(&other),
        Err(words) if kind.ends_with("json") => return Err(words),
        Err(_) => string_repr(&response_text(body, content_type)),
    };
    Err(format!(
        "Empty or invalid response from LLM endpoint. Received: {received}. Check the reverse proxy or model server configuration."
    ))
}

/// The completion, in the order of LiteLLM's fields.
fn converted(answer: &Dict, choices: &[Value], circumstances: &Circumstances<'_>) -> Result<ChatResponse, Unreadable> {
    const KNOWN: [&str; 9] =
        ["id", "choices", "created", "model", "object", "moderation", "service_tier", "system_fingerprint", "usage"];
    let mut told = Vec::with_capacity(choices.len());
    for (index, choice) in choices.iter().enumerate() {
        let fallback_id = made_up(circumstances.fallback_id, index as u64 * CALLS_MAX);
        told.push(Value::Dict(completed(index, choice, &fallback_id)?));
    }
    let usage = match given(answer, "usage") {
        None => None,
        Some(Value::Dict(usage)) => Some(usage),
        Some(_) => return Err(Unreadable::Other),
    };
    let settable = |given: &Dict| match unsettable("ModelResponse", given) {
        Some(_) if has_read_only(given) => Err(Unreadable::Attribute),
        Some(_) => Err(Unreadable::Other),
        None => Ok(()),
    };
    usage.map_or(Ok(()), settable)?;
    let usage = usage::told(usage).map_err(|_| Unreadable::Other)?;
    settable(answer)?;
    let mut body = Dict::with_capacity(answer.len());
    let id = answer.get("id").filter(|id| id.is_truthy()).cloned();
    body.set("id", id.unwrap_or_else(|| text(&format!("chatcmpl-{}", circumstances.fallback_id))));
    body.set("created", created(answer.get("created"), circumstances.now)?);
    body.set("model", Value::None);
    body.set("object", text("chat.completion"));
    if let Some(fingerprint) = given(answer, "system_fingerprint") {
        body.set("system_fingerprint", fingerprint.clone());
    }
    body.set("choices", Value::List(told));
    body.set("usage", Value::Dict(usage));
    for key in ["moderation", "service_tier"] {
        if let Some(value) = given(answer, key) {
            body.set(key, value.clone());
        }
    }
    let is_told = |key: &Text, value: &Value| *value != Value::None && !is_attribute("ModelResponse", key);
    for (key, value) in extras(answer, &KNOWN).filter(|(key, value)| is_told(key, value)) {
        body.push(key.clone(), value.clone());
    }
    let word = |key: &str| given(answer, key).and_then(Value::as_str).map(str::to_owned);
    let model = match given(answer, "model") {
        Some(model) => model.as_str().map(|model| Some(model.to_owned())),
        None => Some(None),
    };
    Ok(ChatResponse { answered: AnsweredBy::OpenAi { model, tier: word("service_tier") }, body })
}

/// A time, or what can be read as one.
fn created(created: Option<&Value>, now: i64) -> Result<Value, Unreadable> {
    let whole = |float: f64| match float.is_finite() {
        true => Ok(Value::Int(Integer::from_digits(&format!("{:.0}", float.trunc())))),
        false => Err(Unreadable::Other),
    };
    match created {
        Some(created @ (Value::Int(_) | Value::Bool(_))) => Ok(created.clone()),
        Some(Value::Float(float)) => whole(*float),
        Some(created @ Value::Str(_)) => match as_float(created) {
            Ok(float) if !float.is_nan() => whole(float),
            _ => Ok(Value::Int(Integer::from(now))),
        },
        _ => Ok(Value::Int(Integer::from(now))),
    }
}

/// The words of LiteLLM for a completion without choices.
fn no_choices(answer: &Dict, choices: &Value) -> String {
    let keys: Vec<String> = answer.iter().map(|(key, _)| repr(&Value::Str(key.clone()))).collect();
    format!(
        "litellm.APIError: LiteLLM: provider returned 'choices' that is not a list ({}). Raw keys: [{}]",
        type_name(choices),
        keys.join(", ")
    )
}

/// Whether the outcome of a streamed attempt begins a stream; if not, what is raised instead.
///
/// The answer's body must then be complete; that of a stream isn't looked at.
pub fn stream_refusal(
    outcome: Result<&ProviderResponse, &ProviderFailure>,
    target: &Target<'_>,
) -> Option<ChatFailure> {
    match outcome {
        Ok(response) if (200..300).contains(&response.status) => None,
        Ok(response) => Some(Context::of(target).refused(response)),
        Err(failure) => Some(Context::of(target).unanswered(failure, true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::chat_endpoints::endpoints::parse;

    #[test]
    fn what_a_provider_refused_is_left_out_of_the_second_request() {
        let parameters = serde_json::Map::new();
        let asked = parse(br#"{"model":"gpt","messages":[],"seed":1,"top_p":0.5}"#, &[], None);
        let target = |drop_params| Target {
            model: "m",
            api_base: "http://p/v1",
            api_key: "k",
            parameters: &parameters,
            drop_params,
        };
        let refused = |status, body: &'static str| ProviderResponse { status, headers: Vec::new(), body: body.into() };
        let named = r#"{"error":{"message":"{\"detail\":[{\"loc\":[\"body\",\"seed\"]}]}"}}"#;
        let cases = [
            (Some(true), refused(422, named), Some(r#"{"messages":[],"model":"m","top_p":0.5}"#)),
            (Some(true), refused(422, r#"{"detail":[]}"#), Some(r#"{"messages":[],"model":"m","seed":1,"top_p":0.5}"#)),
            (Some(true), refused(400, named), None),
            (None, refused(422, named), None),
        ];
        for (drop_params, refused, expected) in cases {
            let table = PriceTable::default();
            let second = asked
                .as_ref()
                .ok()
                .and_then(|asked| second_request(asked, &target(drop_params), &table, 1.0, &refused));
            let body = second.map(|second| String::from_utf8_lossy(&second.body).into_owned());
            assert_eq!(body.as_deref(), expected);
        }
    }
}
