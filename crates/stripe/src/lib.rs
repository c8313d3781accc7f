//! A small client of Stripe's HTTP API: the dozen calls that buying credits needs, and its webhooks.
//!
//! It speaks and reads, and decides nothing: what a payment means for an order is said by the rules. It knows neither
//! the engine nor a store, and reads no clock: the one place where time matters (how old a signature may be) takes it
//! as an argument.
//!
//! Three habits hold throughout. Every call that changes something carries the caller's idempotency key, so that it may
//! be repeated when its outcome is unknown. What is learnt from a webhook is only *where to look*: [`Client::truth_of_session`] and
//! [`Client::truth_of_payment`] read the provider again. And no secret, no text of the provider and nothing of a card is ever part of an error.

mod client;
mod config;
mod error;
mod event;
mod form;
mod made;
mod money;
mod object;
mod request;
mod retry;
mod saved;
mod secret;
mod signature;
mod subscription;
mod transport;
mod truth;

pub use client::Client;
pub use config::{API_VERSION, ApiBase, Config, ConfigError, Patience};
pub use error::{Error, Outcome, RequestId};
pub use event::{Delivery, Event, EventError, EventKind, Subject};
pub use made::{Kind, Made, MadeQuery};
pub use money::{Currency, Money, MoneyError};
pub use object::{
    Charge, Customer, Dispute, DisputeStatus, Expandable, FutureUsage, IntentStatus, Invoice, InvoiceLine,
    InvoiceParent, InvoiceStatus, InvoiceSubscription, ItemPrice, Metadata, Mode, Only, Page, PaymentIntent,
    PaymentMethod, PaymentStatus, Period, Recurring, Refund, RefundStatus, Session, SessionStatus, SetupIntent,
    Subscription, SubscriptionItem, SubscriptionStatus,
};
pub use request::{
    EventQuery, Interval, KeepMethod, Listed, NewPayment, NewRefund, NewSession, OrderRef, Purchase, RefundReason,
    SessionQuery,
};
pub use saved::{SavedMethod, Search};
pub use secret::{Secret, SecretError};
pub use signature::{SignatureError, TOLERANCE_S};
pub use subscription::{Ending, NewTerms};
pub use truth::{Amounts, DisputeTruth, MethodTruth, PaymentState, PaymentTruth};
