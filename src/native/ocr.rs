//! The route `ocr`: what [`super::answer`] asks of the pure transformation, in the order of a request.

use std::time::Duration;

use transform::cost_calculator::ocr_cost;
use transform::llms::base_llm::ocr::transformation::OcrResponse;
use transform::llms::mistral::ocr::transformation::{self as mistral, Target};
use transform::proxy::common_request_processing::{self as client, Failed, GivenUp, Served};
use transform::proxy::ocr_endpoints::endpoints::{Body, BodyKind, OcrRequest, body_kind, parse};
use transform::{Answered, Exception, ProviderRequest};

use super::router::retry::{Allowance, RETRIES_MAX};
use super::router::{Reach, Retries, timeout};
use super::{Answer, ClientRequest, Decline, Effects, Native, admission, form};
use crate::config::{Deployment, LiteLlmConfig, Secret};

/// The route's name in rules and reasons.
pub(super) const ROUTE: &str = "ocr";

/// Where Mistral is reached if neither the deployment nor the environment says.
const MISTRAL_API_BASE: &str = "https://api.mistral.ai/v1";

/// Reads the client's request.
pub(super) fn read(request: &ClientRequest) -> Result<OcrRequest, Decline> {
    let headers = admission::told(&request.headers)?;
    let content_type = headers.iter().find(|(name, _)| *name == "content-type").map(|(_, value)| *value);
    let asked = match body_kind(content_type)? {
        BodyKind::Json => parse(Body::Json(&request.body), &headers)?,
        BodyKind::Form => parse(Body::Form(&form::parts(content_type.unwrap_or_default(), &request.body)?), &headers)?,
    };
    Ok(asked)
}

/// All that can make a request undoable, found before anything is sent.
pub(super) struct Plan<'a> {
    asked: &'a OcrRequest,
    config: &'a LiteLlmConfig,
    allowance: Allowance,
}

/// What one attempt sends and how long the provider may be silent.
pub(super) struct Outbound {
    /// An exception where LiteLLM refuses the request inside the attempt; its router retries that like a failed call.
    pub request: Result<ProviderRequest, Exception>,
    pub limit: Duration,
}

impl<'a> Plan<'a> {
    /// Errors  too many retries; a candidate whose request could not be built or whose timeout LiteLLM reads in its own way:
    ///         any candidate may become the deployment of an attempt.
    pub fn new(native: &'a Native, reach: &Reach<'_>, asked: &'a OcrRequest) -> Result<Self, Decline> {
        let config = &*native.config;
        let allowance = Allowance {
            request: asked.num_retries,
            router: config.router.num_retries.or(config.settings.num_retries),
            retry_after: config.router.retry_after.unwrap_or(0.0),
        };
        let plan = Self { asked, config, allowance };
        // The document weighs megabytes and is the same for all: whether a deployment's own part can be written shows without.
        let without_document = OcrRequest {
            model: asked.model.clone(),
            document: transform::python::Value::None,
            parameters: asked.parameters.clone(),
            extra_headers: asked.extra_headers.clone(),
            timeout_seconds: asked.timeout_seconds,
            num_retries: asked.num_retries,
            refused: None,
        };
        for deployment in &reach.candidates {
            let retries = asked.num_retries.or(deployment.num_retries).or(allowance.router);
            if retries.is_some_and(|retries| retries > RETRIES_MAX) {
                return Err(Decline::TooManyRetries);
            }
            timeout::seconds(asked.timeout_seconds, deployment, config).ok_or(Decline::Timeout)?;
            mistral::request(&without_document, &target(deployment)?)?;
        }
        Ok(plan)
    }

    pub fn allowance(&self) -> Allowance {
        self.allowance
    }

    /// Builds the request of an attempt.
    pub fn outbound(&self, deployment: &Deployment) -> Result<Outbound, Decline> {
        let seconds = timeout::seconds(self.asked.timeout_seconds, deployment, self.config).ok_or(Decline::Timeout)?;
        let limit = Duration::try_from_secs_f64(seconds).map_err(|_| Decline::Timeout)?;
        let request = match mistral::refusal(self.asked, &deployment.model) {
            Some(exception) => Err(exception),
            None => Ok(mistral::request(self.asked, &target(deployment)?)?),
        };
        Ok(Outbound { request, limit })
    }
}

fn target(deployment: &Deployment) -> Result<Target<'_>, Decline> {
    let api_key = deployment.api_key.as_ref().map(Secret::expose).ok_or(transform::Decline::Connection)?;
    let api_base = deployment.api_base.as_deref().unwrap_or(MISTRAL_API_BASE);
    Ok(Target { model: &deployment.model, api_base, api_key, parameters: &deployment.params })
}

/// Where a request stands when it is answered.
pub(super) struct Standing<'a> {
    pub request: &'a ClientRequest,
    pub asked: &'a OcrRequest,
    pub deployment: &'a Deployment,
    pub retries: &'a Retries,
}

impl Standing<'_> {
    /// The client's answer to a document.
    pub fn success<E: Effects>(&self, native: &Native, document: &OcrResponse, effects: &E) -> Answer {
        // A name that is not a string of characters is in no price map: the deployment's own decides.
        let answered_model = document.model.as_str().unwrap_or(&self.deployment.model);
        let cost = ocr_cost(&native.prices, answered_model, &self.deployment.model, document.usage.as_ref());
        let taken = effects.now().saturating_duration_since(self.request.received);
        let served = Served {
            call_id: &self.request.call_id,
            model_group: &self.asked.model,
            model_id: &self.deployment.id,
            litellm_model: &self.deployment.litellm_model,
            api_base: self.deployment.api_base.as_deref().unwrap_or(MISTRAL_API_BASE),
            cost,
            duration_ms: (taken.as_secs_f64() * 1_000_000.0).round() / 1_000.0,
            attempted_retries: self.retries.attempted(),
            max_retries: self.retries.granted().unwrap_or_default(),
            is_cross_origin: self.is_cross_origin(),
        };
        self.answer(client::success(document, &served), self.retries.attempted() + 1, cost)
    }

    /// The client's answer when the router has given up.
    pub fn failure(&self, limit: Duration, exception: &Exception) -> Answer {
        let attempts = self.retries.attempted();
        let retried = attempts.saturating_sub(1);
        let given_up = GivenUp {
            model_group: &self.asked.model,
            retries: (retried > 0).then_some((retried, self.retries.granted().unwrap_or_default())),
        };
        let failed = Failed {
            call_id: &self.request.call_id,
            timeout_seconds: limit.as_secs_f64(),
            is_cross_origin: self.is_cross_origin(),
        };
        self.answer(client::error(exception, &given_up, &failed), attempts, None)
    }

    fn is_cross_origin(&self) -> bool {
        self.request.headers.contains_key(http::header::ORIGIN)
    }

    fn answer(&self, answered: Answered, attempts: u32, cost: Option<f64>) -> Answer {
        let Answered { status, headers, body } = answered;
        Answer { status, headers, body, attempts, deployment_id: self.deployment.id.clone(), cost }
    }
}
