//! The route `ocr`: what [`super::answer`] asks of the pure transformation, in the order of a request.

use std::time::Duration;

use transform::cost_calculator::ocr_cost;
use transform::llms::base_llm::ocr::transformation::OcrResponse;
use transform::llms::mistral::ocr::transformation::{self as mistral, Target};
use transform::proxy::common_request_processing::{self as client, Failed, Served};
use transform::proxy::ocr_endpoints::endpoints::{Body, BodyKind, OcrRequest, body_kind, parse};
use transform::{Exception, ProviderFailure, ProviderRequest};

use super::admission::Admitted;
use super::effects::ProviderStream;
use super::plan::{Counting, Plan, Standing, Unavailable};
use super::router::retry::Allowance;
use super::router::{Reach, timeout};
use super::{Answer, Body as AnswerBody, ClientRequest, Decline, Effects, Native, admission, fault, form, provider};
use crate::config::{Deployment, Secret};

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

/// A request that every deployment in reach can be asked.
pub(super) struct OcrPlan<'a> {
    native: &'a Native,
    asked: &'a OcrRequest,
    allowance: Allowance,
    /// The first candidate's provider request; the document in it, which weighs megabytes, is the same for all.
    first: Option<(&'a Deployment, ProviderRequest)>,
}

impl<'a> OcrPlan<'a> {
    /// Errors  too many retries; a candidate whose request could not be built or whose timeout LiteLLM reads in its own way:
    ///         any candidate may become the deployment of an attempt.
    pub fn new(native: &'a Native, reach: &Reach<'a>, asked: &'a OcrRequest) -> Result<Self, Decline> {
        let allowance = Allowance::of(asked.num_retries, &native.config);
        let mut plan = Self { native, asked, allowance, first: None };
        // Whether a deployment's own part can be written shows without the document.
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
            allowance.check(deployment)?;
            plan.limit(deployment)?;
            if asked.refused.is_none() && plan.first.is_none() {
                plan.first = Some((*deployment, mistral::request(asked, &target(deployment)?)?));
            } else {
                mistral::request(&without_document, &target(deployment)?)?;
            }
        }
        Ok(plan)
    }

    fn limit(&self, deployment: &Deployment) -> Result<Duration, Decline> {
        let seconds = timeout::seconds(self.asked.timeout_seconds, deployment, &self.native.config);
        seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or(Decline::Timeout)
    }

    fn outbound(&self, deployment: &Deployment) -> Option<ProviderRequest> {
        match &self.first {
            Some((first, request)) if std::ptr::eq(*first, deployment) => Some(request.clone()),
            _ => mistral::request(self.asked, &target(deployment).ok()?).ok(),
        }
    }
}

impl Plan for OcrPlan<'_> {
    type Reply<S: ProviderStream> = OcrResponse;
    type Failure = Exception;

    fn allowance(&self) -> Allowance {
        self.allowance
    }

    fn counting(&self) -> Counting {
        Counting::Nothing
    }

    fn is_logged(&self, _deployment: &Deployment) -> bool {
        true
    }

    async fn attempt<E: Effects>(
        &self,
        admitted: Admitted,
        deployment: &Deployment,
        effects: &mut E,
    ) -> Result<OcrResponse, Exception> {
        // LiteLLM refuses inside the attempt; its router retries that like a failed call.
        if let Some(refused) = mistral::refusal(self.asked, &deployment.model) {
            return Err(refused);
        }
        let outcome = match (self.outbound(deployment), self.limit(deployment)) {
            (Some(request), Ok(limit)) => provider::attempt(admitted, deployment, &request, limit, effects).await,
            // Cannot be: the plan has tried both.
            _ => Err(ProviderFailure::Other { text: "the request cannot be written".to_owned() }),
        };
        mistral::response(outcome.as_ref(), &deployment.model)
    }

    fn success<E: Effects>(
        &self,
        standing: &Standing<'_>,
        document: OcrResponse,
        effects: &E,
    ) -> Answer<AnswerBody<E::Stream>> {
        let deployment = standing.deployment;
        // A name that is not a string of characters is in no price map: the deployment's own decides.
        let answered_model = document.model.as_str().unwrap_or(&deployment.model);
        let cost = ocr_cost(&self.native.prices, answered_model, &deployment.model, document.usage.as_ref());
        let served = Served {
            call_id: &standing.request.call_id,
            model_group: &self.asked.model,
            model_id: &deployment.id,
            litellm_model: &deployment.litellm_model,
            api_base: deployment.api_base.as_deref().unwrap_or(MISTRAL_API_BASE),
            cost,
            duration_ms: standing.taken_ms(effects),
            attempted_retries: standing.retries.attempted(),
            max_retries: standing.retries.granted().unwrap_or_default(),
            is_cross_origin: standing.request.is_cross_origin(),
        };
        let attempts = standing.retries.attempted() + 1;
        let answer = Answer::of(client::success(&document, &served), attempts, &deployment.id, cost);
        fault::late(answer).map(AnswerBody::Whole)
    }

    fn failure(&self, standing: &Standing<'_>, exception: &Exception) -> Answer {
        let given_up = standing.given_up(&self.asked.model);
        let failed = Failed {
            call_id: &standing.request.call_id,
            timeout_seconds: self.limit(standing.deployment).unwrap_or_default().as_secs_f64(),
            is_cross_origin: standing.request.is_cross_origin(),
        };
        let attempts = standing.retries.attempted();
        Answer::of(client::error(exception, &given_up, &failed), attempts, &standing.deployment.id, None)
    }

    // Cannot be, as nothing is counted.
    fn unavailable(&self, unavailable: &Unavailable<'_>) -> Answer {
        let Unavailable { request, none, attempts, .. } = unavailable;
        let answered = client::no_deployments(none, &request.call_id, request.is_cross_origin());
        Answer::of(answered, *attempts, unavailable.last_id(), None)
    }
}

fn target(deployment: &Deployment) -> Result<Target<'_>, Decline> {
    let api_key = deployment.api_key.as_ref().map(Secret::expose).ok_or(transform::Decline::Connection)?;
    let api_base = deployment.api_base.as_deref().unwrap_or(MISTRAL_API_BASE);
    Ok(Target { model: &deployment.model, api_base, api_key, parameters: &deployment.params })
}
