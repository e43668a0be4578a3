//! A stream of Anthropic's, event by event: what leaves, what is held, when it fails.
//!
//! LiteLLM holds the lifecycle events of a stream back until the first content, because an error before that could still be
//! answered by another deployment. Without a fallback such an error becomes an answer with a status of its own; it is never
//! retried. From the first content on bytes pass as they come.
//! Source: LiteLLM 1.102.4 `router.py` `_aanthropic_messages_streaming_iterator`, `proxy/common_request_processing.py`
//! `create_response`, `async_streaming_data_generator`, `proxy/common_utils/sse_keepalive.py`.
//!
//! LiteLLM looks at the pieces its socket gives it; here an event is a piece, so the result doesn't depend on how bytes were
//! cut. Where LiteLLM's does, before the first content: a piece that names no event but `ping` is dropped, with whatever part of
//! another event it holds (here pings are kept, as they are in a piece with other events); content whose name is cut in two
//! isn't seen; an error with content behind it in the same piece passes.

use bytes::Bytes;

use crate::answer::ProviderFailure;
use crate::exceptions::{Exception, ExceptionClass};
use crate::llms::custom_httpx::content_decoder::Decoder;
use crate::llms::custom_httpx::llm_http_handler::failure_text;
use crate::proxy::anthropic_endpoints::answers::stream_error_frame;
use crate::proxy::anthropic_endpoints::streaming_model_restamp::{ModelRestamper, frame_end};
use crate::python::Value;
use crate::python::json_decode::loads;

/// After so many seconds without a byte to the client, LiteLLM sends it [`KEEPALIVE_FRAME`], before the head too.
pub const KEEPALIVE_SECONDS: f64 = 15.0;
pub const KEEPALIVE_FRAME: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";

/// Events held at most, and their bytes; beyond, the stream counts as begun.
pub const HELD_EVENTS_MAX: usize = 200;
pub const HELD_BYTES_MAX: usize = HELD_EVENTS_MAX * 16 * 1024;

const EVENT_DEPTH_MAX: usize = 900;

/// What a piece of the provider's stream, or its end, gives the client.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Nothing yet: the head isn't sent either.
    Held,
    /// These bytes, maybe none; the head goes first if it hasn't gone.
    Frames(Bytes),
    /// No head was sent: the answer is an error. Not retried, and the rest of the stream is of no interest.
    Failed(Exception),
}

/// One streamed answer with status 2xx.
#[derive(Debug)]
pub struct MessageStream {
    /// The deployment's model, without its provider.
    model: String,
    decoder: Decoder,
    restamper: ModelRestamper,
    /// Whole events that wait for content.
    held: Vec<u8>,
    held_events: usize,
    /// The beginning of an event.
    partial: Vec<u8>,
    state: State,
    has_head: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Holding,
    Flowing,
    Done,
}

impl MessageStream {
    /// `model` is the deployment's without its provider, `client_model` the name the client asked for, `headers` those of the
    /// provider's answer.
    pub fn new(model: &str, client_model: &str, headers: &[(String, String)]) -> Self {
        Self {
            model: model.to_owned(),
            decoder: Decoder::of(headers),
            restamper: ModelRestamper::new(client_model),
            held: Vec::new(),
            held_events: 0,
            partial: Vec::new(),
            state: State::Holding,
            has_head: false,
        }
    }

    /// Whether nothing more of the provider's stream matters.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether bytes for the client have been handed out.
    pub fn has_head(&self) -> bool {
        self.has_head
    }

    /// The frame for a client that heard nothing for [`KEEPALIVE_SECONDS`]. It sends the head: errors are frames from then on.
    pub fn keepalive(&mut self) -> Bytes {
        self.has_head = true;
        Bytes::from_static(KEEPALIVE_FRAME)
    }

    /// Takes the next bytes of the provider.
    pub fn push(&mut self, piece: &[u8]) -> Progress {
        match self.decoder.push(piece) {
            Ok(data) => self.data(&data),
            Err(text) => self.fail(self.exception(ExceptionClass::ApiConnectionError, 500, text)),
        }
    }

    /// Takes the end of the provider's stream: by its last chunk, or by a failure.
    pub fn end(&mut self, end: Result<(), &ProviderFailure>) -> Progress {
        if let Err(failure) = end {
            let text = stream_failure_text(failure);
            return self.fail(self.exception(ExceptionClass::ApiConnectionError, 500, text));
        }
        if self.state == State::Done {
            return Progress::Frames(Bytes::new());
        }
        let mut out = Vec::new();
        let partial = std::mem::take(&mut self.partial);
        if !partial.is_empty()
            && let Some(failed) = self.event(&partial, &mut out)
        {
            return failed;
        }
        self.release(&mut out);
        self.restamper.flush(&mut out);
        self.state = State::Done;
        self.has_head = true;
        Progress::Frames(out.into())
    }

    fn data(&mut self, data: &[u8]) -> Progress {
        let mut out = Vec::new();
        match self.state {
            State::Done => return Progress::Frames(Bytes::new()),
            State::Flowing => self.restamper.process(data, &mut out),
            State::Holding => {
                if let Some(failed) = self.hold(data, &mut out) {
                    return failed;
                }
            }
        }
        if out.is_empty() && !self.has_head {
            return Progress::Held;
        }
        self.has_head = true;
        Progress::Frames(out.into())
    }

    /// Cuts events off what has come, until one of them makes the stream flow.
    fn hold(&mut self, data: &[u8], out: &mut Vec<u8>) -> Option<Progress> {
        // A blank line may have begun in what came before.
        let mut searched = self.partial.len().saturating_sub(3);
        self.partial.extend_from_slice(data);
        while self.state == State::Holding {
            let Some(end) = frame_end(&self.partial[searched..]).map(|end| searched + end) else {
                break;
            };
            searched = 0;
            if self.is_full(end) {
                break;
            }
            let event: Vec<u8> = self.partial.drain(..end).collect();
            if let Some(failed) = self.event(&event, out) {
                return Some(failed);
            }
        }
        if begins_content(&self.partial) || self.is_full(self.partial.len()) {
            self.state = State::Flowing;
        }
        if self.state == State::Flowing {
            self.release(out);
            let rest = std::mem::take(&mut self.partial);
            self.restamper.process(&rest, out);
        }
        None
    }

    /// Whether so many bytes more, or another event, are too much to hold: asked event by event, however they come.
    fn is_full(&self, more_bytes: usize) -> bool {
        self.held_events >= HELD_EVENTS_MAX || self.held.len() + more_bytes > HELD_BYTES_MAX
    }

    /// One event before the first content.
    fn event(&mut self, event: &[u8], out: &mut Vec<u8>) -> Option<Progress> {
        if is_ping(event) && self.held.is_empty() {
            self.restamper.process(event, out);
            return None;
        }
        let error = if is_content(event) { None } else { error_of(event) };
        let Some((message, status)) = error else {
            self.held.extend_from_slice(event);
            self.held_events += 1;
            if is_content(event) {
                self.state = State::Flowing;
            }
            return None;
        };
        if status == 429 || status >= 500 {
            let message = format!("litellm.APIError: {message}");
            self.has_head |= !out.is_empty();
            let failed = self.fail(self.exception(ExceptionClass::ApiError, status, message));
            return Some(match failed {
                Progress::Frames(frame) => Progress::Frames([out, &frame[..]].concat().into()),
                failed => failed,
            });
        }
        self.release(out);
        self.restamper.process(event, out);
        None
    }

    fn release(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        self.held_events = 0;
        self.restamper.process(&held, out);
    }

    /// Whatever is still held is lost, as in LiteLLM.
    fn fail(&mut self, exception: Exception) -> Progress {
        if self.state == State::Done {
            return Progress::Frames(Bytes::new());
        }
        self.state = State::Done;
        self.held.clear();
        self.partial.clear();
        if self.has_head {
            Progress::Frames(stream_error_frame(&exception).into())
        } else {
            Progress::Failed(exception)
        }
    }

    fn exception(&self, class: ExceptionClass, status_code: u16, message: String) -> Exception {
        Exception {
            class,
            status_code,
            message,
            provider: "anthropic".to_owned(),
            model: self.model.clone(),
            headers: Vec::new(),
            has_attribute_error: false,
        }
    }
}

fn event_lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    event.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| line.starts_with(b"event:"))
}

fn is_ping(event: &[u8]) -> bool {
    let mut lines = event_lines(event).peekable();
    lines.peek().is_some() && lines.all(|line| line == b"event: ping")
}

fn is_content(event: &[u8]) -> bool {
    event_lines(event).any(|line| line == b"event: content_block_delta")
}

/// The line that names the event is enough, the rest may follow.
fn begins_content(partial: &[u8]) -> bool {
    let rest = partial.strip_prefix(b"event: content_block_delta");
    rest.is_some_and(|rest| matches!(rest.first(), Some(b'\n' | b'\r')))
}

/// What an error event says, with the status its type stands for.
fn error_of(event: &[u8]) -> Option<(String, u16)> {
    let lines = event.split(|byte| matches!(byte, b'\n' | b'\r'));
    let payloads = lines.filter_map(|line| loads(line.strip_prefix(b"data:")?.trim_ascii(), EVENT_DEPTH_MAX).ok());
    let is_error = |payload: &Value| payload.as_dict().and_then(|event| event.get("type")?.as_str()) == Some("error");
    let payload = payloads.into_iter().find(is_error)?;
    let error = payload.as_dict()?.get("error")?.as_dict()?;
    let kind = error.get("type")?.as_str()?;
    let status = match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "permission_error" => 403,
        "not_found_error" => 404,
        "rate_limit_error" => 429,
        "overloaded_error" => 503,
        "timeout_error" => 504,
        _ => 500,
    };
    Some((error.get("message").and_then(Value::as_str).unwrap_or(kind).to_owned(), status))
}

/// A failure inside a body has other words than one before it.
pub(crate) fn stream_failure_text(failure: &ProviderFailure) -> String {
    match failure {
        ProviderFailure::Timeout { .. } => "Timeout on reading data from socket".to_owned(),
        ProviderFailure::Reset => format!(
            "{}. ConnectionResetError(104, 'Connection reset by peer')",
            failure_text(&ProviderFailure::CutChunked)
        ),
        other => failure_text(other),
    }
}
