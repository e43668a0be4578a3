//! What is kept of a pair for good holds nothing that a client, or a provider for it, wrote.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cutover::lane::LaneId;
use cutover::rules::{Content, LaneRule};
use cutover::time::{Date, Span};
use cutover::verdict::{Pair, Verdict, judge};
use http::{HeaderMap, Method};

use super::capture::{Capture, Control, Traits};
use super::pair::{HeaderList, Recorded, RecordedCall};
use super::sample;
use crate::budget::Budget;
use crate::native::ClientRequest;
use crate::reports::{NewCause, Redactor, Sample, Store};
use crate::tap::{TapedAnswer, TapedExchange, TapedRequest};

/// A word that every piece of content in here has, and nothing else.
const CONTENT: &str = "falcon";

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn header_list(pairs: &[(&str, &str)]) -> HeaderList {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const PROVIDER_REQUEST: &str = r#"{"model":"m","falcon key":{"falcon.inner":1},"document":{"type":"document_url"}}"#;

fn leg(call: (&str, &str), content_type: &str, answer: &str) -> Recorded {
    let call = RecordedCall {
        method: "POST".to_owned(),
        url: "https://provider.example/v1/ocr?falcon=query".to_owned(),
        headers: header_list(&[("content-type", "application/json"), call, ("accept", "falcon/type")]),
        body: Bytes::from_static(PROVIDER_REQUEST.as_bytes()),
    };
    let answered = [("content-type", content_type), ("x-litellm-model-id", "one"), ("x-litellm-call-id", "falcon")];
    Recorded {
        attempts: vec![call],
        status: 200,
        headers: header_list(&answered),
        body: Bytes::copy_from_slice(answer.as_bytes()),
    }
}

fn exchange() -> TapedExchange {
    let answer = TapedAnswer {
        status: 200,
        headers: headers(&[("content-type", "application/json"), ("x-litellm-odd", "falcon"), ("x-trace", "falcon")]),
        chunks: vec![(Duration::ZERO, Bytes::from_static(br#"{"pages":[],"falcon key":"falcon"}"#))],
        complete: true,
    };
    let request =
        TapedRequest { method: Method::POST, url: String::new(), headers: HeaderMap::new(), body: Bytes::new() };
    TapedExchange {
        deployment_id: "one".to_owned(),
        request,
        answer: Some(answer),
        elapsed: Duration::ZERO,
        ended_unix_ms: 0,
        abandoned: false,
        held: Budget::new(0).empty_share(),
    }
}

/// The legs differ in a header and a member of the client's own naming.
fn sample(content: Option<Content>) -> (Sample, Vec<NewCause>) {
    let control = r#"{"pages":[{"markdown":"falcon","falcon key":{"falcon.inner":1}}],"new":"falcon"}"#;
    let candidate = r#"{"pages":[{"markdown":"a falcon","falcon key":{}}]}"#;
    answered(content, "application/json", [control, candidate])
}

/// The legs stream, and differ in a text, in what a model calls a tool's arguments and in the last event.
fn streamed(content: Option<Content>) -> (Sample, Vec<NewCause>) {
    let stream = |text: &str, input: &str, end: &str| {
        let event = |data: String| format!("event: {}\ndata: {data}\n\n", data.split('"').nth(3).unwrap());
        let delta = |index: u32, kind: &str, text: &str| {
            event(serde_json::json!({"type": "content_block_delta", "index": index, "delta": {"type": format!("{kind}_delta"), if kind == "text" { "text" } else { "partial_json" }: text}}).to_string())
        };
        let opened = |index: u32, block: &str| {
            event(format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#))
        };
        [
            event(
                r#"{"type":"message_start","message":{"id":"m","content":[],"usage":{"output_tokens":1}}}"#.to_owned(),
            ),
            opened(0, r#"{"type":"text","text":""}"#),
            delta(0, "text", text),
            opened(1, r#"{"type":"tool_use","id":"t","input":{}}"#),
            delta(1, "input_json", input),
            end.to_owned(),
        ]
        .concat()
    };
    let control = stream(
        "falcon",
        r#"{"falcon": {"falcon.inner": "falcon"}}"#,
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    let candidate = stream("a falcon", r#"{"falcon": {}}"#, "");
    answered(content, "text/event-stream; charset=utf-8", [&control, &candidate])
}

fn answered(content: Option<Content>, content_type: &str, [left, right]: [&str; 2]) -> (Sample, Vec<NewCause>) {
    let body =
        r#"{"model":"scan","falcon key":{"falcon.inner":1},"document":{"document_url":"https://falcon.example"}}"#;
    let request = ClientRequest {
        route: crate::routes::Route::Ocr,
        method: Method::POST,
        path: "/v1/ocr?falcon=query".to_owned(),
        headers: headers(&[
            ("x-falcon", "falcon"),
            ("user-agent", "falcon"),
            ("content-type", "falcon/type"),
            ("content-length", "9"),
        ]),
        body: Bytes::from_static(body.as_bytes()),
        received: Instant::now(),
        call_id: "falcon".to_owned(),
    };
    let control = leg(("x-falcon-tag", "falcon"), content_type, left);
    let candidate = leg(("x-falcon", "falcon"), content_type, right);
    let lane = LaneId::new("ocr", "mistral", None);
    let rule = LaneRule { content, ..LaneRule::default() };
    let pair = Pair { lane: &lane, control: control.as_leg(), candidate: candidate.as_leg() };
    let judgement = judge(&pair, &rule, Date::from_days(20_000));
    assert_eq!(judgement.verdict, Verdict::Mismatch);
    let capture = Capture {
        lane: lane.clone(),
        request,
        control: Control { status: 200, headers: HeaderMap::new(), body: Bytes::new() },
        exchanges: vec![exchange()],
        traits: Traits::default(),
        held: Budget::new(0).empty_share(),
        at: 1000,
    };
    let redactor = Redactor::new([], [7; 32]);
    sample::of(&capture, &lane, &rule, &control, &candidate, &judgement, &redactor, "build")
}

fn keep_for_an_hour() -> Option<Content> {
    Some(Content { ttl: Span::from_hours(1), max_bytes: 1 << 16 })
}

#[test]
fn nothing_of_a_clients_own_is_kept_for_good() {
    for content in [None, keep_for_an_hour()] {
        let (sample, causes) = sample(content.clone());
        assert!(!causes.is_empty());
        let kept = format!("{} {:?} {causes:?}", sample.document, sample.head);
        assert!(!kept.to_lowercase().contains(CONTENT), "{kept}");
        // What LiteLLM and the provider call things stays legible, and so does what tells requests apart.
        for structure in [
            "\"document_url\"",
            "$.new",
            "$.pages[*].markdown",
            "\"content-length\",\"9\"",
            "\"one\"",
            "user-agent",
            "/v1/ocr?12 bytes",
        ] {
            assert!(kept.contains(structure), "{structure} is not in {kept}");
        }
        assert_eq!(sample.content.is_some(), content.is_some());
    }
}

#[test]
fn of_a_stream_its_message_and_its_events_are_kept_as_structure() {
    for content in [None, keep_for_an_hour()] {
        let (sample, causes) = streamed(content);
        let kept = format!("{} {:?} {causes:?}", sample.document, sample.head);
        assert!(!kept.to_lowercase().contains(CONTENT), "{kept}");
        for structure in [
            "$.message.content[*].text",
            "\"partial_json\"",
            "$.events[*].data.delta.text",
            "\"event\":\"message_stop\"",
            "\"streams\":true",
        ] {
            assert!(kept.contains(structure), "{structure} is not in {kept}");
        }
    }
    let (sample, _) = streamed(keep_for_an_hour());
    let (content, _) = sample.content.unwrap();
    assert_eq!(content["control"]["message"]["content"][0]["text"], "falcon");
    assert_eq!(content["control"]["message"]["content"][1]["input"]["falcon"]["falcon.inner"], "falcon");
    assert_eq!(content["control"]["events"][5]["event"], "message_stop");
    assert!(content["candidate"]["frames"].as_str().unwrap().starts_with("event: message_start\n"));
    assert!(content["text_diff"].to_string().contains("falcon"), "{}", content["text_diff"]);
}

#[test]
fn content_is_whole_until_its_time_is_over_and_then_gone() {
    let (sample, causes) = sample(keep_for_an_hour());
    let (content, until) = sample.content.clone().unwrap();
    assert_eq!(until, 1000 + 3600);
    let text = content.to_string();
    for whole in [
        "/v1/ocr?falcon=query",
        "https://provider.example/v1/ocr?falcon=query",
        r#"["x-falcon","falcon"]"#,
        r#"["x-trace","falcon"]"#,
        r#"$.pages[0][\"falcon key\"]"#,
        r#""right":"a falcon""#,
        "https://falcon.example",
    ] {
        assert!(text.contains(whole), "{whole} is not in {text}");
    }
    let store = Store::in_memory([7; 32]).unwrap();
    store.add_sample(&sample, &causes).unwrap();
    store.expire(until).unwrap();
    let left = format!("{:?} {:?}", store.sample(&sample.head.id).unwrap().unwrap(), store.causes(None).unwrap());
    assert!(!left.contains(CONTENT), "{left}");
}

#[test]
fn one_invented_name_is_one_cause_and_names_it_by_a_hash() {
    let ids = |causes: Vec<NewCause>| causes.into_iter().map(|cause| cause.id).collect::<Vec<_>>();
    let (first, again) = (ids(sample(None).1), ids(sample(None).1));
    assert_eq!(first, again);
    let (_, causes) = sample(None);
    let hashed = causes.iter().filter(|cause| cause.path.contains('#')).count();
    assert!(hashed >= 2 && causes.iter().all(|cause| cause.text.starts_with(&cause.path)), "{causes:?}");
}
