//! Every recorded case of `/v1/messages/count_tokens`, played through the crate, against what the real LiteLLM did.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use transform::cost_calculator::PriceTable;
use transform::llms::anthropic::count_tokens::{request, told_tokens};
use transform::llms::anthropic::experimental_pass_through::messages::transformation::Target;
use transform::proxy::anthropic_endpoints::count_tokens::{answered, parse};
use transform::{Answered, Decline, ProviderFailure, ProviderRequest, ProviderResponse};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus")
}

fn load(file: &str) -> Vec<u8> {
    std::fs::read(corpus().join(file)).expect("a recorded file")
}

fn cases(theme: &str) -> Vec<Value> {
    serde_json::from_slice(&load(&format!("count_tokens/{theme}.json"))).expect("recorded cases")
}

fn table() -> PriceTable {
    PriceTable::from_price_map_json(&load("messages/price_map.json")).expect("a price map")
}

fn pairs(headers: &Value) -> impl Iterator<Item = (&str, &str)> {
    let list = headers.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|pair| Some((pair[0].as_str()?, pair[1].as_str()?)))
}

fn play(case: &Value, table: &PriceTable) -> Result<(ProviderRequest, Answered), Decline> {
    let headers: Vec<(&str, &str)> =
        pairs(&case["client"]["headers"]).filter(|(name, _)| *name != "authorization").collect();
    let asked = parse(case["client"]["body"].as_str().unwrap_or_default().as_bytes(), &headers)?;
    let deployment = case["deployment"].as_object().cloned().unwrap_or_default();
    let text = |key: &str| deployment[key].as_str().expect("a text in the deployment");
    let target = Target {
        model: text("model").trim_start_matches("anthropic/"),
        api_base: text("api_base"),
        api_key: text("api_key"),
        parameters: &deployment,
        drop_params: None,
    };
    asked.check_local_count(target.model, table)?;
    let sent = request(&asked, &target)?;
    let told = told_tokens(outcome(&case["answers"][0]).as_ref());
    let tokens = told.unwrap_or_else(|| asked.local_count(target.model, table).expect("a checked count"));
    Ok((sent, answered(&tokens, headers.iter().any(|(name, _)| *name == "origin"))))
}

fn outcome(answer: &Value) -> Result<ProviderResponse, ProviderFailure> {
    let body = answer["body"].as_str().unwrap_or_default();
    match (answer["failure"].as_str(), answer["cut"].as_u64()) {
        (Some("close"), _) => return Err(ProviderFailure::Closed),
        (Some(_), _) => return Err(ProviderFailure::Reset),
        (None, Some(cut)) => {
            return Err(ProviderFailure::CutLength { received_bytes: cut, expected_bytes: body.len() as u64 });
        }
        _ => {}
    }
    let headers = pairs(&answer["headers"]).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let status = answer["status"].as_u64().expect("a status") as u16;
    Ok(ProviderResponse { status, headers, body: body.to_owned().into() })
}

fn difference(case: &Value, sent: &ProviderRequest, answer: &Answered) -> Option<String> {
    let connection = ["host", "connection", "content-length", "date", "Connection"];
    let kept = |headers: &Value| -> Value {
        pairs(headers)
            .filter(|(name, _)| !connection.contains(name))
            .collect::<Vec<_>>()
            .into_iter()
            .collect::<Headers>()
            .0
    };
    let seen = &case["provider"][0];
    let expected = json!([
        seen["method"],
        kept(&seen["headers"]),
        seen["body"],
        case["response"]["status"],
        kept(&case["response"]["headers"]),
        case["response"]["body"]
    ]);
    let ours = json!([
        sent.method,
        kept(&json!(sent.headers)),
        String::from_utf8_lossy(&sent.body),
        answer.status,
        kept(&json!(answer.headers)),
        String::from_utf8_lossy(&answer.body)
    ]);
    (ours != expected).then(|| format!("\n  LiteLLM {expected}\n  ours    {ours}"))
}

/// Headers in their order, as JSON.
struct Headers(Value);

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(headers: I) -> Self {
        Self(headers.into_iter().map(|(name, value)| json!([name, value])).collect())
    }
}

fn check(theme: &str) {
    let (table, cases) = (table(), cases(theme));
    let differs = |case: &Value| match play(case, &table) {
        Err(decline) => Some(format!("{}: declined, {}", case["name"], decline.reason())),
        Ok((sent, answer)) => difference(case, &sent, &answer).map(|text| format!("{}: {text}", case["name"])),
    };
    let wrong: Vec<String> = cases.iter().filter_map(differs).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn requests() {
    check("requests");
}

#[test]
fn answers() {
    check("answers");
}

#[test]
fn counts() {
    check("counts");
}

#[test]
fn what_is_left_to_python() {
    let table = table();
    let served: Vec<Value> = cases("declined")
        .into_iter()
        .filter(|case| play(case, &table).is_ok())
        .map(|case| case["name"].clone())
        .collect();
    assert!(served.is_empty(), "served: {served:?}");
}

#[test]
fn it_goes_to_anthropic_whatever_the_base_is() {
    for case in cases("requests").iter().take(1) {
        let (sent, _) = play(case, &table()).expect("a request");
        assert_eq!(sent.url, "https://api.anthropic.com/v1/messages/count_tokens");
        assert_eq!(case["deployment"]["api_base"], "http://127.0.0.1:9");
    }
}

/// Where no deployment is left LiteLLM counts for the client's name.
#[test]
fn nobody_to_ask() {
    let table = table();
    let unasked: Vec<Value> =
        cases("nobody").into_iter().filter(|case| case["provider"].as_array().is_some_and(Vec::is_empty)).collect();
    let counts = unasked.iter().filter(|case| case["client"]["path"] == "/v1/messages/count_tokens");
    let mut seen = 0;
    for case in counts {
        let asked = parse(case["client"]["body"].as_str().unwrap_or_default().as_bytes(), &[]).expect("a request");
        let tokens = asked.local_count(&asked.model, &table).expect("a count");
        assert_eq!(
            String::from_utf8_lossy(&answered(&tokens, false).body),
            case["response"]["body"].as_str().expect("a body"),
            "{}",
            case["name"]
        );
        seen += 1;
    }
    assert_eq!(seen, 3);
}
