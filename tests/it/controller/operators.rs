//! What operators ask for.

use cutover::stage::Operation;

use super::{at_canary, fall, names};
use crate::stand::{LANE, QUICK, Stand, command};

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
