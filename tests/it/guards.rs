//! What the repository promises about itself.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Folders with files of ours.
const FOLDERS: [&str; 8] = [".ci", "benchmark", "crates", "cutover_rules", "docs", "scripts", "src", "tests"];
/// Made by tools, not kept.
const MADE: [&str; 6] = ["target", "node_modules", "__pycache__", ".pytest_cache", ".cache", ".git"];

/// Every file below a folder, sorted, with its path from the root.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match path.is_dir() {
                true if MADE.contains(&name.as_str()) => {}
                true => folders.push(path),
                false => found.push(path.strip_prefix(root()).unwrap().to_owned()),
            }
        }
    }
    found.sort();
    found
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    files(folder).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let silent: Vec<PathBuf> = ["src", "crates", "benchmark", "tests"]
        .into_iter()
        .flat_map(rust_files)
        .filter(|path| !text(path).starts_with("//!"))
        .collect();
    assert!(silent.is_empty(), "without `//!` on their first line: {silent:?}");
}

#[test]
fn files_stay_small_enough_to_read() {
    const LINES_MAX: usize = 700;
    let long: Vec<(PathBuf, usize)> = ["src", "crates"]
        .into_iter()
        .flat_map(rust_files)
        .map(|path| (path.clone(), text(&path).lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .collect();
    assert!(long.is_empty(), "longer than {LINES_MAX} lines: {long:?}");
}

/// Files below `folder` must not mention any of these words.
fn lacks(folder: &str, words: &[&str], why: &str) {
    let paths = files(folder);
    assert!(!paths.is_empty(), "{folder} is empty");
    for path in paths {
        let text = text(&path);
        for word in words {
            assert!(!text.contains(word), "{} mentions {word}: {why}", path.display());
        }
    }
}

#[test]
fn the_native_leg_knows_no_listener() {
    lacks("src/native", &["pingora"], "serving and shadowing run the same code");
    lacks("src/native/admission", &["tokio", "hyper"], "admission decides and does nothing");
    lacks("src/native/router", &["tokio", "hyper", "Instant::now", "SystemTime::now"], "its effects are arguments");
}

#[test]
fn threads_that_serve_neither_lock_the_controller_nor_write() {
    for folder in ["src/listener", "src/proxy", "src/routes", "src/python", "src/native", "src/tap"] {
        lacks(
            folder,
            &["Observation", "controller.view(", "controller.store(", "controller.operate("],
            "evidence is taken in on the shadow's thread",
        );
    }
}

#[test]
fn a_leg_in_shadow_cannot_name_a_connection() {
    let source = text(Path::new("src/native/effects/tape.rs"));
    for word in ["Client", "hyper", "http_body", "tokio", "TcpStream", "std::net", "UdpSocket", "LiveEffects"] {
        assert!(!source.contains(word), "the tape's effects mention {word}");
    }
}

#[test]
fn only_the_edges_reach_for_the_world() {
    // (word, the folders or files of src/ that may say it)
    let allowed: [(&str, &[&str]); 4] = [
        ("pingora", &["listener/", "proxy/", "telemetry/logging.rs"]),
        ("rusqlite", &["reports/"]),
        ("std::env::", &["cli/", "main.rs", "background/inputs.rs", "native/fault.rs", "telemetry/logging.rs"]),
        ("axum", &["admin/"]),
    ];
    for (word, places) in allowed {
        for path in rust_files("src") {
            let inside = path.strip_prefix("src").unwrap().to_string_lossy().into_owned();
            let said = code(&text(&path)).contains(word);
            assert!(!said || places.iter().any(|place| inside.starts_with(place)), "src/{inside} uses {word}");
        }
    }
}

/// The lines that are no comments.
fn code(source: &str) -> String {
    source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_path_in_the_architecture_exists() {
    let Ok(document) = std::fs::read_to_string(root().join("docs/architecture.md")) else { return };
    for quoted in document.split('`').skip(1).step_by(2) {
        let path = quoted.trim_end_matches('/');
        let is_path = quoted.contains('/')
            && FOLDERS.iter().any(|folder| path.starts_with(folder))
            && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
        assert!(!is_path || root().join(path).exists(), "docs/architecture.md names {quoted}, which is not there");
    }
}

#[test]
fn the_documents_tell_what_the_build_covers() {
    use crossfade::routes::coverage;
    for (document, made) in [("README.md", coverage::markdown()), ("docs/parity.md", coverage::settings_markdown())] {
        check_made(document, &made);
    }
}

fn check_made(document: &str, made: &str) {
    let whole = text(Path::new(document));
    let told = whole
        .split_once("<!-- coverage: made by `crossfade coverage` -->\n")
        .and_then(|(_, rest)| rest.split_once("<!-- /coverage -->"));
    let (told, _) = told.expect("a section that is made");
    assert_eq!(told.trim(), made.trim(), "put what `crossfade coverage` prints into {document}");
}

#[test]
fn the_root_holds_two_documents() {
    let mut documents = Vec::new();
    for entry in std::fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            documents.push(name);
        }
    }
    documents.retain(|name| name != "README.md" && name != "CHANGELOG.md");
    assert!(documents.is_empty(), "findings belong into docs/decisions, not into {documents:?}");
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    // In two parts each, or this file would name them.
    let words =
        [("/wor", "k/"), ("/tmp/", "lab"), ("/roo", "t/"), ("TO", "DO"), ("FIX", "ME")].map(|(a, b)| format!("{a}{b}"));
    let kept = ["Cargo.toml", "Makefile", "README.md", "CHANGELOG.md", "clippy.toml"].map(PathBuf::from);
    let all = FOLDERS.into_iter().flat_map(files).chain(kept.into_iter().filter(|path| root().join(path).exists()));
    // What LiteLLM itself was heard to say is data, not ours to word.
    for path in all.filter(|path| !path.starts_with("tests/corpus") && !path.starts_with("benchmark/runs")) {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        for word in &words {
            assert!(!text.contains(word.as_str()), "{} mentions {word}", path.display());
        }
    }
}

#[test]
fn every_crate_obeys_the_workspace_lints() {
    let manifests = ["Cargo.toml", "crates/cutover/Cargo.toml", "crates/transform/Cargo.toml", "benchmark/Cargo.toml"];
    for manifest in manifests {
        let text = text(Path::new(manifest));
        assert!(text.contains("[lints]\nworkspace = true"), "{manifest} does not take the workspace's lints");
    }
    assert!(text(Path::new("Cargo.toml")).contains("unsafe_code = \"forbid\""));
}
