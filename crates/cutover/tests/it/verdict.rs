//! Verdicts: pairs that match, are excused or differ, and how bad it is.

use cutover::{
    lane::LaneId,
    rules::{LaneRule, RuleFile, Side},
    verdict::{Answered, Judgement, LegRecord, Outcome, Pair, ProviderCall, Severity, SkipReason, Verdict, judge},
};
use serde_json::json;

type Headers = Vec<(String, String)>;

/// One leg in words that a case can change.
#[derive(Clone)]
struct Leg {
    calls: Vec<(&'static str, String, Headers, String)>,
    status: u16,
    headers: Headers,
    body: String,
}

fn pair_of(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn leg() -> Leg {
    let headers = vec![pair_of("authorization", "k1"), pair_of("content-type", "application/json")];
    Leg {
        calls: vec![(
            "POST",
            "https://api.mistral.ai/v1/ocr".to_owned(),
            headers,
            r#"{"model":"m","pages":[0]}"#.to_owned(),
        )],
        status: 200,
        headers: vec![pair_of("content-type", "application/json"), pair_of("x-litellm-response-cost", "0.001")],
        body: r#"{"pages":[{"markdown":"a"}],"usage_info":{"pages_processed":1}}"#.to_owned(),
    }
}

impl Leg {
    fn record(&self) -> LegRecord<'_> {
        let attempts = self
            .calls
            .iter()
            .map(|(method, url, headers, body)| ProviderCall { method, url, headers, body: body.as_bytes() })
            .collect();
        LegRecord {
            attempts,
            answer: Answered { status: self.status, headers: &self.headers, body: self.body.as_bytes() },
        }
    }
}

fn judge_on(lane: &str, control: &Leg, candidate: &Leg, rule: &LaneRule) -> Judgement {
    let lane: LaneId = lane.parse().unwrap();
    judge(
        &Pair { lane: &lane, control: control.record(), candidate: candidate.record() },
        rule,
        "2026-11-23".parse().unwrap(),
    )
}

fn changed(base: &Leg, change: impl FnOnce(&mut Leg)) -> Leg {
    let mut leg = base.clone();
    change(&mut leg);
    leg
}

#[test]
fn what_differs_decides_how_bad_it_is() {
    let base = leg();
    let with_body = |body: &str| changed(&base, |leg| leg.body = body.to_owned());
    let cases: Vec<(&str, Leg, &str, Option<Severity>)> = vec![
        ("nothing", base.clone(), "match", None),
        ("status", changed(&base, |leg| leg.status = 201), "mismatch", Some(Severity::Severe)),
        (
            "content",
            with_body(r#"{"pages":[{"markdown":"b"}],"usage_info":{"pages_processed":1}}"#),
            "mismatch",
            Some(Severity::High),
        ),
        (
            "usage",
            with_body(r#"{"pages":[{"markdown":"a"}],"usage_info":{"pages_processed":2}}"#),
            "mismatch",
            Some(Severity::Medium),
        ),
        (
            "key order",
            with_body(r#"{"usage_info":{"pages_processed":1},"pages":[{"markdown":"a"}]}"#),
            "match",
            Some(Severity::Low),
        ),
        (
            "number spelling",
            with_body(r#"{"pages":[{"markdown":"a"}],"usage_info":{"pages_processed":1.0}}"#),
            "match",
            Some(Severity::Low),
        ),
        ("cost header", changed(&base, |leg| leg.headers[1].1 = "0.002".into()), "mismatch", Some(Severity::Medium)),
        ("content type", changed(&base, |leg| leg.headers[0].1 = "text/html".into()), "mismatch", Some(Severity::High)),
        ("method", changed(&base, |leg| leg.calls[0].0 = "PUT"), "mismatch", Some(Severity::Severe)),
        ("url", changed(&base, |leg| leg.calls[0].1.push('/')), "mismatch", Some(Severity::Severe)),
        ("credential", changed(&base, |leg| leg.calls[0].2[0].1 = "k2".into()), "mismatch", Some(Severity::Severe)),
        ("no credential", changed(&base, |leg| drop(leg.calls[0].2.remove(0))), "mismatch", Some(Severity::Severe)),
        (
            "request body",
            changed(&base, |leg| leg.calls[0].3 = r#"{"model":"m"}"#.into()),
            "mismatch",
            Some(Severity::High),
        ),
        ("no attempt", changed(&base, |leg| leg.calls.clear()), "mismatch", Some(Severity::Severe)),
        (
            "second attempt",
            changed(&base, |leg| leg.calls.push(leg.calls[0].clone())),
            "mismatch",
            Some(Severity::Severe),
        ),
    ];
    for (name, candidate, verdict, severity) in cases {
        let judged = judge_on("ocr:mistral", &base, &candidate, &LaneRule::default());
        assert_eq!(
            (judged.verdict.as_str(), judged.causes.first().map(|cause| cause.severity)),
            (verdict, severity),
            "{name}: {judged:?}"
        );
    }
}

#[test]
fn leaks_of_python_are_tolerated_and_nothing_beside_them() {
    let error = |status: u16, kind: &str, message: &str| {
        changed(&leg(), |leg| {
            leg.status = status;
            leg.body = json!({"error": {"message": message, "type": kind, "code": status.to_string()}}).to_string();
        })
    };
    let control = error(
        500,
        "None",
        "litellm.APIConnectionError: boom\nTraceback (most recent call last):\n  File \"x.py\", line 1",
    );
    for (name, candidate, verdict) in [
        ("first line kept", error(500, "None", "litellm.APIConnectionError: boom"), "tolerated"),
        ("first line changed", error(500, "None", "litellm.APIConnectionError: bang"), "mismatch"),
        ("type changed", error(500, "server_error", "litellm.APIConnectionError: boom"), "mismatch"),
        ("status changed", error(503, "None", "litellm.APIConnectionError: boom"), "mismatch"),
    ] {
        assert_eq!(
            judge_on("ocr:mistral", &control, &candidate, &LaneRule::default()).verdict.as_str(),
            verdict,
            "{name}"
        );
    }
    let fine = |message: &str| changed(&leg(), |leg| leg.body = json!({"error": {"message": message}}).to_string());
    let judged = judge_on("ocr:mistral", &fine("at 0x7f3a12bc"), &fine("at 0x7f3a12bd"), &LaneRule::default());
    assert_eq!(judged.verdict, Verdict::Mismatch, "a 200 is no error");
}

#[test]
fn generated_ids_are_noise_while_they_keep_format_and_map_one_to_one() {
    let chat = |id: &str, created: serde_json::Value, calls: &[&str]| {
        let calls: Vec<_> = calls.iter().map(|id| json!({"id": id, "type": "function"})).collect();
        changed(&leg(), |leg| {
            leg.body =
                json!({"id": id, "created": created, "choices": [{"message": {"tool_calls": calls}}], "echo": id})
                    .to_string()
        })
    };
    let now = || json!(1_795_392_191);
    let control = chat("chatcmpl-aaaaaa", now(), &["call_aaaaaa", "call_bbbbbb"]);
    for (name, candidate, verdict) in [
        ("other ids", chat("chatcmpl-cccccc", json!(1_795_392_199), &["call_xxxxxx", "call_yyyyyy"]), "match"),
        ("broken format", chat("cccccc", now(), &["call_xxxxxx", "call_yyyyyy"]), "mismatch"),
        (
            "a time of another type",
            chat("chatcmpl-cccccc", json!("1795392191"), &["call_xxxxxx", "call_yyyyyy"]),
            "mismatch",
        ),
        (
            "a time in milliseconds",
            chat("chatcmpl-cccccc", json!(1_795_392_191_000_u64), &["call_xxxxxx", "call_yyyyyy"]),
            "mismatch",
        ),
        ("two ids became one", chat("chatcmpl-cccccc", now(), &["call_xxxxxx", "call_xxxxxx"]), "mismatch"),
    ] {
        let judged = judge_on("chat_completions:openai", &control, &candidate, &LaneRule::default());
        assert_eq!(judged.verdict.as_str(), verdict, "{name}: {:?}", judged.differences);
    }
    let judged = judge_on(
        "ocr:mistral",
        &control,
        &chat("chatcmpl-cccccc", now(), &["call_aaaaaa", "call_bbbbbb"]),
        &LaneRule::default(),
    );
    assert_eq!(judged.verdict, Verdict::Mismatch, "OCR answers have no noisy field");
}

#[test]
fn an_id_that_both_legs_say_is_no_others_counterpart() {
    let (a, b, p) = ("chatcmpl-aaaaaa", "chatcmpl-bbbbbb", "chatcmpl-pppppp");
    let stream = |ids: [&str; 3]| {
        changed(&leg(), |leg| {
            leg.headers = vec![("content-type".into(), "text/event-stream".into())];
            let chunk = |id: &str| json!({"id": id, "object": "chat.completion.chunk", "choices": []});
            leg.body = ids.map(|id| format!("data: {}\n\n", chunk(id))).concat();
        })
    };
    let whole = |ids: [&str; 3]| {
        let calls = ids.map(|id| json!({"id": id, "type": "function"}));
        changed(&leg(), |leg| leg.body = json!({"choices": [{"message": {"tool_calls": calls}}]}).to_string())
    };
    for (control, candidate, verdict) in [
        ([a, p, p], [b, p, p], "match"),
        ([a, p, p], [b, b, p], "mismatch"),
        ([p, p, p], [p, b, p], "mismatch"),
        ([a, b, p], [b, a, p], "mismatch"),
    ] {
        for (control, candidate) in [(stream(control), stream(candidate)), (whole(control), whole(candidate))] {
            let judged = judge_on("chat_completions:openai", &control, &candidate, &LaneRule::default());
            assert_eq!(judged.verdict.as_str(), verdict, "{}\n{}", control.body, candidate.body);
        }
    }
}

#[test]
fn a_header_that_comes_by_chance_may_stay_away_and_not_come_alone() {
    let telling = |value: Option<&str>| {
        changed(&leg(), |leg| {
            let header = value.map(|value| ("x-litellm-response-cost-reasoning".to_owned(), value.to_owned()));
            leg.headers.extend(header);
        })
    };
    let counted = |leg: Leg| {
        changed(&leg, |leg| leg.body = json!({"usage": {"output_tokens_details": {"thinking_tokens": 9}}}).to_string())
    };
    let judged = judge_on(
        "messages:anthropic",
        &counted(telling(Some("0.00243"))),
        &counted(telling(None)),
        &LaneRule::default(),
    );
    assert_eq!(judged.verdict, Verdict::Mismatch, "what the provider counted is always told");
    for (lane, control, candidate, verdict) in [
        ("messages:anthropic", Some("0.00243"), None, "match"),
        ("messages:anthropic", None, Some("0.00243"), "mismatch"),
        ("messages:anthropic", Some("0.00243"), Some("0.00244"), "mismatch"),
        ("messages:anthropic", Some("much"), None, "mismatch"),
        ("chat_completions:anthropic", Some("0.00243"), None, "mismatch"),
    ] {
        let judged = judge_on(lane, &telling(control), &telling(candidate), &LaneRule::default());
        assert_eq!(judged.verdict.as_str(), verdict, "{lane} {control:?} {candidate:?}: {:?}", judged.differences);
    }
}

#[test]
fn a_long_stream_with_an_id_and_a_time_of_its_own_is_a_match() {
    let stream = |id: &str, created: u64, events: usize| {
        changed(&leg(), |leg| {
            leg.headers = vec![("content-type".into(), "text/event-stream".into())];
            let chunk = json!({"id": id, "created": created, "object": "chat.completion.chunk", "choices": []});
            leg.body = format!("data: {chunk}\n\n").repeat(events);
        })
    };
    for (name, events, candidate, verdict) in [
        ("made up", 5000, stream("chatcmpl-bbbbbb", 1_795_392_192, 5000), "match"),
        ("an id in another format", 3, stream("bbbbbb", 1_795_392_191, 3), "mismatch"),
        ("a time in milliseconds", 3, stream("chatcmpl-bbbbbb", 1_795_392_191_000, 3), "mismatch"),
        ("a chunk less", 5000, stream("chatcmpl-bbbbbb", 1_795_392_192, 4999), "mismatch"),
    ] {
        let control = stream("chatcmpl-aaaaaa", 1_795_392_191, events);
        let judged = judge_on("chat_completions:anthropic", &control, &candidate, &LaneRule::default());
        assert_eq!(judged.verdict.as_str(), verdict, "{name}: {:?}", judged.differences);
    }
}

#[test]
fn rules_excuse_what_they_name_until_they_end() {
    let tolerating = |expires: &str| {
        let file: RuleFile = serde_json::from_value(json!({"route": "ocr", "tolerate": [
            {"path": "$.pages[*].markdown", "side": "client_response", "owner": "a", "reason": "b", "expires": expires}]}))
        .unwrap();
        LaneRule { tolerate: file.tolerate, ..LaneRule::default() }
    };
    let candidate = changed(&leg(), |leg| leg.body = leg.body.replace("\"a\"", "\"b\""));
    let verdict = |rule: &LaneRule, candidate: &Leg| judge_on("ocr:mistral", &leg(), candidate, rule).verdict.as_str();
    assert_eq!(verdict(&tolerating("2026-11-23"), &candidate), "tolerated");
    assert_eq!(verdict(&tolerating("2026-11-22"), &candidate), "mismatch");
    let worse = changed(&candidate, |leg| leg.status = 500);
    assert_eq!(verdict(&tolerating("2026-11-23"), &worse), "mismatch");
}

#[test]
fn one_cause_has_one_identity() {
    let pages = |texts: [&str; 3]| {
        changed(&leg(), |leg| leg.body = json!({"pages": texts.map(|text| json!({"markdown": text}))}).to_string())
    };
    let control = pages(["a", "b", "c"]);
    let judged = judge_on("ocr:mistral", &control, &pages(["x", "y", "z"]), &LaneRule::default());
    assert_eq!((judged.differences.len(), judged.causes.len()), (3, 1));
    let again = judge_on("ocr:mistral", &control, &pages(["a", "b", "other"]), &LaneRule::default());
    assert_eq!(judged.causes[0].id, again.causes[0].id);
    let elsewhere = judge_on("ocr:azure", &control, &pages(["a", "b", "other"]), &LaneRule::default());
    assert_ne!(judged.causes[0].id, elsewhere.causes[0].id, "another lane, another cause");
    assert_eq!(judged.causes[0].text, "$.pages[*].markdown of the client response has another value (2xx answers)");
    assert!(!serde_json::to_string(&judged.causes).unwrap().contains("\"x\""), "no content in a cause");
}

#[test]
fn too_many_differences_are_a_mismatch_even_if_each_is_low() {
    let numbers = |count: usize, spelling: &str| {
        changed(&leg(), |leg| leg.body = format!("[{}]", vec![spelling; count].join(",")))
    };
    for (count, verdict, truncated) in [(200, "match", false), (201, "mismatch", true)] {
        let judged = judge_on("ocr:mistral", &numbers(count, "1"), &numbers(count, "1.0"), &LaneRule::default());
        assert_eq!((judged.verdict.as_str(), judged.truncated), (verdict, truncated), "{count}");
    }
}

#[test]
fn values_are_shortened_after_they_were_judged() {
    let long = |end: &str| {
        changed(&leg(), |leg| {
            leg.body = json!({"pages": [{"markdown": format!("{}{end}", "\u{fc}".repeat(5000))}]}).to_string()
        })
    };
    let judged = judge_on("ocr:mistral", &long("a"), &long("b"), &LaneRule::default());
    let shown = judged.differences[0].left.as_ref().unwrap();
    assert!(shown.len() <= 512 + '\u{2026}'.len_utf8() && shown.ends_with('\u{2026}'));
    assert_eq!(judged.differences[0].clone().without_content().left, None);
}

#[test]
fn skip_reasons_are_closed_and_labelled() {
    let benign: Vec<&str> =
        SkipReason::ALL.iter().filter(|reason| reason.benign()).map(|reason| reason.as_str()).collect();
    assert_eq!(benign, ["not_sampled", "served_natively", "no_provider_exchange"]);
    for reason in SkipReason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        let outcome = Outcome::Skipped(*reason);
        assert_eq!(serde_json::from_str::<Outcome>(&serde_json::to_string(&outcome).unwrap()).unwrap(), outcome);
    }
    assert_eq!(Side::ProviderRequest.as_str(), "provider_request");
}

/// Two answers of LiteLLM 1.102.4 to one OCR request, as they came, the provider's URL aside.
#[test]
fn two_real_answers_of_one_litellm_match() {
    let first = [
        ("Date", "Mon, 23 Nov 2026 01:36:40 GMT"),
        ("Content-Length", "310"),
        ("Content-Type", "application/json"),
        ("x-litellm-call-id", "6c41fbf4-351d-4da1-81e4-a6e8bb80bf01"),
        ("x-litellm-model-id", "c40c3f7301aa0d4ca12d018762269fb492f877458576e7133e380957770a358a"),
        ("x-litellm-model-name", "mistral/mistral-ocr-latest"),
        ("x-litellm-model-api-base", "https://api.mistral.ai/v1"),
        ("x-litellm-version", "1.102.4"),
        ("x-litellm-response-cost", "0.001"),
        ("x-litellm-response-cost-original", "0.001"),
        ("x-litellm-response-cost-discount-amount", "0.0"),
        ("x-litellm-response-cost-margin-amount", "0.0"),
        ("x-litellm-response-cost-margin-percent", "0.0"),
        ("x-litellm-response-cost-input", "0.001"),
        ("x-litellm-response-cost-output", "0.0"),
        ("x-litellm-response-cost-tool-usage", "0.0"),
        ("x-litellm-key-spend", "0.001"),
        ("x-litellm-response-duration-ms", "13.743"),
        ("x-litellm-callback-duration-ms", "0.0"),
        ("x-litellm-model-group", "ocr"),
        ("x-litellm-attempted-retries", "0"),
        ("x-litellm-attempted-fallbacks", "0"),
        ("Content-Security-Policy", "frame-ancestors 'none'"),
    ];
    let second = [
        ("Date", "Mon, 23 Nov 2026 01:36:41 GMT"),
        ("Content-Length", "310"),
        ("Content-Type", "application/json"),
        ("x-litellm-call-id", "588a931b-42a5-4a61-b684-e40e54fd5e8f"),
        ("x-litellm-model-id", "c40c3f7301aa0d4ca12d018762269fb492f877458576e7133e380957770a358a"),
        ("x-litellm-model-name", "mistral/mistral-ocr-latest"),
        ("x-litellm-model-api-base", "https://api.mistral.ai/v1"),
        ("x-litellm-version", "1.102.4"),
        ("x-litellm-response-cost", "0.001"),
        ("x-litellm-response-cost-original", "0.001"),
        ("x-litellm-response-cost-discount-amount", "0.0"),
        ("x-litellm-response-cost-margin-amount", "0.0"),
        ("x-litellm-response-cost-margin-percent", "0.0"),
        ("x-litellm-response-cost-input", "0.001"),
        ("x-litellm-response-cost-output", "0.0"),
        ("x-litellm-response-cost-tool-usage", "0.0"),
        ("x-litellm-key-spend", "0.001"),
        ("x-litellm-response-duration-ms", "3.159"),
        ("x-litellm-callback-duration-ms", "0.0"),
        ("x-litellm-model-group", "ocr"),
        ("x-litellm-attempted-retries", "0"),
        ("x-litellm-attempted-fallbacks", "0"),
        ("Content-Security-Policy", "frame-ancestors 'none'"),
    ];
    let body = r##"{"pages":[{"index":0,"markdown":"# hi","images":[],"dimensions":{"dpi":200,"height":10,"width":5}}],"model":"ocr","document_annotation":null,"usage_info":{"pages_processed":1,"pages_processed_annotation":null,"credits":null,"doc_size_bytes":10},"content":null,"tables":null,"keyValuePairs":null,"object":"ocr"}"##;
    let answer = |headers: &[(&str, &str)]| {
        changed(&leg(), |leg| {
            leg.headers = headers.iter().map(|(name, value)| pair_of(name, value)).collect();
            leg.body = body.to_owned();
        })
    };
    let judged = judge_on("ocr:mistral", &answer(&first), &answer(&second), &LaneRule::default());
    assert_eq!((judged.verdict, judged.differences), (Verdict::Match, vec![]));

    // Each column shows what its own leg states; the candidate's body is beside it, for the lengths may be equal.
    let whole = format!("{} with a body of", body.len());
    for (stated, cut, shown) in
        [("311", 0, format!("311 with a body of {}", body.len())), ("310", 1, format!("{whole} {}", body.len() - 1))]
    {
        let lying = changed(&answer(&second), |leg| {
            leg.headers[1].1 = stated.to_owned();
            leg.body.truncate(body.len() - cut);
        });
        let judged = judge_on("ocr:mistral", &answer(&first), &lying, &LaneRule::default());
        let lengths = judged.differences.iter().find(|difference| difference.path == "headers.content-length");
        let lengths = lengths.expect("a length must be true");
        let stated_by_control = body.len().to_string();
        assert_eq!((lengths.left.as_ref(), lengths.right.as_ref()), (Some(&stated_by_control), Some(&shown)));
    }
}

#[test]
fn a_stream_is_judged_by_what_a_client_notices() {
    let stream = |body: &str| {
        changed(&leg(), |leg| {
            leg.headers[0].1 = "text/event-stream; charset=utf-8".to_owned();
            leg.body = body.to_owned();
        })
    };
    let start =
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"output_tokens\":1}}}\n\n";
    let control = stream(start);
    for (name, body, verdict, severity) in [
        ("equal", start.to_owned(), "match", None),
        ("framed otherwise", start.replace("event: ", "event:"), "match", Some(Severity::Low)),
        // In the message it would be of medium weight, but the event that says it is content.
        ("other usage", start.replace(":1}", ":2}"), "mismatch", Some(Severity::High)),
        ("one event more", format!("{start}event: ping\ndata: {{}}\n\n"), "mismatch", Some(Severity::High)),
        ("a ping more", format!("{start}event: ping\ndata: {{\"type\": \"ping\"}}\n\n"), "match", None),
        (
            "a ping of more",
            format!("{start}event: ping\ndata: {{\"type\":\"ping\",\"a\":1}}\n\n"),
            "mismatch",
            Some(Severity::High),
        ),
        ("cut", start.trim_end().to_owned(), "mismatch", Some(Severity::High)),
    ] {
        let judged = judge_on("messages:anthropic", &control, &stream(&body), &LaneRule::default());
        let worst = judged.causes.iter().map(|cause| cause.severity).max();
        assert_eq!((judged.verdict.as_str(), worst), (verdict, severity), "{name}");
    }
}
