//! Byte pair encoding, as far as counting needs it: how many tokens a piece of text becomes.
//!
//! Of all neighbours the pair of the lowest rank is merged, the leftmost of equals, until none is in the vocabulary. A heap
//! finds it, so that a long run of one character takes no longer than other text.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::vocabulary::Vocabulary;

/// Counts piece by piece, in memory it keeps.
pub(super) struct BytePairs {
    vocabulary: &'static Vocabulary,
    /// Where the part behind the one that begins here begins; 0 where none begins any more.
    next: Vec<u32>,
    /// Where the part before the one that begins here begins.
    previous: Vec<u32>,
    /// Rank, begin and end of what two neighbours would make.
    pairs: BinaryHeap<Reverse<(u32, u32, u32)>>,
}

/// A longer piece isn't merged: it takes some 20 bytes of memory for each of its own. tiktoken's are 4096 bytes at most.
pub(super) const PIECE_BYTES_MAX: usize = 1 << 18;

impl BytePairs {
    pub(super) fn new(vocabulary: &'static Vocabulary) -> Self {
        Self { vocabulary, next: Vec::new(), previous: Vec::new(), pairs: BinaryHeap::new() }
    }

    /// The tokens of a piece; `None` if it is too long. In tiktoken a piece that is a token is one, however it would be merged; in
    /// Anthropic's vocabulary every token is what its own merges come to.
    pub(super) fn count(&mut self, piece: &[u8]) -> Option<usize> {
        if self.vocabulary.has(piece) {
            return Some(1);
        }
        (piece.len() <= PIECE_BYTES_MAX).then(|| self.count_merged(piece, piece.len() as u32))
    }

    fn count_merged(&mut self, piece: &[u8], length: u32) -> usize {
        self.next.clear();
        self.next.extend(1..=length);
        self.next.push(0);
        self.previous.clear();
        self.previous.extend((0..=length).map(|at| at.saturating_sub(1)));
        self.pairs.clear();
        for at in 0..length {
            self.offer(piece, at);
        }
        let mut count = piece.len();
        while let Some(Reverse((_, begin, end))) = self.pairs.pop() {
            let middle = self.next[begin as usize];
            // One of the two has been merged with something else since.
            if middle == 0 || self.next[middle as usize] != end {
                continue;
            }
            self.next[begin as usize] = end;
            self.next[middle as usize] = 0;
            self.previous[end as usize] = begin;
            count -= 1;
            self.offer(piece, begin);
            if begin > 0 {
                self.offer(piece, self.previous[begin as usize]);
            }
        }
        count
    }

    /// Remembers what the part that begins here and its right neighbour would make.
    fn offer(&mut self, piece: &[u8], begin: u32) {
        let middle = self.next[begin as usize];
        let end = self.next[middle as usize];
        if end == 0 {
            return;
        }
        let made = &piece[begin as usize..end as usize];
        if let Some(rank) = self.vocabulary.merged_rank(made, (middle - begin) as usize) {
            self.pairs.push(Reverse((rank, begin, end)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_merged_up_to_a_length() {
        let mut pairs = BytePairs::new(Vocabulary::anthropic());
        let counted = [PIECE_BYTES_MAX, PIECE_BYTES_MAX + 1].map(|length| pairs.count(&vec![b'a'; length]).is_some());
        assert_eq!(counted, [true, false]);
    }
}
