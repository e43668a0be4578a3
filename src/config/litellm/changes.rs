//! Which model groups a new configuration changes, for a reload while Python still runs the old one.

use std::collections::{BTreeMap, BTreeSet};

use super::LiteLlmConfig;
use crate::config::Deployment;

/// Groups that must be left to Python until it shows the new configuration.
///
/// A setting outside `model_list` changes every group of either configuration.
pub fn changed_groups(old: &LiteLlmConfig, new: &LiteLlmConfig) -> BTreeSet<String> {
    let (before, after) = (groups(old), groups(new));
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let everything = old.general != new.general
        || old.settings != new.settings
        || old.router != new.router
        || old.aliases != new.aliases
        || old.reasons != new.reasons;
    names.into_iter().filter(|name| everything || !same(before.get(name), after.get(name))).map(str::to_owned).collect()
}

fn groups(config: &LiteLlmConfig) -> BTreeMap<&str, Vec<&Deployment>> {
    let mut groups: BTreeMap<&str, Vec<&Deployment>> = BTreeMap::new();
    for deployment in &config.deployments {
        groups.entry(&deployment.model_name).or_default().push(deployment);
    }
    groups
}

/// Equal but for where they stand in the files.
fn same(left: Option<&Vec<&Deployment>>, right: Option<&Vec<&Deployment>>) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return false;
    };
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_deployment(left, right))
}

fn same_deployment(left: &Deployment, right: &Deployment) -> bool {
    let codes = |deployment: &Deployment| -> Vec<&'static str> {
        deployment.reasons.iter().map(|reason| reason.code).collect()
    };
    let moved =
        Deployment { path: left.path.clone(), place: left.place, reasons: left.reasons.clone(), ..right.clone() };
    codes(left) == codes(right) && *left == moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::litellm::tests::config;

    #[test]
    fn only_what_changed_is_named() {
        let one = |name: &str, key: &str| {
            format!("- model_name: {name}\n  litellm_params: {{model: mistral/m, api_key: k{key}}}\n")
        };
        let file = |entries: &[String], rest: &str| {
            config(&format!("{rest}model_list:\n{}", entries.concat()), &[("K", "k1")]).expect("it loads")
        };
        let old = file(&[one("a", "1"), one("b", "1"), one("b", "2")], "");
        for (new, expected) in [
            (file(&[one("a", "1"), one("b", "1"), one("b", "2")], "# moved down\n"), ""),
            (file(&[one("b", "1"), one("b", "2"), one("a", "1")], ""), ""),
            (file(&[one("a", "1").replace("k1", "os.environ/K"), one("b", "1"), one("b", "2")], ""), ""),
            (file(&[one("a", "3"), one("b", "1"), one("b", "2")], ""), "a"),
            (file(&[one("a", "1"), one("b", "2"), one("b", "1")], ""), "b"),
            (file(&[one("a", "1"), one("b", "1")], ""), "b"),
            (file(&[one("a", "1"), one("b", "1"), one("b", "2"), one("c", "1")], ""), "c"),
            (file(&[one("b", "1"), one("b", "2")], ""), "a"),
            (file(&[one("a", "1"), one("b", "1"), one("b", "2")], "router_settings: {num_retries: 1}\n"), "a,b"),
            (file(&[one("a", "1"), one("b", "1"), one("b", "2")], "general_settings: {master_key: k}\n"), "a,b"),
            (file(&[one("a", "1"), one("b", "1"), one("b", "2")], "litellm_settings: {callbacks: [x]}\n"), "a,b"),
        ] {
            let found: Vec<String> = changed_groups(&old, &new).into_iter().collect();
            assert_eq!(found.join(","), expected);
        }
    }
}
