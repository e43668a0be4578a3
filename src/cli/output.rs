//! What commands print. A reader that stops reading, as `head` does, is no fault.

use std::io::Write;

/// Writes to standard output.
pub fn say(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
