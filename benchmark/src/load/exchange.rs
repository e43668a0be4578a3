//! One request and its answer on a connection, with the times at which the answer's parts could be read.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crossfade_benchmark::http1::{Chunks, Framing, Inbox, framing, header, status};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// A connection that is kept for the next request.
pub struct Connection {
    stream: TcpStream,
    inbox: Inbox,
}

/// Who says that it served a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// `x-crossfade-served-by: native`
    CrossfadeNative,
    /// `x-crossfade-served-by: python`
    CrossfadePython,
    /// `x-litellm-rust: true`
    LiteLlmRust,
    /// Nobody says.
    Unnamed,
}

/// What was seen of one answer.
pub struct Seen {
    pub status: u16,
    pub server: Server,
    /// From before the request was written to the answer's last byte.
    pub total: Duration,
    /// To the first byte of its body.
    pub first_byte: Duration,
    /// The longest time between two reads that brought body.
    pub gap: Duration,
    /// Reads that brought body.
    pub reads: u64,
    pub body_bytes: u64,
}

/// Sends `request` on the connection, opened if there is none, and reads the whole answer.
pub async fn exchange(connection: &mut Option<Connection>, target: SocketAddr, request: &[u8]) -> io::Result<Seen> {
    let mut open = match connection.take() {
        Some(open) => open,
        None => {
            let stream = TcpStream::connect(target).await?;
            stream.set_nodelay(true)?;
            Connection { stream, inbox: Inbox::default() }
        }
    };
    let begun = Instant::now();
    open.stream.write_all(request).await?;
    let Some(length) = open.inbox.head(&mut open.stream).await? else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let head = &open.inbox.bytes()[..length];
    let (status, framing, server) = (status(head), framing(head), server(head));
    let closes = header(head, b"connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
    open.inbox.take(length);
    let mut seen = Seen {
        status,
        server,
        total: Duration::ZERO,
        first_byte: Duration::ZERO,
        gap: Duration::ZERO,
        reads: 0,
        body_bytes: 0,
    };
    read_body(&mut open, framing, begun, &mut seen).await?;
    seen.total = begun.elapsed();
    if !closes {
        *connection = Some(open);
    }
    Ok(seen)
}

async fn read_body(open: &mut Connection, framing: Framing, begun: Instant, seen: &mut Seen) -> io::Result<()> {
    let mut chunks = Chunks::default();
    let mut last: Option<Instant> = None;
    loop {
        let before = seen.body_bytes;
        let arrived = open.inbox.bytes();
        let (consumed, done) = match framing {
            Framing::Length(length) => {
                let count = arrived.len().min(length - seen.body_bytes as usize);
                seen.body_bytes += count as u64;
                (count, seen.body_bytes == length as u64)
            }
            Framing::Chunked => {
                let consumed = chunks.feed(arrived, |data| seen.body_bytes += data.len() as u64)?;
                (consumed, chunks.ended())
            }
        };
        open.inbox.take(consumed);
        if seen.body_bytes > before {
            let now = Instant::now();
            match last {
                None => seen.first_byte = now - begun,
                Some(last) => seen.gap = seen.gap.max(now - last),
            }
            last = Some(now);
            seen.reads += 1;
        }
        if done {
            return Ok(());
        }
        if open.inbox.fill(&mut open.stream).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn server(head: &[u8]) -> Server {
    match header(head, b"x-crossfade-served-by") {
        Some(b"native") => Server::CrossfadeNative,
        Some(_) => Server::CrossfadePython,
        None if header(head, b"x-litellm-rust").is_some() => Server::LiteLlmRust,
        None => Server::Unnamed,
    }
}
