//! Breaks the native leg on purpose, where a build has the feature for it.
//!
//! The fault's name stands in the file that `CROSSFADE_FAULT_FILE` names and is read at every request, so that a test
//! or the demo can break and mend a running router:
//! `ocr_drop_last_page` answers without the last page; `messages_drop_last_event` ends streams without their last event;
//! `messages_change_delta` and `chat_change_delta` change the text of streams; `panic_early` panics before any effect;
//! `slow_early` takes 300 ms of its own.

use bytes::Bytes;

use super::Answer;

#[cfg(not(feature = "fault-injection"))]
pub fn early() {}

#[cfg(not(feature = "fault-injection"))]
pub fn late(answer: Answer) -> Answer {
    answer
}

#[cfg(not(feature = "fault-injection"))]
pub fn piece(piece: Bytes) -> Bytes {
    piece
}

#[cfg(feature = "fault-injection")]
fn named() -> Option<String> {
    let file = std::env::var_os("CROSSFADE_FAULT_FILE")?;
    let name = std::fs::read_to_string(file).ok()?.trim().to_owned();
    (!name.is_empty()).then_some(name)
}

/// Names of providers that lead elsewhere: `api.anthropic.com=127.0.0.1:1234`, with commas between them.
#[cfg(feature = "fault-injection")]
pub fn led_names() -> String {
    std::env::var("CROSSFADE_FAULT_NAMES").unwrap_or_default()
}

#[cfg(feature = "fault-injection")]
#[expect(clippy::panic, reason = "the fault is a panic")]
pub fn early() {
    match named().as_deref() {
        Some("panic_early") => panic!("injected"),
        // The thread is kept, as by a computation that takes too long.
        Some("slow_early") => std::thread::sleep(std::time::Duration::from_millis(300)),
        _ => {}
    }
}

#[cfg(feature = "fault-injection")]
pub fn late(mut answer: Answer) -> Answer {
    if named().as_deref() == Some("ocr_drop_last_page")
        && let Ok(mut document) = serde_json::from_slice::<serde_json::Value>(&answer.body)
        && let Some(pages) = document.get_mut("pages").and_then(serde_json::Value::as_array_mut)
        && pages.pop().is_some()
    {
        answer.body = Bytes::from(document.to_string());
    }
    answer
}

/// What leaves for the client in place of a stream's `piece`.
#[cfg(feature = "fault-injection")]
pub fn piece(piece: Bytes) -> Bytes {
    const LAST_EVENT: &[u8] = b"event: message_stop";
    const TEXT: &[u8] = b"\"text_delta\",\"text\":\"";
    const CONTENT: &[u8] = b"\"content\":\"";
    let found = |wanted: &[u8]| piece.windows(wanted.len()).position(|window| window == wanted);
    let changed = |wanted: &[u8]| match found(wanted) {
        Some(at) => Bytes::from([&piece[..at + wanted.len()], b"~", &piece[at + wanted.len()..]].concat()),
        None => piece.clone(),
    };
    match named().as_deref() {
        Some("messages_drop_last_event") => found(LAST_EVENT).map_or_else(|| piece.clone(), |at| piece.slice(..at)),
        Some("messages_change_delta") => changed(TEXT),
        Some("chat_change_delta") => changed(CONTENT),
        _ => piece,
    }
}
