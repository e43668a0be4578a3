//! The client against scripted sockets on loopback: what each fault is called, and what is sent how often.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use transform::{ProviderFailure, ProviderRequest, ProviderResponse};

use super::{BodyStream, Client, Protocol, collect};
use crate::native::effects::Opened;

mod kept;

/// What the scripted provider does once it has read a request.
#[derive(Clone)]
enum Play {
    /// Writes these pieces, with this pause before each, and keeps the connection.
    Write(Vec<(Duration, &'static str)>),
    /// Writes, then closes in order.
    WriteAndClose(&'static str),
    /// Writes, then resets.
    WriteAndReset(&'static str),
    /// Resets when it has read this much of the request.
    ResetAfter(usize),
    /// Says nothing.
    Hang,
}

struct Provider {
    url: String,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    /// One permit for each connection that the script ended.
    ended: Arc<Semaphore>,
}

/// Plays the script, one entry a request; the last repeats.
async fn provider(script: Vec<Play>) -> Provider {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/ocr", listener.local_addr().unwrap());
    let (requests, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let ended = Arc::new(Semaphore::new(0));
    let (count, opened, over) = (Arc::clone(&requests), Arc::clone(&connections), Arc::clone(&ended));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            opened.fetch_add(1, Ordering::SeqCst);
            let (played, ended) = (connection(socket, script.clone(), Arc::clone(&count)), Arc::clone(&over));
            tokio::spawn(async move {
                played.await;
                ended.add_permits(1);
            });
        }
    });
    Provider { url, requests, connections, ended }
}

async fn connection(mut socket: TcpStream, script: Vec<Play>, count: Arc<AtomicUsize>) {
    loop {
        let mut request = Vec::new();
        if !read_request(&mut socket, &mut request, 1).await {
            return;
        }
        let number = count.fetch_add(1, Ordering::SeqCst);
        let play = script[number.min(script.len() - 1)].clone();
        let early = match play {
            Play::ResetAfter(bytes) => bytes,
            _ => usize::MAX,
        };
        if !read_request(&mut socket, &mut request, early).await {
            return;
        }
        match play {
            Play::Write(pieces) => {
                for (pause, piece) in pieces {
                    tokio::time::sleep(pause).await;
                    if socket.write_all(piece.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
            Play::WriteAndClose(text) => {
                socket.write_all(text.as_bytes()).await.unwrap();
                return;
            }
            Play::WriteAndReset(text) => {
                socket.write_all(text.as_bytes()).await.unwrap();
                // The client must have read what was written before the reset discards it.
                tokio::time::sleep(Duration::from_millis(if text.is_empty() { 0 } else { 50 })).await;
                socket.set_zero_linger().unwrap();
                return;
            }
            Play::ResetAfter(_) => {
                socket.set_zero_linger().unwrap();
                return;
            }
            Play::Hang => std::future::pending().await,
        }
    }
}

/// Reads until `enough` bytes of the request are there, or all of it; false if the connection ends before.
async fn read_request(socket: &mut TcpStream, seen: &mut Vec<u8>, enough: usize) -> bool {
    let mut buffer = [0; 4096];
    while seen.len() < enough && !is_whole(seen) {
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(bytes) => seen.extend_from_slice(&buffer[..bytes]),
        }
    }
    true
}

fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&request[..head]).into_owned();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    request.len() == head + 4 + length.unwrap_or_default()
}

fn request(url: &str, body_bytes: usize) -> ProviderRequest {
    let headers = vec![("authorization".to_owned(), "Bearer k".to_owned())];
    ProviderRequest { method: "POST", url: url.to_owned(), headers, body: Bytes::from(vec![b'a'; body_bytes]) }
}

const LIMIT: Duration = Duration::from_millis(400);

const BOTH: [Protocol; 2] = [Protocol::Negotiated, Protocol::Http1];

async fn open(client: &Client, protocol: Protocol, url: &str) -> Result<Opened<BodyStream>, ProviderFailure> {
    client.open(protocol, &request(url, 2), LIMIT).await
}

async fn ask(client: &Client, protocol: Protocol, url: &str) -> Result<ProviderResponse, ProviderFailure> {
    whole(open(client, protocol, url).await?).await
}

async fn whole(opened: Opened<BodyStream>) -> Result<ProviderResponse, ProviderFailure> {
    let Opened { status, headers, mut stream } = opened;
    Ok(ProviderResponse { status, headers, body: collect(&mut stream).await? })
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\nbody";

fn at_once(text: &'static str) -> Play {
    Play::Write(vec![(Duration::ZERO, text)])
}

fn slowly(milliseconds: u64, pieces: &[&'static str]) -> Play {
    Play::Write(pieces.iter().map(|piece| (Duration::from_millis(milliseconds), *piece)).collect())
}

async fn check(play: Play, expect: impl Fn(&Result<ProviderResponse, ProviderFailure>) -> bool) {
    for protocol in BOTH {
        let provider = provider(vec![play.clone()]).await;
        let outcome = ask(&Client::new(None).unwrap(), protocol, &provider.url).await;
        assert!(expect(&outcome), "{protocol:?}: {outcome:?}");
        assert_eq!(provider.requests.load(Ordering::SeqCst), 1, "sent once");
    }
}

#[tokio::test]
async fn answers_come_whole_whatever_their_status() {
    check(at_once(OK), |outcome| outcome.as_ref().is_ok_and(|answer| answer.status == 200 && answer.body == "body"))
        .await;
    let error = "HTTP/1.1 529 X\r\nRetry-After: 3\r\ncontent-length: 2\r\n\r\n{}";
    let with_headers = |outcome: &Result<ProviderResponse, _>| {
        let expect = [("retry-after".to_owned(), "3".to_owned()), ("content-length".to_owned(), "2".to_owned())];
        outcome.as_ref().is_ok_and(|answer| answer.status == 529 && answer.headers == expect)
    };
    check(at_once(error), with_headers).await;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n";
    check(at_once(chunked), |outcome| outcome.as_ref().is_ok_and(|answer| answer.body == "body")).await;
    let until_closed = "HTTP/1.1 200 OK\r\n\r\nbody";
    check(Play::WriteAndClose(until_closed), |outcome| outcome.as_ref().is_ok_and(|answer| answer.body == "body"))
        .await;
}

#[tokio::test]
async fn faults_are_told_apart() {
    use ProviderFailure::{Closed, CutChunked, CutLength, Other, Reset, Timeout};
    check(Play::WriteAndReset(""), |outcome| *outcome == Err(Reset)).await;
    check(Play::WriteAndClose(""), |outcome| *outcome == Err(Closed)).await;
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbody";
    let cut_at = CutLength { received_bytes: 4, expected_bytes: 9 };
    check(Play::WriteAndClose(cut), |outcome| *outcome == Err(cut_at.clone())).await;
    check(Play::WriteAndReset(cut), |outcome| {
        matches!(outcome, Err(Other { text }) if text.contains("received 4 of 9") && text.ends_with("'Connection reset by peer')"))
    })
    .await;
    let cut_chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nbody";
    check(Play::WriteAndClose(cut_chunk), |outcome| *outcome == Err(CutChunked)).await;
    check(Play::Hang, |outcome| matches!(outcome, Err(Timeout { limit_seconds, .. }) if *limit_seconds == 0.4)).await;
}

#[tokio::test]
async fn a_body_without_a_length_ends_with_its_connection() {
    let plain = "HTTP/1.1 200 OK\r\n\r\nbody";
    check(Play::WriteAndReset(plain), |outcome| outcome.as_ref().is_ok_and(|answer| answer.body == "body")).await;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n";
    check(Play::WriteAndReset(chunked), Result::is_err).await;
}

#[tokio::test]
async fn a_head_is_read_as_aiohttp_reads_it() {
    let ok = |outcome: &Result<ProviderResponse, _>| outcome.as_ref().is_ok_and(|answer| answer.body == "body");
    let with =
        |headers: &str| -> &'static str { format!("HTTP/1.1 200 OK\r\n{headers}content-length: 4\r\n\r\nbody").leak() };
    check(at_once(with("x-folded: 1\r\n 2\r\n")), ok).await;
    check(at_once(with(&"x-many: 1\r\n".repeat(127))), ok).await;
    check(at_once(with(&"x-many: 1\r\n".repeat(128))), Result::is_err).await;
    check(at_once(with("content-length: 4\r\n")), Result::is_err).await;
    for informational in ["103 Early Hints", "100 Continue"] {
        let head = format!("HTTP/1.1 {informational}\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody");
        check(at_once(head.leak()), ok).await;
    }
}

#[tokio::test]
async fn the_limit_is_on_silence_not_on_the_whole() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";
    check(slowly(150, &[head, "b", "o", "d", "y"]), |outcome| {
        outcome.as_ref().is_ok_and(|answer| answer.body == "body")
    })
    .await;
    let stalled = Play::Write(vec![(Duration::ZERO, head), (Duration::from_secs(5), "body")]);
    check(stalled, |outcome| matches!(outcome, Err(ProviderFailure::Timeout { .. }))).await;
}

#[tokio::test]
async fn nothing_listening_is_refused() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for protocol in BOTH {
        let outcome = ask(&Client::new(None).unwrap(), protocol, &format!("http://{address}/v1/ocr")).await;
        let (host, port) = ("127.0.0.1".to_owned(), address.port());
        assert_eq!(outcome, Err(ProviderFailure::Refused { host, port, tried: vec![(address.ip(), port)] }));
    }
}

#[tokio::test]
async fn a_broken_head_fails_the_attempt() {
    use ProviderFailure::{Closed, Other};
    check(Play::WriteAndClose("HTTP/1.1 200 OK\r\ncontent-le"), |outcome| *outcome == Err(Closed)).await;
    let invalid = |outcome: &Result<ProviderResponse, _>| {
        *outcome == Err(Other { text: "invalid HTTP version parsed".to_owned() })
    };
    check(at_once("HTTP/3 what\r\n\r\n"), invalid).await;
    check(at_once("HTTP/1.1 200 OK\r\n: 4\r\n\r\nbody"), |outcome| matches!(outcome, Err(Other { .. }))).await;
}

#[tokio::test]
async fn an_answer_without_a_body_is_whole_with_its_head() {
    let empty = |status| {
        move |outcome: &Result<ProviderResponse, _>| {
            outcome.as_ref().is_ok_and(|answer| answer.status == status && answer.body.is_empty())
        }
    };
    check(at_once("HTTP/1.1 204 No Content\r\n\r\n"), empty(204)).await;
    check(at_once("HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n"), empty(304)).await;
    check(at_once("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"), empty(101)).await;
}

#[tokio::test]
async fn a_reset_while_the_request_is_written_is_a_reset() {
    for protocol in BOTH {
        let provider = provider(vec![Play::ResetAfter(1)]).await;
        let outcome =
            Client::new(None).unwrap().open(protocol, &request(&provider.url, 16 << 20), LIMIT).await.map(|_| ());
        assert_eq!(outcome, Err(ProviderFailure::Reset), "{protocol:?}");
        assert_eq!(provider.requests.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_by_its_length() {
    let huge = "HTTP/1.1 200 OK\r\ncontent-length: 268435457\r\n\r\n";
    check(
        at_once(huge),
        |outcome| matches!(outcome, Err(ProviderFailure::Other { text }) if text.contains("268435456")),
    )
    .await;
}
