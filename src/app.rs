//! Everything wired together; nothing runs yet.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;
use http::{HeaderMap, HeaderValue};

use crate::controller::Controller;
use crate::native;
use crate::proxy::{AnswerHeads, BodyLimits};
use crate::python::Upstream;
use crate::python::forward::PythonClient;
use crate::routes::LaneTable;
use crate::shadow::Shadow;
use crate::tap::Recordings;
use crate::telemetry::Metrics;

/// The parts that requests, shadow workers, the controller and the admin port share.
pub struct App {
    pub upstream: Arc<Upstream>,
    pub python: PythonClient,
    /// Connections to providers; only a request that is served natively reaches it.
    pub provider: Arc<native::Client>,
    /// What requests that were served natively have shown of deployments; outlives every reload.
    pub cooldowns: Arc<native::Cooldowns>,
    pub table: Arc<ArcSwap<LaneTable>>,
    pub controller: Arc<Controller>,
    pub shadow: Shadow,
    /// Absent: no tap was asked for, and nothing can be compared.
    pub tap: Option<TapView>,
    pub limits: Arc<BodyLimits>,
    pub answer_heads: AnswerHeads,
    pub metrics: Metrics,
    /// Set when the process is about to end: connections end with their answers.
    pub draining: Arc<AtomicBool>,
    /// The front port accepts connections.
    pub listening: AtomicBool,
}

/// What the rest of the process knows of the tap.
#[derive(Clone, Debug)]
pub struct TapView {
    /// `127.0.0.1:8082`
    pub address: String,
    pub recordings: Arc<Recordings>,
}

impl App {
    /// Whether `X-Forwarded-*` may be added: not where LiteLLM hands client headers on to providers.
    pub fn forwarded_headers(&self) -> bool {
        self.table.load().config().is_none_or(|config| !config.forwards_client_headers())
    }

    /// The provider's own address, where an answer shows the tap's.
    pub fn original_api_base(&self, headers: &HeaderMap) -> Option<Option<HeaderValue>> {
        self.tap.as_ref()?;
        crate::config::tap_config::original_api_base(self.table.load().config()?, headers)
    }
}
