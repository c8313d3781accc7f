//! Plans, and an account's subscription to one (R14–R17a).

use crate::amount::Credits;
use crate::id::PlanId;
use crate::time::{Time, Zone};

/// The terms of a plan that an account's refills follow. Pinned in the subscription; read anew
/// from the catalog in force when a term ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanTerms {
    /// The plan's name.
    pub plan: PlanId,
    /// Granted at the start of each cycle (one month).
    pub allowance: Credits,
    /// Months that are paid for at once: 1 or 12. Refills stay monthly.
    pub term_months: u32,
    /// The most that may roll over at a turn; `None`: nothing carries over.
    pub roll_over_cap: Option<Credits>,
}

/// Whether refills happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubscriptionState {
    /// Refills happen.
    Active,
    /// The payment is late: no refill.
    PastDue,
    /// Set aside by the studio: no refill.
    Paused,
}

impl SubscriptionState {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            SubscriptionState::Active => "active",
            SubscriptionState::PastDue => "past_due",
            SubscriptionState::Paused => "paused",
        }
    }

    /// The state that a word names.
    pub fn from_word(word: &str) -> Option<SubscriptionState> {
        [SubscriptionState::Active, SubscriptionState::PastDue, SubscriptionState::Paused]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// What happens at the end of the term instead of more of the same (R17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextPlan {
    /// Another plan follows; its terms are those of the catalog in force when it was asked for.
    Change(PlanTerms),
    /// The subscription ends.
    Cancel,
}

/// An account on a plan.
///
/// Boundaries are never stored as "previous + 1": cycle *n* is the half-open period from
/// `boundary(anchor, zone, n)` to `boundary(anchor, zone, n + 1)` (R15), see [`crate::cycle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The terms in force.
    pub terms: PlanTerms,
    /// Whether refills happen.
    pub state: SubscriptionState,
    /// The original instant that all periods are counted from; never changes.
    pub anchor: Time,
    /// The zone in which months are counted; pinned (R15).
    pub zone: Zone,
    /// The cycle in which the present term began.
    pub term_start: u32,
    /// The highest allowance reached in a cycle: which cycle, and how much. `None`: nothing granted yet.
    pub reached: Option<Reached>,
    /// What waits for the end of the term.
    pub next: Option<NextPlan>,
    /// When the clock next does something with it (a refill, what waits); `None`: nothing to come. Follows from the
    /// rest; kept so that looking whether something is due needs no calendar.
    pub turns_at: Option<Time>,
}

/// The highest allowance reached in a cycle (R17): no sequence of changes yields more than it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The cycle's number, counted from the anchor.
    pub cycle: u32,
    /// The allowance granted in it so far.
    pub allowance: Credits,
}
