//! Runs one recorded case through the crate, as a host with one attempt and no network would.

use base64::Engine as _;
use serde_json::{Map, Value, json};
use transform::cost_calculator::{PriceTable, ocr_cost};
use transform::llms::base_llm::ocr::transformation::OcrResponse;
use transform::llms::mistral::ocr::transformation::{Target, refusal, request, response};
use transform::proxy::common_request_processing::{Failed, GivenUp, Served, error, success};
use transform::proxy::ocr_endpoints::Part;
use transform::proxy::ocr_endpoints::endpoints::{Body, BodyKind, OcrRequest, body_kind, parse};
use transform::{Answered, Decline, Exception, ProviderFailure, ProviderResponse};

/// LiteLLM's default, where neither request nor deployment says anything.
const TIMEOUT_SECONDS: f64 = 600.0;

/// What the crate makes of a case, in the words of a recording: `{"declined"}` or `{"provider", "response"}`.
pub fn outcome(case: &Value, table: &PriceTable) -> Value {
    match play(case, table) {
        Ok(played) => played,
        Err(decline) => json!({"declined": decline.reason()}),
    }
}

fn play(case: &Value, table: &PriceTable) -> Result<Value, Decline> {
    let asked = ask(case)?;
    let deployment = case["deployment"].as_object().cloned().unwrap_or_default();
    let target = target(&deployment);
    if let Some(exception) = refusal(&asked, target.model) {
        let answer = client_answer(case, table, &asked, &deployment, Err(exception));
        return Ok(json!({"provider": null, "response": client_view(&answer)}));
    }
    let sent = request(&asked, &target)?;
    let outcome = provider_outcome(case, &asked, &deployment);
    let answer = client_answer(case, table, &asked, &deployment, response(outcome.as_ref(), target.model));
    Ok(json!({
        "provider": {"method": sent.method, "url": sent.url, "headers": sent.headers, "body": String::from_utf8_lossy(&sent.body)},
        "response": client_view(&answer),
    }))
}

fn client_view(answer: &Answered) -> Value {
    json!({"status": answer.status, "headers": answer.headers, "body": String::from_utf8_lossy(&answer.body)})
}

fn target(deployment: &Map<String, Value>) -> Target<'_> {
    let text = |key: &str| deployment[key].as_str().expect("a text in the deployment");
    Target {
        model: text("model").trim_start_matches("mistral/"),
        api_base: text("api_base"),
        api_key: text("api_key"),
        parameters: deployment,
    }
}

fn ask(case: &Value) -> Result<OcrRequest, Decline> {
    let client = &case["client"];
    let headers: Vec<(&str, &str)> = pairs(&client["headers"]).filter(|(name, _)| *name != "authorization").collect();
    let content_type = headers.iter().find(|(name, _)| *name == "content-type").map(|(_, value)| *value);
    let body = bytes(client);
    match body_kind(content_type)? {
        BodyKind::Json => parse(Body::Json(&body), &headers),
        BodyKind::Form => {
            let parts: Vec<Part> = case["parts"].as_array().expect("recorded parts").iter().map(part).collect();
            parse(Body::Form(&parts), &headers)
        }
    }
}

fn part(recorded: &Value) -> Part {
    let text = |key: &str| recorded[key].as_str().map(str::to_owned);
    Part {
        name: text("name").unwrap_or_default(),
        filename: text("filename"),
        content_type: text("content_type"),
        bytes: text("text").unwrap_or_default().into(),
    }
}

fn provider_outcome(
    case: &Value,
    asked: &OcrRequest,
    deployment: &Map<String, Value>,
) -> Result<ProviderResponse, ProviderFailure> {
    let answer = &case["answers"][0];
    let limit_seconds = timeout(asked, deployment);
    if deployment["api_base"].as_str().is_some_and(|base| base.ends_with(":9/v1")) {
        return Err(ProviderFailure::Refused {
            host: "127.0.0.1".to_owned(),
            port: 9,
            tried: vec![([127, 0, 0, 1].into(), 9)],
        });
    }
    if answer["delay"].as_f64().is_some_and(|delay| delay > limit_seconds) {
        return Err(ProviderFailure::Timeout { limit_seconds, taken_seconds: limit_seconds });
    }
    let body = bytes(answer);
    match (answer["failure"].as_str(), answer["cut"].as_u64(), answer["chunked"].as_bool()) {
        (Some("close"), ..) => return Err(ProviderFailure::Closed),
        (Some(_), ..) => return Err(ProviderFailure::Reset),
        (None, Some(_), Some(true)) => return Err(ProviderFailure::CutChunked),
        (None, Some(cut), None) => {
            return Err(ProviderFailure::CutLength { received_bytes: cut, expected_bytes: body.len() as u64 });
        }
        _ => {}
    }
    let default_headers = json!([["content-type", "application/json"]]);
    let headers: Vec<(String, String)> = pairs(answer.get("headers").unwrap_or(&default_headers))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    if headers.iter().any(|(name, _)| name == "location") {
        return Err(ProviderFailure::TooManyRedirects);
    }
    Ok(ProviderResponse { status: answer["status"].as_u64().expect("a status") as u16, headers, body: body.into() })
}

fn timeout(asked: &OcrRequest, deployment: &Map<String, Value>) -> f64 {
    asked.timeout_seconds.or_else(|| deployment.get("timeout")?.as_f64()).unwrap_or(TIMEOUT_SECONDS)
}

fn client_answer(
    case: &Value,
    table: &PriceTable,
    asked: &OcrRequest,
    deployment: &Map<String, Value>,
    outcome: Result<OcrResponse, Exception>,
) -> Answered {
    // What only the running proxy knows is taken from its recorded answer.
    let recorded = |name: &str| {
        pairs(&case["response"]["headers"]).find(|(header, _)| *header == name).map_or("", |(_, value)| value)
    };
    let model = target(deployment).model;
    let is_cross_origin = pairs(&case["client"]["headers"]).any(|(name, _)| name == "origin");
    let call_id = recorded("x-litellm-call-id");
    match outcome {
        Ok(document) => {
            let answered_model = document.model.as_str().unwrap_or_default();
            let served = Served {
                call_id,
                model_group: &asked.model,
                model_id: recorded("x-litellm-model-id"),
                litellm_model: deployment["model"].as_str().unwrap_or_default(),
                api_base: deployment["api_base"].as_str().unwrap_or_default(),
                cost: ocr_cost(table, answered_model, model, document.usage.as_ref()),
                duration_ms: recorded("x-litellm-response-duration-ms").parse().unwrap_or(0.0),
                attempted_retries: 0,
                max_retries: 0,
                is_cross_origin,
            };
            success(&document, &served)
        }
        Err(exception) => {
            let given_up = GivenUp { model_group: &asked.model, retries: None };
            let failed = Failed { call_id, timeout_seconds: timeout(asked, deployment), is_cross_origin };
            error(&exception, &given_up, &failed)
        }
    }
}

pub fn pairs(headers: &Value) -> impl Iterator<Item = (&str, &str)> {
    let list = headers.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|pair| Some((pair[0].as_str()?, pair[1].as_str()?)))
}

pub fn bytes(part: &Value) -> Vec<u8> {
    match part["body_base64"].as_str() {
        Some(encoded) => base64::engine::general_purpose::STANDARD.decode(encoded).expect("base64"),
        None => part["body"].as_str().unwrap_or_default().as_bytes().to_vec(),
    }
}
