//! What LiteLLM blacks out of texts: credentials everywhere, paths and internal hosts in what clients read.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/secret_redaction.py`. The patterns are the specification: each replaced span
//! is visible to clients. LiteLLM joins them into one alternation for a backtracking engine; here each is searched on its own
//! in linear time, and at every step the leftmost match counts, of equal ones the first in the list: the same spans.

use std::borrow::Cow;
use std::sync::OnceLock;

use regex::{Captures, Regex, RegexBuilder};

const REDACTED: &str = "REDACTED";
const TRACEBACK_MARKER: &str = "Traceback (most recent call last):";

/// Where a pattern may begin. `\s` of Python's `str` patterns also takes U+001C to U+001F, `\w` no marks: both are spelled out.
enum Pattern {
    Anywhere(&'static str),
    /// Right behind a `?` or `&`.
    InQuery(&'static str),
    /// At the start of the text, or behind what isn't a letter, digit or underscore.
    AtWordStart(&'static str),
    /// `user:password` between `://` and `@`.
    UrlCredentials,
}

const SECRETS: &[Pattern] = &[
    Pattern::Anywhere(r"-----BEGIN[A-Z \-]*PRIVATE KEY-----(?s:.)*?-----END[A-Z \-]*PRIVATE KEY-----"),
    Pattern::Anywhere(r"\bya29\.[A-Za-z0-9_.~+/-]+"),
    Pattern::Anywhere(r#"(?:client_secret|azure_password|azure_username)[\s\x1c-\x1f]+[^\s\x1c-\x1f,'"})\]{}>]+"#),
    Pattern::Anywhere(r"(?:AKIA|ASIA)[0-9A-Z]{16}"),
    Pattern::Anywhere(r"Bearer[\s\x1c-\x1f]+[A-Za-z0-9\-._~+/]{10,}=*"),
    Pattern::Anywhere(r"Basic[\s\x1c-\x1f]+[A-Za-z0-9+/]{10,}={0,2}"),
    Pattern::Anywhere(r"sk-[A-Za-z0-9\-_]{13,}"),
    Pattern::InQuery(
        r#"(?:api[_-]?key|[\p{L}\p{N}_]*(?:token|password|passwd|client_secret|secret_key|_secret))=[^\s\x1c-\x1f&'"]+"#,
    ),
    Pattern::Anywhere(r#"(?:api[_-]?key)['"]?[\s\x1c-\x1f]*[:=][\s\x1c-\x1f]*['"]?[^\s\x1c-\x1f,'"})\]{}>]{8,}"#),
    Pattern::Anywhere(r#"(?:x-api-key|api-key)['"]?[\s\x1c-\x1f]*[:=][\s\x1c-\x1f]*['"]?[^\s\x1c-\x1f,'"})\]{}>]+"#),
    Pattern::Anywhere(r"x-ak-[A-Za-z0-9\-_]{20,}"),
    Pattern::Anywhere(r"AIza[0-9A-Za-z\-_]{35}"),
    Pattern::InQuery(r#"key=[^\s\x1c-\x1f&'"]{8,}"#),
    Pattern::AtWordStart(
        r#"[\p{L}\p{N}_]*(?:password|passwd|client_secret|secret_key|_secret)['"]?[\s\x1c-\x1f]*[:=][\s\x1c-\x1f]*['"]?[^\s\x1c-\x1f,'"})\]{}>]+"#,
    ),
    Pattern::UrlCredentials,
    Pattern::Anywhere(r"dapi[0-9a-f]{32}"),
    Pattern::Anywhere(
        r#"litellm\.[A-Za-z0-9_]*_key['"]?[\s\x1c-\x1f]*[:=][\s\x1c-\x1f]*['"]?[^\s\x1c-\x1f,'"})\]{}>]+"#,
    ),
    Pattern::Anywhere(
        r#"private_key['"]?[\s\x1c-\x1f]*[:=][\s\x1c-\x1f]*['"]?(?:-----BEGIN[A-Z \-]*PRIVATE KEY-----(?s:.)*?-----END[A-Z \-]*PRIVATE KEY-----|[^\s\x1c-\x1f,'"})\]{}>]+)"#,
    ),
    Pattern::Anywhere(
        r#"(?:master_key|xai_key|database_url|db_url|connection_string|aws_secret_access_key|aws_session_token|aws_access_key_id|signing_key|encryption_key|auth_token|access_token|refresh_token|slack_webhook_url|webhook_url|database_connection_string|huggingface_token|jwt_secret)['"]?[\s\x1c-\x1f]*[:=][\s\x1c-\x1f]*['"]?[^\s\x1c-\x1f,'"})\]{}>]+"#,
    ),
    Pattern::Anywhere(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),
    Pattern::InQuery(r"sig=[A-Za-z0-9%+/=]+"),
    Pattern::Anywhere(r#"\{[^{}]*"type"[\s\x1c-\x1f]*:[\s\x1c-\x1f]*"service_account"[^{}]*(?:\{[^{}]*\}[^{}]*)*\}"#),
];

/// File system paths, private addresses, internal host names.
const INTERNAL_DETAILS: &[Pattern] = &[
    Pattern::Anywhere(r#"/(?:etc|var|opt|usr|home|root|private|Users|tmp|mnt|srv)/[^\s\x1c-\x1f'"\)\]}>,]+"#),
    Pattern::Anywhere(r#"[A-Za-z]:\\[^\s\x1c-\x1f'"\)\]}>,]+"#),
    Pattern::Anywhere(
        r"\b(?:10(?:\.\d{1,3}){3}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}|192\.168(?:\.\d{1,3}){2}|127(?:\.\d{1,3}){3})\b",
    ),
    Pattern::Anywhere(r"\b[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?:internal|local|corp|lan|intra|private)\b"),
];

/// Replaces credentials.
pub fn redact_string(text: &str) -> String {
    static FINDERS: OnceLock<Vec<Finder>> = OnceLock::new();
    replace(FINDERS.get_or_init(|| SECRETS.iter().map(Finder::new).collect()), text)
}

/// What a client may read of a message: no credentials, paths, internal hosts, and nothing from a traceback on.
pub fn redact_internal_details(text: &str) -> String {
    static FINDERS: OnceLock<Vec<Finder>> = OnceLock::new();
    let kept = match text.find(TRACEBACK_MARKER) {
        Some(at) => text[..at].trim_end_matches(is_space),
        None => text,
    };
    replace(FINDERS.get_or_init(|| INTERNAL_DETAILS.iter().map(Finder::new).collect()), &redact_string(kept))
}

/// One pattern, ready to search.
enum Finder {
    Regex(Regex),
    /// The span is the first group: what stands in front of it may belong to the match before.
    RegexBehind(Regex),
    UrlCredentials,
    /// A pattern that doesn't compile finds everything: withholding is the safe side. A test shows there is none.
    Broken,
}

/// Start and end of a match, in bytes.
type Span = (usize, usize);

impl Finder {
    fn new(pattern: &Pattern) -> Self {
        let compile = |front: &str, pattern: &str| {
            RegexBuilder::new(&format!("{front}({})", with_turkish_i(pattern))).case_insensitive(true).build().ok()
        };
        match pattern {
            Pattern::Anywhere(pattern) => compile("", pattern).map_or(Self::Broken, Self::Regex),
            Pattern::InQuery(pattern) => compile("[?&]", pattern).map_or(Self::Broken, Self::RegexBehind),
            Pattern::AtWordStart(pattern) => {
                compile(r"(?:\A|[^\p{L}\p{N}_])", pattern).map_or(Self::Broken, Self::RegexBehind)
            }
            Pattern::UrlCredentials => Self::UrlCredentials,
        }
    }

    /// The leftmost match that starts at `from` or later.
    fn find(&self, text: &str, from: usize) -> Option<Span> {
        match self {
            Self::Regex(regex) => regex.find_at(text, from).map(|found| (found.start(), found.end())),
            Self::RegexBehind(regex) => {
                let behind = text[..from].chars().next_back().map_or(from, |last| from - last.len_utf8());
                let found = regex.captures_at(text, behind)?.get(1)?;
                Some((found.start(), found.end()))
            }
            Self::UrlCredentials => url_credentials(text, from),
            Self::Broken => (from < text.len()).then_some((from, text.len())),
        }
    }
}

fn replace(finders: &[Finder], text: &str) -> String {
    let searched = with_pythons_words(text);
    let mut next: Vec<Option<Span>> = finders.iter().map(|finder| finder.find(&searched, 0)).collect();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    // `min` keeps the first of equal starts, as an alternation does.
    while let Some((start, end)) = next.iter().flatten().copied().min_by_key(|&(start, _)| start) {
        out.push_str(&text[from..start]);
        out.push_str(REDACTED);
        from = end;
        for (finder, span) in finders.iter().zip(&mut next) {
            if span.is_some_and(|(start, _)| start < from) {
                *span = finder.find(&searched, from);
            }
        }
    }
    out.push_str(&text[from..]);
    out
}

/// A text of the same length in which the two engines agree where words end: marks and joiners, words to this one but not to
/// Python's, become symbols. No pattern names either.
fn with_pythons_words(text: &str) -> Cow<'_, str> {
    static ONLY_HERE: OnceLock<Option<Regex>> = OnceLock::new();
    let only_here = ONLY_HERE.get_or_init(|| Regex::new(r"[\w--[\p{L}\p{N}_]]").ok());
    match only_here {
        Some(only_here) if !text.is_ascii() => {
            only_here.replace_all(text, |found: &Captures<'_>| match found[0].len() {
                2 => "§",
                3 => "–",
                _ => "😀",
            })
        }
        _ => Cow::Borrowed(text),
    }
}

/// The longest half of a credential that is looked at, in characters.
const CREDENTIAL_CHARACTERS_MAX: usize = 4096;

/// Behind a `://`: a user up to the first colon, then as much as there is in front of an `@`.
fn url_credentials(text: &str, from: usize) -> Option<Span> {
    const SCHEME_END: &str = "://";
    let last_at = text.rfind('@')?;
    let earliest = from.saturating_sub(SCHEME_END.len());
    let mut search = (earliest..=from).find(|&at| text.is_char_boundary(at))?;
    while let Some(found) = text[search..].find(SCHEME_END) {
        let start = search + found + SCHEME_END.len();
        if start > last_at {
            return None;
        }
        let length = if start < from { None } else { credentials_length(&text[start..]) };
        if let Some(length) = length {
            return Some((start, start + length));
        }
        search = start - SCHEME_END.len() + 1;
    }
    None
}

fn credentials_length(text: &str) -> Option<usize> {
    let ends_credential = |character: char| is_space(character) || character == '\'' || character == '"';
    let is_limit = |&(_, (_, character)): &(usize, (usize, char))| ends_credential(character) || character == ':';
    let (characters, (colon, found)) = text.char_indices().enumerate().find(is_limit)?;
    if found != ':' || characters > CREDENTIAL_CHARACTERS_MAX {
        return None;
    }
    let password = &text[colon + 1..];
    let within = password.char_indices().take(CREDENTIAL_CHARACTERS_MAX + 1);
    let ats = within
        .take_while(|&(_, character)| !ends_credential(character))
        .filter(|&(at, character)| at > 0 && character == '@');
    ats.last().map(|(at, _)| colon + 1 + at)
}

/// `str.isspace` of one character.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// Ignoring case, Python also takes U+0130 and U+0131 for an `i`, alone and in ranges of letters.
fn with_turkish_i(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut in_class = false;
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                out.push(character);
                out.extend(characters.next());
                continue;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            'Z' | 'z' if in_class => {
                out.push(character);
                out.push_str("\u{130}\u{131}");
                continue;
            }
            'i' | 'I' if !in_class => {
                out.push_str("[i\u{130}\u{131}]");
                continue;
            }
            _ => {}
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_what_litellm_replaces() {
        let cases = [
            ("a key=abc&b", "a key=abc&b"),
            ("Bearer abcdefghijklmnop!", "REDACTED!"),
            ("see sk-abcdefghijklmnopqrstuvwxyz", "see REDACTED"),
            ("http://127.0.0.1:22002/v1", "http://REDACTED:22002/v1"),
            ("/etc/passwd and x.local", "REDACTED and REDACTED"),
            ("my_password: hunter2, ok", "REDACTED, ok"),
            ("postgres://user:pass@host/db", "postgres://REDACTED@host/db"),
            ("x?token=abc&y=1", "x?REDACTED&y=1"),
            ("oh no\n Traceback (most recent call last):\n x", "oh no"),
            ("Bad status line: b'x'", "Bad status line: b'x'"),
            ("127.0.0.1\u{301}9 ya29.\u{301}", "REDACTED\u{301}9 ya29.\u{301}"),
            (
                "sk-abcdefghijklm\u{130}nop \u{17f}k-abcdefghijklmnop ap\u{131}_key=12345678",
                "REDACTED REDACTED REDACTED",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(redact_internal_details(text), expected, "{text}");
        }
    }

    #[test]
    fn every_pattern_compiles() {
        for pattern in SECRETS.iter().chain(INTERNAL_DETAILS) {
            assert!(!matches!(Finder::new(pattern), Finder::Broken));
        }
    }

    #[test]
    fn credentials_in_urls_have_a_length_limit() {
        let with = |user: usize, password: usize| format!("x://{}:{}@h", "u".repeat(user), "p".repeat(password));
        assert_eq!(redact_string(&with(4096, 4096)), "x://REDACTED@h");
        assert_eq!(redact_string(&with(4097, 1)), with(4097, 1));
        assert_eq!(redact_string(&with(1, 4097)), with(1, 4097));
        assert_eq!(redact_string("x://a:b@c:d@e f@g"), "x://REDACTED@e f@g");
        assert_eq!(redact_string("x://:@h"), "x://:@h");
    }
}
