//! Why the native leg leaves a configuration, or one deployment of it, to Python.
//!
//! The tables in `effects` and `param_effects` say what each setting does; this file only looks things up.

use super::effects::{
    Declining, GENERAL_DECLINING, GENERAL_HARMLESS, GENERAL_UNPROVEN, LITELLM_DECLINING, LITELLM_FOR_CHAT,
    LITELLM_FOR_COUNTS, LITELLM_FOR_MESSAGES, LITELLM_HARMLESS, LITELLM_UNPROVEN, MATTER_WHEN_FALSE, ROUTER_DECLINING,
    ROUTER_HARMLESS, TOP_DECLINING, TOP_HARMLESS, TOP_UNPROVEN,
};
use super::param_effects::{DECLINING, FOLLOWED, HARMLESS, OCR_FIELDS, UNPROVEN};
use super::tables::PRICE_PARAMS;
use crate::config::python::{Dict, Node, Value};
use crate::config::{Reason, RouteScope};
use serde_json::Map;
use transform::llms::anthropic::experimental_pass_through::messages;
use transform::llms::{anthropic, openai};
use transform::proxy::anthropic_endpoints::count_tokens;

/// What was found in a part of the configuration.
#[derive(Default)]
pub struct Findings {
    pub reasons: Vec<Reason>,
    /// Paths of keys that LiteLLM does not know.
    pub unknown_keys: Vec<String>,
}

impl Findings {
    pub fn add(&mut self, path: impl Into<String>, code: &'static str, text: impl Into<String>) {
        self.reasons.push(Reason { path: path.into(), code, text: text.into(), routes: RouteScope::All });
    }

    pub fn add_for(&mut self, route: &str, path: String, code: &'static str, text: String) {
        self.reasons.push(Reason { path, code, text, routes: RouteScope::Route(route.to_owned()) });
    }
}

/// The sections of a file, references resolved.
pub struct Sections<'a> {
    pub root: &'a Dict,
    pub general: Option<&'a Dict>,
    pub litellm: Option<&'a Dict>,
    pub router: Option<&'a Dict>,
}

/// Reasons that concern every deployment.
pub fn of_config(sections: &Sections<'_>) -> Findings {
    let mut findings = Findings::default();
    look_up(Some(sections.root), "", &[TOP_HARMLESS], TOP_DECLINING, &mut findings);
    look_up(sections.general, "general_settings", &[GENERAL_HARMLESS], GENERAL_DECLINING, &mut findings);
    look_up(
        sections.litellm,
        "litellm_settings",
        &[LITELLM_HARMLESS, LITELLM_UNPROVEN],
        LITELLM_DECLINING,
        &mut findings,
    );
    look_up(sections.router, "router_settings", &[ROUTER_HARMLESS], ROUTER_DECLINING, &mut findings);
    unproven_settings(sections.litellm, &mut findings);
    unproven_by_route(sections, &mut findings);
    pass_through(sections.general, &mut findings);
    findings
}

fn look_up(section: Option<&Dict>, name: &str, harmless: &[&[&str]], declining: &[Declining], into: &mut Findings) {
    let Some(section) = section else { return };
    for (key, node) in section.named() {
        let path = if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
        if let Some((_, code, text)) = declining.iter().find(|(known, _, _)| *known == key) {
            if takes_effect(key, &node.value) {
                into.add(path, code, (*text).to_owned());
            }
        } else if !harmless.iter().any(|table| table.contains(&key)) {
            into.unknown_keys.push(path);
        }
    }
}

/// Whether a declining setting says anything but its default.
fn takes_effect(key: &str, value: &Value) -> bool {
    match key {
        _ if *value == Value::None => false,
        _ if MATTER_WHEN_FALSE.contains(&key) => *value == Value::Bool(false) || matches!(value, Value::Text(_)),
        "routing_strategy" => !matches!(value, Value::Text(name) if name == "simple-shuffle"),
        // The default; see `_is_allowed_fails_set_on_router`.
        "allowed_fails" => *value != Value::Int(3),
        // A limit of zero is a limit.
        "max_parallel_requests" | "global_max_parallel_requests" | "max_budget" => *value != Value::Bool(false),
        _ => value.is_true(),
    }
}

fn unproven_settings(section: Option<&Dict>, into: &mut Findings) {
    for (key, node) in section.into_iter().flat_map(Dict::named) {
        if LITELLM_UNPROVEN.contains(&key) && node.value.is_true() {
            let text = "nobody has measured what this changes natively";
            into.add(format!("litellm_settings.{key}"), "unproven_setting", text);
        }
    }
}

/// What was proven without effect on `/ocr` need not be so elsewhere.
fn unproven_by_route(sections: &Sections<'_>, into: &mut Findings) {
    let parts = [
        ("messages", Some(sections.root), "", TOP_UNPROVEN),
        ("messages", sections.general, "general_settings.", GENERAL_UNPROVEN),
        ("messages", sections.litellm, "litellm_settings.", LITELLM_FOR_MESSAGES),
        ("count_tokens", sections.litellm, "litellm_settings.", LITELLM_FOR_COUNTS),
        ("chat_completions", Some(sections.root), "", TOP_UNPROVEN),
        ("chat_completions", sections.general, "general_settings.", GENERAL_UNPROVEN),
        ("chat_completions", sections.litellm, "litellm_settings.", LITELLM_FOR_CHAT),
    ];
    for (route, section, prefix, table) in parts {
        for (key, node) in section.into_iter().flat_map(Dict::named) {
            let is_set = node.value.is_true() || (!node.is_none() && MATTER_WHEN_FALSE.contains(&key));
            if table.contains(&key) && is_set {
                let text = "nobody has measured what this changes on this route".to_owned();
                into.add_for(route, format!("{prefix}{key}"), "unproven_setting", text);
            }
        }
    }
}

/// Routes on which a deployment that fails rests, or one that rests is not asked.
pub const COOLING_ROUTES: [&str; 3] = ["messages", "count_tokens", "chat_completions"];

/// Where a pass-through endpoint would answer in a native route's place.
const NATIVE_PATHS: [&str; 8] = [
    "/ocr",
    "/v1/ocr",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/chat/completions",
    "/v1/chat/completions",
    "/engines/model/chat/completions",
    "/openai/deployments/model/chat/completions",
];

/// A pass-through endpoint matters only where it covers a native route.
fn pass_through(general: Option<&Dict>, into: &mut Findings) {
    let endpoints = general.and_then(|section| section.get("pass_through_endpoints")).and_then(Node::list);
    for (index, endpoint) in endpoints.unwrap_or_default().iter().enumerate() {
        let path = endpoint.dict().and_then(|dict| dict.get("path")).and_then(Node::text).unwrap_or("/");
        let covers = |route: &str| route == path || route.starts_with(&format!("{}/", path.trim_end_matches('/')));
        if NATIVE_PATHS.into_iter().any(covers) {
            let at = format!("general_settings.pass_through_endpoints[{index}].path");
            into.add(at, "pass_through", "a pass-through endpoint covers this route");
        }
    }
}

/// Reasons that lie in `litellm_params` and `model_info` of one deployment.
///
/// `path` is `model_list[3]`.
pub fn of_deployment(path: &str, litellm_params: &Dict, model_info: Option<&Dict>) -> Findings {
    let mut findings = Findings::default();
    for (key, node) in litellm_params.named().filter(|(_, node)| !node.is_none()) {
        of_param(format!("{path}.litellm_params.{key}"), key, &node.value, &mut findings);
    }
    for (key, node) in model_info.into_iter().flat_map(Dict::named).filter(|(_, node)| !node.is_none()) {
        of_info(format!("{path}.model_info.{key}"), key, &node.value, &mut findings);
    }
    findings
}

fn of_param(path: String, key: &str, value: &Value, into: &mut Findings) {
    if let Some((_, code, text)) = DECLINING.iter().find(|(known, _, _)| *known == key) {
        // Switched off they do nothing, but a number 0 may be a limit or a place in an order.
        if value.is_true() || matches!(value, Value::Int(_) | Value::Float(_)) || MATTER_WHEN_FALSE.contains(&key) {
            into.add(path, code, format!("this deployment {text}"));
        }
    } else if OCR_FIELDS.contains(&key) {
        into.add_for("ocr", path, "ocr_default", "becomes a field of every provider request".to_owned());
    } else if PRICE_PARAMS.contains(&key) {
        into.add(path, "custom_pricing", "this deployment has a price of its own");
    } else if matches!(key, "timeout" | "stream_timeout") && matches!(value, Value::Text(_)) {
        into.add(path, "timeout_text", "a timeout that is text is not a number of seconds to every part of LiteLLM");
    } else if matches!(key, "weight" | "num_retries") && !matches!(value, Value::Int(_) | Value::Float(_)) {
        into.add(path, "not_a_number", "LiteLLM takes this as it is, and it is no number");
    } else if UNPROVEN.contains(&key) {
        into.add(path, "unproven_setting", "nobody has measured what this changes natively");
    } else if !FOLLOWED.contains(&key) && !HARMLESS.contains(&key) {
        into.unknown_keys.push(path);
    }
}

fn of_info(path: String, key: &str, value: &Value, into: &mut Findings) {
    match key {
        "base_model" => into.add(path, "custom_pricing", "this deployment takes its price from another model"),
        "team_id" | "team_public_model_name" => into.add(path, "team_model", "this deployment belongs to a team"),
        "blocked" | "db_model" if value.is_true() => into.add(path, "blocked", "this deployment is kept out of use"),
        "enable_tag_filtering" if value.is_true() => into.add(path, "tag_routing", "this deployment is picked by tags"),
        "litellm_provider" => {
            into.add(path, "custom_pricing", "this deployment changes the price map's entry of its model")
        }
        "mode" if !matches!(value, Value::Text(mode) if mode == "chat" || mode == "ocr") => {
            into.add(path, "provider_request", "this deployment may be called by another API");
        }
        "cooldown_time" | "allowed_fails" | "allowed_fails_policy" => {
            for route in COOLING_ROUTES {
                let text = "this deployment has a cooldown of its own".to_owned();
                into.add_for(route, path.clone(), "cooldown_policy", text);
            }
        }
        _ if key.contains("_cost")
            || key.starts_with("cost_")
            || key.starts_with("ptu_")
            || key.contains("pricing") =>
        {
            into.add(path, "custom_pricing", "this deployment has a price of its own");
        }
        _ => {}
    }
}

const KEY_OF_ANOTHER_HOST: &str = "LiteLLM counts at Anthropic's own address, with the key of another host";

/// What a deployment says that is not reproduced on the routes on which its provider is native.
pub fn of_route(
    provider: &str,
    path: &str,
    params: &Map<String, serde_json::Value>,
    info: &Map<String, serde_json::Value>,
    into: &mut Findings,
) {
    let found = match provider {
        "anthropic" => vec![
            ("messages", messages::deployment::declines(params, info)),
            ("count_tokens", anthropic::count_tokens::declines(params, info)),
            ("chat_completions", anthropic::chat::deployment::declines(params, info)),
        ],
        "openai" => vec![("chat_completions", openai::chat::deployment::declines(params, info))],
        "mistral" => vec![("count_tokens", count_tokens::declines(info))],
        _ => return,
    };
    for (route, declines) in found {
        for (key, decline) in declines {
            let is_others_key = route == "count_tokens" && key == "litellm_params.api_base";
            let text = if is_others_key {
                KEY_OF_ANOTHER_HOST
            } else {
                "what this changes on this route is not reproduced natively"
            };
            let text = text.to_owned();
            into.add_for(route, format!("{path}.{key}"), decline.reason(), text);
        }
    }
}

/// Where the environment moves Anthropic, LiteLLM counts there with the moved host's key nevertheless.
pub fn of_count(provider: &str, params: &Map<String, serde_json::Value>, api_base: Option<&str>, into: &mut Findings) {
    let is_of_file = params.get("api_base").is_some_and(|value| !value.is_null());
    let is_anthropics = api_base.is_none_or(anthropic::count_tokens::is_anthropics);
    if provider == "anthropic" && !is_of_file && !is_anthropics {
        let text = KEY_OF_ANOTHER_HOST.to_owned();
        into.add_for("count_tokens", "environment.ANTHROPIC_API_BASE".to_owned(), "deployment_connection", text);
    }
}
