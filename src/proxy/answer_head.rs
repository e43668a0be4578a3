//! The head of a native answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use http::{HeaderMap, HeaderName, HeaderValue};
use transform::{AnsweredHeaders, HeaderText};

/// The names of answers' headers, as they were written before: an answer of the same kind has the same names in the same order,
/// and need not have them checked, copied and hashed again.
#[derive(Debug, Default)]
pub struct AnswerHeads {
    /// Without values, the latest learnt first.
    known: ArcSwap<Vec<Arc<HeaderMap>>>,
    /// Heads of a kind that was not known when there was no room for another.
    turned_away: AtomicUsize,
}

/// Kinds of answers that are remembered: a provider has a few (whole, streamed, with and without a price).
const KNOWN_MAX: usize = 16;
/// Once that many are known, one in so many unknown ones takes the place of the one learnt first.
const LEARNT_OF: usize = 64;
/// Bytes of all the names of a kind that is remembered; providers write some hundreds.
const NAMES_BYTES_MAX: usize = 8 << 10;

impl AnswerHeads {
    /// These headers, then our own; what is given under a name of ours is replaced where it stands. What HTTP can't carry is
    /// left out.
    pub fn head<const OWN: usize>(
        &self,
        given: AnsweredHeaders,
        own: [Option<(HeaderName, HeaderValue)>; OWN],
    ) -> HeaderMap {
        let expected = given.len() + own.iter().flatten().count();
        let known = self.known.load();
        let found = known.iter().find(|known| {
            let own = own.iter().flatten().map(|(name, _)| name.as_str());
            let names = given.iter().map(|(name, _)| name.as_ref()).chain(own);
            known.len() == expected && known.keys().map(HeaderName::as_str).eq(names)
        });
        let Some(found) = found else {
            let head = built(given, own);
            // Only of heads where every name comes once, all keys are in the order of their values.
            if head.len() == expected && head.keys_len() == expected {
                self.learn(&head);
            }
            return head;
        };
        let mut head = HeaderMap::clone(found);
        let mut unfit = Vec::new();
        let (names, mut values) = (found.keys(), head.values_mut());
        for ((_, text), name) in given.into_iter().zip(names) {
            match (values.next(), header_value(text)) {
                (Some(value), Some(given)) => *value = given,
                _ => unfit.push(name),
            }
        }
        for ((_, given), value) in own.into_iter().flatten().zip(values) {
            *value = given;
        }
        if unfit.is_empty() {
            return head;
        }
        let fit = head.into_iter().filter_map(|(name, value)| Some((name?, value)));
        fit.filter(|(name, _)| !unfit.contains(&name)).collect()
    }

    fn learn(&self, head: &HeaderMap) {
        if head.keys().map(|name| name.as_str().len()).sum::<usize>() > NAMES_BYTES_MAX {
            return;
        }
        let is_full = self.known.load().len() >= KNOWN_MAX;
        if is_full && !self.turned_away.fetch_add(1, Ordering::Relaxed).is_multiple_of(LEARNT_OF) {
            return;
        }
        let mut names = head.clone();
        names.values_mut().for_each(|value| *value = HeaderValue::from_static(""));
        // A full map grows also when one of its values is replaced.
        names.reserve(1);
        let names = Arc::new(names);
        self.known.rcu(|known| {
            // Another thread may have been faster.
            if known.iter().any(|known| known.keys().eq(names.keys())) {
                return Vec::clone(known);
            }
            let kept = known.iter().take(KNOWN_MAX - 1).cloned();
            std::iter::once(Arc::clone(&names)).chain(kept).collect::<Vec<_>>()
        });
    }
}

fn built<const OWN: usize>(given: AnsweredHeaders, own: [Option<(HeaderName, HeaderValue)>; OWN]) -> HeaderMap {
    let mut head = HeaderMap::with_capacity(given.len() + OWN);
    for (name, value) in given {
        if let (Some(name), Some(value)) = (header_name(name), header_value(value)) {
            head.append(name, value);
        }
    }
    for (name, value) in own.into_iter().flatten() {
        head.insert(name, value);
    }
    head
}

/// Literals are checked by the tests of every route that writes them; they need no copy.
fn header_name(name: HeaderText) -> Option<HeaderName> {
    match name {
        HeaderText::Borrowed(literal) => Some(HeaderName::from_static(literal)),
        HeaderText::Owned(name) => HeaderName::try_from(name).ok(),
    }
}

fn header_value(value: HeaderText) -> Option<HeaderValue> {
    match value {
        HeaderText::Borrowed(literal) => Some(HeaderValue::from_static(literal)),
        HeaderText::Owned(value) => HeaderValue::try_from(value).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = Vec<(&'static str, &'static str)>;

    const OWN: HeaderName = HeaderName::from_static("own");

    fn given(pairs: &[(&'static str, &'static str)]) -> AnsweredHeaders {
        // Names of literals and of a provider, as they come.
        let text = |index: usize, text: &'static str| match index % 2 {
            0 => HeaderText::Borrowed(text),
            _ => HeaderText::Owned(text.to_owned()),
        };
        pairs
            .iter()
            .enumerate()
            .map(|(index, (name, value))| (text(index, name), HeaderText::Owned((*value).to_owned())))
            .collect()
    }

    fn pairs(head: &HeaderMap) -> Vec<(String, String)> {
        head.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
    }

    /// The same whether it is the first of its kind or a later one.
    fn check(sent: &[(&'static str, &'static str)], own: Option<&'static str>, expected: &Pairs) {
        let heads = AnswerHeads::default();
        for round in 0..3 {
            let head = heads.head(given(sent), [own.map(|value| (OWN, HeaderValue::from_static(value))), None]);
            let expected: Vec<_> =
                expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(pairs(&head), expected, "round {round} of {sent:?}");
        }
    }

    #[test]
    fn heads_are_as_given() {
        for (sent, own, expected) in [
            (vec![], None, vec![]),
            (vec![("a", "1"), ("b", "2")], Some("x"), vec![("a", "1"), ("b", "2"), ("own", "x")]),
            (vec![("a", "1"), ("b", "2")], None, vec![("a", "1"), ("b", "2")]),
            // A name that comes twice keeps both values.
            (vec![("a", "1"), ("b", "2"), ("a", "3")], None, vec![("a", "1"), ("a", "3"), ("b", "2")]),
            // What the provider says under our name is replaced.
            (vec![("own", "theirs"), ("b", "2")], Some("x"), vec![("own", "x"), ("b", "2")]),
            // No header can carry a line break, nor a name a space.
            (vec![("a", "1\r\n2"), ("b", "2")], Some("x"), vec![("b", "2"), ("own", "x")]),
            (vec![("b", "2"), ("a a", "1")], Some("x"), vec![("b", "2"), ("own", "x")]),
        ] {
            check(&sent, own, &expected);
        }
    }

    #[test]
    fn a_known_head_takes_no_value_from_another() {
        let heads = AnswerHeads::default();
        let own = |value| [Some((OWN, HeaderValue::from_static(value)))];
        heads.head(given(&[("a", "1"), ("b", "2")]), own("x"));
        assert_eq!(heads.known.load().len(), 1);
        let second = heads.head(given(&[("a", "3"), ("b", "4")]), own("y"));
        assert_eq!(pairs(&second).iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["3", "4", "y"]);
        let unfit = heads.head(given(&[("a", "5\n"), ("b", "6")]), own("z"));
        assert_eq!(pairs(&unfit), [("b".to_owned(), "6".to_owned()), ("own".to_owned(), "z".to_owned())]);
        assert_eq!(heads.known.load().len(), 1, "the same kind");
        let known = heads.known.load();
        assert!(known.iter().flat_map(|names| names.values()).all(HeaderValue::is_empty), "a value was kept");
    }

    #[test]
    fn a_value_is_replaced_without_growing() {
        let heads = AnswerHeads::default();
        // At these counts a map is full.
        for count in [24, 48, 96] {
            let names =
                || (0..count).map(|index| (HeaderText::Owned(format!("name-{index}")), HeaderText::Borrowed("")));
            heads.head(names().collect(), []);
            let mut head = heads.head(names().collect(), []);
            let capacity = head.capacity();
            head.insert(HeaderName::from_static("name-1"), HeaderValue::from_static("1"));
            assert_eq!(head.capacity(), capacity, "{count} headers");
        }
    }

    #[test]
    fn one_kind_is_learnt_once() {
        let heads = AnswerHeads::default();
        let (head, larger) = (
            built(given(&[("a", "1")]), [Some((OWN, HeaderValue::from_static("x")))]),
            built(vec![(HeaderText::Owned("n".repeat(NAMES_BYTES_MAX + 1)), HeaderText::Borrowed("1"))], []),
        );
        for known in [&head, &head, &larger] {
            heads.learn(known);
            assert_eq!(heads.known.load().len(), 1);
        }
    }

    #[test]
    fn kinds_are_bounded_and_new_ones_come_in() {
        let heads = AnswerHeads::default();
        let kind = |number: usize| {
            let names =
                (0..=number).map(|index| (HeaderText::Owned(format!("name-{index}")), HeaderText::Borrowed("")));
            heads.head(names.collect(), [])
        };
        for number in 0..2 * KNOWN_MAX + LEARNT_OF {
            assert_eq!(kind(number).len(), number + 1);
            assert!(heads.known.load().len() <= KNOWN_MAX);
        }
        let known = heads.known.load();
        assert!(known.iter().any(|names| names.len() > KNOWN_MAX), "none of the later kinds was learnt");
    }
}
