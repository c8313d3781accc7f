//! Holds: placed, settled, released, extended, shown.

use scrip_core::answer::{Answer, Done};
use scrip_core::command::{AfterExpiry, Command, PlaceHold, ReleaseHold, SettleHold, Usage};
use scrip_core::hold::Hold;
use scrip_core::id::{HoldName, HoldRef};
use scrip_core::rejection::Rejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::balance::{PartShown, TotalsShown, parts};
use crate::charge::{CostAsked, expected};
use crate::measure::{MeasuresAsked, MeasuresShown};
use crate::number::{Amount, AmountAsked};
use crate::present::present;
use crate::text;
use crate::time::Instant;
use crate::unfit::{InvalidField, Unfit};

/// A hold to place: `tool` with `measures`, or `credits`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
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
    /// The caller's own id, unique within the account: 1 to 128 of `A-Z a-z 0-9 . _ : @ -`, not starting with `hold_`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 128)]
    pub hold: Option<String>,
    /// The studio's job reference, kept in the history.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 256)]
    pub reference: Option<String>,
    /// Who of the account runs it, kept in the history.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 256)]
    pub member: Option<String>,
    /// Seconds to its deadline; absent: the tool's.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 1, maximum = 86400)]
    pub expires_in: Option<u32>,
    /// The quoted catalog version: honoured for a while after it was superseded.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub catalog_version: Option<u32>,
    /// The quoted price: another one is refused as `price_changed`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub credits_expected: Option<AmountAsked>,
}

impl HoldRequest {
    /// The command.
    pub fn command(self) -> Result<PlaceHold, Unfit> {
        let name =
            self.hold.map(|name| HoldName::parse(&name).map_err(|error| InvalidField::new("hold", error.expected)));
        Ok(PlaceHold {
            name: name.transpose()?,
            reference: text::label_if_any("reference", self.reference)?,
            member: text::label_if_any("member", self.member)?,
            expires_in: self.expires_in.map(text::expires_in).transpose()?,
            expected: expected(self.catalog_version, self.credits_expected)?,
            cost: CostAsked { tool: self.tool, measures: self.measures, credits: self.credits }.cost()?,
        })
    }
}

/// A hold that was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldPlacedShown {
    /// The caller's own id if it gave one, else scrip's: either names the hold in every later call.
    pub hold: String,
    /// scrip's id, as the history names it.
    pub id: String,
    /// Whose.
    pub account: String,
    /// `open`.
    pub state: String,
    /// What is set aside.
    pub credits: Amount,
    /// Its deadline.
    pub expires_at: Instant,
    /// The catalog version that it pins.
    pub catalog_version: u32,
    /// Which lots it holds.
    pub from: Vec<PartShown>,
    /// The account's totals after it.
    pub balance: TotalsShown,
}

impl HoldPlacedShown {
    /// From a hold's answer; `None` for any other.
    pub fn of(answer: &Answer, account: &str) -> Option<HoldPlacedShown> {
        let Done::HoldPlaced { hold, name, credits, expires_at, catalog_version, from } = &answer.done else {
            return None;
        };
        let id = hold.to_string();
        Some(HoldPlacedShown {
            hold: name.as_ref().map_or_else(|| id.clone(), HoldName::to_string),
            id,
            account: account.to_owned(),
            state: "open".to_owned(),
            credits: Amount(*credits),
            expires_at: Instant(*expires_at),
            catalog_version: *catalog_version,
            from: parts(from),
            balance: answer.balance.into(),
        })
    }
}

/// A settle: `measures`, `credits`, or neither for all that is held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleRequest {
    /// What was really used, priced by the pinned version.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub measures: Option<MeasuresAsked>,
    /// A stated amount, 0 or more.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub credits: Option<AmountAsked>,
    /// `cap`, `extend` or `debt`: what to do with a price above the hold; absent: the tool's.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub on_excess: Option<String>,
}

impl SettleRequest {
    /// The command, for this hold; its own shape comes before a hold that there is not.
    pub fn command(self, hold: Result<HoldRef, Rejection>) -> Result<Command, Unfit> {
        let on_excess = self.on_excess.as_deref().map(text::on_excess).transpose()?;
        let usage = match (self.measures, self.credits) {
            (None, None) => Usage::Held,
            (None, Some(credits)) => Usage::Credits(text::not_negative("credits", credits)?),
            (Some(measures), None) => {
                // A hold that there is not comes before its measures.
                let hold = hold.clone()?;
                let usage = Usage::Measures(measures.measures()?);
                return Ok(Command::SettleHold(SettleHold { hold, usage, on_excess }));
            }
            (Some(_), Some(_)) => {
                return Err(InvalidField::new("credits", "either measures or credits, not both").into());
            }
        };
        Ok(Command::SettleHold(SettleHold { hold: hold?, usage, on_excess }))
    }
}

/// A hold that was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldSettledShown {
    /// The hold, as the request named it.
    pub hold: String,
    /// `settled`.
    pub state: String,
    /// The charge, to name in refunds.
    pub charge: String,
    /// What lots paid.
    pub charged: Amount,
    /// What was freed.
    pub freed: Amount,
    /// What nobody pays.
    pub uncollected: Amount,
    /// What is owed.
    pub debt: Amount,
    /// The account's totals after it.
    pub balance: TotalsShown,
}

impl HoldSettledShown {
    /// From a settle's answer; `None` for any other.
    pub fn of(answer: &Answer, named: &HoldRef) -> Option<HoldSettledShown> {
        let Done::HoldSettled { hold: _, state, charge, charged, freed, uncollected, debt } = &answer.done else {
            return None;
        };
        Some(HoldSettledShown {
            hold: named.to_string(),
            state: state.word().to_owned(),
            charge: charge.to_string(),
            charged: Amount(*charged),
            freed: Amount(*freed),
            uncollected: Amount(*uncollected),
            debt: Amount(*debt),
            balance: answer.balance.into(),
        })
    }
}

/// A release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// Why, kept in the history.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 1000)]
    pub reason: Option<String>,
    /// What would expire by being freed comes back as a make-good lot instead.
    #[serde(default)]
    pub make_good: bool,
}

impl ReleaseRequest {
    /// The command, for this hold; its own shape comes before a hold that there is not.
    pub fn command(self, hold: Result<HoldRef, Rejection>) -> Result<Command, Unfit> {
        let after_expiry = if self.make_good { AfterExpiry::MakeGood } else { AfterExpiry::Expire };
        let reason = text::reason_if_any(self.reason)?;
        Ok(Command::ReleaseHold(ReleaseHold { hold: hold?, reason, after_expiry }))
    }
}

/// A hold that was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldReleasedShown {
    /// The hold, as the request named it.
    pub hold: String,
    /// `released`.
    pub state: String,
    /// What was freed.
    pub freed: Amount,
    /// The account's totals after it.
    pub balance: TotalsShown,
}

impl HoldReleasedShown {
    /// From a release's answer; `None` for any other.
    pub fn of(answer: &Answer, named: &HoldRef) -> Option<HoldReleasedShown> {
        let Done::HoldReleased { hold: _, freed } = &answer.done else { return None };
        Some(HoldReleasedShown {
            hold: named.to_string(),
            state: "released".to_owned(),
            freed: Amount(*freed),
            balance: answer.balance.into(),
        })
    }
}

/// An extension.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendRequest {
    /// The new deadline is now and this many seconds, never earlier than it was.
    #[schema(minimum = 1, maximum = 86400)]
    pub expires_in: u32,
}

impl ExtendRequest {
    /// The command, for this hold; its own shape comes before a hold that there is not.
    pub fn command(self, hold: Result<HoldRef, Rejection>) -> Result<Command, Unfit> {
        let expires_in = text::expires_in(self.expires_in)?;
        Ok(Command::ExtendHold { hold: hold?, expires_in })
    }
}

/// A hold that was extended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldExtendedShown {
    /// The hold, as the request named it.
    pub hold: String,
    /// Its deadline.
    pub expires_at: Instant,
}

impl HoldExtendedShown {
    /// From an extension's answer; `None` for any other.
    pub fn of(answer: &Answer, named: &HoldRef) -> Option<HoldExtendedShown> {
        let Done::HoldExtended { hold: _, expires_at } = &answer.done else { return None };
        Some(HoldExtendedShown { hold: named.to_string(), expires_at: Instant(*expires_at) })
    }
}

/// A hold, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldShown {
    /// The caller's own id if it gave one, else scrip's.
    pub hold: String,
    /// scrip's id, as the history names it.
    pub id: String,
    /// Whose; null once the account's id was erased.
    pub account: Option<String>,
    /// `open`, `settled`, `released` or `expired`.
    pub state: String,
    /// Whether it is open and has lasted longer than its tool's holds do at first: it was extended, or asked for more;
    /// absent: no, and to customers always.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stuck: bool,
    /// What was set aside.
    pub credits: Amount,
    /// When it was placed.
    pub placed_at: Instant,
    /// Its deadline.
    pub expires_at: Instant,
    /// The catalog version that it pins.
    pub catalog_version: u32,
    /// The tool; absent where an amount was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The measures that it was priced by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<MeasuresShown>,
    /// The studio's job reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Who of the account runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Which lots it holds; empty once it has ended.
    pub from: Vec<PartShown>,
}

impl HoldShown {
    /// The hold of this account.
    pub fn of(hold: &Hold, account: Option<&str>) -> HoldShown {
        let tool = hold.priced.tool.as_ref();
        HoldShown {
            hold: hold.name.as_ref().map_or_else(|| hold.id.to_string(), HoldName::to_string),
            id: hold.id.to_string(),
            account: account.map(str::to_owned),
            state: hold.state.word().to_owned(),
            stuck: false,
            credits: Amount(hold.credits),
            placed_at: Instant(hold.placed_at),
            expires_at: Instant(hold.expires_at),
            catalog_version: hold.priced.catalog_version,
            tool: tool.map(ToString::to_string),
            measures: tool.map(|_| MeasuresShown(hold.priced.measures.clone())),
            reference: hold.reference.as_deref().map(str::to_owned),
            member: hold.member.as_deref().map(str::to_owned),
            from: parts(&hold.parts),
        }
    }
}

/// A page of holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldsShown {
    /// The holds.
    pub holds: Vec<HoldShown>,
    /// Give it as `after` for the next page; null at the end.
    pub next: Option<String>,
}
