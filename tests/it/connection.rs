//! A client's connection, which changes hands: native answers are written by us, what is passed on is Pingora's.

use crate::front::{Front, OFF, PINNED, SHADOW, Settings, wait_until};
use crate::proxy::{JSON, KEY, PROVIDER_ANSWER, ocr, ocr_body};
use crate::wire::{Connection, Server, Then, answer, request};

/// LiteLLM and the provider, and a front between them.
fn standing(rule: &'static str) -> (Server, Server, Front) {
    let litellm = Server::start(|asked, connection| {
        connection.send(answer(200, &[], asked.path().as_bytes()));
        Then::KeepOpen
    });
    let provider = Server::answering(200, &[JSON], PROVIDER_ANSWER);
    let settings = Settings { rule, provider: provider.address, ..Settings::default() };
    let front = Front::before(litellm.address, settings);
    (litellm, provider, front)
}

/// What a client asks for on one connection: `native` or a path for Python.
fn asked(what: &str) -> Vec<u8> {
    match what {
        "native" => ocr(&ocr_body(200)),
        path if path.starts_with("/big") => request("POST", path, &[KEY, JSON], &ocr_body(9000)),
        path => request("GET", path, &[KEY], b""),
    }
}

fn check(requests: &[&str], at_once: bool) {
    let (_litellm, provider, front) = standing(PINNED);
    let mut connection = Connection::open(front.address);
    if at_once {
        connection.send(requests.iter().flat_map(|what| asked(what)).collect::<Vec<_>>());
    }
    for (number, what) in requests.iter().enumerate() {
        if !at_once {
            connection.send(asked(what));
        }
        let got = connection.read().unwrap_or_else(|| panic!("no answer {number} of {requests:?}, at once: {at_once}"));
        let served = got.header("x-crossfade-served-by");
        match *what {
            "native" => {
                assert_eq!((got.status(), served), (200, Some("native")), "{number} of {requests:?}: {}", got.text());
                provider.next();
            }
            path => assert_eq!((got.text().as_str(), served), (path, Some("python")), "{number} of {requests:?}"),
        }
    }
    assert!(provider.idle(), "the provider was asked more often than {requests:?}");
    wait_until("nothing is under way", || front.stand.metrics.in_flight.get() == 0);
}

#[test]
fn requests_of_both_kinds_take_turns_on_one_connection() {
    for at_once in [false, true] {
        check(&["native", "native", "native"], at_once);
        check(&["native", "/models", "native", "/models", "native"], at_once);
        check(&["/models", "native", "/big", "native"], at_once);
        check(&["native", "/big", "/big", "native", "native"], at_once);
    }
}

#[test]
fn a_request_may_come_in_pieces_of_any_size() {
    let (_litellm, provider, front) = standing(PINNED);
    let mut connection = Connection::open(front.address);
    for size in [1, 23, 24, 25, 60, 100, 4096] {
        for piece in ocr(&ocr_body(5000)).chunks(size) {
            connection.send(piece);
        }
        let got = connection.read().unwrap();
        assert_eq!(got.header("x-crossfade-served-by"), Some("native"), "pieces of {size}: {}", got.text());
        provider.next();
    }
}

#[test]
fn what_is_no_request_is_refused_alike_on_every_way() {
    let longer = format!("POST /v1/ocr HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n", "x".repeat(2 << 20));
    let cases = [
        "POST /v1/ocr HTTP/1.1\r\nhost: x\r\nno header\r\n\r\n",
        "POST /v1/ocr HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST /v1/ocr HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
        "POST /v1/ocr HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnot a size\r\n",
        "POST /v1/ocr HTTP/1.1\r\nhost: x",
        longer.as_str(),
    ];
    for case in cases {
        let answers = [OFF, SHADOW, PINNED].map(|rule| {
            let (_litellm, _provider, front) = standing(rule);
            let mut connection = Connection::open(front.address);
            connection.try_send(case.as_bytes());
            if !case.ends_with('\n') && case.len() < 100 {
                connection.close();
                return None;
            }
            connection.read().map(|got| got.status())
        });
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{}: {answers:?}", &case[..case.len().min(90)]);
    }
}

#[test]
fn a_client_that_was_told_to_go_on_may_ask_again() {
    let body = ocr_body(5000);
    for rule in [SHADOW, PINNED] {
        let (_litellm, _provider, front) = standing(rule);
        let mut connection = Connection::open(front.address);
        for _ in 0..2 {
            let whole = request("POST", "/v1/ocr", &[KEY, JSON, ("expect", "100-continue")], &body);
            let (head, body) = whole.split_at(whole.len() - body.len());
            connection.send(head);
            assert_eq!(connection.read().unwrap().status(), 100, "on the way of `{rule}`");
            connection.send(body);
            let got = connection.read().unwrap_or_else(|| panic!("no answer on the way of `{rule}`"));
            assert_eq!((got.status(), got.header("connection")), (200, Some("keep-alive")), "on the way of `{rule}`");
        }
    }
}
