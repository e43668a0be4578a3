//! Comparing header lists under a policy: compared, asserted by format, or the transport's own.

use std::collections::BTreeMap;

use super::{Differences, Kind, Limits, RawDifference, ValueType};
use crate::noise::{Format, response_header_format};

/// What is asked of one header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderPolicy {
    /// The same values in the same order.
    Compared,
    /// Present on both sides or on neither; each value in its format, the values themselves free.
    Asserted(Format),
    /// The same values, which are never shown.
    Credential,
    /// Belongs to the connection or to the router, says nothing of the exchange: not compared.
    Transport,
}

/// Headers that belong to one connection (RFC 9110 §7.6.1) or that framing fixes.
const CONNECTION: [&str; 8] =
    ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length"];

/// What a client library writes about itself and its connection; the provider's answer does not depend on it.
/// Cookies are those that the provider has set: some clients of LiteLLM's keep them, and send them with every caller's requests.
const CLIENT_LIBRARY: [&str; 6] = ["host", "accept", "accept-encoding", "user-agent", "traceparent", "cookie"];

/// Headers that carry a credential.
const CREDENTIALS: [&str; 9] = [
    "authorization",
    "proxy-authorization",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "x-litellm-api-key",
    "ocp-apim-subscription-key",
    "cookie",
    "set-cookie",
];

/// The policy for a header of a provider request. The name is lower case.
pub fn provider_request_policy(name: &str) -> HeaderPolicy {
    if CONNECTION.contains(&name) || CLIENT_LIBRARY.contains(&name) || is_ours(name) {
        return HeaderPolicy::Transport;
    }
    if CREDENTIALS.contains(&name) { HeaderPolicy::Credential } else { HeaderPolicy::Compared }
}

/// The policy for a header of a client response. The name is lower case.
pub fn client_response_policy(name: &str) -> HeaderPolicy {
    if CONNECTION.contains(&name) || is_ours(name) {
        return HeaderPolicy::Transport;
    }
    if CREDENTIALS.contains(&name) {
        return HeaderPolicy::Credential;
    }
    response_header_format(name).map_or(HeaderPolicy::Compared, HeaderPolicy::Asserted)
}

fn is_ours(name: &str) -> bool {
    name.starts_with("x-crossfade-")
}

/// Compares two header lists; names are taken in any case and any order, values of one name in order.
///
/// Shape   paths are `headers.<name>`. An asserted header whose candidate value breaks its format is
///         `Type`; one that keeps it but differs is not listed. Where the control's own value breaks
///         the format, the table does not fit this deployment and the values are compared instead.
pub fn diff_headers(
    left: &[(String, String)],
    right: &[(String, String)],
    policy: fn(&str) -> HeaderPolicy,
    limits: &Limits,
) -> Differences {
    let mut names: BTreeMap<String, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
    for (name, value) in left {
        names.entry(name.to_ascii_lowercase()).or_default().0.push(value.trim());
    }
    for (name, value) in right {
        names.entry(name.to_ascii_lowercase()).or_default().1.push(value.trim());
    }
    let mut found = Differences::default();
    for (name, (control, candidate)) in &names {
        let policy = policy(name);
        if let Some(kind) = compare(policy, control, candidate) {
            found.push(limits, || difference(name, kind, policy, control, candidate));
        }
    }
    found
}

fn compare(policy: HeaderPolicy, control: &[&str], candidate: &[&str]) -> Option<Kind> {
    if policy == HeaderPolicy::Transport || control == candidate {
        return None;
    }
    match (control.is_empty(), candidate.is_empty()) {
        (false, true) => return Some(Kind::Missing),
        (true, false) => return Some(Kind::Extra),
        _ => {}
    }
    match policy {
        HeaderPolicy::Asserted(format) if control.iter().all(|value| format.accepts(value)) => {
            let kept = control.len() == candidate.len() && candidate.iter().all(|value| format.accepts(value));
            (!kept).then_some(Kind::Type)
        }
        _ => Some(Kind::Changed),
    }
}

fn difference(name: &str, kind: Kind, policy: HeaderPolicy, control: &[&str], candidate: &[&str]) -> RawDifference {
    let shown = |values: &[&str]| match policy {
        _ if values.is_empty() => None,
        HeaderPolicy::Credential => Some("(a credential)".to_owned()),
        _ => Some(values.join(", ")),
    };
    let value_type = |values: &[&str]| if values.is_empty() { ValueType::Absent } else { ValueType::Text };
    RawDifference {
        path: format!("headers.{name}"),
        template: format!("headers.{name}"),
        kind,
        left_type: value_type(control),
        right_type: value_type(candidate),
        left: shown(control),
        right: shown(candidate),
    }
}
