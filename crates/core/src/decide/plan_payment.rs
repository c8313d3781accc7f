//! A term of a plan that an order pays for, and money of it that goes back or comes again (R17a, R27).
//!
//! Apart from the rest of subscribing because a payment comes when it likes: late, twice, for another plan, and out of
//! the customer's pocket or back into it. What it does follows from how it finds the subscription, and from nothing else.

use crate::account::Account;
use crate::amount::Credits;
use crate::catalog::Catalogs;
use crate::command::PutSubscription;
use crate::decide::billing::{Payer, leaves_room};
use crate::decide::scribe::Scribe;
use crate::decide::subscription::{begin, grant_current, write_change};
use crate::draft::{Draft, unchanged};
use crate::entry::{Book, Event, LotChange, SubscriptionChange};
use crate::lot::{Class, Lot};
use crate::order::{Item, Order, PaidCycles, Payment};
use crate::plan::{NextPlan, PlanTerms, Reached, Renews, Subscription, SubscriptionState};
use crate::time::Time;

/// Whether a payment for a plan would have an effect beside the subscription that stands (R17a). A larger plan always
/// begins, and what is past due goes on. Any other payment is for the present term or for one ahead, not for more; a
/// plan that the clock renews waits for none; and beside a subscription of the provider's there is little room.
pub(super) fn can_be_paid(account: &Account, catalogs: &Catalogs, terms: &PlanTerms, at: Time) -> bool {
    let Some(found) = Found::of(account, catalogs, at) else { return true };
    let stands = &found.subscription;
    let ahead = stands.paid_until.is_none_or(|until| until > stands.term_end());
    leaves_room(account, terms, at) && (found.is_larger(terms) || !ahead || found.lapsed())
}

/// The cycles that a payment for a plan pays for: none where it has no effect (see [`can_be_paid`]).
pub(super) fn cycles_paid(account: &Account, catalogs: &Catalogs, terms: &PlanTerms, at: Time) -> PaidCycles {
    let Some(found) = Found::of(account, catalogs, at) else {
        return PaidCycles { anchor: at, first: 0, until: terms.term_months };
    };
    let first = found.first_paid(found.pays_for(terms));
    let months = if can_be_paid(account, catalogs, terms, at) { terms.term_months } else { 0 };
    PaidCycles { anchor: found.subscription.anchor, first, until: first + months }
}

/// A term of a plan is paid for (R17a): it begins or goes on, and what was past due is active again. What has no effect any
/// more (see [`can_be_paid`]) changes nothing.
pub(super) fn paid(scribe: &mut Scribe<'_>, terms: &PlanTerms) {
    let (account, at) = (scribe.before, scribe.at());
    let Some(found) = Found::of(account, scribe.catalogs, at) else {
        begin(scribe, terms.clone(), &PutSubscription::default());
        return;
    };
    if can_be_paid(account, scribe.catalogs, terms, at) {
        stands_now(scribe, SubscriptionChange::Paid, found.with_payment(terms));
    }
}

fn stands_now(scribe: &mut Scribe<'_>, change: SubscriptionChange, subscription: Subscription) {
    let subscription = subscription.scheduled();
    write_change(scribe, change, Some(subscription.clone()));
    grant_current(scribe, subscription);
}

/// A subscription as a payment finds it, in the term that runs.
struct Found {
    subscription: Subscription,
    /// The cycle that runs; before the anchor the first.
    current: u32,
    /// The first cycle that is not paid for.
    paid_until: u32,
    /// Who pays for its terms.
    payer: Payer,
}

/// What a payment for a plan is for (R17, R17a).
///
/// | its plan | and the subscription | it pays for |
/// | --- | --- | --- |
/// | the present one | present cycle not paid | the present term |
/// | the present one | present cycle paid | the next term |
/// | a larger one | whatever | that plan, from now on |
/// | any other | past due, or present cycle not paid | that plan, from now on |
/// | any other | present cycle paid | that plan, from the end of the term |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PaysFor {
    PresentTerm,
    NextTerm,
    AnotherNow,
    AnotherNext,
}

impl Found {
    fn of(account: &Account, catalogs: &Catalogs, at: Time) -> Option<Found> {
        let stands = account.subscription.as_deref()?.clone();
        let cycle = stands.cycle_at(at);
        let subscription = match cycle {
            Some(cycle) => stands.in_term_of(cycle, account.studio, catalogs),
            None => stands,
        };
        let paid_until = subscription.paid_until.unwrap_or(subscription.term_end());
        Some(Found { subscription, current: cycle.unwrap_or(0), paid_until, payer: Payer::of(account) })
    }

    fn is_same(&self, terms: &PlanTerms) -> bool {
        terms.plan == self.subscription.terms.plan
    }

    fn is_larger(&self, terms: &PlanTerms) -> bool {
        !self.is_same(terms) && terms.allowance > self.subscription.terms.allowance
    }

    fn lapsed(&self) -> bool {
        self.subscription.state == SubscriptionState::PastDue
    }

    fn unpaid(&self) -> bool {
        self.paid_until <= self.current
    }

    fn pays_for(&self, terms: &PlanTerms) -> PaysFor {
        match (self.is_same(terms), self.unpaid()) {
            (true, true) => PaysFor::PresentTerm,
            (true, false) => PaysFor::NextTerm,
            (false, true) => PaysFor::AnotherNow,
            (false, false) if self.lapsed() || self.is_larger(terms) => PaysFor::AnotherNow,
            (false, false) => PaysFor::AnotherNext,
        }
    }

    /// The first cycle that is paid for. What was paid at the price of the plan before pays for nothing of another; but what
    /// the provider has taken the money for stays paid (see [`Found::paid_through`]).
    fn first_paid(&self, pays_for: PaysFor) -> u32 {
        match pays_for {
            PaysFor::PresentTerm | PaysFor::AnotherNow => self.current,
            PaysFor::NextTerm | PaysFor::AnotherNext => self.paid_until,
        }
    }

    /// The first cycle that is not paid for, after a payment for a plan.
    fn paid_through(&self, pays_for: PaysFor, terms: &PlanTerms) -> u32 {
        let paid = self.first_paid(pays_for) + terms.term_months;
        match self.payer {
            Payer::Orders => paid,
            Payer::Provider => paid.max(self.paid_until),
        }
    }

    /// The subscription once a term of a plan is paid for.
    fn with_payment(&self, terms: &PlanTerms) -> Subscription {
        let mut after = self.subscription.clone();
        let pays_for = self.pays_for(terms);
        after.paid_until = Some(self.paid_through(pays_for, terms));
        match pays_for {
            // What waits for the end of the term waits on. After a lapse the term begins with the payment.
            PaysFor::PresentTerm if self.lapsed() => after.term_start = self.current,
            PaysFor::PresentTerm => {}
            // So there is a next term.
            PaysFor::NextTerm => after.next = None,
            PaysFor::AnotherNow => {
                after.terms = terms.clone();
                after.next = None;
                after.term_start = self.current;
            }
            PaysFor::AnotherNext => after.next = Some(NextPlan::Change(terms.clone())),
        }
        if self.lapsed() {
            after.state = SubscriptionState::Active;
        }
        if self.unpaid() && after.terms.renews != Renews::Clock && terms.renews != Renews::Clock {
            after.terms.renews = if self.has_grace(&after) { terms.renews } else { Renews::NO_GRACE };
        }
        after
    }

    /// Whether there is grace again after a payment that found the present cycle unpaid: what the grace gave and nobody paid
    /// for is given once, until a term is paid in time.
    fn has_grace(&self, after: &Subscription) -> bool {
        match self.subscription.reached.filter(|reached| reached.cycle >= self.paid_until) {
            // The grace gave the present cycle, and this payment pays for it.
            Some(given) => {
                (given.cycle, self.paid_until) == (self.current, self.current)
                    && given.allowance <= after.terms.allowance
            }
            // It gave nothing; but perhaps because there was none any more.
            None => self.current == self.paid_until || after.terms.renews != Renews::NO_GRACE,
        }
    }

    /// Whether an order's payment is one of those that this subscription lives on, and its term not over. What paid for a term
    /// that was left for another plan's does not count again when its plan stands, or waits, once more.
    fn lives_on(&self, order: &Order) -> Option<PaidCycles> {
        let Item::Plan(terms) = &order.item else { return None };
        let pays = order.pays.filter(|pays| pays.anchor == self.subscription.anchor && !order.bought_nothing())?;
        let waits = matches!(&self.subscription.next, Some(NextPlan::Change(next)) if next.plan == terms.plan);
        let term_start = self.subscription.clone().back_in_term_of(self.current).term_start;
        let of_this_term = self.is_same(terms) && pays.first >= term_start && pays.until > self.current;
        let of_the_next = waits && pays.first > self.current;
        (of_this_term || of_the_next).then_some(pays)
    }

    /// What an order's payment added to what is paid for. Beside the provider's subscription that is no cycle, except by the
    /// order that began it: every other of the subscription's cycles is paid by an invoice.
    fn adds(&self, account: &Account, order: &Order, pays: PaidCycles) -> Adds {
        match self.payer {
            Payer::Orders => Adds::Cycles,
            Payer::Provider if account.billing != Some(order.id) => Adds::Credits,
            Payer::Provider if self.paid_until > pays.until => Adds::NoMore,
            Payer::Provider => Adds::Cycles,
        }
    }
}

/// What an order's payment added to what is paid for, as it counts when its money is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Adds {
    /// The cycles that it paid for.
    Cycles,
    /// Its cycles, but later ones are paid already: the present refill is all that it can take along.
    NoMore,
    /// A larger plan's refill, in a cycle that was paid without it.
    Credits,
}

/// What it means for the subscription that all the money of an order is gone.
pub(super) struct Withdrawn {
    /// `None`: it goes on as it stands.
    subscription: Option<Subscription>,
    lots: Vec<LotChange>,
}

/// All the money of a plan's order is gone (R27): its cycles are not paid for. Where that leaves the present cycle unpaid, the
/// subscription is past due at once, and what is left unheld of the cycle's refill is taken back; what was spent of it is
/// owed by nobody. Where the provider's subscription has paid for more than the order did, only what the order added is taken
/// back, and the order counts it. `None`: the term is over, or the plan was left meanwhile.
pub(super) fn withdrawn(account: &Account, catalogs: &Catalogs, order: &mut Order, at: Time) -> Option<Withdrawn> {
    let found = Found::of(account, catalogs, at)?;
    let pays = found.lives_on(order)?;
    let reached = found.subscription.reached.filter(|reached| reached.cycle == found.current);
    let adds = found.adds(account, order, pays);
    let left = |reached| match adds {
        Adds::Credits => refill_of(account, order, &found.subscription),
        Adds::Cycles | Adds::NoMore => refill_left(account, &found.subscription, reached),
    };
    if adds != Adds::Cycles {
        let lots = reached.map(left).unwrap_or_default();
        order.taken_back.credits = sum(&lots);
        return Some(Withdrawn { subscription: None, lots });
    }
    let paid_until = found.paid_until.saturating_sub(pays.until - pays.first);
    let mut subscription = found.subscription.clone();
    if paid_until > found.current {
        subscription.paid_until = Some(paid_until);
        return Some(Withdrawn { subscription: Some(subscription), lots: Vec::new() });
    }
    subscription.paid_until = Some(found.current);
    if subscription.state == SubscriptionState::Active {
        subscription.state = SubscriptionState::PastDue;
    }
    let mut lots = Vec::new();
    if let Some(reached) = reached {
        lots = left(reached);
        // Paid for again, the cycle grants again what was taken.
        subscription.reached = Some(Reached { allowance: reached.allowance - sum(&lots), ..reached });
    }
    Some(Withdrawn { subscription: Some(subscription), lots })
}

/// What is left unheld of the refill that an order's payment itself brought about: it stands two entries after the payment,
/// which the change of the subscription is between.
fn refill_of(account: &Account, order: &Order, subscription: &Subscription) -> Vec<LotChange> {
    let (Payment::Paid(paid), Some(pays)) = (&order.payment, order.pays) else { return Vec::new() };
    let ends = Some(subscription.starts(pays.first + 1));
    let its = |lot: &&Lot| lot.id.seq == paid.seq + 2 && lot.class == Class::Subscription && lot.expires_at == ends;
    let left = account.lots.iter().filter(its).filter(|lot| lot.available().is_positive());
    left.map(|lot| LotChange { remaining: -lot.available(), ..unchanged(lot.id, lot.class) }).collect()
}

/// What some lots' changes take.
fn sum(taken: &[LotChange]) -> Credits {
    taken.iter().map(|change| -change.remaining).sum()
}

/// What is unheld of a cycle's refill. What rolled over into the cycle is spent first and not of the refill, so the newest
/// lots are taken first, and no more than was granted.
fn refill_left(account: &Account, subscription: &Subscription, reached: Reached) -> Vec<LotChange> {
    let ends = Some(subscription.starts(reached.cycle + 1));
    let mut of_cycle: Vec<&Lot> =
        account.lots.iter().filter(|lot| lot.class == Class::Subscription && lot.expires_at == ends).collect();
    of_cycle.sort_by_key(|lot| std::cmp::Reverse(lot.id));
    let mut left = reached.allowance;
    let mut taken = Vec::new();
    for lot in of_cycle {
        let credits = lot.available().min(left);
        left -= credits;
        if credits.is_positive() {
            taken.push(LotChange { remaining: -credits, ..unchanged(lot.id, lot.class) });
        }
    }
    taken
}

impl Withdrawn {
    /// The taking back of what is left of the refill; `None` when nothing is.
    pub(super) fn draft(&self, order: &Order) -> Option<Draft> {
        let taken = sum(&self.lots);
        let event = Event::ClawedBack { order: Box::new(order.clone()), uncollected: Credits::ZERO };
        let draft = || Draft::new(event).lots(self.lots.clone()).book(Book::Issued, taken);
        taken.is_positive().then(draft)
    }

    /// The subscription from now on, where it changes.
    pub(super) fn write(self, scribe: &mut Scribe<'_>) {
        if let Some(subscription) = self.subscription {
            stands_now(scribe, SubscriptionChange::Unpaid, subscription);
        }
    }
}

/// The subscription once money of a plan's order that was gone is there again, because a refund failed: its cycles are paid
/// for, and the present one is granted what was taken back. `None`: that changes nothing.
pub(super) fn restored(account: &Account, catalogs: &Catalogs, order: &mut Order, at: Time) -> Option<Subscription> {
    let found = Found::of(account, catalogs, at)?;
    let pays = found.lives_on(order)?;
    let subscription = found.subscription.clone();
    if found.adds(account, order, pays) != Adds::Cycles {
        let taken = std::mem::take(&mut order.taken_back.credits);
        let lower = |reached: Reached| Reached { allowance: (reached.allowance - taken).or_zero(), ..reached };
        return taken.is_positive().then(|| Subscription { reached: subscription.reached.map(lower), ..subscription });
    }
    let paid_until = match (found.payer, found.lapsed()) {
        (Payer::Orders, false) => found.paid_until + pays.until - pays.first,
        (Payer::Orders, true) | (Payer::Provider, _) => found.paid_until.max(pays.until),
    };
    let state = if found.lapsed() { SubscriptionState::Active } else { subscription.state };
    Some(Subscription { paid_until: Some(paid_until), state, ..subscription })
}

/// The subscription with money that is there again.
pub(super) fn restore(scribe: &mut Scribe<'_>, subscription: Subscription) {
    stands_now(scribe, SubscriptionChange::Paid, subscription);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PlanId;
    use crate::time::Zone;

    fn terms(plan: &str, allowance: i64) -> PlanTerms {
        PlanTerms {
            plan: PlanId::parse(plan).unwrap(),
            allowance: Credits::whole(allowance),
            term_months: 1,
            roll_over_cap: None,
            renews: Renews::Payment { grace_days: 3 },
        }
    }

    /// The table of [`PaysFor`]: a subscription to `lite`, in cycle 4.
    #[test]
    fn what_a_payment_is_for_follows_from_how_it_finds_the_subscription() {
        use SubscriptionState::{Active, PastDue};
        for (plan, allowance, state, paid_until, pays_for, paid_until_after) in [
            ("lite", 10, Active, 4, PaysFor::PresentTerm, 5),
            ("lite", 10, PastDue, 2, PaysFor::PresentTerm, 5),
            ("lite", 10, Active, 5, PaysFor::NextTerm, 6),
            ("lite", 10, PastDue, 5, PaysFor::NextTerm, 6),
            ("pro", 20, Active, 5, PaysFor::AnotherNow, 5),
            ("pro", 20, PastDue, 2, PaysFor::AnotherNow, 5),
            ("mini", 5, Active, 4, PaysFor::AnotherNow, 5),
            ("mini", 5, PastDue, 5, PaysFor::AnotherNow, 5),
            ("mini", 5, Active, 5, PaysFor::AnotherNext, 6),
        ] {
            let subscription = Subscription {
                terms: terms("lite", 10),
                state,
                anchor: Time::EPOCH,
                zone: Zone::utc(),
                term_start: 4,
                reached: None,
                next: None,
                paid_until: Some(paid_until),
                turns_at: None,
            };
            let found = Found { subscription, current: 4, paid_until, payer: Payer::Orders };
            let terms = terms(plan, allowance);
            assert_eq!(found.pays_for(&terms), pays_for, "{plan}, {state:?}, paid until {paid_until}");
            let after = found.with_payment(&terms);
            assert_eq!((after.state, after.paid_until), (Active, Some(paid_until_after)), "{pays_for:?}");
            assert_eq!(after.terms.plan == terms.plan, pays_for != PaysFor::AnotherNext);
        }
    }
}
