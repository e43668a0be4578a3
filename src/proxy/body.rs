//! Reads a request body for a decision, within a limit and a budget.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use pingora::Result;
use pingora::protocols::http::ServerSession;

use crate::budget::{Budget, Share};

/// Bounds on bodies held in memory.
#[derive(Debug)]
pub struct BodyLimits {
    /// The largest single body that is read for a decision, in bytes.
    pub per_request: usize,
    /// All bodies held at one time, whichever leg they wait for.
    pub total: Arc<Budget>,
}

/// Labels of the reasons.
const BODY_TOO_LARGE: &str = "body_too_large";
const BODY_BUDGET: &str = "body_budget";

/// A body's memory grows as it comes: what a client only announces costs no more than this.
const CAPACITY_AT_FIRST_MAX: usize = 64 << 10;

impl BodyLimits {
    pub fn new(per_request: usize, total: usize) -> Self {
        Self { per_request, total: Budget::new(total) }
    }
}

/// What became of reading a body.
pub enum ReadBody {
    /// Nothing was read: the request is forwarded as it stands. The label says why.
    Untouched(&'static str),
    Whole(Bytes, Share),
    /// A chunked body outgrew a limit: this much of it was read, the rest still waits on the connection. The label says
    /// which limit.
    Prefix(Bytes, Share, &'static str),
}

/// Reads the body whole if it fits. A `Content-Length` over the limit is left unread.
pub async fn read(session: &mut ServerSession, limits: &Arc<BodyLimits>) -> Result<ReadBody> {
    let declared = declared_length(&session.req_header().headers);
    if declared.is_some_and(|length| length > limits.per_request) {
        return Ok(ReadBody::Untouched(BODY_TOO_LARGE));
    }
    let Some(mut held) = limits.total.share(declared.unwrap_or(0)) else {
        return Ok(ReadBody::Untouched(BODY_BUDGET));
    };
    tell_to_go_on(session).await?;
    let mut body = BytesMut::with_capacity(capacity_at_first(declared));
    while let Some(piece) = session.read_request_body().await.map_err(|error| error.into_down())? {
        body.extend_from_slice(&piece);
        // A chunked body takes its share as it comes, so that one which never comes takes none.
        if declared.is_none() && !held.grow(piece.len()) {
            return Ok(ReadBody::Prefix(body.freeze(), held, BODY_BUDGET));
        }
        if body.len() > limits.per_request {
            return Ok(ReadBody::Prefix(body.freeze(), held, BODY_TOO_LARGE));
        }
    }
    Ok(ReadBody::Whole(body.freeze(), held))
}

/// The `Content-Length`, in bytes.
pub fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn capacity_at_first(declared: Option<usize>) -> usize {
    declared.unwrap_or(0).min(CAPACITY_AT_FIRST_MAX)
}

/// Says the word that a client waits for before it sends its body, if it does.
pub async fn tell_to_go_on(session: &mut ServerSession) -> Result<()> {
    if expects_continue(session) {
        // Pingora takes a head before the end of the body for an early answer, and would close the connection after it.
        let keepalive = session.get_keepalive();
        session.write_continue_response().await?;
        session.set_keepalive(keepalive);
    }
    Ok(())
}

fn expects_continue(session: &ServerSession) -> bool {
    session
        .req_header()
        .headers
        .get(http::header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announced_length_is_no_reason_to_take_memory() {
        for (declared, expected) in [
            (None, 0),
            (Some(0), 0),
            (Some(1), 1),
            (Some(CAPACITY_AT_FIRST_MAX), CAPACITY_AT_FIRST_MAX),
            (Some(CAPACITY_AT_FIRST_MAX + 1), CAPACITY_AT_FIRST_MAX),
            (Some(usize::MAX), CAPACITY_AT_FIRST_MAX),
        ] {
            assert_eq!(capacity_at_first(declared), expected, "{declared:?}");
        }
    }
}
