//! `retry-after` as LiteLLM reads it.

use std::time::{Duration, SystemTime};

/// Seconds to wait by a provider's `retry-after`, or -1 for none: an integer as Python's `int` takes it, else a date, whose
/// distance is cut to whole seconds towards zero.
///
/// Source  LiteLLM 1.102.4 `utils.py` `_get_retry_after_from_exception_header`
///         Differs on purpose: of dates only the three forms of RFC 9110 are read; Python's parser guesses at more.
pub fn seconds(headers: &[(String, String)], now: SystemTime) -> i64 {
    let Some((_, value)) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after")) else { return -1 };
    let text = value.trim();
    integer(text).unwrap_or_else(|| date(text, now).unwrap_or(-1))
}

/// Python's `int()` also takes a sign and single underscores between digits.
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let separated = digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !separated {
        return None;
    }
    // A number beyond i64 is beyond every limit as well.
    Some(text.replace('_', "").parse().unwrap_or(if text.starts_with('-') { -1 } else { i64::MAX }))
}

fn date(text: &str, now: SystemTime) -> Option<i64> {
    let at = httpdate::parse_http_date(text).ok()?;
    let seconds = |distance: Duration| i64::try_from(distance.as_secs()).ok();
    match at.duration_since(now) {
        Ok(ahead) => seconds(ahead),
        Err(past) => seconds(past.duration()).map(|behind| -behind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn numbers_and_dates() {
        let now = UNIX_EPOCH + Duration::from_millis(784_111_776_500);
        for (text, expect) in [
            ("1", 1),
            (" 17 ", 17),
            ("0", 0),
            ("-3", -3),
            ("+4", 4),
            ("1_0", 10),
            ("1.5", -1),
            ("soon", -1),
            ("", -1),
            ("99999999999999999999", i64::MAX),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:40 GMT", 3),
            ("Sunday, 06-Nov-94 08:49:40 GMT", 3),
            ("Sun, 06 Nov 1994 08:49:30 GMT", -6),
        ] {
            assert_eq!(seconds(&[("Retry-After".into(), text.into())], now), expect, "{text}");
        }
        assert_eq!(seconds(&[], now), -1);
    }
}
