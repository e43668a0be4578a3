//! How many tokens a text has to LiteLLM where a provider doesn't say: those of OpenAI's `cl100k_base`, whatever the model.
//!
//! Source: LiteLLM 1.102.4 `litellm_core_utils/token_counter.py` `token_counter`; the encoding is tiktoken's (MIT licence), its
//! tokens are in `data/cl100k_base.bin`: in the order of their ranks, each behind its length.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex::Regex;

static TOKENS: &[u8] = include_bytes!("../../data/cl100k_base.bin");
/// LiteLLM counts so many characters at a time.
const CHUNK_CHARACTERS: usize = 1024;
/// Of a longer text it counts samples.
const EXACT_CHARACTERS_MAX: usize = 4_000_000;
const SAMPLES: usize = 16;

/// `token_counter(text=…)`.
pub(crate) fn count_tokens(text: &str) -> usize {
    let characters = text.chars().count();
    if characters <= EXACT_CHARACTERS_MAX {
        return count_exactly(text);
    }
    let all: Vec<char> = text.chars().collect();
    let length = EXACT_CHARACTERS_MAX / SAMPLES;
    let sample = |index: usize| {
        let start = (characters - length) * index / (SAMPLES - 1);
        count_exactly(&all[start..start + length].iter().collect::<String>())
    };
    let counted: usize = (0..SAMPLES).map(sample).sum();
    (counted as f64 * characters as f64 / EXACT_CHARACTERS_MAX as f64).round_ties_even() as usize
}

fn count_exactly(text: &str) -> usize {
    let (mut rest, mut counted) = (text, 0);
    while !rest.is_empty() {
        let end = rest.char_indices().nth(CHUNK_CHARACTERS).map_or(rest.len(), |(at, _)| at);
        let (chunk, behind) = rest.split_at(end);
        counted += pieces(chunk).map(count_piece).sum::<usize>();
        rest = behind;
    }
    counted
}

/// The pieces that tokens don't cross: contractions, words with what stands in front, three digits, marks, white space.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    const WORDS: &str =
        r"^(?:'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n])";
    let pattern = PATTERN.get_or_init(|| Regex::new(WORDS).ok()).as_ref();
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let found = pattern.and_then(|pattern| pattern.find(rest)).map(|found| found.end());
        let (piece, behind) = rest.split_at(found.unwrap_or_else(|| blank(rest, first)));
        rest = behind;
        Some(piece)
    })
}

/// `\s+(?!\S)|\s`: white space in front of something else leaves its last character to that.
fn blank(text: &str, first: char) -> usize {
    let run = text.len() - text.trim_start().len();
    let last = text[..run].chars().next_back().map_or(0, char::len_utf8);
    if run > last { run - last } else { first.len_utf8() }
}

fn ranks() -> &'static HashMap<&'static [u8], u32> {
    static RANKS: OnceLock<HashMap<&'static [u8], u32>> = OnceLock::new();
    RANKS.get_or_init(|| {
        let mut ranks = HashMap::with_capacity(100_256);
        let mut rest = TOKENS;
        while let Some((&length, behind)) = rest.split_first() {
            let (token, behind) = behind.split_at(usize::from(length).min(behind.len()));
            ranks.insert(token, ranks.len() as u32);
            rest = behind;
        }
        ranks
    })
}

/// Byte pairs are merged, the lowest rank first, the leftmost of equals.
fn count_piece(piece: &str) -> usize {
    let (ranks, bytes) = (ranks(), piece.as_bytes());
    if ranks.contains_key(bytes) {
        return 1;
    }
    // Where parts begin, and the end.
    let mut bounds: Vec<usize> = (0..=bytes.len()).collect();
    let rank = |bounds: &[usize], at: usize| {
        let (start, end) = (bounds.get(at)?, bounds.get(at + 2)?);
        ranks.get(&bytes[*start..*end]).copied()
    };
    let mut pairs: Vec<Option<u32>> = (0..bytes.len()).map(|at| rank(&bounds, at)).collect();
    while let Some((_, at)) = pairs.iter().enumerate().filter_map(|(at, rank)| Some(((*rank)?, at))).min() {
        bounds.remove(at + 1);
        pairs.remove(at + 1);
        pairs[at] = rank(&bounds, at);
        if at > 0 {
            pairs[at - 1] = rank(&bounds, at - 1);
        }
    }
    bounds.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_tiktoken_does() {
        let cases = include_str!("../../data/cl100k_base_cases.json");
        let cases: Vec<(String, usize)> = serde_json::from_str(cases).unwrap_or_default();
        assert!(cases.len() > 20);
        for (text, expected) in cases {
            assert_eq!(count_tokens(&text), expected, "{text:?}");
        }
    }
}
