//! What tests script and what they find out afterwards: cases, their answers attempt by attempt, gates, and the
//! requests seen. A case is a name in the path (`/s/<case>/…`) or in the header `x-mock-case`; cases never touch each other.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::watch;

/// Most cases kept at once; a test suite uses a few hundred.
const CASES_LIMIT: usize = 8192;
/// Most requests kept for one case; later ones are only counted.
const SEEN_LIMIT: usize = 20_000;

/// One scripted answer. Without any field set it is what the path would have got unscripted, with status 200.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// HTTP status; 200 when absent.
    pub status: Option<u16>,
    /// Header names and values in order; `content-type: application/json` is added when absent.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// JSON, sent exactly as the script spells it.
    pub body: Option<Box<RawValue>>,
    /// Text, sent as it is.
    pub text: Option<String>,
    /// Any bytes, in base64.
    pub base64: Option<String>,
    /// Seconds before the head.
    #[serde(default)]
    pub delay: f64,
    /// Name of the gate to wait at before the head.
    pub gate: Option<String>,
    /// Break the connection after this many bytes of the body.
    pub cut: Option<usize>,
    /// Break it before the head, in an orderly way.
    #[serde(default)]
    pub close: bool,
    /// Whatever breaks does so with a TCP reset; alone, before the head.
    #[serde(default)]
    pub reset: bool,
    /// Send the body in small portions.
    pub drip: Option<Drip>,
    /// Send the body step by step, chunked; stands in place of `body`, `text` and `base64`.
    pub steps: Option<Vec<Step>>,
    /// Withhold `content-length`.
    #[serde(default)]
    pub chunked: bool,
}

/// A slow body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drip {
    /// Bytes in each portion.
    pub bytes: usize,
    /// Seconds between portions.
    pub every: f64,
}

/// One thing a stepwise body does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Send this text.
    Send(String),
    /// Wait until the test opens the gate of this name.
    Gate(String),
    /// Wait this many seconds.
    Delay(f64),
    /// Break the connection.
    Break,
}

/// How far an exchange got, as the mock saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Not ended yet.
    Open,
    /// The whole answer was handed to the client's connection.
    Finished,
    /// The client left, or the script broke the connection, before that.
    Aborted,
}

/// A request as it arrived.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// Position among the case's requests, from 0.
    pub number: usize,
    /// Unix time in seconds.
    pub at: f64,
    /// `HTTP/1.1`, `HTTP/2.0`, …
    pub version: String,
    /// Which of the mock's connections carried it.
    pub connection: u64,
    pub method: String,
    /// Path and query without the case's prefix.
    pub path: String,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body if it is UTF-8 and not above the limit for keeping bodies.
    pub body: Option<String>,
    /// In base64, if it is not UTF-8 and not above that limit.
    pub body_base64: Option<String>,
    pub body_bytes: u64,
    pub body_sha256: String,
    pub progress: Progress,
}

/// A test's own corner of the mock.
#[derive(Debug)]
pub struct Case {
    state: Mutex<CaseState>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct CaseState {
    answers: Vec<Arc<Answer>>,
    seen: Vec<Seen>,
    beyond_limit: u64,
    open_gates: BTreeSet<String>,
    /// Changes with every reset, so that a late witness cannot mark another run's request.
    generation: u64,
}

impl Case {
    fn new() -> Self {
        Self { state: Mutex::default(), changed: watch::channel(0).0 }
    }

    fn state(&self) -> MutexGuard<'_, CaseState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Forgets everything and starts over with `answers`, one for each attempt, the last for all further ones.
    pub fn begin(&self, answers: Vec<Answer>) {
        {
            let mut state = self.state();
            let generation = state.generation + 1;
            *state =
                CaseState { answers: answers.into_iter().map(Arc::new).collect(), generation, ..CaseState::default() };
        }
        self.announce();
    }

    /// Notes a request; gives the answer scripted for it and the witness of its end.
    pub fn arrive(self: &Arc<Self>, mut seen: Seen) -> (Option<Arc<Answer>>, Option<Witness>) {
        let (answer, witness) = {
            let mut state = self.state();
            let number = state.seen.len();
            seen.number = number;
            let answer = state.answers.get(number).or(state.answers.last()).cloned();
            let witness = if number < SEEN_LIMIT {
                state.seen.push(seen);
                Some(Witness { case: Arc::clone(self), number, generation: state.generation, finished: false })
            } else {
                state.beyond_limit += 1;
                None
            };
            (answer, witness)
        };
        self.announce();
        (answer, witness)
    }

    /// Opens a gate for good.
    pub fn open_gate(&self, name: &str) {
        self.state().open_gates.insert(name.to_owned());
        self.announce();
    }

    /// Waits until the gate is open.
    pub async fn pass_gate(&self, name: &str) {
        self.wait_until(|state| state.open_gates.contains(name)).await;
    }

    /// The requests so far as JSON, once there are `at_least` of which `ended` have ended, or after `limit`.
    pub async fn report(&self, at_least: usize, ended: usize, limit: Duration) -> serde_json::Value {
        let enough = self.wait_until(|state| {
            state.seen.len() >= at_least
                && state.seen.iter().filter(|seen| seen.progress != Progress::Open).count() >= ended
        });
        // A test that waited in vain is told what there is: its own assertion explains more than an error here.
        let _ = tokio::time::timeout(limit, enough).await;
        let state = self.state();
        serde_json::json!({ "requests": state.seen, "beyond_limit": state.beyond_limit })
    }

    async fn wait_until(&self, holds: impl Fn(&CaseState) -> bool) {
        let mut changes = self.changed.subscribe();
        loop {
            if holds(&self.state()) {
                return;
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Sees how an exchange ends; dropped before the end, it notes that the client or the script broke it off.
#[derive(Debug)]
pub struct Witness {
    case: Arc<Case>,
    number: usize,
    generation: u64,
    finished: bool,
}

impl Witness {
    /// The answer went out whole.
    pub fn finished(mut self) {
        self.finished = true;
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        {
            let mut state = self.case.state();
            if state.generation != self.generation {
                return;
            }
            if let Some(seen) = state.seen.get_mut(self.number) {
                seen.progress = if self.finished { Progress::Finished } else { Progress::Aborted };
            }
        }
        self.case.announce();
    }
}

/// All cases by name.
#[derive(Debug, Default)]
pub struct Cases {
    by_name: Mutex<HashMap<String, Arc<Case>>>,
}

impl Cases {
    /// The case of this name, made when it is new; none when there are too many.
    pub fn named(&self, name: &str) -> Option<Arc<Case>> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(case) = by_name.get(name) {
            return Some(Arc::clone(case));
        }
        if by_name.len() >= CASES_LIMIT {
            return None;
        }
        let case = Arc::new(Case::new());
        by_name.insert(name.to_owned(), Arc::clone(&case));
        Some(case)
    }

    /// Forgets every case.
    pub fn reset(&self) {
        let cases: Vec<_> = {
            let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
            by_name.drain().map(|(_, case)| case).collect()
        };
        for case in cases {
            case.begin(Vec::new());
        }
    }
}

/// Unix time in seconds.
pub fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
