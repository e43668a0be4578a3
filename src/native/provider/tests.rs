//! The client against scripted sockets on loopback: what each fault is called, and what is sent how often.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use transform::{ProviderFailure, ProviderRequest, ProviderResponse};

use super::{Client, Protocol, collect};
use crate::native::effects::Opened;

/// What the scripted provider does once it has read a request.
#[derive(Clone)]
enum Play {
    /// Writes these pieces, with this pause before each, and keeps the connection.
    Write(Vec<(Duration, &'static str)>),
    /// Writes, then closes in order.
    WriteAndClose(&'static str),
    /// Writes, then resets.
    WriteAndReset(&'static str),
    /// Says nothing.
    Hang,
}

struct Provider {
    url: String,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

/// Plays the script, one entry a request; the last repeats.
async fn provider(script: Vec<Play>) -> Provider {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/ocr", listener.local_addr().unwrap());
    let (requests, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, opened) = (Arc::clone(&requests), Arc::clone(&connections));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            opened.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(connection(socket, script.clone(), Arc::clone(&count)));
        }
    });
    Provider { url, requests, connections }
}

async fn connection(mut socket: TcpStream, script: Vec<Play>, count: Arc<AtomicUsize>) {
    while read_request(&mut socket).await {
        let number = count.fetch_add(1, Ordering::SeqCst);
        match script[number.min(script.len() - 1)].clone() {
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
            Play::Hang => std::future::pending().await,
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !seen.ends_with(b"\r\n\r\n{}") {
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(bytes) => seen.extend_from_slice(&buffer[..bytes]),
        }
    }
    true
}

fn request(url: &str) -> ProviderRequest {
    let headers = vec![("authorization".to_owned(), "Bearer k".to_owned())];
    ProviderRequest { method: "POST", url: url.to_owned(), headers, body: Bytes::from_static(b"{}") }
}

const LIMIT: Duration = Duration::from_millis(400);

async fn ask(client: &Client, url: &str) -> Result<ProviderResponse, ProviderFailure> {
    let Opened { status, headers, mut stream } = client.open(Protocol::Negotiated, &request(url), LIMIT).await?;
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
    let provider = provider(vec![play]).await;
    let outcome = ask(&Client::new(None).unwrap(), &provider.url).await;
    assert!(expect(&outcome), "{outcome:?}");
    assert_eq!(provider.requests.load(Ordering::SeqCst), 1, "sent once");
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
    check(at_once("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody"), ok).await;
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
    let outcome = ask(&Client::new(None).unwrap(), &format!("http://{address}/v1/ocr")).await;
    let (host, port) = ("127.0.0.1".to_owned(), address.port());
    assert_eq!(outcome, Err(ProviderFailure::Refused { host, port, tried: vec![(address.ip(), port)] }));
}

#[tokio::test]
async fn connections_are_kept_and_a_closed_one_is_not_used_again() {
    let closing = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody";
    let provider = provider(vec![at_once(OK), at_once(OK), at_once(closing), at_once(OK)]).await;
    let client = Client::new(None).unwrap();
    for _ in 0..4 {
        assert!(ask(&client, &provider.url).await.is_ok());
    }
    assert_eq!(provider.connections.load(Ordering::SeqCst), 2);
    assert_eq!((provider.requests.load(Ordering::SeqCst), client.requests_total()), (4, 4));
}

#[tokio::test]
async fn a_request_that_was_read_is_never_sent_again() {
    let provider = provider(vec![at_once(OK), Play::WriteAndClose(""), at_once(OK)]).await;
    let client = Client::new(None).unwrap();
    assert!(ask(&client, &provider.url).await.is_ok());
    assert_eq!(ask(&client, &provider.url).await, Err(ProviderFailure::Closed), "on the kept connection");
    assert_eq!(provider.requests.load(Ordering::SeqCst), 2);
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
