//! Reading a client's OCR request: JSON or a form into [`OcrRequest`], or a [`Decline`].
//!
//! Declines whatever LiteLLM answers without calling the provider, and whatever makes its router do something else: both are
//! Python's to do.
//! Source: LiteLLM 1.102.4 `proxy/ocr_endpoints/endpoints.py`, `proxy/litellm_pre_call_utils.py`, `ocr/legacy.py`.

use super::body_keys::is_acted_on;
use super::multipart::{Part, fields};
use crate::decline::Decline;
use crate::llms::mistral::ocr::transformation::{SUPPORTED_PARAMETERS, extra_headers};
use crate::proxy::litellm_pre_call_utils::{body_retries, body_seconds, check_user, header_seconds};
use crate::python::json_decode::body_loads;
use crate::python::{Dict, Value, repr, type_name};

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
    /// Why every attempt fails before it calls the provider.
    pub refused: Option<Refusal>,
}

/// What LiteLLM only refuses inside an attempt, so that the router retries it like a failure of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// In the words of the `ValueError`.
    Document { text: String },
    /// `req_format: native`, which Mistral has none of.
    NativeFormat,
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
        Body::Json(bytes) => match body_loads(bytes).ok_or(Decline::InvalidJson)? {
            Value::Dict(body) => body,
            _ => return Err(Decline::BodyNotObject),
        },
        Body::Form(parts) => fields(parts)?,
    };
    if body.iter().any(|(key, _)| key.as_str().is_none_or(is_acted_on)) {
        return Err(Decline::BodyKey);
    }
    let native_format = asks_for_native_format(&body, options.request_format)?;
    check_user(&body)?;
    let document = body.get("document").ok_or(Decline::Document)?;
    let refused_document = refused_document(document)?;
    Ok(OcrRequest {
        model: model(&body)?,
        document: document.clone(),
        refused: refused_document.or_else(|| native_format.then_some(Refusal::NativeFormat)),
        parameters: parameters(&body),
        extra_headers: client_extra_headers(&body)?,
        timeout_seconds: options
            .timeout_seconds
            .map_or_else(|| body_seconds(&body, "timeout"), |seconds| Ok(Some(seconds)))?,
        num_retries: options.num_retries.map_or_else(|| body_retries(&body), |retries| Ok(Some(retries)))?,
    })
}

fn model(body: &Dict) -> Result<String, Decline> {
    // A comma makes several models of it.
    let model = body.get("model").and_then(Value::as_str).filter(|model| !model.is_empty() && !model.contains(','));
    model.map(str::to_owned).ok_or(Decline::Model)
}

/// LiteLLM only looks at the type; what the URL is, or whether there is one, is the provider's business.
///
/// Errors  what LiteLLM refuses before it has a router: files by path, files of another provider.
fn refused_document(document: &Value) -> Result<Option<Refusal>, Decline> {
    let Value::Dict(fields) = document else {
        let class = type_name(document);
        let text = format!("document must be a dict with 'type' and URL/file field, got <class '{class}'>");
        return Ok(Some(Refusal::Document { text }));
    };
    let kind = fields.get("type").unwrap_or(&Value::None);
    let is_provider_file =
        |name| fields.get(name).and_then(Value::as_str).is_some_and(|url| url.starts_with("reducto://"));
    if kind.as_str() == Some("file") || is_provider_file("document_url") || is_provider_file("image_url") {
        return Err(Decline::Document);
    }
    if matches!(kind.as_str(), Some("document_url" | "image_url")) {
        return Ok(None);
    }
    let kind = kind.as_str().map_or_else(|| repr(kind), str::to_owned);
    let text = format!("Invalid document type: {kind}. Must be 'document_url', 'image_url', or 'file'");
    Ok(Some(Refusal::Document { text }))
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

/// The body's value wins; both are trimmed and lower-cased.
fn asks_for_native_format(body: &Dict, header: Option<&str>) -> Result<bool, Decline> {
    let asked = match body.get("req_format") {
        None | Some(Value::None) => header,
        Some(value) => Some(value.as_str().ok_or(Decline::RequestFormat)?),
    };
    match asked.map(|format| format.trim().to_lowercase()).as_deref() {
        None | Some("litellm") => Ok(false),
        Some("native") => Ok(true),
        Some(_) => Err(Decline::RequestFormat),
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
            "x-litellm-timeout" => options.timeout_seconds = Some(header_seconds(value)?),
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
