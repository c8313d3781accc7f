//! What is asked of the provider, and how it is written.

use crate::form::{Form, segment};
use crate::money::{Money, MoneyError};

/// Which order a payment is for. Travels as metadata and comes back with every object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderRef {
    /// The studio.
    pub studio: String,
    /// The account, by the studio's own id.
    pub account: String,
    /// The order.
    pub order: String,
    /// The account's own number, which it keeps when it gets another id, as after an erasure; `None`: it was not attached.
    pub number: Option<u64>,
}

/// What a hosted page is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purchase {
    /// One payment; the payment method may be saved for automatic top-up.
    Once {
        /// What it costs.
        price: Money,
        /// What the customer reads.
        name: String,
        /// Whether the payment method is kept for payments while its owner is away.
        keep_method: KeepMethod,
    },
    /// A payment now and at the begin of each further term.
    Recurring {
        /// What a term costs.
        price: Money,
        /// What the customer reads.
        name: String,
        /// How long a term is.
        every: Interval,
        /// The plan: travels as metadata of the subscription.
        plan: String,
    },
    /// Nothing to pay: a payment method is saved.
    SetUp {
        /// In which currency it will be used.
        currency: crate::money::Currency,
    },
}

/// Whether a payment method is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepMethod {
    /// For payments while its owner is away.
    ForLater,
    /// Not at all.
    No,
}

/// A term's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// A month.
    Month,
    /// A year.
    Year,
}

/// A hosted page to be made.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The order; with the time of its placing it is the idempotency key.
    pub order: OrderRef,
    /// When it was placed, in microseconds since 1970: an account's id may come to stand for another account, whose orders
    /// are counted anew, and the page of the one is not the other's.
    pub placed_at: i64,
    /// What for.
    pub purchase: Purchase,
    /// Where the customer comes back to; `{CHECKOUT_SESSION_ID}` in it becomes the page's id.
    pub success_url: String,
    /// Where the customer goes who thinks better of it.
    pub cancel_url: String,
    /// A customer made before.
    pub customer: Option<String>,
    /// When it ends unused, in seconds since 1970: half an hour to a day ahead.
    pub expires_at: Option<i64>,
}

/// A payment with a saved method.
#[derive(Clone, Debug)]
pub struct NewPayment {
    /// The order; with the time of its placing it is the idempotency key.
    pub order: OrderRef,
    /// When it was placed, in microseconds since 1970, as in [`NewSession`].
    pub placed_at: i64,
    /// How much.
    pub price: Money,
    /// What the customer reads.
    pub name: String,
    /// Whose method.
    pub customer: String,
    /// Which.
    pub payment_method: String,
}

/// Money to be given back.
#[derive(Clone, Debug)]
pub struct NewRefund {
    /// Of which payment.
    pub payment_intent: String,
    /// How much; `None`: all that is left.
    pub amount: Option<Money>,
    /// Why.
    pub reason: Option<RefundReason>,
    /// Once for each key.
    pub idempotency_key: String,
}

/// The provider's words for why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundReason {
    /// Paid twice.
    Duplicate,
    /// Not by its owner.
    Fraudulent,
    /// The customer asked.
    RequestedByCustomer,
}

/// Which pages to list.
#[derive(Clone, Debug, Default)]
pub struct SessionQuery {
    /// Made at or after, in seconds since 1970.
    pub created_from: Option<i64>,
    /// Only that of this payment.
    pub payment_intent: Option<String>,
    /// Older than this one.
    pub after: Option<String>,
}

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// At or after, in seconds since 1970.
    pub created_from: Option<i64>,
    /// Older than this one.
    pub after: Option<String>,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// What to name as `after` for the next part; `None`: that was all.
    pub after: Option<String>,
}

impl Interval {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Interval::Month => "month",
            Interval::Year => "year",
        }
    }
}

impl OrderRef {
    /// Reads it back from an object's metadata; `None` when the object is not one of ours.
    pub fn of(metadata: &crate::Metadata) -> Option<OrderRef> {
        let field = |name: &str| metadata.get(name).cloned();
        let number = metadata.get("number").and_then(|number| number.parse().ok());
        Some(OrderRef { studio: field("studio")?, account: field("account")?, order: field("order")?, number })
    }

    /// Whether both are the same order, whatever its account was called.
    pub(crate) fn is(&self, other: &OrderRef) -> bool {
        let same_account = match (self.number, other.number) {
            (Some(number), Some(other)) => number == other,
            (_, _) => self.account == other.account,
        };
        same_account && self.studio == other.studio && self.order == other.order
    }

    /// The idempotency key of what is done once for an order. An order's id is unique only within its account. The slash is
    /// in none of the names, or two orders could come to have one key.
    pub(crate) fn key(&self, what: &str) -> String {
        format!("{}/{}/{}/{what}", self.studio, self.account, self.order)
    }

    fn add_to(&self, form: &mut Form, prefix: &str) {
        for (name, value) in [("studio", &self.studio), ("account", &self.account), ("order", &self.order)] {
            form.add(&format!("{prefix}[{name}]"), value);
        }
        form.add_if(&format!("{prefix}[number]"), self.number.map(|number| number.to_string()).as_deref());
    }
}

/// The order's part of a page's idempotency key. A page that saves the payment method, or begins a subscription, is another than
/// one that does not, and a page for a customer another than one that makes a new one: what the account and the provider have
/// may change between two tries to make its page. `page` is the generation of what is asked for: another word once that
/// changes, so that a page whose making was not answered before an update is made anew. Nobody was shown the first.
pub(crate) fn session_key(new: &NewSession) -> String {
    match &new.purchase {
        Purchase::Once { keep_method: KeepMethod::ForLater, .. } => {
            format!("{}/page/{}", new.placed_at, new.customer.as_deref().unwrap_or("saves"))
        }
        Purchase::Recurring { .. } => match &new.customer {
            Some(customer) => format!("{}/page/recurs/{customer}", new.placed_at),
            None => format!("{}/page/recurs", new.placed_at),
        },
        Purchase::Once { keep_method: KeepMethod::No, .. } | Purchase::SetUp { .. } => {
            format!("{}/page", new.placed_at)
        }
    }
}

pub(crate) fn session_form(new: &NewSession) -> Result<Form, MoneyError> {
    let mut form = Form::default();
    form.add("client_reference_id", &new.order.order);
    new.order.add_to(&mut form, "metadata");
    form.add("success_url", &new.success_url);
    form.add("cancel_url", &new.cancel_url);
    form.add_if("customer", new.customer.as_deref());
    if let Some(at) = new.expires_at {
        form.add_number("expires_at", at);
    }
    match &new.purchase {
        Purchase::Once { price, name, keep_method } => {
            form.add("mode", "payment");
            add_line(&mut form, price, name)?;
            new.order.add_to(&mut form, "payment_intent_data[metadata]");
            match keep_method {
                KeepMethod::ForLater => {
                    form.add("payment_intent_data[setup_future_usage]", "off_session");
                    if new.customer.is_none() {
                        form.add("customer_creation", "always");
                    }
                }
                KeepMethod::No => {}
            }
        }
        Purchase::Recurring { price, name, every, plan } => {
            form.add("mode", "subscription");
            add_line(&mut form, price, name)?;
            form.add("line_items[0][price_data][recurring][interval]", every.word());
            new.order.add_to(&mut form, "subscription_data[metadata]");
            form.add("subscription_data[metadata][plan]", plan);
        }
        Purchase::SetUp { currency } => {
            form.add("mode", "setup");
            form.add("currency", &currency.as_str().to_lowercase());
            if new.customer.is_none() {
                form.add("customer_creation", "always");
            }
            new.order.add_to(&mut form, "setup_intent_data[metadata]");
        }
    }
    Ok(form)
}

/// The one line of a page: what is bought is an order of ours, not a thing of the provider's.
fn add_line(form: &mut Form, price: &Money, name: &str) -> Result<(), MoneyError> {
    form.add("line_items[0][quantity]", "1");
    form.add("line_items[0][price_data][currency]", &price.currency.as_str().to_lowercase());
    form.add_number("line_items[0][price_data][unit_amount]", price.to_provider()?);
    form.add("line_items[0][price_data][product_data][name]", name);
    Ok(())
}

pub(crate) fn payment_form(new: &NewPayment) -> Result<Form, MoneyError> {
    let mut form = Form::default();
    form.add_number("amount", new.price.to_provider()?);
    form.add("currency", &new.price.currency.as_str().to_lowercase());
    form.add("customer", &new.customer);
    form.add("payment_method", &new.payment_method);
    form.add("off_session", "true");
    form.add("confirm", "true");
    form.add("description", &new.name);
    form.add("expand[]", "latest_charge");
    new.order.add_to(&mut form, "metadata");
    Ok(form)
}

pub(crate) fn refund_form(new: &NewRefund) -> Result<Form, MoneyError> {
    let mut form = Form::default();
    form.add("payment_intent", &new.payment_intent);
    if let Some(amount) = &new.amount {
        form.add_number("amount", amount.to_provider()?);
    }
    form.add_if(
        "reason",
        new.reason.map(|reason| match reason {
            RefundReason::Duplicate => "duplicate",
            RefundReason::Fraudulent => "fraudulent",
            RefundReason::RequestedByCustomer => "requested_by_customer",
        }),
    );
    Ok(form)
}

pub(crate) fn session_query(query: &SessionQuery) -> String {
    let mut path = listing("/v1/checkout/sessions", query.created_from, query.after.as_deref());
    if let Some(payment_intent) = &query.payment_intent {
        path.push_str("&payment_intent=");
        path.push_str(&segment(payment_intent));
    }
    path
}

pub(crate) fn event_query(query: &EventQuery) -> String {
    let mut path = listing("/v1/events", query.created_from, query.after.as_deref());
    for name in crate::EventKind::names() {
        path.push_str("&types[]=");
        path.push_str(name);
    }
    path
}

fn listing(path: &str, created_from: Option<i64>, after: Option<&str>) -> String {
    let mut text = format!("{path}?limit=100");
    if let Some(from) = created_from {
        text.push_str(&format!("&created[gte]={from}"));
    }
    if let Some(after) = after {
        text.push_str("&starting_after=");
        text.push_str(&segment(after));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_orders_have_one_key() {
        let key = |studio: &str, account: &str| {
            let (studio, account) = (studio.to_owned(), account.to_owned());
            OrderRef { studio, account, order: "order_2".to_owned(), number: None }.key("session")
        };
        assert_eq!(key("twin", "b-c"), "twin/b-c/order_2/session");
        assert_ne!(key("twin", "b-c"), key("twin-b", "c"));
    }
}
