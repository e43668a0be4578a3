//! What [`super::answer`] declines, that it declines before anything is sent, and that a tape is all a shadow can reach.

use std::sync::Arc;
use std::time::{Instant, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use transform::cost_calculator::PriceTable;

use super::effects::{Tape, TapeEffects, TapeExchange, TapeOutcome};
use super::router::retry::RETRIES_MAX;
use super::{Answer, AuthMode, ClientRequest, Decline, Native, answer, tests_support};
use crate::config::Secret;
use crate::routes::Route;

fn native(settings: Value) -> Native {
    let mut written = json!({
        "general_settings": {"master_key": "sk-1234"},
        "model_list": [{
            "model_name": "g",
            "litellm_params": {"model": "mistral/mistral-ocr-latest", "api_base": "http://provider.invalid/v1", "api_key": "k"},
        }],
    });
    for (section, values) in settings.as_object().unwrap() {
        written[section] = values.clone();
    }
    let config = Arc::new(tests_support::config(&written));
    Native { config, auth: AuthMode::MasterKey(Secret::new("sk-1234")), prices: Arc::new(PriceTable::default()) }
}

/// The outcome on an empty tape, and how often the provider was asked.
fn run(
    native: &Native,
    headers: &[(&'static str, &'static str)],
    body: Value,
) -> (Result<Answer, Decline>, usize, bool) {
    let request = ocr_request(headers, &body);
    let mut effects = TapeEffects::new(Tape::default(), request.received, UNIX_EPOCH);
    let outcome = answer(native, &request, &mut effects).now_or_never().unwrap();
    let outcome = outcome.map(|answered| answered.whole(usize::MAX).now_or_never().unwrap().unwrap());
    (outcome, effects.asked().len(), effects.tape_exhausted())
}

fn ocr_request(headers: &[(&'static str, &'static str)], body: &Value) -> ClientRequest {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
    let (path, call_id) = ("/v1/ocr".to_owned(), "call".to_owned());
    let (body, received) = (Bytes::from(body.to_string()), Instant::now());
    ClientRequest { route: Route::Ocr, method: Method::POST, path, headers, body, received, call_id }
}

const KEY: (&str, &str) = ("authorization", "Bearer sk-1234");

fn body(more: Value) -> Value {
    let mut body =
        json!({"model": "g", "document": {"type": "document_url", "document_url": "https://a.invalid/a.pdf"}});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[test]
fn a_decline_comes_before_any_effect() {
    let plain = native(json!({}));
    let check = |native: &Native, headers: &[_], body: Value, expect: Decline| {
        let (outcome, asked, _) = run(native, headers, body);
        assert_eq!((outcome, asked), (Err(expect), 0));
    };
    check(&plain, &[], body(json!({})), Decline::NoKey);
    check(&plain, &[("authorization", "Bearer sk-virtual")], body(json!({})), Decline::NotTheMasterKey);
    check(&plain, &[KEY], body(json!({"model": "other"})), Decline::UnknownModel);
    check(&plain, &[KEY, ("x-litellm-timeout", "1e1")], body(json!({})), Decline::RequestOption);
    check(&plain, &[KEY], body(json!({"num_retries": RETRIES_MAX + 1})), Decline::TooManyRetries);
    check(&plain, &[KEY, ("content-type", "multipart/form-data")], body(json!({})), Decline::Form);
    check(&plain, &[KEY], json!([1]), Decline::Transform(transform::Decline::BodyNotObject));
    let fallbacks = native(json!({"router_settings": {"fallbacks": [{"g": ["other"]}]}}));
    let (outcome, asked, _) = run(&fallbacks, &[KEY], body(json!({})));
    assert!(matches!(outcome, Err(Decline::Configuration | Decline::Deployment)), "{outcome:?}");
    assert_eq!(asked, 0);
}

/// How often LiteLLM was seen to call the provider that redirects so, in one attempt.
#[test]
fn a_redirect_is_sent_as_often_as_by_litellm() {
    let redirect = |location: &str| TapeExchange {
        deployment_id: "d".to_owned(),
        outcome: TapeOutcome::Response {
            status: 307,
            headers: vec![("location".to_owned(), location.to_owned())],
            body: Bytes::new(),
            pieces: Vec::new(),
            cut: None,
        },
        elapsed_ms: 1,
        at_unix_ms: 1,
    };
    for (location, asked) in
        [("::::", 2), ("http://h:abc/", 2), ("/a\tb", 2), ("http:x", 1), ("ftp://h/x", 1), ("http://h:99999/", 1)]
    {
        let tape = Tape { exchanges: vec![redirect(location); 3] };
        let mut effects = TapeEffects::new(tape, Instant::now(), UNIX_EPOCH);
        let request = ocr_request(&[KEY], &body(json!({"num_retries": 0})));
        let answered = answer(&native(json!({})), &request, &mut effects).now_or_never().unwrap().unwrap();
        assert_eq!((answered.status, effects.asked().len()), (500, asked), "{location}");
    }
}

#[test]
fn beyond_the_tape_there_is_no_provider() {
    let (outcome, asked, exhausted) = run(&native(json!({})), &[KEY], body(json!({"num_retries": RETRIES_MAX})));
    assert_eq!(outcome.unwrap().attempts, RETRIES_MAX + 1);
    assert_eq!((asked, exhausted), (RETRIES_MAX as usize + 1, true));
}
