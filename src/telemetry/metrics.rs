//! The metrics, with unit and labels.

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// From 10 µs to 10 minutes: the overhead of a native request and the answer of a slow model both fit.
const SECONDS: [f64; 20] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
    0.5, 1.0, 5.0, 30.0, 120.0, 600.0,
];

/// All series of one process.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    /// Client requests answered. `route`: a route or `other`; `leg`: `python`, `native`.
    pub requests: IntCounterVec,
    /// Time from the request's head to the last byte of its answer, in seconds. Labels as above.
    pub duration: HistogramVec,
    /// Requests under way.
    pub in_flight: IntGauge,
    /// Requests of an active route that the native leg left to Python. `route`, `reason`.
    pub declined: IntCounterVec,
    /// Answers that we had to give ourselves because LiteLLM gave none. `reason`.
    pub unavailable: IntCounterVec,
    /// 1 while LiteLLM answers its health check.
    pub upstream_up: IntGauge,
    /// 1 while the running LiteLLM agrees with the configuration we imitate.
    pub agreement: IntGauge,
    /// One for every eligible request. `lane`, `outcome`: match, tolerated, mismatch, skipped; `reason` of a skip.
    pub outcomes: IntCounterVec,
    /// Provider connections opened by a leg in shadow. Stays 0; anything else is a defect.
    pub shadow_provider_requests: IntCounter,
    /// Provider requests of the native leg while it serves.
    pub provider_requests: IntCounterVec,
    /// Captures that wait for the shadow workers.
    pub shadow_queue: IntGauge,
    /// Bytes those captures hold.
    pub shadow_queue_bytes: IntGauge,
    /// Share of sticky subjects served natively, in parts per million. `lane`.
    pub weight: IntGaugeVec,
    /// 1 for the stage a lane is in. `lane`, `stage`.
    pub stage: IntGaugeVec,
    /// Logarithm of the e-value for the next step. `lane`, times 1000.
    pub evidence_log_e_milli: IntGaugeVec,
    /// Rollbacks by `lane` and `trigger`; an operator's are of the trigger `operator`.
    pub rollbacks: IntCounterVec,
    /// Provider exchanges that passed the tap. `result`: recorded, untaped, refused, failed.
    pub tap_exchanges: IntCounterVec,
    /// Time the tap adds before it relays a provider request, in seconds.
    pub tap_added: Histogram,
    /// Panics caught in the native leg. Any is a rollback trigger.
    pub panics: IntCounter,
}

impl Metrics {
    /// Registers all series. Fails only if two have one name, which a test would show.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let build = Builder { registry: &registry };
        Ok(Self {
            requests: build.counters("crossfade_requests_total", "Client requests answered", &["route", "leg"])?,
            duration: build.histograms(
                "crossfade_request_duration_seconds",
                "From the request's head to the last byte of its answer",
                &["route", "leg"],
            )?,
            in_flight: build.gauge("crossfade_requests_in_flight", "Requests under way")?,
            declined: build.counters(
                "crossfade_declined_total",
                "Requests that the native leg left to Python",
                &["route", "reason"],
            )?,
            unavailable: build.counters(
                "crossfade_upstream_unavailable_total",
                "Requests that LiteLLM did not answer",
                &["reason"],
            )?,
            upstream_up: build.gauge("crossfade_upstream_up", "1 while LiteLLM answers its health check")?,
            agreement: build
                .gauge("crossfade_agreement", "1 while the running LiteLLM agrees with our configuration")?,
            outcomes: build.counters(
                "crossfade_outcomes_total",
                "Outcomes of eligible requests",
                &["lane", "outcome", "reason"],
            )?,
            shadow_provider_requests: build.counter(
                "crossfade_shadow_provider_requests_total",
                "Provider requests made by a leg in shadow; must stay 0",
            )?,
            provider_requests: build.counters(
                "crossfade_provider_requests_total",
                "Provider requests of the native leg",
                &["route"],
            )?,
            shadow_queue: build.gauge("crossfade_shadow_queue", "Captures waiting for a shadow worker")?,
            shadow_queue_bytes: build.gauge("crossfade_shadow_queue_bytes", "Bytes those captures hold")?,
            weight: build.gauges(
                "crossfade_lane_weight_ppm",
                "Share of subjects served natively, in parts per million",
                &["lane"],
            )?,
            stage: build.gauges("crossfade_lane_stage", "1 for the stage a lane is in", &["lane", "stage"])?,
            evidence_log_e_milli: build.gauges(
                "crossfade_lane_evidence_log_e_milli",
                "Logarithm of the e-value for the next step, times 1000",
                &["lane"],
            )?,
            rollbacks: build.counters(
                "crossfade_rollbacks_total",
                "Rollbacks by what raised them; those by an operator's hand have the trigger operator",
                &["lane", "trigger"],
            )?,
            tap_exchanges: build.counters(
                "crossfade_tap_exchanges_total",
                "Provider exchanges that passed the tap",
                &["result"],
            )?,
            tap_added: build
                .histogram("crossfade_tap_added_seconds", "Time the tap adds before it relays a provider request")?,
            panics: build.counter("crossfade_native_panics_total", "Panics caught in the native leg")?,
            registry,
        })
    }

    /// The text exposition format.
    pub fn render(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(16 * 1024);
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "failed to render metrics");
        }
        text
    }
}

struct Builder<'a> {
    registry: &'a Registry,
}

impl Builder<'_> {
    fn register<C: prometheus::core::Collector + Clone + 'static>(&self, series: C) -> Result<C, prometheus::Error> {
        self.registry.register(Box::new(series.clone()))?;
        Ok(series)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.register(IntCounter::new(name, help)?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
        self.register(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.register(IntGauge::new(name, help)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
        self.register(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn histogram(&self, name: &str, help: &str) -> Result<Histogram, prometheus::Error> {
        self.register(Histogram::with_opts(HistogramOpts::new(name, help).buckets(SECONDS.to_vec()))?)
    }

    fn histograms(&self, name: &str, help: &str, labels: &[&str]) -> Result<HistogramVec, prometheus::Error> {
        self.register(HistogramVec::new(HistogramOpts::new(name, help).buckets(SECONDS.to_vec()), labels)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_registers_and_renders() {
        let metrics = Metrics::new().unwrap();
        metrics.shadow_provider_requests.inc_by(0);
        let text = String::from_utf8(metrics.render()).unwrap();
        assert!(text.contains("crossfade_shadow_provider_requests_total 0"));
    }
}
