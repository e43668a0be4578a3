//! Bytes held in memory: what the shadow may hold, what waits for a decision, and what happens at the bound.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use crossfade::shadow::ShadowLimits;

use crate::front::{Front, PINNED, SHADOW, Settings, wait_until};
use crate::proxy::{JSON, KEY, ocr, ocr_body};
use crate::wire::{Connection, PATIENCE, Server, Then, ask, chunked, request};

fn mirroring(litellm: &Server, bytes_max: usize) -> Front {
    let shadow = ShadowLimits { captures_max: 16, bytes_max, answer_max: 1 << 20, gathered: Duration::ZERO };
    Front::before(litellm.address, Settings { rule: SHADOW, tapes: true, shadow, ..Settings::default() })
}

/// A request of 200 bytes and its answer of 100 under a budget for all of the shadow.
fn mirrors(bytes_max: usize, expected: &str, marked: bool, shed: usize) {
    let litellm = Server::answering(401, &[], &[b'a'; 100]);
    let front = mirroring(&litellm, bytes_max);
    let got = ask(front.address, ocr(&ocr_body(200)));
    assert_eq!((got.status(), got.body.len()), (401, 100), "{bytes_max}: the client sees none of it");
    assert_eq!(front.outcome(), [(expected.to_owned(), 1)], "{bytes_max}");
    assert_eq!(litellm.next().json().get("extra_headers").is_some(), marked, "{bytes_max}");
    wait_until("the request is over", || front.stand.metrics.in_flight.get() == 0);
    assert_eq!((front.app.shadow.held(), front.app.shadow.shed_total()), (0, shed), "{bytes_max}");
}

#[test]
fn the_shadow_sheds_what_is_over_its_budget() {
    mirrors(300, "skipped no_provider_exchange", true, 0);
    mirrors(299, "skipped bytes_budget", true, 1);
    mirrors(200, "skipped bytes_budget", true, 1);
    // Not even a copy of the request is made.
    mirrors(199, "skipped bytes_budget", false, 1);
}

#[test]
fn copies_of_answers_share_one_budget() {
    let (go_on, waits) = channel::<()>();
    let waits = Mutex::new(waits);
    let litellm = Server::start(move |asked, connection| {
        connection.send("HTTP/1.1 401 Unauthorized\r\ncontent-length: 100\r\n\r\n");
        connection.send([b'a'; 99]);
        if asked.path() == "/v1/ocr" {
            let _ = waits.lock().unwrap().recv_timeout(PATIENCE);
        }
        connection.send("a");
        Then::KeepOpen
    });
    // For one request with its answer, and all of another's request and answer but the last byte.
    let front = mirroring(&litellm, 200 + 99 + 200 + 99);
    let mut slow = Connection::open(front.address);
    slow.send(ocr(&ocr_body(200)));
    wait_until("the first answer is copied", || front.app.shadow.held() == 299);
    let second = ask(front.address, request("POST", "/ocr", &[KEY, JSON], &ocr_body(200)));
    assert_eq!(second.body.len(), 100);
    assert_eq!(front.outcome(), [("skipped bytes_budget".to_owned(), 1)]);
    go_on.send(()).unwrap();
    assert_eq!(slow.read().unwrap().body.len(), 100);
    wait_until("both are counted", || front.outcomes().len() == 2);
    assert!(front.outcomes().contains(&("skipped no_provider_exchange".to_owned(), 1)), "{:?}", front.outcomes());
    assert_eq!(front.app.shadow.held(), 0);
}

#[test]
fn bodies_that_no_memory_is_left_for_are_pythons_unread() {
    const LIMIT: usize = 1000;
    let litellm = Server::answering(200, &[], b"python");
    let settings = Settings { rule: PINNED, body_limit: LIMIT, ..Settings::default() };
    let front = Front::before(litellm.address, settings);
    let held = || front.app.limits.total.held();
    let announced = format!("POST /v1/ocr HTTP/1.1\r\nhost: x\r\ncontent-length: {LIMIT}\r\n\r\n");
    let mut waiting: Vec<Connection> = (0..8).map(|_| Connection::open(front.address)).collect();
    for connection in &mut waiting {
        connection.send(announced.as_str());
    }
    wait_until("the budget is used up", || held() == 8 * LIMIT);
    for (what, asked) in [
        ("a length", request("POST", "/v1/ocr", &[KEY, JSON], b"7")),
        ("chunks", chunked("POST", "/v1/ocr", &[KEY, JSON], b"7", 1)),
    ] {
        let before = front.declined("body_budget");
        let got = ask(front.address, asked);
        assert_eq!((got.text().as_str(), got.header("x-crossfade-served-by")), ("python", Some("python")), "{what}");
        assert_eq!((front.declined("body_budget"), held()), (before + 1, 8 * LIMIT), "{what}");
        assert_eq!(litellm.next().text(), "7", "{what}");
    }
    // One body goes, another of that size fits: it is read, and declined for what it says.
    waiting.remove(0).close();
    wait_until("a body is given back", || held() == 7 * LIMIT);
    ask(front.address, ocr(&vec![b'7'; LIMIT]));
    assert_eq!((litellm.next().body.len(), front.declined("body_budget")), (LIMIT, 2));
    drop(waiting);
    wait_until("all are given back", || held() == 0);
}
