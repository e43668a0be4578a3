//! One attempt of the router: a send, LiteLLM's silent second send, and the redirects in between.

use std::time::Duration;

use transform::{ProviderFailure, ProviderRequest, ProviderResponse};

use super::body::collect;
use super::redirect::{self, Followed, Unfollowed};
use crate::config::Deployment;
use crate::native::admission::Admitted;
use crate::native::effects::{Effects, Opened, ProviderStream};

/// Redirects followed in one send, as httpx does.
const REDIRECTS_MAX: usize = 20;

/// Makes one attempt and collects the answer.
///
/// Errors  those of [`attempt_stream`], or what kept the body from being complete: it is not asked for again.
pub async fn attempt<E: Effects>(
    proof: Admitted,
    deployment: &Deployment,
    request: &ProviderRequest,
    limit: Duration,
    effects: &mut E,
) -> Result<ProviderResponse, ProviderFailure> {
    let (opened, is_second) = opened(proof, deployment, request, limit, effects).await?;
    whole(opened, effects).await.map_err(|failure| if is_second { of_second_send(failure) } else { failure })
}

/// Collects an answer whose head has come.
pub async fn whole<E: Effects>(
    opened: Opened<E::Stream>,
    effects: &mut E,
) -> Result<ProviderResponse, ProviderFailure> {
    let Opened { status, headers, mut stream } = opened;
    let before = stream.elapsed();
    let body = collect(&mut stream).await;
    effects.add_wait(stream.elapsed().saturating_sub(before));
    Ok(ProviderResponse { status, headers, body: body? })
}

/// Makes one attempt and waits for the answer's head.
///
/// LiteLLM sends a request a second time, at once and on a new connection, when the first connection was refused or reset,
/// before the answer's head, or when it cannot read where the answer redirects it to; not when the connection was closed in order,
/// and not while the body was being read. The copy is deliberate: the provider must be called
/// as often as Python would call it, no less than no more.
///
/// Errors  those of the last send.
/// Source  LiteLLM 1.102.4 `llms/custom_httpx/http_handler.py` `AsyncHTTPHandler.post`
pub async fn attempt_stream<E: Effects>(
    proof: Admitted,
    deployment: &Deployment,
    request: &ProviderRequest,
    limit: Duration,
    effects: &mut E,
) -> Result<Opened<E::Stream>, ProviderFailure> {
    opened(proof, deployment, request, limit, effects).await.map(|(opened, _)| opened)
}

/// Makes one attempt as OpenAI's client does: sent once, whatever becomes of the connection.
///
/// Errors  what kept the answer's head from coming.
/// Source  LiteLLM 1.102.4 `llms/openai/openai.py`, where the client's `max_retries` is 0 behind a router
pub async fn attempt_once<E: Effects>(
    _proof: Admitted,
    deployment: &Deployment,
    request: &ProviderRequest,
    limit: Duration,
    effects: &mut E,
) -> Result<Opened<E::Stream>, ProviderFailure> {
    Ok(send(deployment, request, limit, effects).await?)
}

/// The answer's head, and whether it is that of the second send.
async fn opened<E: Effects>(
    _proof: Admitted,
    deployment: &Deployment,
    request: &ProviderRequest,
    limit: Duration,
    effects: &mut E,
) -> Result<(Opened<E::Stream>, bool), ProviderFailure> {
    match send(deployment, request, limit, effects).await {
        Err(unanswered) if unanswered.is_sent_again() => {
            let second = send(deployment, request, limit, effects).await;
            second.map(|opened| (opened, true)).map_err(|unanswered| of_second_send(unanswered.into()))
        }
        Err(unanswered) => Err(unanswered.into()),
        Ok(opened) => Ok((opened, false)),
    }
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

/// Why a send brought no answer.
enum Unanswered {
    Failure(ProviderFailure),
    Unfollowed(Unfollowed),
}

impl Unanswered {
    fn is_sent_again(&self) -> bool {
        use ProviderFailure::{Refused, Reset, Unreachable};
        matches!(
            self,
            Self::Failure(Reset | Refused { .. } | Unreachable { .. }) | Self::Unfollowed(Unfollowed::Refused(_))
        )
    }
}

impl From<Unanswered> for ProviderFailure {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Failure(failure) => failure,
            Unanswered::Unfollowed(Unfollowed::Refused(text) | Unfollowed::Failed(text)) => Self::Other { text },
        }
    }
}

/// Sends and follows redirects.
async fn send<E: Effects>(
    deployment: &Deployment,
    request: &ProviderRequest,
    limit: Duration,
    effects: &mut E,
) -> Result<Opened<E::Stream>, Unanswered> {
    let opened = effects.open(deployment, request, limit).await.map_err(Unanswered::Failure)?;
    match redirect::next(request, opened.status, &opened.headers).map_err(Unanswered::Unfollowed)? {
        None => Ok(opened),
        // Boxed, because it is rare and every request would keep room for it.
        Some(next) => Box::pin(follow(deployment, opened, next, limit, effects)).await,
    }
}

async fn follow<E: Effects>(
    deployment: &Deployment,
    mut opened: Opened<E::Stream>,
    mut next: Followed,
    limit: Duration,
    effects: &mut E,
) -> Result<Opened<E::Stream>, Unanswered> {
    for followed in 0.. {
        // A redirect is read to its end before it is followed.
        whole(opened, effects).await.map_err(Unanswered::Failure)?;
        if followed == REDIRECTS_MAX {
            return Err(Unanswered::Failure(ProviderFailure::TooManyRedirects));
        }
        if let Some(unknown) = redirect::unknown_host(&next.sent) {
            return Err(Unanswered::Failure(unknown));
        }
        opened = effects.open(deployment, &next.sent, limit).await.map_err(Unanswered::Failure)?;
        match redirect::next(&next.request, opened.status, &opened.headers).map_err(Unanswered::Unfollowed)? {
            None => break,
            Some(following) => next = following,
        }
    }
    Ok(opened)
}
