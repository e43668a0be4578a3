//! What survives a kill, a bad row and a bad disk.

use cutover::stage::Operation;
use cutover::verdict::SkipReason;

use crossfade::controller::CommandError;

use super::{at_canary, eligible, fall};
use crate::stand::{LANE, QUICK, Stand, command, unknown};

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
