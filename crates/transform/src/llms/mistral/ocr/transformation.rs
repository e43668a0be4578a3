//! One OCR attempt on Mistral: the request out, the answer in.
//!
//! Source: LiteLLM 1.102.4 `llms/mistral/ocr/transformation.py`; the address also by `llms/mistral/chat/transformation.py`.

use crate::answer::{ProviderFailure, ProviderRequest, ProviderResponse};
use crate::decline::Decline;
use crate::exceptions::Exception;
use crate::litellm_core_utils::exception_mapping_utils::{Raised, exception_type};
use crate::llms::base_llm::ocr::transformation::OcrResponse;
use crate::llms::custom_httpx::llm_http_handler::answered_body;
use crate::proxy::ocr_endpoints::endpoints::{OcrRequest, Refusal};
use crate::python::bytes_decode::json_text;
use crate::python::json_encode::httpx_json;
use crate::python::{Dict, Text, Value, json_decode, type_name};

/// The options that reach Mistral, in the order they are written.
pub const SUPPORTED_PARAMETERS: [&str; 13] = [
    "pages",
    "include_image_base64",
    "image_limit",
    "image_min_size",
    "bbox_annotation_format",
    "document_annotation_format",
    "document_annotation_prompt",
    "extract_header",
    "extract_footer",
    "table_format",
    "confidence_scores_granularity",
    "include_blocks",
    "id",
];

/// How deep CPython's decoder nests at the point where LiteLLM calls it (measured; the interpreter's limit is 1000 frames).
const ANSWER_DEPTH_MAX: usize = 969;

/// A deployment as its config describes it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Without the provider in front.
    pub model: &'a str,
    pub api_base: &'a str,
    pub api_key: &'a str,
    /// All of its `litellm_params`, in order, environment resolved.
    pub parameters: &'a serde_json::Map<String, serde_json::Value>,
}

/// Builds the request of one attempt.
///
/// Shape   client options win over the deployment's own, even a null; headers end with the extra ones.
/// Errors  what can't be written exactly: NaN, extra headers that collide with LiteLLM's own. Also a request that LiteLLM
///         refuses: a host that knows [`refusal`] asks it first and never gets here.
pub fn request(request: &OcrRequest, target: &Target<'_>) -> Result<ProviderRequest, Decline> {
    if let Some(refusal) = &request.refused {
        return Err(declined(refusal));
    }
    let body = httpx_json(&provider_body(request, target)?).map_err(|_| Decline::Unwritable)?;
    let mut headers = vec![
        ("accept".to_owned(), "*/*".to_owned()),
        ("accept-encoding".to_owned(), "gzip, deflate".to_owned()),
        ("user-agent".to_owned(), format!("litellm/{}", crate::LITELLM_VERSION)),
        ("authorization".to_owned(), format!("Bearer {}", target.api_key)),
    ];
    match &request.extra_headers {
        Some(extra) => headers.extend(extra.iter().cloned()),
        None => headers.extend(deployment_headers(target)?),
    }
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    Ok(ProviderRequest { method: "POST", url: complete_url(target.api_base), headers, body: body.into() })
}

/// What an attempt raises instead of calling the provider, if anything; the router treats it like a failed call.
///
/// `model` is the deployment's, without its provider.
pub fn refusal(request: &OcrRequest, model: &str) -> Option<Exception> {
    match request.refused.as_ref()? {
        Refusal::Document { text } => Some(exception_type(raised(text.clone()), model)),
        Refusal::NativeFormat => {
            let message = format!(
                "litellm.UnsupportedParamsError: `req_format='native'` is not supported for provider: mistral, model: {model}"
            );
            Some(Exception::refused("mistral", model, message))
        }
    }
}

fn declined(refusal: &Refusal) -> Decline {
    match refusal {
        Refusal::Document { .. } => Decline::Document,
        Refusal::NativeFormat => Decline::RequestFormat,
    }
}

/// Where OCR requests of this base go: LiteLLM appends the version, then what it takes for missing.
pub fn complete_url(api_base: &str) -> String {
    let versioned = if api_base.ends_with("/v1") { api_base.to_owned() } else { format!("{api_base}/v1") };
    format!("{versioned}/ocr")
}

fn provider_body(request: &OcrRequest, target: &Target<'_>) -> Result<Value, Decline> {
    let mut body = Dict::default();
    body.push(Text::from("model"), Value::Str(Text::from(target.model)));
    body.push(Text::from("document"), request.document.clone());
    for name in SUPPORTED_PARAMETERS {
        let of_client = request.parameters.iter().find(|(parameter, _)| *parameter == name);
        let value = match (of_client, target.parameters.get(name)) {
            (Some((_, value)), _) => value.clone(),
            (None, Some(value)) => from_config(value)?,
            (None, None) => continue,
        };
        body.push(Text::from(name), value);
    }
    Ok(Value::Dict(body))
}

fn from_config(value: &serde_json::Value) -> Result<Value, Decline> {
    let spelled = serde_json::to_vec(value).map_err(|_| Decline::Unwritable)?;
    json_decode::orjson_loads(&spelled).ok_or(Decline::Unwritable)
}

pub(super) fn deployment_headers(target: &Target<'_>) -> Result<Vec<(String, String)>, Decline> {
    match target.parameters.get("extra_headers") {
        None | Some(serde_json::Value::Null) => Ok(Vec::new()),
        Some(value) => match from_config(value)? {
            Value::Dict(headers) => extra_headers(&headers),
            _ => Err(Decline::ExtraHeaders),
        },
    }
}

/// Headers of a client or a deployment, as they reach the wire: lower-case, in order.
///
/// Errors  names LiteLLM sends itself (they would move or replace), values that aren't plain ASCII strings.
pub(crate) fn extra_headers(headers: &Dict) -> Result<Vec<(String, String)>, Decline> {
    const OWN: [&str; 10] = [
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "user-agent",
        "authorization",
        "content-length",
        "content-type",
        "transfer-encoding",
        "cookie",
    ];
    let mut sent: Vec<(String, String)> = Vec::with_capacity(headers.len());
    for (name, value) in headers.iter() {
        let (Some(name), Some(value)) = (name.as_str(), value.as_str()) else {
            return Err(Decline::ExtraHeaders);
        };
        let name = name.to_ascii_lowercase();
        let repeated = sent.iter().any(|(earlier, _)| *earlier == name);
        if repeated || OWN.contains(&name.as_str()) || !is_token(&name) || !is_plain(value) {
            return Err(Decline::ExtraHeaders);
        }
        sent.push((name, value.to_owned()));
    }
    Ok(sent)
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn is_plain(value: &str) -> bool {
    let trimmed = value.trim_matches(' ');
    trimmed == value && !value.is_empty() && value.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// Reads one attempt's outcome.
///
/// `model` is the deployment's, without its provider.
pub fn response(outcome: Result<&ProviderResponse, &ProviderFailure>, model: &str) -> Result<OcrResponse, Exception> {
    answered_body(outcome).and_then(|body| read(&body, model)).map_err(|raised| exception_type(raised, model))
}

fn read(body: &[u8], model: &str) -> Result<OcrResponse, Raised> {
    let text = json_text(body).map_err(raised)?;
    let answer = json_decode::loads(&text, ANSWER_DEPTH_MAX).map_err(|error| raised(error.to_string()))?;
    let Value::Dict(answer) = answer else {
        let text = format!("'{}' object has no attribute 'keys'", type_name(&answer));
        return Err(Raised { is_attribute_error: true, ..raised(text) });
    };
    let (no_pages, own_model) = (Value::List(Vec::new()), Value::Str(Text::from(model)));
    OcrResponse::validate(
        answer.get("pages").unwrap_or(&no_pages),
        answer.get("model").unwrap_or(&own_model),
        answer.get("document_annotation").unwrap_or(&Value::None),
        answer.get("usage_info").unwrap_or(&Value::None),
    )
    .map_err(|issues| raised(issues.text("OCRResponse")))
}

fn raised(text: String) -> Raised {
    Raised { text, status: None, headers: Vec::new(), is_attribute_error: false }
}
