//! Runs the native leg on what Python already did, and compares. Never in a request's way: work is shed first.
//!
//! capture (on the serving thread: bounded, never waits) -> queue (bounded by count and bytes) -> worker (a thread of
//! its own: the native leg on the tape) -> pair -> judgement -> store and evidence.

mod capture;
pub mod correlation;
pub mod pair;
mod parts;
mod queue;
mod sample;
mod worker;

#[cfg(test)]
mod tests;

pub use capture::{Capture, Control, Tee, Traits, hash_of};
pub use queue::{Shadow, ShadowLimits};
pub use worker::Worker;
