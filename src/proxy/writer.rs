//! Writes an answer that did not come through Pingora's own forwarding, chunk by chunk.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::{CONNECTION, DATE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use pingora::http::ResponseHeader;
use pingora::protocols::http::ServerSession;
use pingora::{Error, ErrorType, Result};

use super::body::declared_length;

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Complete,
    /// The client went away first.
    ClientGone,
    /// The source broke off after the head was sent; the client sees a cut answer, as it would from the source.
    Cut,
}

impl Written {
    /// Anything but a whole answer must end the connection, or its framing would be closed as if it were whole.
    pub fn into_result(self) -> Result<()> {
        match self {
            Self::Complete => Ok(()),
            Self::ClientGone => Err(Error::new_down(ErrorType::ConnectionClosed)),
            Self::Cut => Err(Error::new_up(ErrorType::ConnectionClosed)),
        }
    }
}

/// Writes a head and a body that is held whole.
pub async fn write_whole(
    session: &mut ServerSession,
    status: u16,
    mut headers: HeaderMap,
    body: Bytes,
) -> Result<Written> {
    headers.insert(http::header::CONTENT_LENGTH, body.len().into());
    let head = response_header(status, headers)?;
    session.write_response_header(Box::new(head)).await?;
    session.write_response_body(body, true).await?;
    Ok(Written::Complete)
}

/// Writes a head and a body as it arrives, and cuts it when its source is silent for longer than `silence_max`; a source without
/// one bounds its silence itself. The next piece is not asked for before the last one is written, so a slow client slows its
/// source; a client that leaves ends it.
pub async fn write_stream<S, E>(
    session: &mut ServerSession,
    status: u16,
    headers: HeaderMap,
    body: S,
    silence_max: Option<Duration>,
    mut observe: impl FnMut(&Bytes),
) -> Result<Written>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
{
    let length = declared_length(&headers);
    let framed = headers.contains_key(http::header::CONTENT_LENGTH);
    let mut head = response_header(status, headers)?;
    if !framed && let Some((name, value)) = chunked(session, status) {
        head.insert_header(name, value)?;
    }
    if !framed && !knows_chunks(session) && !session.is_http2() {
        // An HTTP/1.0 client knows no chunks: for it the body ends with the connection.
        session.set_keepalive(None);
    }
    session.write_response_header(Box::new(head)).await?;
    let mut body = std::pin::pin!(body);
    let mut sent = 0;
    loop {
        let piece = tokio::select! {
            biased;
            piece = body.next() => piece,
            () = silence(silence_max) => return Ok(Written::Cut),
            // What a client still sends of its body after an early answer is read and dropped.
            gone = session.read_body_or_idle(false) => match gone {
                // A client that has every byte may leave before we have seen the end ourselves.
                Err(_) if length == Some(sent) => None,
                Err(_) => return Ok(Written::ClientGone),
                Ok(_) => continue,
            }
        };
        match piece {
            Some(Ok(piece)) if piece.is_empty() => {}
            Some(Ok(piece)) => {
                observe(&piece);
                sent += piece.len();
                if session.write_response_body(piece, false).await.is_err() {
                    return Ok(Written::ClientGone);
                }
            }
            // Closing the connection without the end of the body is how HTTP says that the answer is not whole.
            Some(Err(_)) => return Ok(Written::Cut),
            None => {
                // Nothing is lost if this fails: the client has the whole body.
                let _ = session.write_response_body(Bytes::new(), true).await;
                return Ok(Written::Complete);
            }
        }
    }
}

/// How this client is told where a body ends whose length nobody knows yet.
pub fn chunked(session: &ServerSession, status: u16) -> Option<(HeaderName, HeaderValue)> {
    let bodiless = matches!(status, 204 | 304);
    (knows_chunks(session) && !bodiless).then_some((TRANSFER_ENCODING, HeaderValue::from_static("chunked")))
}

fn knows_chunks(session: &ServerSession) -> bool {
    !session.is_http2() && session.req_header().version == Version::HTTP_11
}

/// What Pingora sets in the head of an HTTP/1 answer, whatever it finds there: a head that has them need not grow.
pub fn room(session: &ServerSession) -> [Option<(HeaderName, HeaderValue)>; 2] {
    let empty = |name| (!session.is_http2()).then_some((name, HeaderValue::from_static("")));
    [empty(DATE), empty(CONNECTION)]
}

async fn silence(longest: Option<Duration>) {
    match longest {
        Some(longest) => tokio::time::sleep(longest).await,
        None => std::future::pending().await,
    }
}

/// Names go out in lower case, but for those few that Pingora has a title for.
fn response_header(status: u16, headers: HeaderMap) -> Result<ResponseHeader> {
    let status = StatusCode::from_u16(status)
        .map_err(|cause| Error::because(ErrorType::InternalError, "an answer has an impossible status", cause))?;
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = status;
    head.headers = headers;
    Ok(head.into())
}
