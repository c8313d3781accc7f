//! Drafts: entries before they have a place and a time.
//!
//! It is apart so that one function gives every entry its number, its time and its totals, and
//! checks that it sums to zero (R28), whoever makes it.

use crate::account::{Account, Totals};
use crate::amount::Credits;
use crate::entry::{Book, Entry, Event, LotChange, Posting, Texts};
use crate::hold::LotPart;
use crate::id::LotId;
use crate::lot::{Class, NewLot};
use crate::time::Time;

/// What an entry will say.
#[derive(Debug)]
pub(crate) struct Draft {
    event: Event,
    /// The lots that it makes, with what is left in each.
    makes: Vec<(NewLot, Credits)>,
    lots: Vec<LotChange>,
    debt: Credits,
    books: Vec<Posting>,
    texts: Texts,
}

impl Draft {
    /// An entry that moves nothing yet.
    pub(crate) fn new(event: Event) -> Draft {
        Draft {
            event,
            makes: Vec::new(),
            lots: Vec::new(),
            debt: Credits::ZERO,
            books: Vec::new(),
            texts: Texts::default(),
        }
    }

    /// With how lots change.
    pub(crate) fn lots(mut self, lots: Vec<LotChange>) -> Draft {
        self.lots = lots;
        self
    }

    /// With a new lot, filled. The lots that it makes are numbered when the entry gets its place.
    pub(crate) fn making(self, lot: NewLot) -> Draft {
        let granted = lot.granted;
        self.making_part_used(lot, granted)
    }

    /// With a new lot of which only `remaining`, more than nothing, is left: the rest was used before it came here.
    pub(crate) fn making_part_used(mut self, lot: NewLot, remaining: Credits) -> Draft {
        debug_assert!(remaining.is_positive() && remaining <= lot.granted, "{remaining} of {lot:?}");
        self.makes.push((lot, remaining));
        self
    }

    /// With a signed change of what is owed.
    pub(crate) fn debt(mut self, debt: Credits) -> Draft {
        self.debt = debt;
        self
    }

    /// With a signed amount in a book; nothing is written of zero.
    pub(crate) fn book(mut self, book: Book, credits: Credits) -> Draft {
        if !credits.is_zero() {
            self.books.push(Posting { book, credits });
        }
        self
    }

    /// With free texts.
    pub(crate) fn texts(mut self, texts: Texts) -> Draft {
        self.texts = texts;
        self
    }

    /// The entry, as the next of this account. Its time is the later of `at` and the account's last (R33).
    pub(crate) fn onto(self, account: &Account, at: Time) -> Entry {
        let seq = account.seq + 1;
        let mut lots = self.lots;
        for (index, (new, remaining)) in self.makes.iter().enumerate() {
            let index = u16::try_from(index).expect("an entry makes few lots");
            let lot = LotId { seq, index };
            lots.push(LotChange { remaining: *remaining, ..unchanged(lot, new.class) });
        }
        if leaves_unspent(&self.event) {
            lots.iter_mut().for_each(|change| count_unspent(account, change));
        }
        let entry = Entry {
            account: account.number,
            seq,
            at: at.max(account.last_at),
            event: self.event,
            makes: self.makes.into_iter().map(|(lot, _)| lot).collect(),
            after: after(account.totals(), &lots, self.debt),
            lots,
            debt: self.debt,
            books: self.books,
            bound: None,
            texts: self.texts,
        };
        debug_assert!(balances(&entry), "does not sum to zero: {entry:?}");
        entry
    }
}

/// Whether what leaves a lot by the event was not spent.
fn leaves_unspent(event: &Event) -> bool {
    match event {
        Event::LotExpired | Event::Revoked { .. } | Event::ClawedBack { .. } => true,
        // What is made good is the account's still, in another lot.
        Event::HoldReleased { .. } => false,
        // These say it themselves where they have to do with it.
        Event::Refunded(_) | Event::GivenBack { .. } => false,
        Event::AccountOpened { .. }
        | Event::AccountChanged { .. }
        | Event::SubscriptionChanged { .. }
        | Event::Refilled { .. }
        | Event::RolledOver
        | Event::HoldPlaced { .. }
        | Event::HoldExtended { .. }
        | Event::HoldSettled(_)
        | Event::HoldExpired { .. }
        | Event::Charged { .. }
        | Event::Granted
        | Event::DebtRecorded { .. }
        | Event::DebtRepaid
        | Event::WentUncollected { .. }
        | Event::AccountErased
        | Event::OrderChanged { .. }
        | Event::OrderPaid { .. }
        | Event::LotsFrozen { .. }
        | Event::LotsUnfrozen { .. }
        | Event::AutomaticTopUpChanged { .. }
        | Event::SavedMethodChanged { .. }
        | Event::BillingChanged { .. }
        | Event::Acted { .. } => false,
    }
}

/// Adds what leaves a lot that was bought to what has left it unspent (R27).
fn count_unspent(account: &Account, change: &mut LotChange) {
    let sold = account.lot(change.lot).and_then(|lot| lot.sold);
    if let Some(sold) = sold.filter(|_| change.remaining.is_negative()) {
        change.unspent = Some(sold.unspent - change.remaining);
    }
}

/// Whether an entry's postings sum to zero: `Σ lots.remaining − debt + Σ books = 0` (R28).
pub(crate) fn balances(entry: &Entry) -> bool {
    let books: Credits = entry.books.iter().map(|posting| posting.credits).sum();
    (entry.credits() - entry.debt + books).is_zero()
}

fn after(before: Totals, lots: &[LotChange], debt: Credits) -> Totals {
    let mut after = before;
    for change in lots {
        after.remaining += change.remaining;
        after.held += change.held;
        after.frozen += change.frozen;
    }
    after.debt += debt;
    after
}

/// A change of a lot that changes nothing yet.
pub(crate) fn unchanged(lot: LotId, class: Class) -> LotChange {
    let none = Credits::ZERO;
    LotChange { lot, class, remaining: none, held: none, frozen: none, unspent: None }
}

/// The changes by which lots pay.
pub(crate) fn paid(parts: &[LotPart]) -> Vec<LotChange> {
    parts.iter().map(|part| LotChange { remaining: -part.credits, ..unchanged(part.lot, part.class) }).collect()
}

/// The changes by which lots set aside.
pub(crate) fn set_aside(parts: &[LotPart]) -> Vec<LotChange> {
    parts.iter().map(|part| LotChange { held: part.credits, ..unchanged(part.lot, part.class) }).collect()
}

/// The changes by which lots are freed.
pub(crate) fn freed(parts: &[LotPart]) -> Vec<LotChange> {
    parts.iter().map(|part| LotChange { held: -part.credits, ..unchanged(part.lot, part.class) }).collect()
}
