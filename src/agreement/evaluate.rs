//! Judges the answers of a round.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::expected::{Expected, ExpectedRouter};
use super::probes::{Answer, PYTHON_SAYS, Probe};
use super::sign::TapSign;
use super::{Agreement, Check, CheckState, LITELLM_VERSION, State};

/// What each probe brought, or why it brought nothing.
pub type Answers = HashMap<Probe, Result<Answer, String>>;

/// The price map of the running LiteLLM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceMap {
    /// SHA-256 in hex over the bytes as sent.
    pub hash: String,
    pub bytes: bytes::Bytes,
}

/// Judges `answers`; `price_map` is the one fetched last.
pub fn evaluate(expected: &Expected, answers: &Answers, price_map: Option<&PriceMap>, sign: TapSign) -> Agreement {
    let mut blocked_groups = BTreeSet::new();
    let checks = vec![
        version(answers),
        authentication(expected, answers),
        database(expected, answers),
        cache(answers),
        callbacks(answers),
        model_ids(expected, answers, &mut blocked_groups),
        router_settings(&expected.router, answers),
        ocr_in_python(answers, sign),
        prices(price_map),
    ];
    let state = if checks.iter().any(|check| check.state == CheckState::Failed) {
        State::Disagrees
    } else if checks.iter().any(|check| check.state == CheckState::Unknown) {
        State::Unknown
    } else {
        State::Agrees
    };
    Agreement { state, checks, blocked_groups }
}

fn judge(name: &'static str, expected: impl Into<String>, found: impl Into<String>, fits: bool, remedy: &str) -> Check {
    let (state, text) = if fits { (CheckState::Ok, "as configured") } else { (CheckState::Failed, remedy) };
    Check { name, state, expected: expected.into(), found: found.into(), text: text.to_owned() }
}

fn unknown(name: &'static str, expected: impl Into<String>, problem: String) -> Check {
    Check { name, state: CheckState::Unknown, expected: expected.into(), found: String::new(), text: problem }
}

fn answer(answers: &Answers, probe: Probe) -> Result<&Answer, String> {
    match answers.get(&probe) {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(problem)) => Err(format!("LiteLLM did not answer: {problem}")),
        None => Err("not asked yet".to_owned()),
    }
}

fn json(answers: &Answers, probe: Probe) -> Result<Value, String> {
    let answer = answer(answers, probe)?;
    if answer.status != 200 {
        return Err(format!("LiteLLM answered with status {}", answer.status));
    }
    serde_json::from_slice(&answer.body).map_err(|_| "LiteLLM's answer is not JSON".to_owned())
}

fn version(answers: &Answers) -> Check {
    let name = "version";
    match json(answers, Probe::Readiness) {
        Err(problem) => unknown(name, LITELLM_VERSION, problem),
        Ok(details) => {
            let found = details["litellm_version"].as_str().unwrap_or("none");
            judge(name, LITELLM_VERSION, found, found == LITELLM_VERSION, "run LiteLLM at this version")
        }
    }
}

/// A request with the configured key is let in, one without is refused if there is a key.
fn authentication(expected: &Expected, answers: &Answers) -> Check {
    let name = "authentication";
    let wanted = if expected.master_key.is_some() { "refused without key" } else { "open to everybody" };
    let (with, without) = match (answer(answers, Probe::Ocr), answer(answers, Probe::OcrWithoutKey)) {
        (Ok(with), Ok(without)) => (with.status, without.status),
        (Err(problem), _) | (_, Err(problem)) => return unknown(name, wanted, problem),
    };
    // The probe itself ends in 400 or 500; a refusal is 401, or 403 from something in between.
    let refused = |status: u16| matches!(status, 401 | 403);
    let ended = |status: u16| matches!(status, 400 | 500);
    let found = format!("{with} with the configured key, {without} without");
    let fits = ended(with) && if expected.master_key.is_some() { refused(without) } else { ended(without) };
    judge(name, wanted, found, fits, "give LiteLLM and Crossfade the same master key")
}

fn database(expected: &Expected, answers: &Answers) -> Check {
    let wanted = if expected.has_database { "connected" } else { "Not connected" };
    match json(answers, Probe::Readiness) {
        Err(problem) => unknown("database", wanted, problem),
        Ok(details) => {
            let found = details["db"].as_str().unwrap_or("none");
            judge("database", wanted, found, found == wanted, "give LiteLLM and Crossfade the same DATABASE_URL")
        }
    }
}

/// A configured cache declines anyway; here one would come from a setting that Crossfade has not seen.
fn cache(answers: &Answers) -> Check {
    match json(answers, Probe::Readiness) {
        Err(problem) => unknown("cache", "none", problem),
        Ok(details) => {
            let found = details.get("cache").map_or("none".to_owned(), |cache| match cache {
                Value::Null => "none".to_owned(),
                Value::String(name) => name.clone(),
                _ => "another".to_owned(),
            });
            let fits = found == "none";
            judge("cache", "none", found, fits, "LiteLLM runs with a cache that this configuration does not have")
        }
    }
}

/// What LiteLLM registers by itself.
const OWN_CALLBACKS: [&str; 12] = [
    // The first request to Gemini makes it, for a cache of which only the way to name keys is used; nothing acts on the name.
    // A cache that is used shows as one.
    "cache",
    "sync_deployment_callback_on_success",
    "_PROXY_VirtualKeyModelMaxBudgetLimiter",
    "_PROXY_MaxBudgetLimiter",
    "_PROXY_MaxParallelRequestsHandler_v3",
    "_PROXY_CacheControlCheck",
    "ResponsesIDSecurity",
    "SkillsInjectionHook",
    "_PROXY_MaxIterationsHandler",
    "_PROXY_MaxBudgetPerSessionHandler",
    "_PROXY_SensitiveDataRoutingHandler",
    "ServiceLogging",
];

fn callbacks(answers: &Answers) -> Check {
    let wanted = "LiteLLM's own only";
    match json(answers, Probe::Readiness) {
        Err(problem) => unknown("callbacks", wanted, problem),
        Ok(details) => {
            let Some(names) = details["success_callbacks"].as_array() else {
                return unknown("callbacks", wanted, "LiteLLM does not list its callbacks".to_owned());
            };
            let foreign: Vec<&str> = names
                .iter()
                .map(|name| name.as_str().unwrap_or("unnamed"))
                .filter(|name| !OWN_CALLBACKS.contains(name))
                .collect();
            let found = if foreign.is_empty() { wanted.to_owned() } else { foreign.join(", ") };
            judge("callbacks", wanted, found, foreign.is_empty(), "LiteLLM runs callbacks that Crossfade does not")
        }
    }
}

fn model_ids(expected: &Expected, answers: &Answers, blocked: &mut BTreeSet<String>) -> Check {
    let name = "model_ids";
    let wanted = format!("{} model groups", expected.groups.len());
    let found = match json(answers, Probe::ModelInfo) {
        Err(problem) => return unknown(name, wanted, problem),
        Ok(info) => match running_groups(&info, expected) {
            Some(groups) => groups,
            None => return unknown(name, wanted, "LiteLLM does not list its models".to_owned()),
        },
    };
    let names: BTreeSet<&String> = expected.groups.keys().chain(found.keys()).collect();
    for group in names {
        if !expected.uncertain_groups.contains(group) && expected.groups.get(group) != found.get(group) {
            blocked.insert(group.clone());
        }
    }
    // A model that only LiteLLM knows came from somewhere Crossfade cannot see.
    let text = match blocked.len() {
        0 => format!("{} model groups", found.len()),
        count => format!("{count} differ: {}", first_few(blocked)),
    };
    judge(
        name,
        wanted,
        text,
        blocked.is_empty(),
        "restart LiteLLM with this configuration, or Crossfade with LiteLLM's",
    )
}

fn first_few(names: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    let more = if names.len() > shown.len() { ", …" } else { "" };
    shown.join(", ") + more
}

/// Group -> sorted ids. Wildcards and aliases are left out: LiteLLM lists them as rows of their own.
fn running_groups(info: &Value, expected: &Expected) -> Option<BTreeMap<String, Vec<String>>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in info["data"].as_array()? {
        let id = row["model_info"]["id"].as_str()?;
        let name = row["model_name"].as_str()?;
        let is_alias = expected.router.aliases.contains_key(name) && !expected.groups.contains_key(name);
        if !is_alias && !expected.wildcard_ids.iter().any(|wildcard| wildcard == id) {
            groups.entry(name.to_owned()).or_default().push(id.to_owned());
        }
    }
    groups.values_mut().for_each(|ids| ids.sort());
    Some(groups)
}

fn router_settings(expected: &ExpectedRouter, answers: &Answers) -> Check {
    let name = "router_settings";
    let wanted = "as configured";
    let settings = match json(answers, Probe::Settings) {
        Err(problem) => return unknown(name, wanted, problem),
        Ok(body) => body.get("router_settings").cloned().unwrap_or_default(),
    };
    let mut different = Vec::new();
    for (key, value) in [
        ("num_retries", expected.num_retries),
        ("timeout", expected.timeout),
        ("retry_after", expected.retry_after),
        ("allowed_fails", expected.allowed_fails),
        ("cooldown_time", expected.cooldown_time),
    ] {
        if settings[key].as_f64() != Some(value) {
            different.push(format!("{key} is {} and not {value}", settings[key]));
        }
    }
    if settings["routing_strategy"].as_str() != Some("simple-shuffle") {
        different.push("routing_strategy is not simple-shuffle".to_owned());
    }
    let switches = [
        "fallbacks",
        "context_window_fallbacks",
        "retry_policy",
        "model_group_retry_policy",
        "enable_weighted_failover",
        "enable_tag_filtering",
        "routing_groups",
    ];
    let unexpected = |key: &&&str| is_set(&settings[**key]) && !expected.switches.contains(**key);
    different.extend(switches.iter().filter(unexpected).map(|key| format!("{key} is set")));
    if running_aliases(&settings["model_group_alias"]) != expected.aliases {
        different.push("model_group_alias differs".to_owned());
    }
    let found = if different.is_empty() { wanted.to_owned() } else { different.join(", ") };
    judge(name, wanted, found, different.is_empty(), "restart LiteLLM with this configuration")
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::String(_) | Value::Number(_) => true,
    }
}

fn running_aliases(value: &Value) -> BTreeMap<String, String> {
    let target = |item: &Value| item.as_str().or_else(|| item["model"].as_str()).unwrap_or_default().to_owned();
    value.as_object().into_iter().flatten().map(|(alias, item)| (alias.clone(), target(item))).collect()
}

fn ocr_in_python(answers: &Answers, sign: TapSign) -> Check {
    let name = "ocr_in_python";
    let wanted = "Python";
    let remedy = "start LiteLLM with LITELLM_RUST=false";
    if sign == TapSign::Rust {
        return judge(name, wanted, "LiteLLM's Rust, seen at the tap", false, remedy);
    }
    let answer = match answer(answers, Probe::Ocr) {
        Err(problem) => return unknown(name, wanted, problem),
        Ok(answer) => answer,
    };
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let message = body["error"]["message"].as_str().unwrap_or_default();
    match answer.status {
        500 if message == PYTHON_SAYS => judge(name, wanted, wanted, true, remedy),
        400 if message.contains("Invalid model name") => judge(name, wanted, "LiteLLM's Rust", false, remedy),
        status => unknown(name, wanted, format!("the probe ended with status {status}, which tells nothing")),
    }
}

fn prices(price_map: Option<&PriceMap>) -> Check {
    let wanted = "LiteLLM's";
    match price_map {
        None => unknown("price_map", wanted, "not fetched yet".to_owned()),
        Some(map) => judge("price_map", wanted, map.hash.clone(), true, ""),
    }
}

impl PriceMap {
    /// None: not the answer of a LiteLLM that has a price map.
    pub fn of(answer: &Answer) -> Option<Self> {
        let object = answer.status == 200
            && serde_json::from_slice::<HashMap<String, &serde_json::value::RawValue>>(&answer.body)
                .is_ok_and(|map| !map.is_empty());
        let hash = || crate::config::litellm::model_id::hex(&Sha256::digest(&answer.body));
        object.then(|| Self { hash: hash(), bytes: answer.body.clone() })
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
