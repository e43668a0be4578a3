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
    next: Vec<usize>,
    /// Where the part before the one that begins here begins.
    previous: Vec<usize>,
    /// Rank, begin and end of what two neighbours would make.
    pairs: BinaryHeap<Reverse<(usize, usize, usize)>>,
}

impl BytePairs {
    pub(super) fn new(vocabulary: &'static Vocabulary) -> Self {
        Self { vocabulary, next: Vec::new(), previous: Vec::new(), pairs: BinaryHeap::new() }
    }

    /// The tokens of a piece. In tiktoken a piece that is a token is one, however it would be merged; in Anthropic's vocabulary
    /// every token is what its own merges come to.
    pub(super) fn count(&mut self, piece: &[u8]) -> usize {
        if self.vocabulary.has(piece) { 1 } else { self.count_merged(piece) }
    }

    fn count_merged(&mut self, piece: &[u8]) -> usize {
        self.next.clear();
        self.next.extend(1..=piece.len());
        self.next.push(0);
        self.previous.clear();
        self.previous.extend((0..=piece.len()).map(|at| at.saturating_sub(1)));
        self.pairs.clear();
        for at in 0..piece.len() {
            self.offer(piece, at);
        }
        let mut count = piece.len();
        while let Some(Reverse((_, begin, end))) = self.pairs.pop() {
            let middle = self.next[begin];
            // One of the two has been merged with something else since.
            if middle == 0 || self.next[middle] != end {
                continue;
            }
            self.next[begin] = end;
            self.next[middle] = 0;
            self.previous[end] = begin;
            count -= 1;
            self.offer(piece, begin);
            if begin > 0 {
                self.offer(piece, self.previous[begin]);
            }
        }
        count
    }

    /// Remembers what the part that begins here and its right neighbour would make.
    fn offer(&mut self, piece: &[u8], begin: usize) {
        let middle = self.next[begin];
        let end = self.next[middle];
        if end == 0 {
            return;
        }
        if let Some(rank) = self.vocabulary.merged_rank(&piece[begin..end], middle - begin) {
            self.pairs.push(Reverse((rank, begin, end)));
        }
    }
}
