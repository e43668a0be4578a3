//! `os.environ/NAME` references and the `environment_variables` section.
//!
//! Source: litellm/secret_managers/main.py `get_secret`, litellm/proxy/proxy_server.py
//! `_check_for_os_environ_vars`, `_load_environment_variables` @ 1.102.4

use std::collections::BTreeMap;

use crate::config::python::{Dict, Node, Value, str_of};

const REFERENCE: &str = "os.environ/";
/// LiteLLM's `DEFAULT_MAX_RECURSE_DEPTH`; deeper references stay as written.
const REFERENCE_DEPTH_MAX: usize = 100;
/// Never taken from the file.
///
/// Source: litellm/proxy/proxy_server.py `_BLOCKED_ENV_KEYS` @ 1.102.4
const BLOCKED: [&str; 14] = [
    "PATH",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_INSERT_LIBRARIES",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONHOME",
    "HOME",
    "USER",
    "SHELL",
    "LOGNAME",
    "NO_PROXY",
    "no_proxy",
];

/// The process environment, with what the file's `environment_variables` put over it.
pub struct Environment<'a> {
    process: &'a dyn Fn(&str) -> Option<String>,
    from_file: BTreeMap<String, String>,
    /// References that only LiteLLM itself can resolve, as in `os.environ/oidc/…`.
    pub unreadable: Vec<String>,
}

impl<'a> Environment<'a> {
    pub fn new(process: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { process, from_file: BTreeMap::new(), unreadable: Vec::new() }
    }

    /// `os.environ.get(name)` of a LiteLLM that has loaded its configuration.
    pub fn get(&self, name: &str) -> Option<String> {
        self.from_file.get(name).cloned().or_else(|| (self.process)(name))
    }

    /// `os.environ.get(name)` while LiteLLM's modules are imported, before any file is read.
    pub fn at_start(&self, name: &str) -> Option<String> {
        (self.process)(name)
    }

    /// `get_secret(name)`: the words `true` and `false` become booleans.
    pub fn secret(&self, name: &str) -> Value {
        match self.get(&name.replace(REFERENCE, "")) {
            None => Value::None,
            Some(text) => match text.trim().to_lowercase().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => Value::Text(text),
            },
        }
    }

    /// `get_secret_str(name)`, with Python's `or`: empty counts as missing.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.secret(name) {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// Resolves every reference below `dict`, but not a reference that is itself an item of a list.
    pub fn resolve_all(&mut self, dict: &mut Dict, depth: usize) {
        if depth > REFERENCE_DEPTH_MAX {
            return;
        }
        for node in dict.values_mut() {
            match &mut node.value {
                Value::Dict(inner) => self.resolve_all(inner, depth + 1),
                Value::List(items) => {
                    for item in items {
                        if let Value::Dict(inner) = &mut item.value {
                            self.resolve_all(inner, depth + 1);
                        }
                    }
                }
                Value::Text(_) => self.resolve_one(node),
                _ => {}
            }
        }
    }

    /// Resolves `node` if it is a reference; missing becomes `None`.
    pub fn resolve_one(&mut self, node: &mut Node) {
        let Value::Text(text) = &node.value else {
            return;
        };
        if !text.starts_with(REFERENCE) {
            return;
        }
        if text.replace(REFERENCE, "").starts_with("oidc/") {
            self.unreadable.push(text.clone());
            return;
        }
        node.value = self.secret(text);
    }

    /// Takes the file's `environment_variables` in. LiteLLM does so after references were resolved, so that
    /// they are invisible to `os.environ/…` in the same file but visible to whatever reads the environment later.
    pub fn load_section(&mut self, section: &Dict) {
        for (name, node) in section.named() {
            if BLOCKED.contains(&name) {
                continue;
            }
            self.from_file.insert(name.to_owned(), str_of(&node.value));
        }
    }
}
