//! Lots: credits from one source (glossary, R11–R13).

use crate::amount::Credits;
use crate::id::{LotId, OrderId};
use crate::time::Time;

/// What kind of credits a lot holds. The order is the spend order among equals (R11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Given away: bonus credits, campaigns.
    Promo,
    /// Given back: what could not return to its own lot.
    MakeGood,
    /// A plan's refill, or what rolled over from one.
    Subscription,
    /// Bought: never expires unless its package says so (R13).
    TopUp,
}

impl Class {
    /// Every class, in spend order.
    pub const ALL: [Class; 4] = [Class::Promo, Class::MakeGood, Class::Subscription, Class::TopUp];

    /// The word on the wire and in the journal's views.
    pub const fn word(self) -> &'static str {
        match self {
            Class::Promo => "promo",
            Class::MakeGood => "make_good",
            Class::Subscription => "subscription",
            Class::TopUp => "top_up",
        }
    }

    /// The class that a word names.
    pub fn from_word(word: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.word() == word)
    }

    /// The priority of a lot that was given none (R11): top-ups last.
    pub const fn default_priority(self) -> Priority {
        match self {
            Class::TopUp => Priority(20),
            Class::Promo | Class::MakeGood | Class::Subscription => Priority::SUBSCRIPTION,
        }
    }
}

/// Which lots are spent first: the lower (R11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(pub u8);

impl Priority {
    /// The subscription's; a top-up's is never below it.
    pub const SUBSCRIPTION: Priority = Priority(10);
}

/// Credits from one source.
///
/// Invariants: `0 ≤ held + frozen ≤ remaining ≤ granted` (a refund may raise `remaining` again, never above `granted`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Derived from the entry that made it.
    pub id: LotId,
    /// What kind of credits.
    pub class: Class,
    /// Lower is spent first.
    pub priority: Priority,
    /// When it was made.
    pub granted_at: Time,
    /// The first instant at which it is no longer spendable; `None` never.
    pub expires_at: Option<Time>,
    /// What it held at first.
    pub granted: Credits,
    /// What is left, held and frozen parts included.
    pub remaining: Credits,
    /// The part set aside by holds.
    pub held: Credits,
    /// The part frozen by a dispute (R27).
    pub frozen: Credits,
    /// Which order's payment made it, and what left it unspent; `None` for lots that no money could take back, and for
    /// those of orders that are not [counted](crate::order::Order::counted).
    pub sold: Option<Sold>,
}

/// What must be known of a lot that was bought, in case its money goes back (R27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sold {
    /// The order that was paid.
    pub order: OrderId,
    /// All that has left the lot and is not spent: it was revoked, has expired or was clawed back. What was granted and is
    /// neither left nor unspent was spent, or is the account's still, in a make-good lot in its stead.
    pub unspent: Credits,
}

impl Lot {
    /// What can be spent or held now: remaining − held − frozen (R11).
    pub fn available(&self) -> Credits {
        self.remaining - self.held - self.frozen
    }

    /// Whether the lot has come to its end at `now`; at the very instant it has.
    pub fn expired(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// The spend order (R11): priority, soonest expiry (never last), class, oldest, id.
    pub fn spend_key(&self) -> SpendKey {
        SpendKey {
            priority: self.priority,
            expires_at: self.expires_at.unwrap_or(Time::from_micros(i64::MAX)),
            class: self.class,
            granted_at: self.granted_at,
            id: self.id,
        }
    }
}

/// Sorts lots into spend order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpendKey {
    priority: Priority,
    expires_at: Time,
    class: Class,
    granted_at: Time,
    id: LotId,
}

/// What an entry says of a lot that it makes; `remaining` then starts at zero and the entry's own
/// [`crate::entry::LotChange`] fills it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLot {
    /// What kind of credits.
    pub class: Class,
    /// Lower is spent first.
    pub priority: Priority,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// What it holds at first.
    pub granted: Credits,
}
