//! Settings of the environment that change LiteLLM's connections in ways this client does not follow.

use crate::config::{Reason, RouteScope};

/// Variables that lead LiteLLM's provider traffic through a proxy or change its TLS. `SSL_CERT_FILE` is followed.
const DECLINING: [&str; 14] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "SSL_VERIFY",
    "SSL_CERTIFICATE",
    "SSL_SECURITY_LEVEL",
    "SSL_ECDH_CURVE",
    "DISABLE_AIOHTTP_TRANSPORT",
    "AIOHTTP_TRUST_ENV",
    "FORCE_IPV4",
    "REQUEST_TIMEOUT",
];

/// Reasons to leave every route to Python because of the environment that LiteLLM runs in.
///
/// Source  LiteLLM 1.102.4 `llms/custom_httpx/http_handler.py` `get_ssl_configuration`, `aiohttp_transport.py` `_proxy_from_env`
pub fn declines(env: &dyn Fn(&str) -> Option<String>) -> Vec<Reason> {
    let set = DECLINING.into_iter().filter(|name| env(name).is_some_and(|value| !value.is_empty()));
    let reason = |name: &str| Reason {
        path: format!("environment.{name}"),
        code: "provider_environment",
        text: format!("{name} changes how LiteLLM connects to providers; native connections would not follow it"),
        routes: RouteScope::All,
    };
    set.map(reason).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_declines_and_a_certificate_file_does_not() {
        let check = |name: &'static str, value: &'static str, count| {
            assert_eq!(declines(&|asked| (asked == name).then(|| value.to_owned())).len(), count, "{name}={value}");
        };
        check("HTTPS_PROXY", "http://proxy:3128", 1);
        check("https_proxy", "http://proxy:3128", 1);
        check("HTTPS_PROXY", "", 0);
        check("SSL_CERT_FILE", "/etc/ssl/own.pem", 0);
        check("NO_PROXY", "*", 0);
    }
}
