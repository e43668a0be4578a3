//! Runs one recorded case of `/v1/messages` through the crate, as a host with one attempt and no network would.

use base64::Engine as _;
use serde_json::{Map, Value, json};
use transform::cost_calculator::PriceTable;
use transform::cost_calculator::anthropic::message_cost;
use transform::llms::anthropic::experimental_pass_through::messages::streaming_iterator::{MessageStream, Progress};
use transform::llms::anthropic::experimental_pass_through::messages::transformation::{
    Target, outbound, response, second_request, stream_refusal,
};
use transform::proxy::anthropic_endpoints::answers::{Failed, Served, error, stream_failed, stream_head, success};
use transform::proxy::anthropic_endpoints::endpoints::{MessagesRequest, parse};
use transform::proxy::common_request_processing::GivenUp;
use transform::{Answered, Decline, Exception, ProviderFailure, ProviderRequest, ProviderResponse};

/// LiteLLM's default, where neither request nor deployment says anything.
const TIMEOUT_SECONDS: f64 = 600.0;

type Outcome = Result<ProviderResponse, ProviderFailure>;

/// What the crate makes of a case, in the words of a recording: `{"declined"}` or `{"provider", "response"}`.
pub fn outcome(case: &Value, table: &PriceTable) -> Value {
    match play(case, table) {
        Ok(played) => played,
        Err(decline) => json!({"declined": decline.reason()}),
    }
}

fn play(case: &Value, table: &PriceTable) -> Result<Value, Decline> {
    let headers: Vec<(&str, &str)> =
        pairs(&case["client"]["headers"]).filter(|(name, _)| *name != "authorization").collect();
    let asked = parse(&bytes(&case["client"]), &headers)?;
    let deployment = case["deployment"].as_object().cloned().unwrap_or_default();
    let target = target(case, &deployment);
    let mut sent = match outbound(&asked, &target, table)? {
        Ok(sent) => vec![sent],
        Err(exception) => {
            let played = Played { case, table, asked: &asked, deployment: &deployment, target };
            return Ok(json!({"provider": [], "response": client_view(&played.error(&exception))}));
        }
    };
    let mut answer = &case["answers"][0];
    let mut outcome = provider_outcome(answer, &asked, &deployment);
    if let Ok(refused) = &outcome
        && let Some(again) = second_request(&asked, &target, table, refused)
    {
        sent.push(again);
        answer = &case["answers"][1];
        outcome = provider_outcome(answer, &asked, &deployment);
    }
    let played = Played { case, table, asked: &asked, deployment: &deployment, target };
    let answered = if asked.stream { played.stream(&outcome, answer) } else { played.message(&outcome) };
    let provider: Vec<Value> = sent.iter().map(provider_view).collect();
    Ok(json!({"provider": provider, "response": client_view(&answered)}))
}

fn provider_view(sent: &ProviderRequest) -> Value {
    let path = sent.url.splitn(4, '/').nth(3).map_or_else(String::new, |path| format!("/{path}"));
    json!({"method": sent.method, "path": path, "headers": sent.headers, "body": String::from_utf8_lossy(&sent.body)})
}

fn client_view(answer: &Answered) -> Value {
    json!({"status": answer.status, "headers": answer.headers, "body": String::from_utf8_lossy(&answer.body)})
}

fn target<'a>(case: &Value, deployment: &'a Map<String, Value>) -> Target<'a> {
    let text = |key: &str| deployment[key].as_str().expect("a text in the deployment");
    Target {
        model: text("model").trim_start_matches("anthropic/"),
        api_base: text("api_base"),
        api_key: text("api_key"),
        parameters: deployment,
        drop_params: case["drop_params"].as_bool(),
    }
}

fn provider_outcome(answer: &Value, asked: &MessagesRequest, deployment: &Map<String, Value>) -> Outcome {
    let limit_seconds = timeout(asked, deployment);
    if deployment["api_base"].as_str().is_some_and(|base| base.ends_with(":9")) {
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

fn timeout(asked: &MessagesRequest, deployment: &Map<String, Value>) -> f64 {
    let of_stream = || asked.stream_timeout_seconds.or_else(|| deployment.get("stream_timeout")?.as_f64());
    let plain = || plain_timeout(asked, deployment);
    if asked.stream { of_stream().or_else(plain) } else { plain() }.unwrap_or(TIMEOUT_SECONDS)
}

fn plain_timeout(asked: &MessagesRequest, deployment: &Map<String, Value>) -> Option<f64> {
    asked.timeout_seconds.or_else(|| deployment.get("timeout")?.as_f64())
}

struct Played<'a> {
    case: &'a Value,
    table: &'a PriceTable,
    asked: &'a MessagesRequest,
    deployment: &'a Map<String, Value>,
    target: Target<'a>,
}

impl Played<'_> {
    fn message(&self, outcome: &Outcome) -> Answered {
        match response(outcome.as_ref(), self.target.model) {
            Ok(message) => {
                let cost = message_cost(self.table, message.body(), self.target.model);
                success(&message, &self.served(), cost)
            }
            Err(exception) => self.error(&exception),
        }
    }

    fn stream(&self, outcome: &Outcome, answer: &Value) -> Answered {
        let response = match outcome {
            Ok(response) if stream_refusal(Ok(response), self.target.model).is_none() => response,
            outcome => {
                let exception = stream_refusal(outcome.as_ref(), self.target.model).expect("a refusal");
                return self.error(&exception);
            }
        };
        let mut stream = MessageStream::new(self.target.model, &self.asked.model, &response.headers);
        let whole = bytes(answer);
        let listed = answer["pieces"].as_array();
        let pieces: Vec<&[u8]> = listed.map_or_else(
            || vec![&whole[..]],
            |pieces| pieces.iter().map(|piece| piece.as_str().unwrap_or_default().as_bytes()).collect(),
        );
        match run(&mut stream, pieces.into_iter(), end_of(answer).as_ref().map_or(Ok(()), Err)) {
            Ok(body) => Answered { body: body.into(), ..stream_head(&response.headers, &self.served()) },
            Err(failure) => stream_failed(&failure, &response.headers, &self.served()),
        }
    }

    fn error(&self, exception: &Exception) -> Answered {
        let given_up = GivenUp { model_group: &self.asked.model, retries: None };
        let failed = Failed {
            call_id: self.recorded("x-litellm-call-id"),
            model_id: self.recorded("x-litellm-model-id"),
            timeout_seconds: plain_timeout(self.asked, self.deployment).unwrap_or(TIMEOUT_SECONDS),
            request_id: self.asked.request_id.as_deref(),
            is_cross_origin: self.is_cross_origin(),
        };
        error(exception, &given_up, &failed)
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

fn end_of(answer: &Value) -> Option<ProviderFailure> {
    match answer["end"].as_str() {
        Some("close") => Some(ProviderFailure::CutChunked),
        Some("reset") => Some(ProviderFailure::Reset),
        Some("hang") => Some(ProviderFailure::Timeout { limit_seconds: 0.4, taken_seconds: 0.4 }),
        _ => None,
    }
}

/// The body of a stream, or why it never began.
pub fn run<'a>(
    stream: &mut MessageStream,
    pieces: impl Iterator<Item = &'a [u8]>,
    end: Result<(), &ProviderFailure>,
) -> Result<Vec<u8>, Exception> {
    let mut body = Vec::new();
    for piece in pieces {
        match stream.push(piece) {
            Progress::Held => {}
            Progress::Frames(frames) => body.extend_from_slice(&frames),
            Progress::Failed(exception) => return Err(exception),
        }
    }
    match stream.end(end) {
        Progress::Frames(frames) => body.extend_from_slice(&frames),
        Progress::Failed(exception) => return Err(exception),
        Progress::Held => unreachable!("a stream that ended holds nothing"),
    }
    Ok(body)
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
