//! Batches: JSON Lines in, each line a command by itself.
//!
//! A line has the fields of its operation's route, and `account`, `hold` and `charge` as fields
//! because it has no address, and `key` because it has no header.

use scrip_core::command::Command;
use scrip_core::id::{AccountId, HoldRef, Key};
use scrip_core::rejection::Rejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::charge::{ChargeRequest, RefundRequest};
use crate::grant::GrantRequest;
use crate::hold::{HoldRequest, ReleaseRequest, SettleRequest};
use crate::id::{charge_id, hold_ref};
use crate::measure::MeasuresAsked;
use crate::number::AmountAsked;
use crate::present::present;
use crate::time::Instant;
use crate::unfit::{InvalidField, Unfit};

/// What a line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `POST …/holds`.
    Hold,
    /// `POST …/holds/{hold}/settle`.
    Settle,
    /// `POST …/holds/{hold}/release`.
    Release,
    /// `POST …/charges`.
    Charge,
    /// `POST …/grants`.
    Grant,
    /// `POST …/charges/{charge}/refunds`.
    Refund,
}

/// One line of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchLine {
    /// What it does.
    pub op: Operation,
    /// Its idempotency key: 1 to 128 visible ASCII characters.
    pub key: String,
    /// Which account.
    pub account: String,
    /// Which hold (`settle`, `release`); the caller's own id of a new one (`hold`).
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub hold: Option<String>,
    /// Which charge (`refund`).
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub charge: Option<String>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub tool: Option<String>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub measures: Option<MeasuresAsked>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub credits: Option<AmountAsked>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub reference: Option<String>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub member: Option<String>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub expires_in: Option<u32>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub catalog_version: Option<u32>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub credits_expected: Option<AmountAsked>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub on_excess: Option<String>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub make_good: Option<bool>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub class: Option<String>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub expires_at: Option<Instant>,
    /// As in the operation's route.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub priority: Option<u8>,
}

/// A line as a command.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// What it does.
    pub op: Operation,
    /// Which account.
    pub account: AccountId,
    /// Its key.
    pub key: Key,
    /// The hold that it names, as it named it (`settle`, `release`).
    pub hold: Option<HoldRef>,
    /// What it does, or the rejection that the rules would give for it once its account has been found.
    pub command: Result<Command, Rejection>,
}

impl BatchLine {
    /// The line as a command.
    pub fn ordered(mut self) -> Result<Ordered, InvalidField> {
        let account = AccountId::parse(&self.account).map_err(|error| InvalidField::new("account", error.expected))?;
        let key = Key::parse(&self.key).map_err(|error| InvalidField::new("key", error.expected))?;
        let op = self.op;
        let (hold, command) = match op {
            Operation::Settle | Operation::Release => {
                let hold = hold_ref(&required("hold", self.hold.take())?)?;
                (hold.clone().ok(), self.about_hold(hold))
            }
            Operation::Hold | Operation::Charge | Operation::Grant | Operation::Refund => (None, self.command()),
        };
        let command = match command {
            Err(Unfit::Shape(invalid)) => return Err(invalid),
            Err(Unfit::Rule(rejection)) => Err(rejection),
            Ok(command) => Ok(command),
        };
        self.refuse_leftovers(op)?;
        Ok(Ordered { op, account, key, hold, command })
    }

    /// The command of a line about a hold.
    fn about_hold(&mut self, hold: Result<HoldRef, Rejection>) -> Result<Command, Unfit> {
        if self.op == Operation::Settle {
            let request = SettleRequest {
                measures: self.measures.take(),
                credits: self.credits.take(),
                on_excess: self.on_excess.take(),
            };
            return request.command(hold);
        }
        let make_good = self.make_good.take().unwrap_or(false);
        ReleaseRequest { reason: self.reason.take(), make_good }.command(hold)
    }

    /// The command of any other line, from the fields that its operation takes.
    fn command(&mut self) -> Result<Command, Unfit> {
        match self.op {
            Operation::Settle | Operation::Release => Err(Rejection::HoldNotFound.into()),
            Operation::Hold => {
                let request = HoldRequest {
                    tool: self.tool.take(),
                    measures: self.measures.take(),
                    credits: self.credits.take(),
                    hold: self.hold.take(),
                    reference: self.reference.take(),
                    member: self.member.take(),
                    expires_in: self.expires_in.take(),
                    catalog_version: self.catalog_version.take(),
                    credits_expected: self.credits_expected.take(),
                };
                request.command().map(Command::PlaceHold)
            }
            Operation::Charge => {
                let request = ChargeRequest {
                    tool: self.tool.take(),
                    measures: self.measures.take(),
                    credits: self.credits.take(),
                    reference: self.reference.take(),
                    member: self.member.take(),
                    catalog_version: self.catalog_version.take(),
                    credits_expected: self.credits_expected.take(),
                };
                request.command().map(Command::Charge)
            }
            Operation::Grant => {
                let request = GrantRequest {
                    credits: required("credits", self.credits.take())?,
                    class: required("class", self.class.take())?,
                    expires_at: self.expires_at.take(),
                    priority: self.priority.take(),
                    reason: required("reason", self.reason.take())?,
                };
                request.command()
            }
            Operation::Refund => {
                let charge = required("charge", self.charge.take())?;
                let reason = required("reason", self.reason.take())?;
                RefundRequest { credits: self.credits.take(), reason }.command(charge_id(&charge)?)
            }
        }
    }

    /// Refuses a field that the operation did not take.
    fn refuse_leftovers(&self, op: Operation) -> Result<(), InvalidField> {
        let left = [
            ("hold", self.hold.is_some()),
            ("charge", self.charge.is_some()),
            ("tool", self.tool.is_some()),
            ("measures", self.measures.is_some()),
            ("credits", self.credits.is_some()),
            ("reference", self.reference.is_some()),
            ("member", self.member.is_some()),
            ("expires_in", self.expires_in.is_some()),
            ("catalog_version", self.catalog_version.is_some()),
            ("credits_expected", self.credits_expected.is_some()),
            ("on_excess", self.on_excess.is_some()),
            ("reason", self.reason.is_some()),
            ("make_good", self.make_good.is_some()),
            ("class", self.class.is_some()),
            ("expires_at", self.expires_at.is_some()),
            ("priority", self.priority.is_some()),
        ];
        match left.iter().find(|(_, is_left)| *is_left) {
            Some((field, _)) => {
                Err(InvalidField::because(*field, format!("no such field in the operation {op:?}").to_lowercase()))
            }
            None => Ok(()),
        }
    }
}

fn required<T>(field: &str, value: Option<T>) -> Result<T, InvalidField> {
    value.ok_or_else(|| InvalidField::because(field, "this field is missing"))
}
