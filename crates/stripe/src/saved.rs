//! Payment methods that were saved for payments while their owner is away.
//!
//! A method is looked up by the payment that it was saved with, so that nobody but the provider needs to remember what
//! its owner is called there.

use std::ops::RangeInclusive;

use serde::Deserialize;

use crate::client::Client;
use crate::error::{Error, Outcome};
use crate::form::segment;
use crate::object::{Expandable, IntentStatus, Only, Page, PaymentIntent, PaymentMethod};
use crate::request::OrderRef;

/// Pages of a hundred payments that are looked through for one.
const PAGES_MAX: usize = 20;

/// A payment method that can be charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedMethod {
    /// Whose it is: `cus_…`.
    pub customer: String,
    /// `pm_…`.
    pub method: String,
}

/// What came of looking for an order's payment.
#[derive(Clone, Debug)]
pub enum Search {
    /// This is it.
    Found(Box<PaymentIntent>),
    /// There is none.
    NotMade,
    /// It is not among the newest two thousand of that time, and there are more.
    TooMany,
}

#[derive(Deserialize)]
struct WithMethod {
    id: String,
    status: IntentStatus,
    customer: Option<Expandable<Only>>,
    payment_method: Option<PaymentMethod>,
}

impl Client {
    /// The payment method that was saved with a payment; `None` when its owner has taken it away since.
    ///
    /// # Errors
    /// [`Error`]; nothing was changed by asking.
    pub async fn saved_method(&self, payment_intent: &str) -> Result<Option<SavedMethod>, Error> {
        let payment = self.with_method(payment_intent).await?;
        Ok(payment.payment_method.and_then(|method| {
            let customer = method.customer.as_ref()?.id().to_owned();
            Some(SavedMethod { customer, method: method.id })
        }))
    }

    /// Who made a payment, where the provider keeps them: a page for the same customer names them.
    ///
    /// # Errors
    /// [`Error`]; nothing was changed by asking.
    pub async fn customer_of(&self, payment_intent: &str) -> Result<Option<String>, Error> {
        let payment = self.with_method(payment_intent).await?;
        Ok(payment.customer.map(|customer| customer.id().to_owned()))
    }

    async fn with_method(&self, payment_intent: &str) -> Result<WithMethod, Error> {
        let path = format!("/v1/payment_intents/{}?expand[]=payment_method", segment(payment_intent));
        let payment: WithMethod = self.get(path).await?;
        if payment.id == payment_intent && payment.status == IntentStatus::Succeeded {
            return Ok(payment);
        }
        Err(Error::Rubbish {
            what: "another payment than the one that a method was saved with",
            outcome: Outcome::NotDone,
            request: Default::default(),
        })
    }

    /// The payment that was made for an order within a time (in seconds since 1970), whoever its customer was.
    ///
    /// # Errors
    /// [`Error`]; nothing was changed by asking.
    pub async fn payment_for(&self, order: &OrderRef, within_s: RangeInclusive<i64>) -> Result<Search, Error> {
        let (from, until) = within_s.into_inner();
        let mut after = String::new();
        for _ in 0..PAGES_MAX {
            let path = format!("/v1/payment_intents?limit=100&created[gte]={from}&created[lte]={until}{after}");
            let page: Page<PaymentIntent> = self.get(path).await?;
            let last = page.data.last().map(|payment| format!("&starting_after={}", segment(&payment.id)));
            let mut payments = page.data.into_iter();
            let found = payments.find(|payment| OrderRef::of(&payment.metadata).is_some_and(|named| named.is(order)));
            match last.filter(|_| page.has_more && found.is_none()) {
                Some(last) => after = last,
                None => return Ok(found.map_or(Search::NotMade, |payment| Search::Found(Box::new(payment)))),
            }
        }
        Ok(Search::TooMany)
    }
}
