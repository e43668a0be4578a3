//! Calls inside a stream: the client's tools, and what Anthropic's own searched and ran.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/chat/handler.py` `ModelResponseIterator`, `types/responses/main.py`, `types/utils.py`
//! `ChatCompletionDeltaToolCall`.

use super::content::{code_run, text, web_search_call};
use super::streaming_events::{EVENT_DEPTH_MAX, Unread};
use crate::pydantic::{Issues, Kind, Location};
use crate::python::json_decode::loads;
use crate::python::json_encode::json_dumps;
use crate::python::subscript::{get, item};
use crate::python::{Dict, Integer, Value};

/// More arguments of a call that has begun.
pub(super) fn call_delta(index: i64, arguments: Value) -> Dict {
    let mut function = Dict::default();
    function.set("name", Value::None);
    function.set("arguments", arguments);
    let mut call = Dict::default();
    call.set("id", Value::None);
    call.set("type", text("function"));
    call.set("function", Value::Dict(function));
    call.set("index", Value::Int(Integer::from(index)));
    call
}

/// A call as LiteLLM's model of it takes it.
pub(super) fn checked_call(mut call: Dict) -> Result<Dict, Unread> {
    let mut issues = Issues::default();
    let mut check = |location: Location, value: Option<&Value>| {
        if let Some(value) = value.filter(|value| !matches!(value, Value::None | Value::Str(_))) {
            issues.add(location, Kind::StringType, value);
        }
    };
    check(Location::default().field("id"), call.get("id"));
    if let Some(Value::Dict(function)) = call.get_mut("function") {
        if let Some(arguments @ Value::Dict(_)) = function.get("arguments") {
            let dumped = text(&String::from_utf8_lossy(&json_dumps(arguments)));
            function.set("arguments", dumped);
        }
        let place = Location::default().field("function");
        check(place.field("arguments"), function.get("arguments"));
        check(place.field("name"), function.get("name"));
    }
    if issues.is_empty() { Ok(call) } else { Err(Unread::Value(issues.text("ChatCompletionDeltaToolCall"))) }
}

/// A call of one of Anthropic's own tools.
pub(super) struct Opened<'a> {
    pub id: &'a Value,
    pub name: &'a Value,
    pub input: Option<&'a Value>,
}

/// What Anthropic's own tools were asked and answered so far.
#[derive(Debug, Default)]
pub(super) struct ServerTools {
    open: Option<String>,
    inputs: Vec<(String, Value)>,
    /// Searches as OpenAI's Responses API has them, by the id of their call.
    searches: Dict,
    pages: Vec<Value>,
    results: Vec<Value>,
    container: Option<Value>,
}

impl ServerTools {
    pub(super) fn open(&mut self, opened: Opened<'_>, fields: &mut Dict) {
        let Some(id) = opened.id.as_str() else { return };
        let input = opened.input.cloned().unwrap_or_else(|| Value::Dict(Dict::default()));
        if opened.name.as_str() == Some("web_search") {
            let Value::Dict(mut search) = web_search_call(id, query(&input), &Dict::default()) else { return };
            search.set("status", text("in_progress"));
            self.searches.set(id, Value::Dict(search));
            fields.set("web_search_calls", Value::Dict(self.searches.clone()));
        }
        self.open = Some(id.to_owned());
        self.remember(id, input);
    }

    fn remember(&mut self, id: &str, input: Value) {
        match self.inputs.iter_mut().find(|(known, _)| known == id) {
            Some((_, known)) => *known = input,
            None => self.inputs.push((id.to_owned(), input)),
        }
    }

    fn input(&self, id: &str) -> Option<&Value> {
        self.inputs.iter().find(|(known, _)| known == id).map(|(_, input)| input)
    }

    /// The whole input has come, in these deltas.
    pub(super) fn close(&mut self, deltas: &[Value]) -> Result<(), Unread> {
        let Some(id) = self.open.take().filter(|id| !id.is_empty()) else { return Ok(()) };
        let mut arguments = String::new();
        for delta in deltas {
            if item(delta, "type")?.as_str() == Some("input_json_delta") {
                arguments.push_str(get(delta, "partial_json")?.and_then(Value::as_str).unwrap_or_default());
            }
        }
        if let Ok(input) = loads(arguments.as_bytes(), EVENT_DEPTH_MAX) {
            self.remember(&id, input);
        }
        Ok(())
    }

    /// A block with the result of a call.
    pub(super) fn result(&mut self, kind: &str, block: &Value, fields: &mut Dict) -> Result<(), Unread> {
        match kind {
            "web_search_tool_result" => {
                self.pages.push(block.clone());
                self.complete(block)?;
                fields.set("web_search_results", Value::List(self.pages.clone()));
                fields.set("web_search_calls", Value::Dict(self.searches.clone()));
            }
            "web_fetch_tool_result" => {
                self.pages.push(block.clone());
                fields.set("web_search_results", Value::List(self.pages.clone()));
            }
            "tool_search_tool_result" => {}
            _ => {
                self.results.push(block.clone());
                fields.set("tool_results", Value::List(self.results.clone()));
                fields.set("code_interpreter_results", self.runs()?);
            }
        }
        Ok(())
    }

    fn complete(&mut self, block: &Value) -> Result<(), Unread> {
        let Some(id) = get(block, "tool_use_id")?.and_then(Value::as_str).map(str::to_owned) else { return Ok(()) };
        if self.searches.get(&id).is_some()
            && let Value::Dict(result) = block
        {
            let asked = self.input(&id).map_or("", query);
            let search = web_search_call(&id, asked, result);
            self.searches.set(&id, search);
        }
        Ok(())
    }

    /// Where code ran is said at the end, and then of every run.
    pub(super) fn contain(&mut self, container: &Value, fields: &mut Dict) -> Result<(), Unread> {
        let id = container.as_dict().and_then(|container| container.get("id")).filter(|id| id.is_truthy());
        if let Some(id) = id.filter(|_| !self.results.is_empty()) {
            self.container = Some(id.clone());
            fields.set("code_interpreter_results", self.runs()?);
        }
        Ok(())
    }

    /// Every run of code, nulls included.
    fn runs(&self) -> Result<Value, Unread> {
        let mut runs = Vec::new();
        for result in &self.results {
            let id = get(result, "tool_use_id")?;
            let input = id.and_then(Value::as_str).and_then(|id| self.input(id));
            let code = input.and_then(|input| input.as_dict()?.get("command"));
            if let Some(Value::Dict(run)) = code_run(result, "", None) {
                runs.push(Value::Dict(self.told_run(&run, id, code)?));
            }
        }
        Ok(Value::List(runs))
    }

    fn told_run(&self, run: &Dict, id: Option<&Value>, code: Option<&Value>) -> Result<Dict, Unread> {
        let mut issues = Issues::default();
        if let Some(id) = id.filter(|id| !matches!(id, Value::Str(_))) {
            issues.add(Location::default().field("id"), Kind::StringType, id);
        }
        if let Some(code) = code.filter(|code| !matches!(code, Value::Str(_) | Value::None)) {
            issues.add(Location::default().field("code"), Kind::StringType, code);
        }
        if !issues.is_empty() {
            return Err(Unread::Value(issues.text("OutputCodeInterpreterCall")));
        }
        let mut told = Dict::default();
        for key in ["type", "id", "code", "container_id", "status", "outputs"] {
            told.set(key, run.get(key).cloned().unwrap_or(Value::None));
        }
        told.set("code", code.cloned().unwrap_or_else(|| text("")));
        told.set("container_id", self.container.clone().unwrap_or(Value::None));
        Ok(told)
    }
}

fn query(input: &Value) -> &str {
    input.as_dict().and_then(|input| input.get("query")?.as_str()).unwrap_or_default()
}
