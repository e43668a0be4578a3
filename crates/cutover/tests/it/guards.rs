//! The crate stays pure: its dependencies are on a list, and nothing in it reaches for the world.

use std::{fs, path::Path};

/// What the policy may be built on. None of these opens a socket or reads a clock.
const DEPENDENCIES: [&str; 5] = ["schemars", "serde", "serde_json", "similar", "thiserror"];

#[test]
fn dependencies_stay_on_the_list() {
    let manifest = include_str!("../../Cargo.toml");
    let section = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let names: Vec<&str> =
        section.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| !name.is_empty()).collect();
    assert_eq!(names, DEPENDENCIES);
}

#[test]
fn no_source_reaches_for_the_world() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![source];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = fs::read_to_string(&path).unwrap();
            for banned in [
                "std::env",
                "std::fs",
                "std::net",
                "std::process",
                "std::thread",
                "Instant",
                "SystemTime",
                "println!",
                "HashMap",
            ] {
                assert!(!text.contains(banned), "{} mentions {banned}", path.display());
            }
        }
    }
    assert!(files > 20);
}
