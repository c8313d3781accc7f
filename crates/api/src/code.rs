//! The stable codes that people program against. `docs/rejections.md` lists each, and a test keeps
//! the page and this list in step.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:literal, $title:literal;)*) => {
        /// What went wrong, for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// The word on the wire.
            pub const fn word(self) -> &'static str {
                match self { $(Code::$name => $word,)* }
            }

            /// The HTTP status that it comes with.
            pub const fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }

            /// A short name for people: the same for every problem of this code.
            pub const fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The request cannot be read.
    InvalidRequest = "invalid_request", 400, "The request cannot be read";
    /// A POST that changes something has no usable key.
    IdempotencyKeyRequired = "idempotency_key_required", 400, "An idempotency key is required";
    /// No key, a malformed one, an unknown or a revoked one.
    Unauthorized = "unauthorized", 401, "The key is missing or not valid";
    /// The key may not do this.
    Forbidden = "forbidden", 403, "The key may not do this";
    /// No such address.
    NotFound = "not_found", 404, "There is nothing at this address";
    /// The address does not know this method.
    MethodNotAllowed = "method_not_allowed", 405, "The address does not take this method";
    /// None of the formats that the caller accepts.
    NotAcceptable = "not_acceptable", 406, "No format that is accepted";
    /// The body took too long to arrive.
    RequestTimeout = "request_timeout", 408, "The body took too long to arrive";
    /// The body is too large.
    TooLarge = "too_large", 413, "The body is too large";
    /// The body is of a type that is not read here.
    UnsupportedMediaType = "unsupported_media_type", 415, "The body's type is not read here";
    /// The account does not exist.
    AccountNotFound = "account_not_found", 404, "There is no such account";
    /// The account never had such a hold.
    HoldNotFound = "hold_not_found", 404, "There is no such hold";
    /// The account never had such a charge.
    ChargeNotFound = "charge_not_found", 404, "There is no such charge";
    /// The account never had such a lot.
    LotNotFound = "lot_not_found", 404, "There is no such lot";
    /// The catalog in force has no such plan.
    PlanNotFound = "plan_not_found", 404, "There is no such plan";
    /// The account is on no plan.
    SubscriptionNotFound = "subscription_not_found", 404, "The account is on no plan";
    /// The account never had such an order.
    OrderNotFound = "order_not_found", 404, "There is no such order";
    /// The account has no automatic top-up.
    TopUpNotFound = "top_up_not_found", 404, "The account has no automatic top-up";
    /// The catalog in force has no such package.
    PackageNotFound = "package_not_found", 404, "There is no such package";
    /// The studio never published such a version.
    CatalogVersionNotFound = "catalog_version_not_found", 404, "There is no such catalog version";
    /// The studio never had such a key.
    KeyNotFound = "key_not_found", 404, "There is no such key";
    /// The hold has ended.
    HoldNotOpen = "hold_not_open", 409, "The hold is not open";
    /// The caller's own id of a hold was used before.
    HoldExists = "hold_exists", 409, "The hold's id was used before";
    /// More than was charged.
    RefundExceedsCharge = "refund_exceeds_charge", 409, "The refund is more than what is left of the charge";
    /// The package is not for this account now.
    PackageNotAvailable = "package_not_available", 409, "The account cannot buy this package now";
    /// The catalog says no price for the plan.
    PlanNotForSale = "plan_not_for_sale", 409, "The plan cannot be ordered";
    /// A customer's own upgrade is paid for.
    PlanNeedsPayment = "plan_needs_payment", 402, "The plan must be paid for";
    /// Too many orders wait.
    TooManyPendingOrders = "too_many_pending_orders", 409, "Too many orders of the account wait for their money";
    /// The order is paid already.
    OrderNotPending = "order_not_pending", 409, "The order is paid already";
    /// What was paid is not what the order costs.
    PaymentMismatch = "payment_mismatch", 409, "The payment is not what the order costs";
    /// The payment provider will never take the order's payment.
    PaymentNotPossible = "payment_not_possible", 409, "The payment provider takes no payment for the order";
    /// The anchor of a subscription never changes.
    AnchorFixed = "anchor_fixed", 409, "The subscription's anchor is fixed";
    /// The subscription is not as it was when it was looked at.
    SubscriptionOvertaken = "subscription_overtaken", 409, "The subscription was changed meanwhile";
    /// The version that a publication goes on from is not the newest any more.
    CatalogOvertaken = "catalog_overtaken", 409, "Another catalog version was published meanwhile";
    /// The test clock never moves back.
    ClockMovedBack = "clock_moved_back", 409, "The clock cannot be moved back";
    /// The tool is not in the catalog.
    UnknownTool = "unknown_tool", 422, "There is no such tool";
    /// A measure is missing, unknown, out of range or of the wrong type.
    InvalidMeasure = "invalid_measure", 422, "A measure is not as the tool declares it";
    /// The account has not enabled the tool's project type.
    ProjectTypeNotEnabled = "project_type_not_enabled", 403, "The account has not enabled this project type";
    /// The price is not the one that was quoted.
    PriceChanged = "price_changed", 409, "The price has changed";
    /// A debt blocks holds and charges.
    DebtOutstanding = "debt_outstanding", 402, "The account owes credits";
    /// Not enough credits.
    InsufficientCredits = "insufficient_credits", 402, "Not enough credits";
    /// Beyond 8,000,000,000 credits.
    AmountLimit = "amount_limit", 422, "Beyond 8,000,000,000 credits";
    /// The key was used for something else.
    IdempotencyKeyReused = "idempotency_key_reused", 422, "The idempotency key was used for something else";
    /// The catalog was checked and refused.
    CatalogInvalid = "catalog_invalid", 422, "The catalog is refused";
    /// Too many wrong keys.
    RateLimited = "rate_limited", 429, "Too many attempts";
    /// Something in scrip itself failed.
    Internal = "internal", 500, "scrip failed";
    /// Not now; safe to retry with the same key.
    Unavailable = "unavailable", 503, "Not available at the moment";
}

impl PartialSchema for Code {
    fn schema() -> utoipa::openapi::RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Code::ALL.iter().map(|code| code.word())))
            .description(Some("What went wrong, for programs; docs/rejections.md explains each."))
            .build()
            .into()
    }
}

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Code")
    }
}
