//! Answers: what a command's caller is told, made from the command's own entries alone.
//!
//! The first answer and every replay of it are made by the same function from the same entries,
//! so they are equal by construction (R31).

use crate::account::Totals;
use crate::amount::Credits;
use crate::entry::{Entry, Event, SubscriptionChange};
use crate::hold::{HoldState, LotPart};
use crate::id::{AccountNumber, ChargeId, HoldId, HoldName, LotId, RefundId};
use crate::order::Order;
use crate::time::Time;

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When its last entry took effect.
    pub at: Time,
    /// What the account's totals were after it.
    pub balance: Totals,
    /// The particulars.
    pub done: Done,
}

/// The particulars of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The account's settings, or its subscription, were put as asked, or stood so already.
    Put(Put),
    /// A hold was placed.
    HoldPlaced {
        /// Our id.
        hold: HoldId,
        /// The caller's, if it gave one.
        name: Option<HoldName>,
        /// Held.
        credits: Credits,
        /// The deadline.
        expires_at: Time,
        /// The pinned version.
        catalog_version: u32,
        /// Which lots it holds.
        from: Vec<LotPart>,
    },
    /// A hold's deadline stands.
    HoldExtended {
        /// Our id.
        hold: HoldId,
        /// The deadline.
        expires_at: Time,
    },
    /// A hold was charged.
    HoldSettled {
        /// Our id.
        hold: HoldId,
        /// Where it stands.
        state: HoldState,
        /// The charge, to name in refunds.
        charge: ChargeId,
        /// What lots paid.
        charged: Credits,
        /// What was freed.
        freed: Credits,
        /// What nobody pays.
        uncollected: Credits,
        /// What is owed.
        debt: Credits,
    },
    /// A hold was freed.
    HoldReleased {
        /// Our id.
        hold: HoldId,
        /// What was freed.
        freed: Credits,
    },
    /// Credits were taken.
    Charged {
        /// The charge, to name in refunds.
        charge: ChargeId,
        /// How much.
        credits: Credits,
        /// Which lots paid.
        from: Vec<LotPart>,
    },
    /// Credits were given back.
    Refunded {
        /// The refund.
        refund: RefundId,
        /// How much in all, the debt part included.
        credits: Credits,
        /// Which lots got it.
        to: Vec<LotPart>,
    },
    /// Credits were given.
    Granted {
        /// The new lot.
        lot: LotId,
    },
    /// Credits were taken back.
    Revoked {
        /// The lot.
        lot: LotId,
        /// How much.
        credits: Credits,
    },
    /// A debt was written off.
    DebtWrittenOff {
        /// How much.
        credits: Credits,
    },
    /// The account's texts are gone; it goes by [`AccountId::erased`](crate::id::AccountId::erased).
    AccountErased {
        /// The account's number.
        account: AccountNumber,
    },
    /// What was done about an order.
    Ordered {
        /// As it stands now.
        order: Box<Order>,
        /// What its payment granted, of the order's own credits or of its plan's; what repaid a debt at once is in it.
        granted: Credits,
    },
    /// What an operator does is recorded.
    Recorded,
    /// What was due was applied.
    Touched,
}

/// Whether a PUT made something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was not there before.
    Created,
    /// It was.
    Updated,
}

/// The answer to a command, made from its own entries (at least one), last one with the binding.
///
/// The first entry is what was asked; what follows are its consequences. Of an erasure it is the last.
///
/// # Panics
/// When there are no entries.
pub fn of(entries: &[Entry]) -> Answer {
    let (first, last) = (&entries[0], &entries[entries.len() - 1]);
    Answer { at: last.at, balance: last.after, done: done(first, entries) }
}

fn done(entry: &Entry, all: &[Entry]) -> Done {
    match &entry.event {
        // Before an erasure the automatic top-up is stopped.
        Event::AutomaticTopUpChanged { .. } if all.last().is_some_and(|last| last.event == Event::AccountErased) => {
            Done::AccountErased { account: entry.account }
        }
        // The studio's own account is opened by the first act that is recorded in it.
        Event::AccountOpened { .. } if all.iter().any(|entry| matches!(entry.event, Event::Acted { .. })) => {
            Done::Recorded
        }
        Event::AccountOpened { .. } | Event::SubscriptionChanged { change: SubscriptionChange::Started, .. } => {
            Done::Put(Put::Created)
        }
        Event::AccountChanged { .. }
        | Event::SubscriptionChanged { .. }
        | Event::AutomaticTopUpChanged { .. }
        | Event::SavedMethodChanged { .. }
        | Event::BillingChanged { .. } => Done::Put(Put::Updated),
        Event::HoldPlaced { hold } => Done::HoldPlaced {
            hold: hold.id,
            name: hold.name.clone(),
            credits: hold.credits,
            expires_at: hold.expires_at,
            catalog_version: hold.priced.catalog_version,
            from: hold.parts.clone(),
        },
        Event::HoldExtended { hold, expires_at, .. } => Done::HoldExtended { hold: *hold, expires_at: *expires_at },
        Event::HoldSettled(settled) => Done::HoldSettled {
            hold: settled.hold,
            state: HoldState::Settled,
            charge: ChargeId::first(entry.seq),
            charged: settled.charged,
            freed: settled.freed,
            uncollected: settled.uncollected,
            debt: settled.debt,
        },
        Event::HoldReleased { hold, freed, .. } => Done::HoldReleased { hold: *hold, freed: *freed },
        Event::Charged { credits, .. } => {
            Done::Charged { charge: ChargeId::first(entry.seq), credits: *credits, from: entry.taken().collect() }
        }
        Event::Refunded(refunded) => Done::Refunded {
            refund: RefundId::first(entry.seq),
            credits: refunded.credits,
            to: entry.given().collect(),
        },
        Event::Granted => Done::Granted { lot: LotId::first(entry.seq) },
        Event::Revoked { lot } => Done::Revoked { lot: *lot, credits: -entry.credits() },
        Event::WentUncollected { credits, .. } => Done::DebtWrittenOff { credits: *credits },
        // Several entries of one command may be about the order: the last says how it stands.
        Event::OrderChanged { order, .. }
        | Event::OrderPaid { order, .. }
        | Event::LotsFrozen { order }
        | Event::LotsUnfrozen { order }
        | Event::GivenBack { order, .. }
        | Event::ClawedBack { order, .. } => {
            let newest = all.iter().rev().find_map(|entry| entry.event.order().filter(|later| later.id == order.id));
            let made = |entry: &&Entry| matches!(entry.event, Event::OrderPaid { .. } | Event::Refilled { .. });
            let granted = all.iter().filter(made).map(Entry::credits).sum();
            Done::Ordered { order: Box::new(newest.unwrap_or(order).clone()), granted }
        }
        // Never the first entry of a command: consequences, or what was due.
        Event::Refilled { .. }
        | Event::RolledOver
        | Event::LotExpired
        | Event::HoldExpired { .. }
        | Event::DebtRecorded { .. }
        | Event::DebtRepaid => Done::Touched,
        Event::AccountErased => Done::AccountErased { account: entry.account },
        Event::Acted { .. } => Done::Recorded,
    }
}
