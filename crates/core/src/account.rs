//! An account: who owns credits, and everything of it that deciding needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::amount::Credits;
use crate::hold::{Hold, LotPart};
use crate::id::{
    AccountId, AccountNumber, ChargeId, HoldId, HoldName, LotId, OrderId, PackageId, ProjectTypeId, StudioNumber,
    ToolId,
};
use crate::lot::Lot;
use crate::order::Order;
use crate::plan::Subscription;
use crate::saved_method::SavedMethod;
use crate::tally::Tally;
use crate::time::{Time, Zone};
use crate::top_up::AutomaticTopUp;

/// An account's present state: a fold of its entries ([`crate::apply::apply`]), and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The journal's number for it.
    pub number: AccountNumber,
    /// Whose customer it is.
    pub studio: StudioNumber,
    /// The studio's own id. Outside the chained record (R29).
    pub id: AccountId,
    /// A display name. Outside the chained record (R29).
    pub name: Option<Arc<str>>,
    /// The zone in which things are shown; a new subscription pins it.
    pub zone: Zone,
    /// The project types it has enabled; `None`: all.
    pub project_types: Option<Arc<BTreeSet<ProjectTypeId>>>,
    /// When it was opened.
    pub opened_at: Time,
    /// The sequence number of its last entry; 0 before the first.
    pub seq: u64,
    /// The time of its last entry.
    pub last_at: Time,
    /// The chain's value after its last entry (R29); see [`crate::journal`].
    pub head: Hash,
    /// The plan it is on.
    pub subscription: Option<Arc<Subscription>>,
    /// Lots with something left, in spend order (R11).
    pub lots: Vec<Lot>,
    /// Open holds, oldest first.
    pub holds: Vec<Hold>,
    /// What it owes (R19).
    pub debt: Credits,
    /// What new lots have repaid of its debts and no refund has given back: what refunds of debt parts may return as
    /// credits (R24). What was written off is not in it.
    pub repaid: Credits,
    /// Orders that something is still to happen to by themselves ([`Order::is_open`]), oldest first.
    pub orders: Vec<Order>,
    /// Its automatic top-up, if it ever had one.
    pub top_up: Option<Box<AutomaticTopUp>>,
    /// The payment method that may be charged while its owner is away.
    pub saved_method: Option<SavedMethod>,
    /// The order whose payment began the provider's own subscription that pays for the plan's terms; `None`: none does.
    pub billing: Option<OrderId>,
    /// How often it bought each package.
    pub bought: BTreeMap<PackageId, Tally>,
    /// Facts of the past that the engine fetched for the commands at hand. Not part of the state:
    /// empty in stored accounts, and two accounts that differ only here are the same.
    pub recalled: Recalled,
}

/// A value of an account's hash chain: SHA-256.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// What is set aside, left, frozen and owed, over all lots of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// What is left in lots.
    pub remaining: Credits,
    /// The part set aside by holds.
    pub held: Credits,
    /// The part frozen by disputes.
    pub frozen: Credits,
    /// What is owed.
    pub debt: Credits,
}

impl Totals {
    /// remaining − held − frozen (R11).
    pub fn available(&self) -> Credits {
        self.remaining - self.held - self.frozen
    }
}

impl Account {
    /// An account before its first entry.
    pub fn unopened(studio: StudioNumber, number: AccountNumber, id: AccountId) -> Account {
        Account {
            number,
            studio,
            id,
            name: None,
            zone: Zone::utc(),
            project_types: None,
            opened_at: Time::EPOCH,
            seq: 0,
            last_at: Time::EPOCH,
            head: Hash::default(),
            subscription: None,
            lots: Vec::new(),
            holds: Vec::new(),
            debt: Credits::ZERO,
            repaid: Credits::ZERO,
            orders: Vec::new(),
            top_up: None,
            saved_method: None,
            billing: None,
            bought: BTreeMap::new(),
            recalled: Recalled::default(),
        }
    }

    /// What is left, held, frozen and owed.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals { debt: self.debt, ..Totals::default() };
        for lot in &self.lots {
            totals.remaining += lot.remaining;
            totals.held += lot.held;
            totals.frozen += lot.frozen;
        }
        totals
    }

    /// The lot, if it has something left.
    pub fn lot(&self, id: LotId) -> Option<&Lot> {
        self.lots.iter().find(|lot| lot.id == id)
    }

    /// Whether it may run tools of this project type.
    pub fn enabled(&self, project_type: &ProjectTypeId) -> bool {
        self.project_types.as_ref().is_none_or(|enabled| enabled.contains(project_type))
    }
}

/// Past facts, fetched by the engine before deciding and kept true by `apply` within a batch. `None`: it was
/// looked for, and there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recalled {
    /// Charges that a refund names.
    pub charges: BTreeMap<ChargeId, Option<ChargeFacts>>,
    /// Holds by the caller's own id.
    pub names: BTreeMap<HoldName, Option<HoldId>>,
    /// Holds that have ended.
    pub holds: BTreeMap<HoldId, Option<Hold>>,
    /// Lots with nothing left (and so no longer in [`Account::lots`]), as they were made, remaining zero.
    pub lots: BTreeMap<LotId, Option<Lot>>,
    /// Orders that are over.
    pub orders: BTreeMap<OrderId, Option<Order>>,
}

impl Recalled {
    /// Forgets everything: what the engine does after each batch.
    pub fn clear(&mut self) {
        *self = Recalled::default();
    }
}

/// What was charged and how much of it came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeFacts {
    /// The credits that lots paid, in the order they were taken.
    pub parts: Vec<LotPart>,
    /// The part that was recorded as a debt.
    pub debt: Credits,
    /// Already given back to lots (or as make-good in their stead), per lot, over all refunds so far.
    pub refunded: Vec<LotPart>,
    /// Already taken off the charge's debt part, over all refunds so far.
    pub refunded_debt: Credits,
    /// The charge's tool: a refund counts for it.
    pub tool: Option<ToolId>,
    /// The studio's job reference, unless erased.
    pub reference: Option<Box<str>>,
    /// Who of the account ran it, unless erased.
    pub member: Option<Box<str>>,
}
