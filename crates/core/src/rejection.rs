//! Rejections: the rules say no. Data and a stable code, never prose alone (R32).
//!
//! The order in which checks are made, and so which rejection wins, is documented in R32:
//! replay → account → object → its state → tool and measures → project type → price changed →
//! debt → credits → limits.

use crate::amount::Credits;
use crate::catalog::Price;
use crate::hold::HoldState;
use crate::id::{PackageId, ProjectTypeId};
use crate::order::OrderState;
use crate::sale::NotForSale;
use crate::time::Time;

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// 402 `insufficient_credits`.
    InsufficientCredits(Shortage),
    /// 402 `debt_outstanding`: a debt blocks holds and charges; `short_by` includes it.
    DebtOutstanding {
        /// What is owed.
        debt: Credits,
        /// The rest as for a shortage.
        shortage: Shortage,
    },
    /// 422 `unknown_tool`.
    UnknownTool {
        /// What the caller named.
        tool: Box<str>,
    },
    /// 422 `invalid_measure`.
    InvalidMeasure {
        /// The measure at fault.
        measure: Box<str>,
        /// What would have been accepted.
        expected: Box<str>,
    },
    /// 400 `invalid_request`.
    InvalidRequest {
        /// The field at fault.
        field: &'static str,
        /// What would have been accepted.
        expected: Box<str>,
    },
    /// 404 `account_not_found`.
    AccountNotFound,
    /// 404 `hold_not_found`.
    HoldNotFound,
    /// 404 `charge_not_found`.
    ChargeNotFound,
    /// 404 `lot_not_found`.
    LotNotFound,
    /// 404 `plan_not_found`.
    PlanNotFound,
    /// 404 `subscription_not_found`.
    SubscriptionNotFound,
    /// 404 `order_not_found`.
    OrderNotFound,
    /// 404 `package_not_found`.
    PackageNotFound,
    /// 409 `package_not_available`: in the catalog, but not for this account now.
    PackageNotAvailable {
        /// Why.
        why: NotForSale,
    },
    /// 409 `plan_not_for_sale`: the catalog says no price for it; or a payment would have no effect, since the next term
    /// is paid already, or the clock renews the plan that stands.
    PlanNotForSale,
    /// 402 `plan_needs_payment`: a customer asks for a plan that would begin at once: it is ordered and paid (R17a).
    PlanNeedsPayment,
    /// 409 `too_many_pending_orders`: the account has as many orders that wait for their money as it may.
    TooManyPendingOrders {
        /// How many that is.
        limit: usize,
    },
    /// 409 `order_not_pending`: it is paid already.
    OrderNotPending {
        /// Where it stands.
        state: OrderState,
    },
    /// 409 `payment_mismatch`: what was paid is not what the order costs. Nothing was credited.
    PaymentMismatch {
        /// What it costs.
        expected: Price,
        /// What was paid.
        paid: Price,
    },
    /// 409 `hold_not_open`.
    HoldNotOpen {
        /// Where it stands.
        state: HoldState,
    },
    /// 409 `hold_exists`: the caller's own id was used before.
    HoldExists,
    /// 409 `refund_exceeds_charge`.
    RefundExceedsCharge {
        /// What may still be refunded.
        refundable: Credits,
    },
    /// 409 `anchor_fixed`.
    AnchorFixed {
        /// The anchor that stands.
        anchor: Time,
    },
    /// 409 `subscription_overtaken`: it is not as it was when it was looked at.
    SubscriptionOvertaken,
    /// 409 `clock_moved_back`.
    ClockMovedBack {
        /// Where the clock stands.
        now: Time,
    },
    /// 409 `price_changed`.
    PriceChanged {
        /// The price now.
        credits: Credits,
        /// The version in force.
        catalog_version: u32,
    },
    /// 403 `project_type_not_enabled`.
    ProjectTypeNotEnabled {
        /// The tool's project type.
        project_type: ProjectTypeId,
    },
    /// 422 `amount_limit`: no amount and no account exceeds 8,000,000,000 credits (R1).
    AmountLimit,
    /// 422 `idempotency_key_reused`.
    IdempotencyKeyReused,
}

/// What was wanted and what there was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// What the job costs.
    pub required: Credits,
    /// What could be spent.
    pub available: Credits,
    /// What is missing, a debt included.
    pub short_by: Credits,
    /// The packages that would cover it, smallest first.
    pub packages: Vec<PackageId>,
    /// When credits come next.
    pub resets_at: Option<Time>,
}
