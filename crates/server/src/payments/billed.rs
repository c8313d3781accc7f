//! Subscriptions at the provider that are attended to, and when each is next. In memory alone: which there are stands in
//! the accounts, and after a restart they are found there again.

use std::collections::BTreeMap;

use scrip_core::time::Time;

use crate::payments::OrderAt;

/// Between two looks at a subscription of which nothing was told, in seconds: six hours.
const BETWEEN_S: i64 = 6 * 3_600;
/// After one that failed: a minute.
const AFTER_FAILURE_S: i64 = 60;

/// Subscriptions, by the order that began each, and when they are next.
#[derive(Default)]
pub(crate) struct Billed(BTreeMap<OrderAt, Time>);

impl Billed {
    /// There is one: it is attended to soon, unless it was already.
    pub(crate) fn found(&mut self, order: OrderAt, now: Time) {
        self.0.entry(order).or_insert(now);
    }

    /// Something about it changed.
    pub(crate) fn changed(&mut self, order: OrderAt, now: Time) {
        self.0.insert(order, now);
    }

    /// So many that are due, and not again for a while.
    pub(crate) fn due(&mut self, now: Time, most: usize) -> Vec<OrderAt> {
        let due = self.0.iter().filter(|(_, next)| **next <= now).map(|(order, _)| order.clone());
        let due: Vec<OrderAt> = due.take(most).collect();
        for order in &due {
            self.0.insert(order.clone(), now.plus_seconds(BETWEEN_S));
        }
        due
    }

    /// It could not be attended to.
    pub(crate) fn failed(&mut self, order: OrderAt, now: Time) {
        self.0.insert(order, now.plus_seconds(AFTER_FAILURE_S));
    }

    /// It is over.
    pub(crate) fn remove(&mut self, order: &OrderAt) {
        self.0.remove(order);
    }
}
