//! Aligning two arrays, so that one inserted element is one difference.
//!
//! Elements with the same meaning are matched by the longest common subsequence; what lies between
//! the matches is paired in order.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::json_text::Node;

/// What became of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aligned {
    /// At these places of left and right; equal or not.
    Both(usize, usize),
    /// Only left has it.
    Left(usize),
    /// Only right has it.
    Right(usize),
}

/// Whether both hold the same elements in another order.
pub(crate) fn reordered(left: &[Node<'_>], right: &[Node<'_>]) -> bool {
    let meanings = |nodes: &[Node<'_>]| -> Vec<u64> { nodes.iter().map(|node| node.meaning).collect() };
    let (mut left, mut right) = (meanings(left), meanings(right));
    if left.len() != right.len() || left == right {
        return false;
    }
    left.sort_unstable();
    right.sort_unstable();
    left == right
}

/// Aligns two arrays; by index where either is longer than `elements_max` once equal ends are off.
pub(crate) fn align(left: &[Node<'_>], right: &[Node<'_>], elements_max: usize) -> Vec<Aligned> {
    let same = |pair: &(&Node<'_>, &Node<'_>)| pair.0.meaning == pair.1.meaning;
    let head = left.iter().zip(right).take_while(same).count();
    let tail = left[head..].iter().rev().zip(right[head..].iter().rev()).take_while(same).count();
    let (left_end, right_end) = (left.len() - tail, right.len() - tail);

    let mut aligned: Vec<Aligned> = (0..head).map(|at| Aligned::Both(at, at)).collect();
    if (left_end - head).max(right_end - head) > elements_max {
        pair_in_order(head..left_end, head..right_end, &mut aligned);
    } else {
        let meanings = |nodes: &[Node<'_>]| -> Vec<u64> { nodes.iter().map(|node| node.meaning).collect() };
        let (old, new) = (meanings(&left[head..left_end]), meanings(&right[head..right_end]));
        for operation in capture_diff_slices(Algorithm::Myers, &old, &new) {
            match operation {
                DiffOp::Equal { old_index, new_index, len } => {
                    aligned.extend((0..len).map(|at| Aligned::Both(head + old_index + at, head + new_index + at)));
                }
                other => {
                    let (lefts, rights) = (other.old_range(), other.new_range());
                    pair_in_order(
                        head + lefts.start..head + lefts.end,
                        head + rights.start..head + rights.end,
                        &mut aligned,
                    );
                }
            }
        }
    }
    aligned.extend((0..tail).map(|at| Aligned::Both(left_end + at, right_end + at)));
    aligned
}

fn pair_in_order(lefts: std::ops::Range<usize>, rights: std::ops::Range<usize>, aligned: &mut Vec<Aligned>) {
    let both = lefts.len().min(rights.len());
    aligned.extend(lefts.clone().zip(rights.clone()).map(|(left, right)| Aligned::Both(left, right)));
    aligned.extend(lefts.skip(both).map(Aligned::Left));
    aligned.extend(rights.skip(both).map(Aligned::Right));
}
