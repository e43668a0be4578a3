//! Reading a client's OCR request: JSON or a form into [`OcrRequest`], or a [`Decline`].
//!
//! Declines whatever LiteLLM answers without calling the provider, and whatever makes its router do something else: both are
//! Python's to do.
//! Source: LiteLLM 1.102.4 `proxy/ocr_endpoints/endpoints.py`, `proxy/litellm_pre_call_utils.py`, `ocr/legacy.py`.

use super::body_keys::is_acted_on;
use super::multipart::{Part, fields};
use crate::decline::Decline;
use crate::llms::mistral::ocr::transformation::{SUPPORTED_PARAMETERS, extra_headers};
use crate::python::json_decode::orjson_loads;
use crate::python::{Dict, Value};

/// What of a client's request matters to an OCR call.
#[derive(Clone, Debug, PartialEq)]
pub struct OcrRequest {
    /// The model group as the client names it; also the `model` of its answer.
    pub model: String,
    pub document: Value,
    /// Options for the provider, in [`SUPPORTED_PARAMETERS`]' order.
    pub parameters: Vec<(&'static str, Value)>,
    /// Present, even if empty, where they replace the deployment's own.
    pub extra_headers: Option<Vec<(String, String)>>,
    /// Seconds; wins over the deployment's and the router's.
    pub timeout_seconds: Option<f64>,
    /// Wins over the deployment's and the router's.
    pub num_retries: Option<u32>,
}

/// The body in the two shapes LiteLLM reads.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    Json(&'a [u8]),
    /// Parts of `multipart/form-data` in the order received.
    Form(&'a [Part]),
}

/// How to read a body of this content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    Json,
    Form,
}

/// Tells a form from JSON; anything that isn't called a form is read as JSON, whatever it is called.
pub fn body_kind(content_type: Option<&str>) -> Result<BodyKind, Decline> {
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    if !content_type.contains("form") {
        return Ok(BodyKind::Json);
    }
    // A charset would change how Starlette reads the fields.
    if content_type.starts_with("multipart/form-data") && !content_type.contains("charset") {
        return Ok(BodyKind::Form);
    }
    Err(Decline::ContentType)
}

/// Reads a client's request. Header names are lower-case.
pub fn parse(body: Body<'_>, headers: &[(&str, &str)]) -> Result<OcrRequest, Decline> {
    let options = header_options(headers)?;
    let body = match body {
        Body::Json(bytes) => match orjson_loads(bytes).ok_or(Decline::InvalidJson)? {
            Value::Dict(body) => body,
            _ => return Err(Decline::BodyNotObject),
        },
        Body::Form(parts) => fields(parts)?,
    };
    if body.iter().any(|(key, _)| key.as_str().is_none_or(is_acted_on)) {
        return Err(Decline::BodyKey);
    }
    check_request_format(&body, options.request_format)?;
    check_user(&body)?;
    Ok(OcrRequest {
        model: model(&body)?,
        document: document(&body)?,
        parameters: parameters(&body),
        extra_headers: client_extra_headers(&body)?,
        timeout_seconds: options.timeout_seconds.map_or_else(|| body_timeout(&body), |seconds| Ok(Some(seconds)))?,
        num_retries: options.num_retries.map_or_else(|| body_retries(&body), |retries| Ok(Some(retries)))?,
    })
}

fn model(body: &Dict) -> Result<String, Decline> {
    // A comma makes several models of it.
    let model = body.get("model").and_then(Value::as_str).filter(|model| !model.is_empty() && !model.contains(','));
    model.map(str::to_owned).ok_or(Decline::Model)
}

/// LiteLLM only looks at the type; what the URL is, or whether there is one, is the provider's business.
fn document(body: &Dict) -> Result<Value, Decline> {
    let document = body.get("document").ok_or(Decline::Document)?;
    let Value::Dict(fields) = document else {
        return Err(Decline::Document);
    };
    if !matches!(fields.get("type").and_then(Value::as_str), Some("document_url" | "image_url")) {
        return Err(Decline::Document);
    }
    let is_provider_file =
        |name| fields.get(name).and_then(Value::as_str).is_some_and(|url| url.starts_with("reducto://"));
    if is_provider_file("document_url") || is_provider_file("image_url") {
        return Err(Decline::Document);
    }
    Ok(document.clone())
}

fn parameters(body: &Dict) -> Vec<(&'static str, Value)> {
    SUPPORTED_PARAMETERS.iter().filter_map(|&name| Some((name, body.get(name)?.clone()))).collect()
}

fn client_extra_headers(body: &Dict) -> Result<Option<Vec<(String, String)>>, Decline> {
    match body.get("extra_headers") {
        None => Ok(None),
        Some(Value::None) => Ok(Some(Vec::new())),
        Some(Value::Dict(headers)) => extra_headers(headers).map(Some),
        Some(_) => Err(Decline::ExtraHeaders),
    }
}

/// The body's value wins; both are trimmed and lower-cased, and only LiteLLM's own format is served here.
fn check_request_format(body: &Dict, header: Option<&str>) -> Result<(), Decline> {
    let is_own = |value: &str| value.trim().eq_ignore_ascii_case("litellm");
    let accepted = match body.get("req_format") {
        None | Some(Value::None) => header.is_none_or(is_own),
        Some(value) => value.as_str().is_some_and(is_own),
    };
    if accepted { Ok(()) } else { Err(Decline::RequestFormat) }
}

/// An end user is only looked up in a database, which makes the deployment decline elsewhere; anything but a name is odd.
fn check_user(body: &Dict) -> Result<(), Decline> {
    match body.get("user") {
        None | Some(Value::None) | Some(Value::Str(_)) => Ok(()),
        Some(_) => Err(Decline::BodyKey),
    }
}

/// `float(timeout)`: a number, or a string that is one.
fn body_timeout(body: &Dict) -> Result<Option<f64>, Decline> {
    let seconds = match body.get("timeout") {
        None | Some(Value::None) => return Ok(None),
        Some(Value::Int(integer)) => integer.to_float(),
        Some(Value::Float(float)) => Some(*float),
        _ => None,
    };
    seconds.filter(is_usable_timeout).map(Some).ok_or(Decline::RouterOption)
}

fn is_usable_timeout(seconds: &f64) -> bool {
    seconds.is_finite() && *seconds > 0.0
}

fn body_retries(body: &Dict) -> Result<Option<u32>, Decline> {
    match body.get("num_retries") {
        None | Some(Value::None) => Ok(None),
        Some(Value::Int(integer)) => integer.digits().parse().map(Some).map_err(|_| Decline::RouterOption),
        Some(_) => Err(Decline::RouterOption),
    }
}

/// What request headers say about the call; they win over the body.
#[derive(Default)]
struct HeaderOptions<'a> {
    timeout_seconds: Option<f64>,
    num_retries: Option<u32>,
    request_format: Option<&'a str>,
}

fn header_options<'a>(headers: &[(&'a str, &'a str)]) -> Result<HeaderOptions<'a>, Decline> {
    let mut options = HeaderOptions::default();
    for &(name, value) in headers {
        match name {
            "x-litellm-timeout" => options.timeout_seconds = Some(header_timeout(value)?),
            "x-litellm-num-retries" => options.num_retries = Some(value.parse().map_err(|_| Decline::RouterOption)?),
            "x-req-format" => options.request_format = Some(value),
            // Of streams, of logs, or the host's to read.
            "x-litellm-stream-timeout"
            | "x-litellm-trace-id"
            | "x-litellm-session-id"
            | "x-litellm-call-id"
            | "x-litellm-api-key" => {}
            _ if name.starts_with("x-litellm-") => return Err(Decline::RequestHeader),
            _ => {}
        }
    }
    Ok(options)
}

fn header_timeout(value: &str) -> Result<f64, Decline> {
    value.parse().ok().filter(is_usable_timeout).ok_or(Decline::RouterOption)
}
