//! Header rules between client and LiteLLM.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Names that speak of one connection and are never passed on.
///
/// Source: RFC 9110 §7.6.1
static HOP_BY_HOP: [HeaderName; 9] = [
    http::header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    http::header::PROXY_AUTHENTICATE,
    http::header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    http::header::TE,
    http::header::TRAILER,
    http::header::TRANSFER_ENCODING,
    http::header::UPGRADE,
];

/// Our own namespace: what a client sends in it is dropped, so that nobody can forge it.
pub const OWN_PREFIX: &str = "x-crossfade-";

pub fn is_own(name: &HeaderName) -> bool {
    name.as_str().starts_with(OWN_PREFIX)
}

/// What is passed on of a message: its end-to-end headers without those in our own namespace.
pub fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let mut headers = end_to_end(headers);
    let own: Vec<HeaderName> = headers.keys().filter(|name| is_own(name)).cloned().collect();
    for name in own {
        headers.remove(&name);
    }
    headers
}

/// The end-to-end headers of a message: without hop-by-hop names and those that `Connection` nominates.
pub fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    keep_end_to_end(&mut kept);
    kept
}

/// Leaves the end-to-end headers of a message.
pub fn keep_end_to_end(headers: &mut HeaderMap) {
    let nominated: Vec<HeaderName> = headers
        .get_all(http::header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|token| token.trim().parse().ok())
        .collect();
    let dropped: Vec<&HeaderName> =
        HOP_BY_HOP.iter().chain(&nominated).filter(|name| headers.contains_key(*name)).collect();
    if dropped.is_empty() {
        return;
    }
    // Anew, because to remove one would change the order of the others.
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter().filter(|(name, _)| !dropped.contains(name)) {
        kept.append(name.clone(), value.clone());
    }
    *headers = kept;
}

/// Who the client is, for `X-Forwarded-*`.
#[derive(Clone, Copy, Debug)]
pub struct Forwarded<'a> {
    pub client: Option<std::net::IpAddr>,
    pub tls: bool,
    pub host: Option<&'a HeaderValue>,
}

/// The `X-Forwarded-*` headers to set, given those that the client (or a proxy before us) sent.
pub fn forwarded(existing: &HeaderMap, facts: Forwarded<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut set = Vec::with_capacity(3);
    if let Some(client) = facts.client {
        let chain = match existing.get("x-forwarded-for").and_then(|value| value.to_str().ok()) {
            Some(before) => format!("{before}, {client}"),
            None => client.to_string(),
        };
        if let Ok(value) = HeaderValue::from_str(&chain) {
            set.push((HeaderName::from_static("x-forwarded-for"), value));
        }
    }
    if !existing.contains_key("x-forwarded-proto") {
        let scheme = if facts.tls { "https" } else { "http" };
        set.push((HeaderName::from_static("x-forwarded-proto"), HeaderValue::from_static(scheme)));
    }
    if let (Some(host), false) = (facts.host, existing.contains_key("x-forwarded-host")) {
        set.push((HeaderName::from_static("x-forwarded-host"), host.clone()));
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn connection_headers_stay_behind() {
        let kept = end_to_end(&map(&[
            ("Connection", "close, X-Private"),
            ("x-private", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("accept", "a"),
            ("accept", "b"),
        ]));
        assert_eq!(kept.len(), 2);
        assert_eq!(kept.get_all("accept").iter().count(), 2);
    }

    #[test]
    fn a_chain_of_proxies_is_extended() {
        let set = forwarded(
            &map(&[("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "https")]),
            Forwarded { client: Some([127, 0, 0, 1].into()), tls: false, host: None },
        );
        assert_eq!(set.len(), 1);
        assert_eq!(set[0].1, "10.0.0.1, 127.0.0.1");
    }
}
