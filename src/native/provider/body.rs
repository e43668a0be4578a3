//! Collecting a provider's body within limits.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use transform::ProviderFailure;

use super::failure;

/// Bytes of a provider's answer that are held in memory; LiteLLM has no limit. Beyond it the attempt fails: a page costs a
/// few KB of markdown and rarely more than 2 MB of images, so this is some hundred scanned pages.
pub const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Reads the body to its end. `limit` bounds the wait for each piece, not the whole.
pub(super) async fn collect(mut body: Incoming, limit: Duration, started: Instant) -> Result<Bytes, ProviderFailure> {
    let expected = body.size_hint().exact();
    if expected.is_some_and(|bytes| bytes > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    loop {
        let piece = match tokio::time::timeout(limit, body.frame()).await {
            Err(_) => return Err(failure::timeout(limit, started)),
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            Ok(Some(Err(error))) => {
                let received = first.as_ref().map_or(0, Bytes::len) + rest.len();
                return Err(failure::of_body(&error, received as u64, expected));
            }
        };
        if first.as_ref().map_or(0, Bytes::len) + rest.len() + piece.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
        match &first {
            None => first = Some(piece),
            Some(_) => rest.extend_from_slice(&piece),
        }
    }
    Ok(joined(first.unwrap_or_default(), rest))
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
