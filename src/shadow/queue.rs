//! The bounded queue between the threads that serve and the one that compares.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cutover::lane::LaneId;
use cutover::verdict::SkipReason;
use tokio::sync::mpsc;

use super::capture::{Capture, Traits};
use crate::routes::LiveLane;
use crate::telemetry::Metrics;

/// Bounds on work that waits.
#[derive(Clone, Copy, Debug)]
pub struct ShadowLimits {
    pub captures_max: usize,
    pub bytes_max: usize,
    /// The largest answer that is captured, in bytes.
    pub answer_max: usize,
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
    fn bytes(&self) -> usize {
        match self {
            Self::Compare(capture) => capture.bytes(),
            Self::Skip { .. } => 0,
        }
    }
}

/// The entrance of the queue. Handing in never waits: what does not fit is shed and said.
#[derive(Clone)]
pub struct Shadow {
    sender: mpsc::Sender<Work>,
    bytes: Arc<AtomicUsize>,
    shed: Arc<AtomicUsize>,
    pub limits: ShadowLimits,
    metrics: Metrics,
}

/// The exit of the queue.
pub(super) struct Arrivals {
    receiver: mpsc::Receiver<Work>,
    bytes: Arc<AtomicUsize>,
    metrics: Metrics,
}

impl Shadow {
    pub(super) fn new(limits: ShadowLimits, metrics: Metrics) -> (Self, Arrivals) {
        let (sender, receiver) = mpsc::channel(limits.captures_max);
        let bytes = Arc::new(AtomicUsize::new(0));
        let arrivals = Arrivals { receiver, bytes: Arc::clone(&bytes), metrics: metrics.clone() };
        (Self { sender, bytes, shed: Arc::default(), limits, metrics }, arrivals)
    }

    /// Hands a capture to the worker, or says why not.
    pub fn submit(&self, capture: Capture) -> Result<(), SkipReason> {
        let size = capture.bytes();
        let before = self.bytes.fetch_add(size, Ordering::Relaxed);
        if before + size > self.limits.bytes_max {
            return Err(self.shed(size, SkipReason::BytesBudget));
        }
        match self.sender.try_send(Work::Compare(Box::new(capture))) {
            Ok(()) => {
                self.metrics.shadow_queue.inc();
                self.metrics.shadow_queue_bytes.set(self.held());
                Ok(())
            }
            Err(_) => Err(self.shed(size, SkipReason::QueueFull)),
        }
    }

    /// Counts a request that is not compared. What was planned is a number on the lane; what counts against coverage
    /// goes the way of the captures, so that its shape is known.
    pub fn skip(&self, lane: &LiveLane, reason: SkipReason, traits: &Traits) {
        let work = Work::Skip { lane: lane.id.clone(), reason, traits: traits.clone() };
        if reason.benign() || self.sender.try_send(work).is_err() {
            lane.tally.skipped(reason);
        } else {
            self.metrics.shadow_queue.inc();
        }
    }

    fn shed(&self, size: usize, reason: SkipReason) -> SkipReason {
        self.bytes.fetch_sub(size, Ordering::Relaxed);
        self.shed.fetch_add(1, Ordering::Relaxed);
        reason
    }

    /// Captures that wait.
    pub fn waiting(&self) -> usize {
        self.limits.captures_max - self.sender.capacity()
    }

    /// Bytes they hold.
    pub fn held(&self) -> i64 {
        i64::try_from(self.bytes.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
    }

    /// Captures shed since the start.
    pub fn shed_total(&self) -> usize {
        self.shed.load(Ordering::Relaxed)
    }
}

impl Arrivals {
    /// The next capture; its bytes are the budget's again once it is taken. `None` when no sender is left.
    pub(super) async fn next(&mut self) -> Option<Work> {
        let work = self.receiver.recv().await?;
        self.bytes.fetch_sub(work.bytes(), Ordering::Relaxed);
        self.metrics.shadow_queue.dec();
        Some(work)
    }
}
