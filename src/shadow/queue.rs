//! The bounded queue between the threads that serve and the one that compares.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cutover::lane::LaneId;
use cutover::verdict::SkipReason;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::capture::{Capture, Traits};
use crate::budget::Budget;
use crate::routes::LiveLane;
use crate::telemetry::Metrics;

/// Bounds on work that waits.
#[derive(Clone, Copy, Debug)]
pub struct ShadowLimits {
    pub captures_max: usize,
    /// All that requests in shadow hold: their bodies, copies of answers, tapes and waiting captures.
    pub bytes_max: usize,
    /// The largest answer that is captured, in bytes.
    pub answer_max: usize,
    /// How long captures gather once the queue was empty.
    pub gathered: Duration,
}

/// What the worker is handed.
pub(super) enum Work {
    Compare(Box<Capture>),
    /// A skip that counts against coverage, with the shape it happened to.
    Skip {
        lane: LaneId,
        reason: SkipReason,
        traits: Traits,
    },
}

impl Work {
    /// As a gauge counts them.
    fn bytes(&self) -> i64 {
        match self {
            Self::Compare(capture) => i64::try_from(capture.bytes()).unwrap_or(i64::MAX),
            Self::Skip { .. } => 0,
        }
    }
}

/// The entrance of the queue. Handing in never waits: what does not fit is shed and said.
#[derive(Clone)]
pub struct Shadow {
    sender: mpsc::Sender<Work>,
    budget: Arc<Budget>,
    shed: Arc<AtomicUsize>,
    pub limits: ShadowLimits,
    metrics: Metrics,
}

/// The exit of the queue.
pub(super) struct Arrivals {
    receiver: mpsc::Receiver<Work>,
    gathered: Duration,
    metrics: Metrics,
}

impl Shadow {
    pub(super) fn new(limits: ShadowLimits, metrics: Metrics) -> (Self, Arrivals) {
        let (sender, receiver) = mpsc::channel(limits.captures_max);
        let arrivals = Arrivals { receiver, gathered: limits.gathered, metrics: metrics.clone() };
        (Self { sender, budget: Budget::new(limits.bytes_max), shed: Arc::default(), limits, metrics }, arrivals)
    }

    /// What everything in shadow takes its bytes from; the tap's tapes too.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Hands a capture to the worker, or says why not.
    pub fn submit(&self, capture: Capture) -> Result<(), SkipReason> {
        let work = Work::Compare(Box::new(capture));
        // Counted first: the worker may have taken it before this thread goes on.
        let bytes = work.bytes();
        self.metrics.shadow_queue.inc();
        self.metrics.shadow_queue_bytes.add(bytes);
        self.sender.try_send(work).map_err(|_| {
            self.metrics.shadow_queue.dec();
            self.metrics.shadow_queue_bytes.sub(bytes);
            SkipReason::QueueFull
        })
    }

    /// Counts a request that is not compared. What was planned is a number on the lane; what counts against coverage
    /// goes the way of the captures, so that its shape is known.
    pub fn skip(&self, lane: &LiveLane, reason: SkipReason, traits: impl FnOnce() -> Traits) {
        if matches!(reason, SkipReason::QueueFull | SkipReason::BytesBudget) {
            self.shed.fetch_add(1, Ordering::Relaxed);
        }
        let told = !reason.benign() && {
            let work = Work::Skip { lane: lane.id.clone(), reason, traits: traits() };
            self.sender.try_send(work).is_ok()
        };
        if told {
            self.metrics.shadow_queue.inc();
        } else {
            lane.tally.skipped(reason);
        }
    }

    /// Captures that wait.
    pub fn waiting(&self) -> usize {
        self.limits.captures_max - self.sender.capacity()
    }

    /// Bytes that all of the shadow holds.
    pub fn held(&self) -> usize {
        self.budget.held()
    }

    /// Captures shed since the start.
    pub fn shed_total(&self) -> usize {
        self.shed.load(Ordering::Relaxed)
    }
}

impl Arrivals {
    /// The next capture; its bytes are the budget's again once it is dropped. `None` when no sender is left.
    ///
    /// Captures are compared in bursts: the threads that serve wake the worker for the first one only, and it takes their
    /// caches, and those of whoever else is on its core, at most once in this while.
    pub(super) async fn next(&mut self) -> Option<Work> {
        let work = match self.receiver.try_recv() {
            Ok(work) => work,
            Err(_) => {
                let first = self.receiver.recv().await?;
                sleep(self.gathered).await;
                first
            }
        };
        self.metrics.shadow_queue.dec();
        self.metrics.shadow_queue_bytes.sub(work.bytes());
        Some(work)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Wake};
    use std::time::Instant;

    use bytes::Bytes;
    use futures_util::FutureExt;
    use http::{HeaderMap, Method};

    use super::*;
    use crate::native::ClientRequest;
    use crate::shadow::Control;

    /// A capture that holds so many bytes.
    fn capture(shadow: &Shadow, bytes: usize) -> Capture {
        let request = ClientRequest {
            route: crate::routes::Route::Ocr,
            method: Method::POST,
            path: "/ocr".to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            received: Instant::now(),
            call_id: String::new(),
        };
        Capture {
            lane: LaneId::new("ocr", "mistral", None),
            request,
            control: Control { status: 200, headers: HeaderMap::new(), body: Bytes::new() },
            exchanges: Vec::new(),
            traits: Traits::default(),
            held: shadow.budget().share(bytes).unwrap(),
            at: 0,
        }
    }

    fn limits(captures_max: usize, gathered: Duration) -> ShadowLimits {
        ShadowLimits { captures_max, bytes_max: 100, answer_max: 10, gathered }
    }

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn captures_gather_and_only_the_first_one_wakes() {
        let (shadow, mut arrivals) = Shadow::new(limits(8, Duration::from_secs(3600)), Metrics::new().unwrap());
        let wakes = Arc::new(Wakes::default());
        let waker = Arc::clone(&wakes).into();
        let mut context = Context::from_waker(&waker);
        let mut next = Box::pin(arrivals.next());
        assert!(next.as_mut().poll(&mut context).is_pending());
        for _ in 0..3 {
            shadow.submit(capture(&shadow, 1)).unwrap();
            assert!(next.as_mut().poll(&mut context).is_pending(), "the others may still come");
        }
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        drop(next);
        // What has gathered is taken at once.
        assert!(arrivals.next().now_or_never().is_some() && arrivals.next().now_or_never().is_some());
    }

    #[tokio::test]
    async fn gauges_rise_and_fall_with_what_waits() {
        let metrics = Metrics::new().unwrap();
        let limits = limits(2, Duration::ZERO);
        let (shadow, mut arrivals) = Shadow::new(limits, metrics.clone());
        let gauges = || (metrics.shadow_queue.get(), metrics.shadow_queue_bytes.get());
        shadow.submit(capture(&shadow, 30)).unwrap();
        shadow.submit(capture(&shadow, 20)).unwrap();
        assert_eq!((gauges(), shadow.held()), ((2, 50), 50));
        assert_eq!(shadow.submit(capture(&shadow, 50)), Err(SkipReason::QueueFull));
        assert_eq!((gauges(), shadow.held()), ((2, 50), 50), "what is shed is given back");
        let taken = arrivals.next().await;
        assert_eq!((gauges(), shadow.held()), ((1, 20), 50), "what is being compared is still held");
        drop(taken);
        assert_eq!(shadow.held(), 20);
        drop(arrivals.next().await);
        assert_eq!((gauges(), shadow.held()), ((0, 0), 0));
    }
}
