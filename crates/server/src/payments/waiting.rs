//! Orders that wait for the provider's word, and when each is asked about next. In memory alone: the truth is in the
//! accounts, and after a restart it is found there again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scrip_core::time::Time;

use crate::config::Pace;
use crate::payments::OrderAt;

/// The longest time between two questions about one order, in seconds.
const BETWEEN_LOOKS_MAX_S: i64 = 1_800;

/// Orders that wait.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<BTreeMap<OrderAt, Look>>);

/// When an order is looked at.
#[derive(Clone, Copy)]
struct Look {
    since: Time,
    next: Time,
}

impl Waiting {
    /// Adds an order that is known to wait since an instant, unless it is here.
    pub(crate) fn add(&self, order: OrderAt, since: Time, pace: &Pace) {
        self.lock().entry(order).or_insert(Look { since, next: since.plus_seconds(pace.first_look_s) });
    }

    /// Adds an order that is to be looked at in the next round, unless it is here.
    pub(crate) fn add_due(&self, order: OrderAt, since: Time) {
        self.lock().entry(order).or_insert(Look { since, next: since });
    }

    /// So many that are due, and when each is due again: at half its age, within bounds.
    pub(crate) fn due(&self, now: Time, most: usize, pace: &Pace) -> Vec<OrderAt> {
        let mut waiting = self.lock();
        // Who waited longest comes first, or many that will never be paid would keep all others waiting.
        let mut due: Vec<(Time, OrderAt)> = waiting
            .iter()
            .filter(|(_, look)| look.next <= now)
            .map(|(order, look)| (look.next, order.clone()))
            .collect();
        due.sort();
        let due: Vec<OrderAt> = due.into_iter().take(most).map(|(_, order)| order).collect();
        for order in &due {
            if let Some(look) = waiting.get_mut(order) {
                let age_s = (now.micros() - look.since.micros()) / 1_000_000;
                look.next = now.plus_seconds((age_s / 2).clamp(pace.first_look_s, BETWEEN_LOOKS_MAX_S));
            }
        }
        due
    }

    /// Takes away one that waits no more.
    pub(crate) fn remove(&self, order: &OrderAt) {
        self.lock().remove(order);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderAt, Look>> {
        // What is here can be lost and found again: a panic elsewhere does not matter.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
