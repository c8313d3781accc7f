//! What of an account's credits was paid for and is not spent: what the studio still has to deliver (a liability).
//!
//! Apart because it is a judgement about lots, which no rule needs to move one. It reads no clock and no journal: what an account
//! has, with what is due applied, says enough.

use crate::account::Account;
use crate::amount::Credits;
use crate::catalog::{Catalogs, Plan};
use crate::lot::Class;
use crate::plan::{Renews, SubscriptionState};
use crate::time::Time;

/// Credits that were paid for, remaining: held and frozen ones are not spent yet either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unspent {
    /// Bought by themselves: every lot of the class `top_up`, whether an order made it, an opening brought it, or an
    /// operator granted it for a payment outside. A package's bonus is a promo lot, and nobody paid for it.
    pub top_ups: Credits,
    /// Of a plan's refills, what was rolled over with them: unless the plan is free, or its present cycle is not paid for.
    pub plans: Credits,
}

impl Unspent {
    /// Of an account, with what is due at `now` applied. What is promo or make-good was paid for by nobody.
    pub fn of(account: &Account, catalogs: &Catalogs, now: Time) -> Unspent {
        let left = |class| account.lots.iter().filter(|lot| lot.class == class).map(|lot| lot.remaining).sum();
        let plans = if is_unpaid(account, catalogs, now) { Credits::ZERO } else { left(Class::Subscription) };
        Unspent { top_ups: left(Class::TopUp), plans }
    }
}

/// Whether nobody paid for the present cycle: the plan costs nothing, is past due, or its refill came on trust, within the days
/// that a payment may take. Of a plan without a price the studio takes the money elsewhere, and says when it stops.
fn is_unpaid(account: &Account, catalogs: &Catalogs, now: Time) -> bool {
    let Some(stands) = &account.subscription else { return false };
    let in_force = catalogs.in_force(account.studio, now);
    let plan: Option<&Plan> = in_force.and_then(|published| published.catalog.plan(stands.terms.plan.as_str()));
    if plan.and_then(|plan| plan.price.as_ref()).is_some_and(|price| price.amount == 0) {
        return true;
    }
    match (stands.terms.renews, stands.paid_until, stands.cycle_at(now)) {
        (Renews::Payment { .. }, Some(until), Some(cycle)) => until <= cycle,
        (Renews::Payment { .. } | Renews::Clock, ..) => stands.state == SubscriptionState::PastDue,
    }
}
