//! What operators do to credits by hand: grants, revokes and write-offs (R19, R25).

use crate::amount::Credits;
use crate::command::Grant;
use crate::decide::scribe::Scribe;
use crate::decide::{Decision, check_positive, check_reason, invalid};
use crate::draft::{Draft, unchanged};
use crate::entry::{Book, Event, LotChange, TextField};
use crate::id::LotId;
use crate::lot::{Class, NewLot, Priority};
use crate::recall::find_lot;
use crate::rejection::Rejection;
use crate::time::Time;

/// What is wrong with a grant whatever the account.
pub(super) fn check_shape(grant: &Grant) -> Result<(), Rejection> {
    check_positive(grant.credits)?;
    match grant.class {
        Class::Subscription => return Err(invalid("class", "promo, make_good or top_up: refills come from a plan")),
        Class::TopUp if grant.priority.is_some_and(|priority| priority < Priority::SUBSCRIPTION) => {
            return Err(invalid("priority", "10 or more: top-ups are never spent before the subscription"));
        }
        Class::TopUp | Class::Promo | Class::MakeGood => {}
    }
    check_reason(&grant.reason)
}

/// A grant whose expiry is not ahead is refused (R25).
pub(super) fn check_ahead(grant: &Grant, at: Time) -> Result<(), Rejection> {
    if grant.expires_at.is_some_and(|expires_at| expires_at <= at) {
        return Err(invalid("expires_at", "a time that is ahead"));
    }
    Ok(())
}

/// Makes a lot.
pub(super) fn grant(mut scribe: Scribe<'_>, grant: &Grant) -> Result<Decision, Rejection> {
    if !(scribe.before.totals().remaining + grant.credits).within_limit() {
        return Err(Rejection::AmountLimit);
    }
    let lot = NewLot {
        class: grant.class,
        priority: grant.priority.unwrap_or(grant.class.default_priority()),
        expires_at: grant.expires_at,
        granted: grant.credits,
    };
    let texts = scribe.texts([(TextField::Reason, Some(&grant.reason))]);
    scribe.write(Draft::new(Event::Granted).making(lot).book(Book::Issued, -grant.credits).texts(texts));
    scribe.repay();
    Ok(scribe.finish())
}

/// Takes back what is left and unheld of a lot, at most `credits`; perhaps nothing.
pub(super) fn revoke(
    mut scribe: Scribe<'_>,
    lot: LotId,
    credits: Option<Credits>,
    reason: &str,
) -> Result<Decision, Rejection> {
    let lot = find_lot(scribe.before, lot).ok_or(Rejection::LotNotFound)?;
    let taken = credits.map_or(lot.available(), |credits| credits.min(lot.available()));
    let change = LotChange { remaining: -taken, ..unchanged(lot.id, lot.class) };
    let lots = if taken.is_positive() { vec![change] } else { Vec::new() };
    let texts = scribe.texts([(TextField::Reason, Some(reason))]);
    scribe.write(Draft::new(Event::Revoked { lot: lot.id }).lots(lots).book(Book::Issued, taken).texts(texts));
    Ok(scribe.finish())
}

/// Forgives what is owed, at most `credits`; perhaps nothing.
pub(super) fn write_off(mut scribe: Scribe<'_>, credits: Option<Credits>, reason: &str) -> Result<Decision, Rejection> {
    let owed = scribe.before.debt;
    let forgiven = credits.map_or(owed, |credits| credits.min(owed));
    let texts = scribe.texts([(TextField::Reason, Some(reason))]);
    let event = Event::WentUncollected { charge: None, tool: None, credits: forgiven };
    scribe.write(Draft::new(event).debt(-forgiven).book(Book::Uncollected, -forgiven).texts(texts));
    Ok(scribe.finish())
}
