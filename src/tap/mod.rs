//! The egress tap: LiteLLM's provider traffic passes here, so that one provider exchange can feed both legs.
//!
//! It is the one part of ours in Python's own way: it relays first and records second, a fault in recording never
//! touches the bytes, and the time it adds is a metric. It is no open proxy: where a request goes is looked up by
//! deployment id in the configuration, never taken from the request's host, path or headers.

mod recording;
mod relay;
mod server;
mod target;

pub use recording::{OpenTape, Recordings, TapedAnswer, TapedExchange, TapedRequest};
pub use server::{Tap, TapError};
pub use target::Targets;

/// Carries the tape's id from Crossfade through LiteLLM to the tap, and no further.
pub const TAPE_HEADER: &str = "x-crossfade-tape";
