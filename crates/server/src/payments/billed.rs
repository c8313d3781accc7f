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
        // Who waited longest comes first, or those of a provider that does not answer would keep all others waiting.
        let due = self.0.iter().filter(|(_, next)| **next <= now);
        let mut due: Vec<(Time, OrderAt)> = due.map(|(order, next)| (*next, order.clone())).collect();
        due.sort();
        let due: Vec<OrderAt> = due.into_iter().take(most).map(|(_, order)| order).collect();
        for order in &due {
            self.0.insert(order.clone(), now.plus_seconds(BETWEEN_S));
        }
        due
    }

    /// It could not be attended to, or not now.
    pub(crate) fn failed(&mut self, order: OrderAt, now: Time) {
        self.0.insert(order, now.plus_seconds(AFTER_FAILURE_S));
    }

    /// It is over.
    pub(crate) fn remove(&mut self, order: &OrderAt) {
        self.0.remove(order);
    }
}

#[cfg(test)]
mod tests {
    use scrip_core::id::{AccountId, OrderId, StudioNumber};

    use super::*;

    fn order(studio: u32, number: u64) -> OrderAt {
        let account = AccountId::parse(&format!("account-{number}")).expect("an id");
        OrderAt { studio: StudioNumber(studio), account, order: OrderId::first(2) }
    }

    /// A studio whose provider does not answer comes first by its number, and its subscriptions fail each time.
    #[test]
    fn what_fails_keeps_no_other_waiting() {
        let mut billed = Billed::default();
        let mut now = Time::EPOCH;
        let others: Vec<OrderAt> = (0..5).map(|number| order(2, number)).collect();
        (0..40).for_each(|number| billed.found(order(1, number), now));
        others.iter().for_each(|order| billed.found(order.clone(), now));
        let mut attended = Vec::new();
        for _ in 0..45 {
            now = now.plus_seconds(60);
            for due in billed.due(now, 16) {
                match due.studio {
                    StudioNumber(1) => billed.failed(due, now),
                    _ => attended.push(due),
                }
            }
        }
        assert_eq!(attended, others);
    }
}
