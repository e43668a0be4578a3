//! Moves and the gate: who may do what when, and what the gate says is missing.

use cutover::{
    evidence::{Evidence, RequestTraits},
    gate::{self, Agreement, Conditions},
    lane::{Stage, Weight},
    rules::{Canary, LaneRule, Promotion},
    stage::{
        self, Action, LaneState, Operation, Overhead, Position, Refusal, ServedCount, Triggers, UNWATCHED_WEIGHT_MAX,
    },
    time::{Span, UnixSeconds},
    verdict::{Outcome, SkipReason, Verdict},
};

use crate::evidence::key;

const DAY: u64 = 86_400;

fn fine() -> Conditions {
    Conditions { agreement: Agreement::Agrees, open_severe_causes: 0, frozen: false, reverse_shadow: false }
}

fn rule() -> LaneRule {
    LaneRule { stage: Stage::Shadow, ..LaneRule::default() }
}

fn at(stage: Stage, weight: f64) -> LaneState {
    let position = Position { stage, weight: Weight::nearest(weight) };
    LaneState { position, ..LaneState::start(&rule(), UnixSeconds(0)) }
}

/// Evidence of so many matches and mismatches by callers below their cap.
fn seen(matches: u64, mismatches: u64) -> Evidence {
    let mut evidence = Evidence::new(key("r1"), &rule(), UnixSeconds(0));
    for number in 0..matches + mismatches {
        let verdict = if number < mismatches { Verdict::Mismatch } else { Verdict::Match };
        let traits = RequestTraits { caller: number / 100, request: number, shape: "document_url" };
        evidence.record(&Outcome::Compared(verdict), &traits, UnixSeconds(0));
    }
    evidence
}

fn open_checks(
    state: &LaneState,
    rule: &LaneRule,
    evidence: &Evidence,
    conditions: &Conditions,
    now: u64,
) -> Vec<String> {
    let gate = gate::evaluate(state, rule, evidence, conditions, UnixSeconds(now));
    let names: Vec<&str> = gate.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(
        names,
        ["evidence", "coverage", "minimum_time", "severe_causes", "uncompared", "agreement", "hold", "frozen"]
    );
    gate.checks.into_iter().filter(|check| !check.ok).map(|check| format!("{}: {}", check.name, check.text)).collect()
}

#[test]
fn the_gate_says_what_is_missing() {
    let shadow = at(Stage::Shadow, 0.0);
    let good = seen(1000, 0);
    let mut half_compared = seen(1000, 0);
    for number in 0..30 {
        let traits = RequestTraits { caller: 1, request: number, shape: "document_url+pages" };
        half_compared.record(&Outcome::Skipped(SkipReason::ShadowDeclined), &traits, UnixSeconds(0));
    }
    type Case<'a> = (LaneState, LaneRule, Evidence, Conditions, u64, &'a [&'a str]);
    let cases: Vec<Case<'_>> = vec![
        (shadow.clone(), rule(), good.clone(), fine(), DAY, &[]),
        (shadow.clone(), rule(), seen(307, 0), fine(), DAY, &["evidence: 412 more comparisons without a mismatch"]),
        (
            shadow.clone(),
            rule(),
            seen(0, 0),
            fine(),
            DAY,
            &[
                "evidence: no comparison yet; 719 without a mismatch are needed",
                "coverage: no request shape was seen yet",
            ],
        ),
        (shadow.clone(), rule(), good.clone(), fine(), DAY - 60, &["minimum_time: 1m more at this step"]),
        (
            shadow.clone(),
            rule(),
            good.clone(),
            Conditions { open_severe_causes: 2, ..fine() },
            DAY,
            &["severe_causes: 2 severe causes are open"],
        ),
        (
            shadow.clone(),
            rule(),
            good.clone(),
            Conditions { agreement: Agreement::Disagrees("version 1.103.0".into()), ..fine() },
            DAY,
            &["agreement: the running LiteLLM differs: version 1.103.0"],
        ),
        (
            shadow.clone(),
            rule(),
            good.clone(),
            Conditions { agreement: Agreement::Unknown, ..fine() },
            DAY,
            &["agreement: it is not known whether the running LiteLLM is the one we imitate"],
        ),
        (
            shadow.clone(),
            LaneRule { hold: true, ..rule() },
            good.clone(),
            fine(),
            DAY,
            &["hold: pinned by the rule (hold: true)"],
        ),
        (LaneState { held: true, ..shadow.clone() }, rule(), good.clone(), fine(), DAY, &["hold: held by an operator"]),
        (
            shadow.clone(),
            rule(),
            good.clone(),
            Conditions { frozen: true, ..fine() },
            DAY,
            &["frozen: all lanes are frozen"],
        ),
        (
            shadow.clone(),
            LaneRule { mirror: Weight::ZERO, ..rule() },
            seen(0, 0),
            fine(),
            DAY,
            &[
                "evidence: nothing is mirrored (mirror: 0), so nothing can be shown",
                "coverage: no request shape was seen yet",
            ],
        ),
    ];
    for (state, rule, evidence, conditions, now, expected) in cases {
        assert_eq!(open_checks(&state, &rule, &evidence, &conditions, now), expected);
    }
    let gate = gate::evaluate(&shadow, &rule(), &half_compared, &fine(), UnixSeconds(DAY));
    assert!(
        gate.ready && gate.checks[1].text.ends_with("; shape `document_url+pages` was never compared"),
        "{:?}",
        gate.checks[1]
    );
    assert!(!half_compared.coverage.knows("document_url+pages"), "and at canary it stays on Python");
}

#[test]
fn a_shape_that_is_mostly_skipped_closes_the_gate() {
    let mut evidence = seen(2000, 0);
    let record = |evidence: &mut Evidence, number: u64, outcome: &Outcome| {
        evidence.record(outcome, &RequestTraits { caller: 99, request: number, shape: "hard" }, UnixSeconds(0));
    };
    (0..10).for_each(|number| record(&mut evidence, number, &Outcome::Compared(Verdict::Match)));
    (10..20).for_each(|number| record(&mut evidence, number, &Outcome::Skipped(SkipReason::ShadowTimeout)));
    assert_eq!(
        open_checks(&at(Stage::Shadow, 0.0), &rule(), &evidence, &fine(), DAY),
        ["uncompared: 50.0 % of shape `hard` could not be compared (at most 5.0 %)"]
    );
}

#[test]
fn the_way_up_is_the_rules_steps_and_ends_where_nothing_watches() {
    let climb = |rule: &LaneRule, reverse_shadow| {
        let mut state = at(Stage::Shadow, 0.0);
        let mut way = Vec::new();
        while let Some(next) = state.next(rule, reverse_shadow) {
            way.push(format!("{} {}", next.stage, next.weight));
            state.position = next;
        }
        way
    };
    let steps = ["canary 1 %", "canary 5 %", "canary 25 %", "canary 50 %"].map(str::to_owned).to_vec();
    let with = |last: &str| [steps.clone(), vec![last.to_owned()]].concat();
    let unwatched = LaneRule { holdout: Weight::ZERO, ..rule() };
    assert_eq!(climb(&rule(), false), with("full 100 %"));
    assert_eq!(climb(&unwatched, true), with("full 100 %"));
    assert_eq!(climb(&unwatched, false), with("canary 99 %"));
    assert_eq!(at(Stage::Off, 0.0).next(&rule(), false), None, "off is left by rule or operator only");
    assert!(at(Stage::Full, 1.0).watched(&rule(), false) && !at(Stage::Full, 1.0).watched(&unwatched, false));
}

/// The way of a lane that is somewhere.
fn leads(from: LaneState, rule: &LaneRule, expected: &[&str]) {
    let way: Vec<String> =
        from.way(rule, false).iter().map(|place| format!("{} {}", place.stage, place.weight)).collect();
    assert_eq!(way, expected, "{:?}", from.position);
}

#[test]
fn the_way_holds_every_step_and_the_place_of_the_lane() {
    let two = || [0.1, 0.5].map(Weight::nearest).to_vec();
    let rule = || LaneRule { canary: Canary { steps: two(), ..rule().canary }, ..rule() };
    let unwatched = LaneRule { holdout: Weight::ZERO, ..rule() };
    let steps = ["shadow 0 %", "canary 10 %", "canary 50 %", "full 100 %"];
    for place in [at(Stage::Shadow, 0.0), at(Stage::Canary, 0.1), at(Stage::Canary, 0.5), at(Stage::Full, 1.0)] {
        leads(place, &rule(), &steps);
    }
    leads(at(Stage::Off, 0.0), &rule(), &[&["off 0 %"], &steps[..]].concat());
    // The steps were others when the lane came here.
    leads(at(Stage::Canary, 0.25), &rule(), &["shadow 0 %", "canary 10 %", "canary 25 %", "canary 50 %", "full 100 %"]);
    leads(at(Stage::Shadow, 0.0), &unwatched, &["shadow 0 %", "canary 10 %", "canary 50 %", "canary 99 %"]);
}

#[test]
fn the_controller_raises_lowers_or_waits() {
    let native = |errors_5xx| Triggers {
        native: ServedCount { answers: 100, errors_5xx },
        python: ServedCount { answers: 900, errors_5xx: 0 },
        ..Triggers::default()
    };
    let outage = Triggers {
        native: ServedCount { answers: 100, errors_5xx: 50 },
        python: ServedCount { answers: 900, errors_5xx: 450 },
        ..Triggers::default()
    };
    let panicked = Triggers { panics: 1, ..Triggers::default() };
    let slow = |slow, answers| Triggers { overhead: Overhead { answers, slow }, ..Triggers::default() };
    let quiet = Triggers::default;
    let manual = LaneRule { promote: Promotion::Manual, ..rule() };
    let pinned = LaneRule { hold: true, ..rule() };
    let frozen = Conditions { frozen: true, ..fine() };
    let (good, bad) = (seen(1000, 0), seen(10, 5));
    let (shadow, canary) = (at(Stage::Shadow, 0.0), at(Stage::Canary, 0.05));
    let held = LaneState { held: true, ..canary.clone() };
    let up = |to: &str| Some((Action::Promote, to.to_owned(), None));
    let down = |trigger: &str| Some((Action::Rollback, "shadow 0 %".to_owned(), Some(trigger.to_owned())));
    let cases = [
        ("open gate", &shadow, rule(), &good, fine(), quiet(), up("canary 1 %")),
        ("open gate at canary", &canary, rule(), &good, fine(), quiet(), up("canary 25 %")),
        ("manual", &shadow, manual, &good, fine(), quiet(), None),
        ("pinned", &canary, pinned.clone(), &good, fine(), quiet(), None),
        ("pinned stays even then", &canary, pinned, &bad, fine(), panicked.clone(), None),
        ("frozen does not go up", &canary, rule(), &good, frozen.clone(), quiet(), None),
        ("frozen goes down", &canary, rule(), &bad, frozen.clone(), quiet(), down("regression")),
        ("frozen goes down at once", &canary, rule(), &good, frozen, panicked.clone(), down("panic")),
        ("held goes down, not up", &held, rule(), &good, fine(), quiet(), None),
        ("held goes down", &held, rule(), &good, fine(), panicked.clone(), down("panic")),
        ("regression", &canary, rule(), &bad, fine(), quiet(), down("regression")),
        ("regression at full", &at(Stage::Full, 1.0), rule(), &bad, fine(), quiet(), down("regression")),
        ("nothing to take back", &shadow, rule(), &bad, fine(), panicked, None),
        ("5xx at the limit", &canary, rule(), &seen(10, 0), fine(), native(3), None),
        ("5xx beyond it", &canary, rule(), &seen(10, 0), fine(), native(4), down("native_5xx")),
        ("both legs fail", &canary, rule(), &seen(10, 0), fine(), outage, None),
        ("few slow answers", &canary, rule(), &seen(10, 0), fine(), slow(3, 3), None),
        ("one slow answer in a hundred", &canary, rule(), &seen(10, 0), fine(), slow(4, 400), None),
        ("more of them", &canary, rule(), &seen(10, 0), fine(), slow(4, 399), down("overhead")),
        ("slow at full", &at(Stage::Full, 1.0), rule(), &seen(10, 0), fine(), slow(50, 50), down("overhead")),
        ("top", &at(Stage::Full, 1.0), rule(), &good, fine(), quiet(), None),
    ];
    for (name, state, rule, evidence, conditions, triggers, expected) in cases {
        let made = stage::step(state, &rule, evidence, &conditions, &triggers, UnixSeconds(DAY));
        let made = made.map(|made| (made.action, format!("{} {}", made.to.stage, made.to.weight), made.trigger));
        assert_eq!(made, expected, "{name}");
    }
}

#[test]
fn a_lane_without_a_past_starts_low_unless_it_is_pinned() {
    let canary = Position::canary(Weight::nearest(0.01));
    for (stage, hold, expected) in [
        (Stage::Off, false, Position::OFF),
        (Stage::Shadow, false, Position::SHADOW),
        (Stage::Canary, false, Position::SHADOW),
        (Stage::Full, false, Position::SHADOW),
        (Stage::Off, true, Position::OFF),
        (Stage::Shadow, true, Position::SHADOW),
        (Stage::Canary, true, canary),
        (Stage::Full, true, Position::FULL),
    ] {
        let rule = LaneRule { stage, hold, ..rule() };
        let state = LaneState::start_without_past(&rule, UnixSeconds(DAY));
        assert_eq!((state.position, state.since), (expected, UnixSeconds(DAY)), "{stage} {hold}");
        assert_eq!(stage::reload(&state, &rule), None, "{stage} {hold}: the next reload must not raise it");
    }
}

#[test]
fn a_rollback_cools_down_and_forgets() {
    let rule =
        LaneRule { gate: cutover::rules::GateRule { minimum_time: Span::from_seconds(60), ..rule().gate }, ..rule() };
    let (mut state, mut evidence) = (at(Stage::Canary, 0.05), seen(10, 5));
    let now = UnixSeconds(DAY);
    let made = stage::step(&state, &rule, &evidence, &fine(), &Triggers::default(), now).unwrap();
    stage::apply(&made, &mut state, &mut evidence, &rule, now);
    assert_eq!(
        (state.position, state.held, evidence.promotion.pairs(), evidence.regression.alarm()),
        (Position::SHADOW, false, 0, false)
    );
    assert_eq!(state.rollback.as_ref().unwrap().trigger, "regression");

    let good = |since| Evidence { since: UnixSeconds(since), ..seen(1000, 0) };
    let open = |elapsed: u64| open_checks(&state, &rule, &good(DAY), &fine(), DAY + elapsed);
    assert_eq!(open(3599), ["minimum_time: cooling down after a rollback, 1s left"]);
    assert!(open(3600).is_empty());
    let stored: LaneState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    assert_eq!(stored, state);
}

#[test]
fn operators_need_a_reason_and_evidence_to_raise_and_nothing_to_lower() {
    use Operation::*;
    let pinned = LaneRule { hold: true, ..rule() };
    let unwatched = LaneRule { holdout: Weight::ZERO, ..rule() };
    let frozen = Conditions { frozen: true, ..fine() };
    let (good, little) = (seen(1000, 0), seen(1, 0));
    let held = LaneState { held: true, ..at(Stage::Shadow, 0.0) };
    let position = |position: Position| Ok(format!("{} {}", position.stage, position.weight));
    let refused = |code: &str| Err(code.to_owned());
    let full = || position(Position::FULL);
    let cases = [
        (
            Promote,
            "r",
            at(Stage::Shadow, 0.0),
            rule(),
            &good,
            fine(),
            position(Position::canary(Weight::nearest(0.01))),
        ),
        (Promote, "r", held.clone(), rule(), &good, fine(), position(Position::canary(Weight::nearest(0.01)))),
        (
            Promote,
            "r",
            at(Stage::Shadow, 0.0),
            pinned,
            &good,
            fine(),
            position(Position::canary(Weight::nearest(0.01))),
        ),
        (Promote, " ", at(Stage::Shadow, 0.0), rule(), &good, fine(), refused("reason_missing")),
        (Promote, "r", at(Stage::Shadow, 0.0), rule(), &little, fine(), refused("gate_closed")),
        (Promote, "r", at(Stage::Shadow, 0.0), rule(), &good, frozen.clone(), refused("frozen")),
        (Promote, "r", at(Stage::Full, 1.0), rule(), &good, fine(), refused("nowhere_to_go")),
        (Promote, "r", at(Stage::Off, 0.0), rule(), &little, fine(), position(Position::SHADOW)),
        (
            ForcePromote,
            "r",
            at(Stage::Shadow, 0.0),
            rule(),
            &little,
            fine(),
            position(Position::canary(Weight::nearest(0.01))),
        ),
        (ForcePromote, "", at(Stage::Shadow, 0.0), rule(), &little, fine(), refused("reason_missing")),
        (ForcePromote, "r", at(Stage::Canary, 0.99), unwatched, &little, fine(), full()),
        (ForcePromote, "r", at(Stage::Full, 1.0), rule(), &little, fine(), refused("nowhere_to_go")),
        (Rollback, "r", at(Stage::Full, 1.0), rule(), &little, frozen, position(Position::SHADOW)),
        (Rollback, "r", at(Stage::Shadow, 0.0), rule(), &little, fine(), position(Position::OFF)),
        (Rollback, "r", at(Stage::Off, 0.0), rule(), &little, fine(), refused("nowhere_to_go")),
        (
            Hold,
            "r",
            at(Stage::Canary, 0.05),
            rule(),
            &little,
            fine(),
            position(Position::canary(Weight::nearest(0.05))),
        ),
        (Release, "r", held, rule(), &little, fine(), position(Position::SHADOW)),
    ];
    for (operation, reason, state, rule, evidence, conditions, expected) in cases {
        let made = stage::operate(operation, reason, &state, &rule, evidence, &conditions, UnixSeconds(DAY));
        let made = made
            .map(|made| format!("{} {}", made.to.stage, made.to.weight))
            .map_err(|refusal: Refusal| refusal.code().to_owned());
        assert_eq!(made, expected, "{operation:?} {reason:?} {:?}", state.position);
    }
}

#[test]
fn an_operators_rollback_stays_until_released() {
    let (mut state, mut evidence) = (at(Stage::Full, 1.0), seen(10, 0));
    for (operation, held) in [(Operation::Rollback, true), (Operation::Release, false), (Operation::Hold, true)] {
        let made = stage::operate(operation, "because", &state, &rule(), &evidence, &fine(), UnixSeconds(DAY)).unwrap();
        stage::apply(&made, &mut state, &mut evidence, &rule(), UnixSeconds(DAY));
        assert_eq!((state.held, state.position), (held, Position::SHADOW), "{operation:?}");
    }
}

#[test]
fn a_reload_moves_a_lane_only_where_the_rules_stage_changed() {
    let (mut state, mut evidence) = (at(Stage::Canary, 0.05), seen(10, 0));
    assert_eq!(stage::reload(&state, &rule()), None, "the store keeps where the lane got to");
    for (to, expected) in [
        (Stage::Off, Position::OFF),
        (Stage::Full, Position::FULL),
        (Stage::Canary, Position::canary(Weight::nearest(0.01))),
    ] {
        let changed = LaneRule { stage: to, ..rule() };
        let made = stage::reload(&state, &changed).unwrap();
        stage::apply(&made, &mut state, &mut evidence, &changed, UnixSeconds(DAY));
        assert_eq!(state.position, expected);
        assert_eq!(stage::reload(&state, &changed), None, "once");
    }
    assert_eq!(UNWATCHED_WEIGHT_MAX.share(), 0.99);
}
