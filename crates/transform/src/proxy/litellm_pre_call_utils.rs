//! What every route's body and headers say to the proxy and its router, read alike.
//!
//! Source: LiteLLM 1.102.4 `proxy/litellm_pre_call_utils.py`, `router.py` `_get_timeout`.

use crate::decline::Decline;
use crate::python::{Dict, Value};

/// An end user is only looked up in a database, which makes the deployment decline elsewhere; anything but a name is odd.
pub(crate) fn check_user(body: &Dict) -> Result<(), Decline> {
    match body.get("user") {
        None | Some(Value::None | Value::Str(_)) => Ok(()),
        Some(_) => Err(Decline::BodyKey),
    }
}

/// A timeout in the body, in seconds: only a number counts as one.
pub(crate) fn body_seconds(body: &Dict, key: &str) -> Result<Option<f64>, Decline> {
    let seconds = match body.get(key) {
        None | Some(Value::None) => return Ok(None),
        Some(Value::Int(integer)) => integer.to_float(),
        Some(Value::Float(float)) => Some(*float),
        _ => None,
    };
    seconds.filter(is_usable_timeout).map(Some).ok_or(Decline::RouterOption)
}

/// A timeout in a header, in seconds.
pub(crate) fn header_seconds(value: &str) -> Result<f64, Decline> {
    value.parse().ok().filter(is_usable_timeout).ok_or(Decline::RouterOption)
}

pub(crate) fn is_usable_timeout(seconds: &f64) -> bool {
    seconds.is_finite() && *seconds > 0.0
}

pub(crate) fn body_retries(body: &Dict) -> Result<Option<u32>, Decline> {
    match body.get("num_retries") {
        None | Some(Value::None) => Ok(None),
        Some(Value::Int(integer)) => integer.digits().parse().map(Some).map_err(|_| Decline::RouterOption),
        Some(_) => Err(Decline::RouterOption),
    }
}
