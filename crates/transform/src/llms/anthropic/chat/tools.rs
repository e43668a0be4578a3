//! The tools of a request in Anthropic's words.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/chat/transformation.py` `_map_tools`, `_map_tool_helper`, `_map_tool_choice`,
//! `map_web_search_tool`.

use super::content::text;
use super::schemas::input_schema;
use crate::decline::Decline;
use crate::python::{Dict, Integer, Value};

const HOSTED: [&str; 7] =
    ["web_search", "bash", "text_editor", "code_execution", "web_fetch", "memory", "tool_search_tool"];
const SEARCHES: [&str; 2] = ["tool_search_tool_regex_20251119", "tool_search_tool_bm25_20251119"];
const PLAIN_COMPUTERS: [&str; 2] = ["computer_20241022", "computer_20250124"];
pub(super) const ADVISOR: &str = "advisor_20260301";

/// Tools, and the servers among them, which have a place of their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tools {
    pub tools: Vec<Value>,
    pub servers: Vec<Value>,
}

impl Tools {
    pub(super) fn of(tools: &[Value]) -> Result<Self, Decline> {
        let mut mapped = Self::default();
        for tool in tools {
            let tool = tool.as_dict().ok_or(Decline::MessageShape)?;
            if tool.get("type").and_then(Value::as_str) == Some("namespace") {
                mapped.add_nested(tool)?;
            } else if tool.get("input_schema").is_some() {
                mapped.tools.push(Value::Dict(tool.clone()));
            } else {
                mapped.add(tool)?;
            }
        }
        Ok(mapped)
    }

    /// A namespace is only a bag.
    fn add_nested(&mut self, namespace: &Dict) -> Result<(), Decline> {
        let nested = match namespace.get("tools") {
            Some(Value::List(nested)) => nested,
            None | Some(Value::None) => return Ok(()),
            Some(_) => return Err(Decline::Parameter),
        };
        for tool in nested {
            let tool = tool.as_dict().ok_or(Decline::Parameter)?;
            if tool.get("input_schema").is_some() {
                self.tools.push(Value::Dict(tool.clone()));
            } else if tool.get("function").is_some() {
                self.add(tool)?;
            } else if tool.get("name").is_some() {
                let mut function = tool.clone();
                let kind = function.remove("type").unwrap_or_else(|| text("function"));
                let mut wrapped = Dict::default();
                wrapped.set("type", kind);
                wrapped.set("function", Value::Dict(function));
                self.add(&wrapped)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, tool: &Dict) -> Result<(), Decline> {
        let kind = tool.get("type").and_then(Value::as_str).ok_or(Decline::Parameter)?;
        let function = match tool.get("function") {
            None => None,
            Some(function) => Some(function.as_dict().ok_or(Decline::Parameter)?),
        };
        let mapped = match kind {
            "function" | "custom" => own_tool(function.ok_or(Decline::Parameter)?)?,
            kind if kind.starts_with("computer_") => computer(kind, function.ok_or(Decline::Parameter)?)?,
            kind if HOSTED.iter().any(|hosted| kind.starts_with(hosted)) => hosted(kind, tool, function)?,
            "url" => {
                self.servers.push(Value::Dict(tool.clone()));
                return Ok(());
            }
            "mcp" => {
                self.servers.push(Value::Dict(server(tool)?));
                return Ok(());
            }
            ADVISOR => advisor(tool)?,
            _ => return Err(Decline::Parameter),
        };
        self.tools.push(Value::Dict(marked(mapped, tool, function)?));
        Ok(())
    }
}

fn given<'a>(dict: &'a Dict, key: &str) -> Option<&'a Value> {
    dict.get(key).filter(|value| **value != Value::None)
}

fn own_tool(function: &Dict) -> Result<Dict, Decline> {
    let mut tool = Dict::default();
    tool.set("name", function.get("name").cloned().ok_or(Decline::Parameter)?);
    tool.set("input_schema", Value::Dict(input_schema(function.get("parameters"))?));
    tool.set("type", text("custom"));
    if let Some(description) = given(function, "description") {
        tool.set("description", description.clone());
    }
    Ok(tool)
}

fn computer(kind: &str, function: &Dict) -> Result<Dict, Decline> {
    let parameters = function.get("parameters").and_then(Value::as_dict).ok_or(Decline::Parameter)?;
    let mut tool = Dict::default();
    tool.set("type", text(kind));
    tool.set("name", function.get("name").cloned().unwrap_or_else(|| text("computer")));
    for key in ["display_width_px", "display_height_px"] {
        tool.set(key, given(parameters, key).cloned().ok_or(Decline::Parameter)?);
    }
    if let Some(number) = given(parameters, "display_number") {
        tool.set("display_number", number.clone());
    }
    Ok(tool)
}

/// A tool that Anthropic runs, as it came.
fn hosted(kind: &str, tool: &Dict, function: Option<&Dict>) -> Result<Dict, Decline> {
    let name = tool.get("name").or_else(|| function?.get("name"));
    let name = name.filter(|name| matches!(name, Value::Str(_))).ok_or(Decline::Parameter)?;
    let mut mapped = Dict::default();
    mapped.set("type", text(kind));
    mapped.set("name", name.clone());
    for (key, value) in tool.iter().filter(|(key, _)| !matches!(key.as_str(), Some("type" | "name"))) {
        mapped.push(key.clone(), value.clone());
    }
    Ok(mapped)
}

/// A server as OpenAI's Responses API describes it.
fn server(tool: &Dict) -> Result<Dict, Decline> {
    let word = |key: &str| tool.get(key).cloned().ok_or(Decline::Parameter);
    let mut server = Dict::default();
    server.set("type", text("url"));
    server.set("url", word("server_url")?);
    server.set("name", word("server_label")?);
    if let Some(allowed) = given(tool, "allowed_tools") {
        let mut configuration = Dict::default();
        configuration.set("allowed_tools", allowed.clone());
        server.set("tool_configuration", Value::Dict(configuration));
    }
    if let Some(headers) = given(tool, "headers") {
        let headers = headers.as_dict().ok_or(Decline::Parameter)?;
        if let Some(token) = given(headers, "Authorization") {
            let token = token.as_str().ok_or(Decline::Parameter)?;
            server.set("authorization_token", text(&token.replace("Bearer ", "")));
        }
    }
    Ok(server)
}

fn advisor(tool: &Dict) -> Result<Dict, Decline> {
    let model = tool.get("model").filter(|model| matches!(model, Value::Str(_))).ok_or(Decline::Parameter)?;
    let mut mapped = Dict::default();
    mapped.set("type", text(ADVISOR));
    mapped.set("name", text("advisor"));
    mapped.set("model", model.clone());
    for key in ["max_uses", "caching"] {
        if let Some(value) = given(tool, key) {
            mapped.set(key, value.clone());
        }
    }
    Ok(mapped)
}

/// Adds what may stand on a tool or inside its function, as far as its kind takes it.
fn marked(mut mapped: Dict, tool: &Dict, function: Option<&Dict>) -> Result<Dict, Decline> {
    let kind = mapped.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if SEARCHES.contains(&kind.as_str()) {
        return Ok(mapped);
    }
    let inside = |key: &str| function.and_then(|function| given(function, key));
    let either = |key: &str| given(tool, key).or_else(|| inside(key));
    let inner_mark = || inside("cache_control").filter(|mark| mark.as_dict().is_some());
    if let Some(mark) = given(tool, "cache_control").or_else(inner_mark) {
        mapped.set("cache_control", mark.clone());
    }
    if !PLAIN_COMPUTERS.contains(&kind.as_str()) {
        if let Some(defers) = either("defer_loading") {
            check(matches!(defers, Value::Bool(_)))?;
            mapped.set("defer_loading", defers.clone());
        }
        if let Some(callers) = either("allowed_callers") {
            let callers_given = callers.as_list().ok_or(Decline::Parameter)?;
            check(callers_given.iter().all(|caller| matches!(caller, Value::Str(_))))?;
            mapped.set("allowed_callers", callers.clone());
        }
    }
    if kind == "custom" {
        let list = |value: &&Value| value.as_list().is_some();
        let examples = given(tool, "input_examples").filter(list).or_else(|| inside("input_examples").filter(list));
        if let Some(examples) = examples {
            mapped.set("input_examples", examples.clone());
        }
    }
    Ok(mapped)
}

fn check(is_fine: bool) -> Result<(), Decline> {
    if is_fine { Ok(()) } else { Err(Decline::Parameter) }
}

/// What stands in for tools that a history calls and a request doesn't have.
pub(super) fn dummy() -> Value {
    let mut schema = Dict::default();
    schema.set("type", text("object"));
    schema.set("properties", Value::Dict(Dict::default()));
    let mut tool = Dict::default();
    tool.set("name", text("dummy_tool"));
    tool.set("input_schema", Value::Dict(schema));
    tool.set("type", text("custom"));
    tool.set("description", text("This is a dummy tool call"));
    Value::Dict(tool)
}

/// What runs code on uploaded files, where nothing else was asked for.
pub(super) fn code_execution() -> Value {
    let mut tool = Dict::default();
    tool.set("name", text("code_execution"));
    tool.set("type", text("code_execution_20250522"));
    Value::Dict(tool)
}

/// `tool_choice` and `parallel_tool_calls` together; `None` where neither says anything that Anthropic knows.
pub(super) fn choice(choice: Option<&Value>, parallel: Option<&Value>) -> Result<Option<Dict>, Decline> {
    let of_kind = |kind: &str| {
        let mut choice = Dict::default();
        choice.set("type", text(kind));
        choice
    };
    let mut told = match choice {
        Some(Value::Str(word)) => match word.as_str() {
            Some("auto") => Some(of_kind("auto")),
            Some("required") => Some(of_kind("any")),
            Some("none") => Some(of_kind("none")),
            _ => None,
        },
        Some(Value::Dict(choice)) => {
            let function = choice.get("function").and_then(Value::as_dict).ok_or(Decline::Parameter)?;
            given(function, "name").map(|name| {
                let mut told = of_kind("tool");
                told.set("name", name.clone());
                told
            })
        }
        _ => None,
    };
    let is_none = choice.and_then(Value::as_str) == Some("none");
    if let Some(parallel) = parallel.filter(|_| !is_none) {
        let is_serial = Value::Bool(!parallel.is_truthy());
        told.get_or_insert_with(|| of_kind("auto")).set("disable_parallel_tool_use", is_serial);
    }
    Ok(told)
}

/// `web_search_options`.
pub(super) fn web_search(options: &Dict) -> Result<Value, Decline> {
    const PLACE: [&str; 4] = ["city", "country", "region", "timezone"];
    let mut tool = Dict::default();
    tool.set("type", text("web_search_20250305"));
    tool.set("name", text("web_search"));
    if let Some(place) = given(options, "user_location") {
        let place = place.as_dict().ok_or(Decline::Parameter)?;
        if let Some(approximate) = given(place, "approximate") {
            let approximate = approximate.as_dict().ok_or(Decline::Parameter)?;
            let mut told = Dict::default();
            told.set("type", text("approximate"));
            for (key, value) in approximate.iter() {
                if key.as_str().is_some_and(|key| PLACE.contains(&key)) {
                    told.push(key.clone(), value.clone());
                }
            }
            tool.set("user_location", Value::Dict(told));
        }
    }
    if let Some(size) = given(options, "search_context_size") {
        let uses = match size.as_str() {
            Some("low") => 1,
            Some("medium") => 5,
            Some("high") => 10,
            _ => return Err(Decline::Parameter),
        };
        tool.set("max_uses", Value::Int(Integer::from(uses)));
    }
    Ok(Value::Dict(tool))
}
