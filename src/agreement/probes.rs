//! The requests of a round. None reaches a deployment, a provider or a counter.

use bytes::Bytes;

use crate::config::Secret;

/// What to send to LiteLLM. The host adds nothing but `host` and `content-length`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: &'static str,
    pub path: &'static str,
    /// May hold the master key.
    pub headers: Vec<(&'static str, Secret)>,
    pub body: Bytes,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// `x-litellm-version`, if sent.
    pub version: Option<String>,
    pub body: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// Version, database, cache and callbacks.
    Readiness,
    /// The deployments.
    ModelInfo,
    /// Tells Python's OCR from LiteLLM's own Rust, and that the master key is accepted.
    Ocr,
    /// The same without a key.
    OcrWithoutKey,
    /// The router's settings. LiteLLM reads its file again for this one, so it is asked rarely.
    Settings,
    /// 1.8 MB, so it is asked rarely.
    PriceMap,
}

impl Probe {
    /// Asked in every round.
    pub const QUICK: [Probe; 4] = [Probe::Readiness, Probe::ModelInfo, Probe::Ocr, Probe::OcrWithoutKey];
    /// Asked when something may have changed, and now and then.
    pub const SLOW: [Probe; 2] = [Probe::Settings, Probe::PriceMap];

    /// The request; `master_key` is left out where the probe is about its absence.
    pub fn request(self, master_key: Option<&Secret>) -> Request {
        let (method, path) = match self {
            Probe::Readiness => ("GET", "/health/readiness/details"),
            Probe::ModelInfo => ("GET", "/v1/model/info"),
            Probe::Ocr | Probe::OcrWithoutKey => ("POST", "/v1/ocr"),
            Probe::Settings => ("GET", "/get/config/callbacks"),
            Probe::PriceMap => ("GET", "/public/litellm_model_cost_map"),
        };
        let mut headers = Vec::new();
        if let Some(key) = master_key
            && !matches!(self, Probe::OcrWithoutKey | Probe::PriceMap)
        {
            headers.push(("authorization", Secret::new(format!("Bearer {}", key.expose()))));
        }
        let mut body = Bytes::new();
        if matches!(self, Probe::Ocr | Probe::OcrWithoutKey) {
            let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
            headers.push(("content-type", Secret::new(content_type)));
            body = Bytes::from(upload());
        }
        Request { method, path, headers, body }
    }
}

const BOUNDARY: &str = "crossfade-agreement-probe";
/// Python guesses a MIME type from this name, finds it malformed and refuses the upload while it parses the form.
/// LiteLLM's Rust does not know `data:` names, accepts the upload, and the request ends one step later because it
/// names no model. Both ends lie before the router.
///
/// Source: litellm/ocr/legacy.py `get_mime_type`, litellm/ocr/input.py `convert_upload_to_url_document` @ 1.102.4
const FILE_NAME: &str = "data:crossfade probe/x,y";
/// What Python says of it.
pub const PYTHON_SAYS: &str = "Invalid MIME type: crossfade probe/x";

fn upload() -> String {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{FILE_NAME}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\nx\r\n--{BOUNDARY}--\r\n"
    )
}
