//! Subscriptions at the provider that are attended to, and when each is next. In memory alone: which there are stands in
//! the accounts, and after a restart they are found there again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scrip_core::id::StudioNumber;
use scrip_core::time::Time;

use crate::payments::OrderAt;

/// Between two looks at a subscription of which nothing was told, in seconds: six hours.
const BETWEEN_S: i64 = 6 * 3_600;
/// After one that failed: a minute.
const AFTER_FAILURE_S: i64 = 60;

/// Subscriptions, by the order that began each, and when they are next.
#[derive(Default)]
pub(crate) struct Billed(Mutex<BTreeMap<OrderAt, Time>>);

impl Billed {
    /// There is one: it is attended to soon, unless it was already.
    pub(crate) fn found(&self, order: OrderAt, now: Time) {
        self.lock().entry(order).or_insert(now);
    }

    /// Something about it changed.
    pub(crate) fn changed(&self, order: OrderAt, now: Time) {
        self.lock().insert(order, now);
    }

    /// So many of a studio's that are due, and not again for a while.
    pub(crate) fn due(&self, studio: StudioNumber, now: Time, most: usize) -> Vec<OrderAt> {
        let mut all = self.lock();
        // Who waited longest comes first, or those that fail each time would keep all others waiting.
        let due = all.iter().filter(|(order, next)| order.studio == studio && **next <= now);
        let mut due: Vec<(Time, OrderAt)> = due.map(|(order, next)| (*next, order.clone())).collect();
        due.sort();
        let due: Vec<OrderAt> = due.into_iter().take(most).map(|(_, order)| order).collect();
        for order in &due {
            all.insert(order.clone(), now.plus_seconds(BETWEEN_S));
        }
        due
    }

    /// It could not be attended to, or not now.
    pub(crate) fn failed(&self, order: OrderAt, now: Time) {
        self.lock().insert(order, now.plus_seconds(AFTER_FAILURE_S));
    }

    /// It is over.
    pub(crate) fn remove(&self, order: &OrderAt) {
        self.lock().remove(order);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderAt, Time>> {
        // What is here can be lost and found again: a panic elsewhere does not matter.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use scrip_core::id::{AccountId, OrderId};

    use super::*;

    const STUDIO: StudioNumber = StudioNumber(1);

    fn order(studio: StudioNumber, number: u64) -> OrderAt {
        let account = AccountId::parse(&format!("account-{number}")).expect("an id");
        OrderAt { studio, account, order: OrderId::first(2) }
    }

    /// The first forty fail each time.
    #[test]
    fn what_fails_keeps_no_other_waiting() {
        let billed = Billed::default();
        let mut now = Time::EPOCH;
        let fail: Vec<OrderAt> = (100..140).map(|number| order(STUDIO, number)).collect();
        let others: Vec<OrderAt> = (200..205).map(|number| order(STUDIO, number)).collect();
        fail.iter().chain(&others).for_each(|order| billed.found(order.clone(), now));
        let mut attended = Vec::new();
        for _ in 0..45 {
            now = now.plus_seconds(60);
            for due in billed.due(STUDIO, now, 16) {
                if fail.contains(&due) {
                    billed.failed(due, now);
                } else {
                    attended.push(due);
                }
            }
        }
        assert_eq!(attended, others);
    }

    #[test]
    fn a_studio_is_given_its_own() {
        let (billed, other) = (Billed::default(), StudioNumber(2));
        billed.found(order(STUDIO, 1), Time::EPOCH);
        assert_eq!(billed.due(other, Time::EPOCH, 16), []);
        assert_eq!(billed.due(STUDIO, Time::EPOCH, 16), [order(STUDIO, 1)]);
    }
}
