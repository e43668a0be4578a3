//! What arrived: which case a request belongs to, its body, and the record a test reads back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::Incoming;
use sha2::{Digest as _, Sha256};

use crate::body::Broken;
use crate::script::{Progress, Seen, unix_seconds};

/// Largest body kept for a test to read back; of larger ones only length and digest stay.
const KEPT_BODY_LIMIT: usize = 4 << 20;

/// A body as it arrived: `kept` is empty when it was larger than [`KEPT_BODY_LIMIT`].
pub struct Arrived {
    pub kept: Bytes,
    pub length: u64,
    pub digest: Option<String>,
}

impl Arrived {
    /// No body at all.
    pub fn empty() -> Self {
        Self { kept: Bytes::new(), length: 0, digest: None }
    }
}

/// The case a request belongs to and its path without the case's prefix.
pub fn case_of(request: &Request<Incoming>, record: bool) -> (Option<String>, String) {
    let full = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if let Some((name, rest)) = full.strip_prefix("/s/").and_then(|rest| rest.split_once('/')) {
        return (Some(name.to_owned()), format!("/{rest}"));
    }
    let header = request.headers().get("x-mock-case").and_then(|value| value.to_str().ok());
    (header.map(str::to_owned).or_else(|| record.then(|| "default".to_owned())), full.to_owned())
}

/// Reads the whole body; keeps it if it is not too large, digests it if `digest`.
pub async fn read(request: &mut Request<Incoming>, digest: bool) -> Result<Arrived, Broken> {
    let body = request.body_mut();
    let mut hasher = digest.then(Sha256::new);
    let mut first: Option<Bytes> = None;
    let mut kept = BytesMut::new();
    let mut length = 0_u64;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Broken)?.into_data() else {
            continue;
        };
        length += data.len() as u64;
        if let Some(hasher) = &mut hasher {
            hasher.update(&data);
        }
        // One frame is the common case and needs no copy.
        match first.take() {
            None if kept.is_empty() && length == data.len() as u64 => first = Some(data),
            earlier => {
                if let Some(earlier) = earlier {
                    kept.extend_from_slice(&earlier);
                }
                if length <= KEPT_BODY_LIMIT as u64 {
                    kept.extend_from_slice(&data);
                }
            }
        }
    }
    let kept = first.unwrap_or_else(|| kept.freeze());
    let kept = if length > KEPT_BODY_LIMIT as u64 { Bytes::new() } else { kept };
    Ok(Arrived { kept, length, digest: hasher.map(|hasher| hexadecimal(&hasher.finalize())) })
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The record of a request.
pub fn seen(request: &Request<Incoming>, path: &str, connection: u64, arrived: &Arrived) -> Seen {
    let text = std::str::from_utf8(&arrived.kept).ok();
    Seen {
        number: 0,
        at: unix_seconds(),
        version: format!("{:?}", request.version()),
        connection,
        method: request.method().to_string(),
        path: path.to_owned(),
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: text.map(str::to_owned),
        body_base64: text.is_none().then(|| BASE64.encode(&arrived.kept)),
        body_bytes: arrived.length,
        body_sha256: arrived.digest.clone().unwrap_or_default(),
        progress: Progress::Open,
    }
}
