//! How long an attempt may be silent.

use serde_json::Value;
use transform::proxy::anthropic_endpoints::endpoints::MessagesRequest;
use transform::proxy::chat_endpoints::endpoints::{ChatRequest, Seconds as Asked};

use crate::config::litellm::Seconds;
use crate::config::{Deployment, LiteLlmConfig};

/// Seconds, if nobody sets a timeout.
const DEFAULT_SECONDS: f64 = 600.0;
/// `litellm.request_timeout`
const DEFAULT_CHAT_SECONDS: f64 = 6000.0;

/// The limit of one attempt in seconds: the request's, else the deployment's `timeout` or `request_timeout`, else the
/// router's `timeout`. `litellm_settings.request_timeout` has no say on this route.
///
/// Errors  None for a limit that LiteLLM reads in a way of its own (0 means another default, negative numbers fail).
/// Source  LiteLLM 1.102.4 `passthrough/timeout_utils.py` `resolve_llm_passthrough_timeout`
pub fn seconds(asked: Option<f64>, deployment: &Deployment, config: &LiteLlmConfig) -> Option<f64> {
    let other = deployment.params.get("request_timeout").and_then(Value::as_f64);
    let chosen = asked.or(deployment.timeout).or(other).or(of_router(config)).unwrap_or(DEFAULT_SECONDS);
    (chosen > 0.0 && chosen.is_finite()).then_some(chosen)
}

/// The limit of one attempt at `/v1/messages`: for a stream the nearest stream timeout wins over every other.
///
/// Errors  as of [`seconds`].
/// Source  LiteLLM 1.102.4 `router.py` `_get_timeout`, `_get_stream_timeout`
pub fn of_message(asked: &MessagesRequest, deployment: &Deployment, config: &LiteLlmConfig) -> Option<f64> {
    let streamed = asked
        .stream_timeout_seconds
        .or(deployment.stream_timeout)
        .or(config.router.stream_timeout.map(|seconds| seconds.value));
    let chosen = streamed.filter(|_| asked.stream).unwrap_or_else(|| plain_of_message(asked, deployment, config));
    (chosen > 0.0 && chosen.is_finite()).then_some(chosen)
}

/// The limit without regard to streaming, in seconds: the one that an error names.
pub fn plain_of_message(asked: &MessagesRequest, deployment: &Deployment, config: &LiteLlmConfig) -> f64 {
    asked.timeout_seconds.or(deployment.timeout).or(of_router(config)).unwrap_or(DEFAULT_SECONDS)
}

/// The limit of counting tokens: neither the deployment nor the router has a say.
///
/// Errors  as of [`seconds`].
/// Source  LiteLLM 1.102.4 `llms/anthropic/count_tokens/handler.py`, where it is `litellm.request_timeout`
pub fn of_count(config: &LiteLlmConfig) -> Option<f64> {
    let chosen = config.settings.request_timeout.map_or(DEFAULT_CHAT_SECONDS, |seconds| seconds.value);
    (chosen > 0.0 && chosen.is_finite()).then_some(chosen)
}

fn of_router(config: &LiteLlmConfig) -> Option<f64> {
    config.router.timeout.map(|seconds| seconds.value)
}

/// A limit as LiteLLM's router hands it on, and as Python spells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    pub seconds: f64,
    pub spelled: String,
}

/// The limit of one attempt at `/chat/completions`: of those that are set and not 0 the first, for a stream the stream
/// timeouts before all others.
///
/// Errors  as of [`seconds`].
/// Source  LiteLLM 1.102.4 `router.py` `_get_timeout`, `_get_stream_timeout`, `_get_non_stream_timeout`
pub fn of_chat(asked: &ChatRequest, deployment: &Deployment, config: &LiteLlmConfig) -> Option<Limit> {
    let asked_for = |seconds: &Option<Asked>| {
        seconds.as_ref().map(|asked| Limit { seconds: asked.value, spelled: asked.spelled.clone() })
    };
    let set = |seconds: Option<Seconds>| {
        let set = seconds.filter(|seconds| seconds.value != 0.0);
        set.map(|seconds| Limit { seconds: seconds.value, spelled: seconds.spelled() })
    };
    let fraction = |value: Option<f64>| value.map(|value| Seconds { value, is_whole: false });
    let configured = config.settings.request_timeout;
    // Beside a timeout of the router's it is a number of its own, without it the router's.
    let of_settings = set(fraction(configured.filter(|_| config.router.timeout.is_some()).map(|one| one.value)));
    let streamed = || {
        asked_for(&asked.stream_timeout)
            .or_else(|| set(fraction(deployment.stream_timeout)))
            .or_else(|| set(config.router.stream_timeout))
            .or_else(|| of_settings.clone())
    };
    let of_router = || match set(config.router.timeout) {
        None => configured.map_or_else(|| set(fraction(Some(DEFAULT_CHAT_SECONDS))), |seconds| set(Some(seconds))),
        found => found,
    };
    let plain = || {
        asked_for(&asked.timeout)
            .or_else(|| set(fraction(deployment.timeout)))
            .or_else(|| of_settings.clone())
            .or_else(of_router)
    };
    let chosen = if asked.stream { streamed().or_else(plain) } else { plain() };
    chosen.filter(|limit| limit.seconds > 0.0 && limit.seconds.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use transform::proxy::chat_endpoints::endpoints::parse;

    use crate::native::tests_support::{config, deployment};

    #[test]
    fn the_nearest_setting_wins() {
        let check = |asked, own, request_timeout: Option<f64>, router: Option<f64>, expect| {
            let mut one = deployment("a");
            one.timeout = own;
            if let Some(seconds) = request_timeout {
                one.params.insert("request_timeout".into(), seconds.into());
            }
            let mut config = LiteLlmConfig::default();
            config.router.timeout = router.map(|value| Seconds { value, is_whole: false });
            config.settings.request_timeout = Some(Seconds { value: 7.0, is_whole: true });
            assert_eq!(seconds(asked, &one, &config), expect);
        };
        check(None, None, None, None, Some(600.0));
        check(None, None, None, Some(1.2), Some(1.2));
        check(None, None, Some(3.0), Some(1.2), Some(3.0));
        check(None, Some(2.0), Some(3.0), Some(1.2), Some(2.0));
        check(Some(0.5), Some(2.0), Some(3.0), Some(1.2), Some(0.5));
        check(Some(0.0), None, None, None, None);
        check(None, Some(-1.0), None, None, None);
    }

    #[test]
    fn chat_takes_the_first_that_is_set() {
        let check = |body: &str, settings: &str, own: &str, expect: Option<&str>| {
            let body = format!(r#"{{"model": "g", "messages": []{body}}}"#);
            let asked = parse(body.as_bytes(), &[], None).unwrap();
            let written = format!(
                r#"{{"model_list": [{{"model_name": "g", "litellm_params": {{"model": "openai/m", "api_key": "k"{own}}}}}]{settings}}}"#
            );
            let config = config(&serde_json::from_str(&written).unwrap());
            let limit = of_chat(&asked, &config.deployments[0], &config);
            assert_eq!(limit.map(|limit| limit.spelled).as_deref(), expect, "{body} {settings} {own}");
        };
        let streamed = r#", "stream": true"#;
        let router = r#", "router_settings": {"timeout": 30, "stream_timeout": 5}"#;
        let both = r#", "router_settings": {"timeout": 30}, "litellm_settings": {"request_timeout": 9}"#;
        let settings = r#", "litellm_settings": {"request_timeout": 9}"#;
        check("", "", "", Some("6000.0"));
        check("", settings, "", Some("9"));
        check("", router, "", Some("30"));
        check(streamed, router, "", Some("5"));
        check("", both, "", Some("9.0"));
        check(streamed, both, "", Some("9.0"));
        check(streamed, settings, "", Some("9"));
        check("", both, r#", "timeout": 7"#, Some("7.0"));
        check(streamed, router, r#", "timeout": 7"#, Some("5"));
        check(streamed, router, r#", "stream_timeout": 7.5"#, Some("7.5"));
        check(r#", "timeout": 2"#, both, r#", "timeout": 7"#, Some("2"));
        check(r#", "stream": true, "stream_timeout": 2.5"#, both, r#", "stream_timeout": 7"#, Some("2.5"));
        check("", r#", "router_settings": {"timeout": 0}"#, "", Some("6000.0"));
        check("", r#", "litellm_settings": {"request_timeout": 0}"#, "", None);
        check("", "", r#", "timeout": -1"#, None);
    }
}
