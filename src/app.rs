//! Everything wired together; nothing runs yet.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use crate::proxy::BodyLimits;
use crate::python::Upstream;
use crate::python::forward::PythonClient;
use crate::telemetry::Metrics;

/// The parts that requests, shadow workers, the controller and the admin port share.
pub struct App {
    pub upstream: Arc<Upstream>,
    pub python: PythonClient,
    pub limits: Arc<BodyLimits>,
    pub metrics: Metrics,
}

impl App {
    /// Whether `X-Forwarded-*` may be added: not where LiteLLM hands client headers on to providers.
    pub fn forwarded_headers(&self) -> bool {
        true
    }

    /// The provider's own address, where an answer shows the tap's.
    pub fn original_api_base(&self, _headers: &HeaderMap) -> Option<HeaderValue> {
        None
    }
}
