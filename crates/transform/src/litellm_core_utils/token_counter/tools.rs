//! Tools as the text whose tokens LiteLLM counts: a namespace of TypeScript.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/token_counter.py` `_format_function_definitions`.

use super::{Uncounted, python_text};
use crate::python::{Dict, Value};

/// The definitions of all tools, whether OpenAI's or Anthropic's.
pub(super) fn definitions(tools: &[Value]) -> Result<String, Uncounted> {
    let mut lines = vec!["namespace functions {".to_owned(), String::new()];
    for tool in tools.iter().filter_map(Value::as_dict) {
        definition(tool, &mut lines)?;
    }
    lines.push("} // namespace functions".to_owned());
    Ok(lines.join("\n"))
}

fn definition(tool: &Dict, lines: &mut Vec<String>) -> Result<(), Uncounted> {
    let truthy = |value: Option<&Value>| value.is_some_and(Value::is_truthy);
    let function = tool.get("function").and_then(Value::as_dict);
    let named = function.unwrap_or(tool);
    let parameters = match function {
        Some(function) => function.get("parameters"),
        None => tool.get("input_schema").filter(|schema| schema.is_truthy()).or_else(|| tool.get("parameters")),
    };
    let Some(name) = named.get("name").filter(|name| name.is_truthy()) else { return Ok(()) };
    let name = python_text(name)?;
    if let Some(description) = named.get("description").filter(|description| description.is_truthy()) {
        lines.push(format!("// {}", python_text(description)?));
    }
    let parameters = parameters.and_then(Value::as_dict);
    match parameters {
        Some(parameters) if truthy(parameters.get("properties")) => {
            lines.push(format!("type {name} = (_: {{"));
            lines.push(object(parameters, 0)?);
            lines.push("}) => any;".to_owned());
        }
        _ => lines.push(format!("type {name} = () => any;")),
    }
    lines.push(String::new());
    Ok(())
}

fn object(parameters: &Dict, indent: usize) -> Result<String, Uncounted> {
    let Some(properties) = parameters.get("properties").filter(|properties| properties.is_truthy()) else {
        return Ok(String::new());
    };
    let properties = properties.as_dict().ok_or(Uncounted::Raised)?;
    let mut lines = Vec::new();
    for (key, property) in properties.iter() {
        let key = key.as_str().ok_or(Uncounted::NotReproduced)?;
        let property = property.as_dict().ok_or(Uncounted::Raised)?;
        if let Some(description) = property.get("description").filter(|description| description.is_truthy()) {
            lines.push(format!("// {}", python_text(description)?));
        }
        let optional = if is_required(parameters.get("required"), key)? { "" } else { "?" };
        lines.push(format!("{key}{optional}: {},", kind(property, indent)?));
    }
    let indented = lines.into_iter().map(|line| format!("{}{line}", " ".repeat(indent)));
    Ok(indented.collect::<Vec<_>>().join("\n"))
}

/// `required and key in required`
fn is_required(required: Option<&Value>, key: &str) -> Result<bool, Uncounted> {
    match required.filter(|required| required.is_truthy()) {
        None => Ok(false),
        Some(Value::List(names)) => Ok(names.iter().any(|name| name.as_str() == Some(key))),
        Some(Value::Dict(names)) => Ok(names.get(key).is_some()),
        Some(Value::Str(names)) => names.as_str().map(|names| names.contains(key)).ok_or(Uncounted::NotReproduced),
        Some(_) => Err(Uncounted::Raised),
    }
}

fn kind(property: &Dict, indent: usize) -> Result<String, Uncounted> {
    let kind = property.get("type").and_then(Value::as_str).unwrap_or_default();
    let plain = match kind {
        "string" | "integer" | "number" => {
            if let Some(items) = property.get("enum") {
                return choices(items);
            }
            if kind == "string" { kind } else { "number" }
        }
        "array" => {
            let items = property.get("items").ok_or(Uncounted::Raised)?.as_dict().ok_or(Uncounted::Raised)?;
            return Ok(format!("{}[]", self::kind(items, indent)?));
        }
        "object" => return Ok(format!("{{\n{}\n}}", object(property, indent + 2)?)),
        "boolean" | "null" => kind,
        _ => "any",
    };
    Ok(plain.to_owned())
}

fn choices(items: &Value) -> Result<String, Uncounted> {
    let quoted = |item: &Value| python_text(item).map(|item| format!("\"{item}\""));
    let spelled: Vec<String> = match items {
        Value::List(items) => items.iter().map(quoted).collect::<Result<_, _>>()?,
        Value::Dict(items) => {
            items.iter().map(|(key, _)| quoted(&Value::Str(key.clone()))).collect::<Result<_, _>>()?
        }
        Value::Str(text) => {
            let text = text.as_str().ok_or(Uncounted::NotReproduced)?;
            text.chars().map(|character| format!("\"{character}\"")).collect()
        }
        _ => return Err(Uncounted::Raised),
    };
    Ok(spelled.join(" | "))
}
