//! Answers: what a command's caller is told, made from the command's own entries alone.
//!
//! The first answer and every replay of it are made by the same function from the same entries,
//! so they are equal by construction (R31).

use crate::account::Totals;
use crate::amount::Credits;
use crate::hold::{HoldState, LotPart};
use crate::id::{ChargeId, HoldId, HoldName, LotId, RefundId};
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
pub fn of(_entries: &[crate::entry::Entry]) -> Answer {
    unimplemented!()
}
