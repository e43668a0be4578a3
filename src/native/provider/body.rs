//! A provider's body: passed on as it comes, or collected within limits.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use transform::ProviderFailure;

use super::failure;
use crate::native::effects::{Piece, ProviderStream};

/// Bytes of a provider's answer that are held in memory; LiteLLM has no limit. Beyond it the attempt fails: a page costs a
/// few KB of markdown and rarely more than 2 MB of images, so this is some hundred scanned pages.
pub const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A body that is passed on as it comes. `limit` bounds each silence.
#[derive(Debug)]
pub struct BodyStream {
    body: Incoming,
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
    pub(super) fn new(body: Incoming, limit: Duration, ends_with_connection: bool) -> Self {
        let (now, expected) = (Instant::now(), body.size_hint().exact());
        let ends_with_connection = ends_with_connection && expected.is_none();
        Self { expected, body, limit, opened: now, heard: now, received: 0, ends_with_connection }
    }
}

impl ProviderStream for BodyStream {
    async fn next(&mut self, patience: Duration) -> Piece {
        let left = self.limit.saturating_sub(self.heard.elapsed());
        let Ok(frame) = tokio::time::timeout(patience.min(left), self.body.frame()).await else {
            let silent = self.heard.elapsed() >= self.limit;
            return if silent { Piece::Failed(failure::timeout(self.limit, self.heard)) } else { Piece::Idle };
        };
        self.heard = Instant::now();
        match frame {
            None => Piece::End,
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
