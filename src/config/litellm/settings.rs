//! `general_settings`, `litellm_settings` and `router_settings` as used.
//!
//! Source: litellm/proxy/proxy_server.py `load_config`, litellm/router.py `Router.__init__` @ 1.102.4

use super::environment::Environment;
use super::reasons::Findings;
use super::source::Files;
use super::{GeneralSettings, LitellmSettings, RouterSettings, Seconds, params};
use crate::config::Secret;
use crate::config::error::ConfigError;
use crate::config::python::{Dict, Node, Value};

/// A section of the file; absent and `null` are an empty one.
pub fn section<'a>(root: &'a Dict, name: &str, files: &Files) -> Result<Option<&'a Dict>, ConfigError> {
    let Some(node) = root.get(name).filter(|node| node.value.is_true()) else {
        return Ok(None);
    };
    match node.dict() {
        Some(dict) => Ok(Some(dict)),
        None => Err(files.error(node.place, name, "must be a mapping", "indent its keys below it")),
    }
}

/// LiteLLM reads `LITELLM_MASTER_KEY` when it starts, and again once the file's `environment_variables` are set if
/// there is a non-empty `general_settings`.
pub fn general(
    section: Option<&Dict>,
    files: &Files,
    environment: &Environment<'_>,
) -> Result<GeneralSettings, ConfigError> {
    let Some(section) = section else {
        let master_key = environment.at_start("LITELLM_MASTER_KEY").map(Secret::new);
        return Ok(GeneralSettings { master_key, has_database: has_database(None, environment) });
    };
    let value = match section.get("master_key") {
        Some(node) => node.value.clone(),
        None => environment.secret("LITELLM_MASTER_KEY"),
    };
    let value = match value {
        Value::Text(text) if text.starts_with("os.environ/") => environment.secret(&text),
        other => other,
    };
    let master_key = match value {
        Value::None => None,
        Value::Text(text) => Some(Secret::new(text)),
        _ => {
            let place = section.get("master_key").map(|node| node.place).unwrap_or_default();
            return Err(files.error(place, "general_settings.master_key", "must be text", "put it in quotes"));
        }
    };
    Ok(GeneralSettings { master_key, has_database: has_database(Some(section), environment) })
}

fn has_database(section: Option<&Dict>, environment: &Environment<'_>) -> bool {
    const VARIABLES: [&str; 3] = ["DATABASE_URL", "DIRECT_URL", "DATABASE_HOST"];
    section.and_then(|section| section.get("database_url")).is_some_and(|node| node.value.is_true())
        || VARIABLES.iter().any(|name| environment.text(name).is_some())
}

pub fn litellm(section: Option<&Dict>, findings: &mut Findings) -> LitellmSettings {
    let mut read = Reader { section, name: "litellm_settings", findings };
    LitellmSettings {
        num_retries: read.count("num_retries"),
        request_timeout: read.seconds("request_timeout"),
        drop_params: read.node("drop_params").and_then(|node| params::as_bool(&node.value)),
    }
}

pub fn router(section: Option<&Dict>, findings: &mut Findings) -> RouterSettings {
    let mut read = Reader { section, name: "router_settings", findings };
    RouterSettings {
        num_retries: read.count("num_retries"),
        retry_after: read.seconds("retry_after").map(|seconds| seconds.value),
        timeout: read.seconds("timeout"),
        stream_timeout: read.seconds("stream_timeout"),
        allowed_fails: read.count("allowed_fails"),
        cooldown_time: read.seconds("cooldown_time"),
        disable_cooldowns: read.node("disable_cooldowns").map(|node| node.value.is_true()),
    }
}

/// `router_settings.model_group_alias`; an item is a group, or `{model: group, hidden: …}`.
pub fn aliases(section: Option<&Dict>, files: &Files) -> Result<Vec<(String, String)>, ConfigError> {
    let path = "router_settings.model_group_alias";
    let Some(node) = section.and_then(|section| section.get("model_group_alias")).filter(|node| node.value.is_true())
    else {
        return Ok(Vec::new());
    };
    let wrong = |node: &Node, below: &str| {
        files.error(node.place, format!("{path}{below}"), "must map a name to a group", "write `alias: group`")
    };
    let dict = node.dict().ok_or_else(|| wrong(node, ""))?;
    dict.named()
        .map(|(alias, target)| {
            let group = target
                .text()
                .or_else(|| target.dict().and_then(|item| item.get("model")).and_then(Node::text))
                .ok_or_else(|| wrong(target, &format!(".{alias}")))?;
            Ok((alias.to_owned(), group.to_owned()))
        })
        .collect()
}

struct Reader<'a, 'f> {
    section: Option<&'a Dict>,
    name: &'static str,
    findings: &'f mut Findings,
}

impl<'a> Reader<'a, '_> {
    fn node(&self, key: &str) -> Option<&'a Node> {
        self.section.and_then(|section| section.get(key)).filter(|node| !node.is_none())
    }

    fn seconds(&mut self, key: &str) -> Option<Seconds> {
        match self.node(key)?.value {
            Value::Int(seconds) if seconds >= 0 => Some(Seconds { value: seconds as f64, is_whole: true }),
            Value::Float(value) if value >= 0.0 && value.is_finite() => Some(Seconds { value, is_whole: false }),
            _ => self.odd(key),
        }
    }

    fn count(&mut self, key: &str) -> Option<u32> {
        match self.node(key)?.value {
            Value::Int(count) => u32::try_from(count).ok().or_else(|| self.odd(key)),
            _ => self.odd(key),
        }
    }

    /// LiteLLM starts with such a value and fails, or not, where it is used.
    fn odd<T>(&mut self, key: &str) -> Option<T> {
        let text = "LiteLLM takes this as it is, and it is no number that the native leg can follow";
        self.findings.add(format!("{}.{key}", self.name), "not_a_number", text);
        None
    }
}
