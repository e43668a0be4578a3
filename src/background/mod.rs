//! What runs beside the requests, on threads of their own: the controller's tick; the watch on files with the probes of
//! LiteLLM; the admin port; the shadow's worker; the tap.

mod inputs;
mod probe;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

pub use inputs::{Inputs, InputsError, read_config, targets};
pub use probe::{ProbeSettings, probe_agreement, watch_health};

use crate::app::App;
use crate::controller::{Controller, TICK};

/// Runs a future on a thread with a runtime of its own.
pub fn on_own_thread<F>(name: &str, work: F) -> std::io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(work))?;
    Ok(())
}

/// Notes when the front port accepts connections; Pingora binds it on a thread of its own and does not say when.
pub async fn watch_listener(app: Arc<App>, address: String) {
    // An address of all interfaces is reached by its loopback one.
    let address = address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
    // Which port the system chose for 0 only Pingora knows.
    let chosen_by_system = address.ends_with(":0");
    while !chosen_by_system && TcpStream::connect(&address).await.is_err() {
        tokio::time::sleep(LISTENER).await;
    }
    app.listening.store(true, Ordering::Relaxed);
}

/// Between two looks at a port that is about to open.
const LISTENER: Duration = Duration::from_millis(2);

/// Ticks until the process ends.
pub async fn tick(controller: Arc<Controller>) {
    let mut pace = tokio::time::interval(TICK);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        controller.tick();
    }
}

/// How often files are looked at. By content, because the usual mounts of configuration swap links, not files.
const WATCH: Duration = Duration::from_secs(1);

/// Reads configuration and rules again when a file changed or at SIGHUP.
pub async fn watch_inputs(mut inputs: Inputs, controller: Arc<Controller>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::error!("no handler for SIGHUP could be installed");
        return;
    };
    let mut pace = tokio::time::interval(WATCH);
    loop {
        tokio::select! {
            _ = pace.tick() => inputs.reload_changed(&controller),
            _ = hangup.recv() => inputs.reload(&controller),
        }
    }
}
