//! The configuration that `crossfade tap` prints: the same one, with provider traffic led through the tap.
//!
//! Works on the files as written, not as resolved: `os.environ/…` references stay references, so no secret is
//! printed. Included files are inlined; comments are lost. The output is JSON in YAML's flow style, every text
//! quoted, so that no value changes its type when LiteLLM reads it back.
//!
//! Every deployment keeps the id it has in the original, because that id is a hash over `api_base` too.

use std::fmt::Write;
use std::path::Path;

use http::{HeaderMap, HeaderValue};

use super::error::ConfigError;
use super::litellm::{self, LiteLlmConfig, ReadFile};
use super::python::{Dict, Node, Place, Value, str_of};

/// LiteLLM's headers that name the deployment which answered, and show its address.
pub const MODEL_ID: &str = "x-litellm-model-id";
pub const API_BASE: &str = "x-litellm-model-api-base";

/// Where providers are reached when a deployment names no `api_base`, with the path LiteLLM expects after it.
///
/// Source: litellm/litellm_core_utils/get_llm_provider_logic.py, litellm/main.py @ 1.102.4
const DEFAULT_BASES: &[(&str, &str)] = &[
    ("mistral", "https://api.mistral.ai/v1"),
    ("openai", "https://api.openai.com/v1"),
    ("anthropic", "https://api.anthropic.com"),
    ("groq", "https://api.groq.com/openai/v1"),
    ("deepseek", "https://api.deepseek.com/beta"),
];

/// The printed configuration, and what the operator should know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapConfig {
    pub yaml: String,
    /// One sentence each, for stderr.
    pub warnings: Vec<String>,
}

/// The provider's own address for a deployment, also for the tap's way back; None: unknown.
pub fn provider_base<'a>(provider: &str, api_base: Option<&'a str>) -> Option<&'a str> {
    api_base.or_else(|| DEFAULT_BASES.iter().find(|(name, _)| *name == provider).map(|(_, base)| *base))
}

/// What LiteLLM would tell of the provider's address, where its answer shows the tap's; `Some(None)`: nothing.
pub fn original_api_base(config: &LiteLlmConfig, headers: &HeaderMap) -> Option<Option<HeaderValue>> {
    let shown = headers.get(API_BASE)?.to_str().ok()?;
    let id = headers.get(MODEL_ID)?.to_str().ok()?;
    if !shown.contains(&format!("/d/{}", path_segment(id))) {
        return None;
    }
    let deployment = config.deployments.iter().find(|deployment| deployment.id == id)?;
    let told = match deployment.provider.as_str() {
        "anthropic" | "openai" => deployment.told_api_base(),
        provider => provider_base(provider, deployment.api_base.as_deref())?,
    };
    match told {
        "" => Some(None),
        told => HeaderValue::from_str(told).ok().map(Some),
    }
}

/// `<tap-url>/d/<model id>` and whatever follows the host in the provider's base, to the letter: LiteLLM appends to
/// it, and a trailing slash shows in the provider's URL.
pub fn tap_base(tap_url: &str, model_id: &str, provider_base: &str) -> String {
    let rest = provider_base.split_once("://").map_or(provider_base, |(_, rest)| rest);
    let path = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    format!("{}/d/{}{path}", tap_url.trim_end_matches('/'), path_segment(model_id))
}

/// Reads the configuration at `path` and re-writes it for a tap at `tap_url`.
pub fn tap_config(
    path: &Path,
    tap_url: &str,
    read_file: ReadFile<'_>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<TapConfig, ConfigError> {
    let source = litellm::read_source(path, read_file)?;
    let config = litellm::load_with(path, read_file, env)?;
    let mut root = source.root;
    let mut warnings = Vec::new();
    if let Some(Value::List(entries)) = root.get_mut("model_list").map(|node| &mut node.value) {
        for (index, entry) in entries.iter_mut().enumerate() {
            lead_through(entry, index, &config, tap_url, &mut warnings);
        }
    }
    let mut yaml = String::new();
    for (key, node) in root.iter() {
        write_value(key, &mut yaml);
        yaml.push_str(": ");
        match (key, &node.value) {
            (Value::Text(name), Value::List(entries)) if name == "model_list" => {
                for entry in entries {
                    yaml.push_str("\n- ");
                    write_value(&entry.value, &mut yaml);
                }
            }
            (_, value) => write_value(value, &mut yaml),
        }
        yaml.push('\n');
    }
    Ok(TapConfig { yaml, warnings })
}

fn lead_through(entry: &mut Node, index: usize, config: &LiteLlmConfig, tap_url: &str, warnings: &mut Vec<String>) {
    let path = format!("model_list[{index}]");
    let mut of_entry = config.deployments.iter().filter(|deployment| deployment.path == path);
    let (Some(deployment), None) = (of_entry.next(), of_entry.next()) else {
        // LiteLLM drops it, or makes several of it: it stays as it is.
        return;
    };
    let Value::Dict(entry) = &mut entry.value else {
        return;
    };
    if deployment.id.is_empty() {
        warnings.push(format!("{path} keeps its own api_base: its id is drawn anew at every start"));
        return;
    }
    if !deployment.id_is_declared {
        pin_id(entry, &deployment.id);
    }
    let Some(base) = provider_base(&deployment.provider, deployment.api_base.as_deref()) else {
        let provider = &deployment.provider;
        warnings.push(format!("{path} keeps its own address: where {provider} is reached is not known here"));
        return;
    };
    if deployment.provider == "openai" && host_is_within(base, OPENAI_HOST) && !host_is_within(tap_url, OPENAI_API_HOST)
    {
        warnings.push(format!(
            "{path} keeps its own address, so its traffic is not mirrored: LiteLLM sends other requests to hosts that are not \
             OpenAI's. Give the tap a name below {OPENAI_API_HOST} in the hosts file of LiteLLM's machine, and name it in the \
             tap's address"
        ));
        return;
    }
    let tapped = tap_base(tap_url, &deployment.id, base);
    if let Some(Value::Dict(params)) = entry.get_mut("litellm_params").map(|node| &mut node.value) {
        params.insert(Value::Text("api_base".to_owned()), Node::new(Value::Text(tapped), Place::default()));
        // A provider known by its host would no longer be known.
        if deployment.litellm_model == deployment.model && params.get("custom_llm_provider").is_none() {
            let provider = Value::Text(deployment.provider.clone());
            params.insert(Value::Text("custom_llm_provider".to_owned()), Node::new(provider, Place::default()));
        }
    }
}

/// Under these LiteLLM takes its client's cache marks out, rewrites tools, and calls another API for some models.
///
/// Source: litellm/llms/openai/chat/gpt_transformation.py `_is_openai_host`, litellm/main.py `_is_openai_backed_api_base`
/// @ 1.102.4
const OPENAI_HOST: &str = "openai.com";
const OPENAI_API_HOST: &str = "api.openai.com";

fn host_is_within(base: &str, domain: &str) -> bool {
    let authority =
        base.split_once("://").map_or(base, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default().to_lowercase();
    host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn pin_id(entry: &mut Dict, id: &str) {
    let id_node = Node::new(Value::Text(id.to_owned()), Place::default());
    let key = Value::Text("id".to_owned());
    match entry.get_mut("model_info").map(|node| &mut node.value) {
        Some(Value::Dict(info)) => info.insert(key, id_node),
        _ => {
            let mut info = Dict::default();
            info.insert(key, id_node);
            entry.insert(Value::Text("model_info".to_owned()), Node::new(Value::Dict(info), Place::default()));
        }
    }
}

/// An id may be any text the operator chose.
/// An id as one segment of a path.
pub fn path_segment(id: &str) -> String {
    id.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// YAML 1.1 flow style that PyYAML reads back as the same value.
fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::None => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Text(text) => write_text(text, out),
        Value::Float(value) => write_float(*value, out),
        Value::Bytes(bytes) => {
            use base64::Engine;
            let _ = write!(out, "!!binary \"{}\"", base64::engine::general_purpose::STANDARD.encode(bytes));
        }
        Value::Int(_) | Value::LongInt(_) | Value::Date(_) | Value::DateTime(_) => out.push_str(&str_of(value)),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_value(&item.value, out);
            }
            out.push(']');
        }
        Value::Dict(dict) => {
            out.push('{');
            for (index, (key, node)) in dict.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_value(key, out);
                out.push_str(": ");
                write_value(&node.value, out);
            }
            out.push('}');
        }
    }
}

/// YAML 1.1 knows a float by its dot.
fn write_float(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str(".nan");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { ".inf" } else { "-.inf" });
    } else {
        let text = str_of(&Value::Float(value));
        match text.split_once('e') {
            Some((digits, exponent)) if !digits.contains('.') => {
                let _ = write!(out, "{digits}.0e{exponent}");
            }
            _ => out.push_str(&text),
        }
    }
}

/// Double-quoted, everything beyond printable ASCII escaped.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(character),
            _ if u32::from(character) <= 0xffff => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => {
                let _ = write!(out, "\\U{:08x}", u32::from(character));
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::litellm::yaml;

    #[test]
    fn what_is_written_reads_back_as_the_same_value() {
        let text = "[a, '1', 1, -0.0, 1.5, 1e3, 1.0e+22, 1.0e-7, .inf, 2024-10-21, 2024-10-21T10:20:30.5+01:00, yes, 'yes', ~, '', \"é\\u2028\\U0001F600\\n\\0\", 123456789012345678901234567890, {a: {1: x, ~: y}}, [], {}, !!binary aGk=]";
        let value = yaml::load(text, 0).expect("it reads").value;
        let mut written = String::new();
        write_value(&value, &mut written);
        let again = yaml::load(&written, 0).expect("it reads back").value;
        assert_eq!(crate::config::python::repr(&again), crate::config::python::repr(&value), "{written}");
    }

    #[test]
    fn bases_keep_their_path() {
        for (base, expected) in [
            ("https://api.mistral.ai/v1", "http://t/d/id%2F1/v1"),
            ("https://api.mistral.ai/v1/", "http://t/d/id%2F1/v1/"),
            ("https://h", "http://t/d/id%2F1"),
            ("http://h:1/a/b?q=1", "http://t/d/id%2F1/a/b?q=1"),
        ] {
            assert_eq!(tap_base("http://t/", "id/1", base), expected, "{base}");
        }
    }

    #[test]
    fn references_stay_references() {
        let text = "model_list:\n- model_name: a\n  litellm_params: {model: mistral/m, api_key: os.environ/KEY}\nx: os.environ/KEY\n";
        let read = |path: &Path| Ok(path.ends_with("c.yaml").then(|| text.as_bytes().to_vec()));
        let printed =
            tap_config(Path::new("/c.yaml"), "http://t", &read, &|_| Some("secret".to_owned())).expect("printed");
        assert!(!printed.yaml.contains("secret"), "{}", printed.yaml);
        assert!(printed.yaml.contains("\"api_key\": \"os.environ/KEY\""), "{}", printed.yaml);
        assert!(printed.yaml.contains("/v1\""), "{}", printed.yaml);
        assert_eq!(printed.warnings, [""; 0]);
    }

    #[test]
    fn openais_own_hosts_are_led_through_a_tap_of_their_name_only() {
        let printed = |base: &str, tap: &str| {
            let text =
                format!("model_list:\n- model_name: a\n  litellm_params: {{model: openai/m, api_key: k{base}}}\n");
            let read = |path: &Path| Ok(path.ends_with("c.yaml").then(|| text.as_bytes().to_vec()));
            tap_config(Path::new("/c.yaml"), tap, &read, &|_| None).expect("printed")
        };
        for (base, tap, is_led) in [
            ("", "http://127.0.0.1:1", false),
            (", api_base: 'https://api.openai.com/v1'", "http://127.0.0.1:1", false),
            (", api_base: 'https://eu.API.openai.com/v1'", "http://notapi.openai.com", false),
            ("", "http://crossfade.api.openai.com:1", true),
            (", api_base: 'https://notopenai.com/v1'", "http://127.0.0.1:1", true),
            (", api_base: 'http://vllm:8000/v1'", "http://127.0.0.1:1", true),
        ] {
            let printed = printed(base, tap);
            assert_eq!(printed.yaml.contains("/d/"), is_led, "{base} {tap}");
            assert_eq!(printed.warnings.is_empty(), is_led, "{base} {tap}");
        }
    }
}
