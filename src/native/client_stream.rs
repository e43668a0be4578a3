//! A streamed answer on its way to the client: pulled from the provider piece by piece, so that a slow client slows it down.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use transform::llms::anthropic::experimental_pass_through::messages::streaming_iterator::Progress;
use transform::{Exception, ExceptionClass, ProviderFailure};

use super::decoder::Decoder;
use super::effects::{Cooldowns, Piece, ProviderStream};
use super::fault;
use super::router::cooldown::{Failure, Policy};

/// What a provider streams, as the client will see it.
#[derive(Debug)]
pub struct ClientStream<S> {
    source: S,
    decoder: Decoder,
    /// Bytes for the client that are there already.
    ready: Bytes,
    /// Since the head, when the client was last sent something.
    sent_at: Duration,
    over: bool,
    /// Absent on a tape.
    outcome: Option<Outcome>,
}

/// Tells the router, when it is dropped, what became of a stream: a success for LiteLLM too if the client left, a failure if
/// the connection broke; what the provider says in it is the decoder's to judge.
#[derive(Debug)]
pub struct Outcome {
    pub cooldowns: Arc<Cooldowns>,
    pub deployment: String,
    pub is_alone: bool,
    pub policy: Policy,
    /// When the provider was last heard.
    pub heard: Instant,
    pub ending: Ending,
}

/// How a stream ended, as LiteLLM's log has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    /// Nothing came at all, and LiteLLM's log has nothing to tell.
    Unheard,
    Heard,
    Broken(Failure),
}

impl Drop for Outcome {
    fn drop(&mut self) {
        let Self { cooldowns, deployment, is_alone, policy, heard, ending } = self;
        match ending {
            Ending::Unheard => {}
            Ending::Heard => cooldowns.succeeded(deployment, *heard),
            Ending::Broken(failure) => cooldowns.failed(deployment, failure, *is_alone, policy, *heard),
        }
    }
}

/// Once a stream has its head, no failure has a status of its own any more.
pub enum Begun<S> {
    Stream(Box<ClientStream<S>>),
    /// Before the head: the answer is an error, and is not tried again.
    Failed(Exception),
}

/// What is counted of a request whose client left; nobody is there to read it.
fn left() -> Exception {
    Exception {
        class: ExceptionClass::Unmapped,
        status_code: CLIENT_LEFT,
        message: "the client left".to_owned(),
        provider: String::new(),
        model: String::new(),
        headers: Vec::new(),
        has_attribute_error: false,
    }
}

/// As nginx counts it.
const CLIENT_LEFT: u16 = 499;

impl<S: ProviderStream> ClientStream<S> {
    /// Boxed from the start: what waits for the first piece is kept as long as its connection.
    pub fn new(source: S, decoder: Decoder, outcome: Option<Outcome>) -> Box<Self> {
        let (sent_at, ready) = (source.elapsed(), Bytes::new());
        Box::new(Self { sent_at, source, decoder, ready, over: false, outcome })
    }

    /// Pulls until the client's head is due, or until the client has left, which ends the provider's work.
    pub async fn begin(mut self: Box<Self>, client_left: impl Future<Output = ()>) -> Begun<S> {
        let pulled = tokio::select! {
            biased;
            pulled = self.pull() => pulled,
            () = client_left => Err(left()),
        };
        match pulled {
            Err(exception) => Begun::Failed(exception),
            Ok(ready) => {
                self.ready = ready.unwrap_or_default();
                Begun::Stream(self)
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
            if self.over || self.decoder.is_done() {
                return Ok(None);
            }
            let before = self.source.elapsed();
            let next = self.source.next(self.patience()).await;
            if let Some(outcome) = &mut self.outcome {
                outcome.heard += self.source.elapsed().saturating_sub(before);
            }
            let is_cut = matches!(next, Piece::Failed(_));
            let is_heard = !matches!(next, Piece::End | Piece::Idle);
            let progress = match next {
                Piece::Data(piece) => self.decoder.push(&piece),
                Piece::End => self.end(Ok(())),
                Piece::Failed(failure) => self.end(Err(&failure)),
                Piece::Idle if self.patience().is_zero() => Progress::Frames(self.decoder.keepalive()),
                Piece::Idle => Progress::Held,
            };
            if let Some(outcome) = &mut self.outcome {
                outcome.ending = match self.decoder.ending() {
                    broken @ Ending::Broken(_) => broken,
                    _ if is_cut => Ending::Broken(Failure::of_a_stream(None)),
                    ending if is_heard => ending,
                    _ => outcome.ending,
                };
            }
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
        self.decoder.end(end)
    }

    /// Until LiteLLM would tell a client that heard nothing that the stream is alive.
    fn patience(&self) -> Duration {
        let silent = self.source.elapsed().saturating_sub(self.sent_at);
        self.decoder.keepalive_after().saturating_sub(silent)
    }
}
