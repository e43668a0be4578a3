//! What a run saw, in histograms, and its report.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use crate::exchange::{Seen, Server};

/// Times in nanoseconds to three digits, up to ten minutes.
struct Times(Histogram<u64>);

impl Default for Times {
    #[expect(clippy::expect_used, reason = "the bounds are constants that the library documents as valid")]
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, 600_000_000_000, 3).expect("valid bounds"))
    }
}

impl Times {
    fn add(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1));
    }

    /// In microseconds.
    fn report(&self) -> Value {
        let at = |quantile: f64| self.0.value_at_quantile(quantile) as f64 / 1e3;
        json!({ "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999), "max": self.0.max() as f64 / 1e3, "mean": self.0.mean() / 1e3 })
    }
}

/// Everything that was seen.
#[derive(Default)]
pub struct Observed {
    /// From when a request was due in an open loop, else from when it was sent.
    response: Times,
    /// From when it was sent.
    service: Times,
    first_byte: Times,
    gap: Times,
    answers: u64,
    reads: u64,
    body_bytes: u64,
    failures: BTreeMap<String, u64>,
    statuses: BTreeMap<u16, u64>,
    native: u64,
    python: u64,
    litellm_rust: u64,
}

impl Observed {
    /// An answer that came whole; `late` is how long after its due time the request was sent.
    pub fn answered(&mut self, seen: &Seen, late: Option<Duration>) {
        self.answers += 1;
        self.response.add(seen.total + late.unwrap_or_default());
        self.service.add(seen.total);
        self.first_byte.add(seen.first_byte);
        self.gap.add(seen.gap);
        self.reads += seen.reads;
        self.body_bytes += seen.body_bytes;
        *self.statuses.entry(seen.status).or_default() += 1;
        match seen.server {
            Server::CrossfadeNative => self.native += 1,
            Server::CrossfadePython => self.python += 1,
            Server::LiteLlmRust => self.litellm_rust += 1,
            Server::Unnamed => {}
        }
    }

    /// An answer that did not come, or not whole.
    pub fn failed(&mut self, error: &io::Error) {
        *self.failures.entry(error.kind().to_string()).or_default() += 1;
    }

    /// The report of a run that took this long after `warm` requests.
    pub fn report(&self, took: Duration, warm: u64) -> String {
        let per_answer = |total: u64| total as f64 / self.answers.max(1) as f64;
        let mut report = Map::new();
        let mut say = |name: &str, value: Value| report.insert(name.to_owned(), value);
        say("requests", self.answers.into());
        say("warm", warm.into());
        say("seconds", took.as_secs_f64().into());
        say("per_second", (self.answers as f64 / took.as_secs_f64()).into());
        say("failures", json!(self.failures));
        say("statuses", json!(self.statuses));
        say("served", json!({ "native": self.native, "python": self.python, "litellm_rust": self.litellm_rust }));
        say("response_us", self.response.report());
        say("service_us", self.service.report());
        say("first_byte_us", self.first_byte.report());
        say("gap_us", self.gap.report());
        say("reads_per_answer", per_answer(self.reads).into());
        say("bytes_per_answer", per_answer(self.body_bytes).into());
        Value::Object(report).to_string()
    }
}
