//! Sends one request again and again and says what it saw, as one line of JSON.
//!
//! Closed loop: every connection sends its next request when the answer to its last one is there; finds the ceiling.
//! Open loop (`--rate`): requests are due at fixed times whether or not earlier ones were answered, and an answer's time
//! counts from when its request was due, so a stall is seen by everybody who would have met it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its result is for the terminal")]

mod exchange;
mod observed;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use exchange::Connection;
use observed::Observed;

/// What the command line says.
#[derive(Debug, Parser)]
#[command(name = "load", about = "A load generator for one request")]
struct Arguments {
    #[arg(long)]
    target: SocketAddr,
    #[arg(long, default_value = "POST")]
    method: String,
    #[arg(long)]
    path: String,
    /// `name: value`; repeatable.
    #[arg(long)]
    header: Vec<String>,
    #[arg(long)]
    body: Option<PathBuf>,
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// Requests that count; without it `--seconds` ends the run.
    #[arg(long)]
    requests: Option<u64>,
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Requests before that, not counted.
    #[arg(long, default_value_t = 0)]
    warm: u64,
    /// Open loop: requests a second over all connections.
    #[arg(long)]
    rate: Option<f64>,
    /// Seconds after which an answer is given up.
    #[arg(long, default_value_t = 60.0)]
    timeout: f64,
}

/// What every connection of a phase shares.
struct Phase {
    target: SocketAddr,
    request: Vec<u8>,
    timeout: Duration,
    left: Cell<u64>,
    until: Option<Instant>,
    observed: RefCell<Observed>,
}

impl Phase {
    /// Takes one request from what is left to do.
    fn next(&self) -> bool {
        let left = self.left.get();
        if left == 0 || self.until.is_some_and(|until| Instant::now() >= until) {
            return false;
        }
        self.left.set(left - 1);
        true
    }

    async fn one(&self, connection: &mut Option<Connection>, due: Option<Instant>) {
        let sent = Instant::now();
        let outcome = tokio::time::timeout(self.timeout, exchange::exchange(connection, self.target, &self.request));
        let outcome = outcome.await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        match outcome {
            Ok(seen) => self.observed.borrow_mut().answered(&seen, due.map(|due| sent.duration_since(due))),
            Err(error) => {
                *connection = None;
                self.observed.borrow_mut().failed(&error);
                // A target that refuses connections is not to be asked in a tight loop.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let request = match request(&arguments) {
        Ok(request) => request,
        Err(error) => {
            eprintln!("load: {error}");
            return ExitCode::FAILURE;
        }
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        eprintln!("load: no runtime");
        return ExitCode::FAILURE;
    };
    let report = LocalSet::new().block_on(&runtime, run(&arguments, request));
    println!("{report}");
    ExitCode::SUCCESS
}

fn request(arguments: &Arguments) -> std::io::Result<Vec<u8>> {
    let body = arguments.body.as_ref().map(std::fs::read).transpose()?;
    let mut request = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", arguments.method, arguments.path, arguments.target);
    for header in &arguments.header {
        request.push_str(header);
        request.push_str("\r\n");
    }
    if let Some(body) = &body {
        request.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    let mut request = request.into_bytes();
    request.extend(body.unwrap_or_default());
    Ok(request)
}

async fn run(arguments: &Arguments, request: Vec<u8>) -> String {
    let timeout = Duration::from_secs_f64(arguments.timeout);
    let count = arguments.connections.max(1);
    let mut connections: Vec<Option<Connection>> = (0..count).map(|_| None).collect();
    let phase = |left, until| {
        let observed = RefCell::new(Observed::default());
        Rc::new(Phase {
            target: arguments.target,
            request: request.clone(),
            timeout,
            left: Cell::new(left),
            until,
            observed,
        })
    };
    if arguments.warm > 0 {
        connections = closed(phase(arguments.warm, None), connections).await;
    }
    let length = Duration::from_secs_f64(arguments.seconds);
    let until = arguments.requests.is_none().then(|| Instant::now() + length);
    let measured = phase(arguments.requests.unwrap_or(u64::MAX), until);
    let begun = Instant::now();
    match arguments.rate {
        None => drop(closed(Rc::clone(&measured), connections).await),
        Some(rate) => {
            let total = arguments.requests.unwrap_or((rate * arguments.seconds) as u64);
            open(Rc::clone(&measured), connections, rate, total).await;
        }
    }
    measured.observed.borrow().report(begun.elapsed(), arguments.warm)
}

/// Runs a phase to its end; the connections can be used for the next.
async fn closed(phase: Rc<Phase>, connections: Vec<Option<Connection>>) -> Vec<Option<Connection>> {
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|mut connection| {
            let phase = Rc::clone(&phase);
            tokio::task::spawn_local(async move {
                while phase.next() {
                    phase.one(&mut connection, None).await;
                }
                connection
            })
        })
        .collect();
    let mut connections = Vec::new();
    for task in tasks {
        connections.push(task.await.unwrap_or_default());
    }
    connections
}

/// Requests due at fixed times, dealt out to the connections in turn.
async fn open(phase: Rc<Phase>, connections: Vec<Option<Connection>>, rate: f64, total: u64) {
    let mut due_of = Vec::new();
    let mut tasks = Vec::new();
    for mut connection in connections {
        let (sender, mut due) = mpsc::unbounded_channel();
        due_of.push(sender);
        let phase = Rc::clone(&phase);
        tasks.push(tokio::task::spawn_local(async move {
            while let Some(due) = due.recv().await {
                phase.one(&mut connection, Some(due)).await;
            }
        }));
    }
    // A thread of its own, because the runtime's timer is a millisecond late and this one some tens of microseconds.
    let metronome = std::thread::spawn(move || {
        let begun = Instant::now();
        for number in 0..total {
            let due = begun + Duration::from_secs_f64(number as f64 / rate);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if due_of[number as usize % due_of.len()].send(due).is_err() {
                return;
            }
        }
    });
    for task in tasks {
        let _ = task.await;
    }
    let _ = metronome.join();
}
