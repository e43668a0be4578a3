//! One attempt of the router: a send, LiteLLM's silent second send, and the redirects in between.

use std::time::Duration;

use transform::{ProviderFailure, ProviderRequest, ProviderResponse};

use super::redirect;
use crate::config::Deployment;
use crate::native::admission::Admitted;
use crate::native::effects::Effects;

/// Redirects followed in one send, as httpx does.
const REDIRECTS_MAX: usize = 20;

/// Makes one attempt.
///
/// LiteLLM sends a request a second time, at once and on a new connection, when the first connection was refused or reset,
/// before the answer's head; not when it was closed in order, and not while the body was being read. The copy is deliberate: the provider must be called
/// as often as Python would call it, no less than no more.
///
/// Errors  those of the last send.
/// Source  LiteLLM 1.102.4 `llms/custom_httpx/http_handler.py` `AsyncHTTPHandler.post`
pub async fn attempt<E: Effects>(
    _proof: Admitted,
    deployment: &Deployment,
    request: &ProviderRequest,
    limit: Duration,
    effects: &mut E,
) -> Result<ProviderResponse, ProviderFailure> {
    match send(deployment, request, limit, effects).await {
        Err(failure) if sent_again(&failure) => send(deployment, request, limit, effects).await.map_err(of_second_send),
        outcome => outcome,
    }
}

fn sent_again(failure: &ProviderFailure) -> bool {
    matches!(failure, ProviderFailure::Reset | ProviderFailure::Refused { .. } | ProviderFailure::Unreachable { .. })
}

/// LiteLLM words a time-out of the second send as aiohttp does, and takes it for a 500 instead of a 408.
fn of_second_send(failure: ProviderFailure) -> ProviderFailure {
    match failure {
        ProviderFailure::Timeout { .. } => {
            ProviderFailure::Other { text: "Timeout on reading data from socket".to_owned() }
        }
        other => other,
    }
}

/// Sends and follows redirects.
async fn send<E: Effects>(
    deployment: &Deployment,
    request: &ProviderRequest,
    limit: Duration,
    effects: &mut E,
) -> Result<ProviderResponse, ProviderFailure> {
    let mut response = effects.call(deployment, request, limit).await?;
    let mut current: Option<ProviderRequest> = None;
    for _ in 0..REDIRECTS_MAX {
        let Some(next) = redirect::next(current.as_ref().unwrap_or(request), &response)? else { return Ok(response) };
        response = effects.call(deployment, &next, limit).await?;
        current = Some(next);
    }
    match redirect::next(current.as_ref().unwrap_or(request), &response)? {
        Some(_) => Err(ProviderFailure::TooManyRedirects),
        None => Ok(response),
    }
}
