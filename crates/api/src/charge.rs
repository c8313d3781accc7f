//! Charges and refunds.

use scrip_core::answer::{Answer, Done};
use scrip_core::command::{Command, Cost, Expected, PlaceCharge};
use scrip_core::id::{ChargeId, ToolId};
use scrip_core::rejection::Rejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::balance::{PartShown, TotalsShown, parts};
use crate::measure::MeasuresAsked;
use crate::number::{Amount, AmountAsked};
use crate::present::present;
use crate::text;
use crate::unfit::{InvalidField, Unfit};

/// A charge to make at once: `tool` with `measures`, or `credits`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargeRequest {
    /// The tool; instead of `credits`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub tool: Option<String>,
    /// The tool's measures.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub measures: Option<MeasuresAsked>,
    /// A stated amount, more than 0; instead of `tool`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub credits: Option<AmountAsked>,
    /// The studio's job reference, kept in the history.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 256)]
    pub reference: Option<String>,
    /// Who of the account ran it, kept in the history.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 256)]
    pub member: Option<String>,
    /// The quoted catalog version: honoured for a while after it was superseded.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub catalog_version: Option<u32>,
    /// The quoted price: another one is refused as `price_changed`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub credits_expected: Option<AmountAsked>,
}

impl ChargeRequest {
    /// The command.
    pub fn command(self) -> Result<PlaceCharge, Unfit> {
        Ok(PlaceCharge {
            reference: text::label_if_any("reference", self.reference)?,
            member: text::label_if_any("member", self.member)?,
            expected: expected(self.catalog_version, self.credits_expected)?,
            cost: CostAsked { tool: self.tool, measures: self.measures, credits: self.credits }.cost()?,
        })
    }
}

/// What a hold or charge is to cost, as asked for.
pub(crate) struct CostAsked {
    pub(crate) tool: Option<String>,
    pub(crate) measures: Option<MeasuresAsked>,
    pub(crate) credits: Option<AmountAsked>,
}

impl CostAsked {
    /// Exactly one of the two forms.
    pub(crate) fn cost(self) -> Result<Cost, Unfit> {
        let invalid = |field: &str, expected: &str| Err(InvalidField::new(field, expected).into());
        match (self.tool, self.measures, self.credits) {
            (Some(tool), measures, None) => {
                Ok(Cost::Tool { tool: tool_id(&tool)?, measures: measures.unwrap_or_default().measures()? })
            }
            (None, None, Some(credits)) => Ok(Cost::Credits(text::positive("credits", credits)?)),
            (Some(_), _, Some(_)) => invalid("credits", "either tool and measures, or credits, not both"),
            (None, Some(_), _) => invalid("tool", "the tool that the measures are for"),
            (None, None, None) => invalid("tool", "either tool and measures, or credits"),
        }
    }
}

/// The tool of that name, or `unknown_tool`: a name that no tool can have is one that no tool has.
pub(crate) fn tool_id(tool: &str) -> Result<ToolId, Rejection> {
    ToolId::parse(tool).map_err(|_| Rejection::UnknownTool { tool: tool.into() })
}

/// What a price was quoted at.
pub(crate) fn expected(version: Option<u32>, credits: Option<AmountAsked>) -> Result<Expected, Unfit> {
    let credits = credits.map(|credits| text::not_negative("credits_expected", credits)).transpose()?;
    Ok(Expected { catalog_version: version, credits })
}

/// A charge that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChargeShown {
    /// Its id, to name in refunds.
    pub charge: String,
    /// How much.
    pub credits: Amount,
    /// Which lots paid.
    pub from: Vec<PartShown>,
    /// The account's totals after it.
    pub balance: TotalsShown,
}

impl ChargeShown {
    /// From a charge's answer; `None` for any other.
    pub fn of(answer: &Answer) -> Option<ChargeShown> {
        let Done::Charged { charge, credits, from } = &answer.done else { return None };
        Some(ChargeShown {
            charge: charge.to_string(),
            credits: Amount(*credits),
            from: parts(from),
            balance: answer.balance.into(),
        })
    }
}

/// A refund to make.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// How much, more than 0; absent: all that is left of the charge.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub credits: Option<AmountAsked>,
    /// Why, kept in the history.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

impl RefundRequest {
    /// The command, for this charge; its own shape comes before a charge that there is not.
    pub fn command(self, charge: Result<ChargeId, Rejection>) -> Result<Command, Unfit> {
        let reason = text::reason(self.reason)?;
        let credits = self.credits.map(|credits| text::positive("credits", credits)).transpose()?;
        Ok(Command::Refund { charge: charge?, credits, reason })
    }
}

/// A refund that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefundShown {
    /// Its id.
    pub refund: String,
    /// How much in all; what paid off the charge's debt is in no lot of `to`.
    pub credits: Amount,
    /// Which lots got it.
    pub to: Vec<PartShown>,
    /// The account's totals after it.
    pub balance: TotalsShown,
}

impl RefundShown {
    /// From a refund's answer; `None` for any other.
    pub fn of(answer: &Answer) -> Option<RefundShown> {
        let Done::Refunded { refund, credits, to } = &answer.done else { return None };
        Some(RefundShown {
            refund: refund.to_string(),
            credits: Amount(*credits),
            to: parts(to),
            balance: answer.balance.into(),
        })
    }
}
