//! What httpx does to an answer before anyone reads it: undoing `content-encoding`.

use super::content_decoder::Decoder;
use crate::answer::ProviderResponse;

/// The decoded body, or the text of httpx's `DecodingError`.
pub fn decoded_body(response: &ProviderResponse) -> Result<bytes::Bytes, String> {
    let is_encoded = response.headers.iter().any(|(name, _)| name == "content-encoding");
    if !is_encoded || response.body.is_empty() {
        return Ok(response.body.clone());
    }
    Decoder::of(&response.headers).whole(&response.body).map(bytes::Bytes::from)
}
