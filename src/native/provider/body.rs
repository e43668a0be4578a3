//! A provider's body: passed on as it comes, or collected within limits.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming};
use transform::ProviderFailure;

use super::failure;
use super::http1::Held;
use crate::native::effects::{Piece, ProviderStream};

/// Bytes of a provider's answer that are held in memory; LiteLLM has no limit. Beyond it the attempt fails: a page costs a
/// few KB of markdown and rarely more than 2 MB of images, so this is some hundred scanned pages.
pub const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A body that is passed on as it comes. `limit` bounds each silence.
pub struct BodyStream {
    // Dropped before its connection, which is closed if there is more to come.
    body: Incoming,
    /// What the body comes over; None once all of it is here, and where a task of its own reads it.
    held: Option<Held>,
    limit: Duration,
    opened: Instant,
    /// When the last piece came, or the head.
    heard: Instant,
    received: u64,
    expected: Option<u64>,
    /// Its end is that of its connection, in order or not.
    ends_with_connection: bool,
}

impl BodyStream {
    /// `ends_with_connection` counts for a body without a length.
    pub(super) fn new(body: Incoming, held: Option<Held>, limit: Duration, ends_with_connection: bool) -> Self {
        let (now, expected) = (Instant::now(), body.size_hint().exact());
        let ends_with_connection = ends_with_connection && expected.is_none();
        Self { expected, body, held, limit, opened: now, heard: now, received: 0, ends_with_connection }
    }

    /// The next frame; the outer `None` if none comes within `patience`.
    async fn frame(&mut self, patience: Duration) -> Option<Option<Result<Frame<Bytes>, hyper::Error>>> {
        // A frame that is there needs no timer.
        let mut silence = pin!(None);
        poll_fn(|context| {
            let frame = match &mut self.held {
                Some(held) => held.poll_frame(&mut self.body, context),
                None => Pin::new(&mut self.body).poll_frame(context),
            };
            if let Poll::Ready(frame) = frame {
                return Poll::Ready(Some(frame));
            }
            if silence.is_none() {
                silence.set(Some(tokio::time::sleep(patience)));
            }
            silence.as_mut().as_pin_mut().map_or(Poll::Pending, |silence| silence.poll(context).map(|()| None))
        })
        .await
    }
}

impl ProviderStream for BodyStream {
    async fn next(&mut self, patience: Duration) -> Piece {
        let left = self.limit.saturating_sub(self.heard.elapsed());
        let Some(frame) = self.frame(patience.min(left)).await else {
            let silent = self.heard.elapsed() >= self.limit;
            return if silent { Piece::Failed(failure::timeout(self.limit, self.heard)) } else { Piece::Idle };
        };
        self.heard = Instant::now();
        self.held = self.held.take().and_then(Held::unless_idle);
        match frame {
            None => {
                if let Some(held) = self.held.take() {
                    held.finish(self.limit);
                }
                Piece::End
            }
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                self.received += data.len() as u64;
                Piece::Data(data)
            }
            // aiohttp takes a reset for the end, too.
            Some(Err(_)) if self.ends_with_connection => Piece::End,
            Some(Err(error)) => Piece::Failed(failure::of_body(&error, self.received, self.expected)),
        }
    }

    fn elapsed(&self) -> Duration {
        self.opened.elapsed()
    }

    fn expected_bytes(&self) -> Option<u64> {
        self.expected
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, expected, .. } = self;
        formatter
            .debug_struct("BodyStream")
            .field("received", received)
            .field("expected", expected)
            .finish_non_exhaustive()
    }
}

/// Reads an answer's body to its end.
pub async fn collect(stream: &mut impl ProviderStream) -> Result<Bytes, ProviderFailure> {
    if stream.expected_bytes().is_some_and(|bytes| bytes > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    loop {
        match stream.next(Duration::MAX).await {
            Piece::Data(piece) => {
                if first.as_ref().map_or(0, Bytes::len) + rest.len() + piece.len() > BODY_BYTES_MAX {
                    return Err(too_large());
                }
                match &first {
                    None => first = Some(piece),
                    Some(_) => rest.extend_from_slice(&piece),
                }
            }
            Piece::End => return Ok(joined(first.unwrap_or_default(), rest)),
            Piece::Failed(failure) => return Err(failure),
            Piece::Idle => {}
        }
    }
}

/// Most answers come in one piece, which is then not copied.
fn joined(first: Bytes, rest: BytesMut) -> Bytes {
    if rest.is_empty() {
        return first;
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    whole.freeze()
}

fn too_large() -> ProviderFailure {
    ProviderFailure::Other { text: format!("the provider's answer is larger than {BODY_BYTES_MAX} bytes") }
}
