//! The provider's objects, as far as scrip looks at them. Read only: amounts stand as the provider counts them, and a
//! word that this crate does not know is `Other`, never an error.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::money::{Money, MoneyError};

/// What we attached to an object.
pub type Metadata = BTreeMap<String, String>;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Page<T> {
    /// Newest first.
    pub data: Vec<T>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// An object that is given by its id, or whole when that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expandable<T> {
    /// Its id.
    Id(String),
    /// Itself.
    Whole(Box<T>),
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Expandable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Expandable<T>, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(id) => Ok(Expandable::Id(id)),
            whole => serde_json::from_value(whole)
                .map(|whole| Expandable::Whole(Box::new(whole)))
                .map_err(serde::de::Error::custom),
        }
    }
}

/// Only the id of an object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Only {
    /// The id.
    pub id: String,
}

impl Expandable<Only> {
    /// The id.
    pub fn id(&self) -> &str {
        match self {
            Expandable::Id(id) => id,
            Expandable::Whole(only) => &only.id,
        }
    }
}

impl Expandable<Charge> {
    /// The id.
    pub fn id(&self) -> &str {
        match self {
            Expandable::Id(id) => id,
            Expandable::Whole(charge) => &charge.id,
        }
    }
}

/// A customer.
#[derive(Clone, Debug, Deserialize)]
pub struct Customer {
    /// `cus_…`.
    pub id: String,
    /// What we attached.
    #[serde(default)]
    pub metadata: Metadata,
}

/// What a hosted page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One payment.
    Payment,
    /// A payment method to be saved.
    Setup,
    /// Payments that recur.
    Subscription,
    /// A word that this crate does not know.
    #[serde(other)]
    Other,
}

/// Whether a hosted page can still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// It can.
    Open,
    /// Its customer has done what it asks; the payment may still be under way.
    Complete,
    /// It ended unused.
    Expired,
    /// A word that this crate does not know.
    #[serde(other)]
    Other,
}

/// Whether a hosted page's money is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// It is.
    Paid,
    /// It is not, or not yet.
    Unpaid,
    /// There is nothing to pay now.
    NoPaymentRequired,
    /// A word that this crate does not know.
    #[serde(other)]
    Other,
}

/// A hosted payment page.
#[derive(Clone, Debug, Deserialize)]
pub struct Session {
    /// `cs_…`.
    pub id: String,
    /// What it is for.
    pub mode: Mode,
    /// Whether it can still be used.
    pub status: SessionStatus,
    /// Whether its money is there.
    pub payment_status: PaymentStatus,
    /// What it asks for, as the provider counts; `None` in a set-up.
    pub amount_total: Option<i64>,
    /// In lower case; `None` in a set-up.
    pub currency: Option<String>,
    /// Our order.
    pub client_reference_id: Option<String>,
    /// Our studio, account and order.
    #[serde(default)]
    pub metadata: Metadata,
    /// Where the customer pays; `None` once it is over.
    pub url: Option<String>,
    /// Who pays.
    pub customer: Option<Expandable<Only>>,
    /// Its payment, once there is one.
    pub payment_intent: Option<Expandable<Only>>,
    /// Its set-up.
    pub setup_intent: Option<Expandable<Only>>,
    /// Its subscription, once there is one.
    pub subscription: Option<Expandable<Only>>,
    /// The first invoice of its subscription.
    pub invoice: Option<Expandable<Only>>,
    /// When it ends unused, in seconds since 1970.
    pub expires_at: i64,
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentStatus {
    /// Nothing to pay with, or the last try failed.
    RequiresPaymentMethod,
    /// To be confirmed.
    RequiresConfirmation,
    /// The customer must do something.
    RequiresAction,
    /// To be captured.
    RequiresCapture,
    /// Under way: it may take days.
    Processing,
    /// The money is there.
    Succeeded,
    /// Given up.
    Canceled,
    /// A word that this crate does not know.
    #[serde(other)]
    Other,
}

/// A payment.
#[derive(Clone, Debug, Deserialize)]
pub struct PaymentIntent {
    /// `pi_…`.
    pub id: String,
    /// Where it stands.
    pub status: IntentStatus,
    /// What it asks for, as the provider counts.
    pub amount: i64,
    /// What has come. The provider always says it; only stand-ins of it do not.
    pub amount_received: Option<i64>,
    /// In lower case.
    pub currency: String,
    /// Our studio, account and order.
    #[serde(default)]
    pub metadata: Metadata,
    /// Who pays.
    pub customer: Option<Expandable<Only>>,
    /// With what.
    pub payment_method: Option<Expandable<Only>>,
    /// The last try to take the money.
    pub latest_charge: Option<Expandable<Charge>>,
    /// Whether the payment method is saved once it is paid.
    pub setup_future_usage: Option<FutureUsage>,
}

/// What a payment method is saved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FutureUsage {
    /// For payments while its owner is away.
    OffSession,
    /// For payments while its owner is there.
    OnSession,
    /// A word that this crate does not know.
    #[serde(other)]
    Other,
}

/// A payment method.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PaymentMethod {
    /// `pm_…`.
    pub id: String,
    /// Whose it is; `None` once it was taken away.
    pub customer: Option<Expandable<Only>>,
}

/// A saved payment method's set-up.
#[derive(Clone, Debug, Deserialize)]
pub struct SetupIntent {
    /// `seti_…`.
    pub id: String,
    /// Where it stands.
    pub status: IntentStatus,
    /// Whose.
    pub customer: Option<Expandable<Only>>,
    /// What was saved.
    pub payment_method: Option<Expandable<Only>>,
    /// Our studio and account.
    #[serde(default)]
    pub metadata: Metadata,
}

/// Money taken, or a try to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Charge {
    /// `ch_…`.
    pub id: String,
    /// What was asked, as the provider counts.
    pub amount: i64,
    /// What was given back.
    pub amount_refunded: i64,
    /// In lower case.
    pub currency: String,
    /// Whether the money is there.
    pub paid: bool,
    /// Whether it is, or was, disputed. The provider always says it; only stand-ins of it do not.
    pub disputed: Option<bool>,
    /// Its refunds, the newest ones; only where they were asked for.
    pub refunds: Option<Page<Refund>>,
    /// Its payment.
    pub payment_intent: Option<Expandable<Only>>,
    /// What we attached to the payment.
    #[serde(default)]
    pub metadata: Metadata,
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// On its way.
    Pending,
    /// The customer must do something.
    RequiresAction,
    /// Done.
    Succeeded,
    /// The money stays.
    Failed,
    /// Given up.
    Canceled,
    /// A word that this crate does not know.
    #[serde(other)]
    Other,
}

/// Money given back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Refund {
    /// `re_…`.
    pub id: String,
    /// As the provider counts.
    pub amount: i64,
    /// In lower case.
    pub currency: String,
    /// Where it stands.
    pub status: Option<RefundStatus>,
    /// Of which charge.
    pub charge: Option<Expandable<Only>>,
    /// Of which payment.
    pub payment_intent: Option<Expandable<Only>>,
}

/// Where a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStatus {
    /// The bank only asks: an answer is wanted.
    WarningNeedsResponse,
    /// The bank only asks: it looks at the answer.
    WarningUnderReview,
    /// The bank only asked.
    WarningClosed,
    /// The money is gone for now: an answer is wanted.
    NeedsResponse,
    /// The money is gone for now: the bank looks at the answer.
    UnderReview,
    /// Lost, and taken further: an answer is wanted.
    AppealNeedsResponse,
    /// Lost, and taken further: it is looked at.
    AppealUnderReview,
    /// The money is back.
    Won,
    /// The money is gone.
    Lost,
    /// Prevented by the network before it was one; the money was given back.
    Prevented,
    /// A word that this crate does not know.
    #[serde(other)]
    Other,
}

/// A customer's bank wants the money back.
#[derive(Clone, Debug, Deserialize)]
pub struct Dispute {
    /// `du_…` or `dp_…`.
    pub id: String,
    /// What is disputed, as the provider counts.
    pub amount: i64,
    /// In lower case.
    pub currency: String,
    /// Where it stands.
    pub status: DisputeStatus,
    /// Of which charge.
    pub charge: Option<Expandable<Only>>,
    /// Of which payment.
    pub payment_intent: Option<Expandable<Only>>,
}

/// Where a subscription's payments stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionStatus {
    /// The first payment is not there yet.
    Incomplete,
    /// It never came.
    IncompleteExpired,
    /// Nothing to pay yet.
    Trialing,
    /// Paid.
    Active,
    /// The last payment did not come.
    PastDue,
    /// Ended.
    Canceled,
    /// Payments are given up.
    Unpaid,
    /// Payments rest.
    Paused,
    /// A word that this crate does not know.
    #[serde(other)]
    Other,
}

/// Payments that recur.
#[derive(Clone, Debug, Deserialize)]
pub struct Subscription {
    /// `sub_…`.
    pub id: String,
    /// Where its payments stand.
    pub status: SubscriptionStatus,
    /// When it began, in seconds since 1970.
    pub start_date: i64,
    /// Whether it ends with the term that is paid.
    #[serde(default)]
    pub cancel_at_period_end: bool,
    /// Who pays.
    pub customer: Expandable<Only>,
    /// Our studio, account and order.
    #[serde(default)]
    pub metadata: Metadata,
    /// What is paid for, with the period.
    pub items: Page<SubscriptionItem>,
    /// The last invoice.
    pub latest_invoice: Option<Expandable<Only>>,
}

/// What a subscription pays for.
#[derive(Clone, Debug, Deserialize)]
pub struct SubscriptionItem {
    /// `si_…`.
    pub id: String,
    /// What it costs.
    pub price: ItemPrice,
    /// The present period's begin, in seconds since 1970.
    pub current_period_start: Option<i64>,
    /// Its end.
    pub current_period_end: Option<i64>,
}

/// What a term costs. Something else that the studio sells may have a price of any kind, and must be readable all the same.
#[derive(Clone, Debug, Deserialize)]
pub struct ItemPrice {
    /// As the provider counts; `None`: it says none, as in tiers.
    pub unit_amount: Option<i64>,
    /// How often; `None`: the price says nothing of it.
    pub recurring: Option<Recurring>,
}

/// How often something is paid.
#[derive(Clone, Debug, Deserialize)]
pub struct Recurring {
    /// `month` or `year`.
    pub interval: String,
    /// Each how many of them.
    pub interval_count: u32,
}

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    /// Not sent yet.
    Draft,
    /// To be paid.
    Open,
    /// Paid.
    Paid,
    /// Not expected to be paid.
    Uncollectible,
    /// Not valid.
    Void,
    /// A word that this crate does not know.
    #[serde(other)]
    Other,
}

/// What is asked for one term of a subscription.
#[derive(Clone, Debug, Deserialize)]
pub struct Invoice {
    /// `in_…`.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Where it stands; `None` never for one that we see.
    pub status: Option<InvoiceStatus>,
    /// What is asked, as the provider counts.
    pub amount_due: i64,
    /// What has come.
    pub amount_paid: i64,
    /// In lower case.
    pub currency: String,
    /// Why there is an invoice, as in `subscription_cycle`.
    pub billing_reason: Option<String>,
    /// Where it comes from.
    pub parent: Option<InvoiceParent>,
    /// What it is for.
    pub lines: Page<InvoiceLine>,
}

/// Where an invoice comes from.
#[derive(Clone, Debug, Deserialize)]
pub struct InvoiceParent {
    /// A subscription.
    pub subscription_details: Option<InvoiceSubscription>,
}

/// An invoice's subscription.
#[derive(Clone, Debug, Deserialize)]
pub struct InvoiceSubscription {
    /// Which.
    pub subscription: Expandable<Only>,
    /// What we attached to it.
    #[serde(default)]
    pub metadata: Option<Metadata>,
}

/// A line of an invoice.
#[derive(Clone, Debug, Deserialize)]
pub struct InvoiceLine {
    /// What it costs, as the provider counts.
    pub amount: i64,
    /// For which time.
    pub period: Period,
    /// Where it comes from.
    pub parent: Option<LineParent>,
}

/// Where a line of an invoice comes from.
#[derive(Clone, Debug, Deserialize)]
pub struct LineParent {
    /// An item of a subscription; `None`: something that was put onto the invoice.
    pub subscription_item_details: Option<LineItem>,
}

/// The item that a line is for.
#[derive(Clone, Debug, Deserialize)]
pub struct LineItem {
    /// `si_…`.
    pub subscription_item: Option<String>,
    /// Whether it evens out a change within a term; `None`: it does not say.
    pub proration: Option<bool>,
}

/// A half-open time, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Period {
    /// Begins.
    pub start: i64,
    /// Ends.
    pub end: i64,
}

impl Invoice {
    /// The subscription it belongs to.
    pub fn subscription(&self) -> Option<&str> {
        Some(self.parent.as_ref()?.subscription_details.as_ref()?.subscription.id())
    }

    /// What has come.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn paid(&self) -> Result<Money, MoneyError> {
        Money::of_provider(self.amount_paid, &self.currency)
    }
}
