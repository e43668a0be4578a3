//! The files of a configuration: read, parsed, and merged by LiteLLM's `include` rules.
//!
//! Source: litellm/proxy/proxy_server.py `_get_config_from_file`, litellm/proxy/common_utils/config_includes.py @ 1.102.4

use std::collections::VecDeque;
use std::path::{Component, Path, PathBuf};

use super::yaml;
use crate::config::error::ConfigError;
use crate::config::python::{Dict, Node, Place, Value};

/// How a file's text is had: `Ok(None)` if there is no such file.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> std::io::Result<Option<Vec<u8>>>;

/// The merged configuration, nothing resolved yet.
#[derive(Clone, Debug)]
pub struct Source {
    pub root: Dict,
    pub files: Files,
}

/// The files read, in order; [`Place::file`] indexes them.
#[derive(Clone, Debug, Default)]
pub struct Files(pub Vec<PathBuf>);

impl Files {
    pub fn error(
        &self,
        place: Place,
        path: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> ConfigError {
        let file = self.0.get(usize::from(place.file)).cloned().unwrap_or_default();
        let line = (place.line > 0).then_some(place.line);
        ConfigError { file, line, path: path.into(), problem: problem.into(), remedy: remedy.into() }
    }
}

/// Reads the file and everything it includes.
pub fn read(path: &Path, read_file: ReadFile<'_>) -> Result<Source, ConfigError> {
    let mut files = Files::default();
    let location = absolute(path);
    let root = read_one(&location, &mut files, read_file)?;
    let whole = Place { file: 0, line: 0 };
    let mut root = match root.value {
        Value::Dict(dict) => dict,
        Value::None => {
            return Err(files.error(whole, "", "the file is empty", "write a model_list into it"));
        }
        other => {
            let problem = format!("a mapping is expected, not {}", other.type_name());
            return Err(files.error(whole, "", problem, "start the file with keys such as model_list"));
        }
    };
    let mut pending: VecDeque<(String, PathBuf, Place)> = includes(&mut root, &location, &files)?.into();
    let mut loaded = vec![location.clone()];
    while let Some((entry, declared_in, place)) = pending.pop_front() {
        let found = resolve(&entry, &declared_in, &location, read_file);
        if loaded.contains(&found) {
            continue;
        }
        let included = read_included(&found, &mut files, read_file, place)?;
        let Some(mut included) = included else {
            loaded.push(found);
            continue;
        };
        pending.extend(includes(&mut included, &found, &files)?);
        merge(&mut root, included);
        loaded.push(found);
    }
    Ok(Source { root, files })
}

fn read_one(location: &Path, files: &mut Files, read_file: ReadFile<'_>) -> Result<Node, ConfigError> {
    let file = u16::try_from(files.0.len()).unwrap_or(u16::MAX);
    files.0.push(location.to_owned());
    let place = Place { file, line: 0 };
    let bytes = match read_file(location) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            return Err(files.error(place, "", "the file does not exist", "check the path"));
        }
        Err(problem) => {
            return Err(files.error(place, "", format!("cannot be read: {problem}"), "check its permissions"));
        }
    };
    let text =
        String::from_utf8(bytes).map_err(|_| files.error(place, "", "the file is not UTF-8", "save it as UTF-8"))?;
    yaml::load(&text, file).map_err(|problem| {
        let place = Place { file, line: problem.line };
        files.error(place, "", format!("not valid YAML: {}", problem.problem), "correct this line")
    })
}

/// None: the included file is empty, which LiteLLM allows.
fn read_included(
    location: &Path,
    files: &mut Files,
    read_file: ReadFile<'_>,
    declared: Place,
) -> Result<Option<Dict>, ConfigError> {
    if matches!(read_file(location), Ok(None)) {
        let problem = format!("the included file {} does not exist", location.display());
        return Err(files.error(declared, "include", problem, "correct the entry, it is relative to this file"));
    }
    let node = read_one(location, files, read_file)?;
    match node.value {
        Value::Dict(dict) if dict.iter().all(|(key, _)| matches!(key, Value::Text(_))) => Ok(Some(dict)),
        other if !other.is_true() => Ok(None),
        _ => Err(files.error(node.place, "", "an included file must be a mapping", "start it with keys")),
    }
}

fn includes(root: &mut Dict, location: &Path, files: &Files) -> Result<Vec<(String, PathBuf, Place)>, ConfigError> {
    let Some(node) = root.remove("include") else {
        return Ok(Vec::new());
    };
    let wrong = || files.error(node.place, "include", "must be a list of file paths", "write each as `- file.yaml`");
    let entries = node.list().ok_or_else(wrong)?;
    entries
        .iter()
        .map(|entry| Ok((entry.text().ok_or_else(wrong)?.to_owned(), location.to_owned(), entry.place)))
        .collect()
}

/// Next to the file that declares it; else, as older configurations have it, next to the root file.
fn resolve(entry: &str, declared_in: &Path, root: &Path, read_file: ReadFile<'_>) -> PathBuf {
    let beside = |file: &Path| absolute(&file.parent().unwrap_or(Path::new("")).join(entry));
    let (near, top) = (beside(declared_in), beside(root));
    let exists = |path: &Path| !matches!(read_file(path), Ok(None));
    if near == top || exists(&near) || !exists(&top) { near } else { top }
}

/// Lists grow at the end, everything else is replaced; a known key keeps its position.
fn merge(base: &mut Dict, included: Dict) {
    for (key, node) in included.iter() {
        let extended = match (key, &node.value) {
            (Value::Text(name), Value::List(more)) => base.get(name).and_then(Node::list).map(|items| {
                let joined = items.iter().chain(more).cloned().collect();
                Node { value: Value::List(joined), ..node.clone() }
            }),
            _ => None,
        };
        base.insert(key.clone(), extended.unwrap_or_else(|| node.clone()));
    }
}

/// `os.path.abspath`: lexical, symbolic links untouched.
fn absolute(path: &Path) -> PathBuf {
    let joined = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut out = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}
