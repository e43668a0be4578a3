//! The real world: the only place where the native leg's answer meets a socket, the clock and the dice.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rand::RngExt;
use tokio::sync::watch;
use transform::{ProviderFailure, ProviderRequest};

use super::{Cooldowns, Effects, Opened};
use crate::config::Deployment;
use crate::native::provider::{BodyStream, Client, Protocol};
use crate::native::router::pick;

/// Effects of a request that is served. Made per request; the client with its connections and the cooldowns are shared.
pub struct LiveEffects {
    client: Arc<Client>,
    protocol: Protocol,
    cooldowns: Arc<Cooldowns>,
    departure: watch::Receiver<bool>,
    sent: u32,
    waited: Duration,
}

impl LiveEffects {
    /// `departure` turns true when the request's own client has left.
    pub fn new(
        client: &Arc<Client>,
        cooldowns: &Arc<Cooldowns>,
        protocol: Protocol,
        departure: watch::Receiver<bool>,
    ) -> Self {
        let (client, cooldowns) = (Arc::clone(client), Arc::clone(cooldowns));
        Self { client, cooldowns, protocol, departure, sent: 0, waited: Duration::ZERO }
    }
}

impl LiveEffects {
    /// Provider requests begun. While it is 0 nothing has happened that Python could not still do.
    pub fn sent(&self) -> u32 {
        self.sent
    }
}

impl Effects for LiveEffects {
    type Stream = BodyStream;

    async fn open(
        &mut self,
        _deployment: &Deployment,
        request: &ProviderRequest,
        limit: Duration,
    ) -> Result<Opened<BodyStream>, ProviderFailure> {
        self.sent += 1;
        let begun = Instant::now();
        let outcome = self.client.open(self.protocol, request, limit).await;
        self.waited += begun.elapsed();
        outcome
    }

    fn waited(&self) -> Duration {
        self.waited
    }

    fn add_wait(&mut self, waited: Duration) {
        self.waited += waited;
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    async fn sleep(&mut self, duration: Duration) {
        let begun = Instant::now();
        tokio::time::sleep(duration).await;
        self.waited += begun.elapsed();
    }

    fn draw(&mut self) -> f64 {
        rand::rng().random()
    }

    fn choose(&mut self, _candidates: &[&Deployment], weights: &[f64]) -> usize {
        pick::weighted(weights, self.draw())
    }

    fn cooldowns(&self) -> Option<&Arc<Cooldowns>> {
        Some(&self.cooldowns)
    }

    fn client_left(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut departure = self.departure.clone();
        async move {
            if departure.wait_for(|left| *left).await.is_err() {
                // Nobody watches any more.
                std::future::pending::<()>().await;
            }
        }
    }

    fn control_next(&self) -> Option<&str> {
        None
    }
}
