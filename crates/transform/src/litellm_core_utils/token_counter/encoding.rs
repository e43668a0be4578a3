//! How many tokens LiteLLM takes a text for, by the tokenizer it has chosen.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/token_counter.py` `_get_count_function`; tiktoken 0.14.0 `Encoding.encode`;
//! tokenizers 0.23.3 `encode_batch_fast`.

use std::borrow::Cow;

use unicode_normalization_alignments::UnicodeNormalization;

use super::Uncounted;
use super::byte_pairs::{BytePairs, PIECE_BYTES_MAX};
use super::pieces::{Pattern, Pieces};
use super::vocabulary::Vocabulary;
use crate::python::Text;

/// A tokenizer that comes with LiteLLM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Cl100kBase,
    O200kBase,
    /// Of Claude 2, which LiteLLM takes for later ones too.
    Anthropic,
}

/// tiktoken gets a text in parts of so many characters.
const CHUNK_CHARACTERS: usize = 1024;
/// What is longer is counted by samples.
const EXACT_CHARACTERS_MAX: usize = 4_000_000;
const SAMPLES: usize = 16;
/// A character's compatible form has so many times its bytes at most.
const NORMALIZED_GROWTH_MAX: usize = 16;
/// One token each, wherever they stand.
const ANTHROPIC_SPECIAL: [&str; 5] = ["<EOT>", "<META>", "<META_START>", "<META_END>", "<SOS>"];

impl Encoding {
    pub fn count(self, text: &Text) -> Result<u64, Uncounted> {
        match text {
            Text::Unicode(text) => self.count_str(text),
            Text::Surrogates(_) if self == Self::Anthropic => Err(Uncounted::Raised),
            Text::Surrogates(points) => self.count_points(points),
        }
    }

    pub fn count_str(self, text: &str) -> Result<u64, Uncounted> {
        // A text of fewer bytes has fewer characters.
        if text.len() <= EXACT_CHARACTERS_MAX {
            return self.count_exactly(text);
        }
        let characters = text.chars().count();
        if characters <= EXACT_CHARACTERS_MAX {
            return self.count_exactly(text);
        }
        extrapolated(characters, |start, length| {
            let rest = text.char_indices().nth(start).map_or("", |(at, _)| &text[at..]);
            let end = rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at);
            self.count_exactly(&rest[..end])
        })
    }

    /// Whether [`Self::count_str`] will have a number.
    pub(super) fn check(self, text: &str) -> Result<(), Uncounted> {
        // Only Anthropic's pieces can be as long as the text.
        if self != Self::Anthropic || text.len() <= PIECE_BYTES_MAX / NORMALIZED_GROWTH_MAX {
            return Ok(());
        }
        let section = normalized(text);
        let is_short = Pieces::new(&section, Pattern::ByteLevel).all(|piece| piece.len() <= PIECE_BYTES_MAX);
        if is_short { Ok(()) } else { Err(Uncounted::NotReproduced) }
    }

    fn count_exactly(self, text: &str) -> Result<u64, Uncounted> {
        let (vocabulary, pattern) = match self {
            Self::Cl100kBase => (Vocabulary::cl100k_base(), Pattern::Cl100kBase),
            Self::O200kBase => (Vocabulary::o200k_base(), Pattern::O200kBase),
            Self::Anthropic => return count_anthropic(text),
        };
        let mut pairs = BytePairs::new(vocabulary);
        let mut count = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.char_indices().nth(CHUNK_CHARACTERS).map_or(rest.len(), |(at, _)| at);
            let (chunk, behind) = rest.split_at(end);
            count += count_pieces(Pieces::new(chunk, pattern), &mut pairs)?;
            rest = behind;
        }
        Ok(count)
    }

    fn count_points(self, points: &[u32]) -> Result<u64, Uncounted> {
        let exactly =
            |points: &[u32]| points.chunks(CHUNK_CHARACTERS).map(|chunk| self.count_exactly(&mended(chunk))).sum();
        if points.len() <= EXACT_CHARACTERS_MAX {
            return exactly(points);
        }
        extrapolated(points.len(), |start, length| exactly(&points[start..start + length]))
    }
}

/// `text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")`
fn mended(points: &[u32]) -> String {
    let units = points.iter().flat_map(|point| {
        let mut units = [0; 2];
        match char::from_u32(*point) {
            Some(character) => character.encode_utf16(&mut units).to_vec(),
            None => vec![*point as u16],
        }
    });
    char::decode_utf16(units).map(|found| found.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// A long text by evenly spaced samples of it; `count` takes where one begins and its length, in characters.
fn extrapolated(characters: usize, count: impl Fn(usize, usize) -> Result<u64, Uncounted>) -> Result<u64, Uncounted> {
    let length = EXACT_CHARACTERS_MAX / SAMPLES;
    let last_start = characters - length;
    let counted: Result<u64, _> = (0..SAMPLES).map(|index| count(last_start * index / (SAMPLES - 1), length)).sum();
    Ok((counted? as f64 * characters as f64 / (length * SAMPLES) as f64).round_ties_even() as u64)
}

fn count_pieces(mut pieces: Pieces<'_>, pairs: &mut BytePairs) -> Result<u64, Uncounted> {
    pieces.try_fold(0, |sum, piece| Some(sum + pairs.count(piece.as_bytes())? as u64)).ok_or(Uncounted::NotReproduced)
}

fn count_anthropic(text: &str) -> Result<u64, Uncounted> {
    let mut pairs = BytePairs::new(Vocabulary::anthropic());
    let mut count = 0;
    let mut rest = text;
    loop {
        let found = rest.match_indices('<').find_map(|(at, _)| {
            ANTHROPIC_SPECIAL.iter().find(|token| rest[at..].starts_with(**token)).map(|token| (at, at + token.len()))
        });
        let (begin, end) = found.unwrap_or((rest.len(), rest.len()));
        let section = normalized(&rest[..begin]);
        count += count_pieces(Pieces::new(&section, Pattern::ByteLevel), &mut pairs)?;
        if found.is_none() {
            return Ok(count);
        }
        count += 1;
        rest = &rest[end..];
    }
}

fn normalized(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfkc().map(|(character, _)| character).collect())
    }
}
