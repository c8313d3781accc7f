//! What the provider keeps, and how each thing looks from outside. Data alone: what happens to them is said elsewhere.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::CardRefusal;
use crate::methods::{Kind, Method};

pub(crate) type Metadata = BTreeMap<String, String>;

/// Something with an id that is listed by age.
pub(crate) trait Object {
    /// How the provider calls it in refusals.
    const NAME: &'static str;
    fn id(&self) -> &str;
    fn created(&self) -> i64;
    fn shown(&self) -> Value;
}

macro_rules! object {
    ($type:ident, $name:literal) => {
        impl Object for $type {
            const NAME: &'static str = $name;
            fn id(&self) -> &str {
                &self.id
            }
            fn created(&self) -> i64 {
                self.created
            }
            fn shown(&self) -> Value {
                $type::shown(self)
            }
        }
    };
}

object!(Customer, "customer");
object!(Product, "product");
object!(PaymentMethod, "payment_method");
object!(Session, "checkout.session");
object!(PaymentIntent, "payment_intent");
object!(SetupIntent, "setup_intent");
object!(Charge, "charge");
object!(Refund, "refund");
object!(Dispute, "dispute");
object!(Subscription, "subscription");
object!(Invoice, "invoice");
object!(Event, "event");
object!(Endpoint, "webhook_endpoint");

#[derive(Clone)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) metadata: Metadata,
}

impl Customer {
    fn shown(&self) -> Value {
        json!({"id": self.id, "object": "customer", "created": self.created, "livemode": false, "name": self.name,
            "email": self.email, "metadata": self.metadata})
    }
}

#[derive(Clone)]
pub(crate) struct Product {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) name: String,
    pub(crate) metadata: Metadata,
}

impl Product {
    fn shown(&self) -> Value {
        json!({"id": self.id, "object": "product", "created": self.created, "livemode": false, "active": true,
            "name": self.name, "metadata": self.metadata})
    }
}

#[derive(Clone)]
pub(crate) struct PaymentMethod {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) customer: Option<String>,
    pub(crate) method: &'static Method,
    pub(crate) validity: Validity,
}

/// Whether a payment method can still be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    Valid,
    Expired,
}

impl PaymentMethod {
    fn shown(&self) -> Value {
        let last4 = self.method.last_four();
        let exp_year = match self.validity {
            Validity::Valid => 2099,
            Validity::Expired => 2020,
        };
        let (kind, detail) = match self.method.kind {
            Kind::Card => ("card", json!({"brand": "visa", "last4": last4, "exp_month": 12, "exp_year": exp_year})),
            Kind::BankDebit => ("us_bank_account", json!({"bank_name": "TEST BANK", "last4": last4})),
        };
        json!({"id": self.id, "object": "payment_method", "created": self.created, "livemode": false,
            "customer": self.customer, "type": kind, kind: detail, "metadata": {}})
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Payment,
    Setup,
    Subscription,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionStatus {
    Open,
    Complete,
    Expired,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaymentStatus {
    Paid,
    Unpaid,
    NothingToPay,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interval {
    Month,
    Year,
}

impl Interval {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Interval::Month => "month",
            Interval::Year => "year",
        }
    }
}

/// Whether the payment method is kept for payments while its owner is away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    ForLater,
    No,
}

#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) mode: Mode,
    pub(crate) status: SessionStatus,
    pub(crate) payment_status: PaymentStatus,
    pub(crate) amount: i64,
    pub(crate) currency: Option<String>,
    /// What the customer reads.
    pub(crate) item: String,
    pub(crate) interval: Option<Interval>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) metadata: Metadata,
    /// For the payment, the set-up or the subscription that it makes.
    pub(crate) metadata_within: Metadata,
    pub(crate) keep: Keep,
    /// Whether a customer is made when none is given.
    pub(crate) makes_customer: bool,
    pub(crate) customer: Option<String>,
    pub(crate) success_url: String,
    pub(crate) cancel_url: Option<String>,
    pub(crate) url: String,
    pub(crate) expires_at: i64,
    pub(crate) payment_intent: Option<String>,
    pub(crate) setup_intent: Option<String>,
    pub(crate) subscription: Option<String>,
    pub(crate) invoice: Option<String>,
}

impl Session {
    fn shown(&self) -> Value {
        let mode = match self.mode {
            Mode::Payment => "payment",
            Mode::Setup => "setup",
            Mode::Subscription => "subscription",
        };
        let status = match self.status {
            SessionStatus::Open => "open",
            SessionStatus::Complete => "complete",
            SessionStatus::Expired => "expired",
        };
        let payment_status = match self.payment_status {
            PaymentStatus::Paid => "paid",
            PaymentStatus::Unpaid => "unpaid",
            PaymentStatus::NothingToPay => "no_payment_required",
        };
        let amount = (self.mode != Mode::Setup).then_some(self.amount);
        let url = (self.status == SessionStatus::Open).then_some(&self.url);
        json!({"id": self.id, "object": "checkout.session", "created": self.created, "livemode": false, "mode": mode,
            "status": status, "payment_status": payment_status, "amount_subtotal": amount, "amount_total": amount,
            "currency": self.currency, "client_reference_id": self.client_reference_id, "metadata": self.metadata,
            "customer": self.customer, "success_url": self.success_url, "cancel_url": self.cancel_url, "url": url,
            "expires_at": self.expires_at, "payment_intent": self.payment_intent, "setup_intent": self.setup_intent,
            "subscription": self.subscription, "invoice": self.invoice, "ui_mode": "hosted_page",
            "payment_method_types": ["card", "us_bank_account"]})
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntentStatus {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    Succeeded,
    Canceled,
}

impl IntentStatus {
    fn word(self) -> &'static str {
        match self {
            IntentStatus::RequiresPaymentMethod => "requires_payment_method",
            IntentStatus::RequiresConfirmation => "requires_confirmation",
            IntentStatus::RequiresAction => "requires_action",
            IntentStatus::Processing => "processing",
            IntentStatus::Succeeded => "succeeded",
            IntentStatus::Canceled => "canceled",
        }
    }
}

/// What made a payment.
#[derive(Clone)]
pub(crate) enum Origin {
    /// A call.
    Call,
    /// A hosted page.
    Session(String),
    /// An invoice.
    Invoice(String),
}

#[derive(Clone)]
pub(crate) struct PaymentIntent {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) amount_received: i64,
    pub(crate) currency: String,
    pub(crate) status: IntentStatus,
    pub(crate) customer: Option<String>,
    pub(crate) payment_method: Option<String>,
    pub(crate) latest_charge: Option<String>,
    pub(crate) last_error: Option<CardRefusal>,
    pub(crate) description: Option<String>,
    pub(crate) keep: Keep,
    pub(crate) metadata: Metadata,
    pub(crate) origin: Origin,
}

impl PaymentIntent {
    fn shown(&self) -> Value {
        let keep = match self.keep {
            Keep::ForLater => Some("off_session"),
            Keep::No => None,
        };
        json!({"id": self.id, "object": "payment_intent", "created": self.created, "livemode": false,
            "amount": self.amount, "amount_received": self.amount_received, "currency": self.currency,
            "status": self.status.word(), "customer": self.customer, "payment_method": self.payment_method,
            "latest_charge": self.latest_charge, "last_payment_error": self.last_error.map(CardRefusal::shown),
            "description": self.description, "setup_future_usage": keep, "metadata": self.metadata,
            "capture_method": "automatic", "payment_method_types": ["card", "us_bank_account"]})
    }
}

#[derive(Clone)]
pub(crate) struct SetupIntent {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) status: IntentStatus,
    pub(crate) customer: Option<String>,
    pub(crate) payment_method: Option<String>,
    pub(crate) metadata: Metadata,
}

impl SetupIntent {
    fn shown(&self) -> Value {
        json!({"id": self.id, "object": "setup_intent", "created": self.created, "livemode": false,
            "status": self.status.word(), "customer": self.customer, "payment_method": self.payment_method,
            "usage": "off_session", "metadata": self.metadata})
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChargeStatus {
    Succeeded,
    Pending,
    Failed,
}

#[derive(Clone)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) amount_refunded: i64,
    pub(crate) currency: String,
    pub(crate) status: ChargeStatus,
    pub(crate) disputed: bool,
    pub(crate) failure: Option<CardRefusal>,
    pub(crate) payment_intent: String,
    pub(crate) payment_method: Option<String>,
    pub(crate) customer: Option<String>,
    pub(crate) metadata: Metadata,
}

impl Charge {
    fn shown(&self) -> Value {
        let status = match self.status {
            ChargeStatus::Succeeded => "succeeded",
            ChargeStatus::Pending => "pending",
            ChargeStatus::Failed => "failed",
        };
        let paid = self.status == ChargeStatus::Succeeded;
        json!({"id": self.id, "object": "charge", "created": self.created, "livemode": false, "amount": self.amount,
            "amount_captured": if paid { self.amount } else { 0 }, "amount_refunded": self.amount_refunded,
            "currency": self.currency, "status": status, "paid": paid, "captured": paid,
            "refunded": paid && self.amount_refunded == self.amount, "disputed": self.disputed,
            "failure_code": self.failure.map(|failure| failure.code),
            "failure_message": self.failure.map(|failure| failure.message), "payment_intent": self.payment_intent,
            "payment_method": self.payment_method, "customer": self.customer, "metadata": self.metadata})
    }
}

#[derive(Clone)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) charge: String,
    pub(crate) payment_intent: String,
    pub(crate) reason: Option<&'static str>,
    pub(crate) status: RefundStatus,
    pub(crate) metadata: Metadata,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundStatus {
    Succeeded,
    Failed,
}

impl Refund {
    fn shown(&self) -> Value {
        let status = match self.status {
            RefundStatus::Succeeded => "succeeded",
            RefundStatus::Failed => "failed",
        };
        json!({"id": self.id, "object": "refund", "created": self.created, "amount": self.amount,
            "currency": self.currency, "charge": self.charge, "payment_intent": self.payment_intent,
            "reason": self.reason, "status": status, "metadata": self.metadata})
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DisputeStatus {
    /// The bank only asks.
    WarningNeedsResponse,
    /// It only asked.
    WarningClosed,
    NeedsResponse,
    Won,
    Lost,
}

impl DisputeStatus {
    /// Whether no other can be opened, and nothing refunded: the money is with the bank.
    pub(crate) fn has_the_money(self) -> bool {
        match self {
            DisputeStatus::NeedsResponse | DisputeStatus::Lost => true,
            DisputeStatus::WarningNeedsResponse | DisputeStatus::WarningClosed | DisputeStatus::Won => false,
        }
    }
}

#[derive(Clone)]
pub(crate) struct Dispute {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) charge: String,
    pub(crate) payment_intent: String,
    pub(crate) status: DisputeStatus,
}

impl Dispute {
    fn shown(&self) -> Value {
        let status = match self.status {
            DisputeStatus::WarningNeedsResponse => "warning_needs_response",
            DisputeStatus::WarningClosed => "warning_closed",
            DisputeStatus::NeedsResponse => "needs_response",
            DisputeStatus::Won => "won",
            DisputeStatus::Lost => "lost",
        };
        json!({"id": self.id, "object": "dispute", "created": self.created, "livemode": false, "amount": self.amount,
            "currency": self.currency, "charge": self.charge, "payment_intent": self.payment_intent,
            "reason": "fraudulent", "status": status, "is_charge_refundable": false, "metadata": {}})
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubscriptionStatus {
    Incomplete,
    Active,
    PastDue,
    Canceled,
}

/// Whether a subscription goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtPeriodEnd {
    Renews,
    Ends,
}

#[derive(Clone)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) customer: String,
    pub(crate) status: SubscriptionStatus,
    pub(crate) at_period_end: AtPeriodEnd,
    pub(crate) ended_at: Option<i64>,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) item: String,
    pub(crate) interval: Interval,
    /// Periods begun so far; the present one is counted from the first's begin.
    pub(crate) periods: i32,
    pub(crate) period_start: i64,
    pub(crate) period_end: i64,
    pub(crate) payment_method: Option<String>,
    pub(crate) latest_invoice: Option<String>,
    pub(crate) failed_tries: u32,
    /// When an unpaid invoice is tried again, or a draft for the first time.
    pub(crate) next_try: Option<i64>,
    pub(crate) metadata: Metadata,
}

impl Subscription {
    /// Its one item.
    pub(crate) fn item_id(&self) -> String {
        format!("si_{}", self.id)
    }

    fn shown(&self) -> Value {
        let status = match self.status {
            SubscriptionStatus::Incomplete => "incomplete",
            SubscriptionStatus::Active => "active",
            SubscriptionStatus::PastDue => "past_due",
            SubscriptionStatus::Canceled => "canceled",
        };
        let item = json!({"id": self.item_id(), "object": "subscription_item", "quantity": 1,
            "current_period_start": self.period_start, "current_period_end": self.period_end,
            "price": {"object": "price", "unit_amount": self.amount, "currency": self.currency,
                "recurring": {"interval": self.interval.word(), "interval_count": 1}}});
        json!({"id": self.id, "object": "subscription", "created": self.created, "livemode": false,
            "start_date": self.created,
            "customer": self.customer, "status": status, "description": self.item,
            "cancel_at_period_end": self.at_period_end == AtPeriodEnd::Ends, "ended_at": self.ended_at,
            "items": {"object": "list", "data": [item], "has_more": false}, "currency": self.currency,
            "default_payment_method": self.payment_method, "latest_invoice": self.latest_invoice,
            "metadata": self.metadata})
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Void,
}

#[derive(Clone)]
pub(crate) struct Invoice {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) customer: String,
    pub(crate) subscription: String,
    /// The subscription's, as they were.
    pub(crate) metadata: Metadata,
    pub(crate) status: InvoiceStatus,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) billing_reason: &'static str,
    /// The subscription's item that it is for.
    pub(crate) item_id: String,
    pub(crate) item: String,
    pub(crate) period: (i64, i64),
    /// None while it is a draft.
    pub(crate) payment_intent: Option<String>,
    pub(crate) tries: u32,
}

impl Invoice {
    fn shown(&self) -> Value {
        let status = match self.status {
            InvoiceStatus::Draft => "draft",
            InvoiceStatus::Open => "open",
            InvoiceStatus::Paid => "paid",
            InvoiceStatus::Void => "void",
        };
        let paid = if self.status == InvoiceStatus::Paid { self.amount } else { 0 };
        let line = json!({"id": format!("il_{}", self.id), "object": "line_item", "amount": self.amount,
            "currency": self.currency, "description": self.item,
            "period": {"start": self.period.0, "end": self.period.1},
            "parent": {"type": "subscription_item_details", "invoice_item_details": null,
                "subscription_item_details": {"subscription": self.subscription, "subscription_item": self.item_id,
                    "invoice_item": null, "proration": false, "proration_details": null}}});
        json!({"id": self.id, "object": "invoice", "created": self.created, "livemode": false,
            "customer": self.customer, "status": status, "amount_due": self.amount, "amount_paid": paid,
            "amount_remaining": self.amount - paid, "total": self.amount, "currency": self.currency,
            "billing_reason": self.billing_reason, "attempt_count": self.tries, "attempted": self.tries > 0,
            "parent": {"type": "subscription_details",
                "subscription_details": {"subscription": self.subscription, "metadata": self.metadata}},
            "lines": {"object": "list", "data": [line], "has_more": false}, "metadata": {}})
    }

    /// The payment of an invoice, as an object of its own.
    pub(crate) fn payment_shown(&self) -> Option<Value> {
        let payment_intent = self.payment_intent.as_ref()?;
        let status = if self.status == InvoiceStatus::Paid { "paid" } else { "open" };
        Some(json!({"id": format!("inpay_{}", self.id), "object": "invoice_payment", "invoice": self.id,
            "status": status, "payment": {"type": "payment_intent", "payment_intent": payment_intent}}))
    }
}

#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) kind: &'static str,
    pub(crate) object: Value,
}

impl Event {
    /// As it looks in the version of the API that an endpoint is set to.
    pub(crate) fn shown_in(&self, api_version: &str) -> Value {
        json!({"id": self.id, "object": "event", "created": self.created, "livemode": false, "type": self.kind,
            "api_version": api_version, "pending_webhooks": 0, "request": {"id": null, "idempotency_key": null},
            "data": {"object": self.object}})
    }

    fn shown(&self) -> Value {
        self.shown_in(crate::API_VERSION)
    }
}

#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) url: String,
    /// Names of events; `*`: all.
    pub(crate) enabled_events: Vec<String>,
    pub(crate) api_version: String,
    pub(crate) secret: String,
}

impl Endpoint {
    fn shown(&self) -> Value {
        json!({"id": self.id, "object": "webhook_endpoint", "created": self.created, "livemode": false,
            "url": self.url, "enabled_events": self.enabled_events, "api_version": self.api_version,
            "status": "enabled", "metadata": {}})
    }

    pub(crate) fn wants(&self, kind: &str) -> bool {
        self.enabled_events.iter().any(|wanted| wanted == "*" || wanted == kind)
    }
}
