//! What operators give, take back and forgive.

use scrip_core::answer::{Answer, Done};
use scrip_core::command::{Command, Grant};
use scrip_core::id::LotId;
use scrip_core::lot::{Class, Priority};
use scrip_core::rejection::Rejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::balance::TotalsShown;
use crate::number::{Amount, AmountAsked};
use crate::present::present;
use crate::text;
use crate::time::Instant;
use crate::unfit::{InvalidField, Unfit};

/// Credits to give.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantRequest {
    /// How much, more than 0.
    pub credits: AmountAsked,
    /// `promo`, `make_good` or `top_up`.
    pub class: String,
    /// When they end, in the future; absent: never.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub expires_at: Option<Instant>,
    /// The lower is spent first; absent: 20 for a top-up, else 10. A top-up's is at least 10.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub priority: Option<u8>,
    /// Why, kept in the history.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

impl GrantRequest {
    /// The command.
    pub fn command(self) -> Result<Command, Unfit> {
        let class = Class::from_word(&self.class).filter(|class| *class != Class::Subscription);
        Ok(Command::Grant(Grant {
            class: class.ok_or_else(|| InvalidField::new("class", "promo, make_good or top_up"))?,
            expires_at: self.expires_at.map(|at| at.0),
            priority: self.priority.map(Priority),
            reason: text::reason(self.reason)?,
            credits: text::positive("credits", self.credits)?,
        }))
    }
}

/// Credits that were given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantShown {
    /// The new lot.
    pub lot: String,
    /// The account's totals after it.
    pub balance: TotalsShown,
}

impl GrantShown {
    /// From a grant's answer; `None` for any other.
    pub fn of(answer: &Answer) -> Option<GrantShown> {
        let Done::Granted { lot } = &answer.done else { return None };
        Some(GrantShown { lot: lot.to_string(), balance: answer.balance.into() })
    }
}

/// What to take back of a lot, or forgive of a debt.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeBackRequest {
    /// At most how much, more than 0; absent: all.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub credits: Option<AmountAsked>,
    /// Why, kept in the history.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

impl TakeBackRequest {
    /// The command that takes back of this lot; its own shape comes before a lot that there is not.
    pub fn revoke(self, lot: Result<LotId, Rejection>) -> Result<Command, Unfit> {
        let reason = text::reason(self.reason)?;
        let credits = self.credits.map(|credits| text::positive("credits", credits)).transpose()?;
        Ok(Command::RevokeLot { lot: lot?, credits, reason })
    }

    /// The command that forgives a debt.
    pub fn write_off(self) -> Result<Command, Unfit> {
        let reason = text::reason(self.reason)?;
        let credits = self.credits.map(|credits| text::positive("credits", credits)).transpose()?;
        Ok(Command::WriteOffDebt { credits, reason })
    }
}

/// Credits that were taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevokeShown {
    /// The lot.
    pub lot: String,
    /// How much was taken back.
    pub credits: Amount,
    /// The account's totals after it.
    pub balance: TotalsShown,
}

impl RevokeShown {
    /// From a revoke's answer; `None` for any other.
    pub fn of(answer: &Answer) -> Option<RevokeShown> {
        let Done::Revoked { lot, credits } = &answer.done else { return None };
        Some(RevokeShown { lot: lot.to_string(), credits: Amount(*credits), balance: answer.balance.into() })
    }
}

/// A debt that was forgiven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WriteOffShown {
    /// How much was forgiven.
    pub credits: Amount,
    /// What is still owed.
    pub debt: Amount,
    /// The account's totals after it.
    pub balance: TotalsShown,
}

impl WriteOffShown {
    /// From a write-off's answer; `None` for any other.
    pub fn of(answer: &Answer) -> Option<WriteOffShown> {
        let Done::DebtWrittenOff { credits } = &answer.done else { return None };
        Some(WriteOffShown {
            credits: Amount(*credits),
            debt: Amount(answer.balance.debt),
            balance: answer.balance.into(),
        })
    }
}
