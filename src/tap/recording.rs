//! Provider exchanges, kept per client request under an unguessable id.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use crate::agreement::{TapSign, is_python_ocr};
use crate::budget::{Budget, Share};

/// One provider exchange as LiteLLM made it, credentials included: it lives in memory only.
#[derive(Debug)]
pub struct TapedExchange {
    pub deployment_id: String,
    pub request: TapedRequest,
    /// `None`: LiteLLM got no answer, or left before it came.
    pub answer: Option<TapedAnswer>,
    /// From the request's head to the answer's end, or to the moment LiteLLM gave up.
    pub elapsed: Duration,
    /// When it ended, in milliseconds of the Unix epoch: an HTTP date in `retry-after` is read against it.
    pub ended_unix_ms: u64,
    /// LiteLLM closed the connection before the answer was whole: its time-out.
    pub abandoned: bool,
    /// What its bodies hold of the shadow's budget.
    pub held: Share,
}

impl TapedExchange {
    /// The provider sent LiteLLM elsewhere.
    pub fn redirects(&self) -> bool {
        let redirect = |answer: &TapedAnswer| {
            (300..400).contains(&answer.status) && answer.headers.contains_key(http::header::LOCATION)
        };
        self.answer.as_ref().is_some_and(redirect)
    }
}

#[derive(Clone, Debug)]
pub struct TapedRequest {
    pub method: http::Method,
    /// Where the provider got it.
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Clone, Debug)]
pub struct TapedAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Transfer chunks with their time since the head: a stream's split is part of what is compared.
    pub chunks: Vec<(Duration, Bytes)>,
    /// False: the provider broke off.
    pub complete: bool,
}

impl TapedAnswer {
    pub fn body(&self) -> Bytes {
        joined(self.chunks.iter().map(|(_, piece)| piece))
    }
}

fn joined<'a>(mut pieces: impl ExactSizeIterator<Item = &'a Bytes>) -> Bytes {
    if pieces.len() == 1 {
        return pieces.next().cloned().unwrap_or_default();
    }
    let mut whole = BytesMut::new();
    for piece in pieces {
        whole.extend_from_slice(piece);
    }
    whole.freeze()
}

/// All tapes that are open now.
#[derive(Debug)]
pub struct Recordings {
    open: Mutex<HashMap<String, Arc<Recording>>>,
    /// At most this many at one time.
    open_max: usize,
    /// What tapes hold is the shadow's, and the first to be given up.
    budget: Arc<Budget>,
    /// Set by the first tapped request, whoever sent it: the board can then say that the tap is in use.
    seen: AtomicBool,
    /// Whose HTTP client the OCR requests came from.
    sign: Mutex<TapSign>,
}

/// The tape of one client request. Dropping it forgets the id.
#[derive(Debug)]
pub struct OpenTape {
    id: String,
    recording: Arc<Recording>,
    recordings: Arc<Recordings>,
}

/// Exchanges of one client request, in the order in which LiteLLM began them.
#[derive(Debug)]
pub(super) struct Recording {
    exchanges: Mutex<Vec<Slot>>,
    spoilt: AtomicBool,
}

#[derive(Debug)]
struct Slot {
    exchange: TapedExchange,
    request_pieces: Vec<Bytes>,
    started: Instant,
    /// From the start to the provider's end.
    ended: Duration,
    /// A body outgrew the budget: the exchange cannot be replayed.
    truncated: bool,
}

/// At most this many provider exchanges are kept for one client request; LiteLLM's defaults make three.
const EXCHANGES_MAX: usize = 32;

impl Recordings {
    pub fn new(open_max: usize, budget: Arc<Budget>) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), open_max, budget, seen: false.into(), sign: Mutex::default() })
    }

    /// Opens a tape under `id`, which must be unguessable; `None` when too many are open.
    pub fn open(self: &Arc<Self>, id: String) -> Option<OpenTape> {
        let recording = Arc::new(Recording { exchanges: Mutex::default(), spoilt: AtomicBool::new(false) });
        let mut open = locked(&self.open);
        if open.len() >= self.open_max {
            return None;
        }
        open.insert(id.clone(), Arc::clone(&recording));
        drop(open);
        Some(OpenTape { id, recording, recordings: Arc::clone(self) })
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Recording>> {
        locked(&self.open).get(id).cloned()
    }

    pub fn seen_traffic(&self) -> bool {
        self.seen.load(Ordering::Relaxed)
    }

    pub(super) fn mark_seen(&self) {
        self.seen.store(true, Ordering::Relaxed);
    }

    /// Notes who sent an OCR request that carries a live tape. LiteLLM's Rust sends no user agent at all; any other
    /// name is a client's own, put there through `extra_headers`, and says nothing.
    pub(super) fn note_sender(&self, path: &str, user_agent: Option<&str>) {
        let found = match user_agent {
            None => TapSign::Rust,
            name if is_python_ocr(name) => TapSign::Python,
            Some(_) => return,
        };
        if path.ends_with("/ocr") {
            *locked(&self.sign) = found;
        }
    }

    /// What the newest OCR request says of the LiteLLM that runs.
    pub fn sign(&self) -> TapSign {
        *locked(&self.sign)
    }
}

impl OpenTape {
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Closes the tape. `None` when an exchange could not be kept whole.
    pub fn finish(self) -> Option<Vec<TapedExchange>> {
        let slots = std::mem::take(&mut *locked(&self.recording.exchanges));
        let spoilt = self.recording.spoilt.load(Ordering::Relaxed);
        if spoilt || slots.iter().any(|slot| slot.truncated) || slots.len() > EXCHANGES_MAX {
            return None;
        }
        Some(slots.into_iter().map(Slot::into_exchange).collect())
    }
}

impl Drop for OpenTape {
    fn drop(&mut self) {
        locked(&self.recordings.open).remove(&self.id);
        // A writer may still hold the recording; what it wrote is given back now.
        locked(&self.recording.exchanges).clear();
    }
}

/// Writes one exchange while it happens. Every call is short and cannot fail: what does not fit is marked.
#[derive(Debug)]
pub(super) struct ExchangeWriter {
    recording: Arc<Recording>,
    index: usize,
}

impl ExchangeWriter {
    pub(super) fn begin(
        recordings: &Recordings,
        recording: Arc<Recording>,
        deployment_id: &str,
        request: TapedRequest,
    ) -> Self {
        let mut slots = locked(&recording.exchanges);
        let index = slots.len();
        if index <= EXCHANGES_MAX {
            slots.push(Slot {
                exchange: TapedExchange {
                    deployment_id: deployment_id.to_owned(),
                    request,
                    answer: None,
                    elapsed: Duration::ZERO,
                    ended_unix_ms: 0,
                    abandoned: true,
                    held: recordings.budget.empty_share(),
                },
                request_pieces: Vec::new(),
                started: Instant::now(),
                ended: Duration::ZERO,
                truncated: false,
            });
        }
        drop(slots);
        Self { recording, index }
    }

    fn with_slot(&self, change: impl FnOnce(&mut Slot)) {
        if let Some(slot) = locked(&self.recording.exchanges).get_mut(self.index) {
            slot.exchange.elapsed = slot.started.elapsed();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            slot.exchange.ended_unix_ms = u64::try_from(now.as_millis()).unwrap_or_default();
            change(slot);
        }
    }

    pub(super) fn request_piece(&self, piece: &Bytes) {
        self.with_slot(|slot| {
            if slot.reserve(piece.len()) {
                slot.request_pieces.push(piece.clone());
            }
        });
    }

    pub(super) fn head(&self, status: u16, headers: HeaderMap) {
        self.with_slot(|slot| {
            slot.exchange.answer = Some(TapedAnswer { status, headers, chunks: Vec::new(), complete: false });
        });
    }

    pub(super) fn piece(&self, since_head: Duration, piece: &Bytes) {
        self.with_slot(|slot| {
            if slot.reserve(piece.len())
                && let Some(answer) = &mut slot.exchange.answer
            {
                answer.chunks.push((since_head, piece.clone()));
            }
        });
    }

    /// The provider's side ended; `complete` is false when it broke off.
    pub(super) fn end(&self, complete: bool) {
        self.with_slot(|slot| {
            slot.exchange.abandoned = false;
            slot.ended = slot.exchange.elapsed;
            if let Some(answer) = &mut slot.exchange.answer {
                answer.complete = complete;
            }
        });
    }
}

impl Drop for ExchangeWriter {
    /// The last holder lets go: the exchange is over, or LiteLLM has given it up just now.
    fn drop(&mut self) {
        self.with_slot(|slot| {
            if !slot.exchange.abandoned {
                slot.exchange.elapsed = slot.ended;
            }
        });
    }
}

impl Recording {
    /// Something of this request passed that could not be kept.
    pub(super) fn spoil(&self) {
        self.spoilt.store(true, Ordering::Relaxed);
    }
}

impl Slot {
    fn into_exchange(mut self) -> TapedExchange {
        self.exchange.request.body = joined(self.request_pieces.iter());
        self.exchange
    }

    fn reserve(&mut self, bytes: usize) -> bool {
        self.truncated = self.truncated || !self.exchange.held.grow(bytes);
        !self.truncated
    }
}

/// Recording never stops for a thread that panicked while it held the lock: the data is append-only.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
