//! Tools, as far as LiteLLM changes them.
//!
//! Source: LiteLLM 1.102.4 `llms/openai/chat/gpt_transformation.py` `_sanitized_tools_update_for_openai`, `main.py`.

use regex::Regex;

use crate::decline::Decline;
use crate::python::{Dict, Value};

/// Escapes that mean the same to Python and here.
const ESCAPES: &str = "dwsDWSbB.-/\\+*?()[]{}^$|nrt\"'_@#%&=,:;<>!~ ";

/// Tools that leave as they came; LiteLLM drops a `pattern` that Python can't compile, and runs some tools itself.
pub(super) fn check(tools: &Value) -> Result<(), Decline> {
    let tools = match tools {
        Value::None => return Ok(()),
        Value::List(tools) => tools,
        _ => return Err(Decline::MessageShape),
    };
    for tool in tools {
        let tool = tool.as_dict().ok_or(Decline::MessageShape)?;
        if tool.get("server_url").is_some() || tool.get("type").and_then(Value::as_str) == Some("mcp") {
            return Err(Decline::HostedTool);
        }
        if tool.get("input_examples").is_some() || tool.iter().any(|(_, value)| has_doubtful_pattern(value)) {
            return Err(Decline::Parameter);
        }
    }
    Ok(())
}

fn has_doubtful_pattern(value: &Value) -> bool {
    match value {
        Value::List(items) => items.iter().any(has_doubtful_pattern),
        Value::Dict(dict) => dict.iter().any(|(key, value)| match (key.as_str(), value) {
            (Some("input_examples"), _) => true,
            (Some("pattern"), Value::Str(pattern)) => !pattern.as_str().is_some_and(is_python_regex),
            (Some("patternProperties"), Value::Dict(patterns)) => {
                patterns.iter().any(|(pattern, _)| !pattern.as_str().is_some_and(is_python_regex))
                    || patterns.iter().any(|(_, value)| has_doubtful_pattern(value))
            }
            _ => has_doubtful_pattern(value),
        }),
        _ => false,
    }
}

/// Whether Python surely compiles this: only what both languages have, and nothing that Python counts differently.
fn is_python_regex(pattern: &str) -> bool {
    let mut characters = pattern.chars().peekable();
    let mut was_quantifier = false;
    while let Some(character) = characters.next() {
        let is_quantifier = matches!(character, '*' | '+' | '?' | '}');
        if was_quantifier && is_quantifier && character != '?' {
            return false;
        }
        match character {
            '\\' if !characters.next().is_some_and(|escaped| ESCAPES.contains(escaped)) => return false,
            '(' if characters.peek() == Some(&'?') => {
                characters.next();
                if characters.next() != Some(':') {
                    return false;
                }
            }
            _ => {}
        }
        was_quantifier = is_quantifier;
    }
    !pattern.contains("{,") && Regex::new(pattern).is_ok()
}

/// Whether OpenAI's own host would be sent parameters that LiteLLM flattens first.
pub(super) fn needs_flattening(tools: Option<&Value>) -> bool {
    const COMBINATORS: [&str; 6] = ["oneOf", "anyOf", "allOf", "enum", "const", "not"];
    let parameters = |tool: &'_ Value| -> Option<Dict> {
        tool.as_dict()?.get("function")?.as_dict()?.get("parameters")?.as_dict().cloned()
    };
    let tools = tools.and_then(Value::as_list).unwrap_or_default();
    tools.iter().filter_map(parameters).any(|parameters| COMBINATORS.iter().any(|key| parameters.get(key).is_some()))
}
