//! A provider that costs next to nothing: one thread, ready-made bytes, one read and one write a request.
//!
//! What it answers is chosen by the words in the path or the model (`answers.rs`); the first line it prints is the address
//! it bound. With `--tls-listen` it also speaks TLS, HTTP/2 if the peer offers it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it tells the terminal where it listens")]

mod answers;
mod encrypted;

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use clap::Parser;
use crossfade_benchmark::http1::{Inbox, framing, request_line};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until};

use answers::{Answer, Answers};

/// What the command line says.
#[derive(Debug, Parser)]
#[command(name = "fast-provider", about = "Ready-made provider answers for benchmarks")]
struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A second address, with TLS.
    #[arg(long, requires_all = ["tls_cert", "tls_key"])]
    tls_listen: Option<SocketAddr>,
    /// PEM.
    #[arg(long)]
    tls_cert: Option<PathBuf>,
    /// PEM.
    #[arg(long)]
    tls_key: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| LocalSet::new().block_on(&runtime, serve(arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fast-provider: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> io::Result<()> {
    let answers = Rc::new(RefCell::new(Answers::default()));
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("{}", listener.local_addr()?);
    if let (Some(address), Some(certificate), Some(key)) =
        (arguments.tls_listen, &arguments.tls_cert, &arguments.tls_key)
    {
        let listener = TcpListener::bind(address).await?;
        println!("{}", listener.local_addr()?);
        let acceptor = encrypted::acceptor(certificate, key)?;
        tokio::task::spawn_local(encrypted::serve(listener, acceptor, Rc::clone(&answers)));
    }
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let answers = Rc::clone(&answers);
                // An error is a client that went away.
                tokio::task::spawn_local(async move { converse(stream, answers).await });
            }
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        }
    }
}

/// Answers one connection's requests until either side ends it.
async fn converse(mut stream: TcpStream, answers: Rc<RefCell<Answers>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut inbox = Inbox::default();
    let mut body = Vec::new();
    while let Some(length) = inbox.head(&mut stream).await? {
        let head = &inbox.bytes()[..length];
        let framing = framing(head);
        let path = std::str::from_utf8(request_line(head).1).unwrap_or("/").to_owned();
        inbox.take(length);
        inbox.body(&mut stream, framing, &mut body).await?;
        let answer = answers.borrow_mut().to(&path, &body);
        send(&mut stream, &answer).await?;
        if answer.cut {
            return Ok(());
        }
    }
    Ok(())
}

/// Writes an answer; every event of a stream in a write of its own.
async fn send(stream: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    if !answer.delay.is_zero() {
        sleep(answer.delay).await;
    }
    stream.write_all(&answer.head).await?;
    let begun = Instant::now();
    for (position, chunk) in answer.chunks.iter().enumerate() {
        if position > 0 && !answer.every.is_zero() {
            sleep_until(begun + answer.every * position as u32).await;
        }
        stream.write_all(chunk).await?;
    }
    Ok(())
}
