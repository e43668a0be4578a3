//! The test that lets a lane rise: a one-sided mixture e-process against "mismatch rate ≥ p_max".
//!
//! `E_n = Σ_j w_j ∏_i (q_j/p_max)^{x_i} ((1−q_j)/(1−p_max))^{1−x_i}` with alternatives `q_j < p_max`.
//! Under the hypothesis `E` is a supermartingale, so by Ville's inequality it ever reaches `1/alpha`
//! with probability `alpha` at most, however often one looks. Fixed-sample bounds that are peeked at
//! promote wrongly in some 30 % of runs at a nominal 5 %.

use serde::{Deserialize, Serialize};

/// How many alternatives are mixed.
const ALTERNATIVES: usize = 8;

/// The least and the greatest alternative as parts of `p_max`. The least is as good as zero; on this
/// geometric grid with equal weights, zero mismatches pass after 719 pairs (p_max 0.5 %, alpha 5 %).
const ALTERNATIVE_RANGE: (f64, f64) = (0.02, 0.9);

/// The running test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromotionTest {
    mismatch_rate_max: f64,
    alpha: f64,
    pairs: u64,
    mismatches: u64,
}

impl PromotionTest {
    /// Starts against a rate and with an accepted chance of error, both strictly between 0 and 1
    /// (held there: a rule that says otherwise was refused before).
    pub fn new(mismatch_rate_max: f64, alpha: f64) -> Self {
        let inside = |value: f64| if value.is_finite() { value.clamp(1e-9, 1.0 - 1e-9) } else { 1e-9 };
        Self { mismatch_rate_max: inside(mismatch_rate_max), alpha: inside(alpha), pairs: 0, mismatches: 0 }
    }

    /// The same test from its start.
    pub fn anew(&self) -> Self {
        Self { pairs: 0, mismatches: 0, ..*self }
    }

    /// Counts one pair.
    pub fn record(&mut self, mismatch: bool) {
        self.pairs += 1;
        self.mismatches += u64::from(mismatch);
    }

    /// How many pairs were counted.
    pub fn pairs(&self) -> u64 {
        self.pairs
    }

    /// How many of them were mismatches.
    pub fn mismatches(&self) -> u64 {
        self.mismatches
    }

    /// The natural logarithm of the evidence.
    pub fn log_e(&self) -> f64 {
        self.log_e_after(0)
    }

    /// What [`Self::log_e`] must reach: `ln(1/alpha)`.
    pub fn log_e_needed(&self) -> f64 {
        -self.alpha.ln()
    }

    /// Whether the rate is shown to be below the gate's.
    pub fn passed(&self) -> bool {
        self.log_e() >= self.log_e_needed()
    }

    /// How many more pairs without a mismatch would pass; 0 if passed.
    pub fn pairs_missing(&self) -> u64 {
        let enough = |more: u64| self.log_e_after(more) >= self.log_e_needed();
        let mut upper = 1;
        while !enough(upper) && upper < 1 << 40 {
            upper *= 2;
        }
        let mut lower = 0;
        while lower < upper {
            let middle = lower + (upper - lower) / 2;
            if enough(middle) { upper = middle } else { lower = middle + 1 }
        }
        lower
    }

    /// The product depends on the two counts only, so they are the whole state: nothing drifts with
    /// rounding over months, and no infinity needs storing.
    fn log_e_after(&self, more_matches: u64) -> f64 {
        let (least, greatest) = ALTERNATIVE_RANGE;
        let rate = self.mismatch_rate_max;
        let (hits, misses) = (self.mismatches as f64, (self.pairs - self.mismatches + more_matches) as f64);
        let ratio = greatest / least;
        let terms: [f64; ALTERNATIVES] = std::array::from_fn(|at| {
            let part = least * ratio.powf(at as f64 / (ALTERNATIVES - 1) as f64);
            hits * part.ln() + misses * ((-rate * part).ln_1p() - (-rate).ln_1p())
        });
        log_mean_exp(&terms)
    }
}

/// `ln(mean(exp(terms)))` without overflow.
pub(super) fn log_mean_exp(terms: &[f64]) -> f64 {
    let greatest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = terms.iter().map(|term| (term - greatest).exp()).sum();
    greatest + (sum / terms.len() as f64).ln()
}
