//! A `config.yaml` of LiteLLM's: read and interpreted; no key shows.
#![no_main]

use std::path::Path;

use crossfade::config::litellm;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // It can include itself, and itself by another name; there are no other files.
    let is_there = |path: &Path| path.ends_with("config.yaml") || path.ends_with("included.yaml");
    let read = |path: &Path| Ok((is_there(path) && path.components().count() < 20).then(|| text.as_bytes().to_vec()));
    let variable = |name: &str| (name.len() % 2 == 0).then(|| "value".to_owned());
    if let Ok(config) = litellm::load_with(Path::new("config.yaml"), &read, &variable) {
        assert_eq!(config.hash.len(), 64);
        for deployment in &config.deployments {
            assert!(!format!("{deployment:?}").contains("sk-secret"), "a key shows");
        }
    }
});
