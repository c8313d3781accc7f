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
    /// The machine's, kept to another's by so many microseconds: a database's, by which all its servers live.
    Kept(Arc<AtomicI64>),
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

    /// The machine's clock, kept to one that shows `now`.
    pub(crate) fn kept(now: Time) -> Clock {
        let clock = Clock::Kept(Arc::default());
        clock.keep(now, system_now());
        clock
    }

    /// The other clock showed `now` when the machine's showed `machine`. A clock of another kind stays as it is.
    pub(crate) fn keep(&self, now: Time, machine: Time) {
        if let Clock::Kept(ahead) = self {
            ahead.store(now.micros() - machine.micros(), Ordering::Release);
        }
    }

    /// The present instant, to the microsecond.
    pub fn now(&self) -> Time {
        match self {
            Clock::System => system_now(),
            Clock::Kept(ahead) => {
                let micros = system_now().micros().saturating_add(ahead.load(Ordering::Acquire));
                Time::from_micros(micros).clamp(Time::EPOCH, Time::MAX)
            }
            Clock::Test(micros) => Time::from_micros(micros.load(Ordering::Acquire)),
        }
    }
}

fn system_now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)).min(Time::MAX)
}
