//! What takes a lane back.

use std::time::Duration;

use cutover::lane::Leg;

use super::{at_canary, fall, names};
use crate::stand::{LANE, QUICK, Stand};

#[test]
fn a_regression_takes_the_lane_back_at_once() {
    for climbs in [1, 2, 3] {
        let mut stand = Stand::under(QUICK);
        for _ in 0..climbs {
            stand.earn_a_step();
        }
        fall(&mut stand);
        let rollback = stand.state().rollback.unwrap();
        assert_eq!(rollback.trigger, "regression");
        assert_eq!(stand.metrics.rollbacks.with_label_values(&[LANE, "regression"]).get(), 1);
        assert_eq!(stand.journal().last().map(String::as_str), Some("rollback"));
    }
}

#[test]
fn after_a_rollback_the_lane_cools_down_and_starts_from_nothing() {
    let mut stand = at_canary();
    fall(&mut stand);
    assert_eq!(stand.lane(|lane| lane.evidence.promotion.pairs()), 0);
    stand.matches(200);
    stand.pass(599);
    stand.controller.tick();
    assert_eq!(names(&stand), ["minimum_time"]);
    stand.pass(2);
    stand.controller.tick();
    assert_eq!(stand.published(), "canary 0.1");
}

#[test]
fn in_shadow_a_mismatch_moves_nothing() {
    let mut stand = Stand::under(QUICK);
    stand.mismatches(100);
    stand.controller.tick();
    assert_eq!((stand.published().as_str(), stand.state().rollback), ("shadow", None));
    assert!(stand.journal().is_empty());
}

/// What the serving threads count while a lane is at canary, and whether that takes it back.
fn served(what: &str, count: impl Fn(&Stand), expected: Option<&str>) {
    let stand = at_canary();
    count(&stand);
    stand.controller.tick();
    let trigger = stand.state().rollback.map(|rollback| rollback.trigger);
    assert_eq!(trigger.as_deref(), expected, "{what}");
}

#[test]
fn hard_triggers_take_the_lane_back() {
    let answers = |stand: &Stand, leg, status, count| (0..count).for_each(|_| stand.tally().served(leg, status));
    served("a panic", |stand| stand.tally().panicked(), Some("panic"));
    served("three native 5xx", |stand| answers(stand, Leg::Native, 500, 3), None);
    served("four native 5xx", |stand| answers(stand, Leg::Native, 503, 4), Some("native_5xx"));
    served("native 4xx", |stand| answers(stand, Leg::Native, 429, 50), None);
    served("Python's 5xx", |stand| answers(stand, Leg::Python, 500, 50), None);
    served(
        "a provider that fails both legs",
        |stand| {
            answers(stand, Leg::Native, 500, 20);
            answers(stand, Leg::Python, 500, 20);
        },
        None,
    );
}

#[test]
fn a_native_leg_that_takes_too_long_takes_the_lane_back() {
    // The stand's rule allows 200 ms.
    let own = |stand: &Stand, milliseconds, count| {
        let times = &stand.tally().times.native_overhead;
        (0..count).for_each(|_| times.record(Duration::from_millis(milliseconds)));
    };
    served("three slow answers", |stand| own(stand, 2000, 3), None);
    served("four slow answers", |stand| own(stand, 2000, 4), Some("overhead"));
    served("below the limit", |stand| own(stand, 190, 1000), None);
    served(
        "one in a hundred",
        |stand| {
            own(stand, 1, 990);
            own(stand, 250, 10);
        },
        None,
    );
    served(
        "more than one in a hundred",
        |stand| {
            own(stand, 1, 990);
            own(stand, 250, 11);
        },
        Some("overhead"),
    );
    served(
        "a slow provider",
        |stand| (0..100).for_each(|_| stand.tally().times.native.record(Duration::from_secs(9))),
        None,
    );
    let stand = at_canary();
    own(&stand, 2000, 4);
    stand.controller.tick();
    let text = stand.state().rollback.unwrap().text;
    assert!(text.contains("4 of 4") && text.contains("200 ms"), "{text}");
    assert_eq!(stand.metrics.rollbacks.with_label_values(&[LANE, "overhead"]).get(), 1);
    assert_eq!(stand.published(), "shadow");
}

#[test]
fn failures_before_a_step_are_not_the_steps() {
    let mut stand = Stand::under(QUICK);
    stand.tally().panicked();
    (0..10).for_each(|_| stand.tally().served(Leg::Native, 500));
    (0..10).for_each(|_| stand.tally().times.native_overhead.record(Duration::from_secs(2)));
    stand.controller.tick();
    stand.earn_a_step();
    stand.controller.tick();
    assert_eq!(stand.published(), "canary 0.1");
}
