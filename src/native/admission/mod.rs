//! Who may call: the master key, or nobody's name where the agreement probe has proved that LiteLLM asks for none.
//!
//! Everything else is left to Python before any effect: no key, a virtual key, a key LiteLLM would call malformed.

mod headers;
mod key;

pub use headers::{told, told_whole};
pub use key::presented;

use http::HeaderMap;
use subtle::ConstantTimeEq;

use super::Decline;
use crate::config::Secret;

/// How the running LiteLLM lets callers in.
#[derive(Clone, Debug)]
pub enum AuthMode {
    /// Only this key is admitted natively.
    MasterKey(Secret),
    /// LiteLLM runs without a master key, and a probe has seen it serve a request without credentials. Never inferred from
    /// a configuration without a key.
    ProvenOpen,
    /// Neither is known: nobody is admitted.
    Unknown,
}

impl AuthMode {
    /// The name in the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::MasterKey(_) => "master_key",
            Self::ProvenOpen => "open",
            Self::Unknown => "unknown",
        }
    }
}

/// Proof that a caller was admitted; a provider attempt cannot be made without one.
#[derive(Clone, Copy, Debug)]
pub struct Admitted(());

/// Admits the holder of the master key.
///
/// Errors  a decline, never a refusal: Python writes every 401.
/// Source  LiteLLM 1.102.4 `proxy/auth/user_api_key_auth.py` `_user_api_key_auth_builder`
pub fn admit(mode: &AuthMode, headers: &HeaderMap) -> Result<Admitted, Decline> {
    match mode {
        AuthMode::MasterKey(master) => {
            let key = presented(headers).ok_or(Decline::NoKey)?;
            // Lengths differ: ct_eq answers at once, as LiteLLM's compare does; a key's length is no secret.
            let equal: bool = key.as_bytes().ct_eq(master.expose().as_bytes()).into();
            if equal && !key.is_empty() { Ok(Admitted(())) } else { Err(Decline::NotTheMasterKey) }
        }
        AuthMode::ProvenOpen => Ok(Admitted(())),
        AuthMode::Unknown => Err(Decline::AuthenticationUnknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let parsed = pairs.iter().map(|(name, value)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        parsed.collect()
    }

    /// Asked of LiteLLM 1.102.4 with master key `sk-1234`: true where it answered 200.
    const CASES: &[(&[(&str, &str)], bool)] = &[
        (&[("authorization", "Bearer sk-1234")], true),
        (&[("authorization", "bearer sk-1234")], true),
        (&[("authorization", "BEARER sk-1234")], false),
        (&[("authorization", "sk-1234")], false),
        (&[("authorization", "Bearer  sk-1234")], false),
        (&[("authorization", "Bearer sk-1234 ")], true),
        (&[("authorization", "Bearer\tsk-1234")], false),
        (&[("authorization", "Bearer Bearer sk-1234")], true),
        (&[("authorization", "Basic sk-1234")], true),
        (&[("authorization", "AWS4-HMAC-SHA256 Credential=Bearer sk-1234/d/r/s")], false), // LiteLLM: 200; declined
        (&[("x-api-key", "sk-1234")], true),
        (&[("x-api-key", "Bearer sk-1234")], false),
        (&[("api-key", "sk-1234")], true),
        (&[("x-goog-api-key", "sk-1234")], true),
        (&[("ocp-apim-subscription-key", "sk-1234")], true),
        (&[("x-litellm-api-key", "sk-1234")], true),
        (&[("x-litellm-api-key", "Bearer sk-1234")], true),
        (&[("authorization", "Bearer bad"), ("x-litellm-api-key", "sk-1234")], true),
        (&[("authorization", "Bearer sk-1234"), ("x-litellm-api-key", "bad")], false),
        (&[("authorization", "Bearer bad"), ("x-api-key", "sk-1234")], false),
        (&[("authorization", "Bearer sk-1234"), ("x-api-key", "bad")], true),
        (&[("api-key", "sk-1234"), ("x-api-key", "bad")], true),
        (&[("api-key", "bad"), ("x-api-key", "sk-1234")], false),
        (&[("x-api-key", "sk-1234"), ("x-goog-api-key", "bad")], true),
        (&[("authorization", ""), ("x-api-key", "sk-1234")], true),
        (&[("authorization", "Bearer sk-1234"), ("x-litellm-api-key", "")], true),
        (&[("api-key", ""), ("x-api-key", "sk-1234")], true),
        (&[("cookie", "token=sk-1234")], false),
        (&[], false),
    ];

    #[test]
    fn keys_are_taken_from_the_headers_litellm_takes_them_from() {
        let mode = AuthMode::MasterKey(Secret::new("sk-1234"));
        for (pairs, admitted) in CASES {
            assert_eq!(admit(&mode, &headers(pairs)).is_ok(), *admitted, "{pairs:?}");
        }
    }

    #[test]
    fn an_open_proxy_is_open_only_when_proven() {
        assert!(admit(&AuthMode::ProvenOpen, &HeaderMap::new()).is_ok());
        assert_eq!(admit(&AuthMode::Unknown, &HeaderMap::new()).unwrap_err(), Decline::AuthenticationUnknown);
    }

    #[test]
    fn an_empty_master_key_admits_nobody() {
        let mode = AuthMode::MasterKey(Secret::new(""));
        assert!(admit(&mode, &headers(&[("authorization", "Bearer ")])).is_err());
    }
}
