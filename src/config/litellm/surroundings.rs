//! Environment variables that change what LiteLLM does on a native route.

use super::environment::Environment;
use super::reasons::Findings;

/// Read once while LiteLLM's modules are imported; the native leg has the defaults built in.
///
/// Source: litellm/constants.py @ 1.102.4
const CONSTANTS: &[(&str, f64)] = &[
    ("DEFAULT_ALLOWED_FAILS", 3.0),
    ("DEFAULT_COOLDOWN_TIME_SECONDS", 5.0),
    ("DEFAULT_FAILURE_THRESHOLD_MINIMUM_REQUESTS", 5.0),
    ("DEFAULT_FAILURE_THRESHOLD_PERCENT", 0.5),
    ("SINGLE_DEPLOYMENT_TRAFFIC_FAILURE_THRESHOLD", 1000.0),
    ("DEFAULT_MAX_RETRIES", 2.0),
    ("INITIAL_RETRY_DELAY", 0.5),
    ("MAX_RETRY_DELAY", 8.0),
    ("JITTER", 0.75),
    ("ROUTER_MAX_FALLBACKS", 5.0),
];

/// Set to anything, they decline everything: variable, code, what it does.
const DECLINING: &[(&str, &str, &str)] = &[
    ("DATABASE_URL", "database", "keys, budgets and spend live in a database"),
    ("DIRECT_URL", "database", "keys, budgets and spend live in a database"),
    ("DATABASE_HOST", "database", "keys, budgets and spend live in a database"),
    ("REDIS_URL", "redis", "limits are shared through Redis"),
    ("REDIS_HOST", "redis", "limits are shared through Redis"),
    ("REDIS_CLUSTER_NODES", "redis", "limits are shared through Redis"),
    ("REDIS_SENTINEL_NODES", "redis", "limits are shared through Redis"),
    ("LITELLM_CONFIG_BUCKET_NAME", "model_list", "the configuration comes from a bucket, not from this file"),
    ("REQUEST_TIMEOUT", "timeout", "time limits are chosen by another rule when it is set at all"),
    ("LITELLM_CORS_ORIGINS", "browsers", "answers to browsers have other headers"),
    ("LITELLM_CORS_ALLOW_CREDENTIALS", "browsers", "answers to browsers have other headers"),
    ("LITELLM_DETAILED_TIMING", "timing_headers", "answers tell more times"),
    ("LITELLM_USER_AGENT", "provider_request", "provider requests have another user-agent"),
    ("USE_LITELLM_PROXY", "provider_request", "another LiteLLM is called instead of the providers"),
    ("DISABLE_AIOHTTP_TRANSPORT", "http_client", "another HTTP client calls the providers"),
    ("LEGACY_MULTI_INSTANCE_RATE_LIMITING", "rate_limit", "limits are counted by another rule"),
    ("SERVER_ROOT_PATH", "routes", "every path has a prefix"),
    ("USE_AWS_KMS", "secret_manager", "variables are decrypted by a service that only Python asks"),
    ("OAUTH_TOKEN_INFO_ENDPOINT", "custom_auth", "tokens are checked by a service that only Python asks"),
    ("JWT_PUBLIC_KEY_URL", "custom_auth", "tokens are checked by a service that only Python asks"),
];

/// They matter only to deployments reached over TLS.
const TLS: &[&str] = &["SSL_VERIFY", "SSL_CERTIFICATE", "SSL_SECURITY_LEVEL", "SSL_ECDH_CURVE"];

/// Reasons that concern every deployment.
pub fn of_environment(environment: &Environment<'_>, into: &mut Findings) {
    for (name, default) in CONSTANTS {
        let set = environment.at_start(name).filter(|text| text.trim().parse() != Ok(*default));
        if set.is_some() {
            into.add(
                variable(name),
                "tuning",
                format!("LiteLLM's default is {default} and the native leg has that built in"),
            );
        }
    }
    for (name, code, text) in DECLINING {
        let off = |text: &String| matches!(text.to_lowercase().as_str(), "" | "false" | "0");
        if environment.get(name).is_some_and(|text| !off(&text)) {
            into.add(variable(name), code, *text);
        }
    }
    for reference in &environment.unreadable {
        into.add(reference.clone(), "secret_manager", "only LiteLLM itself can exchange this token");
    }
}

/// Reasons that concern a deployment with this API base.
pub fn of_api_base(api_base: &str, environment: &Environment<'_>, into: &mut Findings) {
    let secure = !api_base.to_lowercase().starts_with("http://");
    if secure {
        for name in TLS.iter().filter(|name| environment.get(name).is_some_and(|text| !text.is_empty())) {
            into.add(variable(name), "tls", "LiteLLM opens TLS connections by other rules");
        }
    }
    let scheme = if secure { "https_proxy" } else { "http_proxy" };
    let proxies = [scheme, "all_proxy"].into_iter().find_map(|name| {
        let names = [name.to_owned(), name.to_uppercase()];
        names.into_iter().find(|name| environment.get(name).is_some_and(|text| !text.is_empty()))
    });
    if let Some(name) = proxies
        && !bypasses_proxy(api_base, environment)
    {
        into.add(variable(&name), "outbound_proxy", "LiteLLM calls this provider through a proxy");
    }
}

/// `urllib.request.proxy_bypass_environment`
fn bypasses_proxy(api_base: &str, environment: &Environment<'_>) -> bool {
    let list = environment.get("no_proxy").or_else(|| environment.get("NO_PROXY")).unwrap_or_default();
    let authority = api_base.split_once("://").map_or(api_base, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or("").to_lowercase();
    let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
    list.trim() == "*"
        || list.split(',').map(|name| name.trim().trim_start_matches('.').to_lowercase()).any(|name| {
            !name.is_empty()
                && [host, &authority].into_iter().any(|full| *full == name || full.ends_with(&format!(".{name}")))
        })
}

fn variable(name: &str) -> String {
    format!("environment.{name}")
}
