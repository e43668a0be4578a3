//! Connections that are kept: when they are used again, when a request goes over another one, and what closes them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use transform::ProviderFailure;

use super::{BOTH, LIMIT, OK, Play, Provider, ask, at_once, is_whole, open, provider, request, whole};
use crate::native::effects::{Piece, ProviderStream};
use crate::native::provider::idle::Limits;
use crate::native::provider::{Client, Protocol};

/// With what comes at once, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(5);

const LIMITS: Limits = Limits { idle: Duration::from_secs(15), per_origin: 8, in_all: 8 };

fn client() -> Client {
    Client::new(None).unwrap()
}

fn seen(provider: &Provider) -> (usize, usize) {
    (provider.requests.load(Ordering::SeqCst), provider.connections.load(Ordering::SeqCst))
}

/// Lets the runtime hear of what happened to its sockets.
async fn heard() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for _ in 0..3 {
        let (accepted, connected) = tokio::join!(listener.accept(), TcpStream::connect(address));
        drop((accepted.unwrap(), connected.unwrap()));
    }
}

/// Over how many connections so many requests go, one after the other.
async fn check(script: Vec<Play>, requests: usize, connections: usize) {
    for protocol in BOTH {
        let (provider, client) = (provider(script.clone()).await, client());
        for number in 0..requests {
            let answer = ask(&client, protocol, &provider.url).await;
            assert!(answer.is_ok(), "{protocol:?} {number}: {answer:?}");
            if let Some(Play::WriteAndClose(_) | Play::WriteAndReset(_)) = script.get(number) {
                provider.ended.acquire().await.unwrap().forget();
            }
            heard().await;
        }
        assert_eq!(seen(&provider), (requests, connections), "{protocol:?}");
        assert_eq!(client.requests_total(), requests as u64);
    }
}

#[tokio::test]
async fn a_connection_is_used_again_when_its_answer_has_ended() {
    check(vec![at_once(OK)], 4, 1).await;
    check(vec![at_once("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")], 4, 1).await;
    check(vec![at_once("HTTP/1.1 204 No Content\r\n\r\n")], 4, 1).await;
    let slow = [(Duration::ZERO, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbo"), (Duration::from_millis(5), "dy")];
    check(vec![Play::Write(slow.to_vec())], 4, 1).await;
}

#[tokio::test]
async fn a_connection_that_is_closed_is_not_used_again() {
    let closing = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody";
    check(vec![at_once(OK), at_once(OK), at_once(closing), at_once(OK)], 4, 2).await;
    check(vec![at_once("HTTP/1.0 200 OK\r\ncontent-length: 4\r\n\r\nbody"), at_once(OK)], 4, 2).await;
    // Between two requests: in order, by a reset, and with words that answer nothing.
    check(vec![Play::WriteAndClose(OK), at_once(OK)], 4, 2).await;
    check(vec![Play::WriteAndReset(OK), at_once(OK)], 4, 2).await;
    let told = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbodyHTTP/1.1 408 Request Timeout\r\n\r\n";
    check(vec![Play::WriteAndClose(told), at_once(OK)], 4, 2).await;
}

#[tokio::test]
async fn a_request_that_was_read_is_never_sent_again() {
    use ProviderFailure::{Closed, Reset};
    for protocol in BOTH {
        for (play, expected) in [
            (Play::WriteAndClose(""), Closed),
            (Play::WriteAndClose("HTTP/1.1 200 O"), Closed),
            (Play::WriteAndReset(""), Reset),
            (Play::ResetAfter(1), Reset),
        ] {
            let (provider, client) = (provider(vec![at_once(OK), play, at_once(OK)]).await, client());
            assert!(ask(&client, protocol, &provider.url).await.is_ok());
            let outcome = client.open(protocol, &request(&provider.url, 16 << 20), LIMIT).await.map(|_| ());
            assert_eq!(outcome, Err(expected), "{protocol:?} on the kept connection");
            assert_eq!(seen(&provider), (2, 1));
        }
    }
}

/// A provider's end of one connection, its request read.
async fn accepted(listener: &TcpListener) -> TcpStream {
    let (mut socket, _) = listener.accept().await.unwrap();
    read(&mut socket).await;
    socket
}

async fn read(socket: &mut TcpStream) {
    let mut seen = Vec::new();
    while !is_whole(&seen) {
        assert!(socket.read_buf(&mut seen).await.unwrap() > 0);
    }
}

/// Waits until the client has closed.
async fn closed(socket: &mut TcpStream) {
    assert!(!matches!(socket.read(&mut [0]).await, Ok(1)));
}

async fn listening() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/messages", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn an_answer_may_come_before_its_request_was_read() {
    for protocol in BOTH {
        let ((listener, url), client) = (listening().await, client());
        let early = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut seen = vec![0; 1];
            socket.read_exact(&mut seen).await.unwrap();
            socket.write_all(OK.as_bytes()).await.unwrap();
            (socket, seen)
        };
        let long = request(&url, 16 << 20);
        let (opened, (mut socket, mut seen)) = tokio::join!(client.open(protocol, &long, LIMIT), early);
        assert!(whole(opened.unwrap()).await.is_ok_and(|answer| answer.body == "body"), "{protocol:?}");
        // The rest of the request follows, and then the connection is free.
        while !is_whole(&seen) {
            let bytes = timeout(PATIENCE, socket.read_buf(&mut seen)).await;
            assert!(bytes.is_ok_and(|bytes| bytes.unwrap() > 0), "{protocol:?}: after {} bytes", seen.len());
        }
        if protocol == Protocol::Negotiated {
            // There the connection is only free after something else has happened to it.
            continue;
        }
        heard().await;
        let again = async {
            read(&mut socket).await;
            socket.write_all(OK.as_bytes()).await.unwrap();
        };
        let answers = timeout(PATIENCE, async { tokio::join!(ask(&client, protocol, &url), again).0 }).await;
        assert!(answers.is_ok_and(|answer| answer.is_ok()), "{protocol:?}: over another connection");
    }
}

#[tokio::test]
async fn who_gives_up_closes_the_connection() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n";
    for protocol in BOTH {
        let ((listener, url), client) = (listening().await, client());
        // Waiting for the head.
        let (outcome, mut socket) = tokio::join!(open(&client, protocol, &url), accepted(&listener));
        assert!(matches!(outcome, Err(ProviderFailure::Timeout { .. })));
        closed(&mut socket).await;
        // Within the body.
        let answered = async {
            let mut socket = accepted(&listener).await;
            socket.write_all(head.as_bytes()).await.unwrap();
            socket
        };
        let (opened, mut socket) = tokio::join!(open(&client, protocol, &url), answered);
        let mut opened = opened.unwrap();
        assert_eq!(opened.stream.next(Duration::MAX).await, Piece::Data("body".into()));
        assert_eq!(opened.stream.next(Duration::from_millis(1)).await, Piece::Idle);
        drop(opened);
        closed(&mut socket).await;
    }
}

/// Two exchanges at a time with each of `origins` providers, the connections of which then are idle.
async fn idle_at(client: &Client, origins: usize) -> Vec<TcpStream> {
    let mut sockets = Vec::new();
    for _ in 0..origins {
        let (listener, url) = listening().await;
        let answering = async {
            let mut both = [accepted(&listener).await, accepted(&listener).await];
            for socket in &mut both {
                socket.write_all(OK.as_bytes()).await.unwrap();
            }
            both
        };
        let ask = || ask(client, Protocol::Http1, &url);
        let (one, other, both) = tokio::join!(ask(), ask(), answering);
        assert!(one.is_ok() && other.is_ok());
        sockets.extend(both);
    }
    sockets
}

#[tokio::test]
async fn idle_connections_are_bounded() {
    for (limits, origins, open) in [
        (LIMITS, 1, 2),
        (Limits { per_origin: 1, ..LIMITS }, 1, 1),
        (Limits { per_origin: 1, ..LIMITS }, 3, 3),
        (Limits { in_all: 3, ..LIMITS }, 3, 3),
        (Limits { in_all: 0, ..LIMITS }, 1, 0),
    ] {
        let client = Client::limited(None, limits).unwrap();
        let mut sockets = idle_at(&client, origins).await;
        heard().await;
        let is_open = |socket: &mut TcpStream| matches!(socket.try_read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
        assert_eq!(sockets.iter_mut().map(is_open).filter(|open| *open).count(), open, "{limits:?} {origins}");
    }
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed() {
    let client = Client::limited(None, Limits { idle: Duration::from_millis(10), ..LIMITS }).unwrap();
    for _ in 0..2 {
        for mut socket in idle_at(&client, 2).await {
            closed(&mut socket).await;
        }
    }
}

#[tokio::test]
async fn the_connections_of_a_client_end_with_it() {
    let client = client();
    let sockets = idle_at(&client, 1).await;
    drop(client);
    for mut socket in sockets {
        closed(&mut socket).await;
    }
}

#[test]
fn a_connection_stays_with_its_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (one, other, providers) = (runtime(), runtime(), tokio::runtime::Runtime::new().unwrap());
    let (provider, client) = (providers.block_on(provider(vec![at_once(OK)])), client());
    for runtime in [&one, &other, &one, &other] {
        assert!(runtime.block_on(ask(&client, Protocol::Http1, &provider.url)).is_ok());
    }
    assert_eq!(seen(&provider), (4, 2));
    // The sweeper ended with its runtime: the next connection that is kept starts another.
    drop(one);
    assert!(other.block_on(ask(&client, Protocol::Http1, &provider.url)).is_ok());
    assert_eq!(seen(&provider), (5, 2));
}
