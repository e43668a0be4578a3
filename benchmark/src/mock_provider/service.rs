//! A request's way through the mock: control endpoint, scripted case, or the ready-made answer of its path.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::body::{Broken, Part, Reply};
use crate::connection::Fate;
use crate::script::{Answer, Case, Cases, Drip, Progress, Seen, Step, Witness, unix_seconds};
use crate::{completions, control, documents, realtime};

/// Largest body kept for a test to read back; of larger ones only length and digest stay.
const KEPT_BODY_LIMIT: usize = 4 << 20;

/// How unscripted answers are given.
#[derive(Debug)]
pub struct Behaviour {
    /// Keep unscripted requests too, in the case `default`.
    pub record: bool,
    /// Before every head.
    pub latency: Duration,
    /// Between the events of a stream.
    pub pace: Duration,
    /// Text events in a stream.
    pub events: usize,
}

/// The mock itself.
pub struct Provider {
    pub cases: Cases,
    behaviour: Behaviour,
    documents: documents::Library,
    connections: AtomicU64,
    requests: AtomicU64,
}

/// A body as it arrived: `kept` is empty when it was larger than [`KEPT_BODY_LIMIT`].
struct Arrived {
    kept: Bytes,
    length: u64,
    digest: Option<String>,
}

impl Provider {
    /// Makes every ready-made answer once.
    pub fn new(behaviour: Behaviour) -> Self {
        Self {
            cases: Cases::default(),
            documents: documents::Library::new(),
            behaviour,
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        }
    }

    /// A number for a new connection.
    pub fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Requests answered so far, control requests not counted.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Answers one request; the error is a script that breaks the connection.
    pub async fn answer(
        &self,
        mut request: Request<Incoming>,
        connection: u64,
        fate: Arc<Fate>,
    ) -> Result<Response<Reply>, Broken> {
        if request.uri().path().starts_with("/__") {
            return Ok(control::answer(self, request).await);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let (name, path) = case_of(&request, self.behaviour.record);
        let case = name.and_then(|name| self.cases.named(&name));
        if realtime::is_upgrade(&request) {
            let (answer, witness) = match &case {
                Some(case) => case.arrive(seen(&request, &path, connection, &Arrived::empty())),
                None => (None, None),
            };
            return Ok(match answer.filter(|answer| answer.status.is_some()) {
                Some(refusal) => head(
                    &refusal,
                    Reply::whole(scripted_bytes(&refusal).unwrap_or_default()).witnessed(witness),
                ),
                None => realtime::accept(&mut request, witness),
            });
        }
        let arrived = read(&mut request, case.is_some() || path.ends_with("/sink")).await?;
        let Some(case) = case else {
            return Ok(self.ready_made(&path, &arrived, None).await);
        };
        let (answer, witness) = case.arrive(seen(&request, &path, connection, &arrived));
        match answer {
            Some(answer) => {
                self.scripted(&case, answer, &path, &arrived, witness, &fate)
                    .await
            }
            None => Ok(self.ready_made(&path, &arrived, witness).await),
        }
    }

    /// The answer that the path gets when nothing is scripted.
    async fn ready_made(
        &self,
        path: &str,
        arrived: &Arrived,
        witness: Option<Witness>,
    ) -> Response<Reply> {
        if !self.behaviour.latency.is_zero() {
            tokio::time::sleep(self.behaviour.latency).await;
        }
        let route = path.split('?').next().unwrap_or(path);
        if route.ends_with("/ocr") {
            return json(self.documents.document(&arrived.kept)).witnessed_by(witness);
        }
        if route.ends_with("/sink") {
            let text = format!(
                "{{\"bytes\":{},\"sha256\":\"{}\"}}",
                arrived.length,
                arrived.digest.as_deref().unwrap_or("")
            );
            return json(Bytes::from(text)).witnessed_by(witness);
        }
        if let Some(size) = route
            .rsplit_once("/blob/")
            .and_then(|(_, size)| size.parse::<usize>().ok())
        {
            return blob(size, witness);
        }
        match completions::answer(route, &arrived.kept, self.behaviour.events) {
            Some(completions::Completion::Whole(bytes)) => json(bytes).witnessed_by(witness),
            Some(completions::Completion::Stream(events)) => {
                stream(events, self.behaviour.pace, witness)
            }
            None => {
                let mut response = json(Bytes::from_static(b"{\"error\":{\"message\":\"the mock has no such path\",\"type\":\"not_found\"}}"));
                *response.status_mut() = StatusCode::NOT_FOUND;
                response.witnessed_by(witness)
            }
        }
    }

    /// Does what the script says for this attempt.
    async fn scripted(
        &self,
        case: &Arc<Case>,
        answer: Arc<Answer>,
        path: &str,
        arrived: &Arrived,
        witness: Option<Witness>,
        fate: &Fate,
    ) -> Result<Response<Reply>, Broken> {
        if answer.delay > 0.0 {
            tokio::time::sleep(seconds(answer.delay)).await;
        }
        if let Some(gate) = &answer.gate {
            case.pass_gate(gate).await;
        }
        let breaks_midway = answer.cut.is_some() || answer.steps.is_some();
        if answer.reset {
            fate.reset();
        }
        if answer.close || (answer.reset && !breaks_midway) {
            return Err(Broken);
        }
        if answer.steps.is_some() {
            let body = play(Arc::clone(case), Arc::clone(&answer));
            return Ok(head(&answer, body.witnessed(witness)));
        }
        let Some(bytes) = scripted_bytes(&answer) else {
            let mut response = self.ready_made(path, arrived, witness).await;
            *response.status_mut() = status(&answer);
            add_headers(&answer, &mut response);
            return Ok(response);
        };
        let body = match (answer.cut, &answer.drip) {
            (Some(at), _) => cut(bytes, at),
            (None, Some(drip)) => dripping(bytes, drip, answer.chunked),
            (None, None) if answer.chunked => dripping(
                bytes,
                &Drip {
                    bytes: usize::MAX,
                    every: 0.0,
                },
                true,
            ),
            (None, None) => Reply::whole(bytes),
        };
        Ok(head(&answer, body.witnessed(witness)))
    }
}

/// Lets a witness see the end of a finished response.
trait WitnessedBy {
    fn witnessed_by(self, witness: Option<Witness>) -> Self;
}

impl WitnessedBy for Response<Reply> {
    fn witnessed_by(self, witness: Option<Witness>) -> Self {
        self.map(|body| body.witnessed(witness))
    }
}

impl Arrived {
    fn empty() -> Self {
        Self {
            kept: Bytes::new(),
            length: 0,
            digest: None,
        }
    }
}

/// The case a request belongs to and its path without the case's prefix.
fn case_of(request: &Request<Incoming>, record: bool) -> (Option<String>, String) {
    let full = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    if let Some((name, rest)) = full
        .strip_prefix("/s/")
        .and_then(|rest| rest.split_once('/'))
    {
        return (Some(name.to_owned()), format!("/{rest}"));
    }
    let header = request
        .headers()
        .get("x-mock-case")
        .and_then(|value| value.to_str().ok());
    (
        header
            .map(str::to_owned)
            .or_else(|| record.then(|| "default".to_owned())),
        full.to_owned(),
    )
}

/// Reads the whole body; keeps it if it is not too large, digests it if `digest`.
async fn read(request: &mut Request<Incoming>, digest: bool) -> Result<Arrived, Broken> {
    let body = request.body_mut();
    let mut hasher = digest.then(Sha256::new);
    let mut first: Option<Bytes> = None;
    let mut kept = BytesMut::new();
    let mut length = 0_u64;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Broken)?.into_data() else {
            continue;
        };
        length += data.len() as u64;
        if let Some(hasher) = &mut hasher {
            hasher.update(&data);
        }
        // One frame is the common case and needs no copy.
        match first.take() {
            None if kept.is_empty() && length == data.len() as u64 => first = Some(data),
            earlier => {
                if let Some(earlier) = earlier {
                    kept.extend_from_slice(&earlier);
                }
                if length <= KEPT_BODY_LIMIT as u64 {
                    kept.extend_from_slice(&data);
                }
            }
        }
    }
    let kept = first.unwrap_or_else(|| kept.freeze());
    let kept = if length > KEPT_BODY_LIMIT as u64 {
        Bytes::new()
    } else {
        kept
    };
    Ok(Arrived {
        kept,
        length,
        digest: hasher.map(|hasher| hexadecimal(&hasher.finalize())),
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The record of a request.
fn seen(request: &Request<Incoming>, path: &str, connection: u64, arrived: &Arrived) -> Seen {
    let text = std::str::from_utf8(&arrived.kept).ok();
    Seen {
        number: 0,
        at: unix_seconds(),
        version: format!("{:?}", request.version()),
        connection,
        method: request.method().to_string(),
        path: path.to_owned(),
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body: text.map(str::to_owned),
        body_base64: text.is_none().then(|| BASE64.encode(&arrived.kept)),
        body_bytes: arrived.length,
        body_sha256: arrived.digest.clone().unwrap_or_default(),
        progress: Progress::Open,
    }
}

/// An `application/json` answer.
pub fn json(bytes: Bytes) -> Response<Reply> {
    let mut response = Response::new(Reply::whole(bytes));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn stream(events: Vec<Bytes>, pace: Duration, witness: Option<Witness>) -> Response<Reply> {
    let (sender, parts) = mpsc::channel(1);
    tokio::spawn(async move {
        for (position, event) in events.into_iter().enumerate() {
            if position > 0 && !pace.is_zero() {
                tokio::time::sleep(pace).await;
            }
            if sender.send(Part::Bytes(event)).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::new(Reply::Parts {
        parts,
        length: None,
        breaking: false,
        witness,
    });
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    response
}

fn blob(size: usize, witness: Option<Witness>) -> Response<Reply> {
    const PORTION: usize = 64 << 10;
    let (sender, parts) = mpsc::channel(1);
    tokio::spawn(async move {
        let portion = Bytes::from(vec![b'b'; PORTION.min(size)]);
        let mut left = size;
        while left > 0 {
            let next = portion.slice(..portion.len().min(left));
            left -= next.len();
            if sender.send(Part::Bytes(next)).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::new(Reply::Parts {
        parts,
        length: Some(size as u64),
        breaking: false,
        witness,
    });
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(size));
    response
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}

fn status(answer: &Answer) -> StatusCode {
    answer
        .status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK)
}

fn scripted_bytes(answer: &Answer) -> Option<Bytes> {
    if let Some(body) = &answer.body {
        return Some(Bytes::from(body.get().to_owned()));
    }
    if let Some(text) = &answer.text {
        return Some(Bytes::from(text.clone()));
    }
    answer
        .base64
        .as_ref()
        .map(|text| Bytes::from(BASE64.decode(text).unwrap_or_default()))
}

fn add_headers(answer: &Answer, response: &mut Response<Reply>) {
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::from_bytes(value.as_bytes()),
        ) {
            if name == CONTENT_TYPE {
                response.headers_mut().insert(name, value);
            } else {
                response.headers_mut().append(name, value);
            }
        }
    }
}

fn head(answer: &Answer, body: Reply) -> Response<Reply> {
    let promised = match &body {
        Reply::Parts {
            length: Some(length),
            ..
        } => Some(*length),
        Reply::Parts { .. } | Reply::Whole { .. } => None,
    };
    let mut response = Response::new(body);
    *response.status_mut() = status(answer);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(length) = promised {
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    add_headers(answer, &mut response);
    // An empty content-type in a script means: send none.
    if response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(HeaderValue::is_empty)
    {
        response.headers_mut().remove(CONTENT_TYPE);
    }
    response
}

/// Promises all of `bytes` and breaks after `at` of them.
fn cut(bytes: Bytes, at: usize) -> Reply {
    let (sender, parts) = mpsc::channel(2);
    let length = Some(bytes.len() as u64);
    let beginning = bytes.slice(..at.min(bytes.len()));
    if !beginning.is_empty() {
        let _ = sender.try_send(Part::Bytes(beginning));
    }
    let _ = sender.try_send(Part::Break);
    Reply::Parts {
        parts,
        length,
        breaking: false,
        witness: None,
    }
}

fn dripping(bytes: Bytes, drip: &Drip, chunked: bool) -> Reply {
    let (sender, parts) = mpsc::channel(1);
    let length = (!chunked).then_some(bytes.len() as u64);
    let (portion, every) = (drip.bytes.max(1), seconds(drip.every));
    tokio::spawn(async move {
        let mut rest = bytes;
        while !rest.is_empty() {
            let next = rest.split_to(portion.min(rest.len()));
            if sender.send(Part::Bytes(next)).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = sender.closed() => return,
            }
        }
    });
    Reply::Parts {
        parts,
        length,
        breaking: false,
        witness: None,
    }
}

/// Plays the steps of `answer` into a body.
fn play(case: Arc<Case>, answer: Arc<Answer>) -> Reply {
    let (sender, parts) = mpsc::channel(1);
    tokio::spawn(async move {
        for step in answer.steps.iter().flatten() {
            let went_on = match step {
                Step::Send(text) => sender
                    .send(Part::Bytes(Bytes::from(text.clone())))
                    .await
                    .is_ok(),
                Step::Break => sender.send(Part::Break).await.is_ok(),
                Step::Delay(value) => tokio::select! {
                    () = tokio::time::sleep(seconds(*value)) => true,
                    () = sender.closed() => false,
                },
                Step::Gate(name) => tokio::select! {
                    () = case.pass_gate(name) => true,
                    () = sender.closed() => false,
                },
            };
            if !went_on {
                return;
            }
        }
    });
    Reply::Parts {
        parts,
        length: None,
        breaking: false,
        witness: None,
    }
}
