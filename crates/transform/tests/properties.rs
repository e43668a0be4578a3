//! Whatever a provider or a client sends, there is an answer: nothing panics, nothing overflows the stack, and what is
//! written is JSON.

use proptest::prelude::*;
use transform::llms::mistral::ocr::transformation::{Target, request, response};
use transform::proxy::common_request_processing::{Failed, GivenUp, Served, error, success};
use transform::proxy::ocr_endpoints::endpoints::{Body, parse};
use transform::{Answered, ProviderResponse};

fn answer(provider: &ProviderResponse) -> Answered {
    match response(Ok(provider), "m") {
        Ok(document) => {
            let served = Served {
                call_id: "id",
                model_group: "ocr",
                model_id: "d",
                litellm_model: "mistral/m",
                api_base: "http://provider/v1",
                cost: None,
                duration_ms: 1.0,
                attempted_retries: 0,
                max_retries: 0,
                is_cross_origin: false,
            };
            success(&document, &served)
        }
        Err(exception) => {
            let failed = Failed { call_id: "id", timeout_seconds: 600.0, is_cross_origin: true };
            error(&exception, &GivenUp { model_group: "ocr", retries: Some((2, 2)) }, &failed)
        }
    }
}

/// JSON-like text: fragments that parse now and then.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"pages\"",
        "\"index\"",
        "\"markdown\"",
        "\"usage_info\"",
        "\"model\"",
        "\"\\ud800\"",
        "\"a\"",
        "1",
        "-0",
        "1e400",
        "NaN",
        "null",
        "\\u",
        "\\",
        "\"",
        "\u{feff}",
        "é",
        "\0",
        "rate limit",
        "key=",
        "{\"pages\":[",
        "{\"index\":0,\"markdown\":\"m\"}",
        "]}",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..40).prop_map(|words| words.concat().into_bytes())
}

fn header() -> impl Strategy<Value = (String, String)> {
    prop::sample::select(vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("content-type".to_owned(), "text/plain; charset=latin-1".to_owned()),
        ("content-encoding".to_owned(), "gzip".to_owned()),
        ("content-encoding".to_owned(), "deflate, gzip".to_owned()),
        ("x-other".to_owned(), String::new()),
    ])
}

proptest! {
    #[test]
    fn every_provider_answer_has_a_client_answer(
        status in 200u16..600,
        headers in prop::collection::vec(header(), 0..3),
        body in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), fragments()],
    ) {
        let answered = answer(&ProviderResponse { status, headers, body: body.into() });
        prop_assert!((200..600).contains(&answered.status));
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&answered.body).is_ok());
    }

    #[test]
    fn every_client_body_is_read_or_declined(body in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), fragments()], option in fragments()) {
        let parameters = serde_json::Map::new();
        let target = Target { model: "m", api_base: "http://provider/v1", api_key: "k", parameters: &parameters };
        let option = String::from_utf8_lossy(&option);
        let wrapped = format!("{{\"model\":\"ocr\",\"document\":{{\"type\":\"document_url\"}},\"pages\":{option}}}");
        for body in [&*body, wrapped.as_bytes()] {
            if let Ok(asked) = parse(Body::Json(body), &[]) {
                let sent = request(&asked, &target);
                prop_assert!(sent.is_ok_and(|sent| serde_json::from_slice::<serde_json::Value>(&sent.body).is_ok()));
            }
        }
    }
}

#[test]
fn depth_never_overflows_the_stack() {
    for open in ["[", "{\"a\":"] {
        let body = open.repeat(1_000_000);
        let provider = ProviderResponse { status: 200, headers: Vec::new(), body: body.clone().into() };
        assert_eq!(answer(&provider).status, 500);
        assert!(parse(Body::Json(body.as_bytes()), &[]).is_err());
    }
}

/// What a client says of the provider's address or key makes LiteLLM add a deployment of its own; deep bodies meet its
/// interpreter's limit.
#[test]
fn what_litellm_takes_as_credentials_or_cannot_hold_is_declined_on_every_route() {
    use transform::proxy::{anthropic_endpoints, chat_endpoints};
    let asked = |key: &str, value: &str| {
        let own = r#""model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"document":{"type":"document_url","document_url":"u"}"#;
        format!(r#"{{{own},"{key}":{value}}}"#)
    };
    let served = |body: &str| {
        [
            parse(Body::Json(body.as_bytes()), &[]).is_ok(),
            anthropic_endpoints::endpoints::parse(body.as_bytes(), &[]).is_ok(),
            chat_endpoints::endpoints::parse(body.as_bytes(), &[], None).is_ok(),
        ]
    };
    for key in ["api_key", "api_base", "base_url"] {
        for value in [r#""sk-client""#, r#""""#, "null", "1"] {
            assert_eq!(served(&asked(key, value)), [false; 3], "{key} {value}");
        }
    }
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth: usize| asked("tools", &format!("{}1{}", open.repeat(depth), close.repeat(depth)));
        assert_eq!(served(&nested(transform::python::json_decode::BODY_DEPTH_MAX)), [false; 3], "{open}");
    }
}
