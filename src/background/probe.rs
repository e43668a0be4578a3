//! Asks LiteLLM whether it is there, and whether it is the one we imitate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::{BodyExt, Limited};
use transform::cost_calculator::PriceTable;

use crate::agreement::{Answer, Expected, Prober, Python, Request, State, TapSign};
use crate::controller::{Controller, Prices, State as ControllerState};
use crate::python::Upstream;
use crate::python::forward::{PythonClient, whole};
use crate::telemetry::Metrics;

/// The pace of the probes.
#[derive(Clone, Debug)]
pub struct ProbeSettings {
    /// Between rounds while LiteLLM agrees.
    pub every: Duration,
    /// Between rounds while it does not, or is not known to.
    pub every_unsettled: Duration,
    /// A price map that replaces the running LiteLLM's; its bytes.
    pub price_map: Option<Bytes>,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self { every: Duration::from_secs(10), every_unsettled: Duration::from_secs(1), price_map: None }
    }
}

/// The dear probes (price map, settings) are repeated this often at least.
const SLOW_EVERY: Duration = Duration::from_secs(300);
/// Rounds without a finding after which what was found before no longer holds; a second apart.
const SILENT_ROUNDS: u32 = 3;
/// The price map has 1.8 MB.
const ANSWER_MAX: usize = 16 << 20;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

struct Port<'a> {
    client: &'a PythonClient,
}

impl Python for Port<'_> {
    async fn send(&self, request: Request) -> Result<Answer, String> {
        tokio::time::timeout(ANSWER_TIMEOUT, self.exchange(request))
            .await
            .map_err(|_| "no answer in time".to_owned())?
    }
}

impl Port<'_> {
    async fn exchange(&self, request: Request) -> Result<Answer, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let value = HeaderValue::from_str(value.expose()).map_err(|_| format!("{name} cannot be sent"))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(request.body.len()));
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| "bad method".to_owned())?;
        let sent = self.client.send(method, request.path, headers, whole(request.body)).await;
        let response = sent.map_err(|reason| reason.as_str().to_owned())?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(|_| "the answer broke off".to_owned())?;
        let version = head.headers.get("x-litellm-version").and_then(|value| value.to_str().ok());
        Ok(Answer { status: head.status.as_u16(), version: version.map(str::to_owned), body: body.to_bytes() })
    }
}

/// Probes for ever; every finding goes to the controller.
pub async fn probe_agreement(
    client: PythonClient,
    controller: Arc<Controller>,
    sign: impl Fn() -> TapSign,
    settings: ProbeSettings,
) {
    let mut prober = Prober::new(SLOW_EVERY);
    let port = Port { client: &client };
    let mut silent = 0;
    loop {
        let table = controller.table().load_full();
        let Some(config) = table.config() else {
            tokio::time::sleep(settings.every_unsettled).await;
            continue;
        };
        let agreement = prober.round(&port, &Expected::of(config), sign(), Instant::now()).await;
        // Read again while LiteLLM was asked: what it answered is about the file before.
        let is_about =
            |state: &ControllerState| state.native.as_ref().is_some_and(|native| native.config.hash == config.hash);
        if !controller.view(is_about) {
            continue;
        }
        let map = match &settings.price_map {
            Some(bytes) => Some((bytes.clone(), crate::routes::facts::hex_digest(bytes))),
            None => prober.price_map().map(|map| (map.bytes.clone(), map.hash.clone())),
        };
        // A restart that is waited for must not fall between two rounds.
        let settled = agreement.agrees_as_a_whole() && !controller.view(|state| state.proof.is_waiting());
        let known = controller.view(|state| state.price_map_hash.clone());
        let prices = map
            .filter(|(bytes, hash)| *hash != known && !bytes.is_empty())
            .and_then(|(bytes, hash)| prices(&bytes, hash));
        // One lost answer of a busy LiteLLM must not send all its traffic back to it; what disagrees counts at once.
        silent = if agreement.state == State::Unknown { silent + 1 } else { 0 };
        if silent == 0 || silent >= SILENT_ROUNDS || !controller.view(|state| state.agreement.agrees_as_a_whole()) {
            controller.replace_agreement(agreement, prices);
            prober.forget_price_map_bytes();
        }
        tokio::time::sleep(if settled { settings.every } else { settings.every_unsettled }).await;
    }
}

fn prices(bytes: &[u8], hash: String) -> Option<Prices> {
    match PriceTable::from_price_map_json(bytes) {
        Ok(table) => Some(Prices { table: Arc::new(table), hash }),
        Err(error) => {
            tracing::error!(%error, "LiteLLM's price map could not be read");
            None
        }
    }
}

/// Between health checks.
const HEALTH_EVERY: Duration = Duration::from_secs(1);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps the upstream's health up to date.
pub async fn watch_health(client: PythonClient, upstream: Arc<Upstream>, metrics: Metrics) {
    loop {
        let answer = client.send(Method::GET, "/health/liveliness", HeaderMap::new(), whole(Bytes::new()));
        let healthy = match tokio::time::timeout(HEALTH_TIMEOUT, answer).await {
            Ok(Ok(response)) => response.status().is_success(),
            Ok(Err(_)) | Err(_) => false,
        };
        if healthy != upstream.healthy() {
            tracing::info!(healthy, "LiteLLM's health changed");
        }
        upstream.set_healthy(healthy);
        metrics.upstream_up.set(i64::from(healthy));
        tokio::time::sleep(HEALTH_EVERY).await;
    }
}
