//! A recording of one client request's provider exchanges, and effects that play it.
//!
//! A leg on a tape cannot reach a provider: [`TapeEffects`] holds no client, no runtime and nothing that could make one.
//! Time is virtual: a sleep ends at once and is added up.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use transform::{ProviderFailure, ProviderRequest};

use super::{Cooldowns, Effects, Opened, Piece, ProviderStream};
use crate::config::Deployment;
use crate::native::provider::reset_in_body;

/// The exchanges of one client request, in the order in which the control made them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tape {
    pub exchanges: Vec<TapeExchange>,
}

/// One request that the control sent to a provider, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TapeExchange {
    /// `x-litellm-model-id` of the deployment it was sent for.
    pub deployment_id: String,
    pub outcome: TapeOutcome,
    /// From the request's arrival at the tap to the end of its outcome.
    pub elapsed_ms: u64,
    /// When the outcome was complete, in milliseconds of the Unix epoch; 0 if unknown. An HTTP date in `retry-after` is read
    /// against it.
    #[serde(default)]
    pub at_unix_ms: u64,
}

/// What came of a provider request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TapeOutcome {
    Response {
        status: u16,
        /// Lower-case names, in order, as received.
        headers: Vec<(String, String)>,
        /// As received: `content-encoding` is still on.
        #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
        body: Bytes,
        /// How the body came; empty: in one piece.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pieces: Vec<TapePiece>,
        /// What ended the body before it was complete.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cut: Option<TapeFailure>,
    },
    Failure(TapeFailure),
}

/// A part of a body, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TapePiece {
    pub bytes: usize,
    /// Milliseconds since the answer's head.
    pub at_ms: u64,
}

/// A failure as the tap can tell it; addresses stay out of a tape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TapeFailure {
    Refused {
        host: String,
        port: u16,
    },
    Unreachable {
        host: String,
        port: u16,
        reason: String,
    },
    Reset,
    Closed,
    /// The control gave up waiting.
    Timeout,
    CutLength {
        received_bytes: u64,
        expected_bytes: u64,
    },
    CutChunked,
    /// Reset after the head; without `content-length` the body was chunked.
    ResetInBody {
        received_bytes: u64,
        expected_bytes: Option<u64>,
    },
    Other {
        text: String,
    },
}

/// A request that the leg on the tape would have sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub deployment_id: String,
    pub request: ProviderRequest,
    /// Slept since the previous request.
    pub waited: Duration,
    pub limit: Duration,
}

/// Plays a [`Tape`] to one run of the native leg, and notes what the leg asked for.
pub struct TapeEffects {
    tape: Tape,
    position: usize,
    asked: Vec<Asked>,
    slept: Duration,
    slept_total: Duration,
    exhausted: bool,
    foreign_choice: bool,
    draw: f64,
    started: Instant,
    wall: SystemTime,
    passed: Duration,
}

/// Requests beyond the tape are answered with a failure; beyond this many the leg is in a loop and is cut off the same way.
const ASKED_MAX: usize = 256;

impl TapeEffects {
    /// `started` and `wall` are the moment the control received the client's request, or any fixed moment.
    pub fn new(tape: Tape, started: Instant, wall: SystemTime) -> Self {
        Self {
            tape,
            position: 0,
            asked: Vec::new(),
            slept: Duration::ZERO,
            slept_total: Duration::ZERO,
            exhausted: false,
            foreign_choice: false,
            draw: 0.0,
            started,
            wall,
            passed: Duration::ZERO,
        }
    }

    /// The same draw for every jitter, in [0, 1). Waits are virtual, so it changes no comparison; 0 unless set.
    pub fn with_draw(mut self, draw: f64) -> Self {
        self.draw = draw.clamp(0.0, 1.0 - f64::EPSILON);
        self
    }

    /// What the leg asked the provider for, in order.
    pub fn asked(&self) -> &[Asked] {
        &self.asked
    }

    /// The leg asked for more than the control had: a difference of its own, whatever the answer was.
    pub fn tape_exhausted(&self) -> bool {
        self.exhausted
    }

    /// The control picked a deployment that this leg does not know as a candidate.
    pub fn foreign_choice(&self) -> bool {
        self.foreign_choice
    }

    /// Exchanges of the control that the leg never asked for.
    pub fn unplayed(&self) -> usize {
        self.tape.exchanges.len().saturating_sub(self.position)
    }

    /// Slept after the last request, as LiteLLM does before it gives up on a lone deployment.
    pub fn slept_after_last(&self) -> Duration {
        self.slept
    }

    pub fn slept_total(&self) -> Duration {
        self.slept_total
    }

    fn play(&mut self, limit: Duration) -> Result<Opened<TapeStream>, ProviderFailure> {
        let Some(exchange) = self.tape.exchanges.get(self.position) else {
            self.exhausted = true;
            return Err(ProviderFailure::Other { text: "tape exhausted".to_owned() });
        };
        self.position += 1;
        let elapsed = Duration::from_millis(exchange.elapsed_ms);
        self.passed += elapsed;
        if exchange.at_unix_ms > 0 {
            self.wall = SystemTime::UNIX_EPOCH + Duration::from_millis(exchange.at_unix_ms);
        }
        match exchange.outcome.clone() {
            TapeOutcome::Response { status, headers, body, pieces, cut } => {
                let failure = cut.map(|cut| cut.replayed(limit, elapsed));
                Ok(Opened { status, headers, stream: TapeStream::new(body, &pieces, failure) })
            }
            TapeOutcome::Failure(failure) => Err(failure.replayed(limit, elapsed)),
        }
    }
}

/// A body on a tape, in virtual time.
#[derive(Debug)]
pub struct TapeStream {
    /// What is still to come, each with its time since the head.
    pieces: VecDeque<(Duration, Bytes)>,
    failure: Option<ProviderFailure>,
    now: Duration,
}

impl TapeStream {
    fn new(mut body: Bytes, pieces: &[TapePiece], failure: Option<ProviderFailure>) -> Self {
        let mut cut = VecDeque::with_capacity(pieces.len() + 1);
        let mut at = Duration::ZERO;
        for piece in pieces {
            at = Duration::from_millis(piece.at_ms);
            cut.push_back((at, body.split_to(piece.bytes.min(body.len()))));
        }
        if !body.is_empty() {
            cut.push_back((at, body));
        }
        Self { pieces: cut, failure, now: Duration::ZERO }
    }
}

impl ProviderStream for TapeStream {
    async fn next(&mut self, patience: Duration) -> Piece {
        match self.pieces.front() {
            Some((at, _)) if at.saturating_sub(self.now) > patience => {
                self.now += patience;
                Piece::Idle
            }
            Some((at, _)) => {
                self.now = self.now.max(*at);
                self.pieces.pop_front().map_or(Piece::End, |(_, piece)| Piece::Data(piece))
            }
            None => self.failure.clone().map_or(Piece::End, Piece::Failed),
        }
    }

    fn elapsed(&self) -> Duration {
        self.now
    }

    // What was taped was not too large.
    fn expected_bytes(&self) -> Option<u64> {
        None
    }
}

impl Effects for TapeEffects {
    type Stream = TapeStream;

    async fn open(
        &mut self,
        deployment: &Deployment,
        request: &ProviderRequest,
        limit: Duration,
    ) -> Result<Opened<TapeStream>, ProviderFailure> {
        if self.asked.len() >= ASKED_MAX {
            self.exhausted = true;
            return Err(ProviderFailure::Other { text: "tape exhausted".to_owned() });
        }
        let waited = std::mem::take(&mut self.slept);
        let asked = Asked { deployment_id: deployment.id.clone(), request: request.clone(), waited, limit };
        self.asked.push(asked);
        self.play(limit)
    }

    fn waited(&self) -> Duration {
        self.passed + self.slept_total
    }

    // The time of an exchange is on the tape as a whole.
    fn add_wait(&mut self, _waited: Duration) {}

    fn now(&self) -> Instant {
        self.started + self.passed + self.slept_total
    }

    fn wall(&self) -> SystemTime {
        self.wall
    }

    async fn sleep(&mut self, duration: Duration) {
        self.slept += duration;
        self.slept_total += duration;
    }

    fn draw(&mut self) -> f64 {
        self.draw
    }

    fn choose(&mut self, candidates: &[&Deployment], _weights: &[f64]) -> usize {
        let Some(exchange) = self.tape.exchanges.get(self.position) else { return 0 };
        let chosen = candidates.iter().position(|candidate| candidate.id == exchange.deployment_id);
        self.foreign_choice |= chosen.is_none();
        chosen.unwrap_or(0)
    }

    fn cooldowns(&self) -> Option<&Arc<Cooldowns>> {
        None
    }

    // A request whose client left is not compared.
    fn client_left(&self) -> impl Future<Output = ()> + Send + 'static {
        std::future::pending()
    }

    fn control_next(&self) -> Option<&str> {
        self.tape.exchanges.get(self.position).map(|exchange| exchange.deployment_id.as_str())
    }
}

impl TapeFailure {
    fn replayed(self, limit: Duration, elapsed: Duration) -> ProviderFailure {
        match self {
            Self::Refused { host, port } => {
                let tried = host.parse().map(|address| vec![(address, port)]).unwrap_or_default();
                ProviderFailure::Refused { host, port, tried }
            }
            Self::Unreachable { host, port, reason } => ProviderFailure::Unreachable { host, port, reason },
            Self::Reset => ProviderFailure::Reset,
            Self::Closed => ProviderFailure::Closed,
            Self::Timeout => {
                ProviderFailure::Timeout { limit_seconds: limit.as_secs_f64(), taken_seconds: elapsed.as_secs_f64() }
            }
            Self::CutLength { received_bytes, expected_bytes } => {
                ProviderFailure::CutLength { received_bytes, expected_bytes }
            }
            Self::CutChunked => ProviderFailure::CutChunked,
            Self::ResetInBody { received_bytes, expected_bytes } => reset_in_body(received_bytes, expected_bytes),
            Self::Other { text } => ProviderFailure::Other { text },
        }
    }
}

fn to_base64<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(body))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map(Bytes::from).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_tape_survives_being_written_down() {
        let response = TapeOutcome::Response {
            status: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            body: Bytes::from_static(b"\x00\xff{}"),
            pieces: vec![TapePiece { bytes: 1, at_ms: 0 }, TapePiece { bytes: 3, at_ms: 40 }],
            cut: Some(TapeFailure::CutChunked),
        };
        let exchange = |outcome| TapeExchange { deployment_id: "d".into(), outcome, elapsed_ms: 3, at_unix_ms: 0 };
        let failures = [TapeFailure::Reset, TapeFailure::Refused { host: "h".into(), port: 1 }, TapeFailure::Timeout];
        let failures = failures.into_iter().map(|failure| exchange(TapeOutcome::Failure(failure)));
        let tape = Tape { exchanges: std::iter::once(exchange(response)).chain(failures).collect() };
        let written = serde_json::to_string(&tape).unwrap();
        assert_eq!(serde_json::from_str::<Tape>(&written).unwrap(), tape);
    }

    #[test]
    fn a_stream_comes_in_its_pieces_and_at_its_times() {
        let pieces = [TapePiece { bytes: 2, at_ms: 10 }, TapePiece { bytes: 9, at_ms: 4_000 }];
        let cut = ProviderFailure::CutChunked;
        let mut stream = TapeStream::new(Bytes::from_static(b"abcde"), &pieces, Some(cut.clone()));
        let mut next = |patience_ms| stream.next(Duration::from_millis(patience_ms)).now_or_never().unwrap();
        assert_eq!(next(100), Piece::Data("ab".into()));
        assert_eq!(next(3_000), Piece::Idle);
        assert_eq!(next(3_000), Piece::Data("cde".into()));
        assert_eq!((next(1), next(1)), (Piece::Failed(cut.clone()), Piece::Failed(cut)));
        assert_eq!(stream.elapsed(), Duration::from_secs(4));
    }
}
