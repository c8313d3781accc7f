//! What is left to chance, all of it following from a number; and dying between two steps.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

/// Numbers by lot that follow from a seed (splitmix64).
pub(super) struct Lot(pub(super) u64);

impl Lot {
    /// One below a bound.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// A place in something of so many; `None` when it has none.
    pub(super) fn place(&mut self, len: usize) -> Option<usize> {
        let len = u64::try_from(len).expect("a few");
        (len > 0).then(|| usize::try_from(self.below(len)).expect("a few"))
    }

    /// One among several.
    pub(super) fn one_of<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.place(among.len()).expect("there are some")]
    }

    /// How many steps something gets before it dies; mostly enough to finish.
    pub(super) fn steps(&mut self) -> u64 {
        match self.below(3) {
            0 => self.below(40),
            _ => u64::MAX,
        }
    }
}

/// Lets something run for so many steps, then lets it die; what it came to, if it got there.
pub(crate) async fn for_steps<T>(steps: u64, running: impl Future<Output = T>) -> Option<T> {
    let mut running = pin!(running);
    let mut left = steps;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        running.as_mut().poll(context).map(Some)
    })
    .await
}
