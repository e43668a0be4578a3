//! The tap: every byte both ways, nothing of ours further, no open proxy, and a tape that says what happened.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;

use arc_swap::ArcSwap;
use crossfade::agreement::TapSign;
use crossfade::budget::Budget;
use crossfade::tap::{OpenTape, Recordings, TAPE_HEADER, Tap, TapedExchange, Targets};
use crossfade::telemetry::Metrics;

use crate::wire::{Connection, Message, Server, Then, answer, ask, chunked, chunks, nobody, pattern, request};

const ID: &str = "0123456789abcdef0123456789abcdef";

struct Stand {
    address: SocketAddr,
    recordings: Arc<Recordings>,
    budget: Arc<Budget>,
    metrics: Metrics,
    /// Serves the tap for as long as the test runs.
    _runtime: tokio::runtime::Runtime,
}

impl Stand {
    /// A tap in front of one provider, as deployment `abc` with the base path `/v1`.
    fn before(provider: SocketAddr) -> Self {
        Self::with_limits(provider, 8, 1 << 24)
    }

    fn with_limits(provider: SocketAddr, open_max: usize, bytes_max: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let base = format!("http://{provider}/v1");
        let targets = Arc::new(ArcSwap::from_pointee(Targets::new([("abc", base.as_str())])));
        let budget = Budget::new(bytes_max);
        let recordings = Recordings::new(open_max, Arc::clone(&budget));
        let metrics = Metrics::new().unwrap();
        let bound = Tap::bind("127.0.0.1:0", targets, Arc::clone(&recordings), metrics.clone());
        let tap = runtime.block_on(bound).unwrap();
        let address = tap.address().unwrap();
        runtime.spawn(tap.run());
        Self { address, recordings, budget, metrics, _runtime: runtime }
    }

    fn open(&self) -> OpenTape {
        self.recordings.open(ID.to_owned()).unwrap()
    }

    fn counted(&self, result: &str) -> u64 {
        self.metrics.tap_exchanges.with_label_values(&[result]).get()
    }
}

fn post(body: &[u8]) -> Vec<u8> {
    request("POST", "/d/abc/v1/ocr", &[(TAPE_HEADER, ID)], body)
}

fn body_of(exchange: &TapedExchange) -> Vec<u8> {
    exchange.answer.as_ref().map(|answer| answer.body().to_vec()).unwrap_or_default()
}

/// How a body is framed on the wire.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Length,
    Chunked,
}

#[test]
fn bodies_pass_both_ways_and_are_taped() {
    let provider = Server::start(|asked, connection| {
        let body: Vec<u8> = asked.body.iter().rev().copied().collect();
        if asked.header("x-framing") == Some("Chunked") {
            connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            connection.send(chunks(&body, 1000));
        } else {
            connection.send(answer(200, &[], &body));
        }
        Then::KeepOpen
    });
    let stand = Stand::before(provider.address);
    for size in [0, 1, 65_535, 65_536, 65_537, 1 << 20] {
        for framing in [Framing::Length, Framing::Chunked] {
            passes(&stand, &provider, size, framing);
        }
    }
    assert_eq!(stand.budget.held(), 0, "finished tapes hold nothing");
}

fn passes(stand: &Stand, provider: &Server, size: usize, framing: Framing) {
    let body = pattern(size);
    let reversed: Vec<u8> = body.iter().rev().copied().collect();
    let name = format!("{framing:?}");
    let headers = [(TAPE_HEADER, ID), ("x-framing", name.as_str())];
    let asked = match framing {
        Framing::Length => request("POST", "/d/abc/v1/ocr", &headers, &body),
        Framing::Chunked => chunked("POST", "/d/abc/v1/ocr", &headers, &body, 777),
    };
    let tape = stand.open();
    let got = ask(stand.address, asked);
    assert!(got.whole && got.body == reversed, "{size} bytes, {framing:?}: the answer changed");
    assert!(provider.next().body == body, "{size} bytes, {framing:?}: the request changed");
    let exchanges = tape.finish().unwrap();
    assert_eq!(exchanges.len(), 1);
    let exchange = &exchanges[0];
    assert!(
        exchange.request.body == body && body_of(exchange) == reversed,
        "{size} bytes, {framing:?}: the tape differs"
    );
    assert!(exchange.answer.as_ref().unwrap().complete && !exchange.abandoned);
}

#[test]
fn headers_pass_and_ours_do_not() {
    let provider = Server::answering(
        429,
        &[("retry-after", "7"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("connection", "x-hop"), ("x-hop", "1")],
        b"slow down",
    );
    let stand = Stand::before(provider.address);
    let tape = stand.open();
    let got = ask(
        stand.address,
        request(
            "PUT",
            "/d/abc/v1/ocr?a=1&b=%2F",
            &[
                (TAPE_HEADER, ID),
                ("x-crossfade-anything", "1"),
                ("authorization", "Bearer k"),
                ("accept", "one"),
                ("accept", "two"),
                ("connection", "keep-alive, x-private"),
                ("x-private", "1"),
            ],
            b"x",
        ),
    );
    let asked = provider.next();
    assert_eq!((asked.method(), asked.path()), ("PUT", "/v1/ocr?a=1&b=%2F"));
    assert_eq!(asked.header("host"), Some(provider.address.to_string().as_str()));
    assert_eq!(asked.header("authorization"), Some("Bearer k"));
    let accepted: Vec<&str> = values(&asked, "accept");
    assert_eq!(accepted, ["one", "two"]);
    for kept_back in [TAPE_HEADER, "x-crossfade-anything", "x-private"] {
        assert_eq!(asked.header(kept_back), None);
    }
    assert_eq!((got.status(), got.text().as_str()), (429, "slow down"));
    assert_eq!((got.header("retry-after"), got.header("x-hop")), (Some("7"), None));
    assert_eq!(values(&got, "set-cookie"), ["a=1", "b=2"]);
    let exchange = &tape.finish().unwrap()[0];
    assert_eq!(exchange.deployment_id, "abc");
    assert_eq!(exchange.request.url, format!("http://{}/v1/ocr?a=1&b=%2F", provider.address));
    assert!(exchange.request.headers.keys().all(|name| !name.as_str().starts_with("x-crossfade-")));
    assert_eq!(exchange.answer.as_ref().unwrap().status, 429);
}

fn values<'a>(message: &'a Message, name: &str) -> Vec<&'a str> {
    message.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
}

#[test]
fn it_is_no_open_proxy() {
    let provider = Server::answering(200, &[], b"reached");
    let elsewhere = Server::answering(200, &[], b"elsewhere");
    let stand = Stand::before(provider.address);
    for path in [
        "/v1/ocr",
        "/",
        "/d/",
        "/d/nobody/v1/ocr",
        "/d/abc",
        "/d/abc/",
        "/d/abc/v2/ocr",
        "/d/abc/v1evil/ocr",
        "/d/abc/v1/../ocr",
        "/d/abc/v1/%2e%2E/ocr",
        "/d/abc/v1/..%2focr",
        "/d/abc/v1/..%5cocr",
        "/d//v1/ocr",
        "/d/abc%2fv1/ocr",
        &format!("/d/{}/v1/ocr", elsewhere.address),
        &format!("http://{}/ocr", elsewhere.address),
    ] {
        let tape = stand.open();
        let got = ask(stand.address, request("POST", path, &[(TAPE_HEADER, ID)], b"secret"));
        assert_eq!(got.status(), 404, "{path}");
        assert!(tape.finish().is_none(), "{path}: a tape that lacks a request was taken for whole");
    }
    // Neither the host header nor an absolute target leads anywhere but to the deployment's own address.
    let absolute = format!("http://{}/d/abc/v1/ocr", elsewhere.address);
    for (path, host) in [("/d/abc/v1/ocr", elsewhere.address.to_string()), (absolute.as_str(), "x".to_owned())] {
        let asked =
            format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nx-forwarded-host: {host}\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(ask(stand.address, asked).text(), "reached", "{path}");
        provider.next();
    }
    assert!(provider.idle() && elsewhere.idle(), "a request got out");
    assert_eq!(stand.counted("refused"), 16);
}

#[test]
fn redirects_are_relayed_and_not_followed() {
    let elsewhere = Server::answering(200, &[], b"elsewhere");
    let location: &'static str = Box::leak(format!("http://{}/v1/ocr", elsewhere.address).into_boxed_str());
    let provider = Server::start(move |_, connection| {
        connection.send(answer(307, &[("location", location)], b""));
        Then::KeepOpen
    });
    let stand = Stand::before(provider.address);
    let got = ask(stand.address, post(b"x"));
    assert_eq!((got.status(), got.header("location")), (307, Some(location)));
    assert!(elsewhere.idle());
}

#[test]
fn refused_requests_say_nothing_of_the_litellm_that_runs() {
    let provider = Server::answering(200, &[], b"{}");
    let stand = Stand::before(provider.address);
    let tape = stand.open();
    let taped = |agent: &'static [(&'static str, &'static str)]| {
        let headers = [&[(TAPE_HEADER, ID)], agent].concat();
        ask(stand.address, request("POST", "/d/abc/v1/ocr", &headers, b"x"));
        stand.recordings.sign()
    };
    assert_eq!(taped(&[("user-agent", "litellm/1.102.4")]), TapSign::Python);
    // A name that a client chose says nothing.
    assert_eq!(taped(&[("user-agent", "x")]), TapSign::Python);
    drop(tape);
    // Anybody who can reach the port could otherwise stop, or start, the native leg.
    for path in ["/ocr", "/d/nobody/ocr", "/d/abc/../ocr"] {
        ask(stand.address, request("POST", path, &[], b"x"));
        assert_eq!(stand.recordings.sign(), TapSign::Python, "{path}");
    }
    ask(stand.address, request("POST", "/d/abc/v1/ocr", &[], b"x"));
    assert_eq!(stand.recordings.sign(), TapSign::Python, "without a tape");
    let _tape = stand.open();
    ask(stand.address, request("POST", "/d/abc/v1/ocr", &[(TAPE_HEADER, ID)], b"x"));
    assert_eq!(stand.recordings.sign(), TapSign::Rust);
}

#[test]
fn traffic_that_was_refused_is_no_traffic() {
    let provider = Server::answering(200, &[], b"{}");
    let stand = Stand::before(provider.address);
    ask(stand.address, request("GET", "/favicon.ico", &[], b""));
    assert!(!stand.recordings.seen_traffic());
    ask(stand.address, post(b"x"));
    assert!(stand.recordings.seen_traffic());
}

#[test]
fn a_provider_that_cannot_be_reached_closes_the_connection() {
    let stand = Stand::before(nobody());
    let tape = stand.open();
    let mut connection = Connection::open(stand.address);
    connection.send(post(b"x"));
    assert!(connection.ended(), "LiteLLM must not be told anything that the provider did not say");
    let exchange = &tape.finish().unwrap()[0];
    assert!(exchange.answer.is_none() && !exchange.abandoned);
    assert_eq!(stand.counted("failed"), 1);
}

/// A provider that breaks off: what it sends first, and what of the body the client gets.
fn breaks_off(sent: &'static str, expected: &str) {
    let provider = Server::start(move |_, connection| {
        connection.send(sent);
        Then::Close
    });
    let stand = Stand::before(provider.address);
    let tape = stand.open();
    let mut connection = Connection::open(stand.address);
    connection.send(post(b"x"));
    let got = connection.read().unwrap();
    assert!(!got.whole, "{sent:?} came through as a whole answer");
    assert_eq!(got.text(), expected);
    let exchanges = tape.finish().unwrap();
    let taped = exchanges[0].answer.as_ref().unwrap();
    assert!(!taped.complete && !exchanges[0].abandoned);
    assert_eq!(taped.body(), expected.as_bytes());
}

#[test]
fn a_cut_answer_stays_cut() {
    breaks_off("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", "half");
    breaks_off("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", "");
    breaks_off("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", "half");
    breaks_off("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n3\r\nx", "halfx");
}

#[test]
fn a_provider_that_closes_before_its_head_closes_litellm_too() {
    for sent in ["", "HTTP/1.1 200 OK\r\ncontent-le", "nonsense\r\n\r\n"] {
        let provider = Server::start(move |_, connection| {
            connection.send(sent);
            Then::Close
        });
        let stand = Stand::before(provider.address);
        let tape = stand.open();
        let mut connection = Connection::open(stand.address);
        connection.send(post(b"x"));
        assert!(connection.ended(), "{sent:?}");
        assert!(tape.finish().unwrap()[0].answer.is_none());
    }
}

#[test]
fn answers_without_a_body_are_whole() {
    for sent in [
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let provider = Server::start(move |_, connection| {
            connection.send(sent);
            Then::KeepOpen
        });
        let stand = Stand::before(provider.address);
        let tape = stand.open();
        assert!(ask(stand.address, post(b"x")).whole, "{sent:?}");
        let exchanges = tape.finish().unwrap();
        assert!(exchanges[0].answer.as_ref().unwrap().complete && !exchanges[0].abandoned, "{sent:?}");
    }
}

#[test]
fn a_litellm_that_gives_up_is_taped_as_such() {
    // What the provider had sent by then: nothing, the head, part of the body.
    for sent in
        ["", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"]
    {
        let (gone, heard) = channel();
        let provider = Server::start(move |_, connection| {
            connection.send(sent);
            connection.wait_for_end();
            let _ = gone.send(());
            Then::Close
        });
        let stand = Stand::before(provider.address);
        let tape = stand.open();
        let mut connection = Connection::open(stand.address);
        connection.send(post(b"x"));
        provider.next();
        connection.close();
        heard.recv_timeout(crate::wire::PATIENCE).expect("the provider's connection stayed open");
        let exchanges = tape.finish().unwrap();
        assert!(exchanges[0].abandoned, "{sent:?}");
    }
}

#[test]
fn attempts_stand_in_their_order() {
    let provider = Server::start(|asked, connection| {
        let status = if asked.text() == "2" { 200 } else { 500 };
        connection.send(answer(status, &[], &asked.body));
        Then::KeepOpen
    });
    let stand = Stand::before(provider.address);
    let tape = stand.open();
    for body in ["0", "1", "2"] {
        ask(stand.address, post(body.as_bytes()));
    }
    let exchanges = tape.finish().unwrap();
    let taped: Vec<_> = exchanges
        .iter()
        .map(|exchange| (exchange.request.body.as_ref(), exchange.answer.as_ref().unwrap().status))
        .collect();
    assert_eq!(taped, [(&b"0"[..], 500), (b"1", 500), (b"2", 200)]);
}

#[test]
fn a_tape_holds_so_many_attempts() {
    let provider = Server::answering(500, &[], b"no");
    let stand = Stand::before(provider.address);
    for (attempts, kept) in [(32, true), (33, false), (40, false)] {
        let tape = stand.open();
        let mut connection = Connection::open(stand.address);
        for _ in 0..attempts {
            connection.send(post(b"x"));
            assert_eq!(connection.read().unwrap().text(), "no");
        }
        assert_eq!(tape.finish().map(|exchanges| exchanges.len()), kept.then_some(attempts));
    }
    assert_eq!(stand.budget.held(), 0);
}

#[test]
fn only_an_open_tape_records() {
    let provider = Server::answering(200, &[], b"{}");
    let stand = Stand::before(provider.address);
    let tape = stand.open();
    for id in ["", "x", "0123456789abcdef0123456789abcdee", "0123456789ABCDEF0123456789ABCDEF"] {
        ask(stand.address, request("POST", "/d/abc/v1/ocr", &[(TAPE_HEADER, id)], b"forged"));
    }
    ask(stand.address, request("POST", "/d/abc/v1/ocr", &[], b"none"));
    assert_eq!(stand.counted("untaped"), 5);
    assert_eq!(tape.finish().unwrap().len(), 0);
    // Its time is over: the same id again is a forgery.
    ask(stand.address, post(b"late"));
    assert_eq!((stand.counted("untaped"), stand.counted("recorded")), (6, 0));
    assert_eq!(stand.budget.held(), 0);
}

#[test]
fn so_many_tapes_may_be_open() {
    let stand = Stand::with_limits(nobody(), 2, 1024);
    let first = stand.recordings.open("a".to_owned()).unwrap();
    let _second = stand.recordings.open("b".to_owned()).unwrap();
    assert!(stand.recordings.open("c".to_owned()).is_none());
    drop(first);
    assert!(stand.recordings.open("c".to_owned()).is_some());
}

#[test]
fn a_tape_over_its_budget_is_given_up_and_the_bytes_pass() {
    let provider = Server::start(|asked, connection| {
        connection.send(answer(200, &[], &asked.body));
        Then::KeepOpen
    });
    // Every exchange needs its body twice: as it went and as it came back. A whole one holds its bytes until compared.
    for (size, kept) in [(500, true), (501, false), (100_000, false)] {
        let stand = Stand::with_limits(provider.address, 8, 1000);
        let tape = stand.open();
        let body = pattern(size);
        assert!(ask(stand.address, post(&body)).body == body, "{size} bytes did not pass");
        let exchanges = tape.finish();
        assert_eq!(exchanges.is_some(), kept, "{size}");
        assert_eq!(stand.budget.held(), if kept { 2 * size } else { 0 }, "{size}");
        drop(exchanges);
        assert_eq!(stand.budget.held(), 0, "{size}");
    }
}

#[test]
fn a_dropped_tape_gives_its_bytes_back() {
    let provider = Server::answering(200, &[], b"answer");
    let stand = Stand::before(provider.address);
    let tape = stand.open();
    ask(stand.address, post(b"question"));
    assert_eq!(stand.budget.held(), "question".len() + "answer".len());
    drop(tape);
    assert_eq!(stand.budget.held(), 0);
}

#[test]
fn chunks_keep_their_split() {
    let provider = Server::start(|asked, connection| {
        connection.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
        for piece in asked.text().split('|') {
            connection.send(format!("{:x}\r\n{piece}\r\n", piece.len()));
        }
        connection.send("0\r\n\r\n");
        Then::KeepOpen
    });
    let stand = Stand::before(provider.address);
    let tape = stand.open();
    let got = ask(stand.address, post(b"data: 1|data: 22|data: 333"));
    assert_eq!(got.text(), "data: 1data: 22data: 333");
    let exchanges = tape.finish().unwrap();
    let chunks: Vec<_> = exchanges[0].answer.as_ref().unwrap().chunks.iter().map(|(_, piece)| piece.as_ref()).collect();
    assert_eq!(chunks, [&b"data: 1"[..], b"data: 22", b"data: 333"]);
}

#[test]
fn a_stream_is_relayed_while_it_comes() {
    let (go_on, waits) = channel::<()>();
    let waits = std::sync::Mutex::new(waits);
    let provider = Server::start(move |_, connection| {
        connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n");
        let _ = waits.lock().unwrap().recv_timeout(crate::wire::PATIENCE);
        connection.send("4\r\nlast\r\n0\r\n\r\n");
        Then::KeepOpen
    });
    let stand = Stand::before(provider.address);
    let mut connection = Connection::open(stand.address);
    connection.send(post(b"x"));
    // The provider sends no more until this has arrived.
    assert!(connection.wait_for(b"first"), "the first piece waited for the second");
    go_on.send(()).unwrap();
    assert!(connection.wait_for(b"0\r\n\r\n"));
}
