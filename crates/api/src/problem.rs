//! Problems: how every refusal looks (RFC 9457), and what each of the rules' rejections says.

use scrip_core::rejection::{Rejection, Shortage};
use scrip_core::sale::NotForSale;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::catalog::PriceShown;
use crate::code::Code;
use crate::number::Amount;
use crate::time::Instant;
use crate::unfit::InvalidField;

/// A refusal: `{type, title, status, code, detail, …data}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What went wrong, for programs.
    pub code: Code,
    /// What, where and what to do, in a sentence.
    pub detail: String,
    /// The code's own members.
    pub data: Map<String, Value>,
}

/// A problem as the OpenAPI document describes it; the code's own members are added to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemShown {
    /// `/problems/` and the code.
    pub r#type: String,
    /// The code's short name for people.
    pub title: String,
    /// The HTTP status again.
    pub status: u16,
    /// What went wrong, for programs.
    pub code: Code,
    /// What, where and what to do.
    pub detail: String,
    /// Where in the body, address or headers (`invalid_request`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Which measure (`invalid_measure`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<String>,
    /// What would have been accepted (`invalid_measure`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Which tool (`unknown_tool`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// What the job costs (`insufficient_credits`, `debt_outstanding`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<Amount>,
    /// What could be spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<Amount>,
    /// What is missing, a debt included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_by: Option<Amount>,
    /// What is owed (`debt_outstanding`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debt: Option<Amount>,
    /// The packages that would cover it, smallest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<Vec<String>>,
    /// When credits come next; null without a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Instant>,
    /// Why the account cannot buy the package: `dates`, `needs_plan` or `limit` (`package_not_available`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The order, which was placed (`payment_not_possible`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// What the order costs (`payment_mismatch`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceShown>,
    /// What was paid (`payment_mismatch`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<PriceShown>,
    /// Where the hold or order stands (`hold_not_open`, `order_not_pending`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What may still be refunded (`refund_exceeds_charge`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refundable: Option<Amount>,
    /// The price now (`price_changed`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<Amount>,
    /// The version in force (`price_changed`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog_version: Option<u32>,
    /// The tool's project type (`project_type_not_enabled`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_type: Option<String>,
    /// The anchor that stands (`anchor_fixed`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Instant>,
    /// Where the clock stands (`clock_moved_back`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Instant>,
    /// Seconds to wait (`rate_limited`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Where in the document, from 1 (`catalog_invalid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Where in the line, from 1 (`catalog_invalid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The most that is accepted, in bytes (`too_large`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl Problem {
    /// A problem without members of its own.
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        Problem { code, detail: detail.into(), data: Map::new() }
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Problem {
        let value = serde_json::to_value(value).expect("numbers, texts and lists of them are JSON");
        self.data.insert(name.to_owned(), value);
        self
    }

    /// What `type` says.
    pub fn type_reference(&self) -> String {
        ["/problems/", self.code.word()].concat()
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.type_reference())?;
        map.serialize_entry("title", self.code.title())?;
        map.serialize_entry("status", &self.code.status())?;
        map.serialize_entry("code", self.code.word())?;
        map.serialize_entry("detail", &self.detail)?;
        for (name, value) in &self.data {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl From<InvalidField> for Problem {
    fn from(invalid: InvalidField) -> Problem {
        let InvalidField { field, problem } = invalid;
        Problem::new(Code::InvalidRequest, format!("{field}: {problem}.")).with("field", field)
    }
}

/// Adds what a shortage says.
fn with_shortage(problem: Problem, shortage: Shortage) -> Problem {
    let packages: Vec<_> = shortage.packages.iter().map(|package| package.as_str()).collect();
    problem
        .with("required", Amount(shortage.required))
        .with("available", Amount(shortage.available))
        .with("short_by", Amount(shortage.short_by))
        .with("packages", packages)
        .with("resets_at", shortage.resets_at.map(Instant))
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Problem {
        use Rejection as R;
        match rejection {
            R::InsufficientCredits(shortage) => {
                let detail = format!(
                    "This needs {} credits and {} are available: {} are missing.",
                    shortage.required, shortage.available, shortage.short_by
                );
                with_shortage(Problem::new(Code::InsufficientCredits, detail), shortage)
            }
            R::DebtOutstanding { debt, shortage } => {
                let detail = format!(
                    "The account owes {debt} credits, which blocks holds and charges until new credits repay it or it \
                     is written off."
                );
                with_shortage(Problem::new(Code::DebtOutstanding, detail).with("debt", Amount(debt)), shortage)
            }
            R::UnknownTool { tool } => {
                Problem::new(Code::UnknownTool, "The catalog in force has no such tool; GET /v1/catalog lists them.")
                    .with("tool", tool)
            }
            R::InvalidMeasure { measure, expected } => {
                Problem::new(Code::InvalidMeasure, format!("The measure {} should be {expected}.", shown(&measure)))
                    .with("measure", measure)
                    .with("expected", expected)
            }
            R::InvalidRequest { field, expected } => InvalidField::new(field, expected).into(),
            R::HoldNotOpen { state } => {
                let detail = format!(
                    "The hold is {}: only an open one can be settled, released or extended, and an \
                                      expired one settled once, late.",
                    state.word()
                );
                Problem::new(Code::HoldNotOpen, detail).with("state", state.word())
            }
            R::RefundExceedsCharge { refundable } => {
                let detail = format!("At most {refundable} credits of this charge can still be given back.");
                Problem::new(Code::RefundExceedsCharge, detail).with("refundable", Amount(refundable))
            }
            R::AnchorFixed { anchor } => {
                let detail = format!("The subscription's anchor is {anchor} and stays so; leave anchor out.");
                Problem::new(Code::AnchorFixed, detail).with("anchor", Instant(anchor))
            }
            R::SubscriptionOvertaken => Problem::new(
                Code::SubscriptionOvertaken,
                "Nothing was changed: the subscription is not as it was when it was looked at. Look at it again.",
            ),
            R::ClockMovedBack { now } => {
                let detail = format!("The clock stands at {now} and only moves forward.");
                Problem::new(Code::ClockMovedBack, detail).with("now", Instant(now))
            }
            R::PriceChanged { credits, catalog_version } => {
                let detail = format!(
                    "The price is {credits} credits at catalog version {catalog_version} now, not what was quoted: \
                     quote again."
                );
                Problem::new(Code::PriceChanged, detail)
                    .with("credits", Amount(credits))
                    .with("catalog_version", catalog_version)
            }
            R::ProjectTypeNotEnabled { project_type } => {
                let detail = format!("The account has not enabled {project_type}; PUT its project_types to enable it.");
                Problem::new(Code::ProjectTypeNotEnabled, detail).with("project_type", project_type.as_str())
            }
            R::AccountNotFound => Problem::new(
                Code::AccountNotFound,
                "This studio has no such account; open it with PUT /v1/accounts/{account}.",
            ),
            R::HoldNotFound => Problem::new(Code::HoldNotFound, "The account never had a hold of this id."),
            R::ChargeNotFound => Problem::new(Code::ChargeNotFound, "The account never had a charge of this id."),
            R::LotNotFound => Problem::new(Code::LotNotFound, "The account never had a lot of this id."),
            R::PlanNotFound => {
                Problem::new(Code::PlanNotFound, "The catalog in force has no such plan; GET /v1/catalog lists them.")
            }
            R::SubscriptionNotFound => Problem::new(
                Code::SubscriptionNotFound,
                "The account is on no plan; PUT /v1/accounts/{account}/subscription puts it on one.",
            ),
            R::OrderNotFound => Problem::new(Code::OrderNotFound, "The account never had an order of this id."),
            R::PackageNotFound => Problem::new(
                Code::PackageNotFound,
                "The catalog in force has no such package; GET /v1/packages lists them.",
            ),
            R::PackageNotAvailable { why } => {
                let detail = match why {
                    NotForSale::Dates => "The package is not for sale now: not yet, or no longer.",
                    NotForSale::NeedsPlan => "The package is for accounts on an active plan.",
                    NotForSale::Limit => "The account has ordered the package as often as it may.",
                };
                Problem::new(Code::PackageNotAvailable, detail).with("reason", why.word())
            }
            R::PlanNotForSale => Problem::new(
                Code::PlanNotForSale,
                "The catalog in force says no price for this plan, or its next term is paid already, or the clock renews \
                 the account's plan; PUT the subscription to put the account on it.",
            ),
            R::PlanNeedsPayment => Problem::new(
                Code::PlanNeedsPayment,
                "This plan would begin at once, so it is paid for: order it with POST \
                 /v1/accounts/{account}/orders, and it begins when it is paid.",
            ),
            R::TooManyPendingOrders { limit } => {
                let detail = format!(
                    "{limit} orders of the account wait for their money: pay one of them, or wait until one expires."
                );
                Problem::new(Code::TooManyPendingOrders, detail).with("limit", limit)
            }
            R::OrderNotPending { state } => {
                let detail = format!("The order is {}: it is paid for, and not paid again.", state.word());
                Problem::new(Code::OrderNotPending, detail).with("state", state.word())
            }
            R::PaymentMismatch { expected, paid } => {
                let detail = format!("The order costs {expected}, and {paid} was paid; nothing was credited.");
                Problem::new(Code::PaymentMismatch, detail)
                    .with("price", PriceShown::from(&expected))
                    .with("paid", PriceShown::from(&paid))
            }
            R::HoldExists => {
                Problem::new(Code::HoldExists, "The account had a hold of this id before; choose another id.")
            }
            R::AmountLimit => Problem::new(
                Code::AmountLimit,
                "No amount and no account may exceed 8,000,000,000 credits; nothing was changed.",
            ),
            R::IdempotencyKeyReused => Problem::new(
                Code::IdempotencyKeyReused,
                "This key is bound to another request of this account; use a new key for a new request.",
            ),
        }
    }
}

/// A caller's text within a sentence: quoted, escaped, and not longer than a line.
pub fn shown(text: &str) -> String {
    const LEN_MAX: usize = 80;
    match text.char_indices().nth(LEN_MAX) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
