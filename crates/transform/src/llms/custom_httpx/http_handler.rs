//! What httpx does to an answer before anyone reads it: undoing `content-encoding`.

use std::io::Read;

use crate::answer::ProviderResponse;

/// A body may grow this much by decompression; beyond, it is taken for an attack and reported as undecodable.
const DECODED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The decoded body, or the text of httpx's `DecodingError`.
pub fn decoded_body(response: &ProviderResponse) -> Result<bytes::Bytes, String> {
    let codings = response.headers.iter().filter(|(name, _)| name == "content-encoding");
    let codings: Vec<String> =
        codings.flat_map(|(_, value)| value.split(',')).map(|coding| coding.trim().to_ascii_lowercase()).collect();
    let mut body = response.body.clone();
    if body.is_empty() {
        return Ok(body);
    }
    for coding in codings.iter().rev() {
        body = match coding.as_str() {
            "gzip" => gunzip(&body)?,
            "deflate" => inflate(flate2::bufread::ZlibDecoder::new(&*body))
                .or_else(|_| inflate(flate2::bufread::DeflateDecoder::new(&*body)))?,
            _ => body,
        };
    }
    Ok(body)
}

/// zlib looks at the first two bytes before it waits for more; of several members it reads the first.
fn gunzip(body: &[u8]) -> Result<bytes::Bytes, String> {
    if body.len() >= 2 && !body.starts_with(&[0x1f, 0x8b]) {
        return Err(zlib_error("incorrect header check"));
    }
    inflate(flate2::bufread::GzDecoder::new(body))
}

/// A stream that just ends is accepted as far as it goes, as zlib does.
fn inflate(reader: impl Read) -> Result<bytes::Bytes, String> {
    let mut decoded = Vec::new();
    match reader.take(DECODED_BYTES_MAX).read_to_end(&mut decoded) {
        Ok(_) => Ok(decoded.into()),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(decoded.into()),
        Err(error) => Err(zlib_error(zlib_words(&error.to_string()))),
    }
}

fn zlib_error(words: &str) -> String {
    format!("Error -3 while decompressing data: {words}")
}

fn zlib_words(error: &str) -> &'static str {
    if error.contains("header") {
        "incorrect header check"
    } else if error.contains("checksum") || error.contains("crc") {
        "incorrect data check"
    } else {
        "invalid block type"
    }
}
