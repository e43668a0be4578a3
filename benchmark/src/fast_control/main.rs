//! A LiteLLM that costs next to nothing: it answers what it was shown a real one to answer.
//!
//! Mirroring has to be measured against a control that is faster than Python, or Python's own noise hides what mirroring
//! costs. For each recorded route it does what LiteLLM does on the wire: one request to the provider through the tap,
//! marked with the tape's id that the client's body carries, then LiteLLM's answer. Health, model list, price map and probes
//! are answered from the recording too; any other JSON goes to the provider and back as it stands.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it tells the terminal where it listens")]

mod recording;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use clap::Parser;
use crossfade_benchmark::http1::{Chunks, Framing, Inbox, framing, header, request_line};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use recording::{Recording, Relayed};

/// What the command line says.
#[derive(Debug, Parser)]
#[command(name = "fast-control", about = "Plays a recorded LiteLLM")]
struct Arguments {
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// JSON, as the benchmark's orchestration writes it.
    #[arg(long)]
    recording: PathBuf,
    /// Where provider requests go: the tap, or the provider.
    #[arg(long)]
    provider: SocketAddr,
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
            eprintln!("fast-control: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> io::Result<()> {
    let recording = Rc::new(Recording::read(&arguments.recording)?);
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("{}", listener.local_addr()?);
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let recording = Rc::clone(&recording);
                // An error is a client that went away.
                tokio::task::spawn_local(async move { converse(stream, recording, arguments.provider).await });
            }
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        }
    }
}

async fn converse(mut stream: TcpStream, recording: Rc<Recording>, provider: SocketAddr) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut inbox, mut body, mut ignored) = (Inbox::default(), Vec::new(), Vec::new());
    let mut upstream = None;
    while let Some(length) = inbox.head(&mut stream).await? {
        let head = &inbox.bytes()[..length];
        let framing = framing(head);
        let (method, path) = request_line(head);
        let with_key = header(head, b"authorization").is_some();
        let is_json = header(head, b"content-type").is_some_and(|value| value.starts_with(b"application/json"));
        let route = format!("{} {}", String::from_utf8_lossy(method), String::from_utf8_lossy(path));
        inbox.take(length);
        inbox.body(&mut stream, framing, &mut body).await?;
        if let Some(relayed) = recording.relayed(&route).filter(|_| is_json && with_key) {
            ask_provider(&mut upstream, provider, relayed, &body, &mut ignored).await?;
            stream.write_all(&relayed.answer).await?;
        } else if let Some(answer) = recording.answer(&route, with_key, is_json) {
            stream.write_all(answer).await?;
        } else {
            let request = format!(
                "{route} HTTP/1.1\r\nhost: provider\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            pass_on(&mut upstream, provider, &[request.as_bytes(), &body].concat(), &mut stream).await?;
        }
    }
    Ok(())
}

type Upstream = Option<(TcpStream, Inbox)>;

/// The connection kept from the last request, or a new one.
async fn connected(upstream: &mut Upstream, provider: SocketAddr) -> io::Result<(TcpStream, Inbox)> {
    if let Some(open) = upstream.take() {
        return Ok(open);
    }
    let stream = TcpStream::connect(provider).await?;
    stream.set_nodelay(true)?;
    Ok((stream, Inbox::default()))
}

/// The provider request that LiteLLM would make, and its answer to the end.
async fn ask_provider(
    upstream: &mut Upstream,
    provider: SocketAddr,
    relayed: &Relayed,
    client_body: &[u8],
    ignored: &mut Vec<u8>,
) -> io::Result<()> {
    let (mut stream, mut inbox) = connected(upstream, provider).await?;
    stream.write_all(&relayed.provider_request(client_body)).await?;
    let Some(length) = inbox.head(&mut stream).await? else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let framing = framing(&inbox.bytes()[..length]);
    inbox.take(length);
    inbox.body(&mut stream, framing, ignored).await?;
    *upstream = Some((stream, inbox));
    Ok(())
}

/// A request as it stands, and its answer back as it comes.
async fn pass_on(
    upstream: &mut Upstream,
    provider: SocketAddr,
    request: &[u8],
    client: &mut TcpStream,
) -> io::Result<()> {
    let (mut stream, mut inbox) = connected(upstream, provider).await?;
    stream.write_all(request).await?;
    let Some(length) = inbox.head(&mut stream).await? else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let framing = framing(&inbox.bytes()[..length]);
    client.write_all(&inbox.bytes()[..length]).await?;
    inbox.take(length);
    let (mut chunks, mut passed) = (Chunks::default(), 0);
    loop {
        let (count, done) = match framing {
            Framing::Length(total) => {
                passed += inbox.bytes().len();
                (inbox.bytes().len(), passed >= total)
            }
            Framing::Chunked => {
                let count = chunks.feed(inbox.bytes(), |_| ())?;
                (count, chunks.ended())
            }
        };
        client.write_all(&inbox.bytes()[..count]).await?;
        inbox.take(count);
        if done {
            break;
        }
        if inbox.fill(&mut stream).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    *upstream = Some((stream, inbox));
    Ok(())
}
