//! What follows from an order whose money is disputed, or gone again (R27): its lots are frozen and freed, and what is
//! left of them is taken back.
//!
//! Holds live on: what a hold has of such a lot stays with it. Once the hold frees some of it, that is frozen, or taken
//! back, at once; what the hold spent is then known to be spent. It is apart because deciding and the passing of time
//! both bring it about. It makes drafts and applies nothing.

use crate::account::Account;
use crate::amount::Credits;
use crate::draft::{Draft, unchanged};
use crate::entry::{Book, Event, LotChange};
use crate::lot::Lot;
use crate::order::{ClawBack, MadeLot, Order, Part};
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

/// The taking back of what is to come back of an order's lots (R27): what is left, frozen or not; of what is not left,
/// a debt or nothing, by policy; what a hold has is waited for. `None` when there is nothing to do now.
pub(crate) fn take_back(account: &Account, order: &Order, at: Time) -> Option<Draft> {
    let wanted = order.to_take_back();
    let mut taken = Taken { lots: Vec::new(), credits: Credits::ZERO, spent: Credits::ZERO };
    let mut after = order.clone();
    for made in order.lots() {
        match made.part {
            Part::Credits => after.taken_back.credits += taken.of_lot(account, order, made, wanted.credits, at),
            Part::Bonus => after.taken_back.bonus += taken.of_lot(account, order, made, wanted.bonus, at),
        }
    }
    (after.taken_back != order.taken_back).then(|| taken.draft(account, after))
}

/// What is taken back in one entry.
struct Taken {
    lots: Vec<LotChange>,
    /// From lots.
    credits: Credits,
    /// Not left any more.
    spent: Credits,
}

impl Taken {
    /// Takes `due` of one lot back, and answers how much of it is settled by that. What is unheld in it stays frozen
    /// exactly while the order is disputed.
    fn of_lot(&mut self, account: &Account, order: &Order, made: MadeLot, due: Credits, at: Time) -> Credits {
        let (unheld, held, frozen) =
            account.lot(made.lot).map_or((Credits::ZERO, Credits::ZERO, Credits::ZERO), |lot| {
                (lot.remaining - lot.held, lot.held, lot.frozen)
            });
        let taken = due.min(unheld);
        let waits = (due - taken).min(held);
        let gone = due - taken - waits;
        // What has come to its end was not spent by anybody, as far as one can tell.
        if made.expires_at.is_none_or(|expires_at| expires_at > at) {
            self.spent += gone;
        }
        self.credits += taken;
        let frozen_after = if order.is_disputed() { unheld - taken } else { Credits::ZERO };
        let class = made.part.class();
        let change = LotChange { remaining: -taken, frozen: frozen_after - frozen, ..unchanged(made.lot, class) };
        if change != unchanged(made.lot, class) {
            self.lots.push(change);
        }
        taken + gone
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
