//! The naive model: one account by the rules R11–R25, as plainly as they can be written.
//!
//! It is apart from the core so that each can catch the other out: it calls none of the core's deciding, applying, pricing
//! or calendar code, keeps everything for ever, looks through all of it each time, and stores no sum that it can count.
//! Amounts are millionths of a credit, times microseconds, things are known by their place in the order of their making.

mod answer;
mod arrival;
mod commands;
mod due;
mod jobs;
mod view;

pub use answer::{Answer, Done, Reply};
pub use commands::{LIMIT, Moment};

use std::collections::BTreeSet;

use scrip_core::entry::Kind;
use scrip_core::hold::HoldState;
use scrip_core::lot::Class;
use scrip_core::plan::SubscriptionState;

use crate::calendar::Offsets;
use crate::prices::{Amount, Inputs, Plan, Policy, PriceList};

/// An instant in microseconds since 1970.
pub type Instant = i64;

/// What is asked, with everything named by the model's own places; `None` where the caller names what never was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Opens the account or changes its settings.
    PutAccount {
        /// A display name.
        name: Option<String>,
        /// The zone.
        zone: Option<String>,
        /// The enabled project types.
        project_types: Option<BTreeSet<String>>,
    },
    /// Opens the account with what it had elsewhere.
    Arrive(Arrival),
    /// Subscribes or changes the subscription.
    PutSubscription {
        /// The plan.
        plan: Option<String>,
        /// The anchor.
        anchor: Option<Instant>,
        /// The state.
        state: Option<SubscriptionState>,
    },
    /// Cancels.
    Cancel,
    /// Sets aside.
    Hold {
        /// For what.
        job: Job,
        /// The caller's own id.
        name: Option<String>,
        /// Seconds to the deadline.
        expires_in: Option<i64>,
    },
    /// Moves a deadline.
    Extend {
        /// Which hold.
        hold: HoldAsked,
        /// Seconds from now.
        expires_in: i64,
    },
    /// Charges a hold.
    Settle {
        /// Which hold.
        hold: HoldAsked,
        /// What was used.
        usage: Usage,
        /// What to do above the hold.
        policy: Option<Policy>,
    },
    /// Frees a hold.
    Release {
        /// Which hold.
        hold: HoldAsked,
        /// Whether what expires comes back.
        make_good: bool,
    },
    /// Takes at once.
    Charge {
        /// For what.
        job: Job,
    },
    /// Gives back.
    Refund {
        /// Which charge.
        charge: Option<usize>,
        /// How much.
        credits: Option<Amount>,
    },
    /// Gives.
    Grant {
        /// How much.
        credits: Amount,
        /// Of what class.
        class: Class,
        /// Until when.
        expires_at: Option<Instant>,
        /// In what order.
        priority: Option<u8>,
    },
    /// Takes back.
    Revoke {
        /// Which lot.
        lot: Option<usize>,
        /// At most how much.
        credits: Option<Amount>,
    },
    /// Forgives a debt.
    WriteOff {
        /// How much.
        credits: Option<Amount>,
    },
    /// Nothing but what is due.
    Touch,
}

/// What a customer who was served elsewhere has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The zone.
    pub zone: Option<String>,
    /// The plan.
    pub plan: Option<PlanBrought>,
    /// Other lots.
    pub lots: Vec<LotBrought>,
}

/// A plan that began elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanBrought {
    /// Which.
    pub plan: String,
    /// Where its cycles are counted from.
    pub anchor: Instant,
    /// Whether it refills.
    pub state: SubscriptionState,
    /// What is left of this cycle's refill, if there was one.
    pub remaining: Option<Amount>,
}

/// A lot that was granted elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotBrought {
    /// Its class.
    pub class: Class,
    /// What is left of it.
    pub remaining: Amount,
    /// What it held at first.
    pub granted: Amount,
    /// When it ends.
    pub expires_at: Option<Instant>,
}

/// How a hold is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldAsked {
    /// By the engine's id: its place among all holds, if it was ever placed.
    Made(Option<usize>),
    /// By the caller's own id.
    Named(String),
}

/// What a hold or charge is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What it costs.
    pub cost: Cost,
    /// The studio's reference.
    pub reference: Option<String>,
    /// The quoted version.
    pub version: Option<u32>,
    /// The quoted price.
    pub expected: Option<Amount>,
}

/// A tool's price or a stated amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cost {
    /// A tool and its measures.
    Tool(String, Inputs),
    /// An amount.
    Credits(Amount),
}

/// What a settle takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usage {
    /// All of it.
    Held,
    /// The price of these.
    Measures(Inputs),
    /// An amount.
    Credits(Amount),
}

/// A lot.
#[derive(Clone, Debug)]
pub struct Lot {
    /// Its class.
    pub class: Class,
    /// Lower is spent first.
    pub priority: u8,
    /// When it was made.
    pub granted_at: Instant,
    /// When it ends.
    pub expires_at: Option<Instant>,
    /// What it held at first.
    pub granted: Amount,
    /// What is left.
    pub remaining: Amount,
    /// Whether its end has come: what is freed of it afterwards is gone.
    pub ended: bool,
}

/// A hold.
#[derive(Clone, Debug)]
pub struct Hold {
    /// The caller's own id.
    pub name: Option<String>,
    /// The tool; `None` where an amount was named.
    pub tool: Option<String>,
    /// The pinned version.
    pub version: u32,
    /// How much in all.
    pub credits: Amount,
    /// Of which lots, in spend order.
    pub parts: Vec<(usize, Amount)>,
    /// Its deadline.
    pub expires_at: Instant,
    /// Where it stands.
    pub state: HoldState,
}

/// What was charged.
#[derive(Clone, Debug)]
pub struct Charge {
    /// Which lots paid, in the order taken.
    pub parts: Vec<(usize, Amount)>,
    /// What was owed instead.
    pub debt: Amount,
    /// Given back so far, of what lots paid.
    pub refunded: Amount,
    /// Given back so far, of what was owed instead.
    pub refunded_debt: Amount,
}

/// A subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// The terms in force.
    pub plan: Plan,
    /// Whether it refills.
    pub state: SubscriptionState,
    /// Where all cycles are counted from.
    pub anchor: Instant,
    /// In which zone.
    pub zone: String,
    /// The cycle that runs; `None` before the anchor.
    pub cycle: Option<i64>,
    /// The cycle with which the term began.
    pub term_start: i64,
    /// The highest allowance granted, and in which cycle.
    pub reached: Option<(i64, Amount)>,
    /// What waits for the end of the term.
    pub next: Option<Next>,
}

/// What waits for the end of a term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another plan.
    Change(Plan),
    /// The end.
    Cancel,
}

/// A line of the history that moved something.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// When.
    pub at: Instant,
    /// In what kind of entry.
    pub kind: Kind,
    /// Of what is left.
    pub credits: Amount,
    /// Of what is set aside.
    pub held: Amount,
}

/// A published version of the studio's prices.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its number.
    pub version: u32,
    /// From when it is in force.
    pub effective: Instant,
    /// The prices.
    pub prices: PriceList,
}

/// An account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Whether it was opened.
    pub opened: bool,
    /// Its name.
    pub name: Option<String>,
    /// Its zone.
    pub zone: String,
    /// Its project types; `None`: all.
    pub project_types: Option<BTreeSet<String>>,
    /// Every lot there ever was.
    pub lots: Vec<Lot>,
    /// Every hold there ever was.
    pub holds: Vec<Hold>,
    /// Every hold as it was when it was placed.
    pub placed: Vec<Hold>,
    /// Every charge there ever was.
    pub charges: Vec<Charge>,
    /// What it owes.
    pub debt: Amount,
    /// What it repaid of debts and no refund gave back.
    pub repaid: Amount,
    /// Its subscription.
    pub subscription: Option<Subscription>,
    /// Every key that was accepted, with what was asked and answered.
    pub keys: Vec<(String, Ask, Answer)>,
    /// The arrival that opened it, and what was answered.
    pub arrived: Option<(Ask, Answer)>,
    /// Every movement there ever was.
    pub moved: Vec<Moved>,
}

impl Subscription {
    /// Where a cycle begins.
    pub fn boundary(&self, cycle: i64) -> Instant {
        Offsets::of(&self.zone).boundary(self.anchor, cycle)
    }

    /// The first cycle that has not begun.
    pub fn next_cycle(&self) -> i64 {
        self.cycle.map_or(0, |cycle| cycle + 1)
    }

    /// The cycle with which the next term begins.
    pub fn term_end(&self) -> i64 {
        self.term_start + self.plan.months
    }
}

impl Account {
    /// What holds set aside of a lot.
    pub fn held_of(&self, lot: usize) -> Amount {
        let open = self.holds.iter().filter(|hold| hold.state == HoldState::Open);
        open.flat_map(|hold| &hold.parts).filter(|(held, _)| *held == lot).map(|(_, credits)| *credits).sum()
    }

    /// What could be spent of a lot.
    pub fn available_of(&self, lot: usize) -> Amount {
        self.lots[lot].remaining - self.held_of(lot)
    }

    /// What is left in all.
    pub fn remaining(&self) -> Amount {
        self.lots.iter().map(|lot| lot.remaining).sum()
    }

    /// What is set aside in all.
    pub fn held(&self) -> Amount {
        (0..self.lots.len()).map(|lot| self.held_of(lot)).sum()
    }

    /// What could be spent in all.
    pub fn available(&self) -> Amount {
        self.remaining() - self.held()
    }

    /// The lots with something left, in spend order.
    pub fn shown(&self) -> Vec<usize> {
        self.spend_order().into_iter().filter(|lot| self.lots[*lot].remaining > 0).collect()
    }

    /// The hold that the caller gave this id.
    pub fn hold_named(&self, name: &str) -> Option<usize> {
        self.holds.iter().position(|hold| hold.name.as_deref() == Some(name))
    }

    /// All lots in the order in which they are spent (R11).
    pub fn spend_order(&self) -> Vec<usize> {
        let class = |class: Class| match class {
            Class::Promo => 0,
            Class::MakeGood => 1,
            Class::Subscription => 2,
            Class::TopUp => 3,
        };
        let mut order: Vec<usize> = (0..self.lots.len()).collect();
        order.sort_by_key(|&place| {
            let lot = &self.lots[place];
            let never_last = lot.expires_at.unwrap_or(i64::MAX);
            (lot.priority, never_last, class(lot.class), lot.granted_at, place)
        });
        order
    }

    /// The first lots in spend order that make up `credits` of what is available, or all of it when there is less.
    pub fn choose(&self, credits: Amount) -> Vec<(usize, Amount)> {
        let mut wanted = credits;
        let mut chosen = Vec::new();
        for lot in self.spend_order() {
            let part = self.available_of(lot).min(wanted);
            if part > 0 {
                chosen.push((lot, part));
                wanted -= part;
            }
        }
        chosen
    }

    fn record(&mut self, at: Instant, kind: Kind, credits: Amount, held: Amount) {
        self.moved.push(Moved { at, kind, credits, held });
    }

    /// Makes a lot; a debt is repaid by it at once (R19).
    fn make_lot(&mut self, lot: Lot) -> usize {
        self.lots.push(lot);
        self.lots.len() - 1
    }

    /// Repays what is owed from the lots made since there were `before`, in spend order.
    fn repay(&mut self, at: Instant, before: usize) {
        for lot in self.spend_order() {
            let part = if lot >= before { self.available_of(lot).min(self.debt) } else { 0 };
            if part > 0 {
                self.lots[lot].remaining -= part;
                self.debt -= part;
                self.repaid += part;
                self.record(at, Kind::DebtRepaid, -part, 0);
            }
        }
    }
}

/// The version in force at an instant.
pub fn in_force(versions: &[Version], at: Instant) -> &Version {
    versions.iter().rev().find(|version| version.effective <= at).expect("a studio has a first version at any clock")
}
