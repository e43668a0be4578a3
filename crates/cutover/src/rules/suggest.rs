//! "Did you mean": the nearest valid name for one that is not.
//!
//! Works on serde's own messages, so that every struct and enum of the rule file is covered without
//! a list of names kept by hand.

/// The valid name nearest to `written`, if it is near enough to be a slip of the finger.
///
/// Near enough: at most a third of the longer name's letters (and at least one) must change.
pub fn nearest<'a>(written: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let closest = valid.into_iter().map(|name| (distance(written, name), name)).min()?;
    let (changes, name) = closest;
    let limit = (written.chars().count().max(name.chars().count()) / 3).max(1);
    (changes <= limit).then_some(name)
}

/// The nearest valid name for what a serde message complains about, read from its backticks:
/// "unknown field `stagee`, expected one of `route`, `stage`".
pub fn suggest_for(message: &str) -> Option<String> {
    if !message.contains("unknown field") && !message.contains("unknown variant") {
        return None;
    }
    // Text between backticks is at the odd places of a split; what is expected stands there with or without them.
    let written = message.split('`').nth(1)?;
    let (_, expected) = message.split_once("expected ")?;
    let listed = expected.trim_start_matches("one of ").split(", ");
    let names = listed.filter_map(|name| name.trim_start_matches('`').split(['`', ' ']).next());
    nearest(written, names.filter(|name| !name.is_empty())).map(str::to_owned)
}

/// Levenshtein distance in characters; a swap of two neighbours counts as one change.
fn distance(left: &str, right: &str) -> usize {
    // Names are short; a pasted paragraph must not cost its square.
    const CHARACTERS_MAX: usize = 64;
    let left: Vec<char> = left.chars().take(CHARACTERS_MAX).collect();
    let right: Vec<char> = right.chars().take(CHARACTERS_MAX).collect();
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (at, row) in rows.iter_mut().enumerate() {
        row[0] = at;
    }
    for (at, cell) in rows[0].iter_mut().enumerate() {
        *cell = at;
    }
    for row in 1..=left.len() {
        for column in 1..=right.len() {
            let changed = usize::from(left[row - 1] != right[column - 1]);
            let mut best =
                (rows[row - 1][column - 1] + changed).min(rows[row - 1][column] + 1).min(rows[row][column - 1] + 1);
            let swapped =
                row > 1 && column > 1 && left[row - 1] == right[column - 2] && left[row - 2] == right[column - 1];
            if swapped {
                best = best.min(rows[row - 2][column - 2] + 1);
            }
            rows[row][column] = best;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_slips_and_nothing_else() {
        let routes = crate::lane::ROUTES;
        for (written, expected) in [
            ("orc", Some("ocr")),
            ("chat_completion", Some("chat_completions")),
            ("mesages", Some("messages")),
            ("images", None),
            ("", None),
            ("rerank", None),
        ] {
            assert_eq!(nearest(written, routes), expected, "{written}");
        }
    }

    #[test]
    fn serde_messages_are_understood() {
        for (message, expected) in [
            ("unknown field `stagee`, expected one of `route`, `stage`, `hold`", Some("stage")),
            ("unknown variant `canari`, expected one of `off`, `shadow`, `canary`, `full`", Some("canary")),
            ("unknown field `zebra`, expected `ttl` or `max_bytes`", None),
            ("invalid type: string \"x\", expected a boolean", None),
            ("", None),
        ] {
            assert_eq!(suggest_for(message).as_deref(), expected, "{message}");
        }
        let refused = serde_json::from_str::<crate::rules::RuleFile>(r#"{"route": "ocr", "miror": 1}"#).unwrap_err();
        assert_eq!(suggest_for(&refused.to_string()).as_deref(), Some("mirror"));
    }
}
