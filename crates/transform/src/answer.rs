//! What crosses the crate's edge: provider requests out, provider answers or failures in, client answers out.

use std::borrow::Cow;

use bytes::Bytes;

use crate::exceptions::Exception;

/// One request to the provider, complete but for what the connection adds (`host`, `connection`, `content-length`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRequest {
    pub method: &'static str,
    pub url: String,
    /// Lower-case names in LiteLLM's order.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// What an attempt sends, or what it raises instead of calling the provider; the router treats that like a failed call.
pub type Outbound = Result<ProviderRequest, Exception>;

/// What the provider answered, as received: `content-encoding` is undone by this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderResponse {
    pub status: u16,
    /// Lower-case names in the order received.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl ProviderResponse {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no usable answer from the provider; one variant per text a client can see.
#[derive(Clone, Debug, PartialEq)]
pub enum ProviderFailure {
    /// No address of the host took the connection. `tried` holds (address, port) in the order tried.
    Refused { host: String, port: u16, tried: Vec<(std::net::IpAddr, u16)> },
    /// The host has no address, or the connection failed for a reason the system spells as `reason`.
    Unreachable { host: String, port: u16, reason: String },
    /// The connection was reset before an answer: "connection reset by peer". LiteLLM has then sent the request twice.
    Reset,
    /// The connection was closed before an answer.
    Closed,
    /// Nothing came for longer than the limit.
    Timeout { limit_seconds: f64, taken_seconds: f64 },
    /// The body ended before its `content-length`.
    CutLength { received_bytes: u64, expected_bytes: u64 },
    /// A chunked body ended before its last chunk.
    CutChunked,
    /// More redirects than followed.
    TooManyRedirects,
    /// Anything else, in the words of the HTTP stack.
    Other { text: String },
}

/// A header's name or value; most are the same in every answer.
pub type HeaderText = Cow<'static, str>;

/// Headers of a client's answer: lower-case names in LiteLLM's order.
pub type AnsweredHeaders = Vec<(HeaderText, HeaderText)>;

/// What the client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    /// Without `date` and what belongs to the connection.
    pub headers: AnsweredHeaders,
    pub body: Bytes,
}
