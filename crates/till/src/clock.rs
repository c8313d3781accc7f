//! The provider's clock: it begins where it is told, and then runs with the machine's or stands still until it is moved.

use std::sync::Mutex;
use std::time::Instant;

/// Seconds since 1970, as this provider sees them.
pub struct Clock(Mutex<State>);

struct State {
    at: i64,
    /// When `at` was set; `None`: it stands still.
    since: Option<Instant>,
}

impl Clock {
    /// A clock that begins at `at` and runs.
    pub fn running(at: i64) -> Clock {
        Clock(Mutex::new(State { at, since: Some(Instant::now()) }))
    }

    /// A clock that stands at `at`.
    pub fn standing(at: i64) -> Clock {
        Clock(Mutex::new(State { at, since: None }))
    }

    /// The present second.
    pub fn now(&self) -> i64 {
        let state = self.lock();
        let passed = state.since.map_or(0, |since| since.elapsed().as_secs());
        state.at.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
    }

    /// Moves it on to `at`; back it does not go.
    pub fn move_to(&self, at: i64) {
        let now = self.now();
        let mut state = self.lock();
        state.at = at.max(now);
        state.since = state.since.map(|_| Instant::now());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics while the clock is looked at")
    }
}
