//! A provider that is not one: OCR, chat, messages, responses, embeddings and a websocket echo, answered at once from
//! ready-made bytes, or exactly as a test scripts them, attempt by attempt.
//!
//! The address it bound is the first line it prints, so that callers can ask for port 0.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it tells the terminal where it listens")]

mod arrival;
mod body;
mod completions;
mod connection;
mod control;
mod documents;
mod playing;
mod realtime;
mod script;
mod service;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

use connection::{Fate, Socket};
use service::Provider;

/// What the command line says.
#[derive(Debug, Parser)]
#[command(name = "mock-provider", about = "A scriptable stand-in for LLM providers")]
struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Keep every request for `GET /__seen/default`; scripted cases are always kept.
    #[arg(long)]
    record: bool,
    /// Milliseconds before the head of every answer that no script names.
    #[arg(long, default_value_t = 0)]
    latency: u64,
    /// Milliseconds between the events of an unscripted stream.
    #[arg(long, default_value_t = 0)]
    pace: u64,
    /// Text events in an unscripted stream.
    #[arg(long, default_value_t = 8)]
    events: usize,
    /// Worker threads; 0 takes one for each core.
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if arguments.threads > 0 {
        builder.worker_threads(arguments.threads);
    }
    let outcome = builder.enable_all().build().and_then(|runtime| runtime.block_on(serve(arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mock-provider: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Accepts until the process is told to stop.
async fn serve(arguments: Arguments) -> std::io::Result<()> {
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("{}", listener.local_addr()?);
    let provider = Arc::new(Provider::new(service::Behaviour {
        record: arguments.record,
        latency: Duration::from_millis(arguments.latency),
        pace: Duration::from_millis(arguments.pace),
        events: arguments.events,
    }));
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(converse(stream, Arc::clone(&provider)));
                }
                // Out of descriptors: the next accept may find one; spinning would keep the core from freeing any.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        }
    }
}

/// One client connection, HTTP/1 or HTTP/2 as the client opens it.
async fn converse(stream: tokio::net::TcpStream, provider: Arc<Provider>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let fate = Arc::new(Fate::default());
    let number = provider.next_connection();
    let socket = Socket::new(stream, Arc::clone(&fate));
    let answering = hyper::service::service_fn(move |request| {
        let provider = Arc::clone(&provider);
        let fate = Arc::clone(&fate);
        async move { provider.answer(request, number, fate).await }
    });
    // An error is a client that went away or a script that broke the connection: both are what was asked for.
    let _ =
        auto::Builder::new(TokioExecutor::new()).serve_connection_with_upgrades(TokioIo::new(socket), answering).await;
}
