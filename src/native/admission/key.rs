//! Which of a request's headers carries the key.

use http::HeaderMap;

/// Carry the key as it is, in this order, after the two headers that may carry a scheme.
const PLAIN: [&str; 4] = ["api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key"];

/// The key a caller presents, read as LiteLLM reads it: `x-litellm-api-key` first, then `authorization`, then the others. An
/// empty header counts as absent; of a repeated header the first counts.
///
/// Source  LiteLLM 1.102.4 `proxy/auth/user_api_key_auth.py` `get_api_key`, `_get_bearer_token`
///         Differs on purpose: AWS signatures are not read; their callers go to Python.
pub fn presented(headers: &HeaderMap) -> Option<String> {
    if let Some(value) = text(headers, "x-litellm-api-key") {
        return Some(without_scheme(value).unwrap_or_else(|| value.to_owned()));
    }
    if let Some(value) = text(headers, "authorization") {
        return without_scheme(value);
    }
    PLAIN.iter().find_map(|name| text(headers, name)).map(str::to_owned)
}

/// Only these three spellings are schemes, and every occurrence is removed, not only the first.
fn without_scheme(value: &str) -> Option<String> {
    let scheme = ["Bearer ", "Basic ", "bearer "].into_iter().find(|scheme| value.starts_with(scheme))?;
    Some(value.replace(scheme, ""))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.trim_matches([' ', '\t'])).filter(|value| !value.is_empty())
}
