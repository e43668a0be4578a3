//! The native leg on a tape: a configuration with every provider, and one exchange at most.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, UNIX_EPOCH};

use bytes::Bytes;
use crossfade::config::{LiteLlmConfig, litellm};
use crossfade::native::{
    Answer, AuthMode, ClientRequest, Decline, Native, Tape, TapeEffects, TapeExchange, TapeOutcome, answer,
};
use crossfade::routes::Route;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use transform::ProviderRequest;
use transform::cost_calculator::PriceTable;

/// More than any answer here may weigh.
const ANSWER_BYTES_MAX: usize = 1 << 28;

const CONFIG: &str = r#"
litellm_settings: {num_retries: 0}
model_list:
- {model_name: ocr, litellm_params: {model: mistral/mistral-ocr-latest, api_base: "http://p/v1", api_key: k}, model_info: {id: ocr}}
- {model_name: claude, litellm_params: {model: anthropic/claude-sonnet-4-5, api_base: "http://p", api_key: k}, model_info: {id: claude}}
- {model_name: opus, litellm_params: {model: anthropic/claude-opus-4-8, api_base: "http://p", api_key: k}, model_info: {id: opus}}
- {model_name: gpt, litellm_params: {model: openai/gpt-4o, api_base: "http://p/v1", api_key: k}, model_info: {id: gpt}}
- {model_name: gpt-5, litellm_params: {model: openai/gpt-5, api_base: "http://p/v1", api_key: k}, model_info: {id: gpt-5}}
- {model_name: o3, litellm_params: {model: openai/o3-mini, api_base: "http://p/v1", api_key: k}, model_info: {id: o3}}
"#;

/// The models of the corpus that prices are looked up for.
const PRICES: &[&[u8]] = &[
    include_bytes!("../../tests/corpus/chat/price_map.json"),
    include_bytes!("../../tests/corpus/chat_anthropic/price_map.json"),
    include_bytes!("../../tests/corpus/ocr/price_map.json"),
];

/// What came of a request.
pub struct Outcome {
    pub answer: Result<Answer, Decline>,
    pub asked: Vec<ProviderRequest>,
}

/// A request on an empty tape, or on one with `exchange` alone.
pub fn ask(route: Route, headers: &[(&str, &str)], body: &[u8], exchange: Option<TapeOutcome>) -> Outcome {
    let (native, started) = native();
    let headers: HeaderMap = headers.iter().map(|(name, value)| header(name, value)).collect();
    let path = match route {
        Route::Ocr => "/v1/ocr",
        Route::Messages => "/v1/messages",
        _ => "/v1/chat/completions",
    };
    let request = ClientRequest {
        route,
        method: Method::POST,
        path: path.to_owned(),
        headers,
        body: Bytes::copy_from_slice(body),
        received: *started,
        call_id: "call".to_owned(),
    };
    let exchanges =
        exchange.map(|outcome| TapeExchange { deployment_id: "any".to_owned(), outcome, elapsed_ms: 1, at_unix_ms: 1 });
    let tape = Tape { exchanges: exchanges.into_iter().collect() };
    let mut effects = TapeEffects::new(tape, *started, UNIX_EPOCH);
    let answer = answer(native, &request, &mut effects).now_or_never().expect("a tape never waits");
    let answer = answer.map(|answer| {
        let whole = answer.whole(ANSWER_BYTES_MAX).now_or_never().expect("a tape never waits");
        whole.expect("an answer is bounded")
    });
    Outcome { answer, asked: effects.asked().iter().map(|asked| asked.request.clone()).collect() }
}

fn header(name: &str, value: &str) -> (HeaderName, HeaderValue) {
    (HeaderName::try_from(name).expect("a name"), HeaderValue::try_from(value).expect("a value"))
}

/// Prices of every model in the configuration.
pub fn prices() -> &'static PriceTable {
    &native().0.prices
}

fn native() -> &'static (Native, Instant) {
    static NATIVE: OnceLock<(Native, Instant)> = OnceLock::new();
    NATIVE.get_or_init(|| {
        let native = Native { config: Arc::new(config(CONFIG)), auth: AuthMode::ProvenOpen, prices: Arc::new(table()) };
        (native, Instant::now())
    })
}

fn table() -> PriceTable {
    let mut all = serde_json::Map::new();
    for map in PRICES {
        all.extend(serde_json::from_slice::<serde_json::Map<_, _>>(map).expect("a price map"));
    }
    let all = serde_json::Value::Object(all).to_string();
    PriceTable::from_price_map_json(all.as_bytes()).expect("a price map")
}

fn config(text: &str) -> LiteLlmConfig {
    let read = |_: &Path| Ok(Some(text.as_bytes().to_vec()));
    litellm::load_with(Path::new("config.yaml"), &read, &|_| None).expect("a configuration")
}
