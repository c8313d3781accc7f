//! What must hold of every entry of every history, whatever was asked: checked after each step of
//! every scenario, property and exhaustive run. It is written from `rules.md` and shares no code
//! with the rules.

use std::collections::{BTreeMap, BTreeSet};

use scrip_core::account::Account;
use scrip_core::amount::Credits;
use scrip_core::entry::{Book, Entry, Event, SubscriptionChange};
use scrip_core::hold::{Hold, OnExcess};
use scrip_core::id::{ChargeId, HoldId, LotId, OrderId};
use scrip_core::lot::{Class, Lot};
use scrip_core::order::Item;
use scrip_core::plan::SubscriptionState;

/// What the laws remember of a history.
#[derive(Clone, Debug, Default)]
pub(crate) struct Laws {
    /// The sum of all postings of each lot, and what it was made with.
    lots: BTreeMap<LotId, (Credits, Credits)>,
    /// All holds ever placed, with how often each was charged.
    holds: BTreeMap<HoldId, (Hold, u32)>,
    /// What each charge took from lots and left as a debt, less what was refunded.
    charges: BTreeMap<ChargeId, Credits>,
    /// Per subscription and cycle: what was refilled, and the best allowance held in it.
    cycles: BTreeMap<(u32, u32), (Credits, Credits)>,
    subscriptions: u32,
    /// Orders that were paid.
    paid: BTreeSet<OrderId>,
}

impl Laws {
    /// Checks an entry between the account before and after it.
    pub(crate) fn watch(&mut self, before: &Account, entry: &Entry, after: &Account) {
        self.conservation(entry, after);
        books_sum_to_zero(entry);
        self.plans(before, entry, after);
        match &entry.event {
            Event::Charged { credits, .. } => {
                assert!(before.debt.is_zero(), "a debt blocks charges (R19)");
                assert_eq!(-entry.credits(), *credits);
                in_spend_order(before, entry, |change| -change.remaining);
                self.charges.insert(ChargeId::first(entry.seq), *credits);
            }
            Event::HoldPlaced { hold } => {
                assert!(before.debt.is_zero(), "a debt blocks holds (R19)");
                assert!(entry.credits().is_zero(), "remaining does not drop while a job runs (R23)");
                assert_eq!(entry.held(), hold.credits);
                assert!(hold.expires_at > entry.at);
                in_spend_order(before, entry, |change| change.held);
                self.holds.insert(hold.id, (hold.clone(), 0));
            }
            Event::HoldSettled(settled) => self.settled(before, entry, settled),
            Event::HoldReleased { hold, freed, .. } | Event::HoldExpired { hold, freed, .. } => {
                assert_eq!(-entry.held(), *freed);
                assert_eq!(*freed, self.holds[hold].0.credits, "all is freed (R20)");
                assert!(entry.credits().is_zero(), "and nothing taken (R20)");
            }
            Event::Refunded(refunded) => {
                let left = self.charges.get_mut(&refunded.charge).expect("a refund is of a charge");
                *left -= refunded.credits;
                assert!(!left.is_negative(), "at most what was charged, over any number of refunds (R24)");
                let written_off: Credits = entry
                    .books
                    .iter()
                    .filter(|posting| posting.book == Book::Uncollected)
                    .map(|posting| posting.credits)
                    .sum();
                assert_eq!(entry.credits() - entry.debt + written_off, refunded.credits);
            }
            Event::DebtRecorded { charge, .. } => {
                *self.charges.get_mut(charge).expect("a debt is of a charge") += entry.debt;
            }
            Event::LotExpired => {
                for change in &entry.lots {
                    assert!(before.lot(change.lot).is_some_and(|lot| lot.expired(entry.at)));
                }
            }
            Event::RolledOver => {
                let cap = before.subscription.as_ref().and_then(|now| now.terms.roll_over_cap).unwrap_or_default();
                let rolled = entry.makes[0].granted;
                assert!(rolled <= cap, "rolled credits never exceed the cap (R14)");
                for part in entry.taken() {
                    let ends = before.lot(part.lot).and_then(|lot| lot.expires_at);
                    assert_eq!(ends, Some(entry.at), "only the ending cycle's credits roll over (R22)");
                }
                assert!(entry.credits().is_zero());
            }
            Event::DebtRepaid => assert_eq!(entry.credits(), entry.debt, "what is repaid is owed no more"),
            Event::OrderPaid { order, .. } => {
                assert!(self.paid.insert(order.id), "an order makes its lots once (R26)");
                assert_eq!(entry.credits(), order.credits + order.bonus);
                assert_eq!(entry.after.available() - before.totals().available(), entry.credits(), "at once (R26)");
            }
            Event::ClawedBack { order, .. } => {
                let of_a_plan = matches!(order.item, Item::Plan(_));
                assert!(of_a_plan || self.paid.contains(&order.id));
                assert!(entry.held().is_zero(), "holds live on (R27)");
                let taken = order.taken_back;
                let within = taken.credits <= order.credits && taken.bonus <= order.bonus;
                assert!(of_a_plan || within, "no more than was bought (R27)");
            }
            Event::GivenBack { order, .. } => {
                let taken = order.taken_back;
                assert!(!taken.credits.is_negative() && !taken.bonus.is_negative(), "no more than was taken (R27)");
                assert!(!entry.credits().is_negative() && !entry.debt.is_positive());
            }
            Event::LotsFrozen { .. } | Event::LotsUnfrozen { .. } => {
                assert!(entry.credits().is_zero() && entry.held().is_zero(), "freezing moves nothing else (R27)");
            }
            Event::AutomaticTopUpChanged { .. }
            | Event::SavedMethodChanged { .. }
            | Event::BillingChanged { .. }
            | Event::OrderChanged { .. } => {
                assert!(entry.lots.is_empty() && entry.debt.is_zero())
            }
            Event::AccountOpened { .. }
            | Event::AccountChanged { .. }
            | Event::SubscriptionChanged { .. }
            | Event::Refilled { .. }
            | Event::HoldExtended { .. }
            | Event::Granted
            | Event::Revoked { .. }
            | Event::WentUncollected { .. }
            | Event::AccountErased
            | Event::Acted { .. } => {}
        }
    }

    /// Remaining of every lot is the sum of its postings, between zero and what it was made with (R12, R28); what is
    /// held is what open holds hold; and what has come to its end is spendable no more.
    fn conservation(&mut self, entry: &Entry, after: &Account) {
        for (index, made) in entry.makes.iter().enumerate() {
            let id = LotId { seq: entry.seq, index: u16::try_from(index).unwrap() };
            assert!(self.lots.insert(id, (Credits::ZERO, made.granted)).is_none());
        }
        for change in &entry.lots {
            let (sum, granted) = self.lots.get_mut(&change.lot).expect("made before");
            *sum += change.remaining;
            assert!(!sum.is_negative() && *sum <= *granted);
        }
        for (id, (sum, _)) in &self.lots {
            assert_eq!(after.lot(*id).map_or(Credits::ZERO, |lot| lot.remaining), *sum, "{id}");
        }
        for lot in &after.lots {
            let holding =
                |hold: &Hold| hold.parts.iter().filter(|part| part.lot == lot.id).map(|part| part.credits).sum();
            let held: Credits = after.holds.iter().map(|hold| -> Credits { holding(hold) }).sum();
            assert_eq!(lot.held, held, "{} holds what its holds hold", lot.id);
        }
        assert!(!after.debt.is_negative());
        assert!(after.totals().remaining.within_limit());
    }

    /// Charged within the hold unless a policy says otherwise; once (R19, R21).
    fn settled(&mut self, before: &Account, entry: &Entry, settled: &scrip_core::entry::HoldSettled) {
        let (hold, times) = self.holds.get_mut(&settled.hold).expect("placed before");
        *times += 1;
        assert_eq!(*times, 1, "a hold is charged once");
        assert_eq!(-entry.credits(), settled.charged);
        assert_eq!(settled.charged + settled.uncollected + settled.debt, settled.price, "nothing is lost silently");
        if settled.on_excess == OnExcess::Cap {
            assert!(settled.charged <= hold.credits, "no more than was held (R19)");
        }
        if settled.late {
            assert!(entry.held().is_zero());
            in_spend_order(before, entry, |change| -change.remaining);
        } else {
            assert_eq!(-entry.held(), hold.credits, "a settle frees the whole hold");
            assert_eq!(settled.freed, (hold.credits - settled.price).max(Credits::ZERO));
        }
        self.charges.insert(ChargeId::first(entry.seq), settled.charged);
    }

    /// No sequence of plan changes yields more in a cycle than the best plan held in it (R17).
    fn plans(&mut self, before: &Account, entry: &Entry, after: &Account) {
        if let Event::SubscriptionChanged { change: SubscriptionChange::Started, .. } = entry.event {
            self.subscriptions += 1;
        }
        let Some(subscription) = after.subscription.as_deref() else { return };
        assert_eq!(before.subscription.as_ref().map_or(subscription.anchor, |was| was.anchor), subscription.anchor);
        let Some(cycle) = subscription.cycle_at(entry.at) else { return };
        let (refilled, best) = self.cycles.entry((self.subscriptions, cycle)).or_default();
        *best = subscription.terms.allowance.max(*best);
        if let Event::ClawedBack { order, .. } = &entry.event
            && matches!(order.item, Item::Plan(_))
        {
            *refilled += entry.credits();
            assert!(!refilled.is_negative(), "no more is taken back than was granted (R27)");
        }
        if let Event::Refilled { cycle: of, .. } = &entry.event {
            assert_eq!(*of, cycle, "a refill is of the cycle that it is made in");
            assert_eq!(subscription.state, SubscriptionState::Active);
            *refilled += entry.credits();
            assert!(*refilled <= *best, "{refilled} of {best} in cycle {cycle}");
            let ends = entry.makes.iter().all(|made| made.expires_at == Some(subscription.starts(cycle + 1)));
            assert!(ends && entry.makes.iter().all(|made| made.class == Class::Subscription));
        }
    }
}

/// Lots, debts and books sum to zero (R28).
fn books_sum_to_zero(entry: &Entry) {
    let books: Credits = entry.books.iter().map(|posting| posting.credits).sum();
    assert!((entry.credits() - entry.debt + books).is_zero(), "{entry:?}");
}

/// Lots are taken in spend order (R11), each as far as it goes before the next is touched, and never one that has expired.
fn in_spend_order(before: &Account, entry: &Entry, taken: impl Fn(&scrip_core::entry::LotChange) -> Credits) {
    let mut lots: Vec<&Lot> =
        before.lots.iter().filter(|lot| (lot.remaining - lot.held - lot.frozen).is_positive()).collect();
    lots.sort_by_key(|lot| {
        let never = scrip_core::time::Time::MAX;
        (lot.priority, lot.expires_at.unwrap_or(never), class_order(lot.class), lot.granted_at, lot.id)
    });
    for (place, change) in entry.lots.iter().enumerate() {
        assert_eq!(lots[place].id, change.lot, "the next lot in spend order");
        assert!(!lots[place].expired(entry.at));
        if place + 1 < entry.lots.len() {
            assert_eq!(taken(change), lots[place].available(), "a lot is emptied before the next is touched");
        }
    }
}

/// promo, make-good, subscription, top-up (R11).
fn class_order(class: Class) -> u8 {
    match class {
        Class::Promo => 0,
        Class::MakeGood => 1,
        Class::Subscription => 2,
        Class::TopUp => 3,
    }
}
