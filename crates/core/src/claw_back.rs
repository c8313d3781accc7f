//! What follows from an order whose money is disputed, gone again, or there once more (R27): its lots are frozen and freed,
//! what is left of them is taken back, and what was taken is given back.
//!
//! Holds live on: what a hold has of such a lot stays with it. Once the hold frees some of it, that is frozen, or taken
//! back, at once; what the hold spent is then known to be spent. It is apart because deciding and the passing of time
//! both bring it about. It makes drafts and applies nothing.

use crate::account::Account;
use crate::amount::Credits;
use crate::consequence::make_good_lot;
use crate::draft::{Draft, unchanged};
use crate::entry::{Book, Event, LotChange};
use crate::lot::Lot;
use crate::order::{ClawBack, MadeLot, Order};
use crate::recall::find_lot;
use crate::time::Time;

/// The next thing that an order of the account asks for by itself after other entries; `None` when there is nothing.
pub(crate) fn follow_up(account: &Account, at: Time) -> Option<Draft> {
    account.orders.iter().find_map(|order| {
        let freezes = || if order.is_disputed() { freeze(account, order) } else { None };
        take_back(account, order, at).or_else(freezes)
    })
}

/// The freezing of all that is unheld in an order's lots; `None` when nothing is.
pub(crate) fn freeze(account: &Account, order: &Order) -> Option<Draft> {
    let draft = Draft::new(Event::LotsFrozen { order: Box::new(order.clone()) });
    with_changes(draft, account, order, |lot| LotChange { frozen: lot.available(), ..unchanged(lot.id, lot.class) })
}

/// The freeing of all that is frozen in an order's lots; `None` when nothing is.
pub(crate) fn unfreeze(account: &Account, order: &Order) -> Option<Draft> {
    let draft = Draft::new(Event::LotsUnfrozen { order: Box::new(order.clone()) });
    with_changes(draft, account, order, |lot| LotChange { frozen: -lot.frozen, ..unchanged(lot.id, lot.class) })
}

/// The draft with how an order's lots change; `None` when none does.
fn with_changes(draft: Draft, account: &Account, order: &Order, change: impl Fn(&Lot) -> LotChange) -> Option<Draft> {
    let lots = order.lots().into_iter().filter_map(|made| account.lot(made.lot));
    let changes = lots.map(change).filter(|change| *change != unchanged(change.lot, change.class));
    let changes: Vec<LotChange> = changes.collect();
    (!changes.is_empty()).then(|| draft.lots(changes))
}

/// The taking back of what is to come back of an order's lots (R27). What is left is taken, frozen or not; what a hold has
/// is waited for. Of what is missing, what was revoked or has expired is nobody's; only the rest, which was spent, is owed,
/// or written off by policy. `None` when there is nothing to do now.
pub(crate) fn take_back(account: &Account, order: &Order, at: Time) -> Option<Draft> {
    let wanted = order.to_take_back();
    let mut taken = Taken { lots: Vec::new(), credits: Credits::ZERO, spent: Credits::ZERO };
    let mut after = order.clone();
    for made in order.lots() {
        taken.of_lot(account, made, wanted.of(made.part), (&mut after, at))?;
    }
    (after.taken_back != order.taken_back).then(|| taken.draft(account, after))
}

/// What is taken back in one entry.
struct Taken {
    lots: Vec<LotChange>,
    /// From lots.
    credits: Credits,
    /// Not there any more because it was spent.
    spent: Credits,
}

impl Taken {
    /// Takes `due` of one lot back, and counts in the order what is settled by that. What is unheld in it stays frozen
    /// exactly while the order is disputed. `None` when it is not known what left the lot: whoever asks for more of the
    /// account recalls it.
    fn of_lot(
        &mut self,
        account: &Account,
        made: MadeLot,
        due: Credits,
        (order, at): (&mut Order, Time),
    ) -> Option<()> {
        let nothing = (Credits::ZERO, Credits::ZERO, Credits::ZERO);
        let left = account.lot(made.lot).map_or(nothing, |lot| (lot.remaining - lot.held, lot.held, lot.frozen));
        let (unheld, held, frozen) = left;
        let taken = due.min(unheld);
        let waits = (due - taken).min(held);
        let missing = due - taken - waits;
        let gone = if missing.is_zero() { missing } else { missing.min(gone(account, order, made, at)?) };
        *order.taken_back.of_mut(made.part) += taken + missing;
        *order.gone_back.of_mut(made.part) += if order.counted { gone } else { Credits::ZERO };
        *order.spent_back.of_mut(made.part) += if order.counted { missing - gone } else { Credits::ZERO };
        self.spent += missing - gone;
        self.credits += taken;
        let frozen_after = if order.is_disputed() { unheld - taken } else { Credits::ZERO };
        let class = made.part.class();
        let change = LotChange { remaining: -taken, frozen: frozen_after - frozen, ..unchanged(made.lot, class) };
        if change != unchanged(made.lot, class) {
            self.lots.push(change);
        }
        Some(())
    }

    fn draft(self, account: &Account, order: Order) -> Draft {
        // No account owes more than an amount can be (R1): what does not fit is owed by nobody.
        let debt = match order.claw_back {
            ClawBack::Debt => self.spent.min(Credits::MAX - account.debt),
            ClawBack::WriteOff => Credits::ZERO,
        };
        let uncollected = self.spent - debt;
        let event = Event::ClawedBack { order: Box::new(order), uncollected };
        let draft = Draft::new(event).lots(self.lots).debt(debt);
        draft.book(Book::Sold, self.credits + self.spent).book(Book::Uncollected, -uncollected)
    }
}

/// What left one of an order's lots by being revoked or by expiring, and was not settled with yet; `None`: it is not known.
fn gone(account: &Account, order: &Order, made: MadeLot, at: Time) -> Option<Credits> {
    if !order.counted {
        // All that can be told: what has come to its end may have expired, what has not was spent.
        let ended = made.expires_at.is_some_and(|expires_at| expires_at <= at);
        return Some(if ended { made.credits } else { Credits::ZERO });
    }
    let unspent = find_lot(account, made.lot)?.sold?.unspent;
    let [settled, spent, gone] =
        [order.taken_back, order.spent_back, order.gone_back].map(|settled| settled.of(made.part));
    // What was clawed back left the lot unspent too.
    let clawed_back = settled - spent - gone;
    Some((unspent - clawed_back - gone).or_zero())
}

/// The giving back of what was taken for money that is there again (R27), the last thing taken first: what was owed or
/// written off, then what was gone anyway, then what was taken from the lots. It returns there, or as make-good where the
/// lot has come to its end. `None` when there is nothing to give back.
pub(crate) fn give_back(account: &Account, order: &Order, at: Time) -> Option<Draft> {
    let wanted = order.to_give_back();
    let mut given = Given { room: Credits::MAX - account.totals().remaining, ..Given::default() };
    let mut after = order.clone();
    for made in order.lots() {
        given.of_lot(account, made, wanted.of(made.part), (&mut after, at))?;
    }
    (after != *order).then(|| given.draft(account, after, at))
}

/// What is given back in one entry.
#[derive(Default)]
struct Given {
    /// What still fits the account (R1): the rest is given when the provider's word is heard again.
    room: Credits,
    lots: Vec<LotChange>,
    revived: Vec<Lot>,
    /// To lots.
    credits: Credits,
    /// In place of lots that have come to their end.
    made_good: Credits,
    /// What was spent, and is paid for again.
    spent: Credits,
}

impl Given {
    /// Gives `due` of one lot back. `None` when it is not known what left the lot.
    fn of_lot(
        &mut self,
        account: &Account,
        made: MadeLot,
        due: Credits,
        (order, at): (&mut Order, Time),
    ) -> Option<()> {
        let spent = due.min(order.spent_back.of(made.part));
        let gone = (due - spent).min(order.gone_back.of(made.part));
        let back = (due - spent - gone).min(self.room);
        self.room -= back;
        self.spent += spent;
        *order.taken_back.of_mut(made.part) -= spent + gone + back;
        *order.spent_back.of_mut(made.part) -= spent;
        *order.gone_back.of_mut(made.part) -= gone;
        if back.is_zero() {
            return Some(());
        }
        let lot = find_lot(account, made.lot)?;
        let told = LotChange { unspent: Some(lot.sold?.unspent - back), ..unchanged(made.lot, made.part.class()) };
        if lot.expired(at) {
            self.made_good += back;
            self.lots.push(told);
            return Some(());
        }
        self.credits += back;
        if account.lot(made.lot).is_none() {
            self.revived.push(lot.clone());
        }
        self.lots.push(LotChange { remaining: back, ..told });
        Some(())
    }

    fn draft(self, account: &Account, order: Order, at: Time) -> Draft {
        let (off_debt, repaid_back) = match order.claw_back {
            ClawBack::Debt => {
                let off_debt = self.spent.min(account.debt);
                (off_debt, (self.spent - off_debt).min(account.repaid).min(self.room))
            }
            ClawBack::WriteOff => (Credits::ZERO, Credits::ZERO),
        };
        // What is neither owed any more nor was repaid was written off: it is collected after all.
        let collected = self.spent - off_debt - repaid_back;
        let event = Event::GivenBack { order: Box::new(order), revived: self.revived, repaid_back };
        let draft = Draft::new(event).lots(self.lots).debt(-off_debt);
        let draft = draft.book(Book::Sold, -(self.credits + self.made_good + self.spent));
        let draft = draft.book(Book::Uncollected, collected);
        let made_good = self.made_good + repaid_back;
        if made_good.is_positive() { draft.making(make_good_lot(account, made_good, at)) } else { draft }
    }
}
