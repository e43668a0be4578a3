//! Reading JSON the way two readers of LiteLLM do: `json.loads` (provider answers, form fields) and orjson (client bodies).
//!
//! They disagree on NaN, big integers, lone surrogates, depth and texts of errors. For orjson only *whether* it refuses
//! matters: a refused body is Python's to answer.

use super::bytes_decode::wtf8_text;
use super::json_plain::plain_length;
use super::value::{Dict, Integer, Text, Value};

/// Why `json.loads` raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// `json.JSONDecodeError`; `position` counts code points.
    Syntax { message: &'static str, line: usize, column: usize, position: usize },
    /// `ValueError`: an integer longer than the interpreter converts.
    IntegerTooLong { digits: usize },
    /// `RecursionError` while inside an "array" or an "object".
    TooDeep { container: &'static str },
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Syntax { message, line, column, position } => {
                write!(formatter, "{message}: line {line} column {column} (char {position})")
            }
            Self::IntegerTooLong { digits } => write!(
                formatter,
                "Exceeds the limit ({INTEGER_DIGITS_MAX} digits) for integer string conversion: value has {digits} digits; \
                 use sys.set_int_max_str_digits() to increase the limit"
            ),
            Self::TooDeep { container } => write!(
                formatter,
                "maximum recursion depth exceeded while decoding a JSON {container} from a unicode string"
            ),
        }
    }
}

/// CPython's default `sys.int_info.default_max_str_digits`.
pub const INTEGER_DIGITS_MAX: usize = 4300;

/// Nesting that orjson accepts at most.
const ORJSON_DEPTH_MAX: usize = 1024;

/// Nesting of a client's body that is read at most. orjson reads more, but from some 900 levels on LiteLLM meets the interpreter's
/// limit of 1000 frames, somewhere behind and differently on every route.
pub const BODY_DEPTH_MAX: usize = 500;

/// `json.loads(text)` for text given as UTF-8, or as WTF-8 where it holds lone surrogates.
///
/// `depth_max` is how deep the interpreter's stack lets it go where LiteLLM calls it.
pub fn loads(text: &[u8], depth_max: usize) -> Result<Value, DecodeError> {
    Reader::of(text, depth_max).document()
}

/// `json.JSONDecoder().raw_decode(text)`: the value the text begins with, and how many bytes it takes.
pub fn raw_decode(text: &str, depth_max: usize) -> Result<(Value, usize), DecodeError> {
    let mut reader = Reader::over(text.as_bytes(), Some(text), depth_max);
    let value = reader.value()?;
    Ok((value, reader.at))
}

/// `orjson.loads(body)`; `None` where it refuses.
pub fn orjson_loads(body: &[u8]) -> Option<Value> {
    let reader = Reader::of(body, ORJSON_DEPTH_MAX);
    reader.unicode?;
    Reader { strict: true, ..reader }.document().ok()
}

/// A client's body as `orjson.loads` reads it; `None` also where what LiteLLM makes of it isn't known.
pub fn body_loads(body: &[u8]) -> Option<Value> {
    let reader = Reader::of(body, BODY_DEPTH_MAX);
    reader.unicode?;
    Reader { strict: true, ..reader }.document().ok()
}

/// Room for the pairs of most documents.
const PAIRS_AT_ONCE: usize = 16;

struct Reader<'a> {
    text: &'a [u8],
    /// The same, if it holds no lone surrogates: strings are cut out of it without looking at them again.
    unicode: Option<&'a str>,
    at: usize,
    depth: usize,
    depth_max: usize,
    /// orjson: no NaN, no lone surrogates, integers beyond 64 bits become doubles.
    strict: bool,
    /// Of objects that have begun; each takes its own at its end, in a piece of the right size.
    pairs: Vec<(Text, Value)>,
    /// The same of arrays.
    items: Vec<Value>,
}

type Read<T> = Result<T, DecodeError>;

impl<'a> Reader<'a> {
    fn of(text: &'a [u8], depth_max: usize) -> Self {
        Self::over(text, std::str::from_utf8(text).ok(), depth_max)
    }

    fn over(text: &'a [u8], unicode: Option<&'a str>, depth_max: usize) -> Self {
        let (pairs, items) = (Vec::with_capacity(PAIRS_AT_ONCE), Vec::new());
        Self { text, unicode, at: 0, depth: 0, depth_max, strict: false, pairs, items }
    }

    fn document(mut self) -> Read<Value> {
        self.skip_whitespace();
        let value = self.value()?;
        self.skip_whitespace();
        if self.at < self.text.len() {
            return Err(self.error("Extra data", self.at));
        }
        Ok(value)
    }

    fn value(&mut self) -> Read<Value> {
        match self.peek() {
            Some(b'"') => Ok(Value::Str(self.string()?)),
            Some(b'{') => self.nested("object", Self::object),
            Some(b'[') => self.nested("array", Self::array),
            Some(b'n') if self.take("null") => Ok(Value::None),
            Some(b't') if self.take("true") => Ok(Value::Bool(true)),
            Some(b'f') if self.take("false") => Ok(Value::Bool(false)),
            Some(b'N') if !self.strict && self.take("NaN") => Ok(Value::Float(f64::NAN)),
            Some(b'I') if !self.strict && self.take("Infinity") => Ok(Value::Float(f64::INFINITY)),
            Some(b'-') if !self.strict && self.take("-Infinity") => Ok(Value::Float(f64::NEG_INFINITY)),
            _ => self.number(),
        }
    }

    fn nested(&mut self, container: &'static str, read: fn(&mut Self) -> Read<Value>) -> Read<Value> {
        if self.depth >= self.depth_max {
            return Err(DecodeError::TooDeep { container });
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Read<Value> {
        self.at += 1;
        self.skip_whitespace();
        let first = self.pairs.len();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Dict(Dict::default()));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.error("Expecting property name enclosed in double quotes", self.at));
            }
            let key = self.string()?;
            self.skip_whitespace();
            if self.peek() != Some(b':') {
                return Err(self.error("Expecting ':' delimiter", self.at));
            }
            self.at += 1;
            self.skip_whitespace();
            let value = self.value()?;
            self.pairs.push((key, value));
            if self.ends_with(b'}')? {
                return Ok(Value::Dict(Dict::from_pairs(self.pairs.split_off(first))));
            }
        }
    }

    fn array(&mut self) -> Read<Value> {
        self.at += 1;
        self.skip_whitespace();
        let first = self.items.len();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(Vec::new()));
        }
        loop {
            let value = self.value()?;
            self.items.push(value);
            if self.ends_with(b']')? {
                return Ok(Value::List(self.items.split_off(first)));
            }
        }
    }

    /// After an item: `true` at the closing bracket, `false` after a comma.
    fn ends_with(&mut self, close: u8) -> Read<bool> {
        self.skip_whitespace();
        let next = self.peek();
        if next != Some(close) && next != Some(b',') {
            return Err(self.error("Expecting ',' delimiter", self.at));
        }
        self.at += 1;
        if next == Some(close) {
            return Ok(true);
        }
        self.skip_whitespace();
        Ok(false)
    }

    fn number(&mut self) -> Read<Value> {
        let start = self.at;
        let negative = usize::from(self.peek() == Some(b'-'));
        let whole = match self.text.get(start + negative) {
            Some(b'0') => 1,
            Some(b'1'..=b'9') => self.digits_from(start + negative),
            _ => return Err(self.error("Expecting value", start)),
        };
        let mut end = start + negative + whole;
        let mut is_float = false;
        if self.text.get(end) == Some(&b'.') && self.digits_from(end + 1) > 0 {
            end += 1 + self.digits_from(end + 1);
            is_float = true;
        }
        if matches!(self.text.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.text.get(end + 1), Some(b'+' | b'-')));
            let exponent = self.digits_from(end + 1 + sign);
            if exponent > 0 {
                end += 1 + sign + exponent;
                is_float = true;
            }
        }
        self.at = end;
        self.number_value(start, end, whole, is_float)
    }

    fn number_value(&self, start: usize, end: usize, whole: usize, is_float: bool) -> Read<Value> {
        // ASCII by construction.
        let spelled = String::from_utf8_lossy(&self.text[start..end]);
        if !is_float {
            let integer = Integer::from_digits(&spelled);
            if !self.strict && whole > INTEGER_DIGITS_MAX {
                return Err(DecodeError::IntegerTooLong { digits: whole });
            }
            if !self.strict || integer.fits_64_bits() {
                return Ok(Value::Int(integer));
            }
        }
        let float: f64 = spelled.parse().map_err(|_| self.error("Expecting value", start))?;
        if self.strict && float.is_infinite() {
            return Err(self.error("Expecting value", start));
        }
        Ok(Value::Float(float))
    }

    fn string(&mut self) -> Read<Text> {
        let begin = self.at;
        self.at += 1;
        let plain = self.at..self.at + plain_length(&self.text[self.at..]);
        if self.text.get(plain.end) == Some(&b'"')
            && let Some(text) = self.unicode.and_then(|unicode| unicode.get(plain.clone()))
        {
            self.at = plain.end + 1;
            return Ok(Text::Unicode(text.to_owned()));
        }
        self.escaped_string(begin)
    }

    /// A string with an escape or a lone surrogate in it, or one that isn't well-formed.
    fn escaped_string(&mut self, begin: usize) -> Read<Text> {
        let mut out: Vec<u8> = Vec::new();
        loop {
            let plain = plain_length(&self.text[self.at..]);
            out.extend_from_slice(&self.text[self.at..self.at + plain]);
            self.at += plain;
            match self.peek() {
                None => return Err(self.error("Unterminated string starting at", begin)),
                Some(b'"') => {
                    self.at += 1;
                    return wtf8_text(out, self.strict).ok_or_else(|| self.error("Expecting value", begin));
                }
                Some(b'\\') => self.escape(begin, &mut out)?,
                Some(_) => return Err(self.error("Invalid control character at", self.at)),
            }
        }
    }

    fn escape(&mut self, begin: usize, out: &mut Vec<u8>) -> Read<()> {
        let backslash = self.at;
        let Some(&letter) = self.text.get(backslash + 1) else {
            return Err(self.error("Unterminated string starting at", begin));
        };
        let plain = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.unicode_escape(out),
            _ => return Err(self.error("Invalid \\escape", backslash)),
        };
        out.push(plain);
        self.at += 2;
        Ok(())
    }

    fn unicode_escape(&mut self, out: &mut Vec<u8>) -> Read<()> {
        let Some(unit) = self.hex_unit(self.at + 2) else {
            return Err(self.error("Invalid \\uXXXX escape", self.at + 1));
        };
        self.at += 6;
        let is_high = (0xd800..0xdc00).contains(&unit) && self.text[self.at..].starts_with(b"\\u");
        let low = if is_high { self.hex_unit(self.at + 2) } else { None };
        let mut point = unit;
        if let Some(low) = low.filter(|low| (0xdc00..0xe000).contains(low)) {
            point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            self.at += 6;
        }
        push_wtf8(point, out);
        Ok(())
    }

    /// CPython wants one more character behind the four digits, whatever it is.
    fn hex_unit(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 5)?;
        digits[..4].iter().try_fold(0, |unit, &digit| Some(unit * 16 + char::from(digit).to_digit(16)?))
    }

    fn digits_from(&self, at: usize) -> usize {
        self.text.get(at..).map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count())
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.text[self.at..].starts_with(word.as_bytes());
        if found {
            self.at += word.len();
        }
        found
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn error(&self, message: &'static str, at: usize) -> DecodeError {
        let before = &self.text[..at];
        let code_points = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        DecodeError::Syntax {
            message,
            line: 1 + before.iter().filter(|&&byte| byte == b'\n').count(),
            column: 1 + code_points(&before[line_start..]),
            position: code_points(before),
        }
    }
}

/// Appends a code point as UTF-8, generalised to lone surrogates.
pub(super) fn push_wtf8(point: u32, out: &mut Vec<u8>) {
    match char::from_u32(point) {
        Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend_from_slice(&[
            0xe0 | (point >> 12) as u8,
            0x80 | ((point >> 6) & 0x3f) as u8,
            0x80 | (point & 0x3f) as u8,
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_string_cut_out_whole_is_the_one_read_piece_by_piece(
            text in "(\\PC|[\u{0}-\u{20}\"\\\\/bfnrtu0-9a-f]|\\\\u[0-9a-f]{4}|\"){0,40}\"?", bytes: Vec<u8>, strict: bool
        ) {
            for body in [text.as_bytes(), &bytes] {
                let body = [b"\"", body].concat();
                let whole = Reader { strict, ..Reader::of(&body, 9) };
                let pieces = Reader { unicode: None, strict, ..Reader::of(&body, 9) };
                proptest::prop_assert_eq!(whole.document(), pieces.document());
            }
        }
    }
}
