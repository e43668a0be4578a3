//! Stops without dropping a request: first unready, then drained, then down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use pingora::server::{ShutdownSignal, ShutdownSignalWatch};
use prometheus::IntGauge;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for a signal, then for the requests under way.
#[derive(Clone)]
pub struct Drain {
    draining: Arc<AtomicBool>,
    in_flight: IntGauge,
    timeout: Duration,
}

/// How often the requests under way are counted while draining.
const TICK: Duration = Duration::from_millis(20);

impl Drain {
    pub fn new(in_flight: IntGauge, timeout: Duration) -> Self {
        Self { draining: Arc::default(), in_flight, timeout }
    }

    /// True from the first signal on: readiness answers 503.
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    async fn drained(&self) {
        let mut tick = tokio::time::interval(TICK);
        while self.in_flight.get() > 0 {
            tick.tick().await;
        }
    }
}

#[async_trait]
impl ShutdownSignalWatch for Drain {
    async fn recv(&self) -> ShutdownSignal {
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::error!("no signal handler could be installed; stop the process with SIGKILL");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => std::process::exit(0),
        }
        self.draining.store(true, Ordering::Relaxed);
        tracing::info!(in_flight = self.in_flight.get(), "draining");
        tokio::select! {
            () = self.drained() => {}
            () = tokio::time::sleep(self.timeout) => {
                tracing::warn!(in_flight = self.in_flight.get(), "drain timed out");
            }
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        // Pingora's accept loop can outlive its runtime and spin; nothing is left to do, so the process just ends.
        std::process::exit(0)
    }
}
