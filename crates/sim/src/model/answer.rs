//! What the model expects a caller to be told.

use super::{Account, Instant};
use crate::prices::Amount;
use crate::view::{self, Sums};

/// What the model expects of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is carried out.
    Done(Answer),
    /// It was carried out before: the first answer again (R31).
    Again(Answer),
    /// It is refused: the code and its data, as [`crate::view`] writes them.
    No(String),
}

/// What was done and what the totals are after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The totals.
    pub balance: Sums,
    /// The particulars.
    pub done: Done,
}

/// The particulars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Made anew.
    Created,
    /// Changed, or found to stand so.
    Updated,
    /// A hold was placed.
    Placed {
        /// Its place among all holds.
        hold: usize,
    },
    /// Its deadline stands.
    Extended {
        /// The deadline.
        expires_at: Instant,
    },
    /// A hold was charged.
    Settled {
        /// The charge's place among all charges.
        charge: usize,
        /// Paid by lots.
        charged: Amount,
        /// Freed.
        freed: Amount,
        /// Paid by nobody.
        uncollected: Amount,
        /// Owed.
        debt: Amount,
    },
    /// A hold was freed.
    Released {
        /// How much.
        freed: Amount,
    },
    /// Taken.
    Charged {
        /// The charge's place among all charges.
        charge: usize,
    },
    /// Given back.
    Refunded {
        /// How much.
        credits: Amount,
        /// To which lots.
        to: Vec<(usize, Amount)>,
    },
    /// Given.
    Granted {
        /// The lot's place among all lots.
        lot: usize,
    },
    /// Taken back.
    Revoked {
        /// How much.
        credits: Amount,
    },
    /// Forgiven.
    WrittenOff {
        /// How much.
        credits: Amount,
    },
    /// Nothing but what was due.
    Touched,
}

impl Account {
    pub(super) fn answer(&self, done: Done) -> Answer {
        let balance = Sums { remaining: self.remaining(), held: self.held(), debt: self.debt };
        Answer { balance, done }
    }

    /// The answer as a line, without the engine's own ids.
    pub fn describe(&self, answer: &Answer) -> String {
        let parts = |parts: &[(usize, Amount)]| {
            let parts = parts.iter().map(|(lot, credits)| (self.lots[*lot].class, *credits));
            view::parts(parts)
        };
        let done = match &answer.done {
            Done::Created => view::CREATED.to_owned(),
            Done::Updated => view::UPDATED.to_owned(),
            // What was answered at first: a deadline may have moved and parts been freed since.
            Done::Placed { hold } => {
                let placed = &self.placed[*hold];
                view::placed(placed.credits, placed.expires_at, placed.version, &parts(&placed.parts))
            }
            Done::Extended { expires_at } => view::extended(*expires_at),
            Done::Settled { charge: _, charged, freed, uncollected, debt } => {
                view::settled(*charged, *freed, *uncollected, *debt)
            }
            Done::Released { freed } => view::released(*freed),
            Done::Charged { charge } => view::charged(&parts(&self.charges[*charge].parts)),
            Done::Refunded { credits, to } => view::refunded(*credits, &parts(to)),
            Done::Granted { lot: _ } => view::GRANTED.to_owned(),
            Done::Revoked { credits } => view::revoked(*credits),
            Done::WrittenOff { credits } => view::written_off(*credits),
            Done::Touched => view::TOUCHED.to_owned(),
        };
        format!("{done}; {}", answer.balance)
    }
}
