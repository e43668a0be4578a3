//! Where LiteLLM listens, and how patient we are with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Uri;
use thiserror::Error;

/// How long a connection to LiteLLM may idle and still be used.
///
/// uvicorn closes one after 5 s, and when its loop was held up it does so before it reads what came meanwhile: a request
/// that was sent into such a pause meets a closed connection, and nobody may send it again. So the longest pause that a
/// request survives is those 5 s less this one.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// The LiteLLM deployment behind us.
#[derive(Debug)]
pub struct Upstream {
    /// `host:port`
    pub authority: String,
    pub host: String,
    pub tls: bool,
    pub connect_timeout: Duration,
    /// The longest silence we accept from LiteLLM before we answer 504.
    pub read_timeout: Duration,
    healthy: AtomicBool,
}

#[derive(Debug, Error)]
pub enum UpstreamError {
    #[error("the upstream `{0}` is not a URL: write it as http://127.0.0.1:4000")]
    NotAUrl(String),
    #[error("the upstream `{0}` must be http or https")]
    Scheme(String),
    #[error("the upstream `{0}` has a path: Crossfade passes every path on unchanged, so leave it out")]
    HasPath(String),
}

impl Upstream {
    /// Reads `http://host:port`.
    pub fn parse(url: &str, connect_timeout: Duration, read_timeout: Duration) -> Result<Self, UpstreamError> {
        let uri: Uri = url.parse().map_err(|_| UpstreamError::NotAUrl(url.to_owned()))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) => return Err(UpstreamError::Scheme(url.to_owned())),
            None => return Err(UpstreamError::NotAUrl(url.to_owned())),
        };
        let host = uri.host().ok_or_else(|| UpstreamError::NotAUrl(url.to_owned()))?.to_owned();
        if !matches!(uri.path(), "" | "/") {
            return Err(UpstreamError::HasPath(url.to_owned()));
        }
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self {
            authority: format!("{host}:{port}"),
            host: host.trim_matches(['[', ']']).to_owned(),
            tls,
            connect_timeout,
            read_timeout,
            healthy: AtomicBool::new(false),
        })
    }

    /// `http://host:port`
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority)
    }

    pub fn healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    pub fn set_healthy(&self, healthy: bool) {
        self.healthy.store(healthy, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Result<&str, &str>) {
        let second = Duration::from_secs(1);
        match (Upstream::parse(url, second, second), expected) {
            (Ok(upstream), Ok(origin)) => assert_eq!(upstream.origin(), origin),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, _) => panic!("{url}: {found:?}"),
        }
    }

    #[test]
    fn reads_origins() {
        check("http://127.0.0.1:4000", Ok("http://127.0.0.1:4000"));
        check("http://litellm", Ok("http://litellm:80"));
        check("https://litellm/", Ok("https://litellm:443"));
        check("http://[::1]:4000", Ok("http://[::1]:4000"));
        check("127.0.0.1:4000", Err("not a URL"));
        check("ftp://x", Err("http or https"));
        check("http://x/v1", Err("has a path"));
    }
}
