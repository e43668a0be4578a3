//! New inputs: configuration, rules, agreement. Each is taken whole or not at all.

use std::sync::Arc;

use cutover::rules::Rules;

use super::{Controller, State};
use crate::agreement::Agreement;
use crate::native::Native;
use transform::cost_calculator::PriceTable;

/// Where an input came from and how its last reading went.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub path: Option<String>,
    pub hash: Option<String>,
    /// RFC 3339, to the millisecond: two reloads within a second are two.
    pub at: Option<String>,
    /// Why the newest version was not taken; the one before it is still in use.
    pub error: Option<String>,
    pub warnings: Vec<String>,
}

/// A price map that was read.
#[derive(Clone, Debug)]
pub struct Prices {
    pub table: Arc<PriceTable>,
    /// SHA-256 in hex over the map as the running LiteLLM sends it.
    pub hash: String,
}

impl Controller {
    /// Takes a configuration that was read.
    ///
    /// LiteLLM does not read its file again, so until a probe shows the new deployments nothing is known of them.
    pub fn replace_native(&self, mut native: Native, loaded: Loaded) {
        let mut state = self.locked();
        let before = state.native.take();
        state.proof.config_read(before.as_ref().map(|before| &*before.config), &native.config);
        state.proof.keep(&self.store);
        if let Some(before) = before {
            native.prices = Arc::clone(&before.prices);
            if before.config.hash != native.config.hash {
                state.agreement = Agreement::unknown("the configuration was read again and LiteLLM not asked since");
            }
        }
        state.native = Some(Arc::new(native));
        state.config = loaded;
        self.rebuild(&mut state);
    }

    /// Notes that a new configuration is bad; the old one stays.
    pub fn config_failed(&self, error: String) {
        self.locked().config.error = Some(error);
    }

    pub fn replace_rules(&self, rules: Rules, loaded: Loaded) {
        let mut state = self.locked();
        state.rules = rules;
        state.rules_loaded = loaded;
        self.rebuild(&mut state);
    }

    pub fn rules_failed(&self, error: String) {
        self.locked().rules_loaded.error = Some(error);
    }

    /// Takes what the probe of the running LiteLLM found.
    pub fn replace_agreement(&self, agreement: Agreement, prices: Option<Prices>) {
        let mut state = self.locked();
        let changed = state.agreement != agreement;
        state.agreement = agreement;
        state.probed_at = Some(self.now().0);
        let State { proof, native, agreement, .. } = &mut *state;
        let restarted = proof.probed(native.as_ref().map(|native| &*native.config), agreement);
        proof.keep(&self.store);
        self.metrics.agreement.set(i64::from(state.agreement.agrees_as_a_whole()));
        let prices = prices.filter(|prices| prices.hash != state.price_map_hash);
        let repriced = prices.is_some();
        if let (Some(prices), Some(native)) = (prices, &state.native) {
            state.native = Some(Arc::new(Native { prices: prices.table, ..Native::clone(native) }));
            state.price_map_hash = prices.hash;
        }
        if changed || repriced || restarted {
            tracing::info!(state = state.agreement.as_str(), "agreement with the running LiteLLM changed");
            self.rebuild(&mut state);
        }
    }
}
