//! Proving that an entry follows from an account (R28): what `verify` and recovery ask before they apply.
//!
//! It is apart from [`crate::apply`], which trusts its entry: this one trusts nothing. It knows no
//! prices and no rules, only what must hold of every entry whatever the rules were.

use crate::account::{Account, Totals};
use crate::amount::Credits;
use crate::draft::balances;
use crate::entry::{Entry, Event, Refunded};
use crate::id::LotId;
use crate::recall;

/// Why an entry cannot be the next of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Another account's.
    #[error("belongs to another account")]
    OtherAccount,
    /// A gap, or a number used twice.
    #[error("its number does not follow the one before")]
    OutOfSequence,
    /// Time ran backwards.
    #[error("is earlier than the entry before")]
    BackInTime,
    /// Postings do not sum to zero.
    #[error("its postings do not sum to zero")]
    Unbalanced,
    /// A lot that is not there changed.
    #[error("changes a lot that is not there")]
    UnknownLot,
    /// A lot is named more than once, so that its bounds could not be told.
    #[error("changes a lot twice")]
    LotTwice,
    /// A lot fell below zero, holds more than is left of it, or has more than it was made with.
    #[error("leaves a lot below zero or above what it was made with")]
    LotOutOfBounds,
    /// The debt fell below zero.
    #[error("leaves a debt below zero")]
    DebtBelowZero,
    /// More of a debt comes back than was repaid.
    #[error("gives back more of a debt than was repaid")]
    MoreThanRepaid,
    /// The totals it states are not the ones that its changes lead to.
    #[error("its totals are not what its changes lead to")]
    WrongTotals,
}

/// Whether `entry` may be the next of `account`: then [`crate::apply::apply`] can add it.
pub fn follows(account: &Account, entry: &Entry) -> Result<(), Broken> {
    if entry.account != account.number {
        return Err(Broken::OtherAccount);
    }
    if entry.seq != account.seq + 1 {
        return Err(Broken::OutOfSequence);
    }
    if entry.at < account.last_at {
        return Err(Broken::BackInTime);
    }
    if !balances(entry) {
        return Err(Broken::Unbalanced);
    }
    let mut after = Totals { debt: account.debt + entry.debt, ..account.totals() };
    if after.debt.is_negative() {
        return Err(Broken::DebtBelowZero);
    }
    let repaid = match &entry.event {
        Event::DebtRepaid => -entry.debt,
        Event::Refunded(refunded) if refunded.repaid_back > account.repaid => return Err(Broken::MoreThanRepaid),
        Event::Refunded(refunded) => refunded.repaid_back,
        Event::GivenBack { repaid_back, .. } if *repaid_back > account.repaid => return Err(Broken::MoreThanRepaid),
        Event::GivenBack { repaid_back, .. } => *repaid_back,
        _ => Credits::ZERO,
    };
    if repaid.is_negative() {
        return Err(Broken::MoreThanRepaid);
    }
    for (place, change) in entry.lots.iter().enumerate() {
        if entry.lots[..place].iter().any(|before| before.lot == change.lot) {
            return Err(Broken::LotTwice);
        }
        let Some(lot) = lot_before(account, entry, change.lot) else {
            if change.moves_nothing() && change.unspent.is_some() {
                continue;
            }
            return Err(Broken::UnknownLot);
        };
        let (remaining, held, frozen) =
            (lot.remaining + change.remaining, lot.held + change.held, lot.frozen + change.frozen);
        let bounded = !held.is_negative()
            && !frozen.is_negative()
            && held + frozen <= remaining
            && remaining <= lot.granted
            && remaining.within_limit();
        if !bounded {
            return Err(Broken::LotOutOfBounds);
        }
        after.remaining += change.remaining;
        after.held += change.held;
        after.frozen += change.frozen;
    }
    if after == entry.after { Ok(()) } else { Err(Broken::WrongTotals) }
}

/// The lot as it stands before the entry: an old one, one that the entry makes, or one that it revives.
fn lot_before(account: &Account, entry: &Entry, id: LotId) -> Option<crate::lot::Lot> {
    if let Some(lot) = account.lot(id) {
        return Some(lot.clone());
    }
    let revived = match &entry.event {
        Event::Refunded(Refunded { revived, .. }) | Event::GivenBack { revived, .. } => {
            revived.iter().find(|lot| lot.id == id).cloned()
        }
        _ => None,
    };
    let lot = revived.or_else(|| recall::lot(entry, None, id))?;
    (lot.remaining == Credits::ZERO && lot.held == Credits::ZERO && lot.frozen == Credits::ZERO).then_some(lot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::draft::{Draft, unchanged};
    use crate::entry::{Book, LotChange};
    use crate::id::{AccountId, AccountNumber, StudioNumber};
    use crate::lot::{Class, NewLot, Priority};
    use crate::time::Time;

    /// Each change alone would be within bounds; together they take more than there is.
    #[test]
    fn a_lot_that_changes_twice_is_broken() {
        let account = AccountId::parse("ada").unwrap();
        let mut account = Account::unopened(StudioNumber(1), AccountNumber(1), account);
        let granted = Credits::whole(10);
        let lot = NewLot { class: Class::Promo, priority: Priority::SUBSCRIPTION, expires_at: None, granted };
        let grant = Draft::new(Event::Granted).making(lot).book(Book::Issued, -granted).onto(&account, Time::EPOCH);
        assert_eq!(follows(&account, &grant), Ok(()));
        crate::apply::apply(&mut account, &grant);
        let change = LotChange { remaining: Credits::whole(-6), ..unchanged(LotId::first(1), Class::Promo) };
        let draft = |lots: Vec<LotChange>| {
            let taken: Credits = lots.iter().map(|change| -change.remaining).sum();
            Draft::new(Event::LotExpired).lots(lots).book(Book::Expired, taken).onto(&account, Time::EPOCH)
        };
        assert_eq!(follows(&account, &draft(vec![change])), Ok(()));
        assert_eq!(follows(&account, &draft(vec![change, change])), Err(Broken::LotTwice));
    }
}
