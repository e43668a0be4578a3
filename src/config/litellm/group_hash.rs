//! What a model group is, as a hash: to know later, in another process too, whether the file has changed it.

use std::collections::BTreeMap;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{LiteLlmConfig, model_id};
use crate::config::{Deployment, Reason, Secret};

/// The name under which the settings outside `model_list` have a hash of their own. No group has it.
pub const SETTINGS: &str = "";

/// Group -> SHA-256 in hex over all of it but where it stands in the files, with `key` before it: what is hashed holds
/// credentials, and the hashes are stored.
///
/// A setting outside `model_list` is part of every group. Outlives a build, so it is made of named values and of no
/// text of ours: a build that reads more out of the same file makes other hashes, which asks for a restart of LiteLLM.
pub fn group_hashes(config: &LiteLlmConfig, key: &[u8]) -> BTreeMap<String, String> {
    let (general, settings, router) = (&config.general, &config.settings, &config.router);
    let timeouts = [settings.request_timeout, router.timeout, router.stream_timeout];
    let timeouts = timeouts.map(|timeout| timeout.map(|seconds| seconds.value));
    let common = json!({
        "master_key": general.master_key.as_ref().map(Secret::expose),
        "database": general.has_database,
        "num_retries": [settings.num_retries, router.num_retries],
        "timeout": timeouts,
        "drop_params": settings.drop_params,
        "retry_after": router.retry_after,
        "allowed_fails": router.allowed_fails,
        "cooldown_time": router.cooldown_time.map(|rest| rest.value),
        "disable_cooldowns": router.disable_cooldowns,
        "aliases": config.aliases,
        "reasons": config.reasons.iter().map(|reason| (&reason.path, reason.code)).collect::<Vec<_>>(),
    });
    let mut settings_alone = Sha256::new_with_prefix(key);
    settings_alone.update(common.to_string());
    let mut hashes: BTreeMap<&str, Sha256> = BTreeMap::from([(SETTINGS, settings_alone)]);
    for deployment in &config.deployments {
        let hash = hashes.entry(&deployment.model_name).or_insert_with(|| {
            let mut hash = Sha256::new_with_prefix(key);
            hash.update(common.to_string());
            hash
        });
        hash.update(described(deployment));
    }
    hashes.into_iter().map(|(group, hash)| (group.to_owned(), model_id::hex(&hash.finalize()))).collect()
}

fn described(deployment: &Deployment) -> String {
    let codes = |reasons: &[Reason]| -> Vec<&'static str> { reasons.iter().map(|reason| reason.code).collect() };
    json!({
        "id": deployment.id,
        "declared": deployment.id_is_declared,
        "provider": deployment.provider,
        "model": deployment.model,
        "api_base": deployment.api_base,
        "api_key": deployment.api_key.as_ref().map(Secret::expose),
        "limits": [deployment.rpm, deployment.tpm],
        "litellm_params": deployment.params,
        "model_info": deployment.model_info,
        "reasons": codes(&deployment.reasons),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
            let (before, after) = (group_hashes(&old, b"k"), group_hashes(&new, b"k"));
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            let changed: Vec<&str> =
                names.into_iter().filter(|name| before.get(*name) != after.get(*name)).map(String::as_str).collect();
            let changed: Vec<&str> = changed.into_iter().filter(|name| *name != SETTINGS).collect();
            assert_eq!(changed.join(","), expected);
        }
        assert!(group_hashes(&old, b"k")["a"] != group_hashes(&old, b"l")["a"], "it is keyed");
    }
}
