//! The typed difference of two JSON documents, complete in both directions.

use super::{
    Differences, Kind, Limits, Path, RawDifference, ValueType,
    array::{Aligned, align, reordered},
    json_text::{Node, Value},
};

/// Compares control and candidate.
///
/// Shape   every difference is listed once, at the deepest place that shows it; an added or lost
///         subtree is one difference. Order and spelling are listed where the values are equal.
pub fn diff_json(left: &Node<'_>, right: &Node<'_>, limits: &Limits) -> Differences {
    let mut walk = Walk { limits, path: Path::root(), found: Differences::default() };
    walk.values(left, right);
    walk.found
}

struct Walk<'a> {
    limits: &'a Limits,
    path: Path,
    found: Differences,
}

impl Walk<'_> {
    fn report(&mut self, kind: Kind, left: Option<&Node<'_>>, right: Option<&Node<'_>>) {
        let (path, shown) = (&self.path, |node: Option<&Node<'_>>| node.map(|node| node.shown().to_owned()));
        let value_type = |node: Option<&Node<'_>>| node.map_or(ValueType::Absent, Node::value_type);
        self.found.push(self.limits, || RawDifference {
            path: path.exact(),
            template: path.template(),
            kind,
            left_type: value_type(left),
            right_type: value_type(right),
            left: shown(left),
            right: shown(right),
        });
    }

    fn values(&mut self, left: &Node<'_>, right: &Node<'_>) {
        if self.found.truncated || left.text == right.text {
            return;
        }
        match (&left.value, &right.value) {
            (Value::Object(lefts), Value::Object(rights)) => self.objects(left, right, lefts, rights),
            (Value::Array(lefts), Value::Array(rights)) => self.arrays(left, right, lefts, rights),
            (Value::Number, Value::Number) if same_number(left.text, right.text) => self.spelling(left, right),
            (Value::String(one), Value::String(other)) if one == other => self.spelling(left, right),
            _ if left.value_type() == right.value_type() => self.report(Kind::Changed, Some(left), Some(right)),
            _ => self.report(Kind::Type, Some(left), Some(right)),
        }
    }

    fn spelling(&mut self, left: &Node<'_>, right: &Node<'_>) {
        let path = &self.path;
        // The texts themselves: unescaped, the two strings would look the same.
        self.found.push(self.limits, || RawDifference {
            path: path.exact(),
            template: path.template(),
            kind: Kind::Spelling,
            left_type: left.value_type(),
            right_type: right.value_type(),
            left: Some(left.text.to_owned()),
            right: Some(right.text.to_owned()),
        });
    }

    fn arrays(&mut self, left: &Node<'_>, right: &Node<'_>, lefts: &[Node<'_>], rights: &[Node<'_>]) {
        if reordered(lefts, rights) {
            return self.report(Kind::Order, Some(left), Some(right));
        }
        for step in align(lefts, rights, self.limits.aligned_elements_max) {
            self.in_index(step, lefts, rights);
        }
    }

    fn in_index(&mut self, step: Aligned, lefts: &[Node<'_>], rights: &[Node<'_>]) {
        let index = match step {
            Aligned::Both(at, _) | Aligned::Left(at) | Aligned::Right(at) => at,
        };
        self.path.enter_index(index);
        match step {
            Aligned::Both(at, other) => self.values(&lefts[at], &rights[other]),
            Aligned::Left(at) => self.report(Kind::Missing, Some(&lefts[at]), None),
            Aligned::Right(at) => self.report(Kind::Extra, None, Some(&rights[at])),
        }
        self.path.leave();
    }

    fn objects(&mut self, left: &Node<'_>, right: &Node<'_>, lefts: &Members<'_>, rights: &Members<'_>) {
        if has_doubled_key(lefts) || has_doubled_key(rights) {
            // Readers disagree on what a doubled key means, so only the same text is the same.
            return self.report(Kind::Changed, Some(left), Some(right));
        }
        for (key, node) in lefts {
            self.in_key(key, |walk| match right.member(key) {
                Some(other) => walk.values(node, other),
                None => walk.report(Kind::Missing, Some(node), None),
            });
        }
        for (key, node) in rights.iter().filter(|(key, _)| left.member(key).is_none()) {
            self.in_key(key, |walk| walk.report(Kind::Extra, None, Some(node)));
        }
        let shared = |members: &Members<'_>, other: &Node<'_>| -> Vec<String> {
            members.iter().filter(|(key, _)| other.member(key).is_some()).map(|(key, _)| key.to_string()).collect()
        };
        let (left_order, right_order) = (shared(lefts, right), shared(rights, left));
        if left_order != right_order {
            self.report_key_order(&left_order, &right_order);
        }
    }

    fn report_key_order(&mut self, left: &[String], right: &[String]) {
        let path = &self.path;
        self.found.push(self.limits, || RawDifference {
            path: path.exact(),
            template: path.template(),
            kind: Kind::Order,
            left_type: ValueType::Object,
            right_type: ValueType::Object,
            left: Some(left.join(", ")),
            right: Some(right.join(", ")),
        });
    }

    fn in_key(&mut self, key: &str, visit: impl FnOnce(&mut Self)) {
        self.path.enter_key(key);
        visit(self);
        self.path.leave();
    }
}

type Members<'a> = [(std::borrow::Cow<'a, str>, Node<'a>)];

fn has_doubled_key(members: &Members<'_>) -> bool {
    let mut keys: Vec<&str> = members.iter().map(|(key, _)| key.as_ref()).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

/// Whether two JSON numbers are the same: as decimals, or (if either is written with a point or an
/// exponent) as the doubles a reader makes of them. Integers of any length compare exactly.
fn same_number(left: &str, right: &str) -> bool {
    if decimal(left) == decimal(right) {
        return true;
    }
    let fractional = |text: &str| text.contains(['.', 'e', 'E']);
    let double = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite());
    (fractional(left) || fractional(right)) && double(left).is_some() && double(left) == double(right)
}

/// A number as sign, digits without zeros at either end, and the exponent of its last digit.
fn decimal(text: &str) -> (bool, String, i64) {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let trimmed = significant.trim_end_matches('0');
    if trimmed.is_empty() {
        return (false, String::new(), 0);
    }
    // An exponent beyond 64 bits keeps its sign; two such numbers then compare by digits alone.
    let written = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
    let shift = (significant.len() - trimmed.len()) as i64 - fraction.len() as i64;
    (negative, trimmed.to_owned(), written.saturating_add(shift))
}
