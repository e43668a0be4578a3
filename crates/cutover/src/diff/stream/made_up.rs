//! What each run makes up once and repeats in every event of its stream: LiteLLM's own id, and its time. Compared as
//! they are, they would make every two events unequal: nothing could be aligned, and a long stream would have more
//! differences than are listed.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
};

use super::{
    super::{Document, Kind, Node, RawDifference, ValueType, parse},
    Event,
};
use crate::noise::Format;

/// One such value: the control's and the candidate's.
#[derive(Clone, Debug)]
pub(super) struct MadeUp {
    /// The member of the events' data.
    key: &'static str,
    /// The control's first event that has it.
    event: usize,
    value_type: ValueType,
    left: Spelt,
    right: Spelt,
}

#[derive(Clone, Debug)]
struct Spelt {
    /// The JSON text.
    text: String,
    /// As people and formats read it.
    shown: String,
}

impl MadeUp {
    /// The one difference that stands for all of its repetitions.
    pub fn difference(&self) -> RawDifference {
        RawDifference {
            path: format!("$.events[{}].data.{}", self.event, self.key),
            template: format!("$.events[*].data.{}", self.key),
            kind: Kind::Changed,
            left_type: self.value_type,
            right_type: self.value_type,
            left: Some(self.left.shown.clone()),
            right: Some(self.right.shown.clone()),
        }
    }
}

/// The values that take each other's place in two streams: of all that a field says, each side has exactly one that the
/// other has not, and both keep the field's format.
pub(super) fn between(
    lefts: &[Event<'_>],
    rights: &[Event<'_>],
    fields: &[(&'static str, Format)],
    depth_max: usize,
) -> Vec<MadeUp> {
    if fields.is_empty() {
        return Vec::new();
    }
    let (lefts, rights) = (documents(lefts, depth_max), documents(rights, depth_max));
    let pairs = fields.iter().filter_map(|(key, format)| {
        let (left, right) = (values(&lefts, key), values(&rights, key));
        let (event, one) = only_in(&left, &right)?;
        let (_, other) = only_in(&right, &left)?;
        let keeps = |node: &Node<'_>| format.is_kept_by(node.value_type(), node.shown());
        let spelt = |node: &Node<'_>| Spelt { text: node.text.to_owned(), shown: node.shown().to_owned() };
        let pair = || MadeUp { key, event, value_type: one.value_type(), left: spelt(one), right: spelt(other) };
        (keeps(one) && keeps(other)).then(pair)
    });
    pairs.collect()
}

/// The candidate's data with the control's values in the place of those that it made up.
///
/// Shape   `document` is `data`, read.
pub(super) fn replaced<'a>(data: &'a str, document: &Document<'_>, made_up: &[MadeUp]) -> Cow<'a, str> {
    let mut places: Vec<(usize, &MadeUp)> = made_up
        .iter()
        .filter_map(|one| {
            let member = document.member(one.key).filter(|member| member.text == one.right.text)?;
            // A node's text lies within the text that it was read from.
            Some((member.text.as_ptr().addr() - data.as_ptr().addr(), one))
        })
        .collect();
    if places.is_empty() {
        return Cow::Borrowed(data);
    }
    places.sort_unstable_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut data = data.to_owned();
    for (at, one) in places {
        data.replace_range(at..at + one.right.text.len(), &one.left.text);
    }
    Cow::Owned(data)
}

fn documents<'a>(events: &'a [Event<'_>], depth_max: usize) -> Vec<Option<Document<'a>>> {
    events.iter().map(|event| parse(event.data.as_deref()?, depth_max).ok()).collect()
}

/// What a field says in a stream, each with the first event that says it.
fn values<'a>(documents: &'a [Option<Document<'a>>], key: &str) -> BTreeMap<&'a str, (usize, &'a Node<'a>)> {
    let mut found = BTreeMap::new();
    for (event, document) in documents.iter().enumerate() {
        let Some(member) = document.as_ref().and_then(|document| document.member(key)) else { continue };
        if let Entry::Vacant(place) = found.entry(member.text) {
            place.insert((event, member));
        }
    }
    found
}

fn only_in<'a>(
    values: &BTreeMap<&str, (usize, &'a Node<'a>)>,
    others: &BTreeMap<&str, (usize, &Node<'_>)>,
) -> Option<(usize, &'a Node<'a>)> {
    let mut alone = values.iter().filter(|(text, _)| !others.contains_key(*text)).map(|(_, value)| *value);
    alone.next().filter(|_| alone.next().is_none())
}
