//! Plans, and an account's subscription to one (R14–R17a).

use crate::amount::Credits;
use crate::catalog::Catalogs;
use crate::cycle::{boundary, cycle_at};
use crate::id::{PlanId, StudioNumber};
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
    /// What makes a term go on into the next.
    pub renews: Renews,
}

/// What makes a term go on into the next (R17a).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Renews {
    /// The clock: the studio tells when it stops.
    #[default]
    Clock,
    /// The payment: a cycle that is not paid for makes the subscription past due, so long after its start.
    Payment {
        /// Days.
        grace_days: u32,
    },
}

impl Renews {
    /// By payment, and past due at the turn itself.
    pub(crate) const NO_GRACE: Renews = Renews::Payment { grace_days: 0 };
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
    /// The cycle in which the present term began; one ahead, where a later term is paid for and something waits for its end
    /// (R17).
    pub term_start: u32,
    /// The highest allowance reached in a cycle: which cycle, and how much. `None`: nothing granted yet.
    pub reached: Option<Reached>,
    /// What waits for the end of the term.
    pub next: Option<NextPlan>,
    /// With a plan that renews by payment: the first cycle that is not paid for yet (R17a). `None` with any other.
    pub paid_until: Option<u32>,
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

impl Subscription {
    /// The cycle that the next refill opens.
    pub fn next_cycle(&self) -> u32 {
        self.reached.map_or(0, |reached| reached.cycle + 1)
    }

    /// The cycle with which the next term begins: the end of the present one.
    pub fn term_end(&self) -> u32 {
        self.term_start + self.terms.term_months
    }

    /// Start of a cycle (R15).
    pub fn starts(&self, cycle: u32) -> Time {
        boundary(self.anchor, &self.zone, cycle)
    }

    /// The cycle that contains `at`; `None` before the anchor.
    pub fn cycle_at(&self, at: Time) -> Option<u32> {
        cycle_at(self.anchor, &self.zone, at)
    }

    /// What is granted when `cycle` is entered or its plan grows: what the allowance exceeds what the cycle has reached
    /// by (R17).
    pub fn owed_in(&self, cycle: u32) -> Credits {
        let reached = self.reached.filter(|reached| reached.cycle == cycle);
        (self.terms.allowance - reached.map_or(Credits::ZERO, |reached| reached.allowance)).or_zero()
    }

    /// When credits come next by themselves; `None` while no refill is to come (R9).
    pub fn refills_at(&self) -> Option<Time> {
        let ending = self.next == Some(NextPlan::Cancel) && self.next_cycle() == self.term_end();
        match self.state {
            SubscriptionState::Active if !ending && !self.lapses_first() => self.turns_at,
            SubscriptionState::Active | SubscriptionState::PastDue | SubscriptionState::Paused => None,
        }
    }

    /// When it becomes past due unless a payment comes before (R17a); `None` while that cannot happen.
    pub fn lapses_at(&self) -> Option<Time> {
        match (self.terms.renews, self.state, self.paid_until) {
            (Renews::Payment { grace_days }, SubscriptionState::Active, Some(unpaid)) => {
                Some(self.starts(unpaid).plus_seconds(i64::from(grace_days) * 86_400))
            }
            (Renews::Payment { .. } | Renews::Clock, _, _) => None,
        }
    }

    /// Whether it becomes past due before the next cycle can be refilled, were nobody to pay.
    fn lapses_first(&self) -> bool {
        self.lapses_at().is_some_and(|at| at <= self.starts(self.next_cycle()))
    }

    /// The same with [`Subscription::turns_at`] and [`Subscription::paid_until`] as the rest asks for: of a plan that
    /// renews by payment and was not taken up through one, the present term counts as paid.
    pub(crate) fn scheduled(mut self) -> Subscription {
        self.paid_until = match self.terms.renews {
            Renews::Clock => None,
            Renews::Payment { .. } => Some(self.paid_until.unwrap_or(self.term_end())),
        };
        let turns_at = match self.state {
            SubscriptionState::Active => {
                let refill = self.starts(self.next_cycle());
                Some(self.lapses_at().map_or(refill, |lapse| lapse.min(refill)))
            }
            SubscriptionState::PastDue | SubscriptionState::Paused => {
                self.next.as_ref().map(|_| self.starts(self.term_end()))
            }
        };
        // A turn at the calendar's end would never be over.
        Subscription { turns_at: turns_at.filter(|at| *at < Time::MAX), ..self }
    }

    /// The same in the term that contains `cycle`: while no refill happens, terms pass without an entry. At each
    /// term's end the terms are read anew from the catalog then in force, if the plan is still in it.
    pub(crate) fn in_term_of(mut self, cycle: u32, studio: StudioNumber, catalogs: &Catalogs) -> Subscription {
        while self.next.is_none() && self.term_end() <= cycle {
            self = self.renewed(studio, catalogs);
        }
        self
    }

    /// The same in the last term that is paid for: what was paid for is had before anything else follows (R17). A change
    /// that waits and is paid for has taken place by then.
    pub(crate) fn in_last_paid_term(mut self) -> Subscription {
        let Some(paid_until) = self.paid_until.filter(|until| *until > self.term_end()) else { return self };
        if let Some(NextPlan::Change(terms)) = &self.next {
            // The cycle that runs rolls over by the terms that end with it (R14).
            self.terms = PlanTerms { roll_over_cap: self.terms.roll_over_cap, ..terms.clone() };
            self.next = None;
        }
        self.term_start = paid_until.saturating_sub(self.terms.term_months);
        self
    }

    /// The same in the term that contains `cycle`, where [`Subscription::in_last_paid_term`] went ahead of it.
    pub(crate) fn back_in_term_of(mut self, cycle: u32) -> Subscription {
        while self.term_start > cycle {
            self.term_start = self.term_start.saturating_sub(self.terms.term_months);
        }
        self
    }

    /// The same plan in the term after the present one.
    pub(crate) fn renewed(mut self, studio: StudioNumber, catalogs: &Catalogs) -> Subscription {
        self.term_start = self.term_end();
        let catalog = catalogs.in_force(studio, self.starts(self.term_start));
        if let Some(plan) = catalog.and_then(|published| published.catalog.plan(self.terms.plan.as_str())) {
            let renews = self.terms.renews;
            let unpaid = self.paid_until.is_some_and(|until| until <= self.term_start);
            self.terms = plan.terms.clone();
            if unpaid && renews == Renews::NO_GRACE && matches!(self.terms.renews, Renews::Payment { .. }) {
                // Grace that was used up comes back with a term that is paid in time, not with a new term (R17a).
                self.terms.renews = renews;
            }
        }
        self.paid_until = match self.terms.renews {
            Renews::Clock => None,
            // A plan that begins to renew by payment has nothing paid yet.
            Renews::Payment { .. } => Some(self.paid_until.unwrap_or(self.term_start)),
        };
        self
    }
}
