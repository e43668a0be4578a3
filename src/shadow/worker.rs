//! Takes captures, runs the native leg on their tapes, judges, stores, and reports what became of each.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use cutover::lane::LaneId;
use cutover::rules::LaneRule;
use cutover::verdict::{Judgement, Outcome, Pair, Severity, SkipReason, Verdict, judge};
use futures_util::FutureExt;

use super::capture::{Capture, Control, Traits};
use super::pair::{self, Recorded};
use super::queue::{Arrivals, Shadow, ShadowLimits, Work};
use super::sample;
use crate::controller::{Controller, Observation};
use crate::native::{self, Answer, Native, TapeEffects, provider};
use crate::reports::Redactor;
use crate::routes::{LaneTable, Route};
use crate::telemetry::Metrics;

/// The most a run on a tape may take. Its waits are virtual, so this bounds computing alone.
const RUN_MAX: Duration = Duration::from_secs(5);

/// The comparing side of the shadow.
pub struct Worker {
    arrivals: Arrivals,
    controller: Arc<Controller>,
    metrics: Metrics,
    /// When a lane's last match was kept as a sample.
    kept: HashMap<LaneId, Instant>,
}

/// Matches are counted all, and kept as samples at most this often a lane: one is like the other.
const MATCH_KEPT_EVERY: Duration = Duration::from_secs(1);

/// A pair that was run and judged.
struct Judged {
    lane: LaneId,
    rule: Arc<LaneRule>,
    control: Recorded,
    candidate: Recorded,
    judgement: Judgement,
}

impl Worker {
    /// The queue's entrance and the worker behind it.
    pub fn new(limits: ShadowLimits, controller: Arc<Controller>, metrics: Metrics) -> (Shadow, Self) {
        let (shadow, arrivals) = Shadow::new(limits, metrics.clone());
        (shadow, Self { arrivals, controller, metrics, kept: HashMap::new() })
    }

    /// Works until nobody can hand in any more.
    pub async fn run(mut self) {
        while let Some(work) = self.arrivals.next().await {
            let capture = match work {
                Work::Compare(mut capture) => {
                    capture.traits = std::mem::take(&mut capture.traits).digested(&capture.request.body);
                    capture
                }
                Work::Skip { lane, reason, traits } => {
                    let outcome = Outcome::Skipped(reason);
                    self.controller.observe(&Observation { lane, outcome, traits, severe: false });
                    continue;
                }
            };
            let work = AssertUnwindSafe(self.compare(&capture)).catch_unwind();
            if work.await.is_err() {
                self.metrics.panics.inc();
                self.report(
                    capture.traits.clone(),
                    capture.lane.clone(),
                    Outcome::Skipped(SkipReason::ShadowFailed),
                    false,
                );
            }
        }
    }

    async fn compare(&mut self, capture: &Capture) {
        match self.judged(capture).await {
            Ok(judged) => {
                let severe = judged.judgement.causes.iter().any(|cause| cause.severity == Severity::Severe);
                if judged.judgement.verdict != Verdict::Match || self.match_is_due(&judged.lane) {
                    self.keep(capture, &judged);
                }
                let traits = weighed(&capture.traits, judged.control.status, &judged.judgement.verdict);
                self.report(traits, judged.lane, Outcome::Compared(judged.judgement.verdict), severe);
            }
            Err(reason) => {
                let traits = match reason {
                    SkipReason::ProviderNotAsked => weighed(&capture.traits, capture.control.status, &Verdict::Match),
                    _ => capture.traits.clone(),
                };
                self.report(traits, capture.lane.clone(), Outcome::Skipped(reason), false);
            }
        }
    }

    fn match_is_due(&mut self, lane: &LaneId) -> bool {
        let due = self.kept.get(lane).is_none_or(|kept| kept.elapsed() >= MATCH_KEPT_EVERY);
        if due {
            self.kept.insert(lane.clone(), Instant::now());
        }
        due
    }

    async fn judged(&self, capture: &Capture) -> Result<Judged, SkipReason> {
        let table = self.controller.table().load_full();
        if capture.exchanges.is_empty() {
            return Err(without_exchange(&table, capture).await);
        }
        if is_left_alone(&capture.control) {
            return Err(SkipReason::NotComparable);
        }
        let lane = lane_of(&table, capture)?;
        let native = table.native.as_ref().ok_or(SkipReason::Superseded)?;
        let (answer, effects) = run_on_tape(native, capture).await?;
        let control = Recorded::of_control(&capture.control, &capture.exchanges);
        let candidate = Recorded::of_candidate(&answer, effects.asked());
        let (id, rule) = (lane.id.clone(), Arc::clone(&lane.rule));
        let pair = Pair { lane: &id, control: control.as_leg(), candidate: candidate.as_leg() };
        let judgement = judge(&pair, &rule, self.controller.now().date());
        Ok(Judged { lane: id, rule, control, candidate, judgement })
    }

    fn keep(&self, capture: &Capture, judged: &Judged) {
        let store = self.controller.store();
        let secrets = self.controller.table().load().config().map(|config| config.secrets()).unwrap_or_default();
        let redactor = Redactor::new(secrets, store.hash_key());
        let (sample, causes) = sample::of(
            capture,
            &judged.lane,
            &judged.rule,
            &judged.control,
            &judged.candidate,
            &judged.judgement,
            &redactor,
            self.controller.build(),
        );
        if let Err(error) = store.add_sample(&sample, &causes) {
            tracing::error!(%error, "the store failed to keep a sample");
        }
    }

    fn report(&self, traits: Traits, lane: LaneId, outcome: Outcome, severe: bool) {
        self.controller.observe(&Observation { lane, outcome, traits, severe });
    }
}

/// The native leg on what the control got from its providers.
async fn run_on_tape(native: &Native, capture: &Capture) -> Result<(Answer, TapeEffects), SkipReason> {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(capture.at);
    let mut effects = TapeEffects::new(pair::tape(&capture.exchanges), capture.request.received, wall);
    let run = async {
        let answer = native::answer(native, &capture.request, &mut effects).await;
        let answer = answer.map_err(|_| SkipReason::ShadowDeclined)?;
        answer.whole(provider::BODY_BYTES_MAX).await.ok_or(SkipReason::BodyTooLarge)
    };
    let answer = tokio::time::timeout(RUN_MAX, run).await.map_err(|_| SkipReason::ShadowTimeout)??;
    Ok((answer, effects))
}

/// Python refused and asked nobody: whether the native leg would have asked. What it declines is Python's, and what it
/// refuses itself is not compared: the control's reason may be one that no request shows.
async fn without_exchange(table: &LaneTable, capture: &Capture) -> SkipReason {
    let lane = table.lanes.iter().find(|lane| lane.id == capture.lane && lane.eligible);
    let (Some(_), Some(native)) = (lane, table.native.as_ref()) else { return SkipReason::NoProviderExchange };
    match run_on_tape(native, capture).await {
        Ok((_, effects)) if !effects.asked().is_empty() => SkipReason::ProviderNotAsked,
        Ok(_) | Err(SkipReason::ShadowDeclined) => SkipReason::NoProviderExchange,
        Err(reason) => reason,
    }
}

/// Whether Python ended a request because everybody it could still ask had failed other requests: no tape shows that.
fn is_left_alone(control: &Control) -> bool {
    const SAID: &[u8] = b"No deployments available for selected model";
    control.status == 429 && control.body.windows(SAID.len()).any(|window| window == SAID)
}

/// The lane that really answered: that of the last provider exchange.
fn lane_of<'a>(table: &'a LaneTable, capture: &Capture) -> Result<&'a crate::routes::LiveLane, SkipReason> {
    let last = capture.exchanges.last().ok_or(SkipReason::NoProviderExchange)?;
    let route = Route::named(&capture.lane.route).ok_or(SkipReason::Superseded)?;
    let lane = table.lane_of(route, &last.deployment_id).ok_or(SkipReason::Superseded)?;
    if lane.eligible { Ok(lane) } else { Err(SkipReason::LaneIneligible) }
}

/// An error answered alike says little of how documents are answered, and a client can have any number of them. It is a
/// shape of its own, and all that a caller gets within an hour count as one request.
fn weighed(traits: &Traits, status: u16, verdict: &Verdict) -> Traits {
    if status < 400 {
        return traits.clone();
    }
    let digest = if *verdict == Verdict::Mismatch { traits.digest } else { u64::from(status / 100) };
    Traits { caller: traits.caller, digest, shape: format!("{} ({}xx)", traits.shape, status / 100) }
}
