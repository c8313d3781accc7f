//! Automatic top-up: as it is put and shown.

use scrip_core::account::Account;
use scrip_core::command::PutTopUp;
use scrip_core::id::PackageId;
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use scrip_core::top_up::Switch;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::number::{Amount, AmountAsked};
use crate::present::present;
use crate::text;
use crate::time::Instant;
use crate::unfit::{InvalidField, Unfit};

/// An automatic top-up to put; absent fields stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUpRequest {
    /// The package that it buys; needed where there is none yet.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub package: Option<String>,
    /// It buys when less than this is available; needed where there is none yet.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub below: Option<AmountAsked>,
    /// It buys up to this, and not again before available credits have been here; absent at first: `below`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub up_to: Option<AmountAsked>,
    /// The most orders of a calendar day in UTC; null, or absent at first: any number.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub per_day: Option<Option<u32>>,
    /// The most orders of a calendar month in UTC; null, or absent at first: any number.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub per_month: Option<Option<u32>>,
    /// Whether it may buy; absent at first: true.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub enabled: Option<bool>,
}

impl TopUpRequest {
    /// The command.
    pub fn command(self) -> Result<PutTopUp, Unfit> {
        for (field, most) in [("per_day", self.per_day), ("per_month", self.per_month)] {
            if most == Some(Some(0)) {
                return Err(InvalidField::new(field, "1 or more").into());
            }
        }
        Ok(PutTopUp {
            below: self.below.map(|below| text::positive("below", below)).transpose()?,
            up_to: self.up_to.map(|up_to| text::positive("up_to", up_to)).transpose()?,
            per_day: self.per_day,
            per_month: self.per_month,
            switch: self.enabled.map(|enabled| if enabled { Switch::On } else { Switch::Off }),
            package: match self.package {
                Some(package) => Some(PackageId::parse(&package).map_err(|_| Rejection::PackageNotFound)?),
                None => None,
            },
        })
    }
}

/// An automatic top-up, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopUpShown {
    /// Whether it may buy. Four declines in a row, a package that is no more, or a saved payment method that
    /// is no more, turn it off.
    pub enabled: bool,
    /// The package that it buys.
    pub package: String,
    /// It buys when less than this is available.
    pub below: Amount,
    /// It buys up to this, and not again before available credits have been here.
    pub up_to: Amount,
    /// The most orders of a day; null: any number.
    pub per_day: Option<u32>,
    /// The most orders of a month; null: any number.
    pub per_month: Option<u32>,
    /// The order that it waits for; null for none.
    pub order: Option<String>,
    /// How many of its orders in a row were not paid.
    pub declines: u32,
    /// It does not try again before this; null for no wait, and where no time is known.
    pub waits_until: Option<Instant>,
    /// The payment method that it charges; null while none is saved.
    pub saved_method: Option<SavedMethodShown>,
}

/// A payment method that is charged while its owner is away. The payment provider knows the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedMethodShown {
    /// `usable`, or why it could not be charged the last time: `declined`, `authentication_needed`, `expired` or `removed`.
    /// With the last two only another method helps.
    pub state: String,
    /// The order with whose payment it was saved.
    pub order: String,
}

impl TopUpShown {
    /// The account's automatic top-up; `None` where there is none.
    pub fn of(account: &Account) -> Option<TopUpShown> {
        let top_up = account.top_up.as_deref()?;
        Some(TopUpShown {
            saved_method: account
                .saved_method
                .map(|saved| SavedMethodShown { state: saved.word().to_owned(), order: saved.order.to_string() }),
            enabled: top_up.switch == Switch::On,
            package: top_up.package.to_string(),
            below: Amount(top_up.below),
            up_to: Amount(top_up.up_to),
            per_day: top_up.per_day,
            per_month: top_up.per_month,
            order: top_up.order.map(|order| order.to_string()),
            declines: top_up.declines,
            waits_until: top_up.waits_until.filter(|until| *until < Time::MAX).map(Instant),
        })
    }
}
