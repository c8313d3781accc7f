//! Counting what was done in a stretch of time, and what accounts must have paid for it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use scrip_core::amount::Credits;

/// Units of work done in a stretch of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    done: u64,
    took: Duration,
}

impl Rate {
    /// Units.
    pub(crate) fn done(self) -> u64 {
        self.done
    }

    /// Whole units in a second.
    pub(crate) fn per_second(self) -> u64 {
        let nanos = self.took.as_nanos().max(1);
        u64::try_from(u128::from(self.done) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
    }
}

/// A stretch of time that callers share: they work until it is over and count what they did.
pub(crate) struct Stretch {
    from: Instant,
    lasts: Duration,
    done: AtomicU64,
}

impl Stretch {
    pub(crate) fn begin(lasts: Duration) -> Stretch {
        Stretch { from: Instant::now(), lasts, done: AtomicU64::new(0) }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.from.elapsed() >= self.lasts
    }

    pub(crate) fn count(&self, done: u64) {
        self.done.fetch_add(done, Ordering::Relaxed);
    }

    /// What was done, over the time until the last caller had its answer.
    pub(crate) fn end(&self) -> Rate {
        Rate { done: self.done.load(Ordering::Relaxed), took: self.from.elapsed() }
    }
}

/// How long single answers took, in nanoseconds.
#[derive(Default)]
pub(crate) struct Latencies(Vec<u64>);

impl Latencies {
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn join(&mut self, other: Latencies) {
        self.0.extend(other.0);
    }

    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.0.len()).expect("a length")
    }

    /// The time within which these many of a thousand answers came, in microseconds: the nearest rank, so one that was
    /// measured. `None` where there was no answer.
    pub(crate) fn within(&mut self, permille: u64) -> Option<u64> {
        let rank = (self.count() * permille).div_ceil(1_000).max(1);
        let place = usize::try_from(rank - 1).expect("below a length");
        if place >= self.0.len() {
            return None;
        }
        let (_, nanos, _) = self.0.select_nth_unstable(place);
        Some(nanos.div_ceil(1_000))
    }
}

/// What each account has paid, as its callers were told.
pub(crate) struct Paid(Vec<AtomicI64>);

impl Paid {
    pub(crate) fn nothing(accounts: usize) -> Paid {
        Paid((0..accounts).map(|_| AtomicI64::new(0)).collect())
    }

    pub(crate) fn add(&self, account: usize, credits: Credits) {
        self.0[account].fetch_add(credits.millionths(), Ordering::Relaxed);
    }

    pub(crate) fn of(&self, account: usize) -> Credits {
        Credits::from_millionths(self.0[account].load(Ordering::Relaxed))
    }
}

/// A stream of numbers that look random and are the same in every run: which account comes next.
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) const fn new(seed: u64) -> Draws {
        Draws(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // xorshift64 (G. Marsaglia, "Xorshift RNGs", 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let bound = u64::try_from(bound).expect("a length");
        usize::try_from(self.0 % bound).expect("below a length")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_of_the_nearest_rank() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.within(500), None);
        for micros in (1..=1_000).rev() {
            latencies.add(Duration::from_micros(micros));
        }
        let found = [0, 1, 500, 990, 999, 1_000].map(|permille| latencies.within(permille).expect("there are some"));
        assert_eq!(found, [1, 1, 500, 990, 999, 1_000]);
        let mut one = Latencies::default();
        one.add(Duration::from_nanos(1));
        assert_eq!(one.within(999), Some(1));
    }
}
