//! Reads a request body for a decision, within a limit and a budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use pingora::Result;
use pingora::proxy::Session;

/// Bounds on bodies held in memory, all in bytes.
#[derive(Debug)]
pub struct BodyLimits {
    /// The largest single body that is read for a decision.
    pub per_request: usize,
    /// All bodies held at one time.
    pub total: usize,
    held: AtomicUsize,
}

impl BodyLimits {
    pub fn new(per_request: usize, total: usize) -> Self {
        Self { per_request, total, held: AtomicUsize::new(0) }
    }

    /// Bytes held now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Reservation> {
        let before = self.held.fetch_add(bytes, Ordering::Relaxed);
        let reservation = Reservation { limits: Arc::clone(self), bytes };
        (before + bytes <= self.total).then_some(reservation)
    }
}

/// A share of the budget; returned when dropped.
#[derive(Debug)]
pub struct Reservation {
    limits: Arc<BodyLimits>,
    bytes: usize,
}

impl Reservation {
    /// Takes more of the budget; false when it is used up.
    fn grow(&mut self, bytes: usize) -> bool {
        let before = self.limits.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        before + bytes <= self.limits.total
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.limits.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What became of reading a body.
pub enum ReadBody {
    /// Nothing was read: Pingora forwards the request as it stands. The label says why.
    Untouched(&'static str),
    Whole(Bytes, Reservation),
    /// A chunked body outgrew the limit: this much of it was read, the rest still waits on the connection.
    Prefix(Bytes, Reservation),
}

/// Reads the body whole if it fits. A `Content-Length` over the limit is left unread.
pub async fn read(session: &mut Session, limits: &Arc<BodyLimits>) -> Result<ReadBody> {
    let declared = session
        .req_header()
        .headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limits.per_request) {
        return Ok(ReadBody::Untouched("body_too_large"));
    }
    let Some(mut reservation) = limits.reserve(declared.unwrap_or(0)) else {
        return Ok(ReadBody::Untouched("body_budget"));
    };
    if expects_continue(session) {
        session.write_continue_response().await?;
    }
    let mut body = BytesMut::with_capacity(declared.unwrap_or(0));
    while let Some(piece) = session.read_request_body().await.map_err(|error| error.into_down())? {
        body.extend_from_slice(&piece);
        // A chunked body takes its share as it comes, so that one which never comes takes none.
        let fits = declared.is_some() || reservation.grow(piece.len());
        if !fits || body.len() > limits.per_request {
            return Ok(ReadBody::Prefix(body.freeze(), reservation));
        }
    }
    Ok(ReadBody::Whole(body.freeze(), reservation))
}

fn expects_continue(session: &Session) -> bool {
    session
        .req_header()
        .headers
        .get(http::header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}
