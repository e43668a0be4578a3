//! The tokens of a picture: from its size, where the client asked for high detail.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/token_counter.py` `calculate_img_tokens`, `get_image_dimensions`.

use base64::Engine as _;

use super::Uncounted;

const BASE: u64 = 85;
const SHORT_SIDE_MAX: u64 = 768;
const LONG_SIDE_MAX: u64 = 2000;
const TILE: u64 = 512;
/// Of a picture of no known kind.
const UNKNOWN: (u64, u64) = (300, 300);

/// A picture whose size doesn't matter.
pub(super) fn plain() -> u64 {
    BASE
}

/// A picture in high detail, given as a `data:` URL. LiteLLM fetches one behind a link, which isn't reproduced.
pub(super) fn detailed(data: &str) -> Result<u64, Uncounted> {
    if data.starts_with("http://") || data.starts_with("https://") {
        return Err(Uncounted::NotReproduced);
    }
    let (_, encoded) = data.split_once(',').ok_or(Uncounted::Raised)?;
    // Python skips what is no base64; such a picture isn't worth imitating.
    let picture = base64::engine::general_purpose::STANDARD.decode(encoded).map_err(|_| Uncounted::NotReproduced)?;
    let (width, height) = dimensions(&picture)?;
    let (width, height) = resized(width, height).ok_or(Uncounted::Raised)?;
    Ok(BASE + 2 * BASE * width.div_ceil(TILE) * height.div_ceil(TILE))
}

/// Width and height.
fn dimensions(picture: &[u8]) -> Result<(u64, u64), Uncounted> {
    let has = |at: usize, words: &[u8]| picture.get(at..).is_some_and(|rest| rest.starts_with(words));
    if has(0, b"\xff\xd8\xff") { jpeg(picture) } else { stated(picture).ok_or(Uncounted::Raised) }
}

/// Of files that state their size at a known place; `None` where they end before it.
fn stated(picture: &[u8]) -> Option<(u64, u64)> {
    let big = |at: usize, size: usize| Some(fold(picture.get(at..at + size)?.iter()));
    let little = |at: usize, size: usize| Some(fold(picture.get(at..at + size)?.iter().rev()));
    let has = |at: usize, words: &[u8]| picture.get(at..).is_some_and(|rest| rest.starts_with(words));
    if has(0, b"\x89PNG\r\n\x1a\n") {
        return Some((big(16, 4)?, big(20, 4)?));
    }
    if has(0, b"GIF8") && has(5, b"a") {
        return Some((little(6, 2)?, little(8, 2)?));
    }
    if !has(4, b"ftyp") && has(0, b"RIFF") && has(8, b"WEBP") {
        if has(12, b"VP8X") {
            return Some((little(24, 3)? + 1, little(27, 3)? + 1));
        }
        if has(12, b"VP8 ") {
            return Some((little(26, 2)? & 0x3fff, little(28, 2)? & 0x3fff));
        }
        if has(12, b"VP8L") {
            let bits = little(21, 4)?;
            return Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1));
        }
    }
    Some(UNKNOWN)
}

/// From marker to marker, up to the one that begins a frame.
fn jpeg(picture: &[u8]) -> Result<(u64, u64), Uncounted> {
    let byte = |at: usize| picture.get(at).copied().ok_or(Uncounted::Raised);
    let pair = |at: usize| picture.get(at..at + 2).map(|pair| fold(pair.iter())).ok_or(Uncounted::Raised);
    let (mut at, mut size) = (0_usize, 2_u64);
    loop {
        at += size as usize;
        // The first byte of a marker isn't looked at.
        let mut marker = byte(at)?;
        at += 1;
        while marker == 0xff {
            marker = byte(at)?;
            at += 1;
        }
        // With a length below two Python goes backwards.
        size = pair(at)?.checked_sub(2).ok_or(Uncounted::NotReproduced)?;
        at += 2;
        if (0xc0..=0xcf).contains(&marker) && ![0xc4, 0xc8, 0xcc].contains(&marker) {
            return Ok((pair(at + 3)?, pair(at + 1)?));
        }
    }
}

fn fold<'a>(bytes: impl Iterator<Item = &'a u8>) -> u64 {
    bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What is left of a picture that is too large; `None` where one side is zero.
fn resized(width: u64, height: u64) -> Option<(u64, u64)> {
    if width <= SHORT_SIDE_MAX && height <= SHORT_SIDE_MAX {
        return Some((width, height));
    }
    let (shorter, longer) = (width.min(height), width.max(height));
    if shorter == 0 {
        return None;
    }
    let ratio = longer as f64 / shorter as f64;
    let (mut short, mut long) = (SHORT_SIDE_MAX, (SHORT_SIDE_MAX as f64 * ratio) as u64);
    if long > LONG_SIDE_MAX {
        long = LONG_SIDE_MAX;
        short = (long as f64 / ratio) as u64;
    }
    Some(if width <= height { (short, long) } else { (long, short) })
}
