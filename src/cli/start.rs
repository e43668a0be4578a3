//! From arguments to running parts: build everything, then start what runs beside the listener.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use rand::RngExt;

use super::serve::ServeArguments;
use crate::admin::Admin;
use crate::agreement::TapSign;
use crate::app::{App, TapView};
use crate::background::{self, Inputs, ProbeSettings};
use crate::config::Secret;
use crate::controller::{Controller, system_clock};
use crate::listener::Drain;
use crate::native;
use crate::proxy::{AnswerHeads, BodyLimits};
use crate::python::Upstream;
use crate::python::forward::PythonClient;
use crate::reports::Store;
use crate::routes::LaneTable;
use crate::routes::facts::hex_digest;
use crate::shadow::{ShadowLimits, Worker};
use crate::tap::{Recordings, Tap, Targets};
use crate::telemetry::Metrics;

/// Everything built and nothing running.
pub struct Parts {
    pub app: Arc<App>,
    worker: Worker,
    inputs: Inputs,
    targets: Arc<ArcSwap<Targets>>,
}

/// Captures that may wait, the bytes that all of the shadow may hold, and the largest answer that is copied.
const SHADOW: ShadowLimits =
    ShadowLimits { captures_max: 512, bytes_max: 128 << 20, answer_max: 16 << 20, gathered: Duration::from_millis(20) };
/// Tapes that may be open at one time.
const TAPES_MAX: usize = 1024;
/// Bodies held for a decision at one time, in largest bodies.
const BODIES_MAX: usize = 8;

type Fault = Box<dyn std::error::Error>;

impl Parts {
    pub fn build(
        arguments: &ServeArguments,
        metrics: &Metrics,
        upstream: Arc<Upstream>,
        drain: &Drain,
    ) -> Result<Self, Fault> {
        let table: Arc<ArcSwap<LaneTable>> = Arc::default();
        let targets: Arc<ArcSwap<Targets>> = Arc::default();
        let fresh_key: [u8; 32] = rand::rng().random();
        // Without a configuration there are no lanes, and nothing that would have to survive a restart.
        let store = Arc::new(match arguments.config {
            Some(_) => Store::open(&arguments.reports, fresh_key)?,
            None => Store::in_memory(fresh_key)?,
        });
        let controller =
            Arc::new(Controller::new(Arc::clone(&table), store, metrics.clone(), system_clock(), build_name())?);
        let mut inputs = Inputs::new(arguments.config.clone(), arguments.rules.clone(), Arc::clone(&targets));
        inputs.load(&controller)?;
        let (shadow, worker) = Worker::new(SHADOW, Arc::clone(&controller), metrics.clone());
        let recordings = Recordings::new(TAPES_MAX, Arc::clone(shadow.budget()));
        let certificates = std::env::var_os("SSL_CERT_FILE");
        let app = App {
            python: PythonClient::new(Arc::clone(&upstream)),
            upstream,
            provider: Arc::new(native::Client::new(certificates.as_deref().map(Path::new))?),
            cooldowns: Arc::default(),
            table,
            controller,
            shadow,
            tap: arguments.tap.clone().map(|address| TapView { address, recordings }),
            limits: Arc::new(BodyLimits::new(arguments.body_limit, arguments.body_limit.saturating_mul(BODIES_MAX))),
            answer_heads: AnswerHeads::default(),
            metrics: metrics.clone(),
            draining: drain.flag(),
            listening: false.into(),
        };
        Ok(Self { app: Arc::new(app), worker, inputs, targets })
    }

    /// Starts the threads beside the listener; returns once every port is bound. Leaves the app to the listener.
    pub fn run_beside(self, arguments: &ServeArguments, drain: &Drain) -> Result<Arc<App>, Fault> {
        let Self { app, worker, inputs, targets } = self;
        background::on_own_thread("shadow", worker.run())?;
        if let Some(view) = app.tap.clone() {
            let (address, metrics) = (view.address.clone(), app.metrics.clone());
            serve_bound(
                "tap",
                move || async move { Tap::bind(&address, targets, view.recordings, metrics).await },
                Tap::run,
            )?;
        }
        let token = std::env::var("CROSSFADE_ADMIN_TOKEN").ok().filter(|token| !token.is_empty()).map(Secret::new);
        let (address, shared, drain) = (arguments.admin.clone(), Arc::clone(&app), drain.clone());
        serve_bound("admin", move || async move { Admin::bind(&address, token, shared, drain).await }, Admin::run)?;
        let settings = ProbeSettings {
            every: arguments.probe_interval,
            price_map: price_map(&arguments.price_map)?,
            ..ProbeSettings::default()
        };
        // Rolling back waits for no probe and no file, and those wait for no tick that writes to a slow disk.
        background::on_own_thread("control", background::tick(Arc::clone(&app.controller)))?;
        background::on_own_thread("watch", watch(Arc::clone(&app), arguments.listen.clone(), inputs, settings))?;
        Ok(app)
    }
}

/// What looks around: files, probes, health.
async fn watch(app: Arc<App>, listen: String, inputs: Inputs, settings: ProbeSettings) {
    let controller = &app.controller;
    // Its own connections: one is driven by the thread that opened it, and this thread reads files.
    let python = PythonClient::new(Arc::clone(&app.upstream));
    let recordings = app.tap.as_ref().map(|tap| Arc::clone(&tap.recordings));
    let sign = move || recordings.as_ref().map_or(TapSign::Nothing, |recordings| recordings.sign());
    tokio::join!(
        background::watch_listener(Arc::clone(&app), listen),
        background::watch_inputs(inputs, Arc::clone(controller)),
        background::probe_agreement(python.clone(), Arc::clone(controller), sign, settings),
        background::watch_health(python, Arc::clone(&app.upstream), app.metrics.clone()),
    );
}

/// Binds on the thread that will serve, and comes back with the fault if it cannot.
fn serve_bound<B, F, E, R>(
    name: &str,
    bind: impl FnOnce() -> F + Send + 'static,
    run: impl FnOnce(B) -> R + Send + 'static,
) -> Result<(), Fault>
where
    F: Future<Output = Result<B, E>> + Send,
    E: std::error::Error + Send + Sync + 'static,
    R: Future<Output = ()> + Send,
    B: Send,
{
    let (said, heard) = std::sync::mpsc::sync_channel::<Result<(), E>>(1);
    background::on_own_thread(name, async move {
        match bind().await {
            Ok(bound) => {
                let _ = said.send(Ok(()));
                run(bound).await;
            }
            Err(error) => {
                let _ = said.send(Err(error));
            }
        }
    })?;
    heard.recv()??;
    Ok(())
}

fn price_map(place: &str) -> Result<Option<Bytes>, Fault> {
    if place == "upstream" {
        return Ok(None);
    }
    let bytes = std::fs::read(place).map_err(|error| format!("failed to read the price map {place}: {error}"))?;
    Ok(Some(Bytes::from(bytes)))
}

/// Version and a hash of this very program: evidence of another build does not count.
fn build_name() -> String {
    let program = std::env::current_exe().and_then(std::fs::read).map(|bytes| hex_digest(&bytes));
    let digest = program.unwrap_or_default();
    format!("{}+{}", env!("CARGO_PKG_VERSION"), digest.get(..12).unwrap_or("unknown"))
}
