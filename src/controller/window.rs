//! What the two legs answered over the last minutes, and how fast: what is behind the hard triggers.

use std::collections::VecDeque;
use std::time::Duration;

use cutover::rules::RollbackRule;
use cutover::stage::{Overhead, ServedCount, Triggers};

use crate::routes::latency::Counted;
use crate::routes::{Distribution, Histogram, LaneTimes};

/// Ticks that the window spans: five minutes of one-second ticks.
pub const TICKS: usize = 300;

/// Exact counts over a fixed window.
#[derive(Debug, Default)]
pub struct Window {
    ticks: VecDeque<Served>,
    total: Served,
    before: Served,
    pub times: WindowTimes,
}

/// The durations of [`LaneTimes`] within the window.
#[derive(Debug, Default)]
pub struct WindowTimes {
    pub python: Durations,
    pub native: Durations,
    pub python_overhead: Durations,
    pub native_overhead: Durations,
}

/// Durations within the window.
#[derive(Debug, Default)]
pub struct Durations {
    ticks: VecDeque<Counted>,
    total: Distribution,
    before: Distribution,
}

impl Durations {
    fn advance(&mut self, counted: &Histogram) {
        let now = counted.read();
        let tick = now.since(&self.before);
        self.before = now;
        self.total.add(&tick);
        self.ticks.push_back(tick);
        if self.ticks.len() > TICKS
            && let Some(oldest) = self.ticks.pop_front()
        {
            self.total.subtract(&oldest);
        }
    }

    fn clear(&mut self) {
        self.ticks.clear();
        self.total = Distribution::default();
    }

    pub fn within(&self) -> &Distribution {
        &self.total
    }
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
    pub fn advance(&mut self, now: Served, times: &LaneTimes) {
        let WindowTimes { python, native, python_overhead, native_overhead } = &mut self.times;
        python.advance(&times.python);
        native.advance(&times.native);
        python_overhead.advance(&times.python_overhead);
        native_overhead.advance(&times.native_overhead);
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
        let WindowTimes { python, native, python_overhead, native_overhead } = &mut self.times;
        [python, native, python_overhead, native_overhead].into_iter().for_each(Durations::clear);
    }

    /// What the rule's limits are held against.
    pub fn triggers(&self, rule: &RollbackRule) -> Triggers {
        let overhead = self.times.native_overhead.within();
        let limit = Duration::from_millis(u64::from(rule.overhead_ms_max));
        Triggers {
            native: ServedCount { answers: self.total.native, errors_5xx: self.total.native_5xx },
            python: ServedCount { answers: self.total.python, errors_5xx: self.total.python_5xx },
            panics: self.total.panics,
            overhead: Overhead { answers: overhead.count(), slow: overhead.at_least(limit) },
        }
    }
}

#[cfg(test)]
mod tests {
    use cutover::rules::LaneRule;

    use super::*;

    fn triggers(window: &Window) -> Triggers {
        window.triggers(&LaneRule::default().rollback)
    }

    #[test]
    fn counts_are_exact_over_the_window() {
        let (mut window, times) = (Window::default(), LaneTimes::default());
        for tick in 1..=(TICKS as u64 + 10) {
            window.advance(Served { native: tick * 2, native_5xx: tick, ..Served::default() }, &times);
        }
        assert_eq!(triggers(&window).native, ServedCount { answers: 2 * TICKS as u64, errors_5xx: TICKS as u64 });
        window.clear();
        assert_eq!(triggers(&window).native.answers, 0);
        window.advance(Served { native: 2 * (TICKS as u64 + 10) + 1, ..Served::default() }, &times);
        assert_eq!(triggers(&window).native.answers, 1);
    }

    #[test]
    fn durations_leave_the_window_as_counts_do() {
        let (mut window, times) = (Window::default(), LaneTimes::default());
        let tick = |window: &mut Window, own: Option<u64>| {
            own.into_iter().for_each(|own| times.native_overhead.record(Duration::from_millis(own)));
            window.advance(Served::default(), &times);
            triggers(window).overhead
        };
        let slow = |answers, slow| Overhead { answers, slow };
        assert_eq!(tick(&mut window, Some(700)), slow(1, 1));
        assert_eq!(tick(&mut window, Some(1)), slow(2, 1));
        for _ in 2..TICKS {
            assert_eq!(tick(&mut window, None), slow(2, 1));
        }
        assert_eq!(tick(&mut window, None), slow(1, 0), "the oldest tick is gone");
        assert_eq!(tick(&mut window, None), slow(0, 0), "and the one after it");
        assert_eq!(window.times.native_overhead.ticks.len(), TICKS);
        assert_eq!(tick(&mut window, Some(700)), slow(1, 1));
        window.clear();
        assert_eq!(tick(&mut window, None), slow(0, 0), "what was before a move is not the step's");
        assert_eq!(tick(&mut window, Some(700)), slow(1, 1));
    }
}
