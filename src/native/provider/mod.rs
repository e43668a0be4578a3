//! One provider attempt: what LiteLLM's HTTP handler makes of it, and the connection under it.

mod attempt;
mod body;
mod client;
mod connection;
mod failure;
pub mod headers;
mod http1;
mod idle;
mod names;
mod outbound;
mod redirect;
#[cfg(test)]
mod tests;
mod url;

pub use attempt::{attempt, attempt_once, attempt_stream, whole};
#[cfg(test)]
pub(in crate::native) use body::collect;
pub use body::{BODY_BYTES_MAX, BodyStream};
pub use client::{Client, ClientError, Protocol};
pub(in crate::native) use failure::reset_in_body;
