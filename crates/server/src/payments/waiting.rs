//! Orders that wait for the provider's word, and when each is asked about next. In memory alone: the truth is in the
//! accounts, and after a restart it is found there again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scrip_core::id::StudioNumber;
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

    /// So many of a studio's that are due, and when each is due again: at half its age, within bounds.
    pub(crate) fn due(&self, studio: StudioNumber, now: Time, most: usize, pace: &Pace) -> Vec<OrderAt> {
        let mut waiting = self.lock();
        // What was never looked at and is to be charged comes first, then who waited longest, or many that will never be paid would
        // keep all others waiting.
        let mut due: Vec<(bool, Time, OrderAt)> = waiting
            .iter()
            .filter(|(order, look)| order.studio == studio && look.next <= now)
            .map(|(order, look)| (look.next > look.since, look.next, order.clone()))
            .collect();
        due.sort();
        let due: Vec<OrderAt> = due.into_iter().take(most).map(|(_, _, order)| order).collect();
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

#[cfg(test)]
mod tests {
    use scrip_core::id::{AccountId, OrderId};

    use super::*;

    #[test]
    fn what_is_to_be_charged_comes_first_and_the_rest_in_its_turn() {
        let (waiting, pace, studio) = (Waiting::default(), Pace::default(), StudioNumber(1));
        let order = |number: u64| {
            let account = AccountId::parse(&format!("account-{number}")).expect("an id");
            OrderAt { studio, account, order: OrderId::first(2) }
        };
        let second = |second| Time::EPOCH.plus_seconds(second);
        waiting.add(order(1), second(1), &pace);
        waiting.add(order(2), second(0), &pace);
        waiting.add_due(order(3), second(60));
        assert_eq!(waiting.due(StudioNumber(2), second(60), 16, &pace), []);
        assert_eq!(waiting.due(studio, second(60), 2, &pace), [order(3), order(2)]);
        assert_eq!(waiting.due(studio, second(60), 16, &pace), [order(1)]);
        // Looked at once, it has its turn like any other.
        assert_eq!(waiting.due(studio, second(75), 16, &pace), [order(3)]);
    }
}
