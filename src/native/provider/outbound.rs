//! A provider's request as hyper sends it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use transform::{ProviderFailure, ProviderRequest};

pub(super) type Outbound = Request<Full<Bytes>>;

/// A request with an absolute URL, from which the connection writes `host`.
pub(super) fn absolute(request: &ProviderRequest) -> Result<Outbound, ProviderFailure> {
    let uri = request.url.parse().map_err(|_| unsendable("URL"))?;
    outbound(request, uri, headers(&request.headers)?)
}

/// Where a URL leads, as it is written, and the rest of it.
pub(super) fn split(url: &str) -> Result<(&str, &str), ProviderFailure> {
    let host = url.find("://").ok_or_else(|| unsendable("URL"))? + "://".len();
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |end| host + end);
    Ok(url.split_at(end))
}

/// The URL of an origin.
pub(super) fn origin(written: &str) -> Result<Uri, ProviderFailure> {
    let uri: Uri = written.parse().map_err(|_| unsendable("URL"))?;
    if uri.scheme().is_some() && uri.authority().is_some() { Ok(uri) } else { Err(unsendable("URL")) }
}

/// A request over a connection to its origin, with `host` as its last header.
pub(super) fn relative(request: &ProviderRequest, path: &str, headers: HeaderMap) -> Result<Outbound, ProviderFailure> {
    let uri = match path.strip_prefix('/') {
        Some(_) => path.parse(),
        // Without a path, a query is one of `/`.
        None => format!("/{path}").parse(),
    };
    outbound(request, uri.map_err(|_| unsendable("URL"))?, headers)
}

fn outbound(request: &ProviderRequest, uri: Uri, headers: HeaderMap) -> Result<Outbound, ProviderFailure> {
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| unsendable("method"))?;
    let mut outbound = Request::new(Full::new(request.body.clone()));
    *outbound.method_mut() = method;
    *outbound.uri_mut() = uri;
    *outbound.headers_mut() = headers;
    Ok(outbound)
}

/// The headers of the last request to an origin, without their values: the next has the same names in the same order, and
/// need not parse and hash them again.
#[derive(Debug)]
pub(super) struct Names {
    headers: HeaderMap,
    /// How many of them came with the request; the other one is `host`, with its value.
    given: usize,
}

impl Names {
    /// These headers, if they have these names.
    pub fn with(&self, given: &[(String, String)]) -> Option<Result<HeaderMap, ProviderFailure>> {
        let mut known = self.headers.keys().zip(given);
        if self.given != given.len() || !known.all(|(known, (name, _))| known.as_str() == name) {
            return None;
        }
        let mut headers = self.headers.clone();
        for (known, (_, given)) in headers.values_mut().zip(given) {
            match value(given, known.is_sensitive()) {
                Ok(value) => *known = value,
                Err(failure) => return Some(Err(failure)),
            }
        }
        Some(Ok(headers))
    }

    /// The headers of a request to `origin`, and their names where each comes once.
    pub fn learnt(given: &[(String, String)], origin: &Uri) -> Result<(HeaderMap, Option<Arc<Self>>), ProviderFailure> {
        let mut complete = headers(given)?;
        if !complete.contains_key(HOST)
            && let (Some(scheme), Some(authority)) = (origin.scheme(), origin.authority())
        {
            complete.insert(HOST, host(scheme, authority)?);
        }
        if complete.keys_len() != complete.len() {
            return Ok((complete, None));
        }
        let mut names = complete.clone();
        for name in names.values_mut().take(given.len()) {
            let is_sensitive = name.is_sensitive();
            *name = HeaderValue::from_static("");
            name.set_sensitive(is_sensitive);
        }
        Ok((complete, Some(Arc::new(Self { headers: names, given: given.len() }))))
    }
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, ProviderFailure> {
    // `host` comes on top.
    let mut headers = HeaderMap::with_capacity(given.len() + 1);
    for (name, text) in given {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unsendable("header name"))?;
        let value = value(text, name == AUTHORIZATION)?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn value(text: &str, is_sensitive: bool) -> Result<HeaderValue, ProviderFailure> {
    let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| unsendable("header value"))?;
    value.set_sensitive(is_sensitive);
    Ok(value)
}

/// Without the port that the scheme has anyway, and without credentials.
fn host(scheme: &Scheme, authority: &Authority) -> Result<HeaderValue, ProviderFailure> {
    let usual = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    let written = match authority.port_u16() {
        Some(port) if port != usual => authority.as_str().rsplit('@').next().unwrap_or_default(),
        _ => authority.host(),
    };
    HeaderValue::from_str(written).map_err(|_| unsendable("URL"))
}

fn unsendable(what: &str) -> ProviderFailure {
    ProviderFailure::Other { text: format!("the request has an unusable {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str, headers: &[(&str, &str)]) -> ProviderRequest {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ProviderRequest { method: "POST", url: url.to_owned(), headers, body: Bytes::new() }
    }

    fn sent(request: &ProviderRequest, names: Option<&Names>) -> (String, Vec<(String, String)>, Option<Arc<Names>>) {
        let (at, path) = split(&request.url).unwrap();
        let (headers, names) = match names.and_then(|names| names.with(&request.headers)) {
            Some(headers) => (headers.unwrap(), None),
            None => Names::learnt(&request.headers, &origin(at).unwrap()).unwrap(),
        };
        let outbound = relative(request, path, headers).unwrap();
        let pairs = outbound.headers().iter().map(|(name, value)| {
            assert_eq!(value.is_sensitive(), name == AUTHORIZATION);
            (name.to_string(), value.to_str().unwrap().to_owned())
        });
        (outbound.uri().to_string(), pairs.collect(), names)
    }

    #[test]
    fn a_url_is_split_into_what_is_connected_to_and_what_is_asked_for() {
        for (url, path, host) in [
            ("http://a/v1/x?y=1#z", "/v1/x?y=1", "a"),
            ("http://a", "/", "a"),
            ("http://a/", "/", "a"),
            ("http://a?y=1", "/?y=1", "a"),
            ("http://a#z", "/", "a"),
            ("http://a:80/x", "/x", "a"),
            ("http://a:443/x", "/x", "a:443"),
            ("https://a:443/x", "/x", "a"),
            ("https://u:p@a:8443/x", "/x", "a:8443"),
            ("https://u:p@a/x", "/x", "a"),
            ("http://[::1]:8080/x", "/x", "[::1]:8080"),
            ("http://[::1]/x", "/x", "[::1]"),
        ] {
            let (uri, headers, _) = sent(&request(url, &[]), None);
            assert_eq!((uri.as_str(), headers[0].1.as_str()), (path, host), "{url}");
        }
        for url in ["", "a/b", "/b", "http://", "http:///x", "ht tp://a/x"] {
            assert!(split(url).and_then(|(at, _)| origin(at)).is_err(), "{url}");
        }
        assert!(relative(&request("http://a/x y", &[]), "/x y", HeaderMap::new()).is_err());
    }

    #[test]
    fn headers_are_the_same_whether_their_names_are_known_or_not() {
        let one = [("authorization", "Bearer k"), ("x-one", "1"), ("accept", "*/*")];
        let (_, _, names) = sent(&request("http://a:1/x", &one), None);
        let names = names.unwrap();
        let cases: [(&[(&str, &str)], bool); 8] = [
            (&one, true),
            (&[("authorization", "Bearer other"), ("x-one", ""), ("accept", "2")], true),
            (&[("authorization", "Bearer k"), ("accept", "*/*"), ("x-one", "1")], false),
            (&[("authorization", "Bearer k"), ("x-one", "1")], false),
            (&[("authorization", "Bearer k"), ("x-one", "1"), ("accept", "*/*"), ("x-two", "2")], false),
            (&[("authorization", "Bearer k"), ("x-one", "1"), ("accept", "*/*"), ("host", "b")], false),
            (&[("authorization", "Bearer k"), ("x-one", "1"), ("x-one", "2")], false),
            (&[], false),
        ];
        for (headers, is_known) in cases {
            let request = request("http://a:1/x", headers);
            assert_eq!(names.with(&request.headers).is_some(), is_known, "{headers:?}");
            assert_eq!(sent(&request, Some(&names)).1, sent(&request, None).1, "{headers:?}");
        }
        let repeated = [("x-one", "1"), ("x-one", "2")];
        assert!(sent(&request("http://a:1/x", &repeated), None).2.is_none());
        let host = [("host", "b"), ("x-one", "1")];
        let (_, headers, names) = sent(&request("http://a:1/x", &host), None);
        assert_eq!(headers, sent(&request("http://a:1/x", &host), names.as_deref()).1);
        let invalid = request("http://a:1/x", &[("authorization", "Bearer k"), ("x-one", "\n"), ("accept", "*/*")]);
        assert!(Names::learnt(&invalid.headers, &origin("http://a:1").unwrap()).is_err());
    }
}
