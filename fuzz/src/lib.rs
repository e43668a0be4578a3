//! What the fuzz targets share: a stand for the native leg, pieces of a stream, and what every output must be.

pub mod pieces;
pub mod stand;
pub mod stream;

use serde::de::IgnoredAny;

/// Fails unless `bytes` are one JSON value. Reads without recursion: outputs may nest as deep as inputs.
pub fn assert_json(bytes: &[u8]) {
    let is_json = std::str::from_utf8(bytes).is_ok() && serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    assert!(is_json, "no JSON: {}", String::from_utf8_lossy(bytes));
}
