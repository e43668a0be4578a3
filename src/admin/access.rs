//! Who may use the admin port.
//!
//! With a token every API call needs it. Without one the port must be on loopback, and a page of another site must not
//! be able to drive it through the operator's browser: `Host` must name this port, `Origin` must match `Host`, and a
//! change needs a header that a plain form cannot send.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::config::Secret;

/// Sent by the dashboard and the command line with every change.
pub const CHANGE_HEADER: &str = "x-crossfade-admin";

/// The rules of this port.
#[derive(Clone, Debug)]
pub struct Access {
    token: Option<Secret>,
    loopback: bool,
}

impl Access {
    /// `None` where the combination is unsafe: a reachable address without a token.
    pub fn new(address: SocketAddr, token: Option<Secret>) -> Option<Self> {
        let loopback = address.ip().is_loopback();
        (loopback || token.is_some()).then_some(Self { token, loopback })
    }

    /// Why a request is refused, if it is.
    fn refusal(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        // A foreign name for a loopback address is how a page of another site reaches it.
        if self.loopback && !is_loopback_host(host) {
            return Some((StatusCode::FORBIDDEN, "this port answers under a loopback name only"));
        }
        if let Some(origin) = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok())
            && origin.split_once("://").map(|(_, rest)| rest) != Some(host)
        {
            return Some((StatusCode::FORBIDDEN, "requests from pages of other sites are refused"));
        }
        let changes = !matches!(*method, Method::GET | Method::HEAD);
        let protected = path.starts_with("/api") || changes;
        match &self.token {
            Some(token) if protected && !bears(headers, token) => {
                Some((StatusCode::UNAUTHORIZED, "send the token of CROSSFADE_ADMIN_TOKEN as `authorization: Bearer …`"))
            }
            None if changes && !headers.contains_key(CHANGE_HEADER) => {
                Some((StatusCode::FORBIDDEN, "a change needs the header `x-crossfade-admin: 1`"))
            }
            _ => None,
        }
    }
}

fn bears(headers: &HeaderMap, token: &Secret) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    given.as_bytes().ct_eq(token.expose().as_bytes()).into()
}

fn is_loopback_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

/// Refuses what the port's rules refuse, and sets the headers that keep a browser strict.
pub async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    let refusal = access.refusal(request.method(), request.uri().path(), request.headers());
    let mut response = match refusal {
        Some((status, message)) => {
            (status, axum::Json(json!({"error": {"message": message, "code": status.as_u16().to_string()}})))
                .into_response()
        }
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn check(token: Option<&str>, method: Method, path: &str, pairs: &[(&str, &str)], expected: Option<u16>) {
        let access = Access::new("127.0.0.1:8081".parse().unwrap(), token.map(Secret::new)).unwrap();
        let refused = access.refusal(&method, path, &headers(pairs)).map(|(status, _)| status.as_u16());
        assert_eq!(refused, expected, "{token:?} {method} {path} {pairs:?}");
    }

    #[test]
    fn the_port_is_not_for_everyone() {
        let local = ("host", "127.0.0.1:8081");
        check(None, Method::GET, "/api/lanes", &[local], None);
        check(None, Method::GET, "/api/lanes", &[("host", "localhost:8081")], None);
        check(None, Method::GET, "/api/lanes", &[("host", "rebound.example:8081")], Some(403));
        check(None, Method::GET, "/api/lanes", &[], Some(403));
        check(None, Method::GET, "/api/lanes", &[local, ("origin", "http://evil.example")], Some(403));
        check(None, Method::GET, "/api/lanes", &[local, ("origin", "http://127.0.0.1:8081")], None);
        check(None, Method::POST, "/api/freeze", &[local], Some(403));
        check(None, Method::POST, "/api/freeze", &[local, (CHANGE_HEADER, "1")], None);
        check(Some("t"), Method::GET, "/api/lanes", &[local], Some(401));
        check(Some("t"), Method::GET, "/", &[local], None);
        check(Some("t"), Method::GET, "/metrics", &[local], None);
        check(Some("t"), Method::POST, "/api/freeze", &[local, (CHANGE_HEADER, "1")], Some(401));
        check(Some("t"), Method::POST, "/api/freeze", &[local, ("authorization", "Bearer t")], None);
        check(Some("t"), Method::POST, "/api/freeze", &[local, ("authorization", "Bearer u")], Some(401));
        check(
            Some("t"),
            Method::GET,
            "/api/lanes",
            &[("host", "evil.example"), ("authorization", "Bearer t")],
            Some(403),
        );
    }

    #[test]
    fn a_reachable_port_needs_a_token() {
        assert!(Access::new("0.0.0.0:8081".parse().unwrap(), None).is_none());
        assert!(Access::new("0.0.0.0:8081".parse().unwrap(), Some(Secret::new("t"))).is_some());
    }
}
