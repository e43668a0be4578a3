//! Comparing bodies: as JSON where both are, else as bytes.

use super::{Differences, Kind, Limits, RawDifference, ValueType, diff_json, parse};

/// Compares two bodies.
///
/// Two JSON documents are compared by value; if all values are equal down to spelling but the bytes
/// are not (space between tokens), that is one spelling difference at the root. Anything else is
/// compared as bytes.
pub fn diff_body(left: &[u8], right: &[u8], limits: &Limits) -> Differences {
    if left == right {
        return Differences::default();
    }
    let text = |bytes| std::str::from_utf8(bytes).ok().filter(|text: &&str| text.len() <= limits.bytes_max);
    let (left_text, right_text) = (text(left), text(right));
    let read = |text: Option<_>| text.and_then(|text| parse(text, limits.depth_max).ok());
    match (read(left_text), read(right_text)) {
        (Some(one), Some(other)) => {
            let mut found = diff_json(&one, &other, limits);
            if found.is_empty() {
                found.push(limits, || whole(Kind::Spelling, left, right, limits));
            }
            found
        }
        (one, other) => {
            let kind = if one.is_some() == other.is_some() { Kind::Changed } else { Kind::Type };
            let mut found = Differences::default();
            found.push(limits, || whole(kind, left, right, limits));
            found
        }
    }
}

fn whole(kind: Kind, left: &[u8], right: &[u8], limits: &Limits) -> RawDifference {
    // A bounded piece: a body that is no JSON can be anything, a file included.
    let shown = |bytes: &[u8]| {
        let piece = &bytes[..bytes.len().min(limits.shown_bytes_max)];
        Some(String::from_utf8_lossy(piece).into_owned()).filter(|_| !bytes.is_empty())
    };
    let value_type = |bytes: &[u8]| if bytes.is_empty() { ValueType::Absent } else { ValueType::Text };
    RawDifference {
        path: "$".into(),
        template: "$".into(),
        kind,
        left_type: value_type(left),
        right_type: value_type(right),
        left: shown(left),
        right: shown(right),
    }
}
