//! Undoing `content-encoding`, piece by piece or at once, as httpx does it with zlib.
//!
//! Source: httpx 0.28 `_decoders.py`, `_models.py` `_get_content_decoder`; LiteLLM 1.102.4 brings neither brotli nor zstandard, so
//! what is encoded with them passes as it is.

use flate2::{Decompress, FlushDecompress, Status};

/// What one piece may grow to; beyond, it is taken for an attack and reported as undecodable.
pub(crate) const DECODED_BYTES_MAX: usize = 256 * 1024 * 1024;
/// As zlib has it for streams of any sender.
const WINDOW_BITS: u8 = 15;

/// The codings of an answer, the last one applied first.
#[derive(Debug)]
pub(crate) struct Decoder(Vec<Coding>);

impl Decoder {
    pub(crate) fn of(headers: &[(String, String)]) -> Self {
        let named = headers.iter().filter(|(name, _)| name == "content-encoding");
        let codings = named.flat_map(|(_, value)| value.split(','));
        let codings = codings.filter_map(|coding| match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" => Some(Coding::new(Decompress::new_gzip(WINDOW_BITS))),
            "deflate" => Some(Coding { undecided: Some(Vec::new()), ..Coding::new(Decompress::new(true)) }),
            _ => None,
        });
        let mut codings: Vec<Coding> = codings.collect();
        codings.reverse();
        Self(codings)
    }

    /// Errors  the text of httpx's `DecodingError`.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>, String> {
        let mut decoded = piece.to_vec();
        for coding in &mut self.0 {
            decoded = coding.decode(&decoded)?;
        }
        Ok(decoded)
    }

    /// Decodes what came in one piece. httpx reads that as raw deflate where it is no zlib stream to its end.
    ///
    /// Errors  as of [`Self::push`].
    pub(crate) fn whole(&mut self, body: &[u8]) -> Result<Vec<u8>, String> {
        let mut decoded = body.to_vec();
        for coding in &mut self.0 {
            let is_deflate = coding.undecided.is_some();
            decoded = match coding.decode(&decoded) {
                Err(_) if is_deflate => Coding::new(Decompress::new(false)).decode(&decoded)?,
                outcome => outcome?,
            };
        }
        Ok(decoded)
    }
}

#[derive(Debug)]
struct Coding {
    inflate: Decompress,
    /// The first bytes of `deflate`, until they say whether it has zlib's header.
    undecided: Option<Vec<u8>>,
    /// Bytes behind the end of the compressed stream are nobody's.
    has_ended: bool,
}

impl Coding {
    fn new(inflate: Decompress) -> Self {
        Self { inflate, undecided: None, has_ended: false }
    }

    fn decode(&mut self, piece: &[u8]) -> Result<Vec<u8>, String> {
        let Some(mut first) = self.undecided.take() else {
            return self.inflate(piece);
        };
        first.extend_from_slice(piece);
        let [method, flags, ..] = first[..] else {
            self.undecided = Some(first);
            return Ok(Vec::new());
        };
        let is_zlib = method & 0x0f == 8 && (u16::from(method) * 256 + u16::from(flags)).is_multiple_of(31);
        if !is_zlib {
            self.inflate = Decompress::new(false);
        }
        self.inflate(&first)
    }

    fn inflate(&mut self, mut piece: &[u8]) -> Result<Vec<u8>, String> {
        let mut decoded = Vec::new();
        while !self.has_ended {
            decoded.reserve(piece.len().saturating_mul(4).clamp(1024, 1024 * 1024));
            let (before, room) = (self.inflate.total_in(), decoded.capacity() - decoded.len());
            let written = decoded.len();
            let status = self.inflate.decompress_vec(piece, &mut decoded, FlushDecompress::Sync);
            let taken = usize::try_from(self.inflate.total_in() - before).unwrap_or(piece.len());
            piece = &piece[taken.min(piece.len())..];
            match status {
                Ok(Status::StreamEnd) => self.has_ended = true,
                Ok(_) if decoded.len() - written < room => break,
                Ok(_) => {}
                Err(error) => return Err(zlib_error(error.message().unwrap_or("incorrect header check"))),
            }
            if decoded.len() > DECODED_BYTES_MAX {
                return Err(zlib_error("invalid block type"));
            }
        }
        Ok(decoded)
    }
}

fn zlib_error(words: &str) -> String {
    format!("Error -3 while decompressing data: {words}")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn encoded(coding: &str, text: &[u8]) -> Vec<u8> {
        let level = Compression::default();
        match coding {
            "gzip" => {
                let mut encoder = GzEncoder::new(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            "zlib" => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            _ => {
                let mut encoder = DeflateEncoder::new(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    fn headers(values: &[&str]) -> Vec<(String, String)> {
        values.iter().map(|value| ("content-encoding".to_owned(), (*value).to_owned())).collect()
    }

    fn decode(values: &[&str], body: &[u8], size: usize) -> Result<Vec<u8>, String> {
        let mut decoder = Decoder::of(&headers(values));
        let mut told = Vec::new();
        for piece in body.chunks(size) {
            told.extend(decoder.push(piece)?);
        }
        Ok(told)
    }

    const TEXT: &[u8] = b"data: some text, some text and some more text\n\n";

    #[test]
    fn every_coding_is_undone_however_the_bytes_come() {
        let (gzip, zlib, raw) = (encoded("gzip", TEXT), encoded("zlib", TEXT), encoded("raw", TEXT));
        let cases: [(&[&str], Vec<u8>); 12] = [
            (&[], TEXT.to_vec()),
            (&["identity"], TEXT.to_vec()),
            (&["br"], TEXT.to_vec()),
            (&["zstd, br"], TEXT.to_vec()),
            (&["gzip"], gzip.clone()),
            (&[" GZip "], gzip.clone()),
            (&["deflate"], zlib.clone()),
            (&["deflate"], raw),
            (&["deflate, gzip"], encoded("gzip", &zlib)),
            (&["deflate", "br", "gzip"], encoded("gzip", &zlib)),
            (&["gzip"], [&gzip[..], b"behind the end"].concat()),
            (&["gzip"], [&gzip[..], &gzip[..]].concat()),
        ];
        for (values, body) in cases {
            for size in [1, 2, 3, 7, body.len()] {
                assert_eq!(decode(values, &body, size).as_deref(), Ok(TEXT), "{values:?} by {size}");
            }
            assert_eq!(Decoder::of(&headers(values)).whole(&body).as_deref(), Ok(TEXT), "{values:?} whole");
        }
    }

    #[test]
    fn what_is_broken_is_told_in_the_words_of_zlib() {
        let gzip = encoded("gzip", TEXT);
        let (mut wrong_check, cut) = (gzip.clone(), &gzip[..gzip.len() - 12]);
        let check_at = wrong_check.len() - 6;
        wrong_check[check_at] ^= 1;
        let said = |words: &str| Err(format!("Error -3 while decompressing data: {words}"));
        // As zlib 1.3 says in CPython 3.11.
        type Told = Result<Vec<u8>, String>;
        let cases: [(&str, &[u8], Told); 6] = [
            ("gzip", TEXT, said("incorrect header check")),
            ("gzip", &wrong_check, said("incorrect data check")),
            ("gzip", b"\x1f", Ok(Vec::new())),
            ("gzip", b"", Ok(Vec::new())),
            ("deflate", b"\x07\x00\x00", said("invalid block type")),
            ("deflate", b"\x01\x01\x01\x01\x01", said("invalid stored block lengths")),
        ];
        for (coding, body, expected) in cases {
            for size in [1, body.len().max(1)] {
                assert_eq!(decode(&[coding], body, size), expected, "{coding} {body:?} by {size}");
            }
            assert_eq!(Decoder::of(&headers(&[coding])).whole(body), expected, "{coding} {body:?} whole");
        }
        assert!(decode(&["gzip"], cut, 1).is_ok_and(|told| TEXT.starts_with(&told)), "cut off without a word");
    }
}
