//! The tap in replay: answers LiteLLM's provider requests from the tapes of cases, and calls no provider.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::native::{Tape, TapeExchange, TapeFailure, TapeOutcome};
use crate::python::headers;
use crate::shadow::pair::{RecordedCall, list};
use crate::tap::{TAPE_HEADER, Targets};

type PlayedBody = UnsyncBoxBody<Bytes, PlayedCut>;

/// The body ends here, as it did on the tape.
#[derive(Debug, thiserror::Error)]
#[error("the tape cuts the answer here")]
pub struct PlayedCut;

/// The connection ends without an answer, as it did on the tape.
#[derive(Debug, thiserror::Error)]
#[error("the tape has no answer here")]
struct NoAnswer;

/// Enough for a piece to be read by itself; the times on the tape are the native leg's alone.
const BETWEEN_PIECES: Duration = Duration::from_millis(2);
const BEFORE_A_CUT: Duration = Duration::from_millis(200);

/// The largest provider request that is read.
const REQUEST_BYTES_MAX: usize = 256 << 20;

/// Tapes that are being played, by the id that LiteLLM carries.
#[derive(Default)]
pub struct Player {
    tapes: Mutex<HashMap<String, Playing>>,
}

/// What was played of one tape.
#[derive(Clone, Default)]
pub struct Playing {
    tape: Tape,
    /// What LiteLLM sent, in order.
    pub asked: Vec<RecordedCall>,
    /// The deployments it asked.
    pub deployments: Vec<String>,
}

impl Playing {
    /// The tape with the deployments that LiteLLM really asked.
    pub fn tape(&self) -> Tape {
        let mut tape = self.tape.clone();
        for (exchange, id) in tape.exchanges.iter_mut().zip(&self.deployments) {
            exchange.deployment_id.clone_from(id);
        }
        tape
    }
}

impl Player {
    pub fn load(&self, id: String, tape: Tape) {
        self.locked().insert(id, Playing { tape, ..Playing::default() });
    }

    pub fn take(&self, id: &str) -> Option<Playing> {
        self.locked().remove(id)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Playing>> {
        self.tapes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves until the runtime ends.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, targets: Arc<ArcSwap<Targets>>) {
        while let Ok((socket, _)) = listener.accept().await {
            let _ = socket.set_nodelay(true);
            let (player, targets) = (Arc::clone(&self), Arc::clone(&targets));
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let (player, targets) = (Arc::clone(&player), Arc::clone(&targets));
                    async move { player.answer(request, &targets.load()).await }
                });
                let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>, targets: &Targets) -> Result<Response<PlayedBody>, NoAnswer> {
        let (deployment_id, url) = match targets.resolve(request.uri()) {
            Ok((id, url)) => (id.to_owned(), url.to_string()),
            Err(refusal) => return Ok(refused(&refusal.to_string())),
        };
        let (head, body) = request.into_parts();
        let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await.map_err(|_| NoAnswer)?.to_bytes();
        let id = head.headers.get(TAPE_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let mut sent = headers::passed_on(&head.headers);
        sent.remove(http::header::HOST);
        let call = RecordedCall { method: head.method.to_string(), url, headers: list(&sent), body };
        let next = {
            let mut tapes = self.locked();
            let Some(playing) = tapes.get_mut(&id) else {
                return Ok(refused("no case is being replayed for this request"));
            };
            let position = playing.asked.len();
            playing.asked.push(call);
            playing.deployments.push(deployment_id);
            playing.tape.exchanges.get_mut(position).map(|exchange| {
                frame(exchange);
                exchange.clone()
            })
        };
        match next {
            Some(exchange) => played(exchange).await,
            None => Ok(refused("the tape is at its end")),
        }
    }
}

/// Writes the headers that a server adds into the tape: LiteLLM sees them, and tells some of them to its client.
fn frame(exchange: &mut TapeExchange) {
    let TapeOutcome::Response { headers, body, pieces, cut, .. } = &mut exchange.outcome else { return };
    headers.retain(|(name, _)| !is_framing(name));
    headers.push(match pieces.len() < 2 && cut.is_none() {
        true => ("content-length".to_owned(), body.len().to_string()),
        false => ("transfer-encoding".to_owned(), "chunked".to_owned()),
    });
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("date")) {
        let now = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        headers.push(("date".to_owned(), now));
    }
}

async fn played(exchange: TapeExchange) -> Result<Response<PlayedBody>, NoAnswer> {
    let (status, headers, mut body, pieces, cut) = match exchange.outcome {
        TapeOutcome::Response { status, headers, body, pieces, cut } => (status, headers, body, pieces, cut),
        // LiteLLM ends its waiting itself.
        TapeOutcome::Failure(TapeFailure::Timeout) => std::future::pending().await,
        TapeOutcome::Failure(_) => return Err(NoAnswer),
    };
    let body: PlayedBody = if pieces.len() < 2 && cut.is_none() {
        Full::new(body).map_err(|never: Infallible| match never {}).boxed_unsync()
    } else {
        let mut parts: Vec<Bytes> = pieces.iter().map(|piece| body.split_to(piece.bytes.min(body.len()))).collect();
        parts.extend((!body.is_empty()).then_some(body));
        let end = stream::iter(cut.map(|_| Err(PlayedCut)));
        let frames = stream::iter(parts.into_iter().map(Ok)).chain(end).then(|part| async {
            // A client that has a cut and the pieces before it at once takes the pieces for lost.
            tokio::time::sleep(if part.is_ok() { BETWEEN_PIECES } else { BEFORE_A_CUT }).await;
            part.map(Frame::data)
        });
        BodyExt::boxed_unsync(StreamBody::new(frames))
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| NoAnswer)?;
    for (name, value) in headers.iter().filter(|(name, _)| !is_framing(name)) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str())) {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}

/// The server frames what it sends itself.
fn is_framing(name: &str) -> bool {
    ["content-length", "transfer-encoding", "connection", "keep-alive"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

fn refused(text: &str) -> Response<PlayedBody> {
    let body = Full::new(Bytes::from(format!("{text}\n"))).map_err(|never: Infallible| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
