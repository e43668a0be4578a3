//! Streams: which layer differs, one case a line, and that cutting bytes elsewhere changes nothing.

use cutover::{
    diff::{Layer, Limits, StreamEnd, diff_stream, events, fold},
    noise::Format,
};
use proptest::prelude::*;

const MADE_UP: &[(&str, Format)] = &[("id", Format::Id("chatcmpl-")), ("created", Format::UnixSeconds)];

/// Differences as `kind path`.
fn found(left: &str, right: &str) -> Vec<String> {
    let found = diff_stream(left.as_bytes(), right.as_bytes(), MADE_UP, &Limits::default());
    assert!(!found.truncated);
    found.list.iter().map(|difference| format!("{} {}", difference.kind.as_str(), difference.path)).collect()
}

const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n";
const TEXT: &str = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
const TOOL: &str = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"input\":{}}}\n\n";

fn said(text: &str) -> String {
    format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
    )
}

fn spelt(json: &str) -> String {
    format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"input_json_delta\",\"partial_json\":{}}}}}\n\n",
        serde_json::json!(json)
    )
}

fn chat(delta: &str) -> String {
    format!(
        "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n"
    )
}

#[test]
fn the_highest_layer_that_differs_is_named() {
    let stream =
        |pieces: &[&str]| format!("{START}{TEXT}{}", pieces.iter().map(|piece| said(piece)).collect::<String>());
    let cases: &[(String, String, &[&str])] = &[
        (stream(&["ab"]), stream(&["ab"]), &[]),
        (stream(&["ab"]), stream(&["ab"]).replace("event: ", "event:"), &["spelling $.frames"]),
        (stream(&["ab"]), stream(&["ab"]).replace('\n', "\r\n"), &["spelling $.frames"]),
        (stream(&["ab"]), format!(": ping\n\n{}", stream(&["ab"])), &["spelling $.frames"]),
        (
            stream(&["ab"]),
            stream(&["ac"]),
            &["changed $.message.content[0].text", "changed $.events[2].data.delta.text"],
        ),
        (stream(&["ab"]), stream(&["a", "b"]), &["changed $.events[2].data.delta.text", "extra $.events[3]"]),
        (
            stream(&["ab"]),
            stream(&["ab"]).replace("content_block_delta\nd", "delta\nd"),
            &["changed $.events[2].event"],
        ),
        (stream(&["ab"]), stream(&["ab"]).replace("\"id\":\"m\"", "\"id\": \"m\""), &["spelling $.frames"]),
        (
            format!("{START}{TOOL}{}{}", spelt("{\"a\":"), spelt("1}")),
            format!("{START}{TOOL}{}", spelt("{\"a\": 1}")),
            &["changed $.events[2].data.delta.partial_json", "missing $.events[3]"],
        ),
        (
            chat("{\"role\":\"assistant\",\"content\":\"a\"}") + &chat("{\"content\":\"b\"}") + "data: [DONE]\n\n",
            chat("{\"role\":\"assistant\",\"content\":\"a\"}") + &chat("{\"content\":\"b\"}"),
            &["missing $.events[2]"],
        ),
        ("data: one\n\n".to_owned(), "data: two\n\n".to_owned(), &["changed $.events[0].data"]),
        ("data: one\n\n".to_owned(), "data: one\n".to_owned(), &["extra $.events[0].cut"]),
    ];
    for (left, right, expected) in cases {
        assert_eq!(found(left, right), *expected, "{left}\n|\n{right}");
    }
}

/// A stream of this id and time, of as many chunks as there are texts.
fn made_up(id: &str, created: &str, texts: &[&str]) -> String {
    let chunk = |text: &&str| {
        format!(
            "data: {{\"id\":{id},\"created\":{created},\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
        )
    };
    texts.iter().map(chunk).collect()
}

#[test]
fn what_a_run_makes_up_is_one_difference_however_often_it_stands_there() {
    let (one, other) = ("\"chatcmpl-aaaaaa\"", "\"chatcmpl-bbbbbb\"");
    let (now, later) = ("1795465368", "1795465369");
    let id: &[&str] = &["changed $.message.id", "changed $.events[0].data.id"];
    let created: &[&str] = &["changed $.message.created", "changed $.events[0].data.created"];
    let many = ["x"; 400];
    let long = |letter: &str| format!("\"chatcmpl-{}\"", letter.repeat(300));
    let cases: &[(String, String, &[&str])] = &[
        (made_up(one, now, &many), made_up(other, now, &many), id),
        (made_up(one, now, &many), made_up(one, later, &many), created),
        (
            made_up(one, now, &many),
            made_up(other, later, &many),
            &[
                "changed $.message.id",
                "changed $.message.created",
                "changed $.events[0].data.id",
                "changed $.events[0].data.created",
            ],
        ),
        // A chunk too many is found where it is.
        (
            made_up(one, now, &["a", "c"]),
            made_up(other, now, &["a", "b", "c"]),
            &[
                "changed $.message.id",
                "changed $.message.choices[0].message.content",
                "changed $.events[0].data.id",
                "extra $.events[1]",
            ],
        ),
        // A provider that gives no ids: each chunk has its own, made up.
        (
            made_up(one, now, &["a"]) + &made_up("\"chatcmpl-cccccc\"", now, &["b"]),
            made_up(other, now, &["a"]) + &made_up("\"chatcmpl-dddddd\"", now, &["b"]),
            id,
        ),
        // Without the format, with a second id, or too long, each place counts.
        (
            made_up(&long("a"), now, &["a", "b"]),
            made_up(&long("b"), now, &["a", "b"]),
            &["changed $.message.id", "changed $.events[0].data.id", "changed $.events[1].data.id"],
        ),
        (
            made_up(one, now, &["a", "b"]),
            made_up("\"b\"", now, &["a", "b"]),
            &["changed $.message.id", "changed $.events[0].data.id", "changed $.events[1].data.id"],
        ),
        (
            made_up(one, now, &["a", "b"]),
            made_up(other, now, &["a"]) + &made_up("\"chatcmpl-cccccc\"", now, &["b"]),
            &["changed $.message.id", "changed $.events[0].data.id", "changed $.events[1].data.id"],
        ),
        // What the provider said stays, beside what was made up.
        (
            made_up("\"p\"", now, &["a"]) + &made_up(one, now, &["b"]),
            made_up("\"p\"", now, &["a"]) + &made_up(other, now, &["b"]),
            &["changed $.message.id", "changed $.events[1].data.id"],
        ),
        (made_up("null", now, &["a"]), made_up(one, now, &["a"]), &["type $.message.id", "type $.events[0].data.id"]),
    ];
    for (left, right, expected) in cases {
        assert_eq!(found(left, right), *expected, "{left}\n|\n{right}");
    }
}

#[test]
fn a_difference_shows_what_the_candidate_said() {
    let (a, b, p) = ("\"chatcmpl-aaaaaa\"", "\"chatcmpl-bbbbbb\"", "\"chatcmpl-pppppp\"");
    let shown = |left: &str, right: &str| {
        let found = diff_stream(left.as_bytes(), right.as_bytes(), MADE_UP, &Limits::default());
        found.list.into_iter().map(|difference| difference.right.unwrap_or_default()).collect::<Vec<_>>()
    };
    let stream = |ids: [&str; 3]| ids.map(|id| made_up(id, "1795465368", &["x"])).concat();
    assert_eq!(shown(&stream([a, p, p]), &stream([b, b, p])), ["chatcmpl-bbbbbb", "chatcmpl-bbbbbb"]);
    let extra = shown(&made_up(a, "1795465368", &["x"]), &made_up(b, "1795465368", &["x", "y"]));
    assert!(extra[3].contains(b) && !extra[3].contains(a), "{extra:?}");
}

#[test]
fn a_chat_stream_folds_into_its_message() {
    let text = chat("{\"role\":\"assistant\",\"content\":\"a\"}")
        + &chat(
            "{\"content\":\"b\",\"tool_calls\":[{\"index\":1,\"id\":\"t\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}",
        )
        + &chat("{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"}\"}}]}")
        + "data: [DONE]\n\n";
    let message = fold(&events(&text)).unwrap();
    let expected = serde_json::json!({
        "id": "c", "object": "chat.completion.chunk",
        "choices": [{"index": 0, "message": {
            "role": "assistant", "content": "ab",
            "tool_calls": [null, {"index": 1, "id": "t", "function": {"name": "f", "arguments": "{}"}}],
        }}],
    });
    assert_eq!(message, expected);
}

#[test]
fn events_are_read_as_the_standard_reads_them() {
    let read = |text| {
        let found = events(text);
        found
            .into_iter()
            .map(|event| format!("{}|{}|{}", event.name, event.data.unwrap_or_default(), event.end == StreamEnd::Whole))
            .collect::<Vec<_>>()
    };
    let cases: &[(&str, &[&str])] = &[
        ("", &[]),
        ("\n\n\n", &[]),
        (": only a comment\n\n", &[]),
        ("data\n\n", &["||true"]),
        ("data: a\rdata: b\r\r", &["|a\nb|true"]),
        ("\u{feff}event: e\r\ndata:  a\r\n\r\n", &["e| a|true"]),
        ("data: a\n\ndata: b", &["|a|true", "|b|false"]),
        ("unknown: x\n\n", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(read(*text), *expected, "{text:?}");
    }
}

#[test]
fn a_path_tells_its_layer() {
    for (path, layer) in [
        ("$.message.content[0].text", Some(Layer::Message)),
        ("$.events[2].data", Some(Layer::Events)),
        ("$.frames", Some(Layer::Frames)),
        ("$.messages", None),
        ("$.usage", None),
    ] {
        assert_eq!(Layer::of(path), layer, "{path}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_compared_without_harm(left: Vec<u8>, right: Vec<u8>) {
        let found = diff_stream(&left, &right, MADE_UP, &Limits::default());
        prop_assert_eq!(found.is_empty(), left == right);
    }

    /// Few ids and times, in all spellings, so that they meet: what differs is found both ways, and shown as it was said.
    #[test]
    fn made_up_values_never_hide_a_stream(
        lefts in prop::collection::vec((0_usize..8, 0_usize..4, 0_usize..2), 0..6),
        rights in prop::collection::vec((0_usize..8, 0_usize..4, 0_usize..2), 0..6),
    ) {
        const IDS: [&str; 8] = [
            "\"chatcmpl-aaaaaa\"", "\"chatcmpl-bbbbbb\"", "\"chatcmpl-cccccc\"", "\"chatcmpl-aaaaa\\u0061\"",
            "\"x\"", "null", "1795465368", "\"chatcmpl-aaaaaa\",\"id\":\"chatcmpl-bbbbbb\"",
        ];
        const TIMES: [&str; 4] = ["1795465368", "1795465369", "1795465369.0", "null"];
        let stream = |events: &[(usize, usize, usize)]| -> String {
            events.iter().map(|(id, time, text)| made_up(IDS[*id], TIMES[*time], &[["x", "y"][*text]])).collect()
        };
        let (left, right) = (stream(&lefts), stream(&rights));
        let there = diff_stream(left.as_bytes(), right.as_bytes(), MADE_UP, &Limits::default());
        let back = diff_stream(right.as_bytes(), left.as_bytes(), MADE_UP, &Limits::default());
        prop_assert_eq!(there.is_empty(), left == right);
        prop_assert_eq!(back.is_empty(), left == right);
        for difference in there.list.iter().filter(|difference| difference.template.ends_with("data.id")) {
            let said = difference.right.as_deref().unwrap_or_default();
            prop_assert!(right.contains(said) || said == "chatcmpl-aaaaaa", "{} in {}", said, right);
        }
    }

    #[test]
    fn a_stream_equals_itself_however_its_message_is_cut(cuts in prop::collection::vec(1_usize..5, 0..12)) {
        let text = "Grüße aus der Ferne";
        let mut pieces = Vec::new();
        let mut characters = text.chars().peekable();
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let piece: String = characters.by_ref().take(cut).collect();
            pieces.push(said(&piece));
        }
        let stream = format!("{START}{TEXT}{}", pieces.concat());
        let whole = format!("{START}{TEXT}{}", said(text));
        prop_assert_eq!(fold(&events(&stream)), fold(&events(&whole)));
    }
}
