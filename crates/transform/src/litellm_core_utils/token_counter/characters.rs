//! Which kind of character the tokenizers' patterns take a character for.
//!
//! The tables are those of the engines LiteLLM runs, which know different releases of Unicode;
//! `tests/oracle/tokenizer_tables.py` asked them.

use std::sync::LazyLock;

static TIKTOKEN: LazyLock<Characters> =
    LazyLock::new(|| Characters::read(include_bytes!("../../../tokenizers/tiktoken.classes")));
static ANTHROPIC: LazyLock<Characters> =
    LazyLock::new(|| Characters::read(include_bytes!("../../../tokenizers/anthropic.classes")));

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// `[^\s\p{L}\p{N}]` but marks.
    Other,
    /// `\s`
    Space,
    /// `\p{N}`
    Number,
    /// `[\p{Lu}\p{Lt}]`
    Upper,
    /// `\p{Ll}`, or any letter where case doesn't matter.
    Lower,
    /// `[\p{Lm}\p{Lo}]`
    Caseless,
    /// `\p{M}`
    Mark,
}

impl Class {
    /// `\p{L}`
    pub(super) fn is_letter(self) -> bool {
        matches!(self, Self::Upper | Self::Lower | Self::Caseless)
    }

    /// `[^\s\p{L}\p{N}]`
    pub(super) fn is_other(self) -> bool {
        matches!(self, Self::Other | Self::Mark)
    }

    fn of(number: u32) -> Self {
        match number {
            1 => Self::Space,
            2 => Self::Number,
            3 => Self::Upper,
            4 => Self::Lower,
            5 => Self::Caseless,
            6 => Self::Mark,
            _ => Self::Other,
        }
    }
}

/// The classes of all characters.
pub(super) struct Characters {
    /// Where runs of a class begin, the class in the lowest three bits.
    runs: Vec<u32>,
    ascii: [Class; 128],
}

impl Characters {
    pub(super) fn tiktoken() -> &'static Self {
        &TIKTOKEN
    }

    pub(super) fn anthropic() -> &'static Self {
        &ANTHROPIC
    }

    fn read(file: &[u8]) -> Self {
        let runs: Vec<u32> = file.as_chunks().0.iter().map(|run| u32::from_le_bytes(*run)).collect();
        let mut characters = Self { runs, ascii: [Class::Other; 128] };
        let ascii: [Class; 128] = std::array::from_fn(|point| characters.search(point as u32));
        characters.ascii = ascii;
        characters
    }

    pub(super) fn class(&self, character: char) -> Class {
        let point = u32::from(character);
        self.ascii.get(point as usize).copied().unwrap_or_else(|| self.search(point))
    }

    fn search(&self, point: u32) -> Class {
        let behind = self.runs.partition_point(|run| run >> 3 <= point);
        Class::of(self.runs.get(behind.wrapping_sub(1)).map_or(0, |run| run & 7))
    }
}
