//! The crate stays pure because it can't do otherwise: nothing it depends on reaches a socket, a clock or a runtime.

const ALLOWED: [&str; 10] = [
    "base64",
    "bytes",
    "flate2",
    "memchr",
    "regex",
    "serde",
    "serde_json",
    "thiserror",
    "unicode-normalization-alignments",
    "zmij",
];

#[test]
fn dependencies_are_on_the_allow_list() {
    let manifest = include_str!("../Cargo.toml");
    let section = manifest.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap_or_default();
    let named: Vec<&str> = section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .collect();
    assert!(!named.is_empty());
    for name in named {
        assert!(ALLOWED.contains(&name), "{name} is not on the allow-list of the pure crate");
    }
}

#[test]
fn sources_name_no_clock_no_environment_no_socket() {
    fn walk(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a readable folder").flatten() {
            let path = entry.path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut sources = Vec::new();
    walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    for path in sources {
        let text = std::fs::read_to_string(&path).expect("a readable source");
        for forbidden in ["std::time", "std::env", "std::fs", "TcpStream", "std::thread", "std::process"] {
            assert!(!text.contains(forbidden), "{} uses {forbidden}", path.display());
        }
    }
}
