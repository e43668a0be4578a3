//! The route `count_tokens`: one question to a provider at most, and a count of LiteLLM's own where it brings no number.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use transform::cost_calculator::PriceTable;
use transform::llms::anthropic::count_tokens::{request as provider_request, told_tokens};
use transform::llms::anthropic::experimental_pass_through::messages::transformation::Target;
use transform::proxy::anthropic_endpoints::count_tokens::{CountRequest, answered, parse, uncounted};
use transform::python::Integer;
use transform::{Answered, ProviderRequest};

use super::admission::Admitted;
use super::conversation::pick_once;
use super::router::{Reach, timeout};
use super::{Answer, Body, ClientRequest, Decline, Effects, Native, admission, provider};
use crate::config::{Deployment, Secret};

/// Bodies from this size on are counted beside the serving threads: a megabyte takes a tenth of a second, or a whole one.
const COUNTED_BESIDE_MIN: usize = 64 * 1024;
/// Counts that run beside them at once; the bodies that wait are bounded like all that are held.
const COUNTS_MAX: usize = 4;
static COUNTS: Semaphore = Semaphore::const_new(COUNTS_MAX);

/// Reads the client's request.
pub(super) fn read(request: &ClientRequest) -> Result<CountRequest, Decline> {
    let headers = admission::told_whole(&request.headers)?;
    Ok(parse(&request.body, &headers)?)
}

/// A request that every deployment in reach can be asked, and that can be counted should it not be told.
pub(super) struct CountPlan<'a> {
    native: &'a Native,
    reach: &'a Reach<'a>,
    asked: Arc<CountRequest>,
    /// One for each deployment in reach.
    outbound: Vec<Outbound<'a>>,
    limit: Duration,
}

struct Outbound<'a> {
    deployment: &'a Deployment,
    /// `None`: LiteLLM asks nobody.
    request: Option<ProviderRequest>,
    /// The name that LiteLLM counts for.
    model: &'a str,
}

impl<'a> CountPlan<'a> {
    /// Errors  a candidate that could not be asked; a name among theirs and the client's own for which LiteLLM's count is not
    ///         reproduced; a timeout that LiteLLM reads in its own way.
    pub fn new(native: &'a Native, reach: &'a Reach<'a>, asked: CountRequest) -> Result<Self, Decline> {
        let limit = timeout::of_count(&native.config).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let limit = limit.ok_or(Decline::Timeout)?;
        let outbound = reach.candidates.iter().map(|deployment| Outbound::of(deployment, &asked));
        let outbound = outbound.collect::<Result<Vec<_>, Decline>>()?;
        // Where everybody rests it is counted for the client's name.
        let mut checked: Vec<&str> = Vec::new();
        for model in outbound.iter().map(|outbound| outbound.model).chain([asked.model.as_str()]) {
            if !checked.contains(&model) {
                asked.check_local_count(model, &native.prices)?;
                checked.push(model);
            }
        }
        drop(checked);
        Ok(Self { native, reach, asked: Arc::new(asked), outbound, limit })
    }

    /// Asks, counts, answers.
    pub async fn answer<E: Effects>(
        &self,
        request: &ClientRequest,
        admitted: Admitted,
        effects: &mut E,
    ) -> Answer<Body<E::Stream>> {
        let chosen = pick_once(&self.native.config, self.reach, effects);
        let found = chosen.and_then(|one| self.outbound.iter().find(|outbound| std::ptr::eq(outbound.deployment, one)));
        let (id, model) = found.map_or(("", self.asked.model.as_str()), |found| (&found.deployment.id, found.model));
        let question = found.and_then(|found| Some((found.deployment, found.request.as_ref()?)));
        let told = match question {
            Some((deployment, question)) => {
                let outcome = provider::attempt(admitted, deployment, question, self.limit, effects).await;
                told_tokens(outcome.as_ref())
            }
            None => None,
        };
        let tokens = match told {
            Some(tokens) => Some(tokens),
            None => self.local_count(model, request.body.len()).await,
        };
        let attempts = u32::from(question.is_some());
        Answer::of(written(tokens.as_ref(), request.is_cross_origin()), attempts, id, None).map(Body::Whole)
    }

    async fn local_count(&self, model: &str, body_bytes: usize) -> Option<Integer> {
        if body_bytes < COUNTED_BESIDE_MIN {
            return self.asked.local_count(model, &self.native.prices).ok();
        }
        let _permit = COUNTS.acquire().await.ok()?;
        let (asked, prices, model) = (Arc::clone(&self.asked), Arc::clone(&self.native.prices), model.to_owned());
        let count = move || asked.local_count(&model, &prices as &PriceTable).ok();
        tokio::task::spawn_blocking(count).await.ok()?
    }
}

impl<'a> Outbound<'a> {
    fn of(deployment: &'a Deployment, asked: &CountRequest) -> Result<Self, Decline> {
        if deployment.provider != "anthropic" {
            let whole = deployment.litellm_model.as_str();
            let model = whole.split_once('/').map_or(whole, |(_, model)| model);
            return Ok(Self { deployment, request: None, model });
        }
        let api_key = deployment.api_key.as_ref().map(Secret::expose).ok_or(transform::Decline::Connection)?;
        let (model, parameters) = (deployment.model.as_str(), &deployment.params);
        // The address is Anthropic's, whatever the deployment's is.
        let target = Target { model, api_base: "", api_key, parameters, drop_params: None };
        Ok(Self { deployment, request: Some(provider_request(asked, &target)?), model })
    }
}

fn written(tokens: Option<&Integer>, is_cross_origin: bool) -> Answered {
    // Whatever could not be counted was declined before anybody was asked.
    tokens.map_or_else(|| uncounted(is_cross_origin), |tokens| answered(tokens, is_cross_origin))
}

#[cfg(test)]
mod tests {
    use std::time::{Instant, UNIX_EPOCH};

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};
    use serde_json::{Value, json};

    use super::*;
    use crate::native::effects::{Tape, TapeEffects, TapeExchange, TapeFailure, TapeOutcome};
    use crate::native::{Native, answer, tests_support};
    use crate::routes::Route;

    fn native(settings: Value) -> Native {
        let deployment = |group: &str, model: &str| json!({"model_name": group, "litellm_params": {"model": model, "api_key": "k"}, "model_info": {"id": model}});
        let mut models =
            vec![deployment("claude", "anthropic/claude-sonnet-4-5"), deployment("other", "mistral/mistral-large")];
        models.push(deployment("asked", "openai/gpt-4o"));
        models
            .extend([deployment("mixed", "mistral/mistral-small"), deployment("mixed", "anthropic/claude-haiku-4-5")]);
        let settings = json!({"litellm_settings": settings}).as_object().cloned().unwrap_or_default();
        tests_support::recorded_native(&json!(models), &settings, b"{}")
    }

    fn answered_with(status: u16, body: &str) -> TapeOutcome {
        let (headers, pieces) = (vec![], vec![]);
        TapeOutcome::Response { status, headers, body: Bytes::copy_from_slice(body.as_bytes()), pieces, cut: None }
    }

    /// The client's body and what was asked on a tape with these exchanges; or why it is Python's.
    async fn run(
        native: &Native,
        body: Value,
        tape: Vec<(&str, TapeOutcome)>,
    ) -> Result<(String, Vec<String>), Decline> {
        let exchange = |(id, outcome): (&str, TapeOutcome)| TapeExchange {
            deployment_id: id.to_owned(),
            outcome,
            elapsed_ms: 0,
            at_unix_ms: 0,
        };
        let received = Instant::now();
        let mut effects =
            TapeEffects::new(Tape { exchanges: tape.into_iter().map(exchange).collect() }, received, UNIX_EPOCH);
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Bearer sk-1234"));
        let (path, call_id) = ("/v1/messages/count_tokens".to_owned(), "call".to_owned());
        let (route, body) = (Route::CountTokens, Bytes::from(body.to_string()));
        let request = ClientRequest { route, method: Method::POST, path, headers, body, received, call_id };
        let answered = answer(native, &request, &mut effects).await?.whole(usize::MAX).await.unwrap();
        let asked: Vec<String> = effects.asked().iter().map(|asked| asked.request.url.clone()).collect();
        assert_eq!((answered.status, answered.attempts as usize), (200, asked.len().min(1)));
        Ok((String::from_utf8_lossy(&answered.body).into_owned(), asked))
    }

    async fn check(group: &str, tape: Vec<(&str, TapeOutcome)>, tokens: u64, sends: usize) {
        let body = json!({"model": group, "messages": [{"role": "user", "content": "hi there"}]});
        let (answer, asked) = run(&native(json!({})), body, tape).await.unwrap();
        let url = transform::llms::anthropic::count_tokens::URL.to_owned();
        assert_eq!((answer, asked), (format!(r#"{{"input_tokens":{tokens}}}"#), vec![url; sends]), "{group}");
    }

    #[tokio::test]
    async fn one_question_at_most_and_then_a_count() {
        let (claude, haiku) = ("anthropic/claude-sonnet-4-5", "anthropic/claude-haiku-4-5");
        check("claude", vec![(claude, answered_with(200, r#"{"input_tokens":42}"#))], 42, 1).await;
        check(
            "claude",
            vec![(claude, answered_with(529, "{}")), (claude, answered_with(200, r#"{"input_tokens":42}"#))],
            9,
            1,
        )
        .await;
        check("claude", vec![(claude, TapeOutcome::Failure(TapeFailure::Reset)); 3], 9, 2).await;
        check("claude", vec![(claude, TapeOutcome::Failure(TapeFailure::Timeout))], 9, 1).await;
        check("other", vec![], 9, 0).await;
        check("mixed", vec![(haiku, answered_with(200, r#"{"input_tokens":7}"#))], 7, 1).await;
        check("anthropic/claude-haiku-4-5", vec![(haiku, answered_with(200, r#"{"input_tokens":7}"#))], 7, 1).await;
    }

    #[tokio::test]
    async fn what_could_not_be_counted_is_declined_before_anybody_is_asked() {
        let body =
            |group: &str, block: Value| json!({"model": group, "messages": [{"role": "user", "content": [block]}]});
        let plain = native(json!({}));
        let text = json!({"type": "text", "text": "hi"});
        let shape = Decline::Transform(transform::Decline::MessageShape);
        assert_eq!(
            run(&plain, body("claude", json!({"type": "redacted_thinking", "data": "x"})), vec![]).await,
            Err(shape)
        );
        // LiteLLM asks OpenAI to count.
        assert_eq!(run(&plain, body("asked", text.clone()), vec![]).await, Err(Decline::Deployment));
        assert_eq!(run(&plain, body("nobody", text.clone()), vec![]).await, Err(Decline::UnknownModel));
        let instant = native(json!({"request_timeout": 0}));
        assert_eq!(run(&instant, body("claude", text.clone()), vec![]).await, Err(Decline::Timeout));
        let disabled = native(json!({"disable_token_counter": true}));
        assert_eq!(run(&disabled, body("claude", text), vec![]).await, Err(Decline::Configuration));
    }

    /// More than may count at once, and every one gets its number.
    #[tokio::test]
    async fn long_texts_are_counted_beside_the_serving_threads() {
        let native = native(json!({}));
        let long =
            |bytes: usize| json!({"model": "other", "messages": [{"role": "user", "content": "a ".repeat(bytes / 2)}]});
        let runs = (0..COUNTS_MAX + 2).map(|_| run(&native, long(COUNTED_BESIDE_MIN), vec![]));
        let counts = futures_util::future::join_all(runs).await;
        assert!(counts.iter().all(|count| count.is_ok() && *count == counts[0]), "{counts:?}");
        assert_eq!(COUNTS.available_permits(), COUNTS_MAX);
    }
}
