//! A tokenizer's vocabulary, searched where it lies in the program: no table is built, no byte of it is copied.
//!
//! `tests/oracle/tokenizer_tables.py` writes the files and says what is in them.

use std::sync::LazyLock;

static CL100K_BASE: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::read(include_bytes!("../../../tokenizers/cl100k_base.vocabulary"), false));
static O200K_BASE: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::read(include_bytes!("../../../tokenizers/o200k_base.vocabulary"), false));
static ANTHROPIC: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::read(include_bytes!("../../../tokenizers/anthropic.vocabulary"), true));

/// Tokens by length, sorted within a length, with their ranks.
pub(super) struct Vocabulary {
    /// Of tokens that are one byte longer than the place in the list.
    groups: Vec<Group>,
    tokens: &'static [u8],
    ranks: &'static [u8],
    /// How long the left part of a merged token is, where only these two parts make it.
    left_lengths: Option<&'static [u8]>,
}

struct Group {
    tokens_from: usize,
    first: usize,
    count: usize,
}

impl Vocabulary {
    pub(super) fn cl100k_base() -> &'static Self {
        &CL100K_BASE
    }

    pub(super) fn o200k_base() -> &'static Self {
        &O200K_BASE
    }

    pub(super) fn anthropic() -> &'static Self {
        &ANTHROPIC
    }

    fn read(file: &'static [u8], has_left_lengths: bool) -> Self {
        let longest = number(file, 0, 4);
        let mut groups = Vec::with_capacity(longest);
        let (mut tokens_from, mut first) = (0, 0);
        for length in 1..=longest {
            let count = number(file, 4 * length, 4);
            groups.push(Group { tokens_from, first, count });
            tokens_from += length * count;
            first += count;
        }
        let (tokens, rest) = file.split_at(4 * (longest + 1)).1.split_at(tokens_from);
        let (ranks, rest) = rest.split_at(RANK_BYTES * first);
        Self { groups, tokens, ranks, left_lengths: has_left_lengths.then_some(rest) }
    }

    /// Whether these bytes are a token.
    pub(super) fn has(&self, bytes: &[u8]) -> bool {
        self.place(bytes).is_some()
    }

    /// The rank of what two parts make, if it is a token; a lower one is made first.
    pub(super) fn merged_rank(&self, token: &[u8], left_length: usize) -> Option<u32> {
        let place = self.place(token)?;
        let is_made_so = |lengths| number(lengths, 2 * place, 2) == left_length;
        self.left_lengths.is_none_or(is_made_so).then(|| number(self.ranks, RANK_BYTES * place, RANK_BYTES) as u32)
    }

    fn place(&self, token: &[u8]) -> Option<usize> {
        let length = token.len();
        let group = self.groups.get(length.checked_sub(1)?)?;
        let (mut low, mut high) = (0, group.count);
        while low < high {
            let middle = low.midpoint(high);
            let from = group.tokens_from + middle * length;
            match self.tokens.get(from..from + length)?.cmp(token) {
                std::cmp::Ordering::Equal => return Some(group.first + middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

const RANK_BYTES: usize = 3;

/// `size` bytes, the lowest first.
fn number(bytes: &[u8], at: usize, size: usize) -> usize {
    let digits = bytes.get(at..at + size).unwrap_or_default();
    digits.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
