//! A Python value as JSON can produce it: big integers, lone surrogates, dicts in order with the last duplicate winning.

use std::collections::{HashMap, HashSet};

/// What `json.loads` returns.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Int(Integer),
    Float(f64),
    Str(Text),
    List(Vec<Value>),
    Dict(Dict),
}

impl Value {
    /// The text of a `str` without lone surrogates.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => text.as_str(),
            _ => None,
        }
    }

    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// `bool(value)`.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(bool) => *bool,
            Self::Int(integer) => integer.digits() != "0",
            Self::Float(float) => *float != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Dict(dict) => !dict.is_empty(),
        }
    }
}

/// An integer of any size, kept as its canonical decimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integer(String);

impl Integer {
    /// Takes an optional minus and digits without leading zeros; `-0` becomes `0`.
    pub fn from_digits(digits: &str) -> Self {
        let (sign, magnitude) = match digits.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", digits),
        };
        match magnitude.trim_start_matches('0') {
            "" => Self("0".to_owned()),
            _ if !magnitude.starts_with('0') => Self(digits.to_owned()),
            trimmed => Self(format!("{sign}{trimmed}")),
        }
    }

    pub fn digits(&self) -> &str {
        &self.0
    }

    /// Whether orjson can write it: it knows 64 bits, signed or unsigned.
    pub fn fits_64_bits(&self) -> bool {
        /// So many characters are never too many.
        const ALWAYS_FITS: usize = 18;
        self.0.len() <= ALWAYS_FITS || self.0.parse::<i64>().is_ok() || self.0.parse::<u64>().is_ok()
    }

    /// `float(int)`, correctly rounded; `None` where Python raises OverflowError.
    pub fn to_float(&self) -> Option<f64> {
        self.0.parse::<f64>().ok().filter(|float| float.is_finite())
    }
}

impl From<i64> for Integer {
    fn from(value: i64) -> Self {
        Self(value.to_string())
    }
}

/// A `str`. Almost always Unicode text; JSON escapes can smuggle in lone surrogates, which Rust's `String` can't hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Text {
    Unicode(String),
    /// Code points of a text with at least one lone surrogate.
    Surrogates(Vec<u32>),
}

impl Text {
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Unicode(text) => Some(text),
            Self::Surrogates(_) => None,
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::Unicode(text) => text.is_empty(),
            Self::Surrogates(points) => points.is_empty(),
        }
    }

    pub fn code_points(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Unicode(text) => Box::new(text.chars().map(u32::from)),
            Self::Surrogates(points) => Box::new(points.iter().copied()),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Unicode(text.to_owned())
    }
}

/// Keys up to this number are compared each with each, which takes less than hashing them.
const COMPARED_KEYS: usize = 16;

fn repeats_a_key(pairs: &[(Text, Value)]) -> bool {
    if pairs.len() <= COMPARED_KEYS {
        return (1..pairs.len()).any(|at| pairs[..at].iter().any(|(earlier, _)| *earlier == pairs[at].0));
    }
    let mut keys = HashSet::with_capacity(pairs.len());
    !pairs.iter().all(|(key, _)| keys.insert(key))
}

/// A `dict` with `str` keys in insertion order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dict {
    entries: Vec<(Text, Value)>,
}

impl Dict {
    /// A repeated key keeps its first place and takes its last value, as Python's dict does.
    pub fn from_pairs(pairs: Vec<(Text, Value)>) -> Self {
        if !repeats_a_key(&pairs) {
            return Self { entries: pairs };
        }
        let mut places: HashMap<Text, usize> = HashMap::with_capacity(pairs.len());
        let mut entries: Vec<(Text, Value)> = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            match places.get(&key) {
                Some(&place) => entries[place].1 = value,
                None => {
                    places.insert(key.clone(), entries.len());
                    entries.push((key, value));
                }
            }
        }
        Self { entries }
    }

    /// An empty one with room for so many.
    pub(crate) fn with_capacity(entries: usize) -> Self {
        Self { entries: Vec::with_capacity(entries) }
    }

    /// Of pairs whose keys are known to differ.
    pub(crate) fn from_distinct(entries: Vec<(Text, Value)>) -> Self {
        Self { entries }
    }

    pub(crate) fn into_pairs(self) -> Vec<(Text, Value)> {
        self.entries
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn push(&mut self, key: Text, value: Value) {
        self.entries.push((key, value));
    }

    /// `dict[key] = value`: a key that is there keeps its place.
    pub fn set(&mut self, key: &str, value: Value) {
        match self.entries.iter_mut().find(|(name, _)| name.as_str() == Some(key)) {
            Some((_, old)) => *old = value,
            None => self.entries.push((Text::from(key), value)),
        }
    }

    /// `dict.pop(key, None)`.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let place = self.entries.iter().position(|(name, _)| name.as_str() == Some(key))?;
        Some(self.entries.remove(place).1)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.entries.iter_mut().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_key_keeps_its_first_place_and_takes_its_last_value() {
        for count in [3, COMPARED_KEYS - 1, COMPARED_KEYS, COMPARED_KEYS + 1, 100] {
            let plain: Vec<(Text, Value)> =
                (0..count).map(|at| (Text::Unicode(at.to_string()), Value::Int(Integer::from(at as i64)))).collect();
            assert_eq!(Dict::from_pairs(plain.clone()).entries, plain);
            let mut repeated = plain.clone();
            repeated.push((Text::from("1"), Value::None));
            let mut expected = plain;
            expected[1].1 = Value::None;
            assert_eq!(Dict::from_pairs(repeated).entries, expected);
        }
    }

    #[test]
    fn digits_are_canonical() {
        let cases = [("0", "0"), ("-0", "0"), ("00", "0"), ("7", "7"), ("-7", "-7"), ("007", "7"), ("-007", "-7")];
        for (digits, canonical) in cases {
            assert_eq!(Integer::from_digits(digits).digits(), canonical);
        }
        let sizes = [("999999999999999999", true), ("18446744073709551615", true), ("18446744073709551616", false)];
        for (digits, fits) in sizes {
            assert_eq!(Integer::from_digits(digits).fits_64_bits(), fits);
        }
    }
}
