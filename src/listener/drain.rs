//! Stops without dropping a request: first unready, then drained, then down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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
    /// Between the signal and the end of listening.
    delay: Duration,
}

/// How often the requests under way are counted while draining.
const TICK: Duration = Duration::from_millis(20);
/// Looks without a request under way before the process ends: one may just have been accepted.
const IDLE_TICKS: u32 = 5;

impl Drain {
    pub fn new(in_flight: IntGauge, timeout: Duration) -> Self {
        Self { draining: Arc::default(), in_flight, timeout, delay: Duration::ZERO }
    }

    /// Goes on listening for so long after the signal.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// True once draining: who answers then ends the connection with it.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.draining)
    }

    /// True from the first signal on: readiness answers 503.
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Ends the process once nothing is under way, or when time is up. Pingora has closed the listener by then; its own
    /// way down would wait for the whole period, and can leave an accept loop spinning.
    async fn end_when_drained(&self) {
        let deadline = Instant::now() + self.delay + self.timeout;
        tokio::time::sleep(self.delay).await;
        let mut idle_ticks = 0;
        while idle_ticks < IDLE_TICKS && Instant::now() < deadline {
            tokio::time::sleep(TICK).await;
            idle_ticks = if self.in_flight.get() > 0 { 0 } else { idle_ticks + 1 };
        }
        tracing::info!(in_flight = self.in_flight.get(), "drained");
    }

    /// Ends the process once drained, or at a second signal: on a thread of its own, whatever Pingora does meanwhile.
    fn end(&self) -> std::io::Result<()> {
        let drain = self.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("drain".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = drain.end_when_drained() => {}
                    () = signalled() => {}
                }
            });
            std::process::exit(0)
        })?;
        Ok(())
    }
}

/// SIGTERM or SIGINT.
async fn signalled() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
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
        if self.draining.swap(true, Ordering::Relaxed) {
            // Another thread's server was told first and ends the process.
            tokio::time::sleep(self.delay).await;
            return ShutdownSignal::GracefulTerminate;
        }
        tracing::info!(in_flight = self.in_flight.get(), "draining");
        if self.end().is_err() {
            std::process::exit(0);
        }
        // Balancers learn from readiness that this process goes; until they have, it answers as ever, and ends each
        // connection with its answer.
        tokio::time::sleep(self.delay).await;
        ShutdownSignal::GracefulTerminate
    }
}
