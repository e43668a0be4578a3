//! Whatever a client of `/chat/completions` or Anthropic sends, there is an answer or a decline.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use transform::ProviderResponse;
use transform::cost_calculator::PriceTable;
use transform::llms::anthropic::chat::transformation::{Circumstances, Target, outbound, response};
use transform::proxy::anthropic_endpoints::answers::Served;
use transform::proxy::chat_endpoints::answers::{Failed, error, success};
use transform::proxy::chat_endpoints::endpoints::{ChatRequest, parse};
use transform::proxy::common_request_processing::GivenUp;

const CIRCUMSTANCES: Circumstances<'static> = Circumstances { fallback_id: "id", now: 1 };

fn table() -> PriceTable {
    let map =
        br#"{"claude-x": {"litellm_provider": "anthropic", "input_cost_per_token": 1e-6, "max_output_tokens": 9}}"#;
    PriceTable::from_price_map_json(map).expect("a price map")
}

fn target(parameters: &serde_json::Map<String, serde_json::Value>) -> Target<'_> {
    Target { model: "claude-x", api_base: "http://p", api_key: "k", parameters, drop_params: None }
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(words), 0..30).prop_map(|words| words.concat())
}

/// JSON-like text: fragments that parse now and then.
fn answers() -> impl Strategy<Value = String> {
    words(&[
        "{\"content\":[",
        "],\"stop_reason\":\"end_turn\",\"model\":\"claude-x\",\"usage\":{",
        "{\"type\":\"text\",\"text\":\"a\",\"citations\":[{}]}",
        "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"json_tool_call\",\"input\":{}}",
        "{\"type\":\"thinking\",\"thinking\":\"why\"}",
        "{\"type\":\"web_search_tool_result\"}",
        ",",
        "\"input_tokens\":",
        "\"iterations\":[{}]",
        "\"error\":",
        "1",
        "-1e400",
        "NaN",
        "null",
        "\"\\ud800\"",
        "}}",
        "}",
        "]",
        "\u{feff}",
    ])
}

/// Messages that are such now and then.
fn messages() -> impl Strategy<Value = String> {
    words(&[
        "{\"role\":\"user\",\"content\":\"a\"}",
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\" \"}]}",
        "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":\"data:;base64,\"}]}",
        "{\"role\":\"system\",\"content\":[{}]}",
        "{\"role\":\"assistant\",\"content\":\"a \",\"prefix\":true}",
        "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"srvtoolu_1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}",
        "{\"role\":\"assistant\",\"thinking_blocks\":[{\"type\":\"thinking\",\"signature\":\"s\"}],\"content\":[{\"type\":\"text\",\"text\":\"\"}]}",
        "{\"role\":\"tool\",\"tool_call_id\":\"é\",\"content\":[{\"type\":\"file\",\"file\":{\"file_id\":\"f\"}}]}",
        "{\"content\":null}",
        ",",
        ",",
        ",",
    ])
}

fn asked(messages: &str) -> Option<ChatRequest> {
    let body = format!(
        r#"{{"model":"m","messages":[{messages}],"response_format":{{"type":"json_object","response_schema":{{}}}}}}"#
    );
    parse(body.as_bytes(), &[], None).ok()
}

proptest! {
    #[test]
    fn every_answer_is_told_or_an_error(body in answers(), status in prop::sample::select(vec![200u16, 201, 400, 529])) {
        let (parameters, table) = (serde_json::Map::new(), table());
        let asked = asked(r#"{"role":"user","content":"a"}"#).expect("a request that is served");
        let target = target(&parameters);
        let answer = ProviderResponse { status, headers: Vec::new(), body: body.into_bytes().into() };
        let answered = match response(Ok(&answer), &asked, &target, &table, &CIRCUMSTANCES) {
            Ok(completion) => {
                let served = Served {
                    call_id: "id", model_group: "m", model_id: "d", litellm_model: "anthropic/claude-x", api_base: "http://p",
                    duration_ms: 1.0, overhead_ms: 0.5, attempted_retries: 0, max_retries: 0, is_cross_origin: false,
                };
                success(&completion, &answer.headers, &served, completion.cost(&answer.headers, &asked, &target, &table))
            }
            Err(failure) => {
                let given_up = GivenUp { model_group: "m", retries: None };
                let failed = Failed { call_id: "id", timeout: "1.0", is_cross_origin: false };
                error(&failure, &given_up, &answer.headers, &failed)
            }
        };
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&answered.body).is_ok());
    }

    #[test]
    fn every_conversation_is_sent_or_declined(messages in messages()) {
        let (parameters, table) = (serde_json::Map::new(), table());
        let target = target(&parameters);
        if let Some(asked) = asked(&messages)
            && let Ok(Ok(sent)) = outbound(&asked, &target, &table)
        {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&sent.body).is_ok());
        }
    }
}
