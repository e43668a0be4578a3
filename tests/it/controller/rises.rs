//! What lets a lane rise, and what it waits for.

use cutover::stage::Operation;
use cutover::verdict::{Outcome, SkipReason, Verdict};

use crossfade::reports::{NewCause, Sample, SampleHead};

use super::{at_canary, names};
use crate::stand::{CONFIG, LANE, QUICK, Stand, agrees, command, unknown};

#[test]
fn a_lane_climbs_step_by_step() {
    let mut stand = Stand::under(QUICK);
    assert_eq!(stand.published(), "shadow");
    for expected in ["canary 0.1", "canary 0.5", "full 1", "full 1"] {
        stand.earn_a_step();
        assert_eq!(stand.published(), expected);
    }
    assert_eq!(stand.journal(), ["promote", "promote", "promote"]);
    let newest = &stand.controller.store().journal(Some(LANE), 1).unwrap()[0];
    assert_eq!((newest.actor.as_str(), newest.evidence["pairs"].as_u64()), ("controller", Some(20)));
}

#[test]
fn every_step_is_earned_anew() {
    let stand = at_canary();
    // Time alone, or evidence alone, is no step.
    stand.pass(3600);
    stand.controller.tick();
    assert_eq!(stand.published(), "canary 0.1");
    assert!(names(&stand).contains(&"evidence".to_owned()));
    let mut stand = at_canary();
    stand.matches(1000);
    stand.controller.tick();
    assert_eq!((stand.published().as_str(), names(&stand)), ("canary 0.1", vec!["minimum_time".to_owned()]));
}

/// A fresh lane after `what` happened to it: which points of the gate hold it, and a word of why.
fn holds(what: &str, happened: impl Fn(&mut Stand), expected: &[(&str, &str)]) {
    let mut stand = Stand::under(QUICK);
    happened(&mut stand);
    stand.controller.tick();
    assert_eq!(stand.published(), "shadow", "{what}");
    let waits = stand.waits_for();
    assert_eq!(waits.len(), expected.len(), "{what}: {waits:?}");
    for ((name, text), (expected_name, word)) in waits.iter().zip(expected) {
        assert!(name == expected_name && text.contains(word), "{what}: {name}: {text}");
    }
}

#[test]
fn a_lane_holds_and_says_what_is_missing() {
    let hour = 3600;
    holds(
        "nothing",
        |_| {},
        &[("evidence", "no comparison yet"), ("coverage", "no request shape"), ("minimum_time", "1m more")],
    );
    holds("time alone", |stand| stand.pass(hour), &[("evidence", "no comparison"), ("coverage", "no request shape")]);
    holds(
        "one match",
        |stand| {
            stand.pass(hour);
            stand.matches(1);
        },
        &[("evidence", "more comparisons"), ("coverage", "uncompared shape")],
    );
    holds(
        "a mismatch rate that is too high",
        |stand| {
            stand.pass(hour);
            for _ in 0..20 {
                stand.matches(1);
                stand.mismatches(1);
            }
        },
        &[("evidence", "the mismatch rate has risen")],
    );
    holds(
        "agreement lost",
        |stand| {
            stand.pass(hour);
            stand.matches(20);
            stand.controller.replace_agreement(unknown(), None);
        },
        &[("agreement", "not known")],
    );
    holds(
        "a shape that always fails to be compared",
        |stand| {
            stand.pass(hour);
            stand.matches(20);
            for _ in 0..40 {
                stand.observe(Outcome::Skipped(SkipReason::ShadowDeclined), "upload", false);
            }
        },
        &[("coverage", "`upload` was never compared"), ("uncompared", "could not be compared")],
    );
}

#[test]
fn what_cannot_be_compared_counts_unless_it_was_planned() {
    for reason in SkipReason::ALL {
        let mut stand = Stand::under(QUICK);
        stand.matches(20);
        stand.pass(3600);
        for _ in 0..100 {
            stand.observe(Outcome::Skipped(*reason), "document_url:https", false);
        }
        stand.controller.tick();
        let expected = if reason.benign() { "canary 0.1" } else { "shadow" };
        assert_eq!(stand.published(), expected, "{reason}");
    }
}

/// Skips that serving threads only count take the other way into the evidence.
#[test]
fn skips_counted_on_the_serving_threads_count_too() {
    for (reason, expected) in [(SkipReason::QueueFull, "shadow"), (SkipReason::NotSampled, "canary 0.1")] {
        let mut stand = Stand::under(QUICK);
        stand.matches(20);
        stand.pass(3600);
        for _ in 0..100 {
            stand.tally().skipped(reason);
        }
        stand.controller.tick();
        assert_eq!(stand.published(), expected, "{reason}");
        let counted = stand.metrics.outcomes.with_label_values(&[LANE, "skipped", reason.as_str()]).get();
        assert_eq!(counted, 100, "{reason}");
    }
}

#[test]
fn one_caller_cannot_speak_for_all() {
    let mut stand = Stand::under(&QUICK.replace("caller_hourly_max: 100000", "caller_hourly_max: 1"));
    stand.matches(1000);
    // Seven callers, one pair each in this hour.
    assert_eq!(stand.lane(|lane| lane.evidence.promotion.pairs()), 7);
}

fn keep_severe_cause(stand: &Stand) {
    let head = SampleHead {
        id: "sample".to_owned(),
        at: 1,
        lane: LANE.to_owned(),
        verdict: "mismatch".to_owned(),
        shape: String::new(),
        status_control: 200,
        status_candidate: 500,
        differences: 1,
        summary: String::new(),
    };
    let cause = NewCause {
        id: "cause".to_owned(),
        lane: LANE.to_owned(),
        severity: "severe".to_owned(),
        kind: "changed".to_owned(),
        path: "status".to_owned(),
        left_type: "number".to_owned(),
        right_type: "number".to_owned(),
        build: "build-1".to_owned(),
        sample_id: "sample".to_owned(),
        text: "200 became 500".to_owned(),
    };
    let sample = Sample { head, document: serde_json::Value::Null, content: None };
    stand.controller.store().add_sample(&sample, &[cause]).unwrap();
}

#[test]
fn an_open_severe_cause_holds_until_somebody_has_looked() {
    let mut stand = Stand::under(QUICK);
    keep_severe_cause(&stand);
    stand.observe(Outcome::Compared(Verdict::Mismatch), "document_url:https", true);
    stand.matches(500);
    stand.pass(3600);
    stand.controller.tick();
    assert_eq!(names(&stand), ["severe_causes"]);
    let mut stand = stand.killed_and_started("build-1", QUICK);
    stand.controller.tick();
    assert_eq!(names(&stand), ["severe_causes"], "a restart closes nothing");
    let refused = stand.controller.acknowledge("cause", &command(" ")).unwrap_err();
    assert_eq!(refused.code(), "reason_missing");
    assert_eq!(stand.controller.acknowledge("other", &command("seen")).unwrap_err().code(), "no_cause");
    stand.controller.acknowledge("cause", &command("the provider's fault")).unwrap();
    stand.matches(1);
    stand.controller.tick();
    assert_eq!(stand.published(), "canary 0.1");
    assert_eq!(stand.journal(), ["acknowledge", "promote"]);
}

#[test]
fn a_lane_that_nothing_would_watch_stops_below_full() {
    let mut stand = Stand::under(&format!("{QUICK}holdout: 0\n"));
    for expected in ["canary 0.1", "canary 0.5", "canary 0.99", "canary 0.99"] {
        stand.earn_a_step();
        assert_eq!(stand.published(), expected);
    }
    assert!(stand.lane(|lane| lane.state.watched(&lane.rule, false)));
    stand.controller.operate(LANE, Operation::ForcePromote, &command("I watch it myself")).unwrap();
    assert_eq!(stand.published(), "full 1");
    assert!(!stand.lane(|lane| lane.state.watched(&lane.rule, false)), "the board must say so");
}

#[test]
fn a_lane_whose_configuration_declines_never_rises() {
    let mut stand = Stand::under(QUICK);
    let declining = format!("{CONFIG}router_settings: {{fallbacks: [{{scan: [other]}}]}}\n");
    stand.configure(&declining);
    stand.controller.replace_agreement(agrees(), None);
    assert!(!stand.lane(|lane| lane.declines.is_empty()), "the case needs a deployment that declines");
    stand.earn_a_step();
    assert_eq!(stand.published(), "shadow");
    let refused = stand.controller.operate(LANE, Operation::ForcePromote, &command("now")).unwrap_err();
    assert_eq!(refused.code(), "not_eligible");
}
