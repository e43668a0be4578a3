//! Decisions: golden vectors, the table of stages, monotony and distribution of the draw.

use cutover::{
    decide::{Decision, LaneView, Purpose, RequestFacts, Subjects, decide, sticky_subject, within},
    lane::{LaneId, Leg, Stage, Weight},
    rules::StickyBy,
};
use proptest::prelude::*;

fn weight(share: f64) -> Weight {
    Weight::nearest(share)
}

fn lane(id: &LaneId, stage: Stage) -> LaneView<'_> {
    LaneView {
        id,
        stage,
        weight: weight(0.5),
        mirror: Weight::ONE,
        holdout: Weight::ZERO,
        eligible: true,
        shape_compared: true,
    }
}

/// The least weight, in parts per million, that includes a subject: pins the hash for good.
fn threshold(lane: &str, purpose: Purpose, subject: &str) -> u32 {
    (0..=1_000_000)
        .find(|parts| within(lane, purpose, subject, Weight::from_parts_per_million(*parts).unwrap()))
        .unwrap()
}

#[test]
fn golden_vectors_never_change() {
    for (lane, purpose, subject, expected) in GOLDEN {
        assert_eq!(threshold(lane, purpose, subject), expected, "{lane} {purpose:?} {subject}");
    }
}

#[test]
fn stages_decide_as_documented() {
    let id = LaneId::new("ocr", "mistral", None);
    let python = |mirror| Decision { serve: Leg::Python, mirror };
    let native = Decision { serve: Leg::Native, mirror: false };
    let base = lane(&id, Stage::Shadow);
    for (view, expected) in [
        (LaneView { stage: Stage::Off, ..base }, python(false)),
        (base, python(true)),
        (LaneView { mirror: Weight::ZERO, ..base }, python(false)),
        (LaneView { eligible: false, ..base }, python(false)),
        (LaneView { stage: Stage::Canary, weight: Weight::ZERO, ..base }, python(true)),
        (LaneView { stage: Stage::Canary, weight: Weight::ONE, ..base }, native),
        (LaneView { stage: Stage::Canary, weight: Weight::ONE, eligible: false, ..base }, python(false)),
        (LaneView { stage: Stage::Canary, weight: Weight::ONE, shape_compared: false, ..base }, python(true)),
        (LaneView { stage: Stage::Full, ..base }, native),
        (LaneView { stage: Stage::Full, shape_compared: false, ..base }, python(true)),
        (LaneView { stage: Stage::Full, eligible: false, ..base }, python(false)),
        (LaneView { stage: Stage::Full, holdout: Weight::ONE, mirror: Weight::ZERO, ..base }, python(true)),
    ] {
        assert_eq!(decide(&[view], Subjects { sticky: "s", request: "r" }), expected, "{view:?}");
    }
    assert_eq!(decide(&[], Subjects { sticky: "s", request: "r" }), Decision::PASS_THROUGH);
}

#[test]
fn a_reach_is_as_native_as_its_least_lane() {
    let (first, second) = (LaneId::new("ocr", "azure", None), LaneId::new("ocr", "mistral", None));
    let full = lane(&first, Stage::Full);
    let subjects = Subjects { sticky: "s", request: "r" };
    for (other, expected) in [
        (LaneView { eligible: false, ..lane(&second, Stage::Full) }, Decision::PASS_THROUGH),
        (lane(&second, Stage::Off), Decision::PASS_THROUGH),
        (lane(&second, Stage::Shadow), Decision { serve: Leg::Python, mirror: true }),
        (
            LaneView { weight: Weight::ZERO, ..lane(&second, Stage::Canary) },
            Decision { serve: Leg::Python, mirror: true },
        ),
        (lane(&second, Stage::Full), Decision { serve: Leg::Native, mirror: false }),
    ] {
        assert_eq!(decide(&[full, other], subjects), expected, "{other:?}");
        assert_eq!(decide(&[other, full], subjects), expected, "the order of the reach does not matter");
    }
}

#[test]
fn subjects_follow_the_rule_and_fall_back_to_the_request() {
    let facts = RequestFacts {
        request_id: "r1",
        previous_response_id: None,
        first_user_message: Some("hello"),
        key: Some("k"),
        header: None,
    };
    let same = |one: &RequestFacts<'_>, other: &RequestFacts<'_>, by: &StickyBy| {
        sticky_subject(by, one) == sticky_subject(by, other)
    };
    let next = RequestFacts { request_id: "r2", ..facts };
    for (by, sticks) in [
        (StickyBy::Request, false),
        (StickyBy::Conversation, true),
        (StickyBy::Key, true),
        (StickyBy::Header("x-user".into()), false),
    ] {
        assert_eq!(same(&facts, &next, &by), sticks, "{by}");
    }
    let linked = RequestFacts { previous_response_id: Some("resp_1"), ..facts };
    assert!(!same(&facts, &linked, &StickyBy::Conversation), "the link comes before the message");
}

proptest! {
    #[test]
    fn raising_a_weight_never_takes_a_subject_off(subject in ".{0,40}", low in 0u32..=1_000_000, high in 0u32..=1_000_000) {
        let (low, high) = (low.min(high), low.max(high));
        let parts = |parts| Weight::from_parts_per_million(parts).unwrap();
        let inside = |weight| within("ocr:mistral", Purpose::Weight, &subject, weight);
        prop_assert!(!inside(parts(low)) || inside(parts(high)));
        prop_assert!(inside(Weight::ONE) && !inside(Weight::ZERO));
    }
}

#[test]
fn shares_come_out_as_asked_and_purposes_are_independent() {
    const SUBJECTS: u32 = 100_000;
    for share in [0.01, 0.05, 0.25, 0.5, 0.99] {
        let inside = |subject: &str, purpose| within("ocr:mistral", purpose, subject, weight(share));
        let (mut hits, mut both) = (0, 0);
        for subject in (0..SUBJECTS).map(|number| format!("conversation:{number}")) {
            let hit = inside(&subject, Purpose::Weight);
            hits += u32::from(hit);
            both += u32::from(hit && inside(&subject, Purpose::Mirror));
        }
        for (count, expected) in [(hits, share), (both, share * share)] {
            let deviation = (f64::from(count) - expected * f64::from(SUBJECTS)).abs();
            let sigma = (f64::from(SUBJECTS) * expected * (1.0 - expected)).sqrt();
            assert!(deviation < 4.5 * sigma, "{share}: {count}");
        }
    }
}

/// Computed by a second implementation of the documented hash, in another language.
const GOLDEN: [(&str, Purpose, &str, u32); 6] = [
    ("ocr:mistral", Purpose::Weight, "", 437863),
    ("ocr:mistral", Purpose::Weight, "request:1", 918336),
    ("ocr:mistral", Purpose::Mirror, "request:1", 142694),
    ("ocr:mistral", Purpose::Holdout, "request:1", 490468),
    ("ocr:mistral:group", Purpose::Weight, "request:1", 248635),
    ("chat_completions:openai", Purpose::Weight, "message:gr\u{fc}n", 895649),
];
