//! From a capture and the native leg's run to control and candidate.

use std::time::Duration;

use cutover::verdict::{Answered, LegRecord, ProviderCall};
use http::HeaderMap;
use transform::AnsweredHeaders;

use super::capture::Control;
use crate::native::provider::headers;
use crate::native::{Answer, Tape, TapeExchange, TapeFailure, TapeOutcome, TapePiece};
use crate::tap::{TAPE_HEADER, TapedAnswer, TapedExchange};

/// A header list as the judge reads it.
pub type HeaderList = Vec<(String, String)>;

/// Headers that the native leg wrote.
fn owned(headers: &AnsweredHeaders) -> HeaderList {
    headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// What one leg did, owned; the judge borrows from it.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub attempts: Vec<RecordedCall>,
    pub status: u16,
    pub headers: HeaderList,
    pub body: bytes::Bytes,
}

#[derive(Clone, Debug)]
pub struct RecordedCall {
    pub method: String,
    pub url: String,
    pub headers: HeaderList,
    pub body: bytes::Bytes,
}

impl Recorded {
    /// Control's side, from the client's answer and the tape.
    pub fn of_control(control: &Control, exchanges: &[TapedExchange]) -> Self {
        let attempts = exchanges
            .iter()
            .map(|exchange| RecordedCall {
                method: exchange.request.method.to_string(),
                url: exchange.request.url.clone(),
                headers: list(&exchange.request.headers),
                body: exchange.request.body.clone(),
            })
            .collect();
        Self {
            attempts,
            status: control.status,
            headers: without_date(list(&control.headers)),
            body: control.body.clone(),
        }
    }

    /// The candidate's side, from its answer and what it asked of the tape.
    pub fn of_candidate(answer: &Answer, asked: &[crate::native::effects::Asked]) -> Self {
        let attempts = asked
            .iter()
            .map(|asked| RecordedCall {
                method: asked.request.method.to_owned(),
                url: asked.request.url.clone(),
                headers: asked.request.headers.clone(),
                body: asked.request.body.clone(),
            })
            .collect();
        Self { attempts, status: answer.status, headers: owned(&answer.headers), body: answer.body.clone() }
    }

    pub fn as_leg(&self) -> LegRecord<'_> {
        let attempts = self
            .attempts
            .iter()
            .map(|call| ProviderCall { method: &call.method, url: &call.url, headers: &call.headers, body: &call.body })
            .collect();
        LegRecord { attempts, answer: Answered { status: self.status, headers: &self.headers, body: &self.body } }
    }
}

/// The listener dates every answer of either leg, so a date is no part of what a leg answers.
pub fn without_date(mut headers: HeaderList) -> HeaderList {
    headers.retain(|(name, _)| name != "date");
    headers
}

/// Headers in order, values as text; what is no text is shown by its length, which still differs where they do.
pub fn list(headers: &HeaderMap) -> HeaderList {
    headers
        .iter()
        .filter(|(name, _)| name.as_str() != TAPE_HEADER)
        .map(|(name, value)| {
            let value = value.to_str().map_or_else(|_| format!("{} bytes", value.len()), str::to_owned);
            (name.as_str().to_owned(), value)
        })
        .collect()
}

/// The tape that the native leg is run on.
pub fn tape(exchanges: &[TapedExchange]) -> Tape {
    let exchanges = exchanges
        .iter()
        .map(|exchange| TapeExchange {
            deployment_id: exchange.deployment_id.clone(),
            outcome: outcome(exchange),
            elapsed_ms: u64::try_from(exchange.elapsed.as_millis()).unwrap_or(u64::MAX),
            at_unix_ms: exchange.ended_unix_ms,
        })
        .collect();
    Tape { exchanges }
}

/// What LiteLLM experienced, which with a provider that cannot be reached is the tap closing its connection.
fn outcome(exchange: &TapedExchange) -> TapeOutcome {
    let Some(answer) = &exchange.answer else {
        let failure = if exchange.abandoned { TapeFailure::Timeout } else { TapeFailure::Closed };
        return TapeOutcome::Failure(failure);
    };
    if let Some(text) = headers::fault(&answer.headers) {
        return TapeOutcome::Failure(TapeFailure::Other { text });
    }
    let cut = if exchange.abandoned { Some(TapeFailure::Timeout) } else { (!answer.complete).then(|| cut(answer)) };
    let piece = |(since_head, bytes): &(Duration, bytes::Bytes)| TapePiece {
        bytes: bytes.len(),
        at_ms: u64::try_from(since_head.as_millis()).unwrap_or(u64::MAX),
    };
    TapeOutcome::Response {
        status: answer.status,
        headers: list(&answer.headers),
        body: answer.body(),
        pieces: answer.chunks.iter().map(piece).collect(),
        cut,
    }
}

fn cut(answer: &TapedAnswer) -> TapeFailure {
    let declared = answer.headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match declared.and_then(|value| value.parse().ok()) {
        Some(expected_bytes) => TapeFailure::CutLength { received_bytes: answer.body().len() as u64, expected_bytes },
        None => TapeFailure::CutChunked,
    }
}
