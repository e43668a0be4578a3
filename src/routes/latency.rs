//! Durations in fixed buckets: counted by the threads that serve, read by the controller.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets between a duration and its double: a bucket is at most an eighth of its durations wide.
const PER_OCTAVE_BITS: u32 = 3;
const PER_OCTAVE: u64 = 1 << PER_OCTAVE_BITS;
/// Octaves of microseconds that are told apart; what takes longer than 18 minutes is counted as just that.
const OCTAVES_END: u32 = 30;
/// Below [`PER_OCTAVE`] microseconds every one has a bucket, above them every octave has [`PER_OCTAVE`].
const BUCKETS: usize = (PER_OCTAVE * (OCTAVES_END - PER_OCTAVE_BITS + 1) as u64) as usize;

fn bucket_of(duration: Duration) -> usize {
    let most = (1 << OCTAVES_END) - 1;
    let microseconds = u64::try_from(duration.as_micros()).unwrap_or(most).min(most);
    if microseconds < PER_OCTAVE {
        return microseconds as usize;
    }
    let shift = microseconds.ilog2() - PER_OCTAVE_BITS;
    (u64::from(shift) * PER_OCTAVE + (microseconds >> shift)) as usize
}

/// The shortest duration of a bucket, in microseconds.
fn bucket_start(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    match (bucket / PER_OCTAVE).checked_sub(1) {
        Some(shift) => (PER_OCTAVE + bucket % PER_OCTAVE) << shift,
        None => bucket,
    }
}

/// Counts durations without a lock.
#[derive(Debug)]
pub struct Histogram([AtomicU64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }
}

impl Histogram {
    pub fn record(&self, duration: Duration) {
        self.0[bucket_of(duration)].fetch_add(1, Ordering::Relaxed);
    }

    /// All that was counted since the start.
    pub fn read(&self) -> Distribution {
        Distribution(self.0.iter().map(|count| count.load(Ordering::Relaxed)).collect())
    }
}

/// What a [`Histogram`] had counted at one moment, or between two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution(Box<[u64]>);

impl Default for Distribution {
    fn default() -> Self {
        Self(vec![0; BUCKETS].into())
    }
}

/// How often each bucket was counted; those that were not are left out.
pub type Counted = Box<[(usize, u64)]>;

impl Distribution {
    /// What came since an earlier reading.
    pub fn since(&self, earlier: &Self) -> Counted {
        let grown = self.0.iter().zip(&earlier.0).map(|(now, before)| now.saturating_sub(*before));
        grown.enumerate().filter(|(_, count)| *count > 0).collect()
    }

    pub fn add(&mut self, counted: &Counted) {
        for (bucket, count) in counted {
            self.0[*bucket] += count;
        }
    }

    pub fn subtract(&mut self, counted: &Counted) {
        for (bucket, count) in counted {
            self.0[*bucket] = self.0[*bucket].saturating_sub(*count);
        }
    }

    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// How many surely took `limit` or longer; those of the bucket that the limit divides are not.
    pub fn at_least(&self, limit: Duration) -> u64 {
        let limit = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        let surely = self.0.iter().enumerate().filter(|(bucket, _)| bucket_start(*bucket) >= limit);
        surely.map(|(_, count)| count).sum()
    }

    /// The duration that this share took at most, to a sixteenth; none of nothing.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let rank = ((self.count() as f64 * share).ceil() as u64).max(1);
        let mut passed = 0;
        let bucket = self.0.iter().position(|count| {
            passed += count;
            passed >= rank
        })?;
        let middle = (bucket_start(bucket) + bucket_start(bucket + 1) - 1).div_ceil(2);
        Some(Duration::from_micros(middle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(microseconds: impl IntoIterator<Item = u64>) -> Distribution {
        let histogram = Histogram::default();
        microseconds.into_iter().for_each(|one| histogram.record(Duration::from_micros(one)));
        histogram.read()
    }

    #[test]
    fn every_duration_has_a_bucket_that_is_narrow() {
        let durations = (0..5000).chain((0..64).map(|bit| 1 << bit)).chain((3..64).map(|bit| (1 << bit) - 1));
        for microseconds in durations {
            let bucket = bucket_of(Duration::from_micros(microseconds));
            let (start, end) = (bucket_start(bucket), bucket_start(bucket + 1));
            assert!(bucket < BUCKETS, "{microseconds} µs");
            assert!(end - start <= (start / PER_OCTAVE).max(1), "{microseconds} µs: {start}..{end}");
            let known = microseconds < 1 << OCTAVES_END;
            assert_eq!((start..end).contains(&microseconds), known, "{microseconds} µs: {start}..{end}");
        }
        assert_eq!(bucket_of(Duration::MAX), BUCKETS - 1);
        assert_eq!(bucket_start(BUCKETS), 1 << OCTAVES_END);
    }

    #[test]
    fn quantiles_are_near_and_of_nothing_there_are_none() {
        // (what, durations, share, nearly)
        let cases: [(&str, Vec<u64>, f64, Option<u64>); 7] = [
            ("nothing", vec![], 0.5, None),
            ("one", vec![5], 0.99, Some(5)),
            ("a median", (1..=1000).collect(), 0.5, Some(500)),
            ("a ninety-ninth", (1..=1000).collect(), 0.99, Some(990)),
            ("one of a hundred is beyond it", [vec![100; 99], vec![9_000_000]].concat(), 0.99, Some(100)),
            ("two of a hundred are not", [vec![100; 98], vec![9_000_000; 2]].concat(), 0.99, Some(9_000_000)),
            ("an hour is 18 minutes", vec![3_600_000_000], 0.5, Some(1 << OCTAVES_END)),
        ];
        for (what, durations, share, nearly) in cases {
            let found = of(durations).quantile(share).map(|found| found.as_micros() as f64);
            match (found, nearly) {
                (Some(found), Some(nearly)) => {
                    assert!((found / nearly as f64 - 1.0).abs() <= 1.0 / 15.0, "{what}: {found}");
                }
                (found, nearly) => assert_eq!(found.is_some(), nearly.is_some(), "{what}"),
            }
        }
    }

    #[test]
    fn only_what_surely_took_longer_counts_as_slow() {
        let all = of([0, 400_000, 499_999, 524_288, 600_000, 1 << 40]);
        let at_least = |milliseconds| all.at_least(Duration::from_millis(milliseconds));
        assert_eq!([at_least(0), at_least(400), at_least(500), at_least(2000)], [6, 4, 3, 1]);
        assert_eq!(all.at_least(Duration::MAX), 0);
    }
}
