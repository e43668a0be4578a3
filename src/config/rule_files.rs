//! Reads `cutover_rules/`: one YAML file a route, strict, every fault with file, line and field.

use std::path::{Path, PathBuf};

use cutover::rules::{RuleError, RuleFile, Rules, suggest_for};
use cutover::time::Date;
use thiserror::Error;

use crate::routes::facts::hex_digest;

/// One fault in the rules.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RuleFault {
    #[error("{}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: String },
    /// `place` is ` line 3, column 5` or empty.
    #[error("{file}{place}: {message}")]
    Syntax { file: String, place: String, message: String },
    #[error("{0}")]
    Meaning(String),
}

/// The rules of a folder, with a hash over what they say.
#[derive(Clone, Debug, Default)]
pub struct RuleFolder {
    pub rules: Rules,
    /// SHA-256 in hex; does not depend on comments or on the order of files.
    pub hash: String,
    pub files: Vec<PathBuf>,
    pub warnings: Vec<String>,
}

/// The largest rule file that is read, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// Reads every `*.yaml` and `*.yml` in `folder`. A folder that is not there holds no rules.
pub fn read(folder: &Path, today: Date) -> Result<RuleFolder, Vec<RuleFault>> {
    let files = list(folder)
        .map_err(|cause| vec![RuleFault::Unreadable { path: folder.to_owned(), cause: cause.to_string() }])?;
    let mut parsed = Vec::with_capacity(files.len());
    let mut faults = Vec::new();
    for path in &files {
        match read_one(path) {
            Ok(file) => parsed.push((name_of(path), file)),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let rules = Rules::from_files(parsed, today)
        .map_err(|errors| errors.iter().map(|error| RuleFault::Meaning(error.to_string())).collect::<Vec<_>>())?;
    let warnings = rules.warnings.iter().map(RuleError::to_string).collect();
    Ok(RuleFolder { hash: hex_digest(rules.canonical().as_bytes()), rules, files, warnings })
}

fn list(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_one(path: &Path) -> Result<RuleFile, RuleFault> {
    let unreadable = |cause: String| RuleFault::Unreadable { path: path.to_owned(), cause };
    let length = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if length > FILE_MAX {
        return Err(unreadable(format!("{length} bytes are too many for a rule file")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    parse(&name_of(path), &text)
}

/// Parses one file's text.
pub fn parse(file: &str, text: &str) -> Result<RuleFile, RuleFault> {
    serde_saphyr::from_str(text).map_err(|error| {
        let place =
            error.location().map_or_else(String::new, |at| format!(" line {}, column {}", at.line(), at.column()));
        let error = error.without_snippet();
        let said = error.to_string();
        let message = match suggest_for(&said) {
            Some(nearest) => format!("{said}; did you mean `{nearest}`?"),
            None => said,
        };
        RuleFault::Syntax { file: file.to_owned(), place, message }
    })
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use cutover::rules::ContentChoice;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let said = parse("ocr.yaml", text).unwrap_err().to_string();
        for part in expected {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn faults_name_file_line_and_the_nearest_word() {
        check("route: ocr\nstagee: shadow\n", &["ocr.yaml", "line 2", "stagee", "did you mean `stage`?"]);
        check("route: ocr\nstage: shadw\n", &["line 2", "did you mean `shadow`?"]);
        check("route: ocr\nmirror: 2\n", &["line 2", "not a share"]);
        check("route: ocr\ngate: { alpha: x }\n", &["line 2"]);
        check("stage: shadow\n", &["route"]);
        check("route: [\n", &["ocr.yaml"]);
    }

    #[test]
    fn the_smallest_rule_is_one_line_and_a_stage() {
        let file = parse("ocr.yaml", "route: ocr\nstage: shadow\n").unwrap();
        assert_eq!(file.route, "ocr");
    }

    #[test]
    fn content_is_a_mapping_or_off() {
        for (text, off) in [("off", true), ("\"off\"", true), ("{ ttl: 1h, max_bytes: 9 }", false)] {
            let file = parse("ocr.yaml", &format!("route: ocr\ncontent: {text}\n")).unwrap();
            assert_eq!(file.content == Some(ContentChoice::Off), off, "{text}");
            assert!(file.content.is_some(), "{text}");
        }
        check("route: ocr\ncontent: of\n", &["line 2", "did you mean `off`?"]);
        check("route: ocr\ncontent: { ttll: 1h, max_bytes: 9 }\n", &["line 2", "did you mean `ttl`?"]);
        check("route: ocr\ncontent: 5\n", &["line 2", "`off`, or `ttl` and `max_bytes`"]);
    }

    #[test]
    fn a_folder_that_is_not_there_holds_no_rules() {
        let folder = read(Path::new("no-such-folder"), Date::from_days(20_000)).unwrap();
        assert!(folder.files.is_empty());
    }
}
