//! Evidence: the figures of the tests, caps, coverage, storing, resetting.

use cutover::{
    evidence::{CallerCap, Coverage, Evidence, EvidenceKey, PromotionTest, RegressionTest, RequestTraits, SHAPES_MAX},
    rules::LaneRule,
    time::UnixSeconds,
    verdict::{Outcome, SkipReason, Verdict},
};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

const SEED: u64 = 20_261_123;

pub fn key(rules_hash: &str) -> EvidenceKey {
    EvidenceKey {
        lane: "ocr:mistral".parse().unwrap(),
        build: "b1".into(),
        config_hash: "c1".into(),
        rules_hash: rules_hash.into(),
    }
}

#[test]
fn a_clean_run_passes_after_the_expected_number_of_pairs() {
    for (rate, alpha, expected) in
        [(0.005, 0.05, 720.0), (0.005, 0.01, 1070.0), (0.001, 0.05, 3580.0), (0.001, 0.01, 5340.0)]
    {
        let mut test = PromotionTest::new(rate, alpha);
        let missing = test.pairs_missing();
        assert!((missing as f64 / expected - 1.0).abs() < 0.01, "{rate} {alpha}: {missing}");
        (1..missing).for_each(|_| test.record(false));
        assert!(!test.passed() && test.pairs_missing() == 1, "one pair short");
        test.record(false);
        assert!(test.passed() && test.pairs_missing() == 0, "at the figure");
    }
}

#[test]
fn one_mismatch_sets_the_test_back() {
    let mut test = PromotionTest::new(0.005, 0.05);
    let before = test.pairs_missing();
    test.record(true);
    assert!(test.pairs_missing() > before + 100, "{}", test.pairs_missing());
    assert!(test.log_e() < 0.0);
}

/// Looks after every pair, at exactly the rate that must be excluded.
#[test]
fn peeking_promotes_wrongly_no_more_often_than_alpha() {
    const RUNS: u32 = 2000;
    const PAIRS: u32 = 5000;
    let mut dice = StdRng::seed_from_u64(SEED);
    let mut wrong = 0;
    for _ in 0..RUNS {
        let mut test = PromotionTest::new(0.005, 0.05);
        wrong += u32::from((0..PAIRS).any(|_| {
            test.record(dice.random_bool(0.005));
            test.passed()
        }));
    }
    println!("seed {SEED}: {wrong} of {RUNS} runs promoted wrongly");
    let sigma = (0.05 * 0.95 * f64::from(RUNS)).sqrt();
    assert!(f64::from(wrong) < 0.05 * f64::from(RUNS) + 3.0 * sigma, "{wrong} of {RUNS}");
    assert!(wrong > RUNS / 100, "the test is not useless either: {wrong} of {RUNS}");
}

/// Median number of pairs to the alarm, over 400 runs.
fn median_detection(rate: f64) -> u32 {
    let mut dice = StdRng::seed_from_u64(SEED);
    let mut delays: Vec<u32> = (0..400)
        .map(|_| {
            let mut test = RegressionTest::new(0.0005, 100_000.0);
            // Good months first: they must not have to be used up.
            (0..2000).for_each(|_| test.record(false));
            (1..).find(|_| {
                test.record(dice.random_bool(rate));
                test.alarm()
            })
        })
        .map(Option::unwrap)
        .collect();
    delays.sort_unstable();
    delays[delays.len() / 2]
}

#[test]
fn regressions_are_found_about_as_fast_as_the_reference() {
    for (rate, reference) in [(0.01, 539), (0.05, 60), (0.2, 14), (1.0, 3)] {
        let median = median_detection(rate);
        println!("seed {SEED}: {rate} found after {median} (reference {reference})");
        assert!(median <= reference * 5 / 4 + 3, "{rate}: {median}");
    }
}

#[test]
fn false_alarms_are_rare_and_an_alarm_clears() {
    let mut dice = StdRng::seed_from_u64(SEED);
    let alarms = (0..40)
        .filter(|_| {
            let mut test = RegressionTest::new(0.0005, 100_000.0);
            (0..25_000).any(|_| {
                test.record(dice.random_bool(0.0005));
                test.alarm()
            })
        })
        .count();
    // At an average run length of 1e5 or more, a million pairs hold ten alarms at most.
    assert!(alarms <= 10, "{alarms}");

    let mut test = RegressionTest::new(0.0005, 100_000.0);
    (0..1000).for_each(|_| test.record(true));
    assert!(test.alarm());
    let clears = (1..100_000).find(|_| {
        test.record(false);
        !test.alarm()
    });
    assert!(clears.is_some_and(|pairs| pairs < 20_000), "{clears:?}");
}

#[test]
fn one_caller_counts_up_to_the_cap_and_one_request_once() {
    let (hour, next_hour) = (UnixSeconds(3600), UnixSeconds(7200));
    let mut cap = CallerCap::new(3);
    let counted: Vec<bool> = (0..5).map(|request| cap.count(1, request, false, hour).promotion).collect();
    assert_eq!(counted, [true, true, true, false, false], "at the cap and beyond");
    assert!(cap.count(1, 9, false, hour).regression, "a distinct request still watches for regressions");
    assert!(cap.count(2, 0, false, hour).promotion, "another caller");
    assert!(!cap.count(2, 0, false, hour).promotion && !cap.count(2, 0, false, hour).regression, "the same request");
    let first = cap.count(2, 0, true, hour);
    assert!(first.promotion && first.regression, "the same request, now a mismatch");
    assert!(!cap.count(2, 0, true, hour).regression, "the same mismatch");
    assert!(cap.count(1, 0, false, next_hour).promotion, "a new hour");
}

/// Distinct requests of an hour that the cap's memory holds.
const REQUESTS_MAX: u64 = 32_768;

#[test]
fn memory_is_bounded_and_what_left_it_counts_no_more() {
    let now = UnixSeconds(0);
    let mut cap = CallerCap::new(u32::MAX);
    assert!((0..REQUESTS_MAX).all(|request| cap.count(1, request, false, now).promotion), "at the limit");
    let beyond: Vec<u64> =
        (REQUESTS_MAX..2 * REQUESTS_MAX).filter(|request| cap.count(1, *request, false, now).regression).collect();
    assert!(beyond.len() < REQUESTS_MAX as usize && beyond.len() > REQUESTS_MAX as usize / 2, "{}", beyond.len());
    let again = (0..2 * REQUESTS_MAX).filter(|request| cap.count(1, *request, false, now).regression).count();
    assert_eq!(again, 0, "counted twice");
    let mismatching = (0..2 * REQUESTS_MAX).filter(|request| cap.count(1, *request, true, now).regression).count();
    assert_eq!(mismatching as u64, REQUESTS_MAX, "a mismatch counts for those that are kept");
    let again = (0..2 * REQUESTS_MAX).filter(|request| cap.count(1, *request, true, now).regression).count();
    assert_eq!(again, 0, "mismatches counted twice");

    let mut callers = CallerCap::new(1);
    assert!((0..4096).all(|caller| callers.count(caller, 0, false, now).promotion));
    assert!(!callers.count(4096, 0, false, now).promotion, "one caller beyond");
}

/// An hour with ten times the requests that are told apart, at one mismatch rate: what is counted toward rollback.
fn busy_hour(rate: f64) -> Vec<bool> {
    let mut dice = StdRng::seed_from_u64(SEED);
    let mut cap = CallerCap::new(200);
    let requests = (0..10 * REQUESTS_MAX).map(|request| (request, dice.random_bool(rate)));
    requests
        .filter(|(request, mismatch)| cap.count(request % 100, *request, *mismatch, UnixSeconds(0)).regression)
        .map(|(_, mismatch)| mismatch)
        .collect()
}

#[test]
fn beyond_the_memory_the_counted_rate_is_the_true_one() {
    let counted = busy_hour(0.01);
    let (pairs, mismatches) = (counted.len() as f64, counted.iter().filter(|mismatch| **mismatch).count() as f64);
    // k (1 + ln(n / k)) of n distinct requests count.
    assert!((pairs / (REQUESTS_MAX as f64 * (1.0 + f64::ln(10.0))) - 1.0).abs() < 0.05, "{pairs}");
    let sigma = (0.01 * 0.99 / pairs).sqrt();
    assert!((mismatches / pairs - 0.01).abs() < 3.0 * sigma, "{mismatches} of {pairs}");
}

#[test]
fn a_busy_hour_raises_no_more_alarms_than_a_quiet_one() {
    let (rate_ok, run_length) = (0.0005, 100_000.0);
    let counted = busy_hour(rate_ok);
    let mut test = RegressionTest::new(rate_ok, run_length);
    let mut alarms = 0;
    for mismatch in &counted {
        test.record(*mismatch);
        if test.alarm() {
            alarms += 1;
            test = RegressionTest::new(rate_ok, run_length);
        }
    }
    assert!(f64::from(alarms) <= counted.len() as f64 / run_length, "{alarms} in {}", counted.len());
    let mut test = RegressionTest::new(rate_ok, run_length);
    let found = busy_hour(0.05).into_iter().skip(REQUESTS_MAX as usize).position(|mismatch| {
        test.record(mismatch);
        test.alarm()
    });
    assert!(found.is_some_and(|pairs| pairs < 300), "a real regression is still found: {found:?}");
}

#[test]
fn coverage_follows_good_and_turing() {
    let mut dice = StdRng::seed_from_u64(SEED);
    // 2,000 shapes, Zipf: the estimate is compared with the truth.
    let weights: Vec<f64> = (1..=2000).map(|rank| 1.0 / f64::from(rank)).collect();
    let total: f64 = weights.iter().sum();
    let draw = |dice: &mut StdRng| {
        let mut left = dice.random::<f64>() * total;
        weights
            .iter()
            .position(|weight| {
                left -= weight;
                left <= 0.0
            })
            .unwrap_or(1999)
    };
    let mut coverage = Coverage::default();
    assert_eq!(coverage.unseen_share(), 1.0, "nothing seen, everything open");
    for _ in 0..10_000 {
        coverage.compared(&draw(&mut dice).to_string(), true);
    }
    let unseen: f64 = (0..2000).filter(|shape| !coverage.knows(&shape.to_string())).map(|shape| weights[shape]).sum();
    assert!((coverage.unseen_share() - unseen / total).abs() < 0.015, "{} {}", coverage.unseen_share(), unseen / total);
}

#[test]
fn shapes_beyond_the_limit_hold_the_gate() {
    let mut coverage = Coverage::default();
    for _ in 0..2 {
        (0..SHAPES_MAX).for_each(|shape| coverage.compared(&shape.to_string(), true));
    }
    assert_eq!(coverage.unseen_share(), 0.0, "at the limit, each seen twice");
    for _ in 0..2 {
        coverage.compared("one more", true);
    }
    assert!(coverage.unseen_share() > 0.0 && !coverage.knows("one more"));
    let mut long = Coverage::default();
    long.compared(&"x".repeat(256), true);
    long.compared(&"x".repeat(257), true);
    assert_eq!(long.shapes().count(), 1);
}

#[test]
fn what_is_not_compared_counts_unless_benign() {
    let rule = LaneRule::default();
    for reason in SkipReason::ALL {
        let mut evidence = Evidence::new(key("r1"), &rule, UnixSeconds(0));
        let traits = RequestTraits { caller: 1, request: 1, shape: "s" };
        evidence.record(&Outcome::Skipped(*reason), &traits, UnixSeconds(0));
        let expected = if reason.benign() { 0.0 } else { 1.0 };
        assert_eq!(evidence.coverage.uncompared_share(), expected, "{reason}");
        assert_eq!(evidence.counts.skipped.get(reason), Some(&1));
    }
}

#[test]
fn history_keeps_an_hour() {
    let rule = LaneRule::default();
    let mut evidence = Evidence::new(key("r1"), &rule, UnixSeconds(0));
    let traits = RequestTraits { caller: 1, request: 1, shape: "s" };
    for minute in 0..61 {
        evidence.record(&Outcome::Compared(Verdict::Match), &traits, UnixSeconds(minute * 60 + 7));
    }
    let minutes: Vec<u64> = evidence.history.minutes().map(|minute| minute.at.0 / 60).collect();
    assert_eq!(minutes, (1..61).collect::<Vec<_>>(), "sixty, the oldest gone");
}

#[test]
fn another_key_starts_anew() {
    let rule = LaneRule::default();
    let mut evidence = Evidence::new(key("r1"), &rule, UnixSeconds(0));
    let traits = RequestTraits { caller: 1, request: 1, shape: "s" };
    evidence.record(&Outcome::Compared(Verdict::Match), &traits, UnixSeconds(0));
    assert!(!evidence.rekey(key("r1"), &rule, UnixSeconds(60)));
    assert_eq!((evidence.promotion.pairs(), evidence.since), (1, UnixSeconds(0)));
    let changes: [fn(&mut EvidenceKey); 4] = [
        |key| key.build.push('x'),
        |key| key.config_hash.push('x'),
        |key| key.rules_hash.push('x'),
        |key| key.lane.provider.push('x'),
    ];
    for change in changes {
        let (mut other, mut changed) = (key("r1"), evidence.clone());
        change(&mut other);
        assert!(changed.rekey(other, &rule, UnixSeconds(60)));
        assert_eq!(
            (changed.promotion.pairs(), changed.coverage.knows("s"), changed.since),
            (0, false, UnixSeconds(60))
        );
        assert_eq!(changed.history, evidence.history, "what was seen stays on the board");
    }
}

#[test]
fn a_step_starts_the_promotion_test_and_nothing_else() {
    let rule = LaneRule::default();
    let mut evidence = Evidence::new(key("r1"), &rule, UnixSeconds(0));
    let traits = RequestTraits { caller: 1, request: 1, shape: "s" };
    evidence.record(&Outcome::Compared(Verdict::Mismatch), &traits, UnixSeconds(0));
    let before = evidence.clone();
    evidence.begin_step(UnixSeconds(60));
    assert_eq!(evidence.promotion.pairs(), 0);
    assert_eq!(evidence.regression, before.regression, "no moment of forgetting");
    assert!(evidence.coverage.knows("s"));
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Compared(Verdict::Match)),
        Just(Outcome::Compared(Verdict::Mismatch)),
        prop::sample::select(SkipReason::ALL).prop_map(Outcome::Skipped),
    ]
}

proptest! {
    #[test]
    fn evidence_stores_and_loads_whole(steps in prop::collection::vec((outcome(), 0u64..4, 0u64..20, "[a-c]"), 0..200)) {
        let rule = LaneRule::default();
        let mut evidence = Evidence::new(key("r1"), &rule, UnixSeconds(0));
        for (second, (outcome, caller, request, shape)) in steps.iter().enumerate() {
            evidence.record(outcome, &RequestTraits { caller: *caller, request: *request, shape }, UnixSeconds(second as u64 * 97));
            prop_assert!(evidence.promotion.log_e().is_finite() && evidence.regression.log_value().is_finite());
        }
        let stored = serde_json::to_string(&evidence).unwrap();
        let mut loaded: Evidence = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(&loaded, &evidence);
        loaded.reset(&rule, UnixSeconds(1));
        prop_assert_eq!((loaded.promotion.pairs(), loaded.regression.log_value(), loaded.coverage.unseen_share()), (0, 0.0, 1.0));
    }
}
