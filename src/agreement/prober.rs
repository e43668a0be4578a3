//! Asks the running LiteLLM, a few cheap requests a round, the dear ones only when something may have changed.

use std::time::{Duration, Instant};

use super::evaluate::{Answers, PriceMap, evaluate};
use super::expected::Expected;
use super::probes::{Answer, Probe, Request};
use super::sign::TapSign;
use super::{Agreement, State};

/// The way to LiteLLM. The host bounds time and body (the price map has 1.8 MB) and follows no redirect.
pub trait Python: Sync {
    /// Errors say what failed in words for the operator, without credentials.
    fn send(&self, request: Request) -> impl Future<Output = Result<Answer, String>> + Send;
}

/// Remembers between rounds what need not be asked again.
#[derive(Debug)]
pub struct Prober {
    slow_every: Duration,
    slow_asked: Option<Instant>,
    settings: Option<Result<Answer, String>>,
    price_map: Option<PriceMap>,
    last: State,
}

impl Prober {
    /// `slow_every`: how often the price map and the router's settings are asked for at least.
    pub fn new(slow_every: Duration) -> Self {
        Self { slow_every, slow_asked: None, settings: None, price_map: None, last: State::Unknown }
    }

    /// The price map of the LiteLLM that last answered.
    pub fn price_map(&self) -> Option<&PriceMap> {
        self.price_map.as_ref()
    }

    /// One round at `now`. Whatever did not agree before is asked again in full: LiteLLM may have restarted.
    pub async fn round<P: Python>(&mut self, python: &P, expected: &Expected, sign: TapSign, now: Instant) -> Agreement {
        let mut answers = Answers::new();
        for probe in Probe::QUICK {
            answers.insert(probe, python.send(probe.request(expected.master_key.as_ref())).await);
        }
        let due = self.slow_asked.is_none_or(|asked| now.duration_since(asked) >= self.slow_every);
        if answers.values().any(Result::is_err) {
            // What was known of the LiteLLM that is gone says nothing about the next one.
            self.forget();
        } else if due || self.last != State::Agrees {
            self.ask_slowly(python, expected).await;
            self.slow_asked = Some(now);
        }
        if let Some(settings) = &self.settings {
            answers.insert(Probe::Settings, settings.clone());
        }
        let agreement = evaluate(expected, &answers, self.price_map.as_ref(), sign);
        self.last = agreement.state;
        agreement
    }

    fn forget(&mut self) {
        self.slow_asked = None;
        self.settings = None;
        self.price_map = None;
    }

    async fn ask_slowly<P: Python>(&mut self, python: &P, expected: &Expected) {
        let key = expected.master_key.as_ref();
        self.settings = Some(python.send(Probe::Settings.request(key)).await);
        let fetched = python.send(Probe::PriceMap.request(key)).await;
        self.price_map = fetched.ok().as_ref().and_then(PriceMap::of);
    }
}
