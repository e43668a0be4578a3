//! What the two legs answered over the last minutes: the counts behind the hard triggers.

use std::collections::VecDeque;

use cutover::stage::{ServedCount, Triggers};

/// Ticks that the window spans: five minutes of one-second ticks.
const TICKS: usize = 300;

/// Exact counts over a fixed window.
#[derive(Debug, Default)]
pub struct Window {
    ticks: VecDeque<Served>,
    total: Served,
    before: Served,
}

/// Counts of answers, cumulative or of one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    pub native: u64,
    pub native_5xx: u64,
    pub python: u64,
    pub python_5xx: u64,
    pub panics: u64,
}

impl Served {
    fn combine(self, other: Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            native: combine(self.native, other.native),
            native_5xx: combine(self.native_5xx, other.native_5xx),
            python: combine(self.python, other.python),
            python_5xx: combine(self.python_5xx, other.python_5xx),
            panics: combine(self.panics, other.panics),
        }
    }
}

impl Window {
    /// Takes the cumulative counts at a tick.
    pub fn advance(&mut self, now: Served) {
        let tick = now.combine(self.before, u64::saturating_sub);
        self.before = now;
        self.total = self.total.combine(tick, u64::saturating_add);
        self.ticks.push_back(tick);
        if self.ticks.len() > TICKS
            && let Some(oldest) = self.ticks.pop_front()
        {
            self.total = self.total.combine(oldest, u64::saturating_sub);
        }
    }

    /// Forgets what was before a move, but not where the cumulative counts stood.
    pub fn clear(&mut self) {
        self.ticks.clear();
        self.total = Served::default();
    }

    pub fn triggers(&self) -> Triggers {
        Triggers {
            native: ServedCount { answers: self.total.native, errors_5xx: self.total.native_5xx },
            python: ServedCount { answers: self.total.python, errors_5xx: self.total.python_5xx },
            panics: self.total.panics,
            overhead: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_exact_over_the_window() {
        let mut window = Window::default();
        for tick in 1..=(TICKS as u64 + 10) {
            window.advance(Served { native: tick * 2, native_5xx: tick, ..Served::default() });
        }
        let triggers = window.triggers();
        assert_eq!(triggers.native, ServedCount { answers: 2 * TICKS as u64, errors_5xx: TICKS as u64 });
        window.clear();
        assert_eq!(window.triggers().native.answers, 0);
        window.advance(Served { native: 2 * (TICKS as u64 + 10) + 1, ..Served::default() });
        assert_eq!(window.triggers().native.answers, 1);
    }
}
