//! The judgement of answers as the real LiteLLM 1.102.4 gave them, and of ones that differ in one thing.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::{Prober, Python, Request};
use super::*;
use crate::config::litellm::tests::config;

const CONFIG: &str = "model_list:\n- model_name: ocr\n  litellm_params: {model: mistral/m, api_base: 'http://h/v1', api_key: k}\n  model_info: {id: one}\n- model_name: ocr\n  litellm_params: {model: mistral/m, api_base: 'http://h/v1', api_key: l}\n  model_info: {id: two}\n- model_name: other\n  litellm_params: {model: mistral/m, api_base: 'http://h/v1', api_key: m}\n  model_info: {id: three}\n- model_name: 'wild/*'\n  litellm_params: {model: 'mistral/*', api_key: n}\n  model_info: {id: star}\ngeneral_settings: {master_key: sk-1234}\nrouter_settings: {num_retries: 0, model_group_alias: {nick: ocr}}\nlitellm_settings: {request_timeout: 30}\n";

fn expected() -> Expected {
    Expected::of(&config(CONFIG, &[]).expect("it loads"))
}

fn said(status: u16, body: &str) -> Result<Answer, String> {
    Ok(Answer { status, version: None, body: Bytes::copy_from_slice(body.as_bytes()) })
}

const REFUSED: &str = r#"{"error":{"message":"Authentication Error, No api key passed in.","type":"auth_error","param":"None","code":"401"}}"#;

fn agreeing(probe: Probe) -> Result<Answer, String> {
    match probe {
        Probe::Readiness => said(
            200,
            r#"{"status":"healthy","db":"Not connected","cache":null,"litellm_version":"1.102.4","success_callbacks":["sync_deployment_callback_on_success","_PROXY_MaxBudgetLimiter","ServiceLogging"],"use_aiohttp_transport":true}"#,
        ),
        Probe::ModelInfo => said(
            200,
            r#"{"data":[{"model_name":"ocr","model_info":{"id":"two"}},{"model_name":"other","model_info":{"id":"three"}},{"model_name":"ocr","model_info":{"id":"one"}},{"model_name":"wild/a","model_info":{"id":"star"}},{"model_name":"wild/b","model_info":{"id":"star"}},{"model_name":"nick","model_info":{"id":"one"}}]}"#,
        ),
        Probe::Ocr => said(
            500,
            r#"{"error":{"message":"Invalid MIME type: crossfade probe/x","type":"internal_server_error","param":null,"code":"500"}}"#,
        ),
        Probe::OcrWithoutKey => said(401, REFUSED),
        Probe::Settings => said(
            200,
            r#"{"status":"success","router_settings":{"routing_strategy_args":{},"routing_strategy":"simple-shuffle","allowed_fails":3,"cooldown_time":5,"num_retries":0,"timeout":30,"retry_after":0,"fallbacks":null,"context_window_fallbacks":null,"model_group_retry_policy":{},"retry_policy":null,"model_group_alias":{"nick":"ocr"},"enable_weighted_failover":false,"enable_tag_filtering":false,"tag_routing_prefix":"","routing_groups":[]}}"#,
        ),
        Probe::PriceMap => said(200, r#"{"mistral/m":{"ocr_cost_per_page":0.001}}"#),
    }
}

fn all() -> impl Iterator<Item = Probe> {
    Probe::QUICK.into_iter().chain(Probe::SLOW)
}

/// The names of the checks that are not ok, `?` after those that are unknown.
fn wrong(agreement: &Agreement) -> Vec<String> {
    let mark = |check: &Check| match check.state {
        CheckState::Ok => None,
        CheckState::Failed => Some(check.name.to_owned()),
        CheckState::Unknown => Some(format!("{}?", check.name)),
    };
    agreement.checks.iter().filter_map(mark).collect()
}

fn judged(probe: Probe, instead: Result<Answer, String>, sign: TapSign) -> Agreement {
    let answers: Answers =
        all().map(|other| (other, if other == probe { instead.clone() } else { agreeing(other) })).collect();
    let map = answers[&Probe::PriceMap].as_ref().ok().and_then(PriceMap::of);
    evaluate(&expected(), &answers, map.as_ref(), sign)
}

#[test]
fn the_litellm_that_runs_this_configuration_agrees() {
    let agreement = judged(Probe::PriceMap, agreeing(Probe::PriceMap), TapSign::Python);
    assert_eq!((agreement.state, wrong(&agreement)), (State::Agrees, Vec::new()), "{agreement:#?}");
    assert_eq!(agreement.blocks("ocr"), None);
}

#[test]
fn every_difference_is_found() {
    let body = |probe| String::from_utf8_lossy(&agreeing(probe).expect("an answer").body).into_owned();
    let with = |probe, from: &str, to: &str| {
        assert!(body(probe).contains(from), "{from}");
        (probe, said(200, &body(probe).replacen(from, to, 1)))
    };
    let rust = said(
        400,
        r#"{"error":{"message":"/ocr: Invalid model name passed in model=None. Call `/v1/models` to view available models for your key.","type":"invalid_request_error","code":"400"}}"#,
    );
    for ((probe, instead), expected) in [
        (with(Probe::Readiness, "1.102.4", "1.102.5"), "version"),
        (with(Probe::Readiness, "Not connected", "connected"), "database"),
        (with(Probe::Readiness, "\"cache\":null", "\"cache\":\"redis\""), "cache"),
        (with(Probe::Readiness, "ServiceLogging", "langfuse"), "callbacks"),
        (with(Probe::ModelInfo, "\"three\"", "\"four\""), "model_ids"),
        (with(Probe::ModelInfo, "\"other\"", "\"another\""), "model_ids"),
        (with(Probe::Settings, "\"num_retries\":0", "\"num_retries\":2"), "router_settings"),
        (with(Probe::Settings, "\"fallbacks\":null", "\"fallbacks\":[{\"*\":[\"x\"]}]"), "router_settings"),
        (with(Probe::Settings, "nick", "name"), "router_settings"),
        (with(Probe::Settings, "simple-shuffle", "least-busy"), "router_settings"),
        ((Probe::Ocr, rust), "ocr_in_python"),
        ((Probe::Ocr, said(401, REFUSED)), "authentication,ocr_in_python?"),
        ((Probe::Ocr, said(200, "{}")), "authentication,ocr_in_python?"),
        ((Probe::OcrWithoutKey, agreeing(Probe::Ocr)), "authentication"),
        ((Probe::Readiness, Err("refused".to_owned())), "version?,database?,cache?,callbacks?"),
        ((Probe::ModelInfo, said(500, "")), "model_ids?"),
        ((Probe::ModelInfo, said(200, "[]")), "model_ids?"),
        ((Probe::Settings, said(200, "[1]")), "router_settings"),
        ((Probe::Settings, said(200, "<html>")), "router_settings?"),
        ((Probe::PriceMap, said(404, "")), "price_map?"),
    ] {
        let agreement = judged(probe, instead, TapSign::Nothing);
        assert_eq!(wrong(&agreement).join(","), expected);
        assert_ne!(agreement.state, State::Agrees);
        assert!(agreement.blocks("other").is_some(), "{expected}");
    }
    let seen = judged(Probe::PriceMap, agreeing(Probe::PriceMap), TapSign::Nothing.saw(None));
    assert_eq!(wrong(&seen), ["ocr_in_python"]);
}

#[test]
fn the_cache_of_a_first_request_to_gemini_is_none() {
    let body = agreeing(Probe::Readiness).expect("an answer").body;
    let body = String::from_utf8_lossy(&body).replacen("ServiceLogging", "cache", 1);
    let agreement = judged(Probe::Readiness, said(200, &body), TapSign::Python);
    assert_eq!((agreement.state, wrong(&agreement).join(",")), (State::Agrees, String::new()));
}

#[test]
fn a_changed_group_blocks_itself_only() {
    let body = r#"{"data":[{"model_name":"ocr","model_info":{"id":"two"}},{"model_name":"ocr","model_info":{"id":"one"}},{"model_name":"other","model_info":{"id":"new"}}]}"#;
    let agreement = judged(Probe::ModelInfo, said(200, body), TapSign::Python);
    assert_eq!(agreement.state, State::Disagrees);
    assert_eq!(agreement.blocks("ocr"), None);
    assert!(agreement.blocks("other").is_some());
}

#[test]
fn ids_are_compared_as_multisets() {
    let twice = r#"{"data":[{"model_name":"ocr","model_info":{"id":"one"}},{"model_name":"ocr","model_info":{"id":"one"}},{"model_name":"ocr","model_info":{"id":"two"}},{"model_name":"other","model_info":{"id":"three"}}]}"#;
    assert_eq!(wrong(&judged(Probe::ModelInfo, said(200, twice), TapSign::Python)), ["model_ids"]);
}

#[test]
fn user_agents_tell_who_called_the_provider() {
    for (agent, python) in [(Some("litellm/1.102.4"), true), (None, false), (Some("curl/8"), false)] {
        assert_eq!(super::super::is_python_ocr(agent), python);
    }
    assert_eq!(TapSign::Nothing.saw(Some("litellm/1")).saw(None).saw(Some("litellm/1")), TapSign::Rust);
}

/// Answers as configured and counts what it was asked.
struct Fake {
    asked: Mutex<Vec<String>>,
    down: Mutex<bool>,
}

impl Python for Fake {
    async fn send(&self, request: Request) -> Result<Answer, String> {
        self.asked.lock().expect("no panic").push(request.path.to_owned());
        if *self.down.lock().expect("no panic") {
            return Err("connection refused".to_owned());
        }
        let probe = all().find(|probe| probe.request(Some(&crate::config::Secret::new("sk-1234"))) == request);
        agreeing(probe.expect("a known probe"))
    }
}

#[test]
fn dear_questions_are_asked_once_and_again_after_a_change() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let fake = Fake { asked: Mutex::new(Vec::new()), down: Mutex::new(false) };
    let mut prober = Prober::new(Duration::from_secs(300));
    let start = Instant::now();
    let mut round = |seconds: u64, down: bool| {
        *fake.down.lock().expect("no panic") = down;
        fake.asked.lock().expect("no panic").clear();
        let now = start + Duration::from_secs(seconds);
        let agreement = runtime.block_on(prober.round(&fake, &expected(), TapSign::Nothing, now));
        (agreement.state, fake.asked.lock().expect("no panic").len())
    };
    for (seconds, down, state, asked) in [
        (0, false, State::Agrees, 6),
        (10, false, State::Agrees, 4),
        (299, false, State::Agrees, 4),
        (300, false, State::Agrees, 6),
        (310, true, State::Unknown, 4),
        (320, false, State::Agrees, 6),
        (330, false, State::Agrees, 4),
    ] {
        assert_eq!(round(seconds, down), (state, asked), "at {seconds} s");
    }
}

#[test]
fn the_key_is_sent_where_it_matters_and_shown_nowhere() {
    let key = crate::config::Secret::new("sk-very-secret");
    for probe in all() {
        let request = probe.request(Some(&key));
        let sent = request.headers.iter().any(|(_, value)| value.expose().contains("sk-very-secret"));
        assert_eq!(sent, !matches!(probe, Probe::OcrWithoutKey | Probe::PriceMap), "{probe:?}");
        assert!(!format!("{request:?}").contains("sk-very-secret"), "{probe:?}");
    }
}
