//! What LiteLLM blacks out of texts: credentials everywhere, paths and internal hosts in what clients read.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/secret_redaction.py`. The patterns are the specification: each replaced span
//! is visible to clients, so they are kept as they are, with Python's leftmost-first alternation.

use std::sync::OnceLock;

use fancy_regex::Regex;

const REDACTED: &str = "REDACTED";
const TRACEBACK_MARKER: &str = "Traceback (most recent call last):";

/// Credentials. The `\s` of Python's `str` patterns also takes the four separators U+001C to U+001F, spelled out here.
const SECRETS: &[&str] = &[
    r"-----BEGIN[A-Z \-]*PRIVATE KEY-----(?s:.)*?-----END[A-Z \-]*PRIVATE KEY-----",
    r"\bya29\.[A-Za-z0-9_.~+/-]+",
    r#"(?:client_secret|azure_password|azure_username)[\s\x1c-\x1f]+[^\s\x1c-\x1f,'"})\]{}>]+"#,
    r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    r"Bearer[\s\x1c-\x1f]+[A-Za-z0-9\-._~+/]{10,}=*",
    r"Basic[\s\x1c-\x1f]+[A-Za-z0-9+/]{10,}={0,2}",
    r"sk-[A-Za-z0-9\-_]{13,}",
    r#"(?<=[?&])(?:api[_-]?key|\w*(?:token|password|passwd|client_secret|secret_key|_secret))=[^\s\x1c-\x1f&'"]+"#,
    r#"(?:api[_-]?key)['"]?[\s\x1c-\x1f]*[:=][\s\x1c-\x1f]*['"]?[^\s\x1c-\x1f,'"})\]{}>]{8,}"#,
    r#"(?:x-api-key|api-key)['"]?[\s\x1c-\x1f]*[:=][\s\x1c-\x1f]*['"]?[^\s\x1c-\x1f,'"})\]{}>]+"#,
    r"x-ak-[A-Za-z0-9\-_]{20,}",
    r"AIza[0-9A-Za-z\-_]{35}",
    r#"(?<=[?&])key=[^\s\x1c-\x1f&'"]{8,}"#,
    r#"(?:^|(?<=\W))\w*(?:password|passwd|client_secret|secret_key|_secret)['"]?[\s\x1c-\x1f]*[:=][\s\x1c-\x1f]*['"]?[^\s\x1c-\x1f,'"})\]{}>]+"#,
    r#"(?<=://)[^\s\x1c-\x1f'":]{0,4096}:[^\s\x1c-\x1f'"]{1,4096}(?=@)"#,
    r"dapi[0-9a-f]{32}",
    r#"litellm\.[A-Za-z0-9_]*_key['"]?[\s\x1c-\x1f]*[:=][\s\x1c-\x1f]*['"]?[^\s\x1c-\x1f,'"})\]{}>]+"#,
    r#"private_key['"]?[\s\x1c-\x1f]*[:=][\s\x1c-\x1f]*['"]?(?:-----BEGIN[A-Z \-]*PRIVATE KEY-----(?s:.)*?-----END[A-Z \-]*PRIVATE KEY-----|[^\s\x1c-\x1f,'"})\]{}>]+)"#,
    r#"(?:master_key|xai_key|database_url|db_url|connection_string|aws_secret_access_key|aws_session_token|aws_access_key_id|signing_key|encryption_key|auth_token|access_token|refresh_token|slack_webhook_url|webhook_url|database_connection_string|huggingface_token|jwt_secret)['"]?[\s\x1c-\x1f]*[:=][\s\x1c-\x1f]*['"]?[^\s\x1c-\x1f,'"})\]{}>]+"#,
    r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
    r"(?<=[?&])sig=[A-Za-z0-9%+/=]+",
    r#"\{[^{}]*"type"[\s\x1c-\x1f]*:[\s\x1c-\x1f]*"service_account"[^{}]*(?:\{[^{}]*\}[^{}]*)*\}"#,
];

/// File system paths, private addresses, internal host names.
const INTERNAL_DETAILS: &[&str] = &[
    r#"/(?:etc|var|opt|usr|home|root|private|Users|tmp|mnt|srv)/[^\s\x1c-\x1f'"\)\]}>,]+"#,
    r#"[A-Za-z]:\\[^\s\x1c-\x1f'"\)\]}>,]+"#,
    r"\b(?:10(?:\.\d{1,3}){3}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}|192\.168(?:\.\d{1,3}){2}|127(?:\.\d{1,3}){3})\b",
    r"\b[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?:internal|local|corp|lan|intra|private)\b",
];

/// Replaces credentials.
pub fn redact_string(text: &str) -> String {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    replace(PATTERN.get_or_init(|| compile(SECRETS)), text)
}

/// What a client may read of a message: no credentials, paths, internal hosts, and nothing from a traceback on.
pub fn redact_internal_details(text: &str) -> String {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    let kept = match text.find(TRACEBACK_MARKER) {
        Some(at) => text[..at].trim_end_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)),
        None => text,
    };
    replace(PATTERN.get_or_init(|| compile(INTERNAL_DETAILS)), &redact_string(kept))
}

fn compile(patterns: &[&str]) -> Option<Regex> {
    let alternatives: Vec<String> = patterns.iter().map(|pattern| format!("(?:{pattern})")).collect();
    Regex::new(&format!("(?i:{})", alternatives.join("|"))).ok()
}

/// A text the pattern engine gives up on is withheld whole: leaking a credential would be worse than a difference.
fn replace(pattern: &Option<Regex>, text: &str) -> String {
    let redacted = pattern.as_ref().and_then(|pattern| pattern.try_replacen(text, 0, REDACTED).ok());
    redacted.map_or_else(|| REDACTED.to_owned(), |text| text.into_owned())
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
        ];
        for (text, expected) in cases {
            assert_eq!(redact_internal_details(text), expected, "{text}");
        }
    }
}
