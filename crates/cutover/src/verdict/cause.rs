//! Causes: mismatches with one signature are one row, however many samples there are.

use serde::{Deserialize, Serialize};

use super::{judge::Difference, outcome::Severity};
use crate::{
    diff::{Kind, ValueType},
    hash,
    lane::LaneId,
    rules::Side,
};

/// The signature under which mismatches are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// 16 hexadecimal digits; the same for the same signature on every host and build.
    pub id: String,
    /// The lane.
    pub lane: LaneId,
    /// The exchange.
    pub side: Side,
    /// How the values differ.
    pub kind: Kind,
    /// The path template.
    pub path: String,
    /// The control's type.
    pub left_type: ValueType,
    /// The candidate's type.
    pub right_type: ValueType,
    /// The first digit of the control's status, 0 where it had none.
    pub status_class: u8,
    /// What it is worth.
    pub severity: Severity,
    /// The signature in words, without any content.
    pub text: String,
}

/// The cause that a difference belongs to. `status` is the control's client status.
pub fn cause_of(lane: &LaneId, difference: &Difference, status: u16) -> Cause {
    let status_class = (status / 100).min(9) as u8;
    let Difference { side, kind, template, left_type, right_type, severity, .. } = difference;
    let signature = hash::fields(&[
        lane.to_string().as_bytes(),
        side.as_str().as_bytes(),
        kind.as_str().as_bytes(),
        template.as_bytes(),
        left_type.as_str().as_bytes(),
        right_type.as_str().as_bytes(),
        &[status_class],
    ]);
    Cause {
        id: format!("{signature:016x}"),
        lane: lane.clone(),
        side: *side,
        kind: *kind,
        path: template.clone(),
        left_type: *left_type,
        right_type: *right_type,
        status_class,
        severity: *severity,
        text: in_words(difference, status_class),
    }
}

fn in_words(difference: &Difference, status_class: u8) -> String {
    let place = match difference.side {
        Side::ProviderRequest => "the provider request",
        Side::ClientResponse => "the client response",
    };
    let what = match difference.kind {
        Kind::Changed => "has another value".to_owned(),
        Kind::Missing => "is missing".to_owned(),
        Kind::Extra => "is there only natively".to_owned(),
        Kind::Type => format!("is {} instead of {}", difference.right_type.as_str(), difference.left_type.as_str()),
        Kind::Order => "is in another order".to_owned(),
        Kind::Spelling => "is spelt differently".to_owned(),
    };
    format!("{} of {place} {what} ({status_class}xx answers)", difference.template)
}
