//! The diff: one case a line, properties over arbitrary JSON, and every limit at its edge.

use cutover::diff::{
    Kind, Limits, Tag, client_response_policy, diff_body, diff_headers, diff_text, provider_request_policy,
};
use proptest::prelude::*;
use serde_json::Value;

/// Differences as `kind path`.
fn found(left: &str, right: &str) -> Vec<String> {
    let found = diff_body(left.as_bytes(), right.as_bytes(), &Limits::default());
    assert!(!found.truncated);
    found.list.iter().map(|difference| format!("{} {}", difference.kind.as_str(), difference.path)).collect()
}

#[test]
fn differences_are_typed_and_placed() {
    let cases: &[(&str, &str, &[&str])] = &[
        (r#"{"a":1}"#, r#"{"a":1}"#, &[]),
        (r#"{"a":1}"#, r#"{"a":2}"#, &["changed $.a"]),
        (r#"{"a":1}"#, r#"{}"#, &["missing $.a"]),
        (r#"{}"#, r#"{"a":1}"#, &["extra $.a"]),
        (r#"{"a":null}"#, r#"{}"#, &["missing $.a"]),
        (r#"{"a":1}"#, r#"{"a":"1"}"#, &["type $.a"]),
        (r#"{"a":null}"#, r#"{"a":false}"#, &["type $.a"]),
        (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, &["order $"]),
        (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":3}"#, &["changed $.a", "order $"]),
        (r#"{"a":1,"b":2}"#, r#"{"b":2}"#, &["missing $.a"]),
        ("[1]", "[1.0]", &["spelling $[0]"]),
        ("[1]", "[1e0]", &["spelling $[0]"]),
        ("[10]", "[1E+1]", &["spelling $[0]"]),
        ("[0]", "[-0.0]", &["spelling $[0]"]),
        ("[0.1]", "[0.1000000000000000055511151231257827]", &["spelling $[0]"]),
        ("[1]", "[1.0000000000000002]", &["changed $[0]"]),
        ("[9007199254740993]", "[9007199254740992]", &["changed $[0]"]),
        ("[123456789012345678901234567890]", "[123456789012345678901234567891]", &["changed $[0]"]),
        ("[1e400]", "[1e401]", &["changed $[0]"]),
        ("[1e400]", "[10e399]", &["spelling $[0]"]),
        (r#"["\u00e9"]"#, r#"["é"]"#, &["spelling $[0]"]),
        (r#"["\ud83d\ude00"]"#, "[\"\u{1f600}\"]", &["spelling $[0]"]),
        (r#"{"a": 1}"#, r#"{"a":1}"#, &["spelling $"]),
        ("[1,2,3]", "[1,9,2,3]", &["extra $[1]"]),
        ("[1,2,3]", "[2,3]", &["missing $[0]"]),
        ("[1,2,3]", "[3,1,2]", &["order $"]),
        (r#"[{"a":1},{"a":2},{"a":3}]"#, r#"[{"a":0},{"a":1},{"a":2},{"a":3}]"#, &["extra $[0]"]),
        (r#"[{"a":1},{"a":2}]"#, r#"[{"a":1},{"a":9}]"#, &["changed $[1].a"]),
        (r#"[{"a":1,"b":2},{"c":3}]"#, r#"[{"b":2,"a":1},{"c":3.0}]"#, &["order $[0]", "spelling $[1].c"]),
        (r#"{"x y":{"":1}}"#, r#"{"x y":{"":2}}"#, &[r#"changed $["x y"][""]"#]),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, &["changed $"]),
        ("[]", "{}", &["type $"]),
        ("{}", "not json", &["type $"]),
        ("one", "two", &["changed $"]),
        ("[NaN]", "[1]", &["type $"]),
        ("", "x", &["changed $"]),
        ("{}", "", &["type $"]),
        ("[01]", "[1]", &["type $"]),
        ("\"a\u{1}\"", "\"a\"", &["type $"]),
    ];
    for (left, right, expected) in cases {
        assert_eq!(found(left, right), *expected, "{left} | {right}");
    }
}

#[test]
fn templates_leave_indexes_open() {
    let body = diff_body(br#"{"pages":[{"markdown":"a"}]}"#, br#"{"pages":[{"markdown":"b"}]}"#, &Limits::default());
    assert_eq!(
        (body.list[0].path.as_str(), body.list[0].template.as_str()),
        ("$.pages[0].markdown", "$.pages[*].markdown")
    );
}

#[test]
fn every_limit_holds_at_its_edge() {
    let limits =
        Limits { depth_max: 4, differences_max: 3, bytes_max: 64, aligned_elements_max: 3, shown_bytes_max: 8 };
    let nested = |depth: usize, leaf: &str| format!("{}{leaf}{}", "[".repeat(depth), "]".repeat(depth));
    let body = |left: &str, right: &str| diff_body(left.as_bytes(), right.as_bytes(), &limits);

    assert_eq!(body(&nested(4, "1"), &nested(4, "2")).list[0].path, "$[0][0][0][0]", "depth at the limit");
    assert_eq!(body(&nested(5, "1"), &nested(5, "2")).list[0].path, "$", "one deeper is compared as bytes");

    assert!(!body("[1,2,3]", "[4,5,6]").truncated, "differences at the limit");
    let more = body("[1,2,3,4]", "[5,6,7,8]");
    assert!(more.truncated && more.list.len() == 3, "one more is told, not listed");

    let sized = |size: usize, end: &str| format!("[\"{}{end}\"]", "x".repeat(size - 5));
    assert_eq!(body(&sized(64, "a"), &sized(64, "b")).list[0].path, "$[0]", "size at the limit");
    let over = &body(&sized(65, "a"), &sized(65, "b")).list[0];
    assert_eq!(
        (over.path.as_str(), over.left.as_ref().map(String::len)),
        ("$", Some(8)),
        "one more is compared as bytes, and shown in part"
    );

    let kinds =
        |left: &str, right: &str| body(left, right).list.iter().map(|difference| difference.kind).collect::<Vec<_>>();
    assert_eq!(kinds("[1,2]", "[9,1,8]"), [Kind::Extra, Kind::Changed], "three elements are aligned");
    assert_eq!(
        kinds("[1,2,3]", "[9,1,2,7]"),
        [Kind::Changed, Kind::Changed, Kind::Changed],
        "four are compared by index"
    );
}

#[test]
fn the_default_depth_costs_no_stack() {
    let limits = Limits::default();
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [limits.depth_max, limits.depth_max + 1, 1_000_000] {
        assert_eq!(diff_body(deep(depth).as_bytes(), b"[[1]]", &limits).list.len(), 1);
    }
}

fn headers(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn response_headers_are_compared_or_asserted() {
    const UUID: &str = "123e4567-e89b-12d3-a456-426614174000";
    const OTHER: &str = "00000000-e89b-12d3-a456-426614174000";
    type Case<'a> = (&'a str, Option<&'a str>, Option<&'a str>, Option<Kind>);
    let cases: &[Case<'_>] = &[
        ("content-type", Some("application/json"), Some("application/json"), None),
        ("Content-Type", Some("application/json"), Some("text/plain"), Some(Kind::Changed)),
        ("x-litellm-model-id", Some("a"), Some("b"), Some(Kind::Changed)),
        ("x-litellm-model-id", Some("a"), None, Some(Kind::Missing)),
        ("x-litellm-model-id", None, Some("a"), Some(Kind::Extra)),
        ("x-litellm-call-id", Some(UUID), Some(OTHER), None),
        ("x-litellm-call-id", Some(UUID), Some("none"), Some(Kind::Type)),
        ("x-litellm-call-id", Some("from-the-client"), Some("from-the-client"), None),
        ("x-litellm-call-id", Some("from-the-client"), Some(UUID), Some(Kind::Changed)),
        ("x-litellm-call-id", Some(UUID), None, Some(Kind::Missing)),
        ("date", Some("Mon, 23 Nov 2026 00:43:11 GMT"), Some("Mon, 23 Nov 2026 00:43:12 GMT"), None),
        ("date", Some("Mon, 23 Nov 2026 00:43:11 GMT"), Some("today"), Some(Kind::Type)),
        ("x-litellm-response-duration-ms", Some("12.5"), Some("0.3"), None),
        ("x-litellm-response-duration-ms", Some("12.5"), Some("fast"), Some(Kind::Type)),
        ("x-litellm-overhead-duration-ms", Some("1.5"), Some("2"), None),
        ("x-litellm-key-spend", Some("0.0"), Some("1e-05"), None),
        ("x-litellm-key-spend", Some("0.0"), Some("None"), Some(Kind::Type)),
        ("x-litellm-response-cost", Some("0.001"), Some("0.002"), Some(Kind::Changed)),
        ("transfer-encoding", Some("chunked"), None, None),
        ("x-crossfade-served-by", None, Some("native"), None),
    ];
    for (name, left, right, expected) in cases {
        let list = |value: &Option<&str>| headers(&value.map(|value| (*name, value)).into_iter().collect::<Vec<_>>());
        let found = diff_headers(&list(left), &list(right), client_response_policy, &Limits::default());
        assert_eq!(found.list.first().map(|difference| difference.kind), *expected, "{name}: {left:?} {right:?}");
    }
}

#[test]
fn request_headers_hide_credentials() {
    let request = |list: &[(&str, &str)], other: &[(&str, &str)]| {
        diff_headers(&headers(list), &headers(other), provider_request_policy, &Limits::default())
    };
    let stolen = request(&[("Authorization", "Bearer one")], &[("authorization", "Bearer two")]);
    assert_eq!(stolen.list[0].kind, Kind::Changed);
    assert!(!format!("{stolen:?}").contains("Bearer"));
    assert!(request(&[("accept", "*/*"), ("user-agent", "litellm/1"), ("host", "a")], &[("host", "b")]).is_empty());
    assert!(request(&[("a", "1"), ("b", "2")], &[("B", "2"), ("A", "1")]).is_empty(), "case and order of names");
    assert_eq!(request(&[("a", "1"), ("a", "2")], &[("a", "2"), ("a", "1")]).list.len(), 1, "order of values");
}

#[test]
fn text_runs_rebuild_both_texts() {
    for (left, right, runs) in [
        ("", "", 0),
        ("same words", "same words", 1),
        ("one two three", "one 2 three", 4),
        ("  lead", "lead", 2),
        ("a\nb", "a\nb\nc", 2),
        ("gr\u{fc}n", "gr\u{fc}n \u{1f600}", 2),
    ] {
        let diff = diff_text(left, right);
        let without =
            |tag| diff.runs.iter().filter(|run| run.tag != tag).map(|run| run.text.as_str()).collect::<String>();
        assert_eq!(
            (without(Tag::Insert).as_str(), without(Tag::Delete).as_str(), diff.runs.len()),
            (left, right, runs),
            "{left} | {right}"
        );
    }
    let words = |count: usize, word: &str| vec![word; count].join(" ");
    let edge = cutover::diff::WORDS_MAX / 2;
    assert!(!diff_text(&words(edge, "a"), &words(edge, "b")).truncated);
    assert!(diff_text(&words(edge + 1, "a"), &words(edge + 1, "b")).truncated);
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c\u{e9}\"\\\\]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("[a-d]", inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn mirrored(kind: Kind) -> Kind {
    match kind {
        Kind::Missing => Kind::Extra,
        Kind::Extra => Kind::Missing,
        other => other,
    }
}

proptest! {
    #[test]
    fn equal_is_equal_and_pretty_is_spelling(value in arbitrary_json()) {
        let (plain, pretty) = (value.to_string(), serde_json::to_string_pretty(&value).unwrap());
        prop_assert!(found(&plain, &plain).is_empty());
        let spelt = found(&plain, &pretty);
        prop_assert!(spelt.is_empty() || spelt == ["spelling $"], "{spelt:?}");
    }

    #[test]
    fn different_is_different_both_ways(left in arbitrary_json(), right in arbitrary_json()) {
        let limits = Limits { differences_max: 10_000, ..Limits::default() };
        let (one, other) = (left.to_string(), right.to_string());
        let there = diff_body(one.as_bytes(), other.as_bytes(), &limits);
        let back = diff_body(other.as_bytes(), one.as_bytes(), &limits);
        prop_assert_eq!(there.is_empty(), one == other);
        let sorted = |kinds: Vec<Kind>| { let mut kinds = kinds; kinds.sort(); kinds };
        let tops = |found: &cutover::diff::Differences| found.list.iter().map(|difference| difference.kind).collect::<Vec<_>>();
        // Alignment may pair equal elements differently there and back; without arrays it is exact.
        if !one.contains('[') && !other.contains('[') {
            prop_assert_eq!(sorted(tops(&there).into_iter().map(mirrored).collect()), sorted(tops(&back)));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(left in prop::collection::vec(any::<u8>(), 0..64), right in "[\\[\\]{}\",:0-9eE.\\\\u -]{0,40}") {
        let limits = Limits::default();
        let found = diff_body(&left, right.as_bytes(), &limits);
        prop_assert_eq!(found.is_empty(), left == right.as_bytes());
        // What the reader takes for JSON is JSON, and the other way round.
        let ours = cutover::diff::parse(&right, 64).is_ok();
        let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&right).is_ok();
        prop_assert_eq!(ours, theirs, "{}", right);
    }
}
