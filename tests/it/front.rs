//! The front port with everything behind it, in this process: only LiteLLM and the provider are fakes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crossfade::app::{App, TapView};
use crossfade::background::on_own_thread;
use crossfade::listener::{self, Drain, ListenerSettings};
use crossfade::proxy::{AnswerHeads, BodyLimits};
use crossfade::python::Upstream;
use crossfade::python::forward::PythonClient;
use crossfade::shadow::{ShadowLimits, Worker};
use crossfade::tap::Recordings;

use crate::stand::{CONFIG, LANE, Stand};
use crate::wire::{PATIENCE, nobody};

/// How a front is set up.
pub struct Settings {
    pub rule: &'static str,
    pub config: &'static str,
    pub body_limit: usize,
    pub shadow: ShadowLimits,
    pub upstream_timeout: Duration,
    pub provider: SocketAddr,
    /// Requests are put on tapes; whether anything is written on them is the test's affair.
    pub tapes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rule: OFF,
            config: CONFIG,
            body_limit: 1 << 20,
            shadow: ShadowLimits {
                captures_max: 16,
                bytes_max: 1 << 24,
                answer_max: 1 << 22,
                gathered: Duration::ZERO,
            },
            upstream_timeout: PATIENCE,
            provider: nobody(),
            tapes: false,
        }
    }
}

/// Nothing is read: Pingora forwards.
pub const OFF: &str = "route: ocr\nstage: off\n";
/// Bodies are read and Python serves.
pub const SHADOW: &str = "route: ocr\nstage: shadow\npromote: manual\n";
/// Everything native-capable is served natively.
pub const PINNED: &str = "route: ocr\nstage: full\nhold: true\nholdout: 0\n";

pub struct Front {
    pub address: SocketAddr,
    pub app: Arc<App>,
    pub stand: Stand,
}

impl Front {
    pub fn before(litellm: SocketAddr, settings: Settings) -> Self {
        let stand = Stand::with_provider(settings.rule, settings.config, &format!("http://{}/v1", settings.provider));
        let address = free_address();
        let app = Arc::new(app(litellm, &settings, &stand));
        let listener = ListenerSettings {
            address: address.to_string(),
            tls: None,
            threads: 1,
            drain_timeout: Duration::from_secs(1),
        };
        let drain = Drain::new(stand.metrics.in_flight.clone(), listener.drain_timeout);
        let shared = Arc::clone(&app);
        std::thread::spawn(move || listener::run(&listener, shared, drain));
        wait_until("the front port is open", || TcpStream::connect(address).is_ok());
        let front = Self { address, app, stand };
        // Nobody else's, whatever took the port between the look and the start.
        let own = front.stand.metrics.requests.with_label_values(&["other", "python"]);
        crate::wire::ask(address, "GET /health/liveliness HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        wait_until("the front port counts", || own.get() == 1);
        front
    }

    /// Outcomes of the lane so far, with the reasons of skips: `skipped no_tape` or `mismatch`.
    pub fn outcomes(&self) -> Vec<(String, u64)> {
        self.stand.controller.tick();
        let text = String::from_utf8(self.stand.metrics.render()).unwrap();
        let counted = text.lines().filter(|line| line.starts_with("crossfade_outcomes_total") && line.contains(LANE));
        counted
            .filter_map(|line| {
                let label = |name: &str| line.split(&format!("{name}=\"")).nth(1)?.split('"').next();
                let count = line.rsplit(' ').next()?.parse().ok()?;
                Some((format!("{} {}", label("outcome")?, label("reason")?).trim().to_owned(), count))
            })
            .collect()
    }

    /// Waits for the first outcome and returns all there are.
    pub fn outcome(&self) -> Vec<(String, u64)> {
        wait_until("an outcome is counted", || !self.outcomes().is_empty());
        self.outcomes()
    }

    pub fn declined(&self, reason: &str) -> u64 {
        self.stand.metrics.declined.with_label_values(&["ocr", reason]).get()
    }
}

fn app(litellm: SocketAddr, settings: &Settings, stand: &Stand) -> App {
    let connect = Duration::from_secs(2);
    let upstream = Upstream::parse(&format!("http://{litellm}"), connect, settings.upstream_timeout);
    let upstream = Arc::new(upstream.unwrap());
    let controller = Arc::clone(&stand.controller);
    let (shadow, worker) = Worker::new(settings.shadow, Arc::clone(&controller), stand.metrics.clone());
    on_own_thread("shadow", worker.run()).unwrap();
    App {
        python: PythonClient::new(Arc::clone(&upstream)),
        upstream,
        provider: Arc::new(crossfade::native::Client::new(None).unwrap()),
        cooldowns: Arc::default(),
        table: Arc::clone(controller.table()),
        controller,
        draining: Arc::default(),
        listening: true.into(),
        tap: settings.tapes.then(|| TapView {
            address: "127.0.0.1:8082".to_owned(),
            recordings: Recordings::new(8, Arc::clone(shadow.budget())),
        }),
        shadow,
        limits: Arc::new(BodyLimits::new(settings.body_limit, settings.body_limit * 8)),
        answer_heads: AnswerHeads::default(),
        metrics: stand.metrics.clone(),
    }
}

/// A port above those that the system hands out by itself, so that no other connection takes it meanwhile.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed) + (std::process::id() % 45) as u16 * 100;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 61_000 + offset % 4_500));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Looks again until it is so; a test that has to wait long for it has failed.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "still waiting until {what}");
        std::thread::yield_now();
    }
}
