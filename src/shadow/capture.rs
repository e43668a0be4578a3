//! What is kept of a mirrored request while Python serves it.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::{Bytes, BytesMut};
use cutover::lane::LaneId;
use cutover::verdict::SkipReason;
use http::HeaderMap;

use crate::budget::Share;
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
    /// Without the digest, which is the worker's to find.
    pub traits: Traits,
    /// What the request and the answer hold of the shadow's budget; given back when the pair is judged.
    pub held: Share,
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

impl Traits {
    /// With the hash of the request's body; reads all of it.
    pub fn digested(self, body: &[u8]) -> Self {
        Self { digest: hash_of(&body), ..self }
    }
}

/// The same within a process.
pub fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Capture {
    /// Bytes this capture holds of the shadow's budget.
    pub fn bytes(&self) -> usize {
        let exchanges = self.exchanges.iter().map(|exchange| exchange.held.bytes());
        self.held.bytes() + exchanges.sum::<usize>()
    }
}

/// Copies an answer while it passes, up to its limit and as long as the shadow's budget lasts.
#[derive(Debug)]
pub struct Tee {
    /// The copy and its share of the budget; or why there is none.
    copy: Result<(BytesMut, Share), SkipReason>,
    limit: usize,
}

impl Tee {
    /// `held` is what the capture holds already, and grows with the copy.
    pub fn new(limit: usize, held: Share) -> Self {
        Self { copy: Ok((BytesMut::new(), held)), limit }
    }

    pub fn push(&mut self, piece: &Bytes) {
        let Ok((body, held)) = &mut self.copy else { return };
        if body.len() + piece.len() > self.limit {
            self.copy = Err(SkipReason::BodyTooLarge);
        } else if !held.grow(piece.len()) {
            self.copy = Err(SkipReason::BytesBudget);
        } else {
            body.extend_from_slice(piece);
        }
    }

    /// The whole body and what is held for the capture.
    pub fn finish(self) -> Result<(Bytes, Share), SkipReason> {
        self.copy.map(|(body, held)| (body.freeze(), held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;

    /// Pieces of an answer, copied up to four bytes beside a request of two under a budget.
    fn check(budget: usize, pieces: &[&'static str], expected: Result<&str, SkipReason>) {
        let budget = Budget::new(budget);
        let mut tee = Tee::new(4, budget.share(2).unwrap());
        for piece in pieces {
            tee.push(&Bytes::from_static(piece.as_bytes()));
        }
        if expected.is_err() {
            assert_eq!(budget.held(), 0, "what was given up is given back at once");
        }
        let copied = tee.finish();
        if let Ok((body, held)) = &copied {
            assert_eq!((held.bytes(), budget.held()), (2 + body.len(), 2 + body.len()));
        }
        assert_eq!(copied.as_ref().map(|(body, _)| &body[..]).map_err(|reason| *reason), expected.map(str::as_bytes));
        drop(copied);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn a_body_is_kept_up_to_the_limit_and_the_budget() {
        check(100, &["ab", "cd"], Ok("abcd"));
        check(100, &["ab", "cde"], Err(SkipReason::BodyTooLarge));
        check(100, &["abcde", "f"], Err(SkipReason::BodyTooLarge));
        check(100, &[], Ok(""));
        check(6, &["ab", "cd"], Ok("abcd"));
        check(5, &["ab", "cd", ""], Err(SkipReason::BytesBudget));
        check(2, &["", ""], Ok(""));
    }
}
