//! Response bodies: ready-made bytes on the quick path, frames from a script on the other.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::script::Witness;

/// What a scripted body does next.
#[derive(Debug)]
pub enum Part {
    /// Bytes for the client, flushed before the next part is looked at.
    Bytes(Bytes),
    /// The connection breaks here.
    Break,
}

/// A script ended the connection on purpose.
#[derive(Debug)]
pub struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the script breaks the connection here")
    }
}

impl std::error::Error for Broken {}

/// The body of every answer.
#[derive(Debug)]
pub enum Reply {
    /// All of it at once; `witness` notes when the client took it.
    Whole { bytes: Option<Bytes>, witness: Option<Witness> },
    /// As `parts` come; `length` is what the head promised, if it promised anything.
    Parts { parts: mpsc::Receiver<Part>, length: Option<u64>, breaking: bool, witness: Option<Witness> },
}

impl Reply {
    /// The quick path's body.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole { bytes: Some(bytes.into()), witness: None }
    }

    /// Lets `witness` see this body's end.
    pub fn witnessed(mut self, by: Option<Witness>) -> Self {
        match &mut self {
            Self::Whole { witness, .. } | Self::Parts { witness, .. } => *witness = by,
        }
        self
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Whole { bytes, witness } => {
                if let Some(witness) = witness.take() {
                    witness.finished();
                }
                Poll::Ready(bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Parts { parts, breaking, witness, .. } => {
                if *breaking {
                    return Poll::Ready(Some(Err(Broken)));
                }
                match parts.poll_recv(context) {
                    Poll::Ready(Some(Part::Bytes(bytes))) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                    Poll::Ready(Some(Part::Break)) => {
                        // Pending once: the connection flushes what it holds before it hears of the break.
                        *breaking = true;
                        context.waker().wake_by_ref();
                        Poll::Pending
                    }
                    Poll::Ready(None) => {
                        if let Some(witness) = witness.take() {
                            witness.finished();
                        }
                        Poll::Ready(None)
                    }
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole { bytes: None, witness: None })
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { bytes, .. } => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Parts { length: Some(length), .. } => SizeHint::with_exact(*length),
            Self::Parts { length: None, .. } => SizeHint::default(),
        }
    }
}
