//! Asks the running LiteLLM, a few cheap requests a round, the dear ones only when something may have changed.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::evaluate::{Answers, PriceMap, evaluate};
use super::expected::Expected;
use super::probes::{Answer, Probe, Request};
use super::sign::TapSign;
use super::{Agreement, CheckState};

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
    settings_agreed: bool,
    price_map: Option<PriceMap>,
    /// The quick answers that the slow ones belong to.
    seen: Option<Vec<(u16, Bytes)>>,
}

impl Prober {
    /// `slow_every`: how often the price map and the router's settings are asked for at least.
    pub fn new(slow_every: Duration) -> Self {
        Self { slow_every, slow_asked: None, settings: None, settings_agreed: false, price_map: None, seen: None }
    }

    /// The price map of the LiteLLM that last answered.
    pub fn price_map(&self) -> Option<&PriceMap> {
        self.price_map.as_ref()
    }

    /// Lets go of the price map's bytes once they are read; its hash is all that later rounds need.
    pub fn forget_price_map_bytes(&mut self) {
        if let Some(map) = &mut self.price_map {
            map.bytes = Bytes::new();
        }
    }

    /// One round at `now`. If a quick answer changed, or there was none, LiteLLM may have restarted: then everything
    /// is asked again.
    pub async fn round<P: Python>(
        &mut self,
        python: &P,
        expected: &Expected,
        sign: TapSign,
        now: Instant,
    ) -> Agreement {
        let key = expected.master_key.as_ref();
        let mut answers = Answers::new();
        let mut seen = Vec::new();
        for probe in Probe::QUICK {
            let answer = python.send(probe.request(key)).await;
            seen.extend(answer.iter().map(|answer| (answer.status, answer.body.clone())));
            answers.insert(probe, answer);
        }
        let is_down = seen.len() < Probe::QUICK.len();
        let due = self.slow_asked.is_none_or(|asked| now.duration_since(asked) >= self.slow_every);
        if is_down || due || self.seen.as_ref() != Some(&seen) {
            self.settings = None;
            self.settings_agreed = false;
            self.price_map = None;
            self.slow_asked = (!is_down).then_some(now);
            self.seen = Some(seen);
        }
        if !is_down {
            self.ask_slowly(python, expected).await;
        }
        if let Some(settings) = &self.settings {
            answers.insert(Probe::Settings, settings.clone());
        }
        let agreement = evaluate(expected, &answers, self.price_map.as_ref(), sign);
        self.settings_agreed =
            agreement.checks.iter().any(|check| check.name == "router_settings" && check.state == CheckState::Ok);
        agreement
    }

    /// Asks for what is not known, and for settings that did not agree.
    async fn ask_slowly<P: Python>(&mut self, python: &P, expected: &Expected) {
        let key = expected.master_key.as_ref();
        if !self.settings_agreed {
            self.settings = Some(python.send(Probe::Settings.request(key)).await);
        }
        if self.price_map.is_none() {
            let fetched = python.send(Probe::PriceMap.request(key)).await;
            self.price_map = fetched.ok().as_ref().and_then(PriceMap::of);
        }
    }
}
