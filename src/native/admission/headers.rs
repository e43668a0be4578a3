//! Which of an admitted caller's headers have a say in the answer.

use http::HeaderMap;

use crate::native::Decline;

/// Headers that LiteLLM reads on every route and that change neither the provider request nor the answer of this one: asked
/// of the real proxy, one by one. They matter to callbacks, tag routing, budgets and logs, and a configuration with any of
/// those has a reason of its own.
const WITHOUT_EFFECT: [&str; 12] = [
    "x-litellm-agent-id",
    "x-litellm-cache-key",
    "x-litellm-customer-id",
    "x-litellm-disable-callbacks",
    "x-litellm-enable-message-redaction",
    "x-litellm-end-user-id",
    "x-litellm-model",
    "x-litellm-region",
    "x-litellm-spend-logs-metadata",
    "x-litellm-tags",
    "x-litellm-user-id",
    "x-litellm-version",
];

/// Digits of a number in a header that are looked at.
const NUMBER_DIGITS_MAX: usize = 12;

/// The headers that the transformation has to judge, by lower-case name.
///
/// Errors  a value that is not ASCII; a number LiteLLM would answer 500 to; `origin` with a cookie, which changes CORS headers.
pub fn told(headers: &HeaderMap) -> Result<Vec<(&str, &str)>, Decline> {
    if headers.contains_key(http::header::ORIGIN) && headers.contains_key(http::header::COOKIE) {
        return Err(Decline::CrossOriginCookie);
    }
    let mut told = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let name = name.as_str();
        if WITHOUT_EFFECT.contains(&name) {
            continue;
        }
        if !name.starts_with("x-litellm-") && name != "content-type" && name != "x-req-format" {
            continue;
        }
        let value = value.to_str().map_err(|_| Decline::RequestOption)?.trim_matches([' ', '\t']);
        match name {
            // Without effect on OCR, but LiteLLM fails if it is not a number.
            "x-litellm-stream-timeout" | "x-litellm-keepalive-seconds" if is_plain_number(value) => {}
            "x-litellm-stream-timeout" | "x-litellm-keepalive-seconds" => return Err(Decline::RequestOption),
            "x-litellm-timeout" | "x-litellm-num-retries" if !is_plain_number(value) => {
                return Err(Decline::RequestOption);
            }
            "x-litellm-call-id" if value.is_empty() => return Err(Decline::RequestOption),
            // Of a repeated header LiteLLM sees the first here and the last there.
            _ if told.iter().any(|(earlier, _)| *earlier == name) => return Err(Decline::RequestOption),
            _ => told.push((name, value)),
        }
    }
    Ok(told)
}

/// All headers, for a transformation that judges each by itself.
///
/// Errors  a value that is not ASCII, among those that LiteLLM reads; `origin` with a cookie.
pub fn told_whole(headers: &HeaderMap) -> Result<Vec<(&str, &str)>, Decline> {
    if headers.contains_key(http::header::ORIGIN) && headers.contains_key(http::header::COOKIE) {
        return Err(Decline::CrossOriginCookie);
    }
    let mut told: Vec<(&str, &str)> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let name = name.as_str();
        let is_own = name.starts_with("x-litellm-");
        match value.to_str().map(|value| value.trim_matches([' ', '\t'])) {
            // Of a repeated header LiteLLM sees the first here and the last there.
            Ok(_) if is_own && told.iter().any(|(earlier, _)| *earlier == name) => return Err(Decline::RequestOption),
            Ok(value) => told.push((name, value)),
            Err(_) if is_own || name.starts_with("anthropic-") => return Err(Decline::RequestOption),
            // Nobody's, like a name in a user agent.
            Err(_) => {}
        }
    }
    Ok(told)
}

/// A number that Python and Rust read alike: digits, with a point and digits after it at most.
fn is_plain_number(text: &str) -> bool {
    let mut parts = text.split('.');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let plain = parts.next().is_some_and(digits) && parts.next().is_none_or(digits) && parts.next().is_none();
    plain && text.len() <= NUMBER_DIGITS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn check(name: &'static str, value: &str, expect: Result<&[(&str, &str)], Decline>) {
        let pair = (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        let headers = HeaderMap::from_iter([pair]);
        assert_eq!(told(&headers), expect.map(<[_]>::to_vec), "{name}: {value}");
    }

    #[test]
    fn headers_are_judged_passed_over_or_declined() {
        for (text, trimmed) in [("5", "5"), ("0.5", "0.5"), (" 12.25 ", "12.25")] {
            check("x-litellm-timeout", text, Ok(&[("x-litellm-timeout", trimmed)]));
        }
        for text in ["", "bad", "-1", "1e1", "nan", "inf", ".5", "5.", "1_0", "1.2.3", "1234567890123"] {
            check("x-litellm-timeout", text, Err(Decline::RequestOption));
            check("x-litellm-stream-timeout", text, Err(Decline::RequestOption));
            check("x-litellm-num-retries", text, Err(Decline::RequestOption));
        }
        check("x-litellm-stream-timeout", "1", Ok(&[]));
        check("x-litellm-tags", "a,b", Ok(&[]));
        check("traceparent", "00-0-0-01", Ok(&[]));
        check("x-litellm-unheard-of", "1", Ok(&[("x-litellm-unheard-of", "1")]));
        check("content-type", "text/plain", Ok(&[("content-type", "text/plain")]));
        check("origin", "https://a.example", Ok(&[]));
        check("x-litellm-call-id", "", Err(Decline::RequestOption));
        check("x-litellm-call-id", "mine", Ok(&[("x-litellm-call-id", "mine")]));
        check("x-req-format", "\u{e9}", Err(Decline::RequestOption));
    }

    #[test]
    fn cookies_from_another_origin_are_declined() {
        let pair = |name, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let headers = HeaderMap::from_iter([pair("origin", "https://a.example"), pair("cookie", "a=b")]);
        assert_eq!(told(&headers), Err(Decline::CrossOriginCookie));
    }

    #[test]
    fn a_repeated_option_is_declined() {
        let mut repeated = HeaderMap::new();
        repeated.append("x-litellm-timeout", HeaderValue::from_static("1"));
        repeated.append("x-litellm-timeout", HeaderValue::from_static("2"));
        assert_eq!(told(&repeated), Err(Decline::RequestOption));
    }
}
