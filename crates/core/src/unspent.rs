//! What of an account's credits was paid for and is not spent: what the studio still has to deliver for them (a liability). Refills to
//! come of a term that is paid for are none of it.
//!
//! Apart because it is a judgement about lots, which no rule needs to move one. It reads no clock and no journal: what an account
//! has, with what is due applied, says enough.

use crate::account::Account;
use crate::amount::Credits;
use crate::catalog::Catalogs;
use crate::id::StudioNumber;
use crate::lot::Class;
use crate::plan::{Renews, Subscription, SubscriptionState};
use crate::time::Time;

/// Credits that were paid for, remaining: held and frozen ones are not spent yet either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unspent {
    /// Bought by themselves: every lot of the class `top_up`, whether an order made it, an opening brought it, or an
    /// operator granted it for a payment outside. A package's bonus is a promo lot, and nobody paid for it.
    pub top_ups: Credits,
    /// Of plans' refills, what is left, what was rolled over with them: all of it, but for a refill that nobody paid for. None of
    /// a plan that is free.
    pub plans: Credits,
}

impl Unspent {
    /// Of an account, with what is due at `now` applied. What is promo or make-good was paid for by nobody.
    pub fn of(account: &Account, catalogs: &Catalogs, now: Time) -> Unspent {
        let left =
            |class| account.lots.iter().filter(|lot| lot.class == class).map(|lot| lot.remaining).sum::<Credits>();
        let (top_ups, plans) = (left(Class::TopUp), left(Class::Subscription));
        let plans = match account.subscription.as_deref() {
            Some(stands) if is_free(stands, account.studio, catalogs, now) => Credits::ZERO,
            Some(stands) => plans - left_of_trust(account, stands, now),
            None => plans,
        };
        Unspent { top_ups, plans }
    }
}

/// Whether a plan costs nothing: as the newest catalog says that has it and is or was in force. Of a plan without a price the studio
/// takes the money elsewhere, and says when it stops.
fn is_free(stands: &Subscription, studio: StudioNumber, catalogs: &Catalogs, now: Time) -> bool {
    let mut begun = catalogs.of(studio).iter().rev().filter(|published| published.effective <= now);
    let plan = begun.find_map(|published| published.catalog.plan(stands.terms.plan.as_str()));
    plan.and_then(|plan| plan.price.as_ref()).is_some_and(|price| price.amount == 0)
}

/// What is left of the last refill where nobody paid for its cycle: it came on trust, within the days that a payment may take, or
/// its payment went back, or the studio says that it is late. What rolled over into the cycle ends with it, but is spent first: what is
/// left is the refill's, up to what was granted.
fn left_of_trust(account: &Account, stands: &Subscription, now: Time) -> Credits {
    let Some(reached) = stands.reached else { return Credits::ZERO };
    let is_paid = match (stands.terms.renews, stands.paid_until) {
        (Renews::Payment { .. }, Some(until)) => until > reached.cycle,
        (Renews::Payment { .. } | Renews::Clock, _) => {
            stands.state != SubscriptionState::PastDue || stands.cycle_at(now) != Some(reached.cycle)
        }
    };
    if is_paid {
        return Credits::ZERO;
    }
    let ends = Some(stands.starts(reached.cycle + 1));
    let its = account.lots.iter().filter(|lot| lot.class == Class::Subscription && lot.expires_at == ends);
    its.map(|lot| lot.remaining).sum::<Credits>().min(reached.allowance)
}
