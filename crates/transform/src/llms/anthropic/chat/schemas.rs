//! JSON schemas as Anthropic takes them, of a tool's input and of an answer.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/prompt_templates/common_utils.py` `unpack_defs`, `sanitize_input_schema_for_anthropic`,
//! `llms/anthropic/chat/transformation.py` `filter_anthropic_output_schema`, `llms/base_llm/base_utils.py`.

use super::content::text;
use crate::decline::Decline;
use crate::python::json_encode::json_dumps;
use crate::python::{Dict, Text, Value, repr};

/// LiteLLM refuses to write more than this in place of references.
const INLINED_BYTES_MAX: usize = 10_000_000;

/// The schema of a tool's input: an object, of which Anthropic knows a few keywords.
pub(super) fn input_schema(parameters: Option<&Value>) -> Result<Dict, Decline> {
    const KNOWN: [&str; 6] = ["type", "properties", "additionalProperties", "required", "$defs", "strict"];
    let mut schema = match parameters {
        Some(Value::Dict(schema)) => schema.clone(),
        Some(other) if other.is_truthy() => return Err(Decline::Parameter),
        _ => Dict::default(),
    };
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        schema.set("type", text("object"));
    }
    if schema.get("properties").is_none() {
        schema.set("properties", Value::Dict(Dict::default()));
    }
    if has_legacy_definitions(&schema) {
        schema = without_legacy_definitions(schema)?;
    }
    let mut kept = Dict::default();
    for (key, value) in schema.iter().filter(|(key, _)| key.as_str().is_some_and(|key| KNOWN.contains(&key))) {
        kept.push(key.clone(), value.clone());
    }
    Ok(kept)
}

fn component_schemas(schema: &Dict) -> Option<&Dict> {
    schema.get("components")?.as_dict()?.get("schemas")?.as_dict()
}

fn has_legacy_definitions(schema: &Dict) -> bool {
    schema.get("definitions").is_some() || component_schemas(schema).is_some()
}

fn without_legacy_definitions(mut schema: Dict) -> Result<Dict, Decline> {
    let mut definitions = match schema.remove("components") {
        None => Dict::default(),
        Some(Value::Dict(components)) => match components.get("schemas") {
            Some(Value::Dict(schemas)) => schemas.clone(),
            Some(other) if other.is_truthy() => return Err(Decline::Parameter),
            _ => Dict::default(),
        },
        Some(_) => return Err(Decline::Parameter),
    };
    merge(&mut definitions, schema.remove("definitions").as_ref())?;
    inlined(&schema, definitions)
}

/// The schema of an answer, with its references written out and without what Anthropic refuses.
pub(super) fn output_schema(schema: &Dict) -> Result<Value, Decline> {
    let mut schema = schema.clone();
    let legacy = schema.remove("definitions");
    let definitions = match schema.remove("$defs").or(legacy) {
        None => Dict::default(),
        Some(Value::Dict(definitions)) => definitions,
        Some(other) if other.is_truthy() => return Err(Decline::Parameter),
        Some(_) => Dict::default(),
    };
    if !definitions.is_empty() {
        schema = inlined(&schema, definitions)?;
    }
    filtered(&Value::Dict(schema))
}

/// `{**into, **more}`.
fn merge(into: &mut Dict, more: Option<&Value>) -> Result<(), Decline> {
    match more {
        None => Ok(()),
        Some(Value::Dict(more)) => {
            for (key, value) in more.iter() {
                into.set(key.as_str().ok_or(Decline::Unwritable)?, value.clone());
            }
            Ok(())
        }
        Some(other) if other.is_truthy() => Err(Decline::Parameter),
        Some(_) => Ok(()),
    }
}

fn inlined(schema: &Dict, definitions: Dict) -> Result<Dict, Decline> {
    let definitions = with_local(&definitions, schema)?;
    let mut inliner = Inliner { bytes: 0 };
    match inliner.written_out(&Value::Dict(schema.clone()), &definitions, &[])? {
        Value::Dict(schema) => Ok(schema),
        _ => Err(Decline::Parameter),
    }
}

/// The definitions in force inside a node, its own in front.
fn with_local(definitions: &Dict, node: &Dict) -> Result<Dict, Decline> {
    let mut all = definitions.clone();
    for key in ["$defs", "definitions"] {
        match node.get(key) {
            None => {}
            Some(local @ Value::Dict(_)) => merge(&mut all, Some(local))?,
            Some(_) => return Err(Decline::Parameter),
        }
    }
    Ok(all)
}

fn has_local(node: &Dict) -> bool {
    node.get("$defs").is_some() || node.get("definitions").is_some()
}

/// Writes definitions in place of references, as far as LiteLLM does.
struct Inliner {
    bytes: usize,
}

impl Inliner {
    fn written_out(&mut self, node: &Value, definitions: &Dict, chain: &[&str]) -> Result<Value, Decline> {
        match node {
            Value::Dict(node) => match node.get("$ref") {
                Some(reference) => {
                    let reference = reference.as_str().ok_or(Decline::Parameter)?;
                    let name = reference.rsplit('/').next().unwrap_or_default();
                    self.resolved(node, name, definitions, chain)
                }
                None => self.each(node, definitions, chain),
            },
            Value::List(items) => {
                let items = items.iter().map(|item| self.written_out(item, definitions, chain));
                Ok(Value::List(items.collect::<Result<_, _>>()?))
            }
            other => Ok(other.clone()),
        }
    }

    fn each(&mut self, node: &Dict, definitions: &Dict, chain: &[&str]) -> Result<Value, Decline> {
        let local = if has_local(node) { Some(with_local(definitions, node)?) } else { None };
        let definitions = local.as_ref().unwrap_or(definitions);
        let mut written = Dict::default();
        for (key, value) in node.iter() {
            written.push(key.clone(), self.written_out(value, definitions, chain)?);
        }
        Ok(Value::Dict(written))
    }

    /// What a reference names; one to itself, or to nothing, stays.
    fn resolved(&mut self, node: &Dict, name: &str, definitions: &Dict, chain: &[&str]) -> Result<Value, Decline> {
        let target = definitions.get(name).filter(|target| !chain.contains(&name) && **target != Value::None);
        let Some(target) = target else {
            return Ok(Value::Dict(node.clone()));
        };
        self.bytes = self.bytes.saturating_add(estimated_bytes(target));
        if self.bytes > INLINED_BYTES_MAX {
            return Err(Decline::Parameter);
        }
        let inner = with_local(definitions, target.as_dict().ok_or(Decline::Parameter)?)?;
        let chain: Vec<&str> = chain.iter().copied().chain([name]).collect();
        self.written_out(target, &inner, &chain)
    }
}

/// About how long a value is as JSON, by LiteLLM's own measure.
fn estimated_bytes(value: &Value) -> usize {
    match value {
        Value::Dict(dict) => {
            let entry = |(key, value): (&Text, &Value)| key.code_points().count() + 4 + estimated_bytes(value);
            2 + dict.iter().map(entry).sum::<usize>()
        }
        Value::List(items) => 2 + items.len().saturating_sub(1) + items.iter().map(estimated_bytes).sum::<usize>(),
        Value::Str(text) => text.code_points().count() + 2,
        Value::Bool(true) | Value::None => 4,
        Value::Bool(false) => 5,
        Value::Int(_) | Value::Float(_) => 24,
    }
}

/// Constraints that an answer can't be held to: a description tells them instead.
const CONSTRAINTS: [(&str, &str); 25] = [
    ("minItems", "minimum number of items: {}"),
    ("maxItems", "maximum number of items: {}"),
    ("uniqueItems", "all array items must be unique"),
    ("contains", "array must contain an item matching: {}"),
    ("minContains", "minimum number of matching items: {}"),
    ("maxContains", "maximum number of matching items: {}"),
    ("prefixItems", "leading items must match, in order: {}"),
    ("minimum", "minimum value: {}"),
    ("maximum", "maximum value: {}"),
    ("exclusiveMinimum", "exclusive minimum value: {}"),
    ("exclusiveMaximum", "exclusive maximum value: {}"),
    ("multipleOf", "must be a multiple of {}"),
    ("minLength", "minimum length: {}"),
    ("maxLength", "maximum length: {}"),
    ("minProperties", "minimum number of properties: {}"),
    ("maxProperties", "maximum number of properties: {}"),
    ("patternProperties", "properties whose names match each pattern must satisfy: {}"),
    ("propertyNames", "property names must satisfy: {}"),
    ("dependentRequired", "dependent required properties: {}"),
    ("dependentSchemas", "dependent schemas: {}"),
    ("unevaluatedProperties", "unevaluated properties must satisfy: {}"),
    ("if", "conditional (if): {}"),
    ("then", "conditional (then): {}"),
    ("else", "conditional (else): {}"),
    ("not", "must not match: {}"),
];

fn filtered(schema: &Value) -> Result<Value, Decline> {
    let Value::Dict(schema) = schema else {
        return Ok(schema.clone());
    };
    let mut kept = Dict::default();
    if let Some(description) = description(schema)? {
        kept.set("description", text(&description));
    }
    let drops_type = enum_conflicts_with_type(schema);
    for (name, value) in schema.iter() {
        let Some(key) = name.as_str() else { return Err(Decline::Unwritable) };
        let is_constraint = CONSTRAINTS.iter().any(|(constraint, _)| *constraint == key);
        if is_constraint || (key == "type" && drops_type) || (key == "description" && kept.get(key).is_some()) {
            continue;
        }
        match (key, value) {
            ("properties" | "$defs", Value::Dict(schemas)) => {
                let mut each = Dict::default();
                for (name, schema) in schemas.iter() {
                    each.push(name.clone(), filtered(schema)?);
                }
                kept.set(key, Value::Dict(each));
            }
            ("items", Value::Dict(_)) => kept.set(key, filtered(value)?),
            ("anyOf" | "oneOf", Value::List(options)) => {
                let mut all = match kept.get("anyOf") {
                    None => Vec::new(),
                    Some(Value::List(earlier)) => earlier.clone(),
                    Some(_) => return Err(Decline::Parameter),
                };
                all.extend(each_filtered(options)?);
                kept.set("anyOf", Value::List(all));
            }
            ("allOf", Value::List(options)) => kept.set(key, Value::List(each_filtered(options)?)),
            _ => kept.set(key, value.clone()),
        }
    }
    if kept.get("type").and_then(Value::as_str) == Some("object") {
        kept.set("additionalProperties", Value::Bool(false));
    }
    Ok(Value::Dict(kept))
}

fn each_filtered(schemas: &[Value]) -> Result<Vec<Value>, Decline> {
    schemas.iter().map(filtered).collect()
}

/// The description with the constraints, if there are any.
fn description(schema: &Dict) -> Result<Option<String>, Decline> {
    let told = |(key, label): &(&str, &str)| {
        let value = schema.get(key).filter(|value| **value != Value::Bool(false))?;
        Some(label.replace("{}", &spelled(value)))
    };
    let notes: Vec<String> = CONSTRAINTS.iter().filter_map(told).collect();
    if notes.is_empty() {
        return Ok(None);
    }
    let note = format!("Note: {}.", notes.join(", "));
    match schema.get("description").filter(|description| description.is_truthy()) {
        None => Ok(Some(note)),
        Some(description) => {
            let description = description.as_str().ok_or(Decline::Parameter)?;
            Ok(Some(format!("{description} {note}")))
        }
    }
}

fn spelled(value: &Value) -> String {
    match value {
        Value::Dict(_) | Value::List(_) => String::from_utf8_lossy(&json_dumps(value)).into_owned(),
        Value::Str(text) => text.as_str().map_or_else(|| repr(value), str::to_owned),
        other => repr(other),
    }
}

fn enum_conflicts_with_type(schema: &Dict) -> bool {
    let Some(Value::List(values)) = schema.get("enum") else {
        return false;
    };
    let kind = match schema.get("type") {
        Some(Value::List(_)) => return true,
        Some(Value::Str(kind)) => kind.as_str().unwrap_or_default(),
        _ => return false,
    };
    let fits = |value: &Value| match kind {
        "null" => matches!(value, Value::None),
        "boolean" => matches!(value, Value::Bool(_)),
        "integer" => matches!(value, Value::Int(_)),
        "number" => matches!(value, Value::Int(_) | Value::Float(_)),
        "string" => matches!(value, Value::Str(_)),
        "array" => matches!(value, Value::List(_)),
        "object" => matches!(value, Value::Dict(_)),
        _ => true,
    };
    !values.iter().all(fits)
}

/// The schema a `response_format` asks for, if it names one; references in it lead to `/$defs/`.
pub(super) fn requested_schema(format: &Dict) -> Result<Option<Dict>, Decline> {
    let named = || format.get("json_schema").and_then(Value::as_dict).and_then(|named| named.get("schema"));
    let is_named = format.get("type").and_then(Value::as_str) == Some("json_schema");
    if is_named && named().is_none() {
        return Err(Decline::Parameter);
    }
    let schema = match (format.get("response_schema"), format.get("json_schema")) {
        (Some(schema), _) => Some(schema),
        (None, Some(_)) => Some(named().ok_or(Decline::Parameter)?),
        (None, None) => None,
    };
    match schema {
        None | Some(Value::None) => Ok(None),
        Some(schema @ Value::Dict(_)) => {
            // Only the named schema is gone through.
            let rewritten = if is_named && format.get("response_schema").is_none() {
                with_led_references(schema)?
            } else {
                schema.clone()
            };
            Ok(rewritten.as_dict().cloned())
        }
        Some(_) => Err(Decline::Parameter),
    }
}

fn with_led_references(value: &Value) -> Result<Value, Decline> {
    match value {
        Value::List(items) => Ok(Value::List(items.iter().map(with_led_references).collect::<Result<_, _>>()?)),
        Value::Dict(dict) => {
            let mut led = Dict::default();
            for (key, value) in dict.iter() {
                let value = match (key.as_str(), value) {
                    (Some("$ref"), Value::Str(reference)) => {
                        let reference = reference.as_str().ok_or(Decline::Unwritable)?;
                        text(&format!("/$defs/{}", reference.rsplit('/').next().unwrap_or_default()))
                    }
                    (Some("$ref"), _) => return Err(Decline::Parameter),
                    _ => with_led_references(value)?,
                };
                led.push(key.clone(), value);
            }
            Ok(Value::Dict(led))
        }
        other => Ok(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A schema whose references stand for `each` bytes `times` over.
    fn referring(each: usize, times: usize) -> Dict {
        let mut definition = Dict::default();
        // Braces, the key with its marks, the quotes.
        definition.set("d", text(&"x".repeat(each - 9)));
        let mut definitions = Dict::default();
        definitions.set("A", Value::Dict(definition));
        let mut reference = Dict::default();
        reference.set("$ref", text("#/$defs/A"));
        let mut schema = Dict::default();
        schema.set("anyOf", Value::List(vec![Value::Dict(reference); times]));
        schema.set("$defs", Value::Dict(definitions));
        schema
    }

    #[test]
    fn what_is_written_out_is_bounded() {
        assert!(output_schema(&referring(INLINED_BYTES_MAX / 10, 10)).is_ok());
        assert_eq!(output_schema(&referring(INLINED_BYTES_MAX / 10 + 1, 10)), Err(Decline::Parameter));
    }
}
