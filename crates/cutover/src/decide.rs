//! Which leg serves a request, and whether the other one is run too.
//!
//! `share(lane, purpose, subject) = hash64(lane ‖ 0xff ‖ purpose ‖ 0xff ‖ subject ‖ 0xff) / 2^64`,
//! where the hash is FNV-1a 64 followed by MurmurHash3's finaliser, and a subject is inside a weight
//! when its share is below it. So raising a weight never takes a subject off the native leg,
//! lowering it never adds one, and several replicas agree without talking to each other.

use std::fmt::Display;

use crate::{
    hash,
    lane::{LaneId, Leg, Stage, Weight},
    rules::StickyBy,
};

/// What happens to one request; made once, from one snapshot of the lane table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Who answers the client.
    pub serve: Leg,
    /// Whether the exchange is captured and the native leg run on it. Only ever with Python serving.
    pub mirror: bool,
}

impl Decision {
    /// Python, and nothing else: the answer wherever we are not sure.
    pub const PASS_THROUGH: Self = Self { serve: Leg::Python, mirror: false };
}

/// One lane of a request's reach, as the lane table has it at this moment.
#[derive(Clone, Copy, Debug)]
pub struct LaneView<'a> {
    /// The lane.
    pub id: &'a LaneId,
    /// Its stage.
    pub stage: Stage,
    /// The native share; read at canary only.
    pub weight: Weight,
    /// The share of Python-served requests that is mirrored.
    pub mirror: Weight,
    /// The share kept on Python at full.
    pub holdout: Weight,
    /// Whether the native leg could serve this request on this lane: agreement holds, nothing declines.
    pub eligible: bool,
    /// Whether this request's shape was ever compared. An unknown shape stays on Python, at full too.
    pub shape_compared: bool,
}

/// Who or what a request counts as, for the two kinds of draw.
#[derive(Clone, Copy, Debug)]
pub struct Subjects<'a> {
    /// What sticks: the outcome of [`sticky_subject`].
    pub sticky: &'a str,
    /// This request and no other. Mirroring samples requests, so that no conversation is a blind spot.
    pub request: &'a str,
}

/// What a hash is drawn for; one subject draws independently for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Native or Python at canary.
    Weight,
    /// Mirrored or not.
    Mirror,
    /// Held back on Python at full.
    Holdout,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Mirror => "mirror",
            Self::Holdout => "holdout",
        }
    }
}

/// Decides for one request.
///
/// Shape   `reach` holds every lane the request can touch; an empty one passes through. The draw is
///         keyed by the least lane id of the reach, so the order of `reach` does not matter.
///         Native only if every lane is eligible; the weight is the least of the lanes' weights;
///         the hold-out is the greatest of the lanes' and applies once all are at full.
pub fn decide(reach: &[LaneView<'_>], subjects: Subjects<'_>) -> Decision {
    let Some(key) = reach.iter().map(|lane| lane.id).min() else {
        return Decision::PASS_THROUGH;
    };
    if serves_natively(reach, key, subjects.sticky) {
        return Decision { serve: Leg::Native, mirror: false };
    }
    Decision { serve: Leg::Python, mirror: mirrors(reach, key, subjects) }
}

fn serves_natively(reach: &[LaneView<'_>], key: &LaneId, subject: &str) -> bool {
    let weight = reach.iter().map(native_weight).min().unwrap_or(Weight::ZERO);
    within(key, Purpose::Weight, subject, weight) && !held_out(reach, key, subject)
}

fn native_weight(lane: &LaneView<'_>) -> Weight {
    match lane.stage {
        _ if !lane.eligible => Weight::ZERO,
        Stage::Off | Stage::Shadow => Weight::ZERO,
        Stage::Canary | Stage::Full if !lane.shape_compared => Weight::ZERO,
        Stage::Canary => lane.weight,
        Stage::Full => Weight::ONE,
    }
}

fn held_out(reach: &[LaneView<'_>], key: &LaneId, subject: &str) -> bool {
    let holdout = reach.iter().map(|lane| lane.holdout).max().unwrap_or(Weight::ZERO);
    reach.iter().all(|lane| lane.stage == Stage::Full && lane.eligible)
        && within(key, Purpose::Holdout, subject, holdout)
}

fn mirrors(reach: &[LaneView<'_>], key: &LaneId, subjects: Subjects<'_>) -> bool {
    // A comparison against a control that we know to be configured otherwise proves nothing.
    if reach.iter().any(|lane| !lane.eligible || lane.stage == Stage::Off) {
        return false;
    }
    // The hold-out is small and is all that still watches a lane at full: it is mirrored whole.
    if held_out(reach, key, subjects.sticky) {
        return true;
    }
    let rate = reach.iter().map(|lane| lane.mirror).min().unwrap_or(Weight::ZERO);
    within(key, Purpose::Mirror, subjects.request, rate)
}

/// Whether the sticky subject can make a difference; deriving one reads all that it is derived from.
pub fn draws_subject(reach: &[LaneView<'_>]) -> bool {
    let weight = reach.iter().map(native_weight).min().unwrap_or(Weight::ZERO);
    let holdout = reach.iter().map(|lane| lane.holdout).max().unwrap_or(Weight::ZERO);
    let may_be_held_out = reach.iter().all(|lane| lane.stage == Stage::Full && lane.eligible);
    !weight.is_certain() || (may_be_held_out && !holdout.is_certain())
}

/// Whether a subject's share lies below a weight. Monotone: true at one weight is true at every higher.
pub fn within(lane: &(impl Display + ?Sized), purpose: Purpose, subject: &str, weight: Weight) -> bool {
    if weight.is_certain() {
        return weight == Weight::ONE;
    }
    let drawn = hash::fields(&[lane.to_string().as_bytes(), purpose.as_str().as_bytes(), subject.as_bytes()]);
    // hash / 2^64 < parts / 10^6, in whole numbers: no rounding at either end.
    u128::from(drawn) * 1_000_000 < u128::from(weight.parts_per_million()) << 64
}

/// What is known of a request when its subject is chosen. Absent is absent, never an empty string.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestFacts<'a> {
    /// Unique to the request.
    pub request_id: &'a str,
    /// The Responses API's link to the turn before.
    pub previous_response_id: Option<&'a str>,
    /// The text of the first user message, or a hash of it.
    pub first_user_message: Option<&'a str>,
    /// The caller's key, or a hash of it.
    pub key: Option<&'a str>,
    /// The value of the header that the rule names.
    pub header: Option<&'a str>,
}

/// Derives the sticky subject; what the rule asks for but the request lacks falls back to the request.
pub fn sticky_subject(sticky_by: &StickyBy, facts: &RequestFacts<'_>) -> String {
    let found = match sticky_by {
        StickyBy::Request => None,
        StickyBy::Conversation => {
            let linked = facts.previous_response_id.map(|id| ("response", id));
            linked.or(facts.first_user_message.map(|text| ("message", text)))
        }
        StickyBy::Key => facts.key.map(|key| ("key", key)),
        StickyBy::Header(_) => facts.header.map(|value| ("header", value)),
    };
    let (kind, value) = found.unwrap_or(("request", facts.request_id));
    // Hashed to keep it short. The hash is not keyed, so a subject still does not belong in a log.
    format!("{kind}:{:016x}", hash::fields(&[value.as_bytes()]))
}
