//! The test that takes a lane back: an e-CUSUM (e-detector) for "mismatch rate > p_ok, now".
//!
//! `M_n^j = max(1, M_{n−1}^j) (q_j/p_ok)^{x_n} ((1−q_j)/(1−p_ok))^{1−x_n}` with alternatives
//! `q_j > p_ok`; alarm when the mean over `j` reaches `c`. As long as the rate is fine, the average
//! run to a false alarm is `c` pairs at least. Unlike a test that is never reset, good months do not
//! have to be used up before a bad hour shows.

use serde::{Deserialize, Serialize};

use super::promotion::log_mean_exp;

/// How many alternatives are mixed.
const ALTERNATIVES: usize = 8;

/// The least and the greatest alternative as multiples of `p_ok`.
const ALTERNATIVE_RANGE: (f64, f64) = (2.0, 200.0);

/// No alternative exceeds this rate, whatever `p_ok` is.
const ALTERNATIVE_RATE_MAX: f64 = 0.9;

/// How far beyond the alarm a component may climb, in natural logarithm; bounds the way back down.
const OVERSHOOT_LOG_MAX: f64 = 5.0;

/// The running test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegressionTest {
    mismatch_rate_ok: f64,
    average_run_length: f64,
    /// `ln M^j`
    components: [f64; ALTERNATIVES],
}

impl RegressionTest {
    /// Starts for a rate that is fine, strictly between 0 and 1, and an average run length.
    pub fn new(mismatch_rate_ok: f64, average_run_length: f64) -> Self {
        let rate = if mismatch_rate_ok.is_finite() { mismatch_rate_ok.clamp(1e-9, 0.4) } else { 1e-9 };
        let length = if average_run_length.is_finite() { average_run_length.max(1.0) } else { 1.0 };
        Self { mismatch_rate_ok: rate, average_run_length: length, components: [0.0; ALTERNATIVES] }
    }

    /// Counts one pair.
    pub fn record(&mut self, mismatch: bool) {
        let (least, greatest) = ALTERNATIVE_RANGE;
        let rate = self.mismatch_rate_ok;
        let ceiling = self.log_alarm() + OVERSHOOT_LOG_MAX;
        for (at, component) in self.components.iter_mut().enumerate() {
            let multiple = least * f64::powf(greatest / least, at as f64 / (ALTERNATIVES - 1) as f64);
            let alternative = (rate * multiple).min(ALTERNATIVE_RATE_MAX);
            let factor = if mismatch { (alternative / rate).ln() } else { (-alternative).ln_1p() - (-rate).ln_1p() };
            *component = (component.max(0.0) + factor).min(ceiling);
        }
    }

    /// The natural logarithm of the statistic.
    pub fn log_value(&self) -> f64 {
        log_mean_exp(&self.components)
    }

    /// Where the alarm is, `ln(average run length)`.
    pub fn log_alarm(&self) -> f64 {
        self.average_run_length.ln()
    }

    /// Whether the rate has risen.
    pub fn alarm(&self) -> bool {
        self.log_value() >= self.log_alarm()
    }
}
