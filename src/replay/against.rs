//! Asks a running LiteLLM for the control's side, with the tap in replay as its provider.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt;
use tokio::net::TcpListener;

use super::case::Case;
use super::playing::Player;
use super::run::{Control, Finding, Replayer, Result as CaseResult};
use crate::config::tap_config::{API_BASE, original_api_base};
use crate::python::forward::{PythonClient, whole};
use crate::python::{Upstream, headers};
use crate::routes::facts;
use crate::shadow::correlation;
use crate::shadow::pair::list;
use crate::tap::Targets;

/// The longest that LiteLLM may take for a case.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub enum AgainstError {
    #[error("the address of LiteLLM is unusable: {0}")]
    Upstream(String),
    #[error("failed to listen on the tap's address {address}: {cause}")]
    Tap { address: String, cause: std::io::Error },
    #[error("LiteLLM did not give its price map: {0}; is it running at this address? --price-map takes a file instead")]
    PriceMap(String),
}

/// A LiteLLM whose provider is played.
pub struct Against {
    python: PythonClient,
    player: Arc<Player>,
}

impl Against {
    /// Opens the tap at `tap` and looks for LiteLLM at `url`.
    pub async fn open(url: &str, tap: &str, targets: Targets) -> Result<Self, AgainstError> {
        let upstream = Upstream::parse(url, CONNECT_TIMEOUT, ANSWER_TIMEOUT);
        let upstream = upstream.map_err(|error| AgainstError::Upstream(error.to_string()))?;
        let listener = TcpListener::bind(tap).await;
        let listener = listener.map_err(|cause| AgainstError::Tap { address: tap.to_owned(), cause })?;
        let player = Arc::new(Player::default());
        tokio::spawn(Arc::clone(&player).serve(listener, Arc::new(ArcSwap::from_pointee(targets))));
        Ok(Self { python: PythonClient::new(Arc::new(upstream)), player })
    }

    /// LiteLLM's own price map.
    pub async fn price_map(&self) -> Result<Bytes, AgainstError> {
        let path = "/public/litellm_model_cost_map";
        let answer = self.python.send(Method::GET, path, HeaderMap::new(), whole(Bytes::new())).await;
        let answer = answer.map_err(|reason| AgainstError::PriceMap(reason.as_str().to_owned()))?;
        let body = answer.into_body().collect().await;
        Ok(body.map_err(|error| AgainstError::PriceMap(error.to_string()))?.to_bytes())
    }

    /// Runs a case on both legs.
    pub async fn run(&self, replayer: &Replayer, case: &Case) -> Finding {
        match self.control(replayer, case).await {
            Ok((control, tape)) => replayer.judged(case, tape, control).await,
            Err(text) => Finding { id: case.id.clone(), result: CaseResult::Failed(text) },
        }
    }

    async fn control(&self, replayer: &Replayer, case: &Case) -> Result<(Control, crate::native::Tape), String> {
        let request = replayer.request(case)?;
        if !request.route.is_taped() {
            // It would ask the real provider.
            return Err("on this route LiteLLM asks its provider past every tap; replay it against a recorded control"
                .to_owned());
        }
        let id = uuid::Uuid::new_v4().simple().to_string();
        let content_type = request.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let facts = facts::read(request.route, content_type, &request.body).await;
        let marked = correlation::mark(content_type, &request.body, &facts, &id);
        let marked = marked.ok_or("its body cannot carry the tape's id to the provider")?;
        self.player.load(id.clone(), case.tape());
        let mut headers = request.headers.clone();
        headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(marked.len()));
        let answer = self.python.send(request.method, &request.path, headers, whole(marked)).await;
        let answer = answer.map_err(|reason| format!("LiteLLM gave no answer: {}", reason.as_str()));
        let played = self.player.take(&id).unwrap_or_default();
        let (head, body) = answer?.into_parts();
        let body = body.collect().await.map_err(|_| "LiteLLM's answer broke off".to_owned())?.to_bytes();
        let mut headers = headers::end_to_end(&head.headers);
        match original_api_base(&replayer.native.config, &headers) {
            Some(Some(original)) => drop(headers.insert(API_BASE, original)),
            Some(None) => drop(headers.remove(API_BASE)),
            None => {}
        }
        let headers = list(&headers);
        // A stream asks on while it is read.
        let played = self.player.take(&id).unwrap_or(played);
        let tape = played.tape();
        let control = Control { attempts: Some(played.asked), status: head.status.as_u16(), headers, body };
        Ok((control, tape))
    }
}
