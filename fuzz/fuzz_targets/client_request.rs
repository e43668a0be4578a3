//! A client's body, through admission, reading, plan and the provider's request of every route.
#![no_main]

use crossfade::routes::Route;
use crossfade_fuzz::{assert_json, stand};
use libfuzzer_sys::fuzz_target;

const ROUTES: [Route; 3] = [Route::Ocr, Route::Messages, Route::ChatCompletions];
const HEADERS: [(&str, &str); 8] = [
    ("content-type", "application/json"),
    ("content-type", "multipart/form-data; boundary=b"),
    ("x-litellm-timeout", "30"),
    ("x-litellm-num-retries", "0"),
    ("anthropic-beta", "context-1m-2025-08-07,files-api-2025-04-14"),
    ("origin", "http://a.invalid"),
    ("x-request-id", "r"),
    ("content-type", "application/json; charset=latin-1"),
];

fuzz_target!(|input: &[u8]| {
    let [route, header, body @ ..] = input else { return };
    let route = ROUTES[usize::from(*route) % ROUTES.len()];
    let header = HEADERS[usize::from(*header) % HEADERS.len()];
    let outcome = stand::ask(route, &[header], body, None);
    let Ok(answer) = outcome.answer else {
        assert!(outcome.asked.is_empty(), "declined after a call");
        return;
    };
    assert!((200..600).contains(&answer.status));
    assert_json(&answer.body);
    for sent in outcome.asked {
        assert_eq!(sent.method, "POST");
        assert!(sent.url.starts_with("http://p/"), "{}", sent.url);
        assert!(sent.body.len() <= 64 * 1024 + 64 * body.len(), "{} of {}", sent.body.len(), body.len());
        assert_json(&sent.body);
    }
});
