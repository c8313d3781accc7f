//! The provider's own subscriptions: their terms, their end, and the invoices that were paid.
//!
//! Apart from the other calls because a subscription goes on by itself: what is told of it is never a payment that we
//! asked for, and what we tell it takes effect at its next term.

use crate::client::{Client, not_expressible};
use crate::error::Error;
use crate::form::{Form, segment};
use crate::money::Money;
use crate::object::{Expandable, Invoice, InvoiceLine, Only, Page, Subscription};

/// The name of the metadata that says that it was we who asked for the end.
const ENDING: &str = "ending";

/// Whether a subscription ends with the term that is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It does.
    AtTermEnd,
    /// It goes on.
    Not,
}

/// What a subscription is to charge from its next term on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTerms {
    /// The plan, for its metadata.
    pub plan: String,
    /// What the customer reads.
    pub name: String,
    /// What a term costs.
    pub price: Money,
}

impl Subscription {
    /// Whether it was we who asked for its end.
    pub fn ending_known(&self) -> bool {
        self.metadata.get(ENDING).is_some_and(|word| !word.is_empty())
    }

    /// How many months each of its terms has; `None`: it counts in something else than months and years.
    pub fn term_months(&self) -> Option<u32> {
        let every = self.items.data.first()?.price.recurring.as_ref()?;
        let months = match every.interval.as_str() {
            "month" => 1,
            "year" => 12,
            _ => return None,
        };
        every.interval_count.checked_mul(months)
    }

    /// Until when an invoice pays for its terms, in seconds since 1970: of the lines, only those of its own item that ask for
    /// whole terms count. `None`: there is none.
    pub fn pays_until(&self, invoice: &Invoice) -> Option<i64> {
        let item = &self.items.data.first()?.id;
        let is_term = |line: &&InvoiceLine| {
            let of = line.parent.as_ref().and_then(|parent| parent.subscription_item_details.as_ref());
            of.is_some_and(|of| of.proration == Some(false) && of.subscription_item.as_ref() == Some(item))
        };
        invoice.lines.data.iter().filter(is_term).map(|line| line.period.end).max()
    }

    /// The plan that it charges for.
    pub fn plan(&self) -> Option<&str> {
        self.metadata.get("plan").map(String::as_str)
    }
}

impl Client {
    /// A subscription as it stands.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn subscription(&self, id: &str) -> Result<Subscription, Error> {
        self.get(format!("/v1/subscriptions/{}", segment(id))).await
    }

    /// Lets a subscription end with the term that is paid, or go on after all; and notes that we know.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn end_subscription(&self, id: &str, ending: Ending, key: &str) -> Result<Subscription, Error> {
        let mut form = Form::default();
        let (ends, known) = match ending {
            Ending::AtTermEnd => ("true", "known"),
            Ending::Not => ("false", ""),
        };
        form.add("cancel_at_period_end", ends);
        form.add(&format!("metadata[{ENDING}]"), known);
        self.post(format!("/v1/subscriptions/{}", segment(id)), form, key).await
    }

    /// Ends a subscription now. One that has ended is [`Error::Missing`].
    ///
    /// # Errors
    /// [`Error`].
    pub async fn stop_subscription(&self, id: &str) -> Result<Subscription, Error> {
        self.delete(format!("/v1/subscriptions/{}", segment(id))).await
    }

    /// Changes what a subscription charges from its next term on: nothing is charged, or given back, for the present one.
    ///
    /// # Errors
    /// [`Error`]; a price that the provider cannot express, or a subscription of no item that recurs, is [`Error::Invalid`].
    pub async fn change_terms(&self, of: &Subscription, new: &NewTerms, key: &str) -> Result<Subscription, Error> {
        let item = of.items.data.first().ok_or_else(nothing_to_change)?;
        let every = item.price.recurring.as_ref().ok_or_else(nothing_to_change)?;
        let mut form = Form::default();
        form.add("name", &new.name);
        let product: Only = self.post("/v1/products".to_owned(), form, &format!("{key}/product")).await?;
        let mut form = Form::default();
        form.add("items[0][id]", &item.id);
        form.add("items[0][price_data][product]", &product.id);
        form.add("items[0][price_data][currency]", &new.price.currency.as_str().to_lowercase());
        let amount = new.price.to_provider().map_err(|error| not_expressible(&error))?;
        form.add_number("items[0][price_data][unit_amount]", amount);
        form.add("items[0][price_data][recurring][interval]", &every.interval);
        form.add("proration_behavior", "none");
        form.add("metadata[plan]", &new.plan);
        self.post(format!("/v1/subscriptions/{}", segment(&of.id)), form, key).await
    }

    /// The newest hundred invoices of a subscription that were paid, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn paid_invoices(&self, subscription: &str) -> Result<Vec<Invoice>, Error> {
        let path = format!("/v1/invoices?limit=100&status=paid&subscription={}", segment(subscription));
        let page: Page<Invoice> = self.get(path).await?;
        Ok(page.data.into_iter().rev().collect())
    }

    /// The payment of an invoice; `None` while there is none.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn payment_of_invoice(&self, invoice: &str) -> Result<Option<String>, Error> {
        let path = format!("/v1/invoice_payments?limit=100&invoice={}", segment(invoice));
        let payments: Page<InvoicePayment> = self.get(path).await?;
        let mut paid_by = payments.data.into_iter().filter_map(|paid| paid.payment.payment_intent);
        Ok(paid_by.next().map(|payment| payment.id().to_owned()))
    }
}

#[derive(serde::Deserialize)]
struct InvoicePayment {
    payment: InvoicePaidBy,
}

#[derive(serde::Deserialize)]
struct InvoicePaidBy {
    payment_intent: Option<Expandable<Only>>,
}

fn nothing_to_change() -> Error {
    Error::Invalid {
        status: 0,
        code: Some("no_item".to_owned()),
        param: Some("items".to_owned()),
        request: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn subscription(recurring: Value) -> Subscription {
        let item = json!({"id": "si_own", "price": {"unit_amount": 900, "recurring": recurring},
            "current_period_start": 0, "current_period_end": 1});
        let of = json!({"id": "sub_1", "status": "active", "start_date": 0, "customer": "cus_1",
            "items": {"data": [item], "has_more": false}});
        serde_json::from_value(of).expect("as the provider shows it")
    }

    #[test]
    fn a_term_has_so_many_months() {
        for (interval, count, months) in
            [("month", 1, Some(1)), ("month", 3, Some(3)), ("year", 1, Some(12)), ("week", 1, None)]
        {
            let of = subscription(json!({"interval": interval, "interval_count": count}));
            assert_eq!(of.term_months(), months, "{count} {interval}");
        }
    }

    /// Something else that is sold through the same account: whose it is can be read, whatever its price is like.
    #[test]
    fn any_price_can_be_read() {
        for price in [
            json!({"unit_amount": null, "unit_amount_decimal": null, "billing_scheme": "tiered",
                "recurring": {"interval": "month", "interval_count": 1, "usage_type": "metered"}}),
            json!({"unit_amount": null, "unit_amount_decimal": "0.5", "recurring": null}),
        ] {
            let of = json!({"id": "sub_1", "status": "active", "start_date": 0, "customer": "cus_1",
                "metadata": {"order": "theirs"},
                "items": {"data": [{"id": "si_1", "price": price}], "has_more": false}});
            let of: Subscription = serde_json::from_value(of).expect("as the provider shows it");
            assert_eq!(of.metadata.get("order").map(String::as_str), Some("theirs"));
        }
    }

    /// What else stands on an invoice pays for no term, whatever its period says.
    #[test]
    fn only_whole_terms_of_its_own_item_are_paid_for() {
        let of = subscription(json!({"interval": "month", "interval_count": 1}));
        let item = |item: &str, proration: bool| {
            json!({"type": "subscription_item_details", "subscription_item_details":
                {"subscription": "sub_1", "subscription_item": item, "proration": proration}})
        };
        let own = (item("si_own", false), 200);
        let put = json!({"type": "invoice_item_details", "invoice_item_details": {"proration": false}});
        for (lines, until) in [
            (vec![own.clone()], Some(200)),
            (vec![own.clone(), (item("si_other", false), 900)], Some(200)),
            (vec![(item("si_own", true), 900), own.clone()], Some(200)),
            (vec![own.clone(), (put.clone(), 900)], Some(200)),
            (vec![(put, 900)], None),
            (vec![(Value::Null, 900)], None),
            (Vec::new(), None),
        ] {
            let lines: Vec<Value> = lines
                .into_iter()
                .map(|(parent, end)| json!({"amount": 900, "period": {"start": 100, "end": end}, "parent": parent}))
                .collect();
            let invoice = json!({"id": "in_1", "created": 0, "amount_due": 900, "amount_paid": 900, "currency": "eur",
                "lines": {"data": lines, "has_more": false}});
            let invoice: Invoice = serde_json::from_value(invoice).expect("as the provider shows it");
            assert_eq!(of.pays_until(&invoice), until, "{invoice:?}");
        }
    }
}
