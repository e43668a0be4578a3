//! Where a provider's redirect leads, as httpx follows it for LiteLLM.

use http::Uri;
use transform::{ProviderFailure, ProviderRequest};

/// The request that follows a redirect, or None if an answer with this head is none.
///
/// Shape   301, 302 and 303 turn the POST into a GET without a body; 307 and 308 keep both. `authorization` stays behind when
///         the origin changes, other than from http to https on the default ports.
/// Source  httpx 0.28 `_client.py` `_build_redirect_request`, as LiteLLM 1.102.4 uses it (`follow_redirects=True`)
pub fn next(
    request: &ProviderRequest,
    status: u16,
    headers: &[(String, String)],
) -> Result<Option<ProviderRequest>, ProviderFailure> {
    let location = headers.iter().find(|(name, _)| name == "location").map(|(_, value)| value.as_str());
    let Some(location) = location.filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308)) else {
        return Ok(None);
    };
    let (from, to) = join(&request.url, location).ok_or_else(|| unfollowable(location))?;
    let keeps_body = matches!(status, 307 | 308) || request.method == "GET";
    let same_origin = origin(&from) == origin(&to) || is_upgrade(&from, &to);
    let mut headers = request.headers.clone();
    headers.retain(|(name, _)| match name.as_str() {
        "authorization" => same_origin,
        "content-length" | "transfer-encoding" => keeps_body,
        "host" => false,
        _ => true,
    });
    Ok(Some(ProviderRequest {
        method: if keeps_body { request.method } else { "GET" },
        url: to.to_string(),
        headers,
        body: if keeps_body { request.body.clone() } else { bytes::Bytes::new() },
    }))
}

fn unfollowable(location: &str) -> ProviderFailure {
    ProviderFailure::Other { text: location.to_owned() }
}

/// The base as parsed, and the target that `location` names relative to it. None if either is no http(s) URL.
fn join(base: &str, location: &str) -> Option<(Uri, Uri)> {
    let from: Uri = base.parse().ok()?;
    let location = location.split('#').next().unwrap_or_default();
    let (scheme, authority) = (from.scheme_str()?, from.authority()?);
    let absolute = if location.contains("://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    let to: Uri = absolute.parse().ok()?;
    let usable = matches!(to.scheme_str(), Some("http" | "https")) && to.host().is_some_and(|host| !host.is_empty());
    usable.then_some((from, to))
}

fn origin(uri: &Uri) -> (Option<&str>, Option<&str>, u16) {
    (uri.scheme_str(), uri.host(), port(uri))
}

fn port(uri: &Uri) -> u16 {
    uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 })
}

fn is_upgrade(from: &Uri, to: &Uri) -> bool {
    let upgrade = from.scheme_str() == Some("http") && to.scheme_str() == Some("https");
    from.host() == to.host() && upgrade && port(from) == 80 && port(to) == 443
}
