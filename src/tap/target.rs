//! Where a tapped request goes: by deployment id, from the configuration.

use std::collections::HashMap;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use percent_encoding::percent_decode_str;
use thiserror::Error;

/// The provider address of every deployment that is led through the tap.
#[derive(Debug, Default)]
pub struct Targets {
    by_id: HashMap<String, Target>,
}

#[derive(Clone, Debug)]
struct Target {
    scheme: Scheme,
    authority: Authority,
    /// The path of `api_base`: requests must stay below it.
    base_path: String,
}

/// Targets of earlier configurations that are kept.
const KEPT_MAX: usize = 10_000;

/// Why a request is not relayed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    #[error("this address is the Crossfade tap: its paths begin with /d/<deployment id>")]
    NotATapPath,
    #[error("the tap knows no deployment of this id: is LiteLLM running with the config that `crossfade tap` printed?")]
    UnknownDeployment,
    #[error("the path leaves the deployment's api_base")]
    OutsideBase,
}

impl Targets {
    /// From pairs of deployment id and `api_base`; an address that is not an absolute URL is left out.
    pub fn new<'a>(deployments: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let by_id = deployments
            .into_iter()
            .filter_map(|(id, api_base)| Some((id.to_owned(), Target::parse(api_base)?)))
            .collect();
        Self { by_id }
    }

    /// These targets with those of `before` that they do not have: a LiteLLM that still runs the configuration before
    /// this one must reach its providers.
    pub fn with(mut self, before: &Self) -> Self {
        for (id, target) in before.by_id.iter().take(KEPT_MAX) {
            self.by_id.entry(id.clone()).or_insert_with(|| target.clone());
        }
        self
    }

    /// The deployment's id and the address to relay to.
    pub fn resolve(&self, uri: &Uri) -> Result<(&str, Uri), Refusal> {
        let rest = uri.path().strip_prefix("/d/").ok_or(Refusal::NotATapPath)?;
        let (segment, _) = rest.split_once('/').unwrap_or((rest, ""));
        let path = &rest[segment.len()..];
        // An id is the operator's to choose, so it may have had to be escaped.
        let id = percent_decode_str(segment).decode_utf8().map_err(|_| Refusal::UnknownDeployment)?;
        let (id, target) = self.by_id.get_key_value(id.as_ref()).ok_or(Refusal::UnknownDeployment)?;
        if !target.contains(path) {
            return Err(Refusal::OutsideBase);
        }
        let path_and_query = match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None if path.is_empty() => "/".to_owned(),
            None => path.to_owned(),
        };
        let path_and_query = PathAndQuery::try_from(path_and_query).map_err(|_| Refusal::OutsideBase)?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(target.scheme.clone());
        parts.authority = Some(target.authority.clone());
        parts.path_and_query = Some(path_and_query);
        Uri::from_parts(parts).map(|target| (id.as_str(), target)).map_err(|_| Refusal::OutsideBase)
    }
}

impl Target {
    fn parse(api_base: &str) -> Option<Self> {
        let parts = api_base.parse::<Uri>().ok()?.into_parts();
        let base_path = parts.path_and_query.as_ref().map_or("", PathAndQuery::path).trim_end_matches('/').to_owned();
        Some(Self { scheme: parts.scheme?, authority: parts.authority?, base_path })
    }

    /// Dot segments, also percent-encoded ones, would let a request climb out.
    fn contains(&self, path: &str) -> bool {
        let below =
            path.strip_prefix(self.base_path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        below && !path.split('/').any(is_dot_segment)
    }
}

fn is_dot_segment(segment: &str) -> bool {
    let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
    decoded == "." || decoded == ".." || decoded.contains("%2f") || decoded.contains("%5c") || decoded.contains('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Result<&str, Refusal>) {
        let targets = Targets::new([
            ("abc", "https://api.mistral.ai/v1"),
            ("bare", "http://10.0.0.1:9"),
            ("team a/ocr", "http://10.0.0.1:9/v1"),
            ("bad", "x"),
        ]);
        let uri: Uri = path.parse().unwrap();
        let found = targets.resolve(&uri).map(|(_, target)| target.to_string());
        assert_eq!(found, expected.map(str::to_owned), "{path}");
    }

    #[test]
    fn targets_come_from_the_configuration() {
        check("/d/abc/v1/ocr", Ok("https://api.mistral.ai/v1/ocr"));
        check("/d/abc/v1/ocr?x=1", Ok("https://api.mistral.ai/v1/ocr?x=1"));
        check("/d/abc/v1", Ok("https://api.mistral.ai/v1"));
        check("/d/bare/any/path", Ok("http://10.0.0.1:9/any/path"));
        check("/d/team%20a%2Focr/v1/ocr", Ok("http://10.0.0.1:9/v1/ocr"));
        check("/d/team%20a/ocr/v1/ocr", Err(Refusal::UnknownDeployment));
        check("/d/bare", Ok("http://10.0.0.1:9/"));
        check("/d/abc/v2/ocr", Err(Refusal::OutsideBase));
        check("/d/abc/v1evil", Err(Refusal::OutsideBase));
        check("/d/abc/v1/../admin", Err(Refusal::OutsideBase));
        check("/d/abc/v1/%2e%2E/admin", Err(Refusal::OutsideBase));
        check("/d/abc/v1/..%2fadmin", Err(Refusal::OutsideBase));
        check("/d/nobody/v1/ocr", Err(Refusal::UnknownDeployment));
        check("/d/bad/v1", Err(Refusal::UnknownDeployment));
        check("http://evil/d/abc/v1/ocr", Ok("https://api.mistral.ai/v1/ocr"));
        check("/v1/ocr", Err(Refusal::NotATapPath));
    }
}
