//! Names of tools that Anthropic takes, for one request, and the way back.
//!
//! Source: LiteLLM 1.102.4 `llms/anthropic/chat/transformation.py` `_build_anthropic_tool_name_maps`.

use std::collections::HashSet;

const LENGTH_MAX: usize = 128;

/// Which names were changed: (the client's, Anthropic's).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ToolNames {
    changed: Vec<(String, String)>,
}

impl ToolNames {
    /// Names in the order of the tools; those that are fine keep theirs, whatever stands in front of them.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Self {
        let names = names.filter(|name| !name.is_empty());
        let mut used: HashSet<String> = names.clone().filter(|name| valid(name) == *name).map(str::to_owned).collect();
        let mut changed: Vec<(String, String)> = Vec::new();
        for name in names {
            let candidate = valid(name);
            if candidate == name || changed.iter().any(|(original, _)| original == name) {
                continue;
            }
            let free = free(&candidate, &used);
            used.insert(free.clone());
            changed.push((name.to_owned(), free));
        }
        Self { changed }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// The name Anthropic is told.
    pub(super) fn sent<'a>(&'a self, name: &'a str) -> &'a str {
        self.changed.iter().find(|(original, _)| original == name).map_or(name, |(_, sent)| sent)
    }

    /// The name the client knows.
    pub(super) fn original<'a>(&'a self, name: &'a str) -> &'a str {
        self.changed.iter().find(|(_, sent)| sent == name).map_or(name, |(original, _)| original)
    }
}

fn valid(name: &str) -> String {
    let is_valid = |character: &char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    let told = |character: char| if is_valid(&character) { character } else { '_' };
    name.chars().map(told).take(LENGTH_MAX).collect()
}

fn free(candidate: &str, used: &HashSet<String>) -> String {
    if !used.contains(candidate) {
        return candidate.to_owned();
    }
    let numbered = |number: usize| {
        let suffix = format!("_{number}");
        let head: String = candidate.chars().take(LENGTH_MAX - suffix.len()).collect();
        format!("{head}{suffix}")
    };
    let mut number = 2;
    while used.contains(&numbered(number)) {
        number += 1;
    }
    numbered(number)
}
