//! Relays one provider request and its answer, both ways as a stream, and records beside it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;

use super::recording::{ExchangeWriter, Recording, Recordings, TapedRequest};
use super::target::Targets;
use crate::python::headers;
use crate::telemetry::Metrics;

pub(super) type ProviderClient = Client<HttpsConnector<HttpConnector>, RequestTee>;
pub(super) type AnswerBody = UnsyncBoxBody<Bytes, hyper::Error>;

/// What every relayed request needs.
pub(super) struct Relay {
    pub client: ProviderClient,
    pub targets: Arc<ArcSwap<Targets>>,
    pub recordings: Arc<Recordings>,
    pub metrics: Metrics,
}

impl Relay {
    /// An error closes LiteLLM's connection without an answer, as the provider did with ours.
    pub(super) async fn handle(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<AnswerBody>, hyper_util::client::legacy::Error> {
        let received = Instant::now();
        let targets = self.targets.load();
        let (deployment_id, uri) = match targets.resolve(request.uri()) {
            Ok((id, uri)) => (id.to_owned(), uri),
            Err(refusal) => {
                self.count("refused");
                // LiteLLM runs with another tapped configuration than ours, and asked for nothing that was taped.
                if let Some(recording) = self.recording(request.headers()) {
                    recording.spoil();
                }
                return Ok(refuse(&refusal.to_string()));
            }
        };
        self.recordings.mark_seen();
        let (head, body) = request.into_parts();
        let recording = self.recording(&head.headers);
        if recording.is_some() {
            let user_agent = head.headers.get(http::header::USER_AGENT).and_then(|value| value.to_str().ok());
            self.recordings.note_sender(head.uri.path(), user_agent);
        }
        self.count(if recording.is_some() { "recorded" } else { "untaped" });
        let headers = outgoing(&head.headers);
        let writer = recording.map(|recording| {
            let taped = TapedRequest {
                method: head.method.clone(),
                url: uri.to_string(),
                headers: headers.clone(),
                body: Bytes::new(),
            };
            Arc::new(ExchangeWriter::begin(&self.recordings, recording, &deployment_id, taped))
        });
        let mut outgoing = Request::new(RequestTee { body, writer: writer.clone() });
        *outgoing.method_mut() = head.method;
        *outgoing.uri_mut() = uri;
        *outgoing.headers_mut() = headers;
        self.metrics.tap_added.observe(received.elapsed().as_secs_f64());
        match self.client.request(outgoing).await {
            Ok(answer) => Ok(relay_answer(answer, writer)),
            Err(error) => {
                self.count("failed");
                if let Some(writer) = &writer {
                    writer.end(false);
                }
                Err(error)
            }
        }
    }

    fn recording(&self, headers: &HeaderMap) -> Option<Arc<Recording>> {
        let id = headers.get(super::TAPE_HEADER)?.to_str().ok()?;
        self.recordings.find(id)
    }

    fn count(&self, result: &str) {
        self.metrics.tap_exchanges.with_label_values(&[result]).inc();
    }
}

/// What the provider gets: the end-to-end headers without our own and without the tap's host.
fn outgoing(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers::passed_on(headers);
    kept.remove(http::header::HOST);
    kept
}

fn relay_answer(answer: Response<Incoming>, writer: Option<Arc<ExchangeWriter>>) -> Response<AnswerBody> {
    let (head, body) = answer.into_parts();
    let headers = answered(&head.headers);
    if let Some(writer) = &writer {
        writer.head(head.status.as_u16(), as_received(headers.clone(), body.is_end_stream()));
        if body.is_end_stream() {
            writer.end(true);
        }
    }
    let tee = AnswerTee { body, writer, started: Instant::now(), broken: None };
    let mut relayed = Response::new(tee.boxed_unsync());
    *relayed.status_mut() = head.status;
    *relayed.headers_mut() = headers;
    relayed
}

/// What LiteLLM gets: the end-to-end headers and, where the provider keeps its connection as we keep ours, its words for
/// that: LiteLLM shows them to its client.
fn answered(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers::end_to_end(headers);
    let keeps = headers.get(http::header::CONNECTION);
    if let Some(value) = keeps.filter(|value| value.as_bytes().eq_ignore_ascii_case(b"keep-alive")) {
        kept.insert(http::header::CONNECTION, value.clone());
        kept.extend(headers.get("keep-alive").map(|value| (HeaderName::from_static("keep-alive"), value.clone())));
    }
    kept
}

/// LiteLLM tells its client how an answer was framed: as the provider did, or here where that speaks another HTTP.
fn as_received(mut headers: HeaderMap, is_empty: bool) -> HeaderMap {
    if !is_empty && !headers.contains_key(http::header::CONTENT_LENGTH) {
        headers.insert(http::header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    headers
}

fn refuse(text: &str) -> Response<AnswerBody> {
    let body = Full::new(Bytes::from(format!("{text}\n"))).map_err(|never: Infallible| match never {});
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

/// LiteLLM's request body on its way to the provider.
pub(super) struct RequestTee {
    body: Incoming,
    writer: Option<Arc<ExchangeWriter>>,
}

impl Body for RequestTee {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let (Poll::Ready(Some(Ok(frame))), Some(writer)) = (&polled, &self.writer)
            && let Some(piece) = frame.data_ref()
        {
            writer.request_piece(piece);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// The provider's answer on its way to LiteLLM.
struct AnswerTee {
    body: Incoming,
    writer: Option<Arc<ExchangeWriter>>,
    started: Instant,
    /// The provider broke off; said once LiteLLM was sent what came before.
    broken: Option<hyper::Error>,
}

impl Body for AnswerTee {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Some(writer) = &self.writer {
            match &polled {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Some(piece) = frame.data_ref() {
                        writer.piece(self.started.elapsed(), piece);
                    }
                    // The last frame of a body of known length: hyper will not ask again.
                    if self.body.is_end_stream() {
                        writer.end(true);
                    }
                }
                Poll::Ready(Some(Err(_))) => writer.end(false),
                Poll::Ready(None) => writer.end(true),
                Poll::Pending => {}
            }
        }
        match polled {
            Poll::Ready(Some(Err(error))) => {
                // hyper closes at an error without sending what it holds; while it waits, it sends.
                self.broken = Some(error);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.broken.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: &[(&'static str, &'static str)], is_empty: bool, taped: &[(&str, &str)]) {
        let headers: HeaderMap =
            sent.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
        let found = as_received(answered(&headers), is_empty);
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(found, taped, "{sent:?}");
    }

    #[test]
    fn an_answer_is_taped_as_litellm_receives_it() {
        check(&[("content-length", "3")], false, &[("content-length", "3")]);
        check(
            &[("transfer-encoding", "chunked"), ("x-a", "1")],
            false,
            &[("x-a", "1"), ("transfer-encoding", "chunked")],
        );
        check(&[("x-a", "1")], false, &[("x-a", "1"), ("transfer-encoding", "chunked")]);
        check(&[("x-a", "1")], true, &[("x-a", "1")]);
        let kept = [("content-length", "3"), ("connection", "keep-alive"), ("keep-alive", "timeout=5")];
        check(&kept, false, &kept);
        check(
            &[("content-length", "3"), ("connection", "close"), ("keep-alive", "x")],
            false,
            &[("content-length", "3")],
        );
        check(&[("content-length", "3"), ("connection", "x-a"), ("x-a", "1")], false, &[("content-length", "3")]);
    }
}
