//! One case on the native leg, judged.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use cutover::lane::LaneId;
use cutover::rules::Rules;
use cutover::time::Date;
use cutover::verdict::{Judgement, Pair, Verdict, judge};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::case::Case;
use crate::native::{self, AuthMode, ClientRequest, Native, Tape, TapeEffects, provider};
use crate::routes::Route;
use crate::shadow::pair::{HeaderList, Recorded, RecordedCall};

/// Runs cases on the native leg.
pub struct Replayer {
    pub native: Native,
    pub rules: Rules,
    pub today: Date,
}

/// What became of a case.
#[derive(Debug)]
pub struct Finding {
    pub id: String,
    pub result: Result,
}

/// Of one case.
#[derive(Debug)]
pub enum Result {
    Judged(Box<Judgement>),
    /// The native leg leaves it to Python, for this reason.
    Declined(&'static str),
    /// It could not be run, and why.
    Failed(String),
}

/// The control's side of a case.
pub struct Control {
    /// `None`: provider requests are not compared.
    pub attempts: Option<Vec<RecordedCall>>,
    pub status: u16,
    pub headers: HeaderList,
    pub body: bytes::Bytes,
}

impl Finding {
    pub fn verdict(&self) -> &'static str {
        match &self.result {
            Result::Judged(judgement) => judgement.verdict.as_str(),
            Result::Declined(_) => "declined",
            Result::Failed(_) => "failed",
        }
    }

    /// Whether this alone makes the run fail.
    pub fn is_fault(&self) -> bool {
        match &self.result {
            Result::Judged(judgement) => judgement.verdict == Verdict::Mismatch,
            Result::Declined(_) => false,
            Result::Failed(_) => true,
        }
    }
}

impl Replayer {
    /// Runs a case against the control that is written in it.
    pub async fn recorded(&self, case: &Case) -> Finding {
        let Some(written) = &case.control else {
            let text = "it has no control; give --against the address of a LiteLLM".to_owned();
            return Finding { id: case.id.clone(), result: Result::Failed(text) };
        };
        let attempts = written.attempts.as_ref().map(|attempts| {
            let call = |attempt: &super::case::Attempt| RecordedCall {
                method: attempt.method.clone(),
                url: attempt.url.clone(),
                headers: attempt.headers.clone(),
                body: attempt.body.bytes().unwrap_or_default(),
            };
            attempts.iter().map(call).collect()
        });
        let control = Control {
            attempts,
            status: written.status,
            headers: written.headers.clone(),
            body: written.body.bytes().unwrap_or_default(),
        };
        self.judged(case, case.tape(), control).await
    }

    /// Runs a case on this tape against this control.
    pub async fn judged(&self, case: &Case, tape: Tape, control: Control) -> Finding {
        let result = self.run(case, tape, control).await.unwrap_or_else(|result| result);
        Finding { id: case.id.clone(), result }
    }

    async fn run(&self, case: &Case, tape: Tape, control: Control) -> std::result::Result<Result, Result> {
        let request = self.request(case).map_err(Result::Failed)?;
        // What LiteLLM dates by its own clock has to look like a date.
        let mut effects = TapeEffects::new(tape, request.received, SystemTime::now());
        let answer = native::answer(&self.native, &request, &mut effects).await;
        let answer = answer.map_err(|decline| Result::Declined(decline.reason()))?;
        let deployment_id = answer.deployment_id.clone();
        let whole = answer.whole(provider::BODY_BYTES_MAX).await;
        let answer = whole.ok_or_else(|| Result::Failed("its answer is too large".to_owned()))?;
        let candidate = Recorded::of_candidate(&answer, effects.asked());
        let control = Recorded {
            attempts: control.attempts.unwrap_or_else(|| candidate.attempts.clone()),
            status: control.status,
            headers: crate::shadow::pair::without_date(control.headers),
            body: control.body,
        };
        let lane = self.lane(request.route, &deployment_id);
        let pair = Pair { lane: &lane, control: control.as_leg(), candidate: candidate.as_leg() };
        Ok(Result::Judged(Box::new(judge(&pair, &self.rules.resolve(&lane), self.today))))
    }

    fn lane(&self, route: Route, deployment_id: &str) -> LaneId {
        let deployment = self.native.config.deployments.iter().find(|one| one.id == deployment_id);
        let (provider, group) = deployment.map_or(("unknown", ""), |one| (&*one.provider, &*one.model_name));
        crate::controller::lane_id(route, provider, group, &self.rules)
    }

    /// The client's request as the listener would have read it, with the configuration's key where it has none.
    pub fn request(&self, case: &Case) -> std::result::Result<ClientRequest, String> {
        let written = &case.request;
        let method = Method::from_bytes(written.method.as_bytes()).map_err(|_| "its method is none".to_owned())?;
        let path = written.path.split('?').next().unwrap_or_default();
        let route = Route::of(&method, path).ok_or_else(|| format!("{path} is no route of the native leg"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &written.headers {
            let name = HeaderName::try_from(name).map_err(|_| format!("the header name `{name}` is none"))?;
            let value = HeaderValue::try_from(value).map_err(|_| format!("the value of header `{name}` is none"))?;
            headers.append(name, value);
        }
        if !headers.contains_key(http::header::CONTENT_TYPE) {
            headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let (AuthMode::MasterKey(key), None) = (&self.native.auth, native::admission::presented(&headers)) {
            let value = HeaderValue::try_from(format!("Bearer {}", key.expose()));
            headers.insert(http::header::AUTHORIZATION, value.map_err(|_| "the master key is no header".to_owned())?);
        }
        let call_id = headers.get("x-litellm-call-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(ClientRequest {
            route,
            method,
            path: written.path.clone(),
            headers,
            body: written.body.bytes().unwrap_or_default(),
            received: Instant::now(),
            call_id: call_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
        })
    }
}

/// A native leg for cases: admission as configured, since nobody else calls.
pub fn native(config: crate::config::LiteLlmConfig, prices: transform::cost_calculator::PriceTable) -> Native {
    let auth = config.general.master_key.clone().map_or(AuthMode::ProvenOpen, AuthMode::MasterKey);
    Native { config: Arc::new(config), auth, prices: Arc::new(prices) }
}
