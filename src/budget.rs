//! A bound on bytes that are held in memory at one time, shared by everything that holds some of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many bytes, and how many of them are held now.
#[derive(Debug)]
pub struct Budget {
    max: usize,
    held: AtomicUsize,
}

impl Budget {
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, held: AtomicUsize::new(0) })
    }

    pub fn max(&self) -> usize {
        self.max
    }

    /// Bytes held now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// A share of nothing yet, which can grow.
    pub fn empty_share(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), bytes: 0 }
    }

    /// So many bytes of the budget, or none if they are not left.
    pub fn share(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        let mut share = self.empty_share();
        share.grow(bytes).then_some(share)
    }
}

/// A part of a budget; given back when dropped.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes more of the budget; false, and nothing taken, when so much is not left.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= self.budget.max);
        let taken = self.budget.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if taken {
            self.bytes += bytes;
        }
        taken
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two shares, of which the first grows by `more`: whether each of the three steps fits into ten bytes.
    fn check(first: usize, second: usize, more: usize, expected: [bool; 3]) {
        let budget = Budget::new(10);
        let one = budget.share(first);
        let other = budget.share(second);
        let held = [&one, &other].into_iter().flatten().map(Share::bytes).sum::<usize>();
        assert_eq!(budget.held(), held, "what does not fit takes nothing");
        let fits = [one.is_some(), other.is_some(), one.is_some_and(|mut share| share.grow(more))];
        assert_eq!(fits, expected, "{first} + {second} + {more}");
        drop(other);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn all_shares_together_stay_within_the_budget() {
        check(10, 0, 0, [true, true, true]);
        check(11, 10, 0, [false, true, false]);
        check(5, 5, 0, [true, true, true]);
        check(5, 5, 1, [true, true, false]);
        check(5, 6, 5, [true, false, true]);
        check(5, usize::MAX, 6, [true, false, false]);
    }
}
