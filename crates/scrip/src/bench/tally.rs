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
