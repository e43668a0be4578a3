//! A provider's answer that is not streamed, on every route.
#![no_main]

use bytes::Bytes;
use crossfade::native::TapeOutcome;
use crossfade::routes::Route;
use crossfade_fuzz::{assert_json, stand};
use libfuzzer_sys::fuzz_target;

const OCR: &[u8] = br#"{"model":"ocr","document":{"type":"document_url","document_url":"https://a.invalid/a.pdf"}}"#;
const MESSAGES: &[u8] = br#"{"model":"claude","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
const CHAT: &[u8] = br#"{"model":"gpt","messages":[{"role":"user","content":"hi"}]}"#;
const CHAT_ANTHROPIC: &[u8] = br#"{"model":"claude","messages":[{"role":"user","content":"hi"}]}"#;
const STREAMED: &[u8] = br#"{"model":"claude","messages":[{"role":"user","content":"hi"}],"stream":true}"#;

const REQUESTS: [(Route, &[u8]); 5] = [
    (Route::Ocr, OCR),
    (Route::Messages, MESSAGES),
    (Route::ChatCompletions, CHAT),
    (Route::ChatCompletions, CHAT_ANTHROPIC),
    (Route::ChatCompletions, STREAMED),
];
/// Success twice as often as any failure.
const STATUSES: [u16; 16] = [200, 200, 201, 204, 301, 307, 400, 401, 403, 404, 408, 413, 422, 429, 500, 529];
const HEADERS: [(&str, &str); 8] = [
    ("content-type", "application/json"),
    ("content-type", "text/plain; charset=latin-1"),
    ("content-encoding", "gzip"),
    ("content-encoding", "deflate"),
    ("content-encoding", "deflate, gzip"),
    ("retry-after", "5"),
    ("location", "//other/path?a#b"),
    ("content-type", "text/event-stream"),
];

fuzz_target!(|input: &[u8]| {
    let [route, status, header, body @ ..] = input else { return };
    let (route, request) = REQUESTS[usize::from(*route) % REQUESTS.len()];
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let (name, value) = HEADERS[usize::from(*header) % HEADERS.len()];
    let streamed = request == STREAMED && (200..300).contains(&status);
    let exchange = TapeOutcome::Response {
        status,
        headers: vec![(name.to_owned(), value.to_owned())],
        body: Bytes::copy_from_slice(body),
        pieces: Vec::new(),
        cut: None,
    };
    let outcome = stand::ask(route, &[("content-type", "application/json")], request, Some(exchange));
    let answer = outcome.answer.expect("a request that is served");
    assert!((200..600).contains(&answer.status));
    if !streamed {
        // A body grows by escapes, by fields and by its error's words; encoded ones by a thousandfold.
        assert!(answer.body.len() <= 16 * 1024 + 2048 * body.len(), "{} of {}", answer.body.len(), body.len());
        assert_json(&answer.body);
    }
});
