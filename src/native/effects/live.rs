//! The real world: the only place where the native leg's answer meets a socket, the clock and the dice.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rand::RngExt;
use transform::{ProviderFailure, ProviderRequest, ProviderResponse};

use super::Effects;
use crate::config::Deployment;
use crate::native::provider::Client;
use crate::native::router::pick;

/// Effects of a request that is served. Made per request; the client with its connections is shared.
pub struct LiveEffects {
    client: Arc<Client>,
    sent: u32,
}

impl LiveEffects {
    pub fn new(client: &Arc<Client>) -> Self {
        Self { client: Arc::clone(client), sent: 0 }
    }
}

impl LiveEffects {
    /// Provider requests begun. While it is 0 nothing has happened that Python could not still do.
    pub fn sent(&self) -> u32 {
        self.sent
    }
}

impl Effects for LiveEffects {
    async fn call(
        &mut self,
        _deployment: &Deployment,
        request: &ProviderRequest,
        limit: Duration,
    ) -> Result<ProviderResponse, ProviderFailure> {
        self.sent += 1;
        self.client.send(request, limit).await
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    async fn sleep(&mut self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn draw(&mut self) -> f64 {
        rand::rng().random()
    }

    fn choose(&mut self, _candidates: &[&Deployment], weights: &[f64]) -> usize {
        pick::weighted(weights, self.draw())
    }
}
