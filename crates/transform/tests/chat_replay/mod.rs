//! Runs one recorded case of `/chat/completions` through the crate, as a host with one attempt and no network would.

use base64::Engine as _;
use serde_json::{Map, Value, json};
use transform::completion::Provider;
use transform::cost_calculator::PriceTable;
use transform::llms::anthropic::chat::streaming::ChatStream as AnthropicStream;
use transform::llms::anthropic::chat::transformation as anthropic;
use transform::llms::base_llm::chat::transformation::{ChatFailure, ChatResponse, Circumstances, Target};
use transform::llms::openai::chat::streaming::{ChatStream, Progress};
use transform::llms::openai::chat::transformation as openai;
use transform::proxy::anthropic_endpoints::answers::Served;
use transform::proxy::chat_endpoints::answers::{Failed, error, refused, stream_failed, stream_head, success};
use transform::proxy::chat_endpoints::endpoints::{ChatRequest, parse};
use transform::proxy::common_request_processing::GivenUp;
use transform::{Answered, Decline, Exception, ProviderFailure, ProviderRequest, ProviderResponse};

/// LiteLLM's default, where neither request nor deployment says anything.
const TIMEOUT_SECONDS: f64 = 6000.0;

type Outcome = Result<ProviderResponse, ProviderFailure>;

/// What the crate makes of a case, in the words of a recording: `{"declined"}` or `{"provider", "response"}`.
pub fn outcome(case: &Value, table: &PriceTable) -> Value {
    outcome_in_pieces(case, table, None)
}

/// The same, with the bytes of a stream cut into pieces of this size.
pub fn outcome_in_pieces(case: &Value, table: &PriceTable, size: Option<usize>) -> Value {
    match play(case, table, size) {
        Ok(played) => played,
        Err(decline) => json!({"declined": decline.reason()}),
    }
}

fn play(case: &Value, table: &PriceTable, size: Option<usize>) -> Result<Value, Decline> {
    let headers: Vec<(&str, &str)> =
        pairs(&case["client"]["headers"]).filter(|(name, _)| *name != "authorization").collect();
    let asked = parse(&bytes(&case["client"]), &headers, path_model(case))?;
    let deployment = case["deployment"].as_object().cloned().unwrap_or_default();
    let target = target(case, &deployment);
    let is_anthropic = is_anthropic(&deployment);
    let provider = if is_anthropic { Provider::Anthropic } else { Provider::OpenAi };
    let limit = timeout(case, &asked, &deployment);
    let outbound = provider.outbound(&asked, &target, table, limit.0)?;
    let played = Played { case, table, asked: &asked, deployment: &deployment, target, size };
    let sent = match outbound {
        Ok(sent) => sent,
        Err(exception) => return Ok(json!({"provider": [], "response": client_view(&played.refused(&exception))})),
    };
    let answer = &case["answers"][0];
    let outcome = provider_outcome(answer, limit.0, &deployment);
    let answered = if asked.stream { played.stream(&outcome, answer) } else { played.completion(&outcome) };
    Ok(json!({"provider": [provider_view(&sent)], "response": client_view(&answered)}))
}

fn path_model(case: &Value) -> Option<&str> {
    let path = case["client"]["path"].as_str()?;
    let rest = path.strip_prefix("/engines/").or_else(|| path.strip_prefix("/openai/deployments/"))?;
    rest.strip_suffix("/chat/completions")
}

fn provider_view(sent: &ProviderRequest) -> Value {
    let path = sent.url.splitn(4, '/').nth(3).map_or_else(String::new, |path| format!("/{path}"));
    json!({"method": sent.method, "path": path, "headers": sent.headers, "body": String::from_utf8_lossy(&sent.body)})
}

fn client_view(answer: &Answered) -> Value {
    json!({"status": answer.status, "headers": answer.headers, "body": String::from_utf8_lossy(&answer.body)})
}

fn is_anthropic(deployment: &Map<String, Value>) -> bool {
    deployment["model"].as_str().is_some_and(|model| model.starts_with("anthropic/"))
}

fn target<'a>(case: &Value, deployment: &'a Map<String, Value>) -> Target<'a> {
    let text = |key: &str| deployment[key].as_str().expect("a text in the deployment");
    Target {
        model: text("model").split_once('/').expect("a provider in front").1,
        api_base: text("api_base"),
        api_key: text("api_key"),
        parameters: deployment,
        drop_params: case["drop_params"].as_bool(),
    }
}

fn provider_outcome(answer: &Value, limit_seconds: f64, deployment: &Map<String, Value>) -> Outcome {
    if deployment["api_base"].as_str().is_some_and(|base| base.ends_with(":9") || base.contains(":9/")) {
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
    match (answer["failure"].as_str(), answer["cut"].as_u64()) {
        (Some("close"), _) => return Err(ProviderFailure::Closed),
        (Some(_), _) => return Err(ProviderFailure::Reset),
        (None, Some(cut)) => {
            return Err(ProviderFailure::CutLength { received_bytes: cut, expected_bytes: body.len() as u64 });
        }
        _ => {}
    }
    let mut headers: Vec<(String, String)> =
        pairs(&answer["headers"]).map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    headers.push(match answer["pieces"].is_array() {
        true => ("transfer-encoding".to_owned(), "chunked".to_owned()),
        false => ("content-length".to_owned(), body.len().to_string()),
    });
    Ok(ProviderResponse { status: answer["status"].as_u64().expect("a status") as u16, headers, body: body.into() })
}

/// The limit of the attempt, and how an error's header spells it.
fn timeout(case: &Value, asked: &ChatRequest, deployment: &Map<String, Value>) -> (f64, String) {
    let spelled = |seconds: f64| (seconds, transform::python::float_repr(seconds));
    let of = |key: &str| deployment.get(key).and_then(Value::as_f64).map(spelled);
    let given = |seconds: &Option<transform::proxy::chat_endpoints::endpoints::Seconds>| {
        seconds.as_ref().map(|seconds| (seconds.value, seconds.spelled.clone()))
    };
    let of_stream = || given(&asked.stream_timeout).or_else(|| of("stream_timeout"));
    let plain = || given(&asked.timeout).or_else(|| of("timeout"));
    let found = if asked.stream { of_stream().or_else(plain) } else { plain() };
    let of_settings = || case["request_timeout"].as_u64().map(|seconds| (seconds as f64, seconds.to_string()));
    found.or_else(of_settings).unwrap_or_else(|| spelled(TIMEOUT_SECONDS))
}

struct Played<'a> {
    case: &'a Value,
    table: &'a PriceTable,
    asked: &'a ChatRequest,
    deployment: &'a Map<String, Value>,
    target: Target<'a>,
    size: Option<usize>,
}

impl Played<'_> {
    fn completion(&self, outcome: &Outcome) -> Answered {
        let provider = outcome.as_ref().map_or(&[][..], |response| &response.headers);
        match self.response(outcome) {
            Ok(completion) => {
                let cost = completion.cost(provider, self.asked, &self.target, self.table);
                success(&completion, provider, &self.served(), cost)
            }
            Err(failure) => self.error(&failure, provider),
        }
    }

    fn response(&self, outcome: &Outcome) -> Result<ChatResponse, ChatFailure> {
        let outcome = outcome.as_ref();
        let (id, now) = self.recorded_completion();
        if is_anthropic(self.deployment) {
            let circumstances = Circumstances { fallback_id: &id, now };
            return anthropic::response(outcome, self.asked, &self.target, self.table, &circumstances);
        }
        openai::response(outcome, &self.target, &Circumstances { fallback_id: &id, now })
    }

    /// The id LiteLLM made up, or one of ours, and its clock.
    fn recorded_completion(&self) -> (String, i64) {
        let body = self.case["response"]["body"].as_str().unwrap_or_default();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        (uuid_of(&body), body["created"].as_i64().unwrap_or_default())
    }

    fn stream(&self, outcome: &Outcome, answer: &Value) -> Answered {
        let stream_refusal =
            if is_anthropic(self.deployment) { anthropic::stream_refusal } else { openai::stream_refusal };
        let response = match outcome {
            Ok(response) if stream_refusal(Ok(response), &self.target).is_none() => response,
            outcome => {
                let failure = stream_refusal(outcome.as_ref(), &self.target).expect("a refusal");
                return self.error(&failure, outcome.as_ref().map_or(&[][..], |response| &response.headers));
            }
        };
        let (id, created) = self.recorded_head();
        let mut stream = match is_anthropic(self.deployment) {
            true => Decoder::Anthropic(Box::new(AnthropicStream::new(
                self.asked,
                &self.target,
                self.table,
                &response.headers,
                &id,
                created,
            ))),
            false => {
                Decoder::OpenAi(Box::new(ChatStream::new(self.asked, &self.target, &response.headers, &id, created)))
            }
        };
        let mut pieces = pieces(answer);
        if let Some(size) = self.size {
            pieces = pieces.concat().chunks(size).map(<[u8]>::to_vec).collect();
        }
        let end = end_of(answer);
        let body = run(&mut stream, pieces.iter().map(Vec::as_slice), end.as_ref().map_or(Ok(()), Err), self.table);
        assert!(!stream.has_unknown_usage(), "{}: the usage is unknown", self.case["name"]);
        match body {
            Ok(body) => Answered { body: body.into(), ..stream_head(&response.headers, &self.served()) },
            Err(failure) => stream_failed(&failure, &response.headers, &self.served()),
        }
    }

    /// LiteLLM's clock, and the id it made up where the provider gave none.
    fn recorded_head(&self) -> (String, i64) {
        let body = self.case["response"]["body"].as_str().unwrap_or_default();
        let first = body.strip_prefix("data: ").and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
        let first: Value = serde_json::from_str(first).unwrap_or_default();
        (uuid_of(&first), first["created"].as_i64().unwrap_or_default())
    }

    fn failed(&self, timeout: &str, write: impl FnOnce(&GivenUp<'_>, &Failed<'_>) -> Answered) -> Answered {
        let given_up = GivenUp { model_group: &self.asked.model, retries: None };
        let failed =
            Failed { call_id: self.recorded("x-litellm-call-id"), timeout, is_cross_origin: self.is_cross_origin() };
        write(&given_up, &failed)
    }

    fn error(&self, failure: &ChatFailure, provider: &[(String, String)]) -> Answered {
        let (_, timeout) = timeout(self.case, self.asked, self.deployment);
        self.failed(&timeout, |given_up, failed| error(failure, given_up, provider, failed))
    }

    fn refused(&self, exception: &Exception) -> Answered {
        let (_, timeout) = timeout(self.case, self.asked, self.deployment);
        self.failed(&timeout, |given_up, failed| refused(exception, given_up, failed))
    }

    fn served(&self) -> Served<'_> {
        let number = |name: &str| self.recorded(name).parse().unwrap_or(0.0);
        Served {
            call_id: self.recorded("x-litellm-call-id"),
            model_group: &self.asked.model,
            model_id: self.recorded("x-litellm-model-id"),
            litellm_model: self.deployment["model"].as_str().unwrap_or_default(),
            api_base: self.target.api_base,
            duration_ms: number("x-litellm-response-duration-ms"),
            overhead_ms: number("x-litellm-overhead-duration-ms"),
            attempted_retries: 0,
            max_retries: 0,
            is_cross_origin: self.is_cross_origin(),
        }
    }

    /// What only the running proxy knows is taken from its recorded answer.
    fn recorded(&self, name: &str) -> &str {
        pairs(&self.case["response"]["headers"]).find(|(header, _)| *header == name).map_or("", |(_, value)| value)
    }

    fn is_cross_origin(&self) -> bool {
        pairs(&self.case["client"]["headers"]).any(|(name, _)| name == "origin")
    }
}

fn uuid_of(body: &Value) -> String {
    let id = body["id"].as_str().and_then(|id| id.strip_prefix("chatcmpl-")).filter(|id| id.len() == 36);
    id.unwrap_or("00000000-0000-4000-8000-000000000000").to_owned()
}

fn end_of(answer: &Value) -> Option<ProviderFailure> {
    match answer["end"].as_str() {
        Some("close") => Some(ProviderFailure::CutChunked),
        Some("reset") => Some(ProviderFailure::Reset),
        Some("hang") => Some(ProviderFailure::Timeout { limit_seconds: 0.4, taken_seconds: 0.4 }),
        _ => None,
    }
}

enum Decoder {
    Anthropic(Box<AnthropicStream>),
    OpenAi(Box<ChatStream>),
}

impl Decoder {
    fn push(&mut self, piece: &[u8], table: &PriceTable) -> Progress {
        match self {
            Self::Anthropic(stream) => stream.push(piece, table),
            Self::OpenAi(stream) => stream.push(piece, table),
        }
    }

    fn end(&mut self, end: Result<(), &ProviderFailure>, table: &PriceTable) -> Progress {
        match self {
            Self::Anthropic(stream) => stream.end(end, table),
            Self::OpenAi(stream) => stream.end(end, table),
        }
    }

    fn has_unknown_usage(&self) -> bool {
        match self {
            Self::Anthropic(stream) => stream.has_unknown_usage(),
            Self::OpenAi(stream) => stream.has_unknown_usage(),
        }
    }
}

/// The body of a stream, or why it never began.
fn run<'a>(
    stream: &mut Decoder,
    pieces: impl Iterator<Item = &'a [u8]>,
    end: Result<(), &ProviderFailure>,
    table: &PriceTable,
) -> Result<Vec<u8>, Exception> {
    let mut body = Vec::new();
    for piece in pieces {
        match stream.push(piece, table) {
            Progress::Held => {}
            Progress::Frames(frames) => body.extend_from_slice(&frames),
            Progress::Failed(exception) => return Err(exception),
        }
    }
    match stream.end(end, table) {
        Progress::Frames(frames) => body.extend_from_slice(&frames),
        Progress::Failed(exception) => return Err(exception),
        Progress::Held => unreachable!("a stream that ended holds nothing"),
    }
    Ok(body)
}

/// What a provider was scripted to send, piece by piece.
fn pieces(answer: &Value) -> Vec<Vec<u8>> {
    let piece = |piece: &Value| match piece["base64"].as_str() {
        Some(encoded) => base64::engine::general_purpose::STANDARD.decode(encoded).expect("base64"),
        None => piece.as_str().unwrap_or_default().as_bytes().to_vec(),
    };
    match answer["pieces"].as_array() {
        Some(pieces) => pieces.iter().map(piece).collect(),
        None => vec![bytes(answer)],
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
