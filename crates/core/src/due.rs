//! What is due (R16): hold deadlines, cycle turns and expiries, applied with their own due time.
//!
//! Nothing depends on a timer: whoever touches an account applies first what is due. It is apart
//! from deciding because no command asks for it and nothing can refuse it.

use crate::account::Account;
use crate::apply::apply;
use crate::catalog::Catalogs;
use crate::claw_back::follow_up;
use crate::consequence::{expiry, refill, repayment, subscription_lot, unheld};
use crate::draft::{Draft, freed, paid};
use crate::entry::{Entry, Event, OrderChange, SubscriptionChange, TextField, Texts};
use crate::hold::LotPart;
use crate::lot::Class;
use crate::order::{Order, Payment};
use crate::plan::{NextPlan, Subscription, SubscriptionState};
use crate::spend;
use crate::time::Time;
use crate::top_up;

/// The next instant at which something falls due for this account, were nobody to touch it.
pub fn next_due(account: &Account) -> Option<Time> {
    next_instant(account).into_iter().chain(top_up::tries_again_at(account)).min()
}

/// The same without the automatic top-up, which acts in the present alone.
fn next_instant(account: &Account) -> Option<Time> {
    let deadlines = account.holds.iter().map(|hold| hold.expires_at);
    let expiries = account.lots.iter().filter(|lot| lot.available().is_positive()).filter_map(|lot| lot.expires_at);
    let turn = account.subscription.as_ref().and_then(|subscription| subscription.turns_at);
    let orders = account.orders.iter().filter(|order| order.payment == Payment::Pending).map(|order| order.expires_at);
    deadlines.chain(expiries).chain(turn).chain(orders).min()
}

/// Applies to `account` all that is due up to and including `now`, in order, each with its own due time,
/// and returns the entries it made. `salt` digests the texts that they repeat; a read that writes nothing gives any.
pub fn apply_due(account: &mut Account, catalogs: &Catalogs, now: Time, salt: [u8; 16]) -> Vec<Entry> {
    let mut entries = Vec::new();
    while let Some(at) = next_instant(account).filter(|at| *at <= now) {
        Instant { account: &mut *account, catalogs, at, salt, entries: &mut entries }.pass();
    }
    // An order that was placed in the past could be over, and count as declined, before anybody saw it.
    if !entries.is_empty() || top_up::tries_again_at(account).is_some_and(|at| at <= now) {
        let at = now.max(account.last_at);
        Instant { account: &mut *account, catalogs, at, salt, entries: &mut entries }.top_up();
    }
    entries
}

/// All that falls due at one instant.
struct Instant<'a> {
    account: &'a mut Account,
    catalogs: &'a Catalogs,
    at: Time,
    salt: [u8; 16],
    entries: &'a mut Vec<Entry>,
}

impl Instant<'_> {
    /// The order at one instant (R16): hold deadlines, a payment that did not come, roll-over, lot expiry, plan change, refill, debt
    /// repayment; then what concerns orders: what holds freed of lots that are frozen or to come back, and orders that nobody paid.
    fn pass(&mut self) {
        let seq = self.account.seq;
        self.expire_holds();
        self.lapse();
        let turning = self.account.subscription.as_ref().filter(|now| now.turns_at.is_some_and(|at| at <= self.at));
        let turning = turning.map(|subscription| Subscription::clone(subscription));
        if let Some(subscription) = &turning {
            self.roll_over(subscription);
        }
        self.write(expiry(self.account, self.at));
        if let Some(subscription) = turning {
            self.turn(subscription);
        }
        self.write(repayment(self.account, seq));
        while let Some(draft) = follow_up(self.account, self.at) {
            self.write(draft);
        }
        self.expire_orders();
    }

    /// What the automatic top-up does about all that was due.
    fn top_up(&mut self) {
        loop {
            let drafts = top_up::follow_up(self.account, self.catalogs, self.at);
            if drafts.is_empty() {
                break;
            }
            drafts.into_iter().for_each(|draft| self.write(draft));
        }
    }

    fn write(&mut self, draft: impl Into<Option<Draft>>) {
        let Some(draft) = draft.into() else { return };
        let entry = draft.onto(self.account, self.at);
        apply(self.account, &entry);
        self.entries.push(entry);
    }

    fn expire_holds(&mut self) {
        while let Some(hold) = self.account.holds.iter().find(|hold| hold.expires_at <= self.at) {
            let texts =
                [(TextField::Reference, hold.reference.as_deref()), (TextField::Member, hold.member.as_deref())];
            let event = Event::HoldExpired { hold: hold.id, tool: hold.priced.tool.clone(), freed: hold.credits };
            let draft = Draft::new(event).lots(freed(&hold.parts)).texts(Texts::salted(self.salt, texts));
            self.write(draft);
        }
    }

    /// A cycle that is still not paid for when its grace is over (R17a).
    fn lapse(&mut self) {
        let at = self.at;
        let lapsed = self.account.subscription.as_deref().filter(|held| held.lapses_at().is_some_and(|due| due <= at));
        if let Some(subscription) = lapsed {
            let past_due = Subscription { state: SubscriptionState::PastDue, ..subscription.clone() }.scheduled();
            let change = SubscriptionChange::StateChanged;
            self.write(Draft::new(Event::SubscriptionChanged { change, subscription: Some(past_due) }));
        }
    }

    fn expire_orders(&mut self) {
        let at = self.at;
        let overdue = |order: &&Order| order.payment == Payment::Pending && order.expires_at <= at;
        while let Some(order) = self.account.orders.iter().find(overdue).cloned() {
            let order = Box::new(Order { payment: Payment::Expired, ..order });
            self.write(Draft::new(Event::OrderChanged { change: OrderChange::Expired, order }));
        }
    }

    /// What is unheld of the ending cycle becomes one lot of the next, up to the cap of the terms that end (R14).
    /// A plan that is not active, or that ends here, rolls nothing over.
    fn roll_over(&mut self, subscription: &Subscription) {
        let (SubscriptionState::Active, Some(cap)) = (subscription.state, subscription.terms.roll_over_cap) else {
            return;
        };
        if subscription.refills_at().is_none() {
            return;
        }
        // Not what a hold kept of earlier cycles and frees at this very instant: that expires (R22).
        let ending = unheld(self.account, |lot| lot.class == Class::Subscription && lot.expires_at == Some(self.at));
        let parts = up_to(cap, ending);
        let rolled = spend::sum(&parts);
        if rolled.is_positive() {
            let ends = subscription.starts(subscription.next_cycle() + 1);
            let draft = Draft::new(Event::RolledOver).lots(paid(&parts)).making(subscription_lot(rolled, ends));
            self.write(draft);
        }
    }

    /// The turn of a cycle, and of a term where it ends here: what waits takes place, then the refill.
    fn turn(&mut self, subscription: Subscription) {
        let active = subscription.state == SubscriptionState::Active;
        let cycle = if active { subscription.next_cycle() } else { subscription.term_end() };
        let subscription = if cycle == subscription.term_end() {
            match self.end_term(subscription) {
                Some(subscription) => subscription,
                None => return,
            }
        } else {
            subscription
        };
        if active {
            self.write(refill(self.account, subscription, cycle));
        }
    }

    /// The subscription of the next term, if there is one. Terms read anew are told by the refill that follows.
    fn end_term(&mut self, subscription: Subscription) -> Option<Subscription> {
        let start = subscription.term_end();
        match subscription.next {
            None => Some(subscription.renewed(self.account.studio, self.catalogs)),
            Some(NextPlan::Change(terms)) => {
                let paid_until = subscription.paid_until.or(Some(start));
                let next =
                    Subscription { terms, term_start: start, next: None, paid_until, ..subscription }.scheduled();
                let change = SubscriptionChange::TookEffect;
                self.write(Draft::new(Event::SubscriptionChanged { change, subscription: Some(next.clone()) }));
                Some(next)
            }
            Some(NextPlan::Cancel) => {
                let change = SubscriptionChange::Ended;
                self.write(Draft::new(Event::SubscriptionChanged { change, subscription: None }));
                None
            }
        }
    }
}

/// The parts, in order, until `credits` are reached.
fn up_to(credits: crate::amount::Credits, parts: Vec<LotPart>) -> Vec<LotPart> {
    let mut left = credits;
    let mut kept = Vec::new();
    for part in parts {
        let credits = part.credits.min(left);
        if credits.is_positive() {
            left -= credits;
            kept.push(LotPart { credits, ..part });
        }
    }
    kept
}
