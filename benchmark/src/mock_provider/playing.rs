//! Turns a scripted answer into a response: head, whole body, or parts that come, drip or break as the script says.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::sync::mpsc;

use crate::body::{Part, Reply};
use crate::script::{Answer, Case, Drip, Step};

/// Seconds as scripts write them; nonsense is none.
pub fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}

/// The scripted status, 200 when there is none.
pub fn status(answer: &Answer) -> StatusCode {
    answer.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK)
}

/// The scripted body, if there is one.
pub fn scripted_bytes(answer: &Answer) -> Option<Bytes> {
    if let Some(body) = &answer.body {
        return Some(Bytes::from(body.get().to_owned()));
    }
    if let Some(text) = &answer.text {
        return Some(Bytes::from(text.clone()));
    }
    answer.base64.as_ref().map(|text| Bytes::from(BASE64.decode(text).unwrap_or_default()))
}

/// Adds the scripted headers; a scripted content type replaces the usual one.
pub fn add_headers(answer: &Answer, response: &mut Response<Reply>) {
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_bytes(value.as_bytes()))
        {
            if name == CONTENT_TYPE {
                response.headers_mut().insert(name, value);
            } else {
                response.headers_mut().append(name, value);
            }
        }
    }
}

/// The response that `answer` describes around `body`.
pub fn head(answer: &Answer, body: Reply) -> Response<Reply> {
    let promised = match &body {
        Reply::Parts { length: Some(length), .. } => Some(*length),
        Reply::Parts { .. } | Reply::Whole { .. } => None,
    };
    let mut response = Response::new(body);
    *response.status_mut() = status(answer);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(length) = promised {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    add_headers(answer, &mut response);
    // An empty content-type in a script means: send none.
    if response.headers().get(CONTENT_TYPE).is_some_and(HeaderValue::is_empty) {
        response.headers_mut().remove(CONTENT_TYPE);
    }
    response
}

/// Promises all of `bytes` and breaks after `at` of them.
pub fn cut(bytes: Bytes, at: usize) -> Reply {
    let (sender, parts) = mpsc::channel(2);
    let length = Some(bytes.len() as u64);
    let beginning = bytes.slice(..at.min(bytes.len()));
    if !beginning.is_empty() {
        let _ = sender.try_send(Part::Bytes(beginning));
    }
    let _ = sender.try_send(Part::Break);
    Reply::Parts { parts, length, breaking: false, witness: None }
}

/// Sends `bytes` in portions.
pub fn dripping(bytes: Bytes, drip: &Drip, chunked: bool) -> Reply {
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
    Reply::Parts { parts, length, breaking: false, witness: None }
}

/// Plays the steps of `answer` into a body.
pub fn play(case: Arc<Case>, answer: Arc<Answer>) -> Reply {
    let (sender, parts) = mpsc::channel(1);
    tokio::spawn(async move {
        for step in answer.steps.iter().flatten() {
            let went_on = match step {
                Step::Send(text) => sender.send(Part::Bytes(Bytes::from(text.clone()))).await.is_ok(),
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
    Reply::Parts { parts, length: None, breaking: false, witness: None }
}
