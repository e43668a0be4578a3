//! The blocks of an answer, sorted into what a chat completion has places for.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/chat/transformation.py` `extract_response_content`, `_build_provider_specific_fields`,
//! `types/responses/main.py`.

use super::tool_names::ToolNames;
use crate::python::json_encode::json_dumps;
use crate::python::{Dict, Integer, Text, Value, type_name};

/// What an answer's blocks say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Content {
    pub text: String,
    pub citations: Option<Vec<Value>>,
    pub thinking_blocks: Option<Vec<Value>>,
    pub tool_calls: Vec<Dict>,
    pub web_search_results: Option<Vec<Value>>,
    pub tool_results: Option<Vec<Value>>,
    pub compaction_blocks: Option<Vec<Value>>,
}

impl Content {
    /// Errors  what Python says of blocks that aren't such.
    pub(super) fn read(blocks: &[Value], names: &ToolNames) -> Result<Self, String> {
        let mut content = Self::default();
        for (index, block) in blocks.iter().enumerate() {
            let block = block.as_dict().ok_or_else(|| no_item(block))?;
            content.add(index, block, names)?;
        }
        Ok(content)
    }

    fn add(&mut self, index: usize, block: &Dict, names: &ToolNames) -> Result<(), String> {
        let kind = required(block, "type")?;
        let kind = kind.as_str().ok_or_else(|| format!("'{}' object has no attribute 'endswith'", type_name(kind)))?;
        let whole = || Value::Dict(block.clone());
        match kind {
            "text" => match required(block, "text")? {
                Value::Str(text) => self.text.push_str(text.as_str().ok_or("surrogates not allowed")?),
                other => return Err(format!("can only concatenate str (not \"{}\") to str", type_name(other))),
            },
            "tool_use" | "server_tool_use" => self.tool_calls.push(tool_call(index, block, names)?),
            "tool_search_tool_result" => return Ok(()),
            "web_search_tool_result" | "web_fetch_tool_result" => push(&mut self.web_search_results, whole()),
            kind if kind.ends_with("_tool_result") => push(&mut self.tool_results, whole()),
            "thinking" | "redacted_thinking" => push(&mut self.thinking_blocks, whole()),
            "compaction" => push(&mut self.compaction_blocks, whole()),
            _ => {}
        }
        if let Some(citations) = block.get("citations").filter(|citations| **citations != Value::None) {
            let supported = block.get("text").cloned().unwrap_or_else(|| text(""));
            let cited = match citations {
                Value::List(citations) => citations.iter().map(|citation| supporting(citation, &supported)).collect(),
                Value::Dict(citations) if citations.is_empty() => Ok(Vec::new()),
                Value::Str(_) | Value::Dict(_) => Err("'str' object is not a mapping".to_owned()),
                other => Err(format!("'{}' object is not iterable", type_name(other))),
            };
            push(&mut self.citations, Value::List(cited?));
        }
        Ok(())
    }

    /// The text of all thinking; empty if what there is can't be read.
    pub(super) fn reasoning(&self) -> Option<String> {
        let blocks = self.thinking_blocks.as_ref()?;
        let thoughts = blocks.iter().filter_map(|block| block.as_dict()?.get("thinking")?.as_str());
        Some(thoughts.collect())
    }

    /// `provider_specific_fields` of the message.
    pub(super) fn specific_fields(&self, answer: &Dict) -> Dict {
        let list = |values: &Option<Vec<Value>>| values.clone().map_or(Value::None, Value::List);
        let given = |key: &str| answer.get(key).filter(|value| **value != Value::None).cloned();
        let mut fields = Dict::default();
        fields.set("citations", list(&self.citations));
        fields.set("thinking_blocks", list(&self.thinking_blocks));
        if let Some(management) = given("context_management") {
            fields.set("context_management", management);
        }
        if let Some(results) = &self.web_search_results {
            fields.set("web_search_results", Value::List(results.clone()));
            let blocks = answer.get("content").and_then(Value::as_list).unwrap_or_default();
            let calls = results.iter().filter_map(|result| searched(result, blocks)).collect();
            fields.set("web_search_calls", Value::List(calls));
        }
        let container = given("container");
        if let Some(results) = &self.tool_results {
            fields.set("tool_results", Value::List(results.clone()));
            let id = container.as_ref().and_then(Value::as_dict).and_then(|container| container.get("id"));
            let blocks = answer.get("content").and_then(Value::as_list).unwrap_or_default();
            let runs = results.iter().filter_map(|result| code_run(result, &command(blocks, result), id)).collect();
            fields.set("code_interpreter_results", Value::List(runs));
        }
        if let Some(container) = container {
            fields.set("container", container);
        }
        if let Some(blocks) = &self.compaction_blocks {
            fields.set("compaction_blocks", Value::List(blocks.clone()));
        }
        fields
    }
}

fn push(values: &mut Option<Vec<Value>>, value: Value) {
    values.get_or_insert_with(Vec::new).push(value);
}

pub(super) fn text(text: &str) -> Value {
    Value::Str(Text::from(text))
}

/// `block[key]`.
fn required<'a>(block: &'a Dict, key: &str) -> Result<&'a Value, String> {
    block.get(key).ok_or_else(|| format!("'{key}'"))
}

fn no_item(value: &Value) -> String {
    match value {
        Value::Str(_) => "string indices must be integers, not 'str'".to_owned(),
        Value::List(_) => "list indices must be integers or slices, not str".to_owned(),
        other => format!("'{}' object is not subscriptable", type_name(other)),
    }
}

/// A call in OpenAI's words; its place is that of its block.
fn tool_call(index: usize, block: &Dict, names: &ToolNames) -> Result<Dict, String> {
    let (id, name, input) = (required(block, "id")?, required(block, "name")?, required(block, "input")?);
    let mut function = Dict::default();
    function.set("arguments", text(&String::from_utf8_lossy(&json_dumps(input))));
    function.set("name", name.as_str().map_or_else(|| name.clone(), |name| text(names.original(name))));
    let mut call = Dict::default();
    call.set("index", Value::Int(Integer::from(index as i64)));
    if let Some(caller) = block.get("caller").filter(|caller| **caller != Value::None) {
        call.set("caller", caller.clone());
    }
    call.set("function", Value::Dict(function));
    call.set("id", id.clone());
    call.set("type", text("function"));
    Ok(call)
}

/// A citation with the text it stands behind.
fn supporting(citation: &Value, supported: &Value) -> Result<Value, String> {
    let not_a_mapping = || format!("'{}' object is not a mapping", type_name(citation));
    let mut cited = citation.as_dict().cloned().ok_or_else(not_a_mapping)?;
    cited.set("supported_text", supported.clone());
    Ok(Value::Dict(cited))
}

/// The search a result belongs to, if it was one of Anthropic's own.
fn searched(result: &Value, blocks: &[Value]) -> Option<Value> {
    let result = result.as_dict()?;
    let word = |dict: &Dict, key: &str| dict.get(key).and_then(Value::as_str).map(str::to_owned);
    if word(result, "type").as_deref() != Some("web_search_tool_result") {
        return None;
    }
    let id = word(result, "tool_use_id")?;
    let is_call = |block: &&Dict| {
        word(block, "type").as_deref() == Some("server_tool_use")
            && word(block, "name").as_deref() == Some("web_search")
            && word(block, "id").as_deref() == Some(&id)
            && block.get("input").is_some_and(|input| input.as_dict().is_some())
    };
    let input = blocks.iter().filter_map(Value::as_dict).rfind(is_call)?.get("input")?.as_dict()?;
    Some(web_search_call(&id, input.get("query").and_then(Value::as_str).unwrap_or_default(), result))
}

/// A search as OpenAI's Responses API has it.
pub(super) fn web_search_call(id: &str, query: &str, result: &Dict) -> Value {
    let content = result.get("content");
    let word = |value: &Value, key: &str| value.as_dict().and_then(|value| value.get(key)?.as_str()).map(str::to_owned);
    let is_hit = |hit: &&Value| word(hit, "type").as_deref() == Some("web_search_result");
    let source = |hit: &Value| {
        let mut source = Dict::default();
        source.set("type", text("url"));
        source.set("url", text(&word(hit, "url")?));
        Some(Value::Dict(source))
    };
    let hits = content.and_then(Value::as_list).unwrap_or_default();
    let queries = if query.is_empty() { Vec::new() } else { vec![text(query)] };
    let mut action = Dict::default();
    action.set("type", text("search"));
    action.set("queries", Value::List(queries));
    action.set("query", text(query));
    action.set("sources", Value::List(hits.iter().filter(is_hit).filter_map(source).collect()));
    let failed = content.and_then(|content| word(content, "type")).as_deref() == Some("web_search_tool_result_error");
    let mut call = Dict::default();
    call.set("id", text(&format!("ws_{id}")));
    call.set("action", Value::Dict(action));
    call.set("status", text(if failed { "failed" } else { "completed" }));
    call.set("type", text("web_search_call"));
    Value::Dict(call)
}

/// The command of the call that a result belongs to.
fn command(blocks: &[Value], result: &Value) -> String {
    let id = result.as_dict().and_then(|result| result.get("tool_use_id"));
    let is_call = |block: &&Dict| {
        let kind = block.get("type").and_then(Value::as_str);
        matches!(kind, Some("tool_use" | "server_tool_use")) && block.get("id") == id && id.is_some()
    };
    let call = blocks.iter().filter_map(Value::as_dict).rfind(is_call);
    let command = call.and_then(|call| call.get("input")?.as_dict()?.get("command")?.as_str());
    command.unwrap_or_default().to_owned()
}

/// A run of code as OpenAI's Responses API has it, without what is null.
pub(super) fn code_run(result: &Value, code: &str, container: Option<&Value>) -> Option<Value> {
    let result = result.as_dict()?;
    if result.get("type").and_then(Value::as_str) != Some("bash_code_execution_tool_result") {
        return None;
    }
    let mut run = Dict::default();
    run.set("type", text("code_interpreter_call"));
    run.set("id", result.get("tool_use_id").cloned().unwrap_or_else(|| text("")));
    run.set("code", text(code));
    if let Some(container) = container.filter(|container| **container != Value::None) {
        run.set("container_id", container.clone());
    }
    run.set("status", text("completed"));
    let logs = logs(result.get("content"));
    if !logs.is_empty() {
        let mut log = Dict::default();
        log.set("type", text("logs"));
        log.set("logs", text(&logs));
        run.set("outputs", Value::List(vec![Value::Dict(log)]));
    }
    Some(Value::Dict(run))
}

fn logs(content: Option<&Value>) -> String {
    let word = |key: &str| content.and_then(Value::as_dict).and_then(|content| content.get(key)?.as_str());
    let (output, error) = (word("stdout").unwrap_or_default(), word("stderr").unwrap_or_default());
    if error.is_empty() { output.to_owned() } else { format!("{output}STDERR: {error}") }
}

/// Thinking as a message tells it: known fields first, none that is null.
pub(super) fn told_thinking(blocks: &[Value]) -> Value {
    const FIELDS: [&str; 5] = ["type", "thinking", "signature", "data", "cache_control"];
    let told = |block: &Value| {
        let Some(block) = block.as_dict() else { return block.clone() };
        let mut told = Dict::default();
        for key in FIELDS {
            if let Some(value) = block.get(key).filter(|value| **value != Value::None) {
                told.set(key, value.clone());
            }
        }
        for (key, value) in block.iter().filter(|(_, value)| **value != Value::None) {
            if key.as_str().is_none_or(|key| !FIELDS.contains(&key)) {
                told.push(key.clone(), value.clone());
            }
        }
        Value::Dict(told)
    };
    Value::List(blocks.iter().map(told).collect())
}
