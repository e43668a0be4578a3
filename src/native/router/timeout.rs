//! How long an attempt may be silent.

use serde_json::Value;
use transform::proxy::anthropic_endpoints::endpoints::MessagesRequest;

use crate::config::{Deployment, LiteLlmConfig};

/// Seconds, if nobody sets a timeout.
const DEFAULT_SECONDS: f64 = 600.0;

/// The limit of one attempt in seconds: the request's, else the deployment's `timeout` or `request_timeout`, else the
/// router's `timeout`. `litellm_settings.request_timeout` has no say on this route.
///
/// Errors  None for a limit that LiteLLM reads in a way of its own (0 means another default, negative numbers fail).
/// Source  LiteLLM 1.102.4 `passthrough/timeout_utils.py` `resolve_llm_passthrough_timeout`
pub fn seconds(asked: Option<f64>, deployment: &Deployment, config: &LiteLlmConfig) -> Option<f64> {
    let other = deployment.params.get("request_timeout").and_then(Value::as_f64);
    let chosen = asked.or(deployment.timeout).or(other).or(config.router.timeout).unwrap_or(DEFAULT_SECONDS);
    (chosen > 0.0 && chosen.is_finite()).then_some(chosen)
}

/// The limit of one attempt at `/v1/messages`: for a stream the nearest stream timeout wins over every other.
///
/// Errors  as of [`seconds`].
/// Source  LiteLLM 1.102.4 `router.py` `_get_timeout`, `_get_stream_timeout`
pub fn of_message(asked: &MessagesRequest, deployment: &Deployment, config: &LiteLlmConfig) -> Option<f64> {
    let streamed = asked.stream_timeout_seconds.or(deployment.stream_timeout).or(config.router.stream_timeout);
    let chosen = streamed.filter(|_| asked.stream).unwrap_or_else(|| plain_of_message(asked, deployment, config));
    (chosen > 0.0 && chosen.is_finite()).then_some(chosen)
}

/// The limit without regard to streaming, in seconds: the one that an error names.
pub fn plain_of_message(asked: &MessagesRequest, deployment: &Deployment, config: &LiteLlmConfig) -> f64 {
    asked.timeout_seconds.or(deployment.timeout).or(config.router.timeout).unwrap_or(DEFAULT_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::tests_support::deployment;

    #[test]
    fn the_nearest_setting_wins() {
        let check = |asked, own, request_timeout: Option<f64>, router, expect| {
            let mut one = deployment("a");
            one.timeout = own;
            if let Some(seconds) = request_timeout {
                one.params.insert("request_timeout".into(), seconds.into());
            }
            let mut config = LiteLlmConfig::default();
            config.router.timeout = router;
            config.settings.request_timeout = Some(7.0);
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
}
