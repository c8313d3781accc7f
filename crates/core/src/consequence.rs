//! What follows from other entries at once: the expiry of what was freed, the repayment of a
//! debt, the refill of a cycle, the make-good lot.
//!
//! It is apart because both deciding ([`crate::decide`]) and the passing of time ([`crate::due`])
//! bring them about. It makes drafts and applies nothing.

use crate::account::Account;
use crate::amount::Credits;
use crate::draft::{Draft, paid};
use crate::entry::{Book, Event};
use crate::hold::LotPart;
use crate::lot::{Class, Lot, NewLot, Priority};
use crate::plan::{Reached, Subscription};
use crate::spend;
use crate::time::Time;

/// Seconds that a make-good lot lasts where there is no cycle for it to end with (R24): 30 days.
const MAKE_GOOD_FOR: i64 = 30 * 86_400;

/// The expiry of all that is unheld in lots that have come to their end by `at` (R14, R22); `None` when there is nothing.
pub(crate) fn expiry(account: &Account, at: Time) -> Option<Draft> {
    let parts = unheld(account, |lot| lot.expired(at));
    let credits = spend::sum(&parts);
    (!parts.is_empty()).then(|| Draft::new(Event::LotExpired).lots(paid(&parts)).book(Book::Expired, credits))
}

/// What is unheld in the lots that are chosen, in spend order.
pub(crate) fn unheld(account: &Account, chosen: impl Fn(&Lot) -> bool) -> Vec<LotPart> {
    let lots = account.lots.iter().filter(|lot| lot.available().is_positive() && chosen(lot));
    lots.map(|lot| LotPart { lot: lot.id, class: lot.class, credits: lot.available() }).collect()
}

/// The repayment of a debt by the lots that entries after `seq` made (R19); `None` when there is no debt, or no new lot.
pub(crate) fn repayment(account: &Account, seq: u64) -> Option<Draft> {
    if account.debt.is_zero() {
        return None;
    }
    let new: Vec<Lot> = account.lots.iter().filter(|lot| lot.id.seq > seq).cloned().collect();
    let parts = spend::take(&new, account.debt);
    let credits = spend::sum(&parts);
    (!parts.is_empty()).then(|| Draft::new(Event::DebtRepaid).lots(paid(&parts)).debt(-credits))
}

/// The grant that opens a cycle, or that an upgrade or a return to active adds to it (R14, R17). No account grows
/// beyond [`Credits::MAX`] by it (R1): what does not fit is not granted.
pub(crate) fn refill(account: &Account, subscription: Subscription, cycle: u32) -> Draft {
    let granted = subscription.owed_in(cycle).min(Credits::MAX - account.totals().remaining);
    refill_of(subscription, cycle, Part { granted, remaining: granted })
}

/// What is left of a cycle's refill that was made elsewhere: the cycle has had all of it.
pub(crate) fn part_used_refill(subscription: Subscription, cycle: u32, remaining: Credits) -> Draft {
    let granted = subscription.terms.allowance;
    refill_of(subscription, cycle, Part { granted, remaining })
}

/// Of a refill: what it granted, and what is left of that.
struct Part {
    granted: Credits,
    remaining: Credits,
}

fn refill_of(subscription: Subscription, cycle: u32, part: Part) -> Draft {
    let before = subscription.reached.filter(|reached| reached.cycle == cycle);
    let allowance = subscription.terms.allowance.max(before.map_or(Credits::ZERO, |reached| reached.allowance));
    let subscription = Subscription { reached: Some(Reached { cycle, allowance }), ..subscription }.scheduled();
    let expires_at = subscription.starts(cycle + 1);
    let draft = Draft::new(Event::Refilled { plan: subscription.terms.plan.clone(), cycle, subscription });
    let Part { granted, remaining } = part;
    if !remaining.is_positive() {
        return draft;
    }
    draft.making_part_used(subscription_lot(granted, expires_at), remaining).book(Book::Issued, -remaining)
}

/// A lot of a plan: a refill's, or what rolled over.
pub(crate) fn subscription_lot(granted: Credits, expires_at: Time) -> NewLot {
    NewLot { class: Class::Subscription, priority: Priority::SUBSCRIPTION, expires_at: Some(expires_at), granted }
}

/// A lot in place of credits whose own lot has expired: it ends with the current cycle, or after 30 days where there
/// is none (R22, R24).
pub(crate) fn make_good_lot(account: &Account, granted: Credits, at: Time) -> NewLot {
    let cycle_end = account.subscription.as_deref().and_then(|subscription| {
        let cycle = subscription.cycle_at(at)?;
        Some(subscription.starts(cycle + 1))
    });
    let expires_at = cycle_end.unwrap_or_else(|| at.plus_seconds(MAKE_GOOD_FOR));
    let class = Class::MakeGood;
    NewLot { class, priority: class.default_priority(), expires_at: Some(expires_at), granted }
}
