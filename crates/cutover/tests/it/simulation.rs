//! Months of cutover on a virtual clock: requests through `decide`, outcomes into the evidence, the
//! controller's tick, and the lane that follows it.

use cutover::{
    decide::{LaneView, Subjects, decide},
    evidence::{Evidence, RequestTraits},
    gate::{Agreement, Conditions},
    lane::{LaneId, Leg, Stage},
    rules::LaneRule,
    stage::{self, Action, LaneState, ServedCount, Triggers},
    time::UnixSeconds,
    verdict::{Outcome, SkipReason, Verdict},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::evidence::key;

const SEED: u64 = 42;
const HOUR: u64 = 3600;

/// What traffic and the world are like in one hour of a story.
#[derive(Clone, Copy)]
struct Weather {
    requests: u64,
    callers: u64,
    /// Whether a caller sends ever the same requests.
    repeats: bool,
    mismatch_rate: f64,
    skip_rate: f64,
}

const FAIR: Weather = Weather { requests: 300, callers: 20, repeats: false, mismatch_rate: 0.0, skip_rate: 0.01 };

struct Story {
    lane: LaneId,
    rule: LaneRule,
    rules_hash: String,
    state: LaneState,
    evidence: Evidence,
    dice: StdRng,
    now: UnixSeconds,
    served: (u64, u64),
    journal: Vec<(u64, Action, String)>,
}

impl Story {
    fn new(rule: LaneRule) -> Self {
        let now = UnixSeconds(1_795_392_000);
        Self {
            lane: "ocr:mistral".parse().unwrap(),
            state: LaneState::start(&rule, now),
            evidence: Evidence::new(key("r1"), &rule, now),
            rules_hash: "r1".into(),
            rule,
            dice: StdRng::seed_from_u64(SEED),
            now,
            served: (0, 0),
            journal: Vec::new(),
        }
    }

    fn hours(&mut self, hours: u64, weather: Weather) {
        for _ in 0..hours {
            for _ in 0..weather.requests {
                self.request(weather);
            }
            self.now.0 += HOUR;
            self.tick();
        }
    }

    fn request(&mut self, weather: Weather) {
        let number: u64 = self.dice.random();
        let caller = number % weather.callers;
        let shape = ["url", "url+pages", "data", "error"][(number >> 8) as usize % 4];
        let name = number.to_string();
        let view = LaneView {
            id: &self.lane,
            stage: self.state.position.stage,
            weight: self.state.position.weight,
            mirror: self.rule.mirror,
            holdout: self.rule.holdout,
            eligible: true,
            shape_compared: self.evidence.coverage.knows(shape),
        };
        let decision = decide(&[view], Subjects { sticky: &name, request: &name });
        let outcome = match decision.serve {
            Leg::Native => Outcome::Skipped(SkipReason::ServedNatively),
            Leg::Python if !decision.mirror => Outcome::Skipped(SkipReason::NotSampled),
            Leg::Python if self.dice.random_bool(weather.skip_rate) => Outcome::Skipped(SkipReason::QueueFull),
            Leg::Python if self.dice.random_bool(weather.mismatch_rate) => Outcome::Compared(Verdict::Mismatch),
            Leg::Python => Outcome::Compared(Verdict::Match),
        };
        let native = u64::from(decision.serve == Leg::Native);
        self.served = (self.served.0 + 1 - native, self.served.1 + native);
        let request = if weather.repeats { 1 } else { number };
        self.evidence.record(&outcome, &RequestTraits { caller, request, shape }, self.now);
        // A rollback does not wait for the hour.
        if outcome == Outcome::Compared(Verdict::Mismatch) {
            self.tick();
        }
    }

    fn tick(&mut self) {
        let conditions =
            Conditions { agreement: Agreement::Agrees, open_severe_causes: 0, frozen: false, reverse_shadow: false };
        let triggers =
            Triggers { native: ServedCount { answers: self.served.1, errors_5xx: 0 }, ..Triggers::default() };
        if let Some(made) = stage::step(&self.state, &self.rule, &self.evidence, &conditions, &triggers, self.now) {
            stage::apply(&made, &mut self.state, &mut self.evidence, &self.rule, self.now);
            self.journal.push((self.now.0, made.action, format!("{} {}", made.to.stage, made.to.weight)));
        }
    }

    fn way(&self) -> Vec<&str> {
        self.journal.iter().map(|(_, _, to)| to.as_str()).collect()
    }
}

fn shadow() -> LaneRule {
    LaneRule { stage: Stage::Shadow, ..LaneRule::default() }
}

#[test]
fn parity_climbs_to_full_and_stays() {
    let mut story = Story::new(shadow());
    story.hours(30 * 24, FAIR);
    assert_eq!(story.way(), ["canary 1 %", "canary 5 %", "canary 25 %", "canary 50 %", "full 100 %"]);
    assert!(story.journal[0].0 - 1_795_392_000 >= 24 * HOUR, "not before a day in shadow");
    let held_out = story.served;
    story.hours(100, FAIR);
    let python = (story.served.0 - held_out.0) as f64 / (100.0 * FAIR.requests as f64);
    assert!((0.007..0.013).contains(&python), "the hold-out stays on Python: {python}");
}

#[test]
fn broken_parity_takes_the_lane_back_at_once_and_it_stays_down_until_mended() {
    let mut story = Story::new(shadow());
    story.hours(30 * 24, FAIR);
    assert_eq!(story.state.position.stage, Stage::Full);
    let broken = Weather { mismatch_rate: 0.05, ..FAIR };
    story.hours(7 * 24, broken);
    assert_eq!(story.way()[5..], ["shadow 0 %"], "back once, and not up again while it is broken");
    let before = story.journal.len();
    // The same build does not earn its way back quickly: what was seen was a broken week.
    story.hours(24, FAIR);
    assert_eq!(story.journal.len(), before);
    // A new build starts anew.
    let mut mended = key("r1");
    mended.build = "b2".into();
    assert!(story.evidence.rekey(mended, &story.rule, story.now));
    story.hours(14 * 24, FAIR);
    assert_eq!(story.state.position.stage, Stage::Full);
}

#[test]
fn a_canary_that_breaks_is_taken_back_within_the_reference_delay() {
    let mut story = Story::new(shadow());
    while story.state.position.stage != Stage::Canary {
        story.hours(1, FAIR);
    }
    let seen = story.evidence.counts.matches + story.evidence.counts.mismatch;
    let broken = Weather { requests: 1, mismatch_rate: 0.2, ..FAIR };
    while story.state.position.stage == Stage::Canary {
        story.hours(1, broken);
        // Counts start anew with the rollback; until then they tell how many pairs it took.
        assert!(story.evidence.counts.matches + story.evidence.counts.mismatch < seen + 100, "no rollback in sight");
    }
    assert_eq!(story.way().last(), Some(&"shadow 0 %"));
}

#[test]
fn nothing_climbs_when_most_pairs_are_skipped() {
    let mut story = Story::new(shadow());
    story.hours(60 * 24, Weather { skip_rate: 0.6, ..FAIR });
    assert!(story.journal.is_empty(), "{:?}", story.way());
    assert!(story.evidence.promotion.passed(), "although the pairs that were compared are all fine");
}

#[test]
fn nothing_climbs_without_traffic() {
    let mut story = Story::new(shadow());
    story.hours(60 * 24, Weather { requests: 0, ..FAIR });
    assert!(story.journal.is_empty());
}

#[test]
fn one_noisy_client_cannot_promote() {
    let mut story = Story::new(shadow());
    // Ten thousand pairs an hour, all of them one caller's one request.
    story.hours(14 * 24, Weather { requests: 2000, callers: 1, repeats: true, ..FAIR });
    assert!(story.journal.is_empty());
    assert_eq!(story.evidence.promotion.pairs(), 14 * 24, "it counts once an hour");

    let mut burst = Story::new(LaneRule {
        gate: cutover::rules::GateRule { minimum_time: "0s".parse().unwrap(), ..shadow().gate },
        ..shadow()
    });
    burst.hours(3, Weather { requests: 20_000, callers: 1, ..FAIR });
    assert!(burst.journal.is_empty());
    assert_eq!(burst.evidence.promotion.pairs(), 600, "200 an hour, however many it sends");
}

#[test]
fn changed_rules_start_the_evidence_anew() {
    let mut story = Story::new(shadow());
    story.hours(23, FAIR);
    story.rule.gate.alpha = 0.01;
    story.rules_hash = "r2".into();
    assert!(story.evidence.rekey(key(&story.rules_hash), &story.rule, story.now));
    story.hours(23, FAIR);
    assert!(story.journal.is_empty(), "a day in shadow counts from the change");
    story.hours(2, FAIR);
    assert_eq!(story.way(), ["canary 1 %"]);
}

#[test]
fn a_rate_at_the_limit_rarely_climbs() {
    let climbed = (0..40)
        .filter(|run| {
            let mut story = Story::new(shadow());
            story.dice = StdRng::seed_from_u64(SEED + run);
            story.hours(5 * 24, Weather { requests: 100, mismatch_rate: 0.005, ..FAIR });
            story.journal.iter().any(|(_, action, _)| *action == Action::Promote)
        })
        .count();
    assert!(climbed <= 6, "{climbed} of 40 at an alpha of 5 %");
}
