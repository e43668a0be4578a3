//! What a run makes up and repeats in the events of its stream: LiteLLM's own id, and its time. Compared as they are, they
//! would make every two events unequal: nothing could be aligned, and a long stream would have more differences than are
//! listed.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
};

use super::{
    super::{Document, Kind, Node, RawDifference, ValueType, parse},
    Event,
};
use crate::noise::Format;

/// A longer value is not made up, and would let what is compared grow.
const TEXT_BYTES_MAX: usize = 256;

/// The values of one member of the events' data that only one side says, each with the other side's in its place.
#[derive(Clone, Debug)]
pub(super) struct MadeUp {
    key: &'static str,
    /// The control's first event that has one.
    event: usize,
    value_type: ValueType,
    /// By the candidate's JSON text.
    pairs: BTreeMap<String, Pair>,
    /// The candidate's JSON text that came first.
    first: String,
}

/// A value's JSON text, and how people and formats read it.
#[derive(Clone, Debug)]
struct Spelt {
    text: String,
    shown: String,
}

impl Spelt {
    fn of(node: &Node<'_>) -> Self {
        Self { text: node.text.to_owned(), shown: node.shown().to_owned() }
    }
}

#[derive(Clone, Debug)]
struct Pair {
    left: Spelt,
    right: Spelt,
}

impl MadeUp {
    /// The one difference that stands for all of its repetitions.
    pub fn difference(&self) -> RawDifference {
        let pair = &self.pairs[&self.first];
        RawDifference {
            path: format!("$.events[{}].data.{}", self.event, self.key),
            template: self.template(),
            kind: Kind::Changed,
            left_type: self.value_type,
            right_type: self.value_type,
            left: Some(pair.left.shown.clone()),
            right: Some(pair.right.shown.clone()),
        }
    }

    fn template(&self) -> String {
        format!("$.events[*].data.{}", self.key)
    }

    /// Puts back what the candidate said, where a difference shows the control's value in its place.
    pub fn restore(&self, difference: &mut RawDifference) {
        let Some(right) = &mut difference.right else { return };
        if difference.template == self.template() {
            // A difference of spelling shows the texts themselves.
            let is_spelling = difference.kind == Kind::Spelling;
            let told = |spelt: &Spelt| if is_spelling { spelt.text.clone() } else { spelt.shown.clone() };
            if let Some(pair) = self.pairs.values().find(|pair| told(&pair.left) == *right) {
                *right = told(&pair.right);
            }
        } else if matches!(difference.template.as_str(), "$.events" | "$.events[*]" | "$.events[*].data") {
            let shown = std::mem::take(right);
            let said = self.pairs.values().filter(|pair| shown.contains(&pair.left.text)).take(RESTORED_MAX);
            *right = said.fold(shown.clone(), |text, pair| text.replace(&pair.left.text, &pair.right.text));
        }
    }
}

/// An event has one value of a key; a list that is shown whole is cut off soon.
const RESTORED_MAX: usize = 8;

/// The values that take each other's place in two streams. Of all that a field says, each side says as many that the other
/// does not: the first of one stands for the first of the other, and so on, and all of them keep the field's format.
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
    fields.iter().filter_map(|(key, format)| of_field(&lefts, &rights, key, *format)).collect()
}

fn of_field(
    lefts: &[Option<Document<'_>>],
    rights: &[Option<Document<'_>>],
    key: &'static str,
    format: Format,
) -> Option<MadeUp> {
    let (left, right) = (values(lefts, key), values(rights, key));
    let (ones, others) = (only_in(&left, &right), only_in(&right, &left));
    let (event, first) = *ones.first()?;
    let keeps = |&(_, node): &(usize, &Node<'_>)| {
        node.text.len() <= TEXT_BYTES_MAX && format.is_kept_by(node.value_type(), node.shown())
    };
    if ones.len() != others.len() || !ones.iter().chain(&others).all(keeps) {
        return None;
    }
    let pairs = ones
        .iter()
        .zip(&others)
        .map(|((_, one), (_, other))| (other.text.to_owned(), Pair { left: Spelt::of(one), right: Spelt::of(other) }));
    Some(MadeUp {
        key,
        event,
        value_type: first.value_type(),
        pairs: pairs.collect(),
        first: others[0].1.text.to_owned(),
    })
}

/// The candidate's data with the control's values in the place of those that it made up.
///
/// Shape   `document` is `data`, read.
pub(super) fn replaced<'a>(data: &'a str, document: &Document<'_>, made_up: &[MadeUp]) -> Cow<'a, str> {
    let mut places: Vec<(usize, &Pair)> = made_up
        .iter()
        .filter_map(|one| {
            let member = document.member(one.key)?;
            // A node's text lies within the text that it was read from.
            Some((member.text.as_ptr().addr() - data.as_ptr().addr(), one.pairs.get(member.text)?))
        })
        .collect();
    if places.is_empty() {
        return Cow::Borrowed(data);
    }
    places.sort_unstable_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut data = data.to_owned();
    for (at, pair) in places {
        data.replace_range(at..at + pair.right.text.len(), &pair.left.text);
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

/// In the order of their first events.
fn only_in<'a>(
    values: &BTreeMap<&str, (usize, &'a Node<'a>)>,
    others: &BTreeMap<&str, (usize, &Node<'_>)>,
) -> Vec<(usize, &'a Node<'a>)> {
    let alone = values.iter().filter(|(text, _)| !others.contains_key(*text)).map(|(_, value)| *value);
    let mut alone: Vec<_> = alone.collect();
    alone.sort_unstable_by_key(|(event, _)| *event);
    alone
}
