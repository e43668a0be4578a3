//! A recording of one client request's provider exchanges, and effects that play it.
//!
//! A leg on a tape cannot reach a provider: [`TapeEffects`] holds no client, no runtime and nothing that could make one.
//! Time is virtual: a sleep ends at once and is added up.

use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use transform::{ProviderFailure, ProviderRequest, ProviderResponse};

use super::Effects;
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
    },
    Failure(TapeFailure),
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

    fn play(&mut self, limit: Duration) -> Result<ProviderResponse, ProviderFailure> {
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
            TapeOutcome::Response { status, headers, body } => Ok(ProviderResponse { status, headers, body }),
            TapeOutcome::Failure(failure) => Err(failure.replayed(limit, elapsed)),
        }
    }
}

impl Effects for TapeEffects {
    async fn call(
        &mut self,
        deployment: &Deployment,
        request: &ProviderRequest,
        limit: Duration,
    ) -> Result<ProviderResponse, ProviderFailure> {
        if self.asked.len() >= ASKED_MAX {
            self.exhausted = true;
            return Err(ProviderFailure::Other { text: "tape exhausted".to_owned() });
        }
        let waited = std::mem::take(&mut self.slept);
        let asked = Asked { deployment_id: deployment.id.clone(), request: request.clone(), waited, limit };
        self.asked.push(asked);
        self.play(limit)
    }

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
    use super::*;

    #[test]
    fn a_tape_survives_being_written_down() {
        let response = TapeOutcome::Response {
            status: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            body: Bytes::from_static(b"\x00\xff{}"),
        };
        let exchange = |outcome| TapeExchange { deployment_id: "d".into(), outcome, elapsed_ms: 3, at_unix_ms: 0 };
        let failures = [TapeFailure::Reset, TapeFailure::Refused { host: "h".into(), port: 1 }, TapeFailure::Timeout];
        let failures = failures.into_iter().map(|failure| exchange(TapeOutcome::Failure(failure)));
        let tape = Tape { exchanges: std::iter::once(exchange(response)).chain(failures).collect() };
        let written = serde_json::to_string(&tape).unwrap();
        assert_eq!(serde_json::from_str::<Tape>(&written).unwrap(), tape);
    }
}
