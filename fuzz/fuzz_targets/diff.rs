//! Two bodies or two streams, side by side.
#![no_main]

use cutover::{
    diff::{Differences, Limits, diff_body, diff_stream, events, fold, stream_document},
    noise::event_fields,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [kind, rest @ ..] = input else { return };
    // No text has this byte, so none of what is compared as text holds it.
    let at = rest.iter().position(|byte| *byte == 0xff).unwrap_or(rest.len());
    let (left, right) = (&rest[..at], rest.get(at + 1..).unwrap_or_default());
    let limits = Limits::default();
    let made_up = event_fields("chat_completions");
    let diff = |left, right| match kind % 2 {
        0 => diff_body(left, right, &limits),
        _ => diff_stream(left, right, &made_up, &limits),
    };
    let (there, back) = (diff(left, right), diff(right, left));
    assert!(diff(left, left).is_empty() && diff(right, right).is_empty());
    assert_eq!(there.is_empty(), left == right, "complete");
    assert_eq!(back.is_empty(), left == right, "complete the other way");
    check_bounds(&there, input.len());
    check_bounds(&back, input.len());
    if kind % 2 == 1
        && let Ok(text) = std::str::from_utf8(left)
    {
        assert!(events(text).len() <= text.len());
        let _ = fold(&events(text));
        assert!(stream_document(text, &limits).is_object());
    }
});

fn check_bounds(found: &Differences, input_bytes: usize) {
    assert!(found.list.len() <= Limits::default().differences_max);
    for shown in found.list.iter().flat_map(|one| [&one.left, &one.right]).flatten() {
        // A value is shown whole; what is no text there takes three bytes for one, an escape six.
        assert!(shown.len() <= 64 + 8 * input_bytes, "{} of {input_bytes}", shown.len());
    }
}
