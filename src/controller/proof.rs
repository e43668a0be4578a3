//! Which model groups the running LiteLLM is known to run as the file has them, over restarts of either.
//!
//! LiteLLM reads its file when it starts. A deployment id that the file declares says nothing of the rest, and a hashed one
//! nothing of the settings outside `model_list`, so a group that changed under such an id, and every group when those
//! settings changed, is Python's until LiteLLM was seen to start again. Where nothing was ever proven, as
//! at the very first start, a LiteLLM that agrees is believed.

use std::collections::{BTreeMap, BTreeSet};

use crate::agreement::{Agreement, CheckState};
use crate::config::LiteLlmConfig;
use crate::config::litellm::{SETTINGS, group_hashes};
use crate::reports::{Store, StoreError};

/// The name of the setting that keeps the proven groups over restarts.
const PROVEN_GROUPS: &str = "proven_groups";

/// What is proven, and what waits for a restart of LiteLLM.
#[derive(Default)]
pub struct Proof {
    /// Keys the hashes, which are stored.
    hash_key: [u8; 32],
    /// Group -> hash of what LiteLLM last proved to run. `None`: nothing was ever proven.
    proven: Option<BTreeMap<String, String>>,
    /// As the store has it.
    stored: Option<BTreeMap<String, String>>,
    unproven: BTreeSet<String>,
    /// LiteLLM did not answer since the file last changed.
    was_down: bool,
}

impl Proof {
    /// What an earlier process proved. What cannot be read proves nothing, and is no first start either.
    pub fn from_store(store: &Store) -> Result<Self, StoreError> {
        let proven = store.setting(PROVEN_GROUPS)?.map(|text| {
            serde_json::from_str(&text).unwrap_or_else(|error| {
                tracing::error!(%error, "what LiteLLM is known to run could not be read; groups with declared ids wait for its restart");
                BTreeMap::new()
            })
        });
        Ok(Self { hash_key: store.hash_key(), stored: proven.clone(), proven, ..Self::default() })
    }

    /// Whether this group waits for a restart of LiteLLM.
    pub fn waits(&self, group: &str) -> bool {
        self.unproven.contains(group)
    }

    /// Whether any group does.
    pub fn is_waiting(&self) -> bool {
        !self.unproven.is_empty()
    }

    /// Takes a configuration that was read: compared with the one before, or with what an earlier process proved.
    pub fn config_read(&mut self, before: Option<&LiteLlmConfig>, config: &LiteLlmConfig) {
        let last_known = match before {
            Some(before) => Some(group_hashes(before, &self.hash_key)),
            None => self.proven.clone(),
        };
        let Some(last_known) = last_known else { return };
        let hashes = group_hashes(config, &self.hash_key);
        let changed = |group: &str| last_known.get(group) != hashes.get(group);
        // A hashed id shows the deployment's own parameters, and nothing of the settings around it.
        let settings = last_known.contains_key(SETTINGS) && changed(SETTINGS);
        let groups = hashes.keys().filter(|group| *group != SETTINGS && changed(group));
        let waiting: BTreeSet<String> =
            groups.filter(|group| settings || is_declared(config, group)).cloned().collect();
        if waiting.is_empty() {
            return;
        }
        if let Some(proven) = &mut self.proven {
            // Changing it back proves nothing: LiteLLM may have started in between.
            proven.retain(|group, _| !(waiting.contains(group) || settings && group == SETTINGS));
        }
        self.unproven.extend(waiting);
        self.was_down = false;
    }

    /// Takes what a probe found; true if groups that waited do no longer.
    pub fn probed(&mut self, config: Option<&LiteLlmConfig>, agreement: &Agreement) -> bool {
        // One lost answer is no restart; a LiteLLM that answers nothing at all is on its way down or up.
        let checks = &agreement.checks;
        self.was_down |= !checks.is_empty() && checks.iter().all(|check| check.state == CheckState::Unknown);
        let Some(config) = config.filter(|_| agreement.agrees_as_a_whole()) else { return false };
        let restarted = self.was_down && self.is_waiting();
        if restarted {
            self.unproven.clear();
        }
        let before = self.proven.take().unwrap_or_default();
        let mut now = group_hashes(config, &self.hash_key);
        now.retain(|group, hash| {
            let shown = !agreement.blocked_groups.contains(group) || before.get(group) == Some(hash);
            shown && !self.unproven.contains(group) && !(group == SETTINGS && self.is_waiting())
        });
        self.proven = Some(now);
        restarted
    }

    /// Writes down what changed. What cannot be written is tried again with the next probe; until then the hashes that
    /// are stored are those of an older file, and differ from this one's.
    pub fn keep(&mut self, store: &Store) {
        if self.stored == self.proven {
            return;
        }
        let text = serde_json::json!(self.proven).to_string();
        match store.change_setting(PROVEN_GROUPS, &text, None) {
            Ok(()) => self.stored = self.proven.clone(),
            Err(error) => tracing::error!(%error, "what LiteLLM is known to run could not be written down"),
        }
    }
}

fn is_declared(config: &LiteLlmConfig, group: &str) -> bool {
    config.deployments.iter().any(|one| one.id_is_declared && one.model_name == group)
}
