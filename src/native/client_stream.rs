//! A streamed answer on its way to the client: pulled from the provider piece by piece, so that a slow client slows it down.

use std::time::Duration;

use bytes::Bytes;
use transform::llms::anthropic::experimental_pass_through::messages::streaming_iterator::{
    KEEPALIVE_SECONDS, MessageStream, Progress,
};
use transform::{Exception, ProviderFailure};

use super::effects::{Piece, ProviderStream};
use super::fault;

/// What a provider streams, as the client will see it.
#[derive(Debug)]
pub struct ClientStream<S> {
    source: S,
    stream: MessageStream,
    /// Bytes for the client that are there already.
    ready: Bytes,
    /// Since the head, when the client was last sent something.
    sent_at: Duration,
    over: bool,
}

/// Once a stream has its head, no failure has a status of its own any more.
pub enum Begun<S> {
    Stream(Box<ClientStream<S>>),
    /// Before the head: the answer is an error, and is not tried again.
    Failed(Exception),
}

impl<S: ProviderStream> ClientStream<S> {
    /// Pulls until the client's head is due.
    pub async fn begin(source: S, stream: MessageStream) -> Begun<S> {
        let mut begun = Self { sent_at: source.elapsed(), source, stream, ready: Bytes::new(), over: false };
        match begun.pull().await {
            Err(exception) => Begun::Failed(exception),
            Ok(ready) => {
                begun.ready = ready.unwrap_or_default();
                Begun::Stream(Box::new(begun))
            }
        }
    }

    /// Since the provider's head.
    pub fn elapsed(&self) -> Duration {
        self.source.elapsed()
    }

    /// The next bytes for the client; `None` at the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        if !self.ready.is_empty() {
            return Some(fault::piece(std::mem::take(&mut self.ready)));
        }
        // Behind the head a failure is a frame.
        self.pull().await.ok().flatten().map(fault::piece)
    }

    async fn pull(&mut self) -> Result<Option<Bytes>, Exception> {
        loop {
            if self.over || self.stream.is_done() {
                return Ok(None);
            }
            let progress = match self.source.next(self.patience()).await {
                Piece::Data(piece) => self.stream.push(&piece),
                Piece::End => self.end(Ok(())),
                Piece::Failed(failure) => self.end(Err(&failure)),
                Piece::Idle if self.patience().is_zero() => Progress::Frames(self.stream.keepalive()),
                Piece::Idle => Progress::Held,
            };
            match progress {
                Progress::Failed(exception) => return Err(exception),
                Progress::Frames(frames) if !frames.is_empty() => {
                    self.sent_at = self.source.elapsed();
                    return Ok(Some(frames));
                }
                Progress::Held | Progress::Frames(_) => {}
            }
        }
    }

    fn end(&mut self, end: Result<(), &ProviderFailure>) -> Progress {
        self.over = true;
        self.stream.end(end)
    }

    /// Until LiteLLM would tell a client that heard nothing that the stream is alive.
    fn patience(&self) -> Duration {
        let silent = self.source.elapsed().saturating_sub(self.sent_at);
        Duration::from_secs_f64(KEEPALIVE_SECONDS).saturating_sub(silent)
    }
}
