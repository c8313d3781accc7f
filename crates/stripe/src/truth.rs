//! The provider's truth of one order's payment, read anew.
//!
//! One shape for whoever asks (a webhook, the page that a customer comes back to, a reconciler), so that one step can
//! act on it. It holds what the provider says *now*; it decides nothing.

use crate::client::Client;
use crate::error::{Error, Outcome};
use crate::money::{Money, MoneyError};
use crate::object::{
    Charge, Dispute, DisputeStatus, Expandable, FutureUsage, IntentStatus, Mode, PaymentIntent, PaymentStatus, Refund,
    RefundStatus, Session, SessionStatus,
};
use crate::request::OrderRef;

/// What the provider says of an order's payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentTruth {
    /// The order that was attached when the payment was made; `None`: the payment is none of ours.
    pub order: Option<OrderRef>,
    /// Where it stands.
    pub state: PaymentState,
    /// How much; `None` where nothing is to be paid (a set-up).
    pub amounts: Option<Amounts>,
    /// What banks said of it, a dispute or an inquiry each, in the order in which they were opened: each keeps its place.
    pub disputes: Vec<DisputeTruth>,
    /// The hosted page, where it began there.
    pub session: Option<String>,
    /// The payment, once there is one.
    pub payment_intent: Option<String>,
    /// The subscription, where it is the first payment of one.
    pub subscription: Option<String>,
    /// Who paid, where the provider keeps them.
    pub customer: Option<String>,
    /// Whether its payment method was saved, to be charged while its owner is away.
    pub method: MethodTruth,
}

/// What became of a payment's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodTruth {
    /// It was saved: [`Client::saved_method`] says whose it is.
    Saved,
    /// It was not.
    NotSaved,
}

/// How much was asked, came and went back: in minor units of ISO 4217, all in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amounts {
    /// Asked.
    pub asked: Money,
    /// Come.
    pub received: Money,
    /// Given back since, also what of it did not arrive.
    pub refunded: Money,
    /// Of that, what did not arrive and is here again: refunds that failed or were given up.
    pub refunds_failed: Money,
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// It can still be paid.
    Open,
    /// Its customer has done what was asked; the money is on its way, perhaps for days.
    Processing,
    /// The money is there (or there was nothing to pay).
    Paid,
    /// The money will not come.
    Failed,
    /// It ended unused.
    Expired,
}

/// A customer's bank wants the money back, or asks about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisputeTruth {
    /// It asks about so much, or asked, without consequence so far. It may become a dispute, which is then the same one: so
    /// it has its place among them.
    Inquiry(Money),
    /// It wants so much back, and nothing is decided.
    Open(Money),
    /// It wanted so much back, and the money stays.
    Won(Money),
    /// So much is gone.
    Lost(Money),
}

impl Client {
    /// The truth of what began at a hosted page.
    ///
    /// # Errors
    /// [`Error`]; nothing was changed by asking.
    pub async fn truth_of_session(&self, id: &str) -> Result<PaymentTruth, Error> {
        let session = self.session(id).await?;
        let payment = match &session.payment_intent {
            Some(payment) => Some(payment.id().to_owned()),
            None => self.first_payment(&session).await?,
        };
        let payment = match payment {
            Some(payment) => Some(self.payment_intent(&payment).await?),
            None => None,
        };
        let amounts = match (&payment, session.amount_total, &session.currency) {
            (Some(payment), _, _) => Some(self.amounts_of(payment).await?),
            (None, Some(asked), Some(currency)) => Some(nothing_yet(asked, currency)?),
            (None, _, _) => None,
        };
        Ok(PaymentTruth {
            order: OrderRef::of(&session.metadata),
            state: state_of_session(&session, payment.as_ref()),
            amounts,
            disputes: self.truth_of_disputes(payment.as_ref()).await?,
            payment_intent: payment.as_ref().map(|payment| payment.id.clone()),
            subscription: session.subscription.as_ref().map(|subscription| subscription.id().to_owned()),
            customer: session.customer.as_ref().map(|customer| customer.id().to_owned()),
            // What a subscription is paid with is saved for its own terms, and for nothing else.
            method: match session.mode {
                Mode::Payment => payment.as_ref().map_or(MethodTruth::NotSaved, method_of),
                Mode::Setup | Mode::Subscription | Mode::Other => MethodTruth::NotSaved,
            },
            session: Some(session.id),
        })
    }

    /// The truth of a payment without a page (automatic top-up), or of the payment that an event names.
    ///
    /// # Errors
    /// [`Error`]; nothing was changed by asking.
    pub async fn truth_of_payment(&self, payment_intent: &str) -> Result<PaymentTruth, Error> {
        let payment = self.payment_intent(payment_intent).await?;
        Ok(PaymentTruth {
            order: OrderRef::of(&payment.metadata),
            state: state_of_payment(payment.status),
            amounts: Some(self.amounts_of(&payment).await?),
            disputes: self.truth_of_disputes(Some(&payment)).await?,
            session: None,
            subscription: None,
            customer: payment.customer.as_ref().map(|customer| customer.id().to_owned()),
            method: method_of(&payment),
            payment_intent: Some(payment.id),
        })
    }

    /// The payment of a subscription's first invoice, which the page does not name itself.
    async fn first_payment(&self, session: &Session) -> Result<Option<String>, Error> {
        match &session.invoice {
            Some(invoice) => self.payment_of_invoice(invoice.id()).await,
            None => Ok(None),
        }
    }

    async fn truth_of_disputes(&self, payment: Option<&PaymentIntent>) -> Result<Vec<DisputeTruth>, Error> {
        let Some(payment) = payment else { return Ok(Vec::new()) };
        let Some(charge) = charge_of(payment)? else { return Ok(Vec::new()) };
        match charge.disputed {
            Some(true) => {
                let newest_first = self.disputes_of(&payment.id).await?;
                if newest_first.has_more {
                    return Err(unreadable("a payment with more than a hundred disputes"));
                }
                newest_first
                    .data
                    .iter()
                    .rev()
                    .map(stands)
                    .collect::<Result<_, _>>()
                    .map_err(|_| unreadable("a dispute's amount"))
            }
            Some(false) => Ok(Vec::new()),
            None => Err(unreadable("a charge that does not say whether it is disputed")),
        }
    }

    async fn amounts_of(&self, payment: &PaymentIntent) -> Result<Amounts, Error> {
        let money =
            |amount| Money::of_provider(amount, &payment.currency).map_err(|_| unreadable("a payment's amount"));
        let received =
            payment.amount_received.ok_or_else(|| unreadable("a payment that does not say what has come"))?;
        let (stays, failed) = match charge_of(payment)? {
            Some(charge) => (charge.amount_refunded, self.failed_refunds_of(payment, charge).await?),
            None => (0, 0),
        };
        // The charge leaves out what failed.
        let refunded = stays.checked_add(failed).ok_or_else(|| unreadable("a payment's refunds"))?;
        Ok(Amounts {
            asked: money(payment.amount)?,
            received: money(received)?,
            refunded: money(refunded)?,
            refunds_failed: money(failed)?,
        })
    }

    /// What of a payment's refunds did not arrive, as the provider counts.
    async fn failed_refunds_of(&self, payment: &PaymentIntent, charge: &Charge) -> Result<i64, Error> {
        let all;
        let refunds = match &charge.refunds {
            Some(few) if !few.has_more => few,
            // Stand-ins of the provider leave them out: then the charge's own word is all there is.
            None => return Ok(0),
            Some(_) => {
                all = self.refunds_of(&payment.id).await?;
                if all.has_more {
                    return Err(unreadable("a payment with more than a hundred refunds"));
                }
                &all
            }
        };
        let failed = refunds.data.iter().filter(|refund| refund_failed(refund)).map(|refund| refund.amount);
        failed.into_iter().try_fold(0_i64, i64::checked_add).ok_or_else(|| unreadable("a payment's refunds"))
    }
}

fn refund_failed(refund: &Refund) -> bool {
    match refund.status {
        Some(RefundStatus::Failed | RefundStatus::Canceled) => true,
        Some(RefundStatus::Pending | RefundStatus::RequiresAction | RefundStatus::Succeeded | RefundStatus::Other)
        | None => false,
    }
}

/// The charge of a payment, which was asked for whole.
fn charge_of(payment: &PaymentIntent) -> Result<Option<&Charge>, Error> {
    match &payment.latest_charge {
        None => Ok(None),
        Some(Expandable::Whole(charge)) => Ok(Some(charge)),
        Some(Expandable::Id(_)) => Err(unreadable("a payment without the charge that was asked for")),
    }
}

/// A method is saved only with a payment that went well.
fn method_of(payment: &PaymentIntent) -> MethodTruth {
    match (payment.status, payment.setup_future_usage) {
        (IntentStatus::Succeeded, Some(FutureUsage::OffSession)) => MethodTruth::Saved,
        (_, Some(FutureUsage::OffSession | FutureUsage::OnSession | FutureUsage::Other) | None) => {
            MethodTruth::NotSaved
        }
    }
}

fn nothing_yet(asked: i64, currency: &str) -> Result<Amounts, Error> {
    let money = |amount| Money::of_provider(amount, currency).map_err(|_| unreadable("a page's amount"));
    Ok(Amounts { asked: money(asked)?, received: money(0)?, refunded: money(0)?, refunds_failed: money(0)? })
}

fn state_of_session(session: &Session, payment: Option<&PaymentIntent>) -> PaymentState {
    match (session.status, session.payment_status) {
        (_, PaymentStatus::Paid) | (SessionStatus::Complete, PaymentStatus::NoPaymentRequired) => PaymentState::Paid,
        (SessionStatus::Open, _) => PaymentState::Open,
        (SessionStatus::Expired, _) => PaymentState::Expired,
        // Without a word of its payment it is on its way: nothing is given up too early.
        (SessionStatus::Complete | SessionStatus::Other, _) => match payment.map(|payment| payment.status) {
            Some(IntentStatus::RequiresPaymentMethod | IntentStatus::Canceled) => PaymentState::Failed,
            Some(status) => state_of_payment(status),
            None => PaymentState::Processing,
        },
    }
}

fn state_of_payment(status: IntentStatus) -> PaymentState {
    match status {
        IntentStatus::Succeeded => PaymentState::Paid,
        IntentStatus::Processing | IntentStatus::RequiresCapture => PaymentState::Processing,
        IntentStatus::Canceled => PaymentState::Failed,
        IntentStatus::RequiresPaymentMethod
        | IntentStatus::RequiresConfirmation
        | IntentStatus::RequiresAction
        | IntentStatus::Other => PaymentState::Open,
    }
}

/// How a dispute stands.
fn stands(dispute: &Dispute) -> Result<DisputeTruth, MoneyError> {
    let amount = Money::of_provider(dispute.amount, &dispute.currency)?;
    Ok(match dispute.status {
        DisputeStatus::Lost => DisputeTruth::Lost(amount),
        DisputeStatus::NeedsResponse
        | DisputeStatus::UnderReview
        | DisputeStatus::AppealNeedsResponse
        | DisputeStatus::AppealUnderReview => DisputeTruth::Open(amount),
        DisputeStatus::Won => DisputeTruth::Won(amount),
        DisputeStatus::WarningNeedsResponse
        | DisputeStatus::WarningUnderReview
        | DisputeStatus::WarningClosed
        | DisputeStatus::Prevented
        | DisputeStatus::Other => DisputeTruth::Inquiry(amount),
    })
}

fn unreadable(what: &'static str) -> Error {
    Error::Rubbish { what, outcome: Outcome::NotDone, request: Default::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dispute_says_how_it_stands() {
        let money = || Money::of_provider(500, "eur").unwrap();
        for (status, expected) in [
            ("warning_needs_response", DisputeTruth::Inquiry(money())),
            ("warning_under_review", DisputeTruth::Inquiry(money())),
            ("warning_closed", DisputeTruth::Inquiry(money())),
            ("prevented", DisputeTruth::Inquiry(money())),
            ("a_new_word", DisputeTruth::Inquiry(money())),
            ("needs_response", DisputeTruth::Open(money())),
            ("under_review", DisputeTruth::Open(money())),
            ("appeal_needs_response", DisputeTruth::Open(money())),
            ("appeal_under_review", DisputeTruth::Open(money())),
            ("won", DisputeTruth::Won(money())),
            ("lost", DisputeTruth::Lost(money())),
        ] {
            let dispute = json!({"id": "du_1", "amount": 500, "currency": "eur", "status": status});
            assert_eq!(stands(&serde_json::from_value(dispute).unwrap()).unwrap(), expected, "{status}");
        }
    }

    #[test]
    fn only_refunds_that_came_back_have_failed() {
        for (status, expected) in [
            (Some("failed"), true),
            (Some("canceled"), true),
            (Some("pending"), false),
            (Some("requires_action"), false),
            (Some("succeeded"), false),
            (Some("a_new_word"), false),
            (None, false),
        ] {
            let refund = json!({"id": "re_1", "amount": 500, "currency": "eur", "status": status});
            assert_eq!(refund_failed(&serde_json::from_value(refund).unwrap()), expected, "{status:?}");
        }
    }

    fn state(status: &str, payment_status: &str, intent: Option<&str>) -> PaymentState {
        let session = json!({"id": "cs_1", "mode": "payment", "status": status, "payment_status": payment_status,
            "expires_at": 0});
        let payment = intent.map(|status| {
            serde_json::from_value(json!({"id": "pi_1", "status": status, "amount": 5, "currency": "eur"})).unwrap()
        });
        state_of_session(&serde_json::from_value(session).unwrap(), payment.as_ref())
    }

    #[test]
    fn a_page_and_its_payment_tell_where_it_stands() {
        for (status, payment_status, intent, expected) in [
            ("open", "unpaid", None, PaymentState::Open),
            ("open", "unpaid", Some("requires_payment_method"), PaymentState::Open),
            ("complete", "unpaid", Some("processing"), PaymentState::Processing),
            ("complete", "unpaid", None, PaymentState::Processing),
            ("complete", "unpaid", Some("requires_payment_method"), PaymentState::Failed),
            ("complete", "paid", Some("succeeded"), PaymentState::Paid),
            ("complete", "no_payment_required", None, PaymentState::Paid),
            ("expired", "unpaid", None, PaymentState::Expired),
        ] {
            assert_eq!(state(status, payment_status, intent), expected, "{status} {payment_status} {intent:?}");
        }
    }
}
