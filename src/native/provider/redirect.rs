//! Where a provider's redirect leads, as httpx follows it for LiteLLM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use percent_encoding::percent_decode_str;
use transform::{ProviderFailure, ProviderRequest};

use super::url::Url;

/// Why a redirect isn't followed.
#[derive(Debug, PartialEq)]
pub enum Unfollowed {
    /// httpx takes the answer for a broken one: LiteLLM's own client sends the request again.
    Refused(String),
    /// The attempt fails.
    Failed(String),
}

/// A request that follows a redirect.
#[derive(Debug)]
pub struct Followed {
    /// What the next redirect is seen from.
    pub request: ProviderRequest,
    /// What goes out: credentials of the URL became a header.
    pub sent: ProviderRequest,
}

/// The request that follows a redirect, or None if an answer with this head is none.
///
/// Shape   301, 302 and 303 turn the POST into a GET without a body; 307 and 308 keep both. `authorization` stays behind when
///         the origin changes, other than from http to https on the default ports.
/// Source  httpx 0.28 `_client.py` `_build_redirect_request`, as LiteLLM 1.102.4 uses it (`follow_redirects=True`)
pub fn next(
    request: &ProviderRequest,
    status: u16,
    headers: &[(String, String)],
) -> Result<Option<Followed>, Unfollowed> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let locations: Vec<&str> =
        headers.iter().filter(|(name, _)| name == "location").map(|(_, value)| value.as_str()).collect();
    if locations.is_empty() {
        return Ok(None);
    }
    let from = Url::parse(&request.url).map_err(Unfollowed::Failed)?;
    // Repeated headers are one to httpx.
    let to = target(&from, &locations.join(", "))?;
    let keeps_body = matches!(status, 307 | 308) || request.method == "GET";
    let keeps_credentials = is_same_origin(&from, &to) || is_upgrade(&from, &to);
    let mut headers = request.headers.clone();
    headers.retain(|(name, _)| match name.as_str() {
        "authorization" => keeps_credentials,
        "content-length" | "transfer-encoding" => keeps_body,
        // Written anew for every connection.
        "host" => false,
        _ => true,
    });
    let request = ProviderRequest {
        method: if keeps_body { request.method } else { "GET" },
        url: to.to_string(),
        headers,
        body: if keeps_body { request.body.clone() } else { bytes::Bytes::new() },
    };
    let sent = sent(&request, &to)?;
    Ok(Some(Followed { request, sent }))
}

/// Source: httpx 0.28 `_client.py` `_redirect_url`
fn target(from: &Url, location: &str) -> Result<Url, Unfollowed> {
    let refused = |said: String| Unfollowed::Refused(format!("Invalid URL in location header: {said}."));
    let mut to = Url::parse(location).map_err(refused)?;
    if !to.scheme.is_empty() && to.host.is_empty() {
        to = to.with_host(&from.host).map_err(Unfollowed::Failed)?;
    }
    if to.is_relative() { to.join_to(from).map_err(Unfollowed::Failed) } else { Ok(to) }
}

/// What aiohttp makes of httpx's request: it takes other URLs, and writes their credentials as a header.
///
/// Source: yarl 1.25 `URL`, aiohttp 3.14 `client.py` `_request`, as of LiteLLM 1.102.4
fn sent(request: &ProviderRequest, to: &Url) -> Result<ProviderRequest, Unfollowed> {
    let failed = |said: &str| Err(Unfollowed::Failed(said.to_owned()));
    if to.netloc().contains('\\') || to.userinfo.contains('\\') {
        return failed("Invalid URL: backslash ('\\') is not allowed in the authority component per RFC 3986.");
    }
    if to.port.is_some_and(|port| !(0..=65_535).contains(&port)) {
        return failed("Port out of range 0-65535");
    }
    let scheme = match to.scheme.as_str() {
        _ if to.host.is_empty() => return failed(&to.to_string()),
        "http" | "ws" => "http",
        "https" | "wss" => "https",
        _ => return failed(&to.to_string()),
    };
    let mut sent = request.clone();
    sent.url = format!("{scheme}://{}{}", to.netloc(), to.target());
    if !to.userinfo.is_empty() {
        if sent.headers.iter().any(|(name, _)| name == "authorization") {
            return failed("Cannot combine AUTHORIZATION header with AUTH argument or credentials encoded in URL");
        }
        sent.headers.push(("authorization".to_owned(), basic(&to.userinfo)));
    }
    Ok(sent)
}

fn basic(userinfo: &str) -> String {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let plain = |part: &str| percent_decode_str(part).decode_utf8().map_or(part.to_owned(), |text| text.into_owned());
    // Latin-1, as far as it goes.
    let text = format!("{}:{}", plain(user), plain(password));
    let bytes: Vec<u8> = text.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect();
    format!("Basic {}", STANDARD.encode(bytes))
}

fn is_same_origin(from: &Url, to: &Url) -> bool {
    (&from.scheme, &from.host, from.port_or_default()) == (&to.scheme, &to.host, to.port_or_default())
}

fn is_upgrade(from: &Url, to: &Url) -> bool {
    let is_upgraded = from.scheme == "http" && to.scheme == "https";
    from.host == to.host && is_upgraded && from.port_or_default() == Some(80) && to.port_or_default() == Some(443)
}

/// A name that no connector takes is one that nobody knows: Python looks it up, and finds nothing.
pub fn unknown_host(sent: &ProviderRequest) -> Option<ProviderFailure> {
    if sent.url.parse::<Uri>().is_ok() {
        return None;
    }
    let url = Url::parse(&sent.url).ok()?;
    let port = url.port_or_default().and_then(|port| u16::try_from(port).ok()).unwrap_or_default();
    Some(ProviderFailure::Unreachable { host: url.host, port, reason: "Name or service not known".to_owned() })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        base: String,
        location: String,
        url: Option<String>,
        #[serde(default)]
        headers: Vec<(String, String)>,
        refused: Option<String>,
        failed: Option<String>,
    }

    fn check(case: &Case) -> Option<String> {
        let request = ProviderRequest {
            method: "POST",
            url: case.base.clone(),
            headers: vec![("authorization".to_owned(), "Bearer k".to_owned())],
            body: "{}".into(),
        };
        let location = [("location".to_owned(), case.location.clone())];
        let ours = match next(&request, 307, &location) {
            Ok(followed) => Ok(followed.unwrap().sent),
            Err(unfollowed) => Err(unfollowed),
        };
        let header = |headers: &[(String, String)], name: &str| {
            headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.clone())
        };
        let is_equal = match (&ours, &case.url, &case.refused, &case.failed) {
            (Ok(sent), Some(url), ..) => {
                // A port that is the scheme's own and an empty path are not sent.
                let (one, other) = (parts(&sent.url), parts(url));
                let authorization = header(&sent.headers, "authorization") == header(&case.headers, "authorization");
                one == other && authorization
            }
            (Err(Unfollowed::Refused(said)), _, Some(theirs), _) => said == theirs,
            (Err(Unfollowed::Failed(said)), .., Some(theirs)) => said == theirs,
            _ => false,
        };
        (!is_equal).then(|| {
            let theirs = (&case.url, &case.refused, &case.failed, &case.headers);
            format!("{:?} from {}: {ours:?}\n   httpx {theirs:?}", case.location, case.base)
        })
    }

    fn parts(url: &str) -> (String, String, Option<i128>, String) {
        let url = Url::parse(url).unwrap();
        (url.scheme.replace("ws", "http"), url.host.clone(), url.port_or_default(), url.target())
    }

    #[test]
    fn locations_lead_where_httpx_goes() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../../tests/corpus/redirects/locations.json")).unwrap();
        assert!(cases.len() > 1000, "the corpus is not there");
        let wrong: Vec<String> = cases.iter().filter_map(check).collect();
        assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    }
}
