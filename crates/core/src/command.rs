//! Commands: what a studio asks of an account. Imperative; parsed and valid in shape.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::amount::Credits;
use crate::catalog::Price;
use crate::entry::Act;
use crate::hold::OnExcess;
use crate::id::{
    AccountId, AccountNumber, ChargeId, HoldName, HoldRef, Key, LotId, OrderId, PackageId, PlanId, ProjectTypeId,
    ProviderRef, ToolId,
};
use crate::lot::{Class, Priority};
use crate::mark::Mark;
use crate::measure::Measures;
use crate::order::Truth;
use crate::plan::SubscriptionState;
use crate::saved_method::Trouble;
use crate::term::Term;
use crate::time::{Time, Zone};
use crate::top_up::Switch;

/// One thing asked of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Opens the account or changes its settings; absent fields stay as they are.
    PutAccount(PutAccount),
    /// Opens the account of a customer who was served elsewhere, with what it had there; refused where the account
    /// exists.
    OpenAccount(Box<Opening>),
    /// Subscribes, changes the plan or the state (R14–R17).
    PutSubscription(PutSubscription),
    /// Cancels at the end of the term.
    CancelSubscription(Cancellation),
    /// Sets credits aside (R18).
    PlaceHold(PlaceHold),
    /// Moves a hold's deadline (R18).
    ExtendHold {
        /// Which hold.
        hold: HoldRef,
        /// The new deadline is now + this many seconds, never earlier than it was.
        expires_in: u32,
    },
    /// Charges a hold (R19).
    SettleHold(SettleHold),
    /// Frees a hold (R20).
    ReleaseHold(ReleaseHold),
    /// Takes credits at once.
    Charge(PlaceCharge),
    /// Gives credits back after a charge (R24).
    Refund {
        /// Which charge.
        charge: ChargeId,
        /// How much; `None`: all that is left to refund.
        credits: Option<Credits>,
        /// Why.
        reason: Box<str>,
    },
    /// Gives credits (R25).
    Grant(Grant),
    /// Takes back what is left and unheld of a lot (R25).
    RevokeLot {
        /// Which lot.
        lot: LotId,
        /// At most how much; `None`: all that is left and unheld.
        credits: Option<Credits>,
        /// Why.
        reason: Box<str>,
    },
    /// Forgives a debt (R19).
    WriteOffDebt {
        /// How much; `None`: all.
        credits: Option<Credits>,
        /// Why.
        reason: Box<str>,
    },
    /// Orders something that is for sale (R26).
    PlaceOrder {
        /// What.
        item: OrderItem,
        /// The subscription as it was looked at, where it is to stand so still; no part of what is ordered.
        mark: Option<Mark>,
    },
    /// Notes that a payment provider has the order, under this id.
    SendOrder {
        /// Which order.
        order: OrderId,
        /// What the provider calls it.
        reference: ProviderRef,
    },
    /// Brings an order to where the provider says it is now (R26, R27). Idempotent by content: it may be said late, twice
    /// and in any order, and needs no key.
    FulfilOrder {
        /// Which order.
        order: OrderId,
        /// What the provider says.
        truth: Truth,
    },
    /// An operator says that an order was paid outside a provider.
    MarkOrderPaid {
        /// Which order.
        order: OrderId,
        /// What shows it: an invoice's number, a bank's reference.
        reference: Box<str>,
    },
    /// Sets the automatic top-up, or changes its settings; absent ones stay as they are.
    PutTopUp(PutTopUp),
    /// Notes that a payment method was saved with an order's payment, to be charged while its owner is away. Idempotent by
    /// content, and needs no key.
    SaveMethod {
        /// The order.
        order: OrderId,
    },
    /// Notes why the saved payment method could not be charged. Idempotent by content, and needs no key.
    RefuseMethod {
        /// The order with whose payment the method was saved.
        order: OrderId,
        /// Why.
        trouble: Trouble,
    },
    /// Notes that an order's payment began a subscription at the provider. Idempotent by content, and needs no key.
    BeginBilling {
        /// The order.
        order: OrderId,
    },
    /// Notes that the provider's subscription is over. Idempotent by content, and needs no key.
    EndBilling {
        /// The order that began it.
        order: OrderId,
    },
    /// The provider's subscription has paid for a term (R17a). Its key is made of the invoice's id, so that each is recorded
    /// once.
    PayTerm(TermPaid),
    /// Erases every text of the account (R29): the studio's id of it, its name, and what its entries say of references,
    /// members and reasons. Credits, holds and the chain stay.
    EraseAccount {
        /// Why: kept with the erasure's own entry.
        reason: Option<Box<str>>,
    },
    /// Records what an operator does that moves no credits, and opens the studio's own account where that is not there yet.
    RecordAct {
        /// What.
        act: Act,
        /// What it is done to: a key's id, a catalog version.
        subject: Box<str>,
        /// Why, where it is said.
        reason: Option<Box<str>>,
    },
    /// Applies what is due and nothing else (R16).
    Touch,
}

/// A term that a provider's subscription has paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermPaid {
    /// The order that began the subscription.
    pub order: OrderId,
    /// Months from the subscription's begin to the end of the term: all of them are paid for.
    pub months: u32,
    /// What was paid for the term.
    pub price: Price,
    /// The provider's ids of it: an invoice, a payment.
    pub references: Vec<ProviderRef>,
}

impl Command {
    /// Whether the first entry that it makes says who asked for it: what people do by hand, and what gives or takes back
    /// credits without a job.
    pub const fn is_by_hand(&self) -> bool {
        match self {
            Command::PutSubscription(_)
            | Command::CancelSubscription(_)
            | Command::ReleaseHold(_)
            | Command::Refund { .. }
            | Command::Grant(_)
            | Command::RevokeLot { .. }
            | Command::WriteOffDebt { .. }
            | Command::PlaceOrder { .. }
            | Command::MarkOrderPaid { .. }
            | Command::PutTopUp(_)
            | Command::EraseAccount { .. }
            | Command::RecordAct { .. } => true,
            Command::PutAccount(_)
            | Command::OpenAccount(_)
            | Command::PlaceHold(_)
            | Command::ExtendHold { .. }
            | Command::SettleHold(_)
            | Command::Charge(_)
            | Command::SendOrder { .. }
            | Command::FulfilOrder { .. }
            | Command::SaveMethod { .. }
            | Command::RefuseMethod { .. }
            | Command::BeginBilling { .. }
            | Command::EndBilling { .. }
            | Command::PayTerm(_)
            | Command::Touch => false,
        }
    }

    /// Whether it may be the first of an account: it opens it.
    pub fn opens(&self, account: &AccountId) -> bool {
        match self {
            Command::PutAccount(_) | Command::OpenAccount(_) => {
                account.erased_number().is_none() && !account.is_of_studio()
            }
            Command::RecordAct { .. } => account.is_of_studio(),
            _ => false,
        }
    }
}

/// The settings of an automatic top-up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutTopUp {
    /// What it buys; may be absent when the account has one.
    pub package: Option<PackageId>,
    /// It buys when less than this is available; may be absent when the account has one.
    pub below: Option<Credits>,
    /// It buys up to this, and not again before; absent: as it stands, or as `below`.
    pub up_to: Option<Credits>,
    /// The most orders in a day, `Some(None)`: any number; absent: as it stands.
    pub per_day: Option<Option<u32>>,
    /// The most orders in a month, `Some(None)`: any number; absent: as it stands.
    pub per_month: Option<Option<u32>>,
    /// Whether it may buy; absent: as it stands, or on.
    pub switch: Option<Switch>,
}

/// What an order asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderItem {
    /// A package of the catalog in force.
    Package(PackageId),
    /// A term of a plan of the catalog in force: the first, the next, or an upgrade.
    Plan(PlanId),
}

/// The settings of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutAccount {
    /// A display name.
    pub name: Option<Box<str>>,
    /// The zone for what is shown, and for the next subscription.
    pub zone: Option<Zone>,
    /// The enabled project types.
    pub project_types: Option<BTreeSet<ProjectTypeId>>,
}

/// A subscription as asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutSubscription {
    /// The plan; may be absent when the account has one.
    pub plan: Option<PlanId>,
    /// The anchor; absent: now, or the one that stands.
    pub anchor: Option<Time>,
    /// The state; absent: active, or the one that stands.
    pub state: Option<SubscriptionState>,
    /// Who asks.
    pub asker: Asker,
    /// Why, where the studio says so; kept beside the entry. Like who asks, it is no part of what is put.
    pub reason: Option<Box<str>>,
    /// The subscription as it was looked at, where it is to stand so still; no part of what is put either.
    pub mark: Option<Mark>,
}

/// A subscription to be cancelled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cancellation {
    /// Why, where the studio says so; kept beside the entry.
    pub reason: Option<Box<str>>,
    /// The subscription as it was looked at, where it is to stand so still.
    pub mark: Option<Mark>,
}

/// Who asks for a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asker {
    /// The studio, whose word stands for a payment.
    #[default]
    Studio,
    /// The customer: what would begin at once is ordered and paid (R17a).
    Customer,
}

/// What a customer who was served elsewhere has, at the moment of coming here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The account's settings.
    pub settings: PutAccount,
    /// The plan that it is on.
    pub subscription: Option<OpeningSubscription>,
    /// Its other credits, in the order in which they were granted, oldest first: at most [`Opening::LOTS_MAX`].
    pub lots: Vec<OpeningLot>,
}

impl Opening {
    /// The most lots that an opening may bring: each is an entry, and a key remembers at most 255 entries of its command.
    pub const LOTS_MAX: usize = 200;
    /// The most entries that an opening makes: the account, the subscription, its refill and its state, and the lots.
    pub const ENTRIES_MAX: usize = Opening::LOTS_MAX + 4;
}

/// A subscription that began elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningSubscription {
    /// The plan, of the catalog in force.
    pub plan: PlanId,
    /// What all its cycles are counted from: mostly past.
    pub anchor: Time,
    /// Whether it refills.
    pub state: SubscriptionState,
    /// What is left of the present cycle's refill; `None`: this cycle had no refill, which is so before the anchor, and
    /// may be so of one that is not active.
    pub remaining: Option<Credits>,
    /// The instant at which so much remained; `None`: that of the opening. It is no part of what the opening says: told
    /// again as of another instant, it is the same opening.
    pub as_of: Option<Time>,
}

/// A lot that was granted elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningLot {
    /// The grant of what is left of it.
    pub grant: Grant,
    /// What it held at first.
    pub granted: Credits,
}

/// What a hold or charge is to cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cost {
    /// A tool's price.
    Tool {
        /// The tool.
        tool: ToolId,
        /// Its measures.
        measures: Measures,
    },
    /// A stated amount.
    Credits(Credits),
}

/// What a price was quoted at (R7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The quoted version.
    pub catalog_version: Option<u32>,
    /// The quoted price.
    pub credits: Option<Credits>,
}

/// A hold as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceHold {
    /// What it is for.
    pub cost: Cost,
    /// The caller's own id.
    pub name: Option<HoldName>,
    /// The studio's job reference.
    pub reference: Option<Box<str>>,
    /// Who of the account runs it.
    pub member: Option<Box<str>>,
    /// Seconds to the deadline; absent: the tool's.
    pub expires_in: Option<u32>,
    /// What was quoted.
    pub expected: Expected,
}

/// A charge without a hold, as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceCharge {
    /// What it is for.
    pub cost: Cost,
    /// The studio's job reference.
    pub reference: Option<Box<str>>,
    /// Who of the account ran it.
    pub member: Option<Box<str>>,
    /// What was quoted.
    pub expected: Expected,
}

/// What a settle takes (R19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usage {
    /// All that is held.
    Held,
    /// The price of these measures at the pinned version.
    Measures(Measures),
    /// This amount; zero is allowed.
    Credits(Credits),
}

/// A settle as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettleHold {
    /// Which hold.
    pub hold: HoldRef,
    /// What was used.
    pub usage: Usage,
    /// The policy for a price above the hold; absent: the tool's.
    pub on_excess: Option<OnExcess>,
}

/// A release as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseHold {
    /// Which hold.
    pub hold: HoldRef,
    /// Why.
    pub reason: Option<Box<str>>,
    /// What expires by being freed comes back as a make-good lot (R22).
    pub after_expiry: AfterExpiry,
}

/// What becomes of held credits whose lot has expired when their hold is released (R22).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterExpiry {
    /// They expire at once.
    #[default]
    Expire,
    /// They come back as a make-good lot.
    MakeGood,
}

/// A grant as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// How much.
    pub credits: Credits,
    /// Promo, make-good or top-up.
    pub class: Class,
    /// When it ends; absent: never.
    pub expires_at: Option<Time>,
    /// Absent: the class's own.
    pub priority: Option<Priority>,
    /// Why.
    pub reason: Box<str>,
}

/// What the world adds to a command: the instant, chance for the salt of its texts, and its key.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The instant at which it is decided (R33).
    pub now: Time,
    /// Fresh random bytes: the salt of the digests of its texts (R29).
    pub salt: [u8; 16],
    /// What its idempotency key will be bound to (R31). PUT, DELETE and touches have none.
    pub binding: Option<Binding>,
    /// Who asks, where that is recorded ([`Command::is_by_hand`]). No part of what a key is bound to.
    pub by: Option<Arc<str>>,
}

/// A key and what was asked under it, as digests: looked up before deciding, bound by the last entry (R31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Digest of account and key.
    pub term: Term,
    /// Digest of the parsed command: two commands are the same request exactly when these are equal.
    pub content: u64,
}

impl Binding {
    /// The binding of a command that came with a key.
    pub fn of(account: AccountNumber, key: &Key, command: &Command) -> Binding {
        Binding { term: Term::key(account, key), content: crate::term::content(command) }
    }

    /// The binding of an opening: an account has one at the most, so the account itself is the key, and no caller's key
    /// can be taken for it.
    pub fn of_opening(account: AccountNumber, opening: &Command) -> Binding {
        Binding { term: Term::opening(account), content: crate::term::content(opening) }
    }
}
