//! The route `chat_completions`: what [`super::answer`] asks of the pure transformation, in the order of a request.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use transform::completion::{ChatFailure, ChatResponse, ChatStream, Circumstances, Provider, Target};
use transform::cost_calculator::PriceTable;
use transform::proxy::anthropic_endpoints::answers::Served;
use transform::proxy::chat_endpoints::answers::{self as client, Failed};
use transform::proxy::chat_endpoints::endpoints::{ChatRequest, parse};
use transform::{Answered, Exception, ProviderFailure, ProviderRequest, ProviderResponse};

use super::admission::Admitted;
use super::client_stream::{Begun, Ending, Outcome};
use super::conversation::is_alone;
use super::decoder::Decoder;
use super::effects::{Opened, ProviderStream};
use super::plan::{Counting, Plan, Raised, Standing, Unavailable, milliseconds};
use super::provider;
use super::router::Reach;
use super::router::cooldown::Policy;
use super::router::retry::Allowance;
use super::router::timeout::{self, Limit};
use super::{Answer, Body, ClientRequest, ClientStream, Decline, Effects, Native, admission};
use crate::config::{Deployment, LiteLlmConfig, Secret};

/// Reads the client's request.
///
/// Errors  what the transformation declines; the endpoint for Cursor, which rewrites requests; a query, of which LiteLLM
///         takes an API version.
pub(super) fn read(request: &ClientRequest) -> Result<ChatRequest, Decline> {
    let headers = admission::told_whole(&request.headers)?;
    if request.path.starts_with("/cursor/") || request.path.contains(['?', '#']) {
        return Err(Decline::RequestOption);
    }
    Ok(parse(&request.body, &headers, path_model(&request.path))?)
}

/// The model that `/engines/{model}/chat/completions` and `/openai/deployments/{model}/chat/completions` name.
fn path_model(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/engines/").or_else(|| path.strip_prefix("/openai/deployments/"))?;
    rest.strip_suffix("/chat/completions")
}

/// A request of which every candidate's provider request is built.
pub(super) struct ChatPlan<'a> {
    asked: &'a ChatRequest,
    config: &'a LiteLlmConfig,
    prices: &'a Arc<PriceTable>,
    allowance: Allowance,
    /// One for each deployment in reach.
    outbound: Vec<Outbound<'a>>,
}

/// What an attempt at one deployment sends, or what LiteLLM raises instead of sending; its router retries that like a
/// failed call.
struct Outbound<'a> {
    deployment: &'a Deployment,
    provider: Provider,
    target: Target<'a>,
    request: transform::Outbound,
    /// How long the provider may be silent.
    limit: Limit,
    silence: Duration,
}

/// What a successful attempt yields.
pub(super) enum Reply<S> {
    Completion {
        headers: Vec<(String, String)>,
        completion: Box<ChatResponse>,
    },
    Stream {
        headers: Vec<(String, String)>,
        stream: Box<ClientStream<S>>,
    },
    /// The stream failed before its head.
    Failed {
        headers: Vec<(String, String)>,
        exception: Exception,
    },
}

/// What a failed attempt raises.
pub(super) enum Failure {
    /// LiteLLM refused, and asked no provider.
    Refused(Exception),
    /// With the headers of the provider's answer, if there was one.
    Answered { failure: ChatFailure, headers: Vec<(String, String)> },
}

impl Raised for Failure {
    fn exception(&self) -> &Exception {
        match self {
            Self::Refused(exception) => exception,
            Self::Answered { failure, .. } => &failure.exception,
        }
    }
}

impl<'a> ChatPlan<'a> {
    /// Errors  too many retries; a candidate whose request could not be built or whose timeout LiteLLM reads in its own way:
    ///         any candidate may become the deployment of an attempt.
    pub fn new(native: &'a Native, reach: &Reach<'a>, asked: &'a ChatRequest) -> Result<Self, Decline> {
        let config = &*native.config;
        // LiteLLM asks for a stream's usage where every deployment of a group that it knows supports that.
        let is_openai = |one: &&Deployment| one.provider == "openai";
        let is_mixed = reach.candidates.iter().any(is_openai) && !reach.candidates.iter().all(is_openai);
        if asked.stream && (is_mixed || (reach.pinned && reach.candidates.iter().any(is_openai))) {
            return Err(Decline::Deployment);
        }
        let allowance = Allowance::of(asked.num_retries, config);
        let mut outbound = Vec::with_capacity(reach.candidates.len());
        for deployment in reach.candidates.iter().copied() {
            allowance.check(deployment)?;
            let limit = timeout::of_chat(asked, deployment, config).ok_or(Decline::Timeout)?;
            let silence = Duration::try_from_secs_f64(limit.seconds).map_err(|_| Decline::Timeout)?;
            let provider = Provider::named(&deployment.provider).ok_or(Decline::NoNativeLeg)?;
            let target = target(deployment, provider, config)?;
            let request = provider.outbound(asked, &target, &native.prices, limit.seconds)?;
            outbound.push(Outbound { deployment, provider, target, request, limit, silence });
        }
        Ok(Self { asked, config, prices: &native.prices, allowance, outbound })
    }

    fn outbound(&self, deployment: &Deployment) -> Option<&Outbound<'a>> {
        self.outbound.iter().find(|outbound| std::ptr::eq(outbound.deployment, deployment))
    }

    /// Sends, and sends once more without what the provider refused as unknown, where the settings allow that.
    async fn send<E: Effects>(
        &self,
        admitted: Admitted,
        outbound: &Outbound<'_>,
        request: &ProviderRequest,
        effects: &mut E,
    ) -> Result<Sent<E::Stream>, ProviderFailure> {
        let first = self.attempt_once(admitted, outbound, request, effects).await?;
        let again = match &first {
            Sent::Whole(refused) => {
                let Outbound { provider, target, limit, .. } = outbound;
                provider.second_request(self.asked, target, self.prices, limit.seconds, refused)
            }
            Sent::Open(_) => None,
        };
        match again {
            // Rare: what every request keeps has no room for it.
            Some(again) => Box::pin(self.attempt_once(admitted, outbound, &again, effects)).await,
            None => Ok(first),
        }
    }

    /// Only what will be streamed stays open.
    async fn attempt_once<E: Effects>(
        &self,
        admitted: Admitted,
        outbound: &Outbound<'_>,
        request: &ProviderRequest,
        effects: &mut E,
    ) -> Result<Sent<E::Stream>, ProviderFailure> {
        let Outbound { deployment, silence, .. } = *outbound;
        let opened = match outbound.provider {
            Provider::OpenAi => provider::attempt_once(admitted, deployment, request, silence, effects).await?,
            Provider::Anthropic if !self.asked.stream => {
                return provider::attempt(admitted, deployment, request, silence, effects).await.map(Sent::Whole);
            }
            Provider::Anthropic => provider::attempt_stream(admitted, deployment, request, silence, effects).await?,
        };
        if self.asked.stream && (200..300).contains(&opened.status) {
            return Ok(Sent::Open(opened));
        }
        provider::whole(opened, effects).await.map(Sent::Whole)
    }

    fn served<'b, E: Effects>(&'b self, standing: &Standing<'b>, effects: &E) -> Served<'b> {
        let own = effects.now().saturating_duration_since(standing.request.received).saturating_sub(effects.waited());
        Served {
            call_id: &standing.request.call_id,
            model_group: &self.asked.model,
            model_id: &standing.deployment.id,
            litellm_model: &standing.deployment.litellm_model,
            api_base: standing.deployment.told_api_base(),
            duration_ms: standing.taken_ms(effects),
            overhead_ms: milliseconds(own),
            attempted_retries: standing.retries.attempted(),
            max_retries: standing.retries.granted().unwrap_or_default(),
            is_cross_origin: standing.request.is_cross_origin(),
        }
    }

    /// A completion, or what is raised for it.
    fn completion<S, E: Effects>(
        &self,
        outcome: Result<ProviderResponse, ProviderFailure>,
        outbound: &Outbound<'_>,
        effects: &mut E,
    ) -> Result<Reply<S>, Failure> {
        let Outbound { provider, target, .. } = outbound;
        let outcome = outcome.as_ref();
        let headers = outcome.map_or_else(|_| Vec::new(), |response| response.headers.clone());
        if self.asked.stream
            && let Some(failure) = provider.stream_refusal(outcome, target)
        {
            return Err(Failure::Answered { failure, headers });
        }
        let circumstances = Circumstances { fallback_id: &fresh_id(effects), now: unix_seconds(effects) };
        match provider.response(outcome, self.asked, target, self.prices, &circumstances) {
            Ok(completion) => Ok(Reply::Completion { headers, completion: Box::new(completion) }),
            Err(failure) => Err(Failure::Answered { failure, headers }),
        }
    }
}

/// A provider's answer: whole, or a stream whose head has come.
enum Sent<S> {
    Whole(ProviderResponse),
    Open(Opened<S>),
}

impl Plan for ChatPlan<'_> {
    type Reply<S: ProviderStream> = Reply<S>;
    type Failure = Failure;

    fn allowance(&self) -> Allowance {
        self.allowance
    }

    fn counting(&self) -> Counting {
        if self.asked.stream { Counting::EveryFailure } else { Counting::FirstFailure }
    }

    fn is_logged(&self, deployment: &Deployment) -> bool {
        self.outbound(deployment).is_some_and(|outbound| outbound.request.is_ok())
    }

    async fn attempt<E: Effects>(
        &self,
        admitted: Admitted,
        deployment: &Deployment,
        effects: &mut E,
    ) -> Result<Reply<E::Stream>, Failure> {
        // Cannot be absent: every deployment in reach has one.
        let outbound = self.outbound(deployment).unwrap_or(&self.outbound[0]);
        let request = outbound.request.as_ref().map_err(|refused| Failure::Refused(refused.clone()))?;
        let opened = match self.send(admitted, outbound, request, effects).await {
            Ok(Sent::Open(opened)) => opened,
            Ok(Sent::Whole(response)) => return self.completion(Ok(response), outbound, effects),
            Err(failure) => return self.completion(Err(failure), outbound, effects),
        };
        let Opened { headers, stream, .. } = opened;
        let before = stream.elapsed();
        let id = fresh_id(effects);
        let (provider, target) = (outbound.provider, &outbound.target);
        let created = unix_seconds(effects);
        let decoder = ChatStream::new(provider, self.asked, target, self.prices, &headers, &id, created);
        let outcome = effects.cooldowns().map(|cooldowns| Outcome {
            cooldowns: Arc::clone(cooldowns),
            deployment: deployment.id.clone(),
            is_alone: is_alone(deployment, self.config),
            policy: Policy::of(&self.config.router),
            heard: effects.now(),
            ending: Ending::Unheard,
        });
        let decoder = Decoder::Chat(decoder, Arc::clone(self.prices));
        Ok(match ClientStream::new(stream, decoder, outcome).begin(effects.client_left()).await {
            Begun::Failed(exception) => Reply::Failed { headers, exception },
            Begun::Stream(stream) => {
                effects.add_wait(stream.elapsed().saturating_sub(before));
                Reply::Stream { headers, stream }
            }
        })
    }

    fn success<E: Effects>(
        &self,
        standing: &Standing<'_>,
        reply: Reply<E::Stream>,
        effects: &E,
    ) -> Answer<Body<E::Stream>> {
        let served = self.served(standing, effects);
        let told = |answered: Answered, cost| {
            Answer::of(answered, standing.retries.attempted() + 1, &standing.deployment.id, cost)
        };
        match reply {
            Reply::Completion { headers, completion } => {
                if let Some(cooldowns) = effects.cooldowns() {
                    cooldowns.succeeded(&standing.deployment.id, effects.now());
                }
                let target = self.outbound(standing.deployment).map(|outbound| outbound.target);
                let cost = target.map(|target| completion.cost(&headers, self.asked, &target, self.prices));
                let cost = cost.unwrap_or_default();
                told(client::success(&completion, &headers, &served, cost), cost.total()).map(Body::Whole)
            }
            Reply::Failed { headers, exception } => {
                told(client::stream_failed(&exception, &headers, &served), None).map(Body::Whole)
            }
            Reply::Stream { headers, stream } => {
                told(client::stream_head(&headers, &served), None).map(|_: Bytes| Body::Stream(stream))
            }
        }
    }

    fn failure(&self, standing: &Standing<'_>, failure: &Failure) -> Answer {
        let given_up = standing.given_up(&self.asked.model);
        let failed = Failed {
            call_id: &standing.request.call_id,
            timeout: self.outbound(standing.deployment).map_or("", |outbound| &outbound.limit.spelled),
            is_cross_origin: standing.request.is_cross_origin(),
        };
        let answered = match failure {
            Failure::Refused(exception) => client::refused(exception, &given_up, &failed),
            Failure::Answered { failure, headers } => client::error(failure, &given_up, headers, &failed),
        };
        Answer::of(answered, standing.retries.attempted(), &standing.deployment.id, None)
    }

    fn unavailable(&self, unavailable: &Unavailable<'_>) -> Answer {
        let Unavailable { request, none, attempts, .. } = unavailable;
        let answered = client::no_deployments(none, &request.call_id, request.is_cross_origin());
        Answer::of(answered, *attempts, unavailable.last_id(), None)
    }
}

/// What LiteLLM calls an answer without an id: a random UUID.
fn fresh_id<E: Effects>(effects: &mut E) -> String {
    let mut bytes = [0; 16];
    for part in bytes.chunks_mut(4) {
        // 32 of the 53 bits of a draw.
        let drawn = (effects.draw() * f64::from(u32::MAX)) as u32;
        part.copy_from_slice(&drawn.to_le_bytes());
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

fn unix_seconds<E: Effects>(effects: &E) -> i64 {
    let since = effects.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn target<'a>(deployment: &'a Deployment, provider: Provider, config: &LiteLlmConfig) -> Result<Target<'a>, Decline> {
    let api_key = deployment.api_key.as_ref().map(Secret::expose).ok_or(transform::Decline::Connection)?;
    Ok(Target {
        model: &deployment.model,
        api_base: deployment.api_base.as_deref().unwrap_or(provider.api_base()),
        api_key,
        parameters: &deployment.params,
        drop_params: config.settings.drop_params,
    })
}
