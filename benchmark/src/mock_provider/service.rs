//! A request's way through the mock: control endpoint, scripted case, or the ready-made answer of its path.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::sync::mpsc;

use crate::arrival::{Arrived, case_of, read, seen};
use crate::body::{Broken, Part, Reply};
use crate::connection::Fate;
use crate::playing::{add_headers, cut, dripping, head, play, scripted_bytes, seconds, status};
use crate::script::{Answer, Case, Cases, Drip, Witness};
use crate::{completions, control, documents, realtime};

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
                Some(refusal) => {
                    head(&refusal, Reply::whole(scripted_bytes(&refusal).unwrap_or_default()).witnessed(witness))
                }
                None => realtime::accept(&mut request, witness),
            });
        }
        let arrived = read(&mut request, case.is_some() || path.ends_with("/sink")).await?;
        let Some(case) = case else {
            return Ok(self.ready_made(&path, &arrived, None).await);
        };
        let (answer, witness) = case.arrive(seen(&request, &path, connection, &arrived));
        match answer {
            Some(answer) => self.scripted(&case, answer, &path, &arrived, witness, &fate).await,
            None => Ok(self.ready_made(&path, &arrived, witness).await),
        }
    }

    /// The answer that the path gets when nothing is scripted.
    async fn ready_made(&self, path: &str, arrived: &Arrived, witness: Option<Witness>) -> Response<Reply> {
        if !self.behaviour.latency.is_zero() {
            tokio::time::sleep(self.behaviour.latency).await;
        }
        let route = path.split('?').next().unwrap_or(path);
        if route.ends_with("/ocr") {
            return json(self.documents.document(&arrived.kept)).witnessed_by(witness);
        }
        if route.ends_with("/sink") {
            let text =
                format!("{{\"bytes\":{},\"sha256\":\"{}\"}}", arrived.length, arrived.digest.as_deref().unwrap_or(""));
            return json(Bytes::from(text)).witnessed_by(witness);
        }
        if let Some(size) = route.rsplit_once("/blob/").and_then(|(_, size)| size.parse::<usize>().ok()) {
            return blob(size, witness);
        }
        match completions::answer(route, &arrived.kept, self.behaviour.events) {
            Some(completions::Completion::Whole(bytes)) => json(bytes).witnessed_by(witness),
            Some(completions::Completion::Stream(events)) => stream(events, self.behaviour.pace, witness),
            None => {
                let mut response = json(Bytes::from_static(
                    b"{\"error\":{\"message\":\"the mock has no such path\",\"type\":\"not_found\"}}",
                ));
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
            (None, None) if answer.chunked => dripping(bytes, &Drip { bytes: usize::MAX, every: 0.0 }, true),
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

/// An `application/json` answer.
pub fn json(bytes: Bytes) -> Response<Reply> {
    let mut response = Response::new(Reply::whole(bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
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
    let mut response = Response::new(Reply::Parts { parts, length: None, breaking: false, witness });
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
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
    let mut response = Response::new(Reply::Parts { parts, length: Some(size as u64), breaking: false, witness });
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(size));
    response
}
