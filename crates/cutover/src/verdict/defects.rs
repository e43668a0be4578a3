//! Defects of the control that we differ from on purpose: what Python's internals leak into messages.
//!
//! Of such a message the status, the type and the code are compared as ever and the first line is
//! compared with the leaked part left open. The table is versioned: a report of last month says by
//! which one it was judged. `docs/parity.md` describes the same entries.

use serde::{Deserialize, Serialize};

/// The version of the table below; raised with every change of it.
pub const DEFECT_TABLE_VERSION: u32 = 1;

/// A declared defect of LiteLLM 1.102.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// A traceback follows the first line.
    /// Source: litellm/litellm_core_utils/exception_mapping_utils.py `exception_type`.
    PythonTraceback,
    /// An object's address, `0x7f3a…`.
    ObjectAddress,
    /// A bytes object as Python prints it, `b'…'`.
    BytesRepr,
    /// A measured time inside a message, `time taken=0.512 seconds`.
    /// Source: litellm/llms/custom_httpx/http_handler.py.
    ElapsedTime,
}

impl Defect {
    /// Every defect.
    pub const ALL: [Self; 4] = [Self::PythonTraceback, Self::ObjectAddress, Self::BytesRepr, Self::ElapsedTime];

    /// The name in rules, JSON and `docs/parity.md`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PythonTraceback => "python_traceback",
            Self::ObjectAddress => "object_address",
            Self::BytesRepr => "bytes_repr",
            Self::ElapsedTime => "elapsed_time",
        }
    }
}

const TRACEBACK: &str = "Traceback (most recent call last):";

/// The longest message that is searched, in bytes; a longer one is not excused.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// The defects that explain why two error messages differ, or `None` if they do not.
///
/// Only what the control shows is left open, so a candidate cannot be excused by its own leaks.
pub fn excuse(control: &str, candidate: &str) -> Option<Vec<Defect>> {
    if control.len().max(candidate.len()) > MESSAGE_BYTES_MAX {
        return None;
    }
    let mut defects = Vec::new();
    let (mut left, mut right) = (control, candidate);
    if control.contains(TRACEBACK) {
        defects.push(Defect::PythonTraceback);
        left = before_traceback(control);
        right = before_traceback(candidate);
    }
    let pieces = pieces_of(left);
    defects.extend(pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(_) => None,
        Piece::Open(defect) => Some(*defect),
    }));
    defects.sort_unstable();
    defects.dedup();
    (!defects.is_empty() && matches(&pieces, right)).then_some(defects)
}

/// The first line, without a traceback that begins on it.
fn before_traceback(message: &str) -> &str {
    let first = message.split_once(TRACEBACK).map_or(message, |(before, _)| before);
    first.lines().next().unwrap_or("").trim_end()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece<'a> {
    Literal(&'a str),
    Open(Defect),
}

fn pieces_of(message: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut at, mut literal_start) = (0, 0);
    while at < message.len() {
        let Some((defect, length)) = open_at(message, at) else {
            at += message[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        pieces.push(Piece::Literal(&message[literal_start..at]));
        pieces.push(Piece::Open(defect));
        at += length;
        literal_start = at;
    }
    pieces.push(Piece::Literal(&message[literal_start..]));
    pieces
}

/// The defect that begins at this byte, and its length.
fn open_at(message: &str, at: usize) -> Option<(Defect, usize)> {
    let (before, rest) = (&message[..at], &message[at..]);
    let begins_word = !before.ends_with(|character: char| character.is_alphanumeric() || character == '_');
    if !begins_word {
        return None;
    }
    let length = match rest.as_bytes()[0] {
        b'0' => address_length(rest),
        b'b' => bytes_repr_length(rest),
        _ => None,
    };
    if let Some(length) = length {
        let defect = if rest.starts_with('b') { Defect::BytesRepr } else { Defect::ObjectAddress };
        return Some((defect, length));
    }
    let length = decimal_length(rest)?;
    let after = &rest[length..];
    let measured = before.ends_with("time taken=") || (rest[..length].contains('.') && after.starts_with(" seconds"));
    // "Timeout passed=0.5" is configured, not measured: only what follows `time taken=` is open there.
    let configured = before.ends_with("passed=") || before.ends_with("value=");
    (measured && !configured).then_some((Defect::ElapsedTime, length))
}

fn address_length(text: &str) -> Option<usize> {
    let digits = text.strip_prefix("0x")?.bytes().take_while(u8::is_ascii_hexdigit).count();
    (digits >= 6).then_some(2 + digits)
}

fn bytes_repr_length(text: &str) -> Option<usize> {
    let quote = text.as_bytes().get(1).copied().filter(|quote| b"'\"".contains(quote))?;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(2) {
        if !escaped && byte == quote {
            return Some(at + 1);
        }
        escaped = !escaped && byte == b'\\';
    }
    None
}

fn decimal_length(text: &str) -> Option<usize> {
    let length = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    text[..length].parse::<f64>().ok().map(|_| length)
}

/// Whether a text reads like the pieces. A left-open bytes repr stands for any text up to the next
/// literal; the others only for their own kind.
fn matches(pieces: &[Piece<'_>], mut text: &str) -> bool {
    for (at, piece) in pieces.iter().enumerate() {
        let length = match piece {
            Piece::Literal(literal) => text.starts_with(literal).then_some(literal.len()),
            Piece::Open(Defect::BytesRepr) => match pieces.get(at + 1) {
                Some(Piece::Literal("")) | None => Some(text.len()),
                Some(Piece::Literal(literal)) => text.find(literal),
                Some(Piece::Open(_)) => None,
            },
            Piece::Open(Defect::ElapsedTime) => decimal_length(text),
            // The native leg has no object to show; an address may be any or none.
            Piece::Open(_) => Some(address_length(text).unwrap_or(0)),
        };
        let Some(length) = length else { return false };
        text = &text[length..];
    }
    text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Defect::*;

    #[test]
    fn only_declared_defects_are_excused() {
        for (control, candidate, expected) in [
            ("boom\nTraceback (most recent call last):\n  File \"a.py\"", "boom", Some(vec![PythonTraceback])),
            ("boom\nTraceback (most recent call last):\n  x", "bang", None),
            ("<Obj at 0x7f3a12bc>", "<Obj at 0x55aa01ff>", Some(vec![ObjectAddress])),
            ("<Obj at 0x7f3a12bc>", "<Other at 0x7f3a12bc>", None),
            ("got b'{\"a\":1}' back", "got {\"a\":1} back", Some(vec![BytesRepr])),
            ("got b'x'", "got x", Some(vec![BytesRepr])),
            ("got b'x' back", "lost x back", None),
            (
                "Connection timed out. Timeout passed=0.5, time taken=0.512 seconds",
                "Connection timed out. Timeout passed=0.5, time taken=0.501 seconds",
                Some(vec![ElapsedTime]),
            ),
            (
                "Connection timed out. Timeout passed=0.5, time taken=0.512 seconds",
                "Connection timed out. Timeout passed=0.6, time taken=0.512 seconds",
                None,
            ),
            (
                "Connection timed out. Timeout passed=0.5, time taken=0.512 seconds",
                "Connection timed out. Timeout passed=0.5, time taken=soon seconds",
                None,
            ),
            ("plain", "other", None),
            ("plain", "plain at 0x7f3a12bc", None),
            ("\u{e9}t\u{e9} 0x7f3a12bc", "\u{e9}t\u{e9} 0x7f3a12bd", Some(vec![ObjectAddress])),
        ] {
            assert_eq!(excuse(control, candidate), expected, "{control} | {candidate}");
        }
    }

    #[test]
    fn an_overlong_message_is_not_excused() {
        let message = |length: usize| format!("0x7f3a12bc{}", "x".repeat(length - 10));
        let other = |length: usize| format!("0x7f3a12bd{}", "x".repeat(length - 10));
        assert!(excuse(&message(MESSAGE_BYTES_MAX), &other(MESSAGE_BYTES_MAX)).is_some());
        assert!(excuse(&message(MESSAGE_BYTES_MAX + 1), &other(MESSAGE_BYTES_MAX + 1)).is_none());
    }
}
