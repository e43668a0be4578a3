//! The front port: what reaches LiteLLM, what comes back, and what happens when either side leaves.
//!
//! Two ways lead to LiteLLM: passed on unread (`OFF`), and read for a decision and then left to Python (`SHADOW`).
//! A client must not be able to tell them apart, so most checks run on both.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::front::{Front, OFF, PINNED, SHADOW, Settings, wait_until};
use crate::wire::{Connection, Message, PATIENCE, Server, Then, answer, ask, chunked, nobody, pattern, request};

const BOTH: [&str; 2] = [OFF, SHADOW];
pub const KEY: (&str, &str) = ("authorization", "Bearer sk-master");
pub const JSON: (&str, &str) = ("content-type", "application/json");

fn front(litellm: &Server, rule: &'static str) -> Front {
    Front::before(litellm.address, Settings { rule, ..Settings::default() })
}

/// An OCR request of exactly this many bytes, or as many digits where that is too short for one.
pub fn ocr_body(size: usize) -> Vec<u8> {
    let head = br#"{"model":"scan","document":{"type":"document_url","document_url":"https://x.example/"#;
    let tail = br#""}}"#;
    match size.checked_sub(head.len() + tail.len()) {
        Some(padding) => [head.as_slice(), &vec![b'p'; padding], tail].concat(),
        None => vec![b'7'; size],
    }
}

pub fn ocr(body: &[u8]) -> Vec<u8> {
    request("POST", "/v1/ocr", &[KEY, JSON], body)
}

#[test]
fn bodies_arrive_whole() {
    const LIMIT: usize = 1_500_000;
    let litellm = Server::answering(200, &[("x-litellm-model-id", "none")], b"taken");
    for rule in BOTH {
        let front = Front::before(litellm.address, Settings { rule, body_limit: LIMIT, ..Settings::default() });
        for size in [0, 1, 65_535, 65_536, 65_537, 1 << 20, LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT] {
            for path in ["/v1/ocr", "/v1/anything"] {
                let body = if path == "/v1/ocr" { ocr_body(size) } else { pattern(size) };
                let what = format!("{size} bytes to {path}, {}", front.stand.published());
                arrives(&litellm, &front, &what, request("POST", path, &[KEY, JSON], &body), &body);
                arrives(&litellm, &front, &what, chunked("POST", path, &[KEY, JSON], &body, 9973), &body);
            }
        }
        assert_eq!(front.app.limits.total.held(), 0, "bytes of bodies were not given back");
    }
}

fn arrives(litellm: &Server, front: &Front, what: &str, asked: Vec<u8>, body: &[u8]) {
    let got = ask(front.address, asked);
    assert_eq!((got.status(), got.text().as_str()), (200, "taken"), "{what}");
    assert_eq!(got.header("x-crossfade-served-by"), Some("python"), "{what}");
    assert_eq!(got.header("x-crossfade-request-id").map(str::len), Some(32), "{what}");
    let seen = litellm.next();
    assert!(seen.whole && seen.body == body, "{what}: {} bytes arrived", seen.body.len());
}

#[test]
fn a_path_arrives_as_the_client_wrote_it() {
    let litellm = Server::answering(404, &[], b"{}");
    for rule in BOTH {
        let front = front(&litellm, rule);
        for (asked, arrived) in [
            // LiteLLM takes it for a part of the path, which its escape is too.
            ("/v1/ocr#x", "/v1/ocr%23x"),
            ("/v1/ocr?a#b", "/v1/ocr?a%23b"),
            ("/v1%2focr", "/v1%2focr"),
            ("/v1/%6Fcr", "/v1/%6Fcr"),
            ("/v1/./ocr", "/v1/./ocr"),
            ("/x/../v1/ocr", "/x/../v1/ocr"),
            ("//v1//ocr", "//v1//ocr"),
            ("/v1/ocr;a=%zz|^", "/v1/ocr;a=%zz|^"),
            ("/v1/ocr?", "/v1/ocr?"),
        ] {
            ask(front.address, request("POST", asked, &[KEY, JSON], &ocr_body(200)));
            assert_eq!(litellm.next().first, format!("POST {arrived} HTTP/1.1"), "`{rule}`");
        }
    }
}

#[test]
fn a_target_that_litellm_reads_otherwise_is_left_to_it_unread() {
    let litellm = Server::answering(400, &[], b"{}");
    for rule in [OFF, SHADOW, PINNED] {
        let front = front(&litellm, rule);
        for target in
            ["/v1/ocr?x=é", "/v1/ocr?é#é", "http://gateway.example/v1/ocr", "HTTP://gateway.example/v1/ocr?x=é"]
        {
            let got = ask(front.address, request("POST", target, &[KEY, JSON], &ocr_body(200)));
            let seen = litellm.next();
            let arrived = target.replace('#', "%23");
            assert_eq!((seen.first, got.status()), (format!("POST {arrived} HTTP/1.1"), 400), "`{rule}`");
        }
        assert_eq!(front.declined("request_option"), if rule == OFF { 0 } else { 4 }, "`{rule}`");
    }
}

#[test]
fn headers_pass_as_litellm_expects_them() {
    let litellm =
        Server::answering(200, &[("x-litellm-version", "1"), ("set-cookie", "a=1"), ("set-cookie", "b=2")], b"{}");
    for rule in BOTH {
        let front = front(&litellm, rule);
        let sent = [
            KEY,
            JSON,
            ("x-crossfade-tape", "forged"),
            ("X-Crossfade-Request-Id", "forged"),
            ("x-forwarded-for", "10.0.0.1"),
            ("connection", "keep-alive, x-private"),
            ("x-private", "1"),
            ("te", "trailers"),
            ("x-many", "one"),
            ("x-many", "two"),
            ("accept-encoding", "gzip"),
        ];
        let got = ask(front.address, request("POST", "/v1/ocr?a=1&b=%2F", &sent, &ocr_body(200)));
        let seen = litellm.next();
        assert_eq!(seen.first, "POST /v1/ocr?a=1&b=%2F HTTP/1.1");
        let expected = [
            ("host", Some("gateway.example")),
            ("authorization", Some("Bearer sk-master")),
            ("accept-encoding", Some("gzip")),
            ("x-forwarded-for", Some("10.0.0.1, 127.0.0.1")),
            ("x-forwarded-proto", Some("http")),
            ("x-forwarded-host", Some("gateway.example")),
            ("x-private", None),
            ("te", None),
            ("x-crossfade-tape", None),
            ("x-crossfade-request-id", None),
        ];
        for (name, value) in expected {
            assert_eq!(seen.header(name), value, "{name} on the way of `{rule}`");
        }
        assert_eq!(values(&seen, "x-many"), ["one", "two"]);
        assert_eq!(values(&got, "set-cookie"), ["a=1", "b=2"]);
        assert_ne!(got.header("x-crossfade-request-id"), Some("forged"));
    }
}

fn values<'a>(message: &'a Message, name: &str) -> Vec<&'a str> {
    message.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
}

/// A LiteLLM that gives no answer, and what the client hears instead.
fn unavailable(what: &str, front: &Front, status: u16) {
    for (path, kind) in [("/v1/ocr", "error.type"), ("/v1/messages", "error.error.type"), ("/any", "error.type")] {
        let body = ocr_body(200);
        let got = ask(front.address, request("POST", path, &[KEY, JSON], &body));
        assert_eq!(got.status(), status, "{what}, {path}");
        let (json, code) = (got.json(), status.to_string());
        if kind == "error.type" {
            assert_eq!(json["error"]["type"], "internal_server_error", "{what}, {path}");
            assert_eq!(json["error"]["code"], code.as_str(), "{what}, {path}");
        } else {
            assert_eq!(
                (&json["type"], &json["error"]["type"]),
                (&"error".into(), &"api_error".into()),
                "{what}, {path}"
            );
        }
        assert!(json["error"]["message"].as_str().is_some_and(|text| text.contains("LiteLLM")), "{what}, {path}");
        assert_eq!(got.header("retry-after"), (status == 503).then_some("1"), "{what}, {path}");
        assert_eq!(got.header("x-crossfade-served-by"), Some("python"), "{what}, {path}");
    }
}

#[test]
fn a_litellm_that_is_down_slow_or_broken_is_said_in_its_own_words() {
    for rule in BOTH {
        unavailable("down", &Front::before(nobody(), Settings { rule, ..Settings::default() }), 503);
        let broken = Server::start(|_, _| Then::Close);
        unavailable("broken", &front(&broken, rule), 502);
        // Three requests, three sends: a POST that may have been begun is never sent again.
        (0..3).for_each(|_| drop(broken.next()));
        assert!(broken.idle(), "a POST was sent twice on the way of `{rule}`");
        let slow = Server::start(|_, connection| {
            connection.wait_for_end();
            Then::Close
        });
        let settings = Settings { rule, upstream_timeout: Duration::from_millis(100), ..Settings::default() };
        unavailable("slow", &Front::before(slow.address, settings), 504);
    }
}

#[test]
fn a_cut_answer_stays_cut() {
    for (sent, expected) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", "half"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", "half"),
    ] {
        let litellm = Server::start(move |_, connection| {
            connection.send(sent);
            Then::Close
        });
        for rule in BOTH {
            let got = ask(front(&litellm, rule).address, ocr(&ocr_body(200)));
            assert!(!got.whole, "{sent:?} came through whole on the way of `{rule}`");
            assert_eq!(got.text(), expected);
        }
    }
}

#[test]
fn a_stream_arrives_piece_by_piece() {
    for rule in BOTH {
        let (go_on, waits) = channel::<()>();
        let waits = std::sync::Mutex::new(waits);
        let litellm = Server::start(move |_, connection| {
            connection.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
            for piece in ["data: 1\n\n", "data: 2\n\n"] {
                connection.send(format!("{:x}\r\n{piece}\r\n", piece.len()));
                let _ = waits.lock().unwrap().recv_timeout(PATIENCE);
            }
            connection.send("0\r\n\r\n");
            Then::KeepOpen
        });
        let front = front(&litellm, rule);
        let mut connection = Connection::open(front.address);
        connection.send(ocr(&ocr_body(200)));
        for piece in ["data: 1\n\n", "data: 2\n\n"] {
            // LiteLLM sends the next one only when this one has arrived.
            assert!(connection.wait_for(piece.as_bytes()), "{piece:?} on the way of `{rule}`");
            go_on.send(()).unwrap();
        }
        assert!(connection.wait_for(b"0\r\n\r\n"));
    }
}

#[test]
fn a_connection_serves_many_requests_until_somebody_wants_it_closed() {
    let litellm = Server::start(|asked, connection| {
        connection.send(answer(200, &[], asked.path().as_bytes()));
        Then::KeepOpen
    });
    for rule in BOTH {
        let front = front(&litellm, rule);
        let mut connection = Connection::open(front.address);
        for _ in 0..3 {
            connection.send(ocr(&ocr_body(200)));
            assert_eq!(connection.read().unwrap().text(), "/v1/ocr");
        }
        connection.send(request("POST", "/v1/ocr", &[KEY, JSON, ("connection", "close")], &ocr_body(200)));
        assert_eq!(connection.read().unwrap().text(), "/v1/ocr");
        assert!(connection.ended(), "`connection: close` was not heard on the way of `{rule}`");
    }
}

#[test]
fn http_1_0_gets_its_answer_and_the_end() {
    let sent = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    let litellm = Server::start(move |_, connection| {
        connection.send(sent);
        Then::KeepOpen
    });
    for rule in BOTH {
        let body = String::from_utf8(ocr_body(200)).unwrap();
        let mut connection = Connection::open(front(&litellm, rule).address);
        connection.send(format!(
            "POST /v1/ocr HTTP/1.0\r\nauthorization: Bearer sk-master\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
        let got = connection.read().unwrap();
        assert_eq!(got.header("transfer-encoding"), None, "HTTP/1.0 knows no chunks; on the way of `{rule}`");
        assert_eq!(got.text(), "abcdef");
        assert!(connection.ended());
    }
}

#[test]
fn a_pipelined_request_harms_nobody() {
    for rule in BOTH {
        let litellm = Server::start(|asked, connection| {
            connection.send(answer(200, &[], format!("{} {}", asked.path(), asked.body.len()).as_bytes()));
            Then::KeepOpen
        });
        let front = front(&litellm, rule);
        let first = ocr(&ocr_body(200));
        let second = request("POST", "/v1/ocr?second", &[KEY, JSON, ("connection", "close")], &ocr_body(300));
        let mut connection = Connection::open(front.address);
        connection.send([first, second].concat());
        assert_eq!(connection.read().unwrap().text(), "/v1/ocr 200");
        // Either it is answered, too, or it was never carried out and the client can send it again.
        litellm.next();
        match connection.read() {
            Some(got) => assert_eq!((got.text().as_str(), litellm.next().body.len()), ("/v1/ocr?second 300", 300)),
            None => assert!(litellm.idle(), "carried out and not answered, on the way of `{rule}`"),
        }
    }
}

#[test]
fn a_request_sent_ahead_does_not_cost_the_answer_before_it() {
    // What LiteLLM has sent of the first answer when the second request arrives.
    for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf"] {
        for rule in BOTH {
            let (go_on, waits) = channel::<()>();
            let waits = std::sync::Mutex::new(waits);
            let litellm = Server::start(move |asked, connection| {
                if asked.path() == "/v1/ocr" {
                    connection.send(begun);
                    let _ = waits.lock().unwrap().recv_timeout(PATIENCE);
                    let rest =
                        if begun.is_empty() { "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalfhalf" } else { "half" };
                    connection.send(rest);
                } else {
                    connection.send(answer(200, &[], b"second"));
                }
                Then::KeepOpen
            });
            let front = front(&litellm, rule);
            let mut connection = Connection::open(front.address);
            connection.send(ocr(&ocr_body(200)));
            litellm.next();
            connection.send(request("POST", "/v1/ocr?second", &[KEY, JSON], &ocr_body(300)));
            assert!(!connection.ends_within(Duration::from_millis(100)), "cut off on the way of `{rule}`");
            go_on.send(()).unwrap();
            assert_eq!(connection.read().unwrap().text(), "halfhalf", "on the way of `{rule}`");
            assert_eq!(connection.read().unwrap().text(), "second", "on the way of `{rule}`");
        }
    }
}

#[test]
fn an_early_answer_reaches_a_client_that_still_sends() {
    // LiteLLM refuses an upload at sight of its head; the client has more to send than any buffer holds.
    const LIMIT: usize = 100_000;
    for rule in BOTH {
        let litellm = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = litellm.local_addr().unwrap();
        std::thread::spawn(move || {
            use std::io::{Read, Write};
            for mut stream in litellm.incoming().map_while(Result::ok) {
                std::thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    let _ = stream.read(&mut buffer);
                    let _ = stream.write_all(&answer(413, &[("connection", "close")], b"too large"));
                    // It goes on reading, as servers that want their answer to arrive do.
                    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
                });
            }
        });
        let front = Front::before(address, Settings { rule, body_limit: LIMIT, ..Settings::default() });
        let mut connection = Connection::open(front.address);
        let upload = chunked("POST", "/v1/ocr", &[KEY, JSON], &pattern(3 * LIMIT), 9973);
        let (begin, rest) = upload.split_at(2 * LIMIT);
        connection.send(begin);
        connection.try_send(rest);
        let got = connection.read().unwrap_or_else(|| panic!("no answer on the way of `{rule}`"));
        assert_eq!((got.status(), got.text().as_str(), got.whole), (413, "too large", true), "on the way of `{rule}`");
    }
}

/// A client leaves after `sent`; LiteLLM must see its connection end, and never a whole request that was not one.
fn leaves(what: &str, rule: &'static str, sent: &[u8], litellm_begins: &'static str, comes_whole: bool) {
    let (gone, heard) = channel();
    let litellm = Server::start(move |asked, connection| {
        if asked.whole {
            connection.send(litellm_begins);
            connection.wait_for_end();
        }
        let _ = gone.send(());
        Then::Close
    });
    let front = Front::before(litellm.address, Settings { rule, body_limit: 100_000, ..Settings::default() });
    let mut connection = Connection::open(front.address);
    connection.send(sent);
    if comes_whole {
        assert!(litellm.next().whole, "{what}");
        if !litellm_begins.is_empty() {
            // Chunked, because of an answer whose length is known Pingora holds back what does not fill a buffer.
            assert!(connection.wait_for(b"\r\n\r\n"));
        }
    }
    connection.close();
    if comes_whole {
        heard.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{what}: LiteLLM goes on, on the way of `{rule}`"));
    } else {
        wait_until("the request is over", || front.stand.metrics.in_flight.get() == 0);
        if let Ok(()) = heard.recv_timeout(Duration::from_millis(100)) {
            assert!(!litellm.next().whole, "{what}: LiteLLM got a whole request, on the way of `{rule}`");
        }
    }
}

#[test]
fn a_client_that_leaves_ends_the_work() {
    let asked = ocr(&ocr_body(200));
    let cut = |request: Vec<u8>| request[..request.len() - 20].to_vec();
    let large = chunked("POST", "/v1/ocr", &[KEY, JSON], &ocr_body(300_000), 9973);
    for rule in BOTH {
        leaves("before the head", rule, &asked, "", true);
        leaves("after the head", rule, &asked, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", true);
        leaves("in the body", rule, &asked, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", true);
        leaves("in its own body", rule, &cut(asked.clone()), "", false);
        leaves(
            "in a chunked body",
            rule,
            &cut(chunked("POST", "/v1/ocr", &[KEY, JSON], &ocr_body(200), 50)),
            "",
            false,
        );
        leaves("in a chunked body over the limit", rule, &cut(large.clone()), "", false);
    }
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let litellm = Server::answering(200, &[], b"taken");
    for rule in BOTH {
        let front = Front::before(litellm.address, Settings { rule, body_limit: 1000, ..Settings::default() });
        for size in [200, 1000, 1001, 70_000] {
            let body = ocr_body(size);
            let framed = [
                request("POST", "/v1/ocr", &[KEY, JSON, ("expect", "100-continue")], &body),
                chunked("POST", "/v1/ocr", &[KEY, JSON, ("expect", "100-continue")], &body, 400),
            ];
            for whole in framed {
                let head = whole.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
                let mut connection = Connection::open(front.address);
                connection.send(&whole[..head]);
                // A LiteLLM that is asked through Pingora says so itself; the fake answers only to whole requests.
                if rule == SHADOW && size <= 1000 {
                    assert_eq!(connection.read().unwrap().status(), 100, "{size} bytes on the way of `{rule}`");
                }
                connection.send(&whole[head..]);
                let mut got = connection.read().unwrap();
                if got.status() == 100 {
                    got = connection.read().unwrap();
                }
                assert_eq!((got.status(), got.text().as_str()), (200, "taken"), "{size} bytes on the way of `{rule}`");
                assert!(litellm.next().body == body, "{size} bytes on the way of `{rule}`");
            }
        }
    }
}

#[test]
fn an_address_of_the_tap_is_never_shown() {
    let litellm = Server::answering(
        200,
        &[
            ("x-litellm-model-id", "deployment-one"),
            ("x-litellm-model-api-base", "http://tap:8082/d/deployment-one/v1"),
        ],
        b"{}",
    );
    for rule in BOTH {
        let provider = nobody();
        let front = Front::before(litellm.address, Settings { rule, provider, tapes: true, ..Settings::default() });
        let got = ask(front.address, ocr(&ocr_body(200)));
        let shown = got.header("x-litellm-model-api-base").map(str::to_owned);
        assert_eq!(shown, Some(format!("http://{provider}/v1")), "on the way of `{rule}`");
    }
}

#[test]
fn a_mirrored_request_carries_an_id_that_nobody_else_knows() {
    let litellm = Server::answering(200, &[], b"{}");
    let front = Front::before(litellm.address, Settings { rule: SHADOW, tapes: true, ..Settings::default() });
    let mut ids = Vec::new();
    for _ in 0..2 {
        let body = br#"{"model":"scan","document":{"type":"document_url","document_url":"https://x"},"extra_headers":{"x-mine":"1"}}"#;
        let got = ask(front.address, request("POST", "/v1/ocr", &[KEY, JSON, ("x-crossfade-tape", "forged")], body));
        let seen = litellm.next();
        let id = seen.json()["extra_headers"]["x-crossfade-tape"].as_str().unwrap().to_owned();
        assert_eq!(seen.json()["extra_headers"]["x-mine"], "1", "the client's own stay");
        assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
        assert!(id.len() == 32 && Some(id.as_str()) != got.header("x-crossfade-request-id"));
        assert!(got.headers.iter().all(|(_, value)| !value.contains(&id)), "the client was told");
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
}

/// Exactly one outcome for one request, whatever happens to it.
fn counts(what: &str, litellm: Server, asked: &[u8], leaves: bool, expected: &str) {
    let front = Front::before(litellm.address, Settings { rule: SHADOW, tapes: true, ..Settings::default() });
    let mut connection = Connection::open(front.address);
    connection.send(asked);
    if leaves {
        litellm.next();
        connection.close();
    } else {
        connection.read();
    }
    assert_eq!(front.outcome(), [(expected.to_owned(), 1)], "{what}");
    wait_until("the request is over", || front.stand.metrics.in_flight.get() == 0);
    assert_eq!(front.outcomes(), [(expected.to_owned(), 1)], "{what}: counted again");
    assert_eq!(front.app.shadow.held(), 0, "{what}");
}

#[test]
fn every_mirrored_request_has_one_outcome() {
    let asked = ocr(&ocr_body(200));
    let silent = || {
        Server::start(|_, connection| {
            connection.wait_for_end();
            Then::Close
        })
    };
    let cut = Server::start(|_, connection| {
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
        Then::Close
    });
    counts("refused by LiteLLM", Server::answering(401, &[], b"{}"), &asked, false, "skipped no_provider_exchange");
    for (what, status, body, expected) in [
        ("refused, and served natively", 400, &*ocr_body(200), "skipped provider_not_asked"),
        ("failed, and served natively", 500, &*ocr_body(200), "skipped provider_not_asked"),
        ("its rate is over", 429, &*ocr_body(200), "skipped no_provider_exchange"),
        ("declined natively", 400, br#"{"model":"scan","document":{},"api_key":"k"}"#, "skipped no_provider_exchange"),
        ("refused by both", 500, br#"{"model":"scan","document":{"type":"none"}}"#, "skipped no_provider_exchange"),
    ] {
        counts(what, Server::answering(status, &[], b"{}"), &ocr(body), false, expected);
    }
    let past_the_tap = Server::answering(200, &[("x-litellm-model-id", "deployment-one")], b"{}");
    counts("a provider reached past the tap", past_the_tap, &asked, false, "skipped no_tape");
    counts("no answer", Server::start(|_, _| Then::Close), &asked, false, "skipped python_failed");
    counts("half an answer", cut, &asked, false, "skipped python_failed");
    counts("a client that leaves", silent(), &asked, true, "skipped client_aborted");
    let marked = request("POST", "/v1/ocr", &[KEY, JSON], br#"{"model":"scan","document":{},"extra_headers":7}"#);
    counts("no place for an id", Server::answering(200, &[], b"{}"), &marked, false, "skipped correlation_unsafe");
}

#[test]
fn without_a_tap_the_board_can_say_so() {
    let litellm = Server::answering(200, &[], b"{}");
    let front = front(&litellm, SHADOW);
    ask(front.address, ocr(&ocr_body(200)));
    assert_eq!(front.outcome(), [("skipped no_tape".to_owned(), 1)]);
    assert!(litellm.next().json().get("extra_headers").is_none(), "nothing is put into a body in vain");
}

pub const PROVIDER_ANSWER: &[u8] =
    br##"{"pages":[{"index":0,"markdown":"# A","images":[],"dimensions":{"dpi":200,"height":1,"width":1}}],"model":"mistral-ocr-latest","usage_info":{"pages_processed":1,"doc_size_bytes":1}}"##;

#[test]
fn a_pinned_lane_is_served_without_python() {
    let litellm = Server::answering(200, &[], b"python");
    let provider = Server::start(|asked, connection| {
        let refused = asked.text().contains("refused.example");
        let whole =
            if refused { answer(400, &[], b"{\"message\":\"no\"}") } else { answer(200, &[JSON], PROVIDER_ANSWER) };
        connection.send(whole);
        Then::KeepOpen
    });
    let settings = Settings { rule: PINNED, provider: provider.address, ..Settings::default() };
    let front = Front::before(litellm.address, settings);
    let got = ask(front.address, ocr(&ocr_body(200)));
    assert_eq!((got.status(), got.header("x-crossfade-served-by")), (200, Some("native")), "{}", got.text());
    assert_eq!(got.header("x-litellm-model-id"), Some("deployment-one"));
    let called = provider.next();
    assert_eq!((called.path(), called.header("authorization")), ("/v1/ocr", Some("Bearer provider-key")));
    assert!(called.headers.iter().all(|(name, _)| !name.starts_with("x-crossfade-")));
    // After an effect the answer is native, good or bad: Python would call the provider again.
    let refused = br#"{"model":"scan","document":{"type":"document_url","document_url":"https://refused.example"}}"#;
    let got = ask(front.address, ocr(refused));
    assert_eq!((got.status(), got.header("x-crossfade-served-by")), (400, Some("native")), "{}", got.text());
    provider.next();
    assert!(provider.idle() && litellm.idle(), "somebody was asked twice");
    assert_eq!(front.stand.metrics.shadow_provider_requests.get(), 0);
}

/// Serves one request whose last server takes its time. Nearly how long Python took, the native leg, and the native leg
/// beside its provider, by the controller's window.
fn timed(rule: &'static str) -> [Option<Duration>; 3] {
    let (release, released) = channel::<()>();
    let (arrive, arrived) = channel::<()>();
    let ends = Mutex::new((arrive, released));
    let slow = Server::start(move |asked, connection| {
        // A front greets its LiteLLM with a GET.
        if asked.method() == "POST" {
            let (arrive, released) = &*ends.lock().unwrap();
            arrive.send(()).unwrap();
            released.recv_timeout(PATIENCE).unwrap();
        }
        connection.send(answer(200, &[JSON], PROVIDER_ANSWER));
        Then::KeepOpen
    });
    let idle = Server::answering(200, &[], b"{}");
    let (litellm, provider) = if rule == PINNED { (&idle, &slow) } else { (&slow, &idle) };
    let settings = Settings { rule, provider: provider.address, ..Settings::default() };
    let front = Front::before(litellm.address, settings);
    let mut client = Connection::open(front.address);
    client.send(ocr(&ocr_body(200)));
    arrived.recv_timeout(PATIENCE).unwrap();
    let asked = Instant::now();
    wait_until("the answer has taken its time", || asked.elapsed() >= TAKEN);
    release.send(()).unwrap();
    assert_eq!(client.read().map(|got| got.status()), Some(200), "{rule}");
    wait_until("the answer is counted", || {
        front.stand.controller.tick();
        front.stand.lane(|lane| lane.times().native.within().count() + lane.times().python.within().count()) == 1
    });
    front.stand.lane(|lane| {
        let times = lane.times();
        [&times.python, &times.native, &times.native_overhead].map(|durations| durations.within().quantile(0.5))
    })
}

const TAKEN: Duration = Duration::from_millis(250);

#[test]
fn waiting_for_the_provider_is_not_the_native_legs_own_time() {
    // A bucket is an eighth wide.
    let least = TAKEN * 3 / 4;
    let [python, native, own] = timed(PINNED);
    let (native, own) = (native.unwrap(), own.unwrap());
    assert!(python.is_none() && native >= least && own <= native - least, "{own:?} of {native:?}");
    let [python, native, own] = timed(SHADOW);
    assert!(python.unwrap() >= least && native.is_none() && own.is_none(), "{python:?} {native:?} {own:?}");
}

#[test]
fn what_the_native_leg_declines_is_pythons_once_and_whole() {
    let litellm = Server::answering(200, &[], b"python");
    let provider = Server::answering(200, &[JSON], PROVIDER_ANSWER);
    let settings = Settings { rule: PINNED, provider: provider.address, ..Settings::default() };
    let front = Front::before(litellm.address, settings);
    let large = ocr_body(1 << 20);
    let over = ocr_body((1 << 20) + 1);
    let cases: [(&str, Vec<u8>, Vec<u8>); 6] = [
        (
            "a key in the body",
            ocr(br#"{"model":"scan","document":{},"api_key":"k"}"#),
            br#"{"model":"scan","document":{},"api_key":"k"}"#.to_vec(),
        ),
        ("a model that is not here", ocr(br#"{"model":"none"}"#), br#"{"model":"none"}"#.to_vec()),
        ("no JSON", ocr(b"7"), b"7".to_vec()),
        ("another key", request("POST", "/v1/ocr", &[("authorization", "Bearer sk-other"), JSON], &large), large),
        ("a body over the limit", ocr(&over), over.clone()),
        ("the same in chunks", chunked("POST", "/v1/ocr", &[KEY, JSON], &over, 9973), over),
    ];
    for (what, asked, body) in cases {
        let got = ask(front.address, asked);
        assert_eq!((got.text().as_str(), got.header("x-crossfade-served-by")), ("python", Some("python")), "{what}");
        assert!(litellm.next().body == body, "{what}");
        assert!(litellm.idle() && provider.idle(), "{what}");
    }
}

#[test]
fn a_litellm_that_no_longer_agrees_serves_by_itself() {
    let litellm = Server::answering(200, &[], b"python");
    let front = front(&litellm, PINNED);
    front.stand.controller.replace_agreement(crate::stand::unknown(), None);
    let got = ask(front.address, ocr(&ocr_body(200)));
    assert_eq!((got.text().as_str(), front.declined("not_eligible")), ("python", 1));
}
