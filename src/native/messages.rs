//! The route `messages`: what [`super::answer`] asks of the pure transformation, in the order of a request.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use transform::cost_calculator::PriceTable;
use transform::cost_calculator::anthropic::message_cost;
use transform::llms::anthropic::experimental_pass_through::messages::streaming_iterator::MessageStream;
use transform::llms::anthropic::experimental_pass_through::messages::transformation::{self as anthropic, Target};
use transform::proxy::anthropic_endpoints::answers::{self as client, Failed, Served};
use transform::proxy::anthropic_endpoints::endpoints::{MessagesRequest, parse};
use transform::{Exception, ProviderFailure, ProviderRequest, ProviderResponse};

use super::admission::Admitted;
use super::client_stream::{Begun, Ending, Outcome};
use super::conversation::is_alone;
use super::decoder::Decoder;
use super::effects::{Opened, ProviderStream};
use super::plan::{Counting, Plan, Standing, Unavailable, milliseconds};
use super::provider;
use super::router::cooldown::Policy;
use super::router::retry::Allowance;
use super::router::{Reach, timeout};
use super::{Answer, Body, ClientRequest, ClientStream, Decline, Effects, Native, admission};
use crate::config::{Deployment, LiteLlmConfig, Secret};

/// Where Anthropic is reached if neither the deployment nor the environment says.
const ANTHROPIC_API_BASE: &str = "https://api.anthropic.com";

/// Reads the client's request.
pub(super) fn read(request: &ClientRequest) -> Result<MessagesRequest, Decline> {
    let headers = admission::told_whole(&request.headers)?;
    Ok(parse(&request.body, &headers)?)
}

/// A request of which every candidate's provider request is built.
pub(super) struct MessagesPlan<'a> {
    asked: &'a MessagesRequest,
    config: &'a LiteLlmConfig,
    prices: &'a PriceTable,
    allowance: Allowance,
    /// One for each deployment in reach.
    outbound: Vec<Outbound<'a>>,
}

/// What an attempt at one deployment sends, or what LiteLLM raises instead of sending; its router retries that like a
/// failed call.
struct Outbound<'a> {
    deployment: &'a Deployment,
    request: transform::Outbound,
    /// How long the provider may be silent.
    limit: Duration,
}

/// What a successful attempt yields.
pub(super) enum Reply<S> {
    Message(anthropic::MessagesResponse),
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

impl<'a> MessagesPlan<'a> {
    /// Errors  too many retries; a candidate whose request could not be built or whose timeout LiteLLM reads in its own way:
    ///         any candidate may become the deployment of an attempt.
    pub fn new(native: &'a Native, reach: &Reach<'a>, asked: &'a MessagesRequest) -> Result<Self, Decline> {
        let config = &*native.config;
        let allowance = Allowance::of(asked.num_retries, config);
        let mut outbound = Vec::with_capacity(reach.candidates.len());
        for deployment in reach.candidates.iter().copied() {
            allowance.check(deployment)?;
            let seconds = timeout::of_message(asked, deployment, config).ok_or(Decline::Timeout)?;
            let limit = Duration::try_from_secs_f64(seconds).map_err(|_| Decline::Timeout)?;
            let target = target(deployment, config)?;
            let request = anthropic::outbound(asked, &target, &native.prices)?;
            outbound.push(Outbound { deployment, request, limit });
        }
        Ok(Self { asked, config, prices: &native.prices, allowance, outbound })
    }

    fn outbound(&self, deployment: &Deployment) -> Option<&Outbound<'a>> {
        self.outbound.iter().find(|outbound| std::ptr::eq(outbound.deployment, deployment))
    }

    /// Sends, and sends once more what Anthropic refused for the thinking in it, as LiteLLM does.
    async fn send<E: Effects>(
        &self,
        admitted: Admitted,
        deployment: &Deployment,
        request: &ProviderRequest,
        limit: Duration,
        effects: &mut E,
    ) -> Result<Sent<E::Stream>, ProviderFailure> {
        let first = self.attempt_once(admitted, deployment, request, limit, effects).await?;
        let again = match &first {
            Sent::Whole(refused) => target(deployment, self.config)
                .ok()
                .and_then(|target| anthropic::second_request(self.asked, &target, self.prices, refused)),
            Sent::Open(_) => None,
        };
        match again {
            // Rare: what every request keeps has no room for it.
            Some(again) => Box::pin(self.attempt_once(admitted, deployment, &again, limit, effects)).await,
            None => Ok(first),
        }
    }

    /// Only what will be streamed stays open.
    async fn attempt_once<E: Effects>(
        &self,
        admitted: Admitted,
        deployment: &Deployment,
        request: &ProviderRequest,
        limit: Duration,
        effects: &mut E,
    ) -> Result<Sent<E::Stream>, ProviderFailure> {
        if !self.asked.stream {
            return provider::attempt(admitted, deployment, request, limit, effects).await.map(Sent::Whole);
        }
        let opened = provider::attempt_stream(admitted, deployment, request, limit, effects).await?;
        if (200..300).contains(&opened.status) {
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
}

/// A provider's answer: whole, or a stream whose head has come.
enum Sent<S> {
    Whole(ProviderResponse),
    Open(Opened<S>),
}

impl Plan for MessagesPlan<'_> {
    type Reply<S: ProviderStream> = Reply<S>;
    type Failure = Exception;

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
    ) -> Result<Reply<E::Stream>, Exception> {
        let sent = match self.outbound(deployment) {
            Some(Outbound { request: Ok(request), limit, .. }) => {
                self.send(admitted, deployment, request, *limit, effects).await
            }
            Some(Outbound { request: Err(refused), .. }) => return Err(refused.clone()),
            // Cannot be: every deployment in reach has one.
            None => Err(ProviderFailure::Other { text: "the deployment is not of this request".to_owned() }),
        };
        let opened = match sent {
            Ok(Sent::Open(opened)) => opened,
            Ok(Sent::Whole(response)) => return self.message(Ok(&response), deployment),
            Err(failure) => return self.message(Err(&failure), deployment),
        };
        let Opened { headers, stream, .. } = opened;
        let before = stream.elapsed();
        let decoder = Decoder::Messages(MessageStream::new(&deployment.model, &self.asked.model, &headers));
        let outcome = effects.cooldowns().map(|cooldowns| Outcome {
            cooldowns: Arc::clone(cooldowns),
            deployment: deployment.id.clone(),
            is_alone: is_alone(deployment, self.config),
            policy: Policy::of(&self.config.router),
            heard: effects.now(),
            ending: Ending::Unheard,
        });
        let begun = ClientStream::new(stream, decoder, outcome).begin(effects.client_left()).await;
        Ok(match begun {
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
        let attempts = standing.retries.attempted() + 1;
        let id = &standing.deployment.id;
        match reply {
            Reply::Message(message) => {
                if let Some(cooldowns) = effects.cooldowns().filter(|_| message.is_regular()) {
                    cooldowns.succeeded(id, effects.now());
                }
                // LiteLLM's attempts share a log, and one that has told of a failure tells no price.
                let is_first = standing.retries.attempted() == 0;
                let cost = message_cost(self.prices, message.body(), &standing.deployment.model).filter(|_| is_first);
                let total = cost.map(|cost| cost.total);
                Answer::of(client::success(&message, &served, cost), attempts, id, total).map(Body::Whole)
            }
            Reply::Failed { headers, exception } => {
                Answer::of(client::stream_failed(&exception, &headers, &served), attempts, id, None).map(Body::Whole)
            }
            Reply::Stream { headers, stream } => Answer::of(client::stream_head(&headers, &served), attempts, id, None)
                .map(|_: Bytes| Body::Stream(stream)),
        }
    }

    fn failure(&self, standing: &Standing<'_>, exception: &Exception) -> Answer {
        let given_up = standing.given_up(&self.asked.model);
        let failed = Failed {
            call_id: &standing.request.call_id,
            model_id: &standing.deployment.id,
            // The plain one even for a stream, whatever its limit was.
            timeout_seconds: timeout::plain_of_message(self.asked, standing.deployment, self.config),
            request_id: self.asked.request_id.as_deref(),
            is_cross_origin: standing.request.is_cross_origin(),
        };
        let attempts = standing.retries.attempted();
        Answer::of(client::error(exception, &given_up, &failed), attempts, &standing.deployment.id, None)
    }

    fn unavailable(&self, unavailable: &Unavailable<'_>) -> Answer {
        let id = unavailable.last_id();
        let failed = Failed {
            call_id: &unavailable.request.call_id,
            model_id: id,
            // Not told.
            timeout_seconds: 0.0,
            request_id: self.asked.request_id.as_deref(),
            is_cross_origin: unavailable.request.is_cross_origin(),
        };
        Answer::of(client::no_deployments(&unavailable.none, &failed), unavailable.attempts, id, None)
    }
}

impl MessagesPlan<'_> {
    /// An answer that is no stream: a message, or what is raised for it.
    fn message<S>(
        &self,
        outcome: Result<&ProviderResponse, &ProviderFailure>,
        deployment: &Deployment,
    ) -> Result<Reply<S>, Exception> {
        if self.asked.stream
            && let Some(refused) = anthropic::stream_refusal(outcome, &deployment.model)
        {
            return Err(refused);
        }
        anthropic::response(outcome, &deployment.model).map(Reply::Message)
    }
}

fn target<'a>(deployment: &'a Deployment, config: &LiteLlmConfig) -> Result<Target<'a>, Decline> {
    let api_key = deployment.api_key.as_ref().map(Secret::expose).ok_or(transform::Decline::Connection)?;
    Ok(Target {
        model: &deployment.model,
        api_base: deployment.api_base.as_deref().unwrap_or(ANTHROPIC_API_BASE),
        api_key,
        parameters: &deployment.params,
        drop_params: config.settings.drop_params,
    })
}
