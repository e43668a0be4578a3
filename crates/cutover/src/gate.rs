//! What the evidence must show before a step up, and in plain words what is missing.
//!
//! No traffic, or too little, is no failure: the gate holds and says what it waits for.

use serde::{Deserialize, Serialize};

use crate::{
    evidence::Evidence,
    lane::{Stage, Weight},
    rules::LaneRule,
    stage::{LaneState, Position},
    time::{Span, UnixSeconds},
};

/// A shape is held to the uncompared share once it was sampled this often within a step: below, one
/// lost tape would weigh more than the limit.
const SHAPE_SAMPLED_MIN: u64 = 20;

/// What the gate is asked besides the evidence; the host knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// Whether the Python that runs is the one that the native leg imitates.
    pub agreement: Agreement,
    /// Severe causes of this lane that nobody has acknowledged.
    pub open_severe_causes: u64,
    /// All lanes are frozen.
    pub frozen: bool,
    /// Native answers are checked against a Python replica, so full is watched without a hold-out.
    pub reverse_shadow: bool,
}

/// Whether the running Python agrees with what we know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Everything probed is as expected.
    Agrees,
    /// Something is not; in words.
    Disagrees(String),
    /// Not probed, or the probe failed.
    Unknown,
}

/// One point of the gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// From a closed set: evidence, coverage, minimum_time, severe_causes, uncompared, agreement, hold, frozen.
    pub name: String,
    /// Whether it is met.
    pub ok: bool,
    /// Where it stands, in the unit of `needed`.
    pub value: f64,
    /// Where it must stand: reached for evidence (log) and time (seconds), not exceeded for the rest.
    pub needed: f64,
    /// In words: what is there, or what is missing.
    pub text: String,
}

/// The gate of a lane at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Every point, always in the same order.
    pub checks: Vec<Check>,
    /// Every point is met and there is a step to take.
    pub ready: bool,
    /// The step it is about.
    pub next: Option<Position>,
}

/// Evaluates the gate for the next step up.
pub fn evaluate(
    state: &LaneState,
    rule: &LaneRule,
    evidence: &Evidence,
    conditions: &Conditions,
    now: UnixSeconds,
) -> Gate {
    let next = state.next(rule, conditions.reverse_shadow);
    let checks = vec![
        check_evidence(rule, evidence),
        check_coverage(rule, evidence),
        check_minimum_time(state, rule, evidence, now),
        check_severe_causes(conditions),
        check_uncompared(rule, evidence),
        check_agreement(conditions),
        check_hold(state, rule),
        check(
            "frozen",
            !conditions.frozen,
            f64::from(u8::from(conditions.frozen)),
            0.0,
            if conditions.frozen { "all lanes are frozen" } else { "not frozen" },
        ),
    ];
    let ready = next.is_some() && checks.iter().all(|check| check.ok);
    Gate { checks, ready, next }
}

fn check(name: &str, ok: bool, value: f64, needed: f64, text: impl Into<String>) -> Check {
    Check { name: name.to_owned(), ok, value, needed, text: text.into() }
}

fn check_evidence(rule: &LaneRule, evidence: &Evidence) -> Check {
    let test = &evidence.promotion;
    let alarm = evidence.regression.alarm();
    let missing = test.pairs_missing();
    let text = match () {
        () if alarm => "the mismatch rate has risen; the alarm must clear first".to_owned(),
        () if missing == 0 => format!("{} comparisons with {} mismatches", test.pairs(), test.mismatches()),
        () if rule.mirror == Weight::ZERO => "nothing is mirrored (mirror: 0), so nothing can be shown".to_owned(),
        () if test.pairs() == 0 => format!("no comparison yet; {missing} without a mismatch are needed"),
        () => format!("{missing} more comparisons without a mismatch"),
    };
    check("evidence", missing == 0 && !alarm, test.log_e(), test.log_e_needed(), text)
}

fn check_coverage(rule: &LaneRule, evidence: &Evidence) -> Check {
    let (share, most) = (evidence.coverage.unseen_share(), rule.gate.unseen_shape_max);
    let never = evidence.coverage.never_compared();
    let mut text = match () {
        () if evidence.coverage.shapes().next().is_none() => "no request shape was seen yet".to_owned(),
        () => format!(
            "the next request has an uncompared shape with a chance of {:.1} % (at most {:.1} %)",
            share * 100.0,
            most * 100.0
        ),
    };
    if let Some(shape) = never.first() {
        text.push_str(&format!("; shape `{shape}` was never compared"));
    }
    if never.len() > 1 {
        text.push_str(&format!(", nor were {} others", never.len() - 1));
    }
    check("coverage", share <= most, share, most, text)
}

fn check_minimum_time(state: &LaneState, rule: &LaneRule, evidence: &Evidence, now: UnixSeconds) -> Check {
    let needed = if state.position.stage == Stage::Canary { rule.canary.minimum_time } else { rule.gate.minimum_time };
    // The later of the two: new evidence starts the clock again, and so does a new step.
    let stayed = now.since(state.since.max(evidence.since));
    let cooling = state.rollback.as_ref().map_or(Span::default(), |rollback| rollback.cooldown_until.since(now));
    let left = needed.minus(stayed).max(cooling);
    let text = match () {
        () if left == Span::default() => format!("{stayed} at this step"),
        () if cooling == left => format!("cooling down after a rollback, {left} left"),
        () => format!("{left} more at this step"),
    };
    check("minimum_time", left == Span::default(), stayed.seconds() as f64, needed.seconds() as f64, text)
}

fn check_severe_causes(conditions: &Conditions) -> Check {
    let open = conditions.open_severe_causes;
    let text = match open {
        0 => "no open severe cause".to_owned(),
        1 => "1 severe cause is open".to_owned(),
        _ => format!("{open} severe causes are open"),
    };
    check("severe_causes", open == 0, open as f64, 0.0, text)
}

fn check_uncompared(rule: &LaneRule, evidence: &Evidence) -> Check {
    let (share, most) = (evidence.coverage.uncompared_share(), rule.gate.uncompared_max);
    let worst = evidence.coverage.least_compared(SHAPE_SAMPLED_MIN).filter(|(_, share)| *share > most);
    let text = match worst {
        _ if share > most => format!(
            "{:.1} % of the sampled requests could not be compared (at most {:.1} %)",
            share * 100.0,
            most * 100.0
        ),
        Some((shape, share)) => {
            format!("{:.1} % of shape `{shape}` could not be compared (at most {:.1} %)", share * 100.0, most * 100.0)
        }
        None => format!("{:.1} % of the sampled requests could not be compared", share * 100.0),
    };
    check("uncompared", share <= most && worst.is_none(), share.max(worst.map_or(0.0, |(_, share)| share)), most, text)
}

fn check_agreement(conditions: &Conditions) -> Check {
    let (ok, text) = match &conditions.agreement {
        Agreement::Agrees => (true, "the running LiteLLM is the one we imitate".to_owned()),
        Agreement::Disagrees(text) => (false, format!("the running LiteLLM differs: {text}")),
        Agreement::Unknown => (false, "it is not known whether the running LiteLLM is the one we imitate".to_owned()),
    };
    check("agreement", ok, f64::from(u8::from(ok)), 1.0, text)
}

fn check_hold(state: &LaneState, rule: &LaneRule) -> Check {
    let text = match (rule.hold, state.held) {
        (true, _) => "pinned by the rule (hold: true)",
        (false, true) => "held by an operator",
        (false, false) => "not held",
    };
    let held = rule.hold || state.held;
    check("hold", !held, f64::from(u8::from(held)), 0.0, text)
}
