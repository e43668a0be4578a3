#![no_main]
//! A `config.yaml` of LiteLLM's: read and interpreted; no key shows.

use std::path::Path;

use crossfade::config::litellm;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // What it includes is itself, so that including has an end that must be found.
    let read = |_: &Path| Ok(Some(text.as_bytes().to_vec()));
    let variable = |name: &str| (name.len() % 2 == 0).then(|| "value".to_owned());
    if let Ok(config) = litellm::load_with(Path::new("config.yaml"), &read, &variable) {
        assert_eq!(config.hash.len(), 64);
        for deployment in &config.deployments {
            assert!(!format!("{deployment:?}").contains("sk-secret"), "a key shows");
        }
    }
});
