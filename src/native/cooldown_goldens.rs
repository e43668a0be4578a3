//! Conversations about cooldowns recorded from LiteLLM 1.102.4, replayed on a virtual clock: the same deployments asked, the
//! same rests, the same answers.
//!
//! The recordings are in `tests/corpus/<route>_cooldowns`, their generator is `tests/oracle/cooldowns.py`.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Map, Value};
use transform::{ProviderFailure, ProviderRequest};

use super::effects::{
    Cooldowns, Effects, Opened, Tape, TapeEffects, TapeExchange, TapeFailure, TapeOutcome, TapePiece,
};
use super::{Answer, Body, ClientRequest, Native, answer, tests_support};
use crate::config::Deployment;
use crate::routes::Route;

/// Between two pieces of the recorded provider's streams.
const PIECE_MS: u64 = 20;

#[derive(Deserialize)]
struct Golden {
    name: String,
    settings: Map<String, Value>,
    model_list: Value,
    steps: Vec<Step>,
}

/// A request; if it was one of very many alike, the last of them.
#[derive(Deserialize)]
struct Step {
    #[serde(default = "once")]
    times: usize,
    /// When it came, in seconds of the Unix epoch.
    at: f64,
    /// The client broke the stream off at its first content.
    left: bool,
    client: Client,
    calls: Vec<Call>,
    response: Response,
    /// Requests while LiteLLM waited to ask again.
    #[serde(default)]
    during: Vec<Step>,
}

fn once() -> usize {
    1
}

#[derive(Deserialize)]
struct Client {
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Deserialize)]
struct Call {
    deployment: String,
    elapsed: f64,
    at: f64,
    gave_up: bool,
    answer: Value,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

#[test]
fn whom_litellm_rests_on_messages_the_native_leg_rests() {
    tests_support::check_all("tests/corpus/messages_cooldowns", |file| check(file, Route::Messages));
}

#[test]
fn whom_litellm_rests_on_chat_completions_the_native_leg_rests() {
    tests_support::check_all("tests/corpus/chat_completions_cooldowns", |file| check(file, Route::ChatCompletions));
}

#[test]
fn whom_litellm_rests_on_chat_completions_of_anthropic_the_native_leg_rests() {
    tests_support::check_all("tests/corpus/chat_anthropic_cooldowns", |file| check(file, Route::ChatCompletions));
}

fn check(file: &Path, route: Route) -> Vec<String> {
    let golden: Golden = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let is_of_anthropic = golden.model_list[0]["litellm_params"]["model"].as_str().unwrap().starts_with("anthropic/");
    let corpus = match route {
        Route::Messages => "messages",
        _ if is_of_anthropic => "chat_anthropic",
        _ => "chat",
    };
    let prices = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{corpus}/price_map.json"));
    let native = tests_support::recorded_native(&golden.model_list, &golden.settings, &std::fs::read(prices).unwrap());
    let begun = golden.steps.first().map_or(0.0, |step| step.at);
    let stand =
        Stand { route, is_of_anthropic, native: &native, cooldowns: &Arc::default(), start: Instant::now(), begun };
    let steps = golden.steps.iter().enumerate();
    let wrong = steps.flat_map(|(number, step)| {
        (0..step.times).flat_map(|_| stand.replay(step)).map(|what| (number, what)).collect::<Vec<_>>()
    });
    wrong.map(|(number, what)| format!("{} request {number}: {what}", golden.name)).collect()
}

/// What the requests of one conversation share.
#[derive(Clone, Copy)]
struct Stand<'a> {
    route: Route,
    is_of_anthropic: bool,
    native: &'a Native,
    cooldowns: &'a Arc<Cooldowns>,
    /// Of the virtual clock, at `begun` of the recording.
    start: Instant,
    begun: f64,
}

impl Stand<'_> {
    fn replay(&self, step: &Step) -> Vec<String> {
        let received = self.start + Duration::from_secs_f64(step.at - self.begun);
        let tape = Tape { exchanges: self.exchanges(step) };
        let recorded: Vec<String> = tape.exchanges.iter().map(|exchange| exchange.deployment_id.clone()).collect();
        let mut effects = Remembering {
            tape: TapeEffects::new(tape, received, UNIX_EPOCH + Duration::from_secs_f64(step.at)),
            stand: *self,
            during: &step.during,
            wrong: Vec::new(),
        };
        let request = client_request(self.route, step, received);
        let answered = match answer(self.native, &request, &mut effects).now_or_never().unwrap() {
            Ok(answered) => answered,
            Err(decline) => return vec![format!("declined: {}", decline.reason())],
        };
        let answered = if step.left { leave(answered) } else { whole(answered) };
        let mut wrong = std::mem::take(&mut effects.wrong);
        let asked: Vec<&str> = effects.tape.asked().iter().map(|asked| asked.deployment_id.as_str()).collect();
        if asked != recorded || effects.tape.tape_exhausted() {
            wrong.push(format!("asked {asked:?}, LiteLLM {recorded:?}"));
        }
        wrong.extend(compare(step, &answered, |id| self.knows(id)));
        wrong.extend(self.compare_in_shadow(step, received).into_iter().map(|what| format!("in shadow: {what}")));
        wrong
    }

    /// The same request on its tape alone, which remembers nothing: the control says who was left to be asked.
    fn compare_in_shadow(&self, step: &Step, received: Instant) -> Vec<String> {
        // Nothing to compare, as in `shadow/worker.rs`.
        if step.calls.is_empty() || step.left || step.response.body.contains("No deployments available") {
            return Vec::new();
        }
        let tape = Tape { exchanges: self.exchanges(step) };
        let mut effects = TapeEffects::new(tape, received, UNIX_EPOCH + Duration::from_secs_f64(step.at));
        let answered =
            answer(self.native, &client_request(self.route, step, received), &mut effects).now_or_never().unwrap();
        let mut wrong = compare(step, &whole(answered.unwrap()), |id| self.knows(id));
        if effects.tape_exhausted() || effects.unplayed() > 0 || effects.foreign_choice() {
            wrong.push(format!("asked {} times, {} unplayed", effects.asked().len(), effects.unplayed()));
        }
        wrong
    }

    /// The provider's answers in order. A deployment at a dead address was asked, and nobody recorded it: twice, but by
    /// OpenAI's client.
    fn exchanges(&self, step: &Step) -> Vec<TapeExchange> {
        let asked: Value = serde_json::from_str(&step.client.body).unwrap();
        let said = ["Connect call failed", "Connection error."];
        let is_refused = step.calls.is_empty() && said.iter().any(|words| step.response.body.contains(words));
        let deployments = self.native.config.deployments.iter();
        let dead = deployments.filter(|one| one.model_name == asked["model"] && is_refused);
        let sends = if self.is_of_anthropic { 2 } else { 1 };
        let refused = dead.take(1).flat_map(|one| {
            let outcome = TapeOutcome::Failure(TapeFailure::Refused { host: "127.0.0.1".into(), port: 9 });
            vec![TapeExchange { deployment_id: one.id.clone(), outcome, elapsed_ms: 0, at_unix_ms: 0 }; sends]
        });
        step.calls.iter().map(exchange).chain(refused).collect()
    }

    /// Conversations shared a LiteLLM, which tells of all that rest.
    fn knows(&self, id: &str) -> bool {
        self.native.config.deployments.iter().any(|one| one.id == id)
    }
}

type Streamed = Answer<Body<<TapeEffects as Effects>::Stream>>;

fn whole(answered: Streamed) -> Answer {
    answered.whole(usize::MAX).now_or_never().unwrap().unwrap()
}

fn leave(answered: Streamed) -> Answer {
    answered.map(|body| {
        if let Body::Stream(mut stream) = body {
            stream.next().now_or_never().unwrap().unwrap();
        }
        Bytes::new()
    })
}

/// A tape to answer from, beside a memory of failures: what serving has, on a virtual clock.
struct Remembering<'a> {
    tape: TapeEffects,
    stand: Stand<'a>,
    during: &'a [Step],
    wrong: Vec<String>,
}

impl Effects for Remembering<'_> {
    type Stream = <TapeEffects as Effects>::Stream;

    async fn open(
        &mut self,
        deployment: &Deployment,
        request: &ProviderRequest,
        limit: Duration,
    ) -> Result<Opened<Self::Stream>, ProviderFailure> {
        self.tape.open(deployment, request, limit).await
    }

    fn waited(&self) -> Duration {
        self.tape.waited()
    }

    fn add_wait(&mut self, waited: Duration) {
        self.tape.add_wait(waited);
    }

    fn now(&self) -> Instant {
        // LiteLLM's first requests take seconds before they reach a provider, so the recording's own clock counts.
        let wall = self.tape.wall().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let since = Duration::from_secs_f64((wall - self.stand.begun).max(0.0));
        self.stand.start + since + self.tape.slept_after_last()
    }

    fn wall(&self) -> SystemTime {
        self.tape.wall()
    }

    async fn sleep(&mut self, duration: Duration) {
        for step in std::mem::take(&mut self.during) {
            self.wrong.extend(self.stand.replay(step));
        }
        self.tape.sleep(duration).await;
    }

    fn draw(&mut self) -> f64 {
        self.tape.draw()
    }

    /// Who has all the weight; only where nobody has, the recording decides.
    fn choose(&mut self, candidates: &[&Deployment], weights: &[f64]) -> usize {
        let heavy: Vec<usize> = (0..weights.len()).filter(|index| weights[*index] > 0.0).collect();
        match heavy.as_slice() {
            [only] => *only,
            _ => self.tape.choose(candidates, weights),
        }
    }

    fn cooldowns(&self) -> Option<&Arc<Cooldowns>> {
        Some(self.stand.cooldowns)
    }

    fn client_left(&self) -> impl Future<Output = ()> + Send + 'static {
        std::future::pending()
    }

    fn control_next(&self) -> Option<&str> {
        None
    }
}

fn client_request(route: Route, step: &Step, received: Instant) -> ClientRequest {
    let headers = step.client.headers.iter();
    let headers: HeaderMap = headers
        .map(|(name, value)| (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap()))
        .collect();
    ClientRequest {
        route,
        method: Method::POST,
        path: step.client.path.clone(),
        headers,
        body: Bytes::from(step.client.body.clone()),
        received,
        call_id: "call".to_owned(),
    }
}

fn exchange(call: &Call) -> TapeExchange {
    let outcome = match call.answer["failure"].as_str() {
        _ if call.gave_up => TapeOutcome::Failure(TapeFailure::Timeout),
        Some("reset") => TapeOutcome::Failure(TapeFailure::Reset),
        Some(_) => TapeOutcome::Failure(TapeFailure::Closed),
        None => response(&call.answer),
    };
    // A stream's own time is in its pieces.
    let elapsed = if call.answer["pieces"].is_array() { 0.0 } else { call.elapsed };
    TapeExchange {
        deployment_id: call.deployment.clone(),
        outcome,
        elapsed_ms: (elapsed * 1000.0) as u64,
        at_unix_ms: (call.at * 1000.0) as u64,
    }
}

fn response(answer: &Value) -> TapeOutcome {
    let headers = answer["headers"].as_array().unwrap().iter().map(|pair| {
        let text = |index: usize| pair[index].as_str().unwrap();
        (text(0).to_lowercase(), text(1).to_owned())
    });
    let mut headers: Vec<(String, String)> = headers.collect();
    let texts: Vec<&str> = match answer["pieces"].as_array() {
        Some(pieces) => pieces.iter().map(|piece| piece.as_str().unwrap()).collect(),
        None => vec![answer["body"].as_str().unwrap()],
    };
    let body = texts.concat();
    let is_stream = answer["pieces"].is_array();
    headers.push(match is_stream {
        true => ("transfer-encoding".to_owned(), "chunked".to_owned()),
        false => ("content-length".to_owned(), body.len().to_string()),
    });
    let times = (1..).map(|number| number * PIECE_MS);
    let pieces = texts.iter().zip(times).map(|(piece, at_ms)| TapePiece { bytes: piece.len(), at_ms });
    let cut = match answer["end"].as_str() {
        Some("close") => Some(TapeFailure::CutChunked),
        Some("reset") => Some(TapeFailure::ResetInBody { received_bytes: 0, expected_bytes: None }),
        Some("hang") => Some(TapeFailure::Timeout),
        _ => None,
    };
    TapeOutcome::Response {
        status: u16::try_from(answer["status"].as_u64().unwrap()).unwrap(),
        headers,
        body: body.into(),
        pieces: if is_stream { pieces.collect() } else { Vec::new() },
        cut,
    }
}

fn compare(step: &Step, answered: &Answer, is_known: impl Fn(&str) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    if answered.status != step.response.status {
        wrong.push(format!("status {}, LiteLLM {}", answered.status, step.response.status));
    }
    if step.left {
        return wrong;
    }
    let body = String::from_utf8(answered.body.to_vec()).unwrap();
    if steady(&body) != own_alone(&steady(&step.response.body), is_known) {
        wrong.push(format!("body {body}\n   LiteLLM {}", step.response.body));
    }
    let (ours, theirs) = (comparable(&tests_support::owned(&answered.headers)), comparable(&step.response.headers));
    if ours != theirs {
        wrong.push(format!("headers {ours:?}\n   LiteLLM {theirs:?}"));
    }
    wrong
}

/// Without times, and without the length, which follows from the body.
fn comparable(headers: &[(String, String)]) -> Vec<String> {
    let kept = headers.iter().filter(|(name, _)| !["content-length", "transfer-encoding"].contains(&name.as_str()));
    let steady =
        |name: &str, value: &str| if name.ends_with("-duration-ms") { "*".to_owned() } else { value.to_owned() };
    kept.map(|(name, value)| format!("{name}: {}", steady(name, value))).collect()
}

/// Without addresses of objects, elapsed times, the time of a stream and ids made up.
fn steady(text: &str) -> String {
    ["object at 0x", "time taken=", "\"created\":", "\"chatcmpl-"].iter().fold(text.to_owned(), |text, before| {
        let mut parts = text.split(before);
        let first = parts.next().unwrap_or_default().to_owned();
        let varying = |character: char| character.is_ascii_hexdigit() || matches!(character, '.' | '-');
        parts.fold(first, |whole, part| whole + before + part.trim_start_matches(varying))
    })
}

/// Without the resting deployments of other conversations.
fn own_alone(text: &str, is_known: impl Fn(&str) -> bool) -> String {
    const LIST: &str = "cooldown_list=[";
    let Some((before, list, after)) = text.split_once(LIST).and_then(|(before, rest)| {
        let (list, after) = rest.split_once(']')?;
        Some((before, list, after))
    }) else {
        return text.to_owned();
    };
    let own: Vec<&str> = list.split(", ").filter(|id| is_known(id.trim_matches('\''))).collect();
    format!("{before}{LIST}{}]{after}", own.join(", "))
}
