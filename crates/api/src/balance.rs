//! What an account has: remaining, held, available, lots, and what it would buy.

use scrip_core::account::Totals;
use scrip_core::amount::Credits;
use scrip_core::hold::LotPart;
use scrip_core::id::AccountId;
use scrip_core::statement::{Balance, ToolLeft};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::number::{Amount, Quantity};
use crate::time::Instant;

/// An account's totals, as answers to commands carry them: as they were right after the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TotalsShown {
    /// What is left in lots.
    pub remaining: Amount,
    /// The part set aside by holds.
    pub held: Amount,
    /// remaining − held − frozen.
    pub available: Amount,
    /// What the account owes; left out where that is nothing.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    #[schema(required = false)]
    pub debt: Amount,
}

fn nothing() -> Amount {
    Amount(Credits::ZERO)
}

fn is_nothing(amount: &Amount) -> bool {
    amount.0.is_zero()
}

impl From<&BalanceShown> for TotalsShown {
    fn from(balance: &BalanceShown) -> TotalsShown {
        let BalanceShown { remaining, held, available, debt, .. } = *balance;
        TotalsShown { remaining, held, available, debt }
    }
}

impl From<Totals> for TotalsShown {
    fn from(totals: Totals) -> TotalsShown {
        TotalsShown {
            remaining: Amount(totals.remaining),
            held: Amount(totals.held),
            available: Amount(totals.available()),
            debt: Amount(totals.debt),
        }
    }
}

/// Credits of one lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartShown {
    /// The lot.
    pub lot: String,
    /// `subscription`, `promo`, `top_up` or `make_good`.
    pub class: String,
    /// How much of it.
    pub credits: Amount,
}

impl From<&LotPart> for PartShown {
    fn from(part: &LotPart) -> PartShown {
        PartShown { lot: part.lot.to_string(), class: part.class.word().to_owned(), credits: Amount(part.credits) }
    }
}

/// Parts, each shown.
pub fn parts<'a>(parts: impl IntoIterator<Item = &'a LotPart>) -> Vec<PartShown> {
    parts.into_iter().map(PartShown::from).collect()
}

/// An account's balance at an instant, with what is due by then applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceShown {
    /// Whose.
    pub account: String,
    /// The instant.
    pub at: Instant,
    /// What is left in lots.
    pub remaining: Amount,
    /// The part set aside by holds.
    pub held: Amount,
    /// The part frozen by disputes.
    pub frozen: Amount,
    /// remaining − held − frozen.
    pub available: Amount,
    /// What is owed.
    pub debt: Amount,
    /// The lots with something left, in the order in which they are spent.
    pub lots: Vec<LotShown>,
    /// When credits come next; null without a plan.
    pub resets_at: Option<Instant>,
    /// What the available credits would buy of each tool that the account may run.
    pub left: Vec<LeftShown>,
}

/// One lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LotShown {
    /// Its id.
    pub lot: String,
    /// `subscription`, `promo`, `top_up` or `make_good`.
    pub class: String,
    /// What it held at first.
    pub granted: Amount,
    /// What is left.
    pub remaining: Amount,
    /// The part set aside by holds.
    pub held: Amount,
    /// The part frozen by a dispute.
    pub frozen: Amount,
    /// The lower is spent first.
    pub priority: u8,
    /// When it was made.
    pub granted_at: Instant,
    /// The first instant at which it cannot be spent; null: never.
    pub expires_at: Option<Instant>,
}

impl From<&scrip_core::lot::Lot> for LotShown {
    fn from(lot: &scrip_core::lot::Lot) -> LotShown {
        LotShown {
            lot: lot.id.to_string(),
            class: lot.class.word().to_owned(),
            granted: Amount(lot.granted),
            remaining: Amount(lot.remaining),
            held: Amount(lot.held),
            frozen: Amount(lot.frozen),
            priority: lot.priority.0,
            granted_at: Instant(lot.granted_at),
            expires_at: lot.expires_at.map(Instant),
        }
    }
}

impl BalanceShown {
    /// An account's balance.
    pub fn of(account: &AccountId, balance: &Balance) -> BalanceShown {
        BalanceShown {
            account: account.to_string(),
            at: Instant(balance.at),
            remaining: Amount(balance.totals.remaining),
            held: Amount(balance.totals.held),
            frozen: Amount(balance.totals.frozen),
            available: Amount(balance.totals.available()),
            debt: Amount(balance.totals.debt),
            lots: balance.lots.iter().map(LotShown::from).collect(),
            resets_at: balance.resets_at.map(Instant),
            left: balance.left.iter().map(LeftShown::from).collect(),
        }
    }
}

impl From<&ToolLeft> for LeftShown {
    fn from(tool: &ToolLeft) -> LeftShown {
        LeftShown {
            tool: tool.tool.to_string(),
            name: tool.name.to_string(),
            unit: tool.left.unit.to_string(),
            quantity: Quantity(tool.left.quantity),
            at_limit: tool.left.at_limit,
            project_type: tool.project_type.as_ref().map(ToString::to_string),
        }
    }
}

/// What the available credits would buy of one tool (R10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftShown {
    /// The tool.
    pub tool: String,
    /// Its name for people.
    pub name: String,
    /// What is counted: seconds, actions, runs…
    pub unit: String,
    /// The longest quantity that the quote would accept.
    pub quantity: Quantity,
    /// Whether the measure's own bound stopped it, not the credits.
    pub at_limit: bool,
    /// The tool's project type; null for a tool without one.
    pub project_type: Option<String>,
}
