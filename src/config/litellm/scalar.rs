//! What an untyped YAML scalar means: YAML 1.1's implicit types as PyYAML 6 recognises and constructs them.
//!
//! Source: PyYAML yaml/resolver.py (implicit resolvers), yaml/constructor.py `SafeConstructor`

use crate::config::python::{Date, DateTime, Value};

/// A type of YAML's core schema, as in `!!int`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarTag {
    Text,
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    Binary,
    /// `<<`, only meaningful as a key.
    Merge,
    /// `=`, only meaningful as a key.
    Default,
}

/// The type of a plain scalar. PyYAML tries float before int, and both before timestamp.
pub fn implicit_tag(text: &str) -> ScalarTag {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => ScalarTag::Null,
        "<<" => ScalarTag::Merge,
        "=" => ScalarTag::Default,
        _ if is_bool(text) => ScalarTag::Bool,
        _ if is_float(text) => ScalarTag::Float,
        _ if is_int(text) => ScalarTag::Int,
        _ if is_timestamp(text) => ScalarTag::Timestamp,
        _ => ScalarTag::Text,
    }
}

/// The value of `text` under `tag`; the error says what PyYAML would fail on, without the text itself.
pub fn construct(tag: ScalarTag, text: &str) -> Result<Value, &'static str> {
    match tag {
        ScalarTag::Text => Ok(Value::Text(text.to_owned())),
        ScalarTag::Null => Ok(Value::None),
        ScalarTag::Bool => bool_value(text).map(Value::Bool).ok_or("not a boolean"),
        ScalarTag::Int => int_value(text).ok_or("not an integer"),
        ScalarTag::Float => float_value(text).map(Value::Float).ok_or("not a floating-point number"),
        ScalarTag::Timestamp => timestamp_value(text).ok_or("not a date that exists"),
        ScalarTag::Binary => binary_value(text).map(Value::Bytes).ok_or("not base64"),
        ScalarTag::Merge => Err("`<<` is only allowed as a key"),
        ScalarTag::Default => Err("a bare `=` is not allowed, quote it"),
    }
}

fn is_bool(text: &str) -> bool {
    const WORDS: [&str; 18] = [
        "yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE", "false", "False", "FALSE", "on", "On", "ON",
        "off", "Off", "OFF",
    ];
    WORDS.contains(&text)
}

fn bool_value(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" => Some(true),
        "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn all(text: &str, test: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(test)
}

fn digit_or_underscore(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

/// `[0-9][0-9_]*`
fn is_number_head(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && all(text, digit_or_underscore)
}

/// `(?::[0-5]?[0-9])+` after a head.
fn sexagesimal_head(text: &str) -> Option<&str> {
    let (head, tail) = text.split_once(':')?;
    let part = |part: &str| match part.as_bytes() {
        [unit] => unit.is_ascii_digit(),
        [ten, unit] => (b'0'..=b'5').contains(ten) && unit.is_ascii_digit(),
        _ => false,
    };
    tail.split(':').all(part).then_some(head)
}

fn is_float(text: &str) -> bool {
    let body = unsigned(text);
    if matches!(body, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    // The exponent needs its sign: `1.5e3` is text.
    let exponent_fits = exponent.is_none_or(|digits| {
        digits.starts_with(['-', '+']) && digits.len() > 1 && all(&digits[1..], |b| b.is_ascii_digit())
    });
    let Some((head, fraction)) = mantissa.split_once('.') else {
        return false;
    };
    if !exponent_fits || !all(fraction, digit_or_underscore) {
        return false;
    }
    if head.is_empty() {
        // `.5` takes no sign.
        return body.len() == text.len() && fraction.starts_with(|c: char| c.is_ascii_digit());
    }
    is_number_head(head) || (exponent.is_none() && sexagesimal_head(head).is_some_and(is_number_head))
}

fn is_int(text: &str) -> bool {
    let body = unsigned(text);
    if let Some(bits) = body.strip_prefix("0b") {
        return !bits.is_empty() && all(bits, |b| matches!(b, b'0' | b'1' | b'_'));
    }
    if let Some(digits) = body.strip_prefix("0x") {
        return !digits.is_empty() && all(digits, |b| b.is_ascii_hexdigit() || b == b'_');
    }
    if let Some(octal) = body.strip_prefix('0') {
        return all(octal, |b| (b'0'..=b'7').contains(&b) || b == b'_');
    }
    is_number_head(body) || sexagesimal_head(body).is_some_and(is_number_head)
}

fn int_value(text: &str) -> Option<Value> {
    let plain = text.replace('_', "");
    let negative = plain.starts_with('-');
    let body = unsigned(&plain);
    let magnitude = if body == "0" {
        "0".to_owned()
    } else if let Some(bits) = body.strip_prefix("0b") {
        decimal(bits, 2)?
    } else if let Some(digits) = body.strip_prefix("0x") {
        decimal(digits, 16)?
    } else if body.starts_with('0') {
        decimal(body, 8)?
    } else if body.contains(':') {
        sexagesimal(body)?
    } else {
        decimal(body, 10)?
    };
    let signed = if negative && magnitude != "0" { format!("-{magnitude}") } else { magnitude };
    Some(signed.parse().map(Value::Int).unwrap_or(Value::LongInt(signed)))
}

/// CPython refuses to convert longer integers to text, so LiteLLM could not build its ids from them.
const INTEGER_DIGITS_MAX: usize = 4300;

/// Digits in `radix` as decimal digits, of any length up to [`INTEGER_DIGITS_MAX`].
fn decimal(digits: &str, radix: u32) -> Option<String> {
    if digits.is_empty() || digits.len() > INTEGER_DIGITS_MAX {
        return None;
    }
    // Little-endian decimal digits; `radix * 9 + carry` stays far below u32::MAX.
    let mut places: Vec<u32> = vec![0];
    for character in digits.chars() {
        let mut carry = character.to_digit(radix)?;
        for place in &mut places {
            let sum = *place * radix + carry;
            *place = sum % 10;
            carry = sum / 10;
        }
        while carry > 0 {
            places.push(carry % 10);
            carry /= 10;
        }
    }
    let text: String = places.iter().rev().filter_map(|place| char::from_digit(*place, 10)).collect();
    let trimmed = text.trim_start_matches('0');
    Some(if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() })
}

fn sexagesimal(body: &str) -> Option<String> {
    let mut total: i128 = 0;
    for part in body.split(':') {
        total = total.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    Some(total.to_string())
}

fn float_value(text: &str) -> Option<f64> {
    let plain = text.replace('_', "").to_ascii_lowercase();
    let sign = if plain.starts_with('-') { -1.0 } else { 1.0 };
    let body = unsigned(&plain);
    match body {
        ".inf" => Some(sign * f64::INFINITY),
        ".nan" => Some(f64::NAN),
        _ if body.contains(':') => {
            let mut total = 0.0;
            let mut base = 1.0;
            for part in body.rsplit(':') {
                total += python_float(part)? * base;
                base *= 60.0;
            }
            Some(sign * total)
        }
        _ => Some(sign * python_float(body)?),
    }
}

/// `float(text)`, which unlike Rust's parser knows neither `infinity` here nor an empty mantissa.
fn python_float(text: &str) -> Option<f64> {
    let numeric = all(text, |b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-'));
    if numeric { text.parse().ok() } else { None }
}

struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    /// Takes between `least` and `most` digits.
    fn digits(&mut self, least: usize, most: usize) -> Option<&'a str> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(taken)
    }

    fn skip(&mut self, expected: char) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    fn skip_blanks(&mut self) -> usize {
        let rest = self.0.trim_start_matches([' ', '\t']);
        let skipped = self.0.len() - rest.len();
        self.0 = rest;
        skipped
    }
}

struct TimestampText<'a> {
    year: &'a str,
    month: &'a str,
    day: &'a str,
    time: Option<TimeText<'a>>,
}

struct TimeText<'a> {
    hour: &'a str,
    minute: &'a str,
    second: &'a str,
    fraction: &'a str,
    /// None: no zone; `Z` is zero hours.
    zone: Option<(bool, &'a str, &'a str)>,
}

fn split_timestamp(text: &str) -> Option<TimestampText<'_>> {
    let mut cursor = Cursor(text);
    let year = cursor.digits(4, 4)?;
    cursor.skip('-')?;
    let month = cursor.digits(1, 2)?;
    cursor.skip('-')?;
    let day = cursor.digits(1, 2)?;
    if cursor.0.is_empty() {
        return Some(TimestampText { year, month, day, time: None });
    }
    if cursor.skip('T').or_else(|| cursor.skip('t')).is_none() && cursor.skip_blanks() == 0 {
        return None;
    }
    let time = split_time(&mut cursor)?;
    cursor.0.is_empty().then_some(TimestampText { year, month, day, time: Some(time) })
}

fn split_time<'a>(cursor: &mut Cursor<'a>) -> Option<TimeText<'a>> {
    let hour = cursor.digits(1, 2)?;
    cursor.skip(':')?;
    let minute = cursor.digits(2, 2)?;
    cursor.skip(':')?;
    let second = cursor.digits(2, 2)?;
    let fraction = match cursor.skip('.') {
        Some(()) => cursor.digits(0, usize::MAX)?,
        None => "",
    };
    let blanks = cursor.skip_blanks();
    let zone = if cursor.skip('Z').is_some() {
        Some((false, "0", "0"))
    } else if cursor.0.starts_with(['-', '+']) {
        let negative = cursor.0.starts_with('-');
        cursor.0 = &cursor.0[1..];
        let hours = cursor.digits(1, 2)?;
        let minutes = match cursor.skip(':') {
            Some(()) => cursor.digits(2, 2)?,
            None => "0",
        };
        Some((negative, hours, minutes))
    } else if blanks > 0 {
        return None;
    } else {
        None
    };
    Some(TimeText { hour, minute, second, fraction, zone })
}

fn is_timestamp(text: &str) -> bool {
    // A date without a time needs two-digit month and day, one with a time does not.
    split_timestamp(text).is_some_and(|parts| parts.time.is_some() || text.len() == "2024-10-21".len())
}

fn timestamp_value(text: &str) -> Option<Value> {
    let parts = split_timestamp(text)?;
    let date = Date { year: parts.year.parse().ok()?, month: parts.month.parse().ok()?, day: parts.day.parse().ok()? };
    if date.year == 0 || date.day == 0 || date.day > days_in_month(date.year, date.month)? {
        return None;
    }
    let Some(time) = parts.time else {
        return Some(Value::Date(date));
    };
    let (hour, minute, second): (u8, u8, u8) =
        (time.hour.parse().ok()?, time.minute.parse().ok()?, time.second.parse().ok()?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros: String = time.fraction.chars().chain("000000".chars()).take(6).collect();
    let offset_minutes = match time.zone {
        None => None,
        Some((negative, hours, minutes)) => {
            let total = hours.parse::<i16>().ok()? * 60 + minutes.parse::<i16>().ok()?;
            if total >= 24 * 60 {
                return None;
            }
            Some(if negative { -total } else { total })
        }
    };
    Some(Value::DateTime(DateTime { date, hour, minute, second, microsecond: micros.parse().ok()?, offset_minutes }))
}

fn days_in_month(year: u16, month: u8) -> Option<u8> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// `base64.decodebytes` ignores what is not in the alphabet.
fn binary_value(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    let kept: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')).collect();
    base64::engine::general_purpose::STANDARD.decode(kept).ok()
}
