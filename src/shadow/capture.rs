//! What is kept of a mirrored request while Python serves it.

use bytes::{Bytes, BytesMut};
use cutover::lane::LaneId;
use http::HeaderMap;

use crate::native::ClientRequest;
use crate::tap::TapedExchange;

/// Control's side of a pair, ready for the worker.
#[derive(Debug)]
pub struct Capture {
    /// The lane to blame when no provider exchange tells a better one.
    pub lane: LaneId,
    /// As the client sent it, without our correlation id.
    pub request: ClientRequest,
    pub control: Control,
    pub exchanges: Vec<TapedExchange>,
    pub traits: Traits,
    /// Seconds since 1970 when the client's request arrived.
    pub at: u64,
}

/// What evidence wants to know of a request.
#[derive(Clone, Debug, Default)]
pub struct Traits {
    /// A hash of the caller's key.
    pub caller: u64,
    /// A hash of the request's body.
    pub digest: u64,
    /// In words of ours.
    pub shape: String,
}

/// Python's answer as the client got it, without our own headers.
#[derive(Clone, Debug)]
pub struct Control {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Capture {
    /// Bytes this capture holds, for the budget.
    pub fn bytes(&self) -> usize {
        let exchanges = self.exchanges.iter().map(|exchange| {
            let answer =
                exchange.answer.as_ref().map_or(0, |answer| answer.chunks.iter().map(|(_, piece)| piece.len()).sum());
            exchange.request.body.len() + answer
        });
        self.request.body.len() + self.control.body.len() + exchanges.sum::<usize>()
    }
}

/// Copies an answer while it passes, up to a limit.
#[derive(Debug)]
pub struct Tee {
    body: BytesMut,
    limit: usize,
    overflown: bool,
}

impl Tee {
    pub fn new(limit: usize) -> Self {
        Self { body: BytesMut::new(), limit, overflown: false }
    }

    pub fn push(&mut self, piece: &Bytes) {
        if self.overflown || self.body.len() + piece.len() > self.limit {
            self.overflown = true;
            self.body = BytesMut::new();
        } else {
            self.body.extend_from_slice(piece);
        }
    }

    /// The whole body; `None` when it outgrew the limit.
    pub fn finish(self) -> Option<Bytes> {
        (!self.overflown).then(|| self.body.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limit: usize, pieces: &[&'static str], expected: Option<&str>) {
        let mut tee = Tee::new(limit);
        for piece in pieces {
            tee.push(&Bytes::from_static(piece.as_bytes()));
        }
        assert_eq!(tee.finish().as_deref(), expected.map(str::as_bytes));
    }

    #[test]
    fn a_body_is_kept_up_to_the_limit() {
        check(4, &["ab", "cd"], Some("abcd"));
        check(4, &["ab", "cde"], None);
        check(4, &["abcde", "f"], None);
        check(0, &[], Some(""));
    }
}
