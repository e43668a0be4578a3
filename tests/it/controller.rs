//! The controller: what lets a lane rise, what takes it back, and what survives.

use std::time::Duration;

use cutover::lane::Leg;
use cutover::stage::Operation;
use cutover::verdict::{Outcome, SkipReason, Verdict};

use crossfade::controller::CommandError;
use crossfade::reports::{NewCause, Sample, SampleHead};

use crate::stand::{CONFIG, LANE, QUICK, Stand, agrees, command, unknown};

/// At the first step of the canary.
fn at_canary() -> Stand {
    let mut stand = Stand::under(QUICK);
    stand.earn_a_step();
    assert_eq!(stand.published(), "canary 0.1");
    stand
}

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

fn names(stand: &Stand) -> Vec<String> {
    stand.waits_for().into_iter().map(|(name, _)| name).collect()
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

/// As many mismatches as a rollback takes, and no tick.
fn fall(stand: &mut Stand) {
    let before = stand.published();
    for _ in 0..20 {
        stand.mismatches(1);
        if stand.published() != before {
            break;
        }
    }
    assert_eq!(stand.published(), "shadow", "from {before}");
}

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
fn without_a_store_nothing_rises() {
    let mut stand = Stand::under(QUICK);
    stand.matches(20);
    stand.pass(3600);
    stand.break_store();
    for _ in 0..3 {
        stand.controller.tick();
        assert_eq!(stand.published(), "shadow");
    }
    assert!(stand.controller.view(|state| state.store_error.is_some()));
    let forced = stand.controller.operate(LANE, Operation::ForcePromote, &command("now"));
    assert!(matches!(forced, Err(CommandError::Store(_))), "{forced:?}");
    assert_eq!(stand.published(), "shadow");
    stand.mend_store();
    stand.controller.tick();
    stand.controller.tick();
    assert_eq!((stand.published().as_str(), stand.journal().len()), ("canary 0.1", 1));
}

#[test]
fn without_a_store_a_lane_still_falls_and_stays_down() {
    // Found by the evidence, and found at a tick.
    type Fall = fn(&mut Stand);
    let found: [(&str, Fall); 2] = [
        ("regression", fall),
        ("panic", |stand| {
            stand.tally().panicked();
            stand.controller.tick();
        }),
    ];
    for (trigger, happens) in found {
        let mut stand = at_canary();
        stand.break_store();
        happens(&mut stand);
        assert_eq!(stand.published(), "shadow", "{trigger}");
        stand.mend_store();
        stand.controller.tick();
        stand.controller.tick();
        assert!(stand.controller.view(|state| state.store_error.is_none()));
        assert_eq!(stand.journal(), ["promote", "rollback"], "{trigger}: the journal has lost the reason");
        let stand = stand.killed_and_started("build-1", QUICK);
        assert_eq!(stand.published(), "shadow", "{trigger}: a restart undid the rollback");
    }
}

#[test]
fn kill_9_loses_nothing_that_was_said() {
    let mut stand = at_canary();
    stand.matches(5);
    stand.controller.tick();
    let before = (stand.state(), stand.lane(|lane| lane.evidence.clone()));
    let mut stand = stand.killed_and_started("build-1", QUICK);
    assert_eq!((stand.state(), stand.lane(|lane| lane.evidence.clone())), before);
    assert!(stand.tally().shape_compared("document_url:https"), "shapes once compared stay so");
    assert!(!stand.tally().shape_compared("upload"));
    assert_eq!(stand.journal(), ["promote"], "the restart itself resets nothing");
    stand.earn_a_step();
    assert_eq!(stand.published(), "canary 0.5");
}

/// What changed between two moments of one lane, and the word in the journal; `None`: the evidence stays.
fn changes(what: &str, change: impl Fn(Stand) -> Stand, expected: Option<&str>) {
    let mut stand = Stand::under(QUICK);
    stand.matches(10);
    stand.controller.tick();
    let stand = change(stand);
    stand.controller.replace_agreement(agrees(), None);
    let pairs = stand.lane(|lane| lane.evidence.promotion.pairs());
    let journal = stand.controller.store().journal(Some(LANE), 10).unwrap();
    match expected {
        None => assert_eq!((pairs, journal.len()), (10, 0), "{what}"),
        Some(word) => {
            assert_eq!((pairs, journal.len()), (0, 1), "{what}");
            assert_eq!((journal[0].action.as_str(), journal[0].actor.as_str()), ("reset", "config"), "{what}");
            assert!(journal[0].reason.contains(word), "{what}: {}", journal[0].reason);
            assert!(!stand.tally().shape_compared("document_url:https"), "{what}: shapes are forgotten, too");
        }
    }
}

#[test]
fn evidence_is_about_one_build_one_configuration_and_one_rule() {
    let gate = QUICK.replace("alpha: 0.5", "alpha: 0.4");
    let content = format!("{QUICK}content: {{ ttl: 1h, max_bytes: 10 }}\n");
    let rule = |text: String| {
        move |stand: Stand| {
            stand.controller.replace_rules(crate::stand::rules(&text), crossfade::controller::Loaded::default());
            stand
        }
    };
    changes("a new build", |stand| stand.killed_and_started("build-2", QUICK), Some("build"));
    changes("the same build", |stand| stand.killed_and_started("build-1", QUICK), None);
    changes("another gate", rule(gate), Some("rules"));
    changes("the same rule read again", rule(QUICK.to_owned()), None);
    changes("what is kept of samples", rule(content), None);
    changes(
        "another provider key",
        |stand| {
            stand.configure(&CONFIG.replace("provider-key", "rotated-key"));
            stand
        },
        Some("config"),
    );
    changes(
        "the same configuration read again",
        |stand| {
            stand.configure(CONFIG);
            stand
        },
        None,
    );
    changes(
        "another price map",
        |stand| {
            stand.reprice("other");
            stand
        },
        Some("config"),
    );
}

/// After this change of the file, the answers of LiteLLM in their order and whether the lane is eligible then.
fn reloads(change: impl Fn(String) -> String, answers: &[(bool, bool)]) {
    let stand = Stand::under(QUICK);
    let declared = CONFIG.to_owned();
    let hashed = CONFIG.replace("  model_info: {id: deployment-one}\n", "");
    for (config, known_by_id) in [(declared, false), (hashed, true)] {
        stand.configure(&config);
        stand.controller.replace_agreement(unknown(), None);
        stand.controller.replace_agreement(agrees(), None);
        assert!(eligible(&stand));
        stand.configure(&change(config));
        assert!(!eligible(&stand), "nobody has asked LiteLLM yet");
        for (agreed, expected) in answers {
            stand.controller.replace_agreement(if *agreed { agrees() } else { unknown() }, None);
            // Ids that LiteLLM makes from the parameters prove by themselves that it took them.
            assert_eq!(eligible(&stand), *expected || known_by_id && *agreed, "known by its id: {known_by_id}");
        }
    }
}

fn eligible(stand: &Stand) -> bool {
    stand.controller.table().load().lanes.iter().all(|lane| lane.eligible)
}

#[test]
fn a_changed_configuration_declines_until_litellm_was_seen_with_it() {
    let rotated = |config: String| config.replace("provider-key", "rotated-key");
    reloads(rotated, &[(true, false), (true, false), (false, false), (true, true), (true, true)]);
    let unknown_key = |config: String| format!("{config}zzz: 1\n");
    reloads(unknown_key, &[(true, true)]);
}

/// What became of a lane between two processes on one folder, and whether LiteLLM's answers to the second, in their
/// order, make it eligible.
fn restarts(what: &str, happened: impl Fn(&Stand), config: &str, answers: &[(bool, bool)]) {
    let stand = Stand::under(QUICK);
    happened(&stand);
    let stand = stand.killed_and_started_on("build-1", QUICK, config);
    for (number, (agreed, expected)) in answers.iter().enumerate() {
        stand.controller.replace_agreement(if *agreed { agrees() } else { unknown() }, None);
        assert_eq!(eligible(&stand), *expected, "{what}: answer {number}");
        let waits =
            stand.lane(|lane| lane.declines.iter().any(|reason| reason.text.contains("only a restart of LiteLLM")));
        assert!(*expected || !agreed || waits, "{what}: answer {number} is not explained");
    }
}

#[test]
fn what_litellm_runs_is_known_over_restarts_of_crossfade() {
    let rotated = CONFIG.replace("provider-key", "rotated-key");
    let renamed = CONFIG.replace("model_name: scan", "model_name: other");
    let hashed = |config: &str| config.replace("  model_info: {id: deployment-one}\n", "");
    let sql = |sql: &'static str| move |stand: &Stand| stand.database().execute_batch(sql).unwrap();
    let waits_for_a_restart = [(true, false), (true, false), (false, false), (true, true), (true, true)];
    restarts("nothing", |_| {}, CONFIG, &[(true, true)]);
    restarts("changed while it ran", |stand| stand.configure(&rotated), &rotated, &waits_for_a_restart);
    restarts("changed while it was down", |_| {}, &rotated, &waits_for_a_restart);
    restarts("another group under a known id", |_| {}, &renamed, &waits_for_a_restart);
    restarts("LiteLLM comes up later", |_| {}, &rotated, &[(false, false), (true, true)]);
    let back = |stand: &Stand| {
        stand.configure(&rotated);
        stand.configure(CONFIG);
    };
    restarts("changed and changed back", back, CONFIG, &waits_for_a_restart);
    let proven = |stand: &Stand| {
        stand.configure(&rotated);
        stand.controller.replace_agreement(unknown(), None);
        stand.controller.replace_agreement(agrees(), None);
    };
    restarts("changed and proven", proven, &rotated, &[(true, true)]);
    restarts("an id that tells", |stand| stand.configure(&hashed(CONFIG)), &hashed(&rotated), &[(true, true)]);
    restarts("nothing was ever proven", sql("DELETE FROM settings"), &rotated, &[(true, true)]);
    restarts("nobody knows", sql("UPDATE settings SET value = 'x'"), CONFIG, &waits_for_a_restart);
}

/// A lane at canary, and where a new process puts it after this happened to its row.
fn unreadable(what: &str, spoil: &str, rule: &str, expected: &str) {
    let stand = at_canary();
    stand.controller.operate(LANE, Operation::Hold, &command("watching")).unwrap();
    stand.database().execute_batch(spoil).unwrap();
    let stand = stand.killed_and_started("build-1", rule);
    assert_eq!(stand.published(), expected, "{what}");
    assert_eq!(stand.journal(), ["promote", "hold", "reset"], "{what}");
    let said = &stand.controller.store().journal(Some(LANE), 1).unwrap()[0];
    assert!(said.actor == "controller" && said.reason.contains("could not be read"), "{what}: {}", said.reason);
    assert_eq!(stand.lane(|lane| lane.evidence.promotion.pairs()), 0, "{what}");
    let stand = stand.killed_and_started("build-1", rule);
    assert_eq!((stand.published().as_str(), stand.journal().len()), (expected, 3), "{what}: said once, and kept");
    assert_eq!(stand.state().held, spoil.contains("evidence"), "{what}: a hold is kept where it can be read");
}

#[test]
fn a_lane_whose_row_cannot_be_read_starts_low_and_says_so() {
    let rows = [
        ("no JSON", "UPDATE lanes SET state = 'garbage'"),
        ("another JSON", "UPDATE lanes SET state = '{}'"),
        ("no text", "UPDATE lanes SET state = CAST(x'ff' AS TEXT)"),
        ("evidence that is none", "UPDATE lanes SET evidence = '[]'"),
    ];
    for (what, spoil) in rows {
        for (stage, expected) in [("off", "off"), ("shadow", "shadow"), ("canary", "shadow"), ("full", "shadow")] {
            let rule = QUICK.replace("stage: shadow", &format!("stage: {stage}"));
            unreadable(&format!("{what} under {stage}"), spoil, &rule, expected);
        }
        let pinned = format!("{}hold: true\n", QUICK.replace("stage: shadow", "stage: full"));
        unreadable(&format!("{what} under a pin"), spoil, &pinned, "full 1");
    }
    let stand = at_canary();
    stand.database().execute_batch("UPDATE lanes SET state = ''").unwrap();
    let mut stand = stand.killed_and_started("build-1", QUICK);
    stand.earn_a_step();
    assert_eq!(stand.published(), "canary 0.1", "it climbs again");
}

#[test]
fn a_store_that_fails_at_the_start_raises_nothing_and_hears_of_it_later() {
    let stand = at_canary();
    stand.break_store();
    let stand = stand.killed_and_started("build-1", &QUICK.replace("stage: shadow", "stage: full"));
    assert_eq!(stand.published(), "shadow");
    assert!(stand.controller.view(|state| state.store_error.is_some()));
    stand.mend_store();
    stand.controller.tick();
    assert_eq!(
        (stand.published(), stand.journal()),
        ("shadow".to_owned(), vec!["promote".to_owned(), "reset".to_owned()])
    );
}

#[test]
fn a_disk_that_is_slow_at_a_tick_holds_up_no_news() {
    let mut stand = Stand::under(QUICK);
    stand.matches(1);
    let disk = stand.database();
    disk.execute_batch("BEGIN IMMEDIATE").unwrap();
    stand.tally().skipped(SkipReason::QueueFull);
    let controller = std::sync::Arc::clone(&stand.controller);
    let tick = std::thread::spawn(move || controller.tick());
    let counted = stand.metrics.outcomes.with_label_values(&[LANE, "skipped", SkipReason::QueueFull.as_str()]);
    while counted.get() == 0 {
        std::thread::yield_now();
    }
    // The tick has the lock, or waits for the disk.
    stand.controller.replace_agreement(unknown(), None);
    assert!(!eligible(&stand));
    disk.execute_batch("ROLLBACK").unwrap();
    tick.join().unwrap();
    assert_eq!(
        stand.controller.view(|state| state.store_error.clone()),
        None,
        "the news waited until the disk gave up"
    );
}

#[test]
fn a_weight_that_another_build_earned_is_given_back() {
    let stand = at_canary().killed_and_started("build-2", QUICK);
    assert_eq!(stand.published(), "shadow");
    assert_eq!(stand.journal(), ["promote", "reset", "rollback"]);
    let stand = stand.killed_and_started("build-2", QUICK);
    assert_eq!((stand.published().as_str(), stand.journal().len()), ("shadow", 3), "said once");
    let pinned = format!("{}hold: true\n", QUICK.replace("stage: shadow", "stage: full"));
    let stand = Stand::under(&pinned).killed_and_started("build-2", &pinned);
    assert_eq!(stand.published(), "full 1");
}

#[test]
fn a_bad_input_changes_nothing_but_what_is_shown() {
    let stand = at_canary();
    stand.controller.config_failed("line 3".to_owned());
    stand.controller.rules_failed("line 4".to_owned());
    assert_eq!(stand.published(), "canary 0.1");
    let shown = stand.controller.view(|state| (state.config.error.clone(), state.rules_loaded.error.clone()));
    assert_eq!(shown, (Some("line 3".to_owned()), Some("line 4".to_owned())));
}

#[test]
fn a_frozen_board_stays_frozen() {
    let mut stand = at_canary();
    assert_eq!(stand.controller.freeze(true, &command("")).unwrap_err().code(), "reason_missing");
    stand.controller.freeze(true, &command("release day")).unwrap();
    stand.earn_a_step();
    assert_eq!((stand.published().as_str(), names(&stand)), ("canary 0.1", vec!["frozen".to_owned()]));
    let mut stand = stand.killed_and_started("build-1", QUICK);
    assert!(stand.controller.view(|state| state.frozen), "a restart thawed it");
    stand.earn_a_step();
    assert_eq!(stand.published(), "canary 0.1");
    let refused = stand.controller.operate(LANE, Operation::Promote, &command("please")).unwrap_err();
    assert_eq!(refused.code(), "frozen");
    stand.controller.operate(LANE, Operation::Rollback, &command("going down is always allowed")).unwrap();
    assert_eq!(stand.published(), "shadow");
    stand.controller.freeze(false, &command("over")).unwrap();
    let stand = stand.killed_and_started("build-1", QUICK);
    assert!(!stand.controller.view(|state| state.frozen));
    assert_eq!(stand.journal(), ["promote", "freeze", "rollback", "unfreeze"]);
}

#[test]
fn a_frozen_lane_still_falls() {
    type Fall = fn(&mut Stand);
    let found: [Fall; 2] = [fall, |stand| {
        stand.tally().panicked();
        stand.controller.tick();
    }];
    for happens in found {
        let mut stand = at_canary();
        stand.controller.freeze(true, &command("release day")).unwrap();
        happens(&mut stand);
        assert_eq!(stand.published(), "shadow");
        assert_eq!(stand.journal(), ["promote", "freeze", "rollback"]);
        stand.pass(601);
        stand.earn_a_step();
        assert_eq!(stand.published(), "shadow", "it rose through the freeze");
    }
}

#[test]
fn thawing_and_its_reason_are_never_apart() {
    let stand = at_canary();
    stand.controller.freeze(true, &command("release day")).unwrap();
    stand.database().execute_batch("ALTER TABLE journal RENAME TO journal_away").unwrap();
    assert!(stand.controller.freeze(false, &command("over")).is_err());
    assert!(stand.controller.view(|state| state.frozen));
    stand.database().execute_batch("ALTER TABLE journal_away RENAME TO journal").unwrap();
    let stand = stand.killed_and_started("build-1", QUICK);
    assert!(stand.controller.view(|state| state.frozen), "it thawed without a word in the journal");
}

#[test]
fn an_operators_hold_stops_promotions_and_nothing_else() {
    let mut stand = at_canary();
    stand.controller.operate(LANE, Operation::Hold, &command("watching")).unwrap();
    stand.earn_a_step();
    assert_eq!((stand.published().as_str(), names(&stand)), ("canary 0.1", vec!["hold".to_owned()]));
    let mut stand = stand.killed_and_started("build-1", QUICK);
    assert!(stand.state().held, "a restart let go");
    fall(&mut stand);
    stand.controller.operate(LANE, Operation::Release, &command("seen enough")).unwrap();
    stand.matches(200);
    stand.pass(601);
    stand.controller.tick();
    assert_eq!(stand.published(), "canary 0.1");
}

#[test]
fn an_operators_rollback_holds() {
    let mut stand = at_canary();
    stand.controller.operate(LANE, Operation::Rollback, &command("I do not like it")).unwrap();
    stand.matches(500);
    stand.pass(100_000);
    stand.controller.tick();
    assert_eq!((stand.published().as_str(), names(&stand)), ("shadow", vec!["hold".to_owned()]));
    assert_eq!(stand.state().rollback.map(|rollback| rollback.trigger).as_deref(), Some("operator"));
}

#[test]
fn a_rules_hold_pins_the_lane_both_ways() {
    let pinned = format!("{}hold: true\n", QUICK.replace("stage: shadow", "stage: canary"));
    let mut stand = Stand::under(&pinned);
    assert_eq!(stand.published(), "canary 0.1");
    stand.earn_a_step();
    assert_eq!((stand.published().as_str(), names(&stand)), ("canary 0.1", vec!["hold".to_owned()]));
    stand.mismatches(50);
    stand.tally().panicked();
    stand.controller.tick();
    assert_eq!(stand.published(), "canary 0.1");
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
fn promotions_by_hand_wait_for_the_hand_and_for_the_gate() {
    let mut stand = Stand::under(&format!("{QUICK}promote: manual\n"));
    let refused = stand.controller.operate(LANE, Operation::Promote, &command("early")).unwrap_err();
    assert_eq!(refused.code(), "gate_closed");
    stand.earn_a_step();
    assert_eq!(stand.published(), "shadow");
    stand.controller.operate(LANE, Operation::Promote, &command("looks good")).unwrap();
    assert_eq!(stand.published(), "canary 0.1");
    let entry = &stand.controller.store().journal(Some(LANE), 1).unwrap()[0];
    assert_eq!((entry.actor.as_str(), entry.reason.as_str()), ("operator:test", "looks good"));
}

#[test]
fn operators_are_told_what_is_wrong_with_their_request() {
    let stand = Stand::under(QUICK);
    for (lane, operation, reason, code) in [
        ("ocr:nobody", Operation::Hold, "x", "no_lane"),
        ("nonsense", Operation::Hold, "x", "no_lane"),
        (LANE, Operation::Hold, "  ", "reason_missing"),
        (LANE, Operation::Promote, "x", "gate_closed"),
    ] {
        let refused = stand.controller.operate(lane, operation, &command(reason)).unwrap_err();
        assert_eq!(refused.code(), code, "{lane} {operation:?}");
    }
    assert!(stand.journal().is_empty());
}

#[test]
fn a_changed_stage_in_a_rule_moves_and_an_unchanged_one_does_not() {
    let stand = at_canary();
    let read = |stand: &Stand, text: &str| {
        stand.controller.replace_rules(crate::stand::rules(text), crossfade::controller::Loaded::default());
    };
    read(&stand, QUICK);
    assert_eq!(stand.published(), "canary 0.1", "a reload must not undo a promotion");
    read(&stand, &QUICK.replace("stage: shadow", "stage: full"));
    assert_eq!(stand.published(), "full 1");
    read(&stand, &QUICK.replace("stage: shadow", "stage: off"));
    assert_eq!(stand.published(), "off");
    assert_eq!(stand.journal(), ["promote", "reload", "reload"]);
    let stand = stand.killed_and_started("build-1", &QUICK.replace("stage: shadow", "stage: off"));
    assert_eq!(stand.published(), "off");
}

/// A group with a rule of its own leaves its provider's lane and comes back to it.
#[test]
fn a_group_with_its_own_rule_is_a_lane_by_itself() {
    let mut stand = at_canary();
    stand.matches(3);
    let own = format!("{QUICK}lanes: [{{ provider: mistral, model_group: scan, stage: off }}]\n");
    stand.controller.replace_rules(crate::stand::rules(&own), crossfade::controller::Loaded::default());
    let lanes = || -> Vec<String> {
        let table = stand.controller.table().load_full();
        table.lanes.iter().map(|lane| lane.name.clone()).filter(|name| name.starts_with("ocr:")).collect()
    };
    assert_eq!(lanes(), ["ocr:mistral:scan"]);
    stand.controller.replace_rules(crate::stand::rules(QUICK), crossfade::controller::Loaded::default());
    assert_eq!((lanes(), stand.published().as_str()), (vec![LANE.to_owned()], "canary 0.1"));
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
