//! The only clock (R33).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use scrip_core::time::Time;

/// Where the engine's time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's.
    System,
    /// One that stands still between moves.
    Test(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Clock {
        Clock::System
    }

    /// A clock that stands at `now` until it is moved.
    pub fn test(now: Time) -> Clock {
        Clock::Test(Arc::new(AtomicI64::new(now.micros())))
    }

    /// The present instant, to the microsecond.
    pub fn now(&self) -> Time {
        match self {
            Clock::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)).min(Time::MAX)
            }
            Clock::Test(micros) => Time::from_micros(micros.load(Ordering::Acquire)),
        }
    }
}
