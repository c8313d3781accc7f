//! A delivery of the provider's: believed or not, and what is done about it.

use scrip_api::code::Code;
use scrip_api::unfit::InvalidField;
use scrip_core::id::StudioNumber;
use scrip_stripe::{Delivery, Event, EventError, EventKind, SignatureError, Subject};

use crate::app::App;
use crate::config::StripeAccount;
use crate::payments::{Look, Settled, Unsettled, settle};
use crate::problem::Refused;

/// Takes a delivery: whatever it says, the provider is asked about what it names. Once this is `Ok`, nothing has to be
/// delivered again.
pub(crate) async fn receive(
    app: &App,
    studio: StudioNumber,
    at: &StripeAccount,
    delivery: &Delivery<'_>,
) -> Result<(), Refused> {
    let now = app.engine().now().micros().div_euclid(1_000_000);
    let event = Event::receive(delivery, &at.webhook_secrets, now, at.client.api_version());
    let event = event.map_err(|error| not_taken(app, at, &error))?;
    let Some(look) = look_of(&event) else {
        app.metrics().payment("event_left_alone");
        return Ok(());
    };
    let done = tokio::time::timeout(app.config().limits.provider_wait, settle(app, studio, at, &look)).await;
    match done {
        Ok(Ok(Settled::Order(_))) => {
            app.metrics().payment("event_settled");
            Ok(())
        }
        Ok(Ok(Settled::NotOurs)) => {
            app.metrics().payment("event_left_alone");
            Ok(())
        }
        Ok(Err(unsettled)) => Err(unsettled_problem(app, at, unsettled)),
        Err(_) => {
            app.metrics().payment("provider_failed");
            Err(Refused::unavailable("The payment provider did not answer in time"))
        }
    }
}

/// Where an event says to look; `None`: it is of no interest.
pub(crate) fn look_of(event: &Event) -> Option<Look> {
    match event.kind {
        EventKind::SessionCompleted
        | EventKind::SessionPaymentSucceeded
        | EventKind::SessionPaymentFailed
        | EventKind::SessionExpired => Some(Look::Session(event.subject.id.clone())),
        EventKind::PaymentSucceeded
        | EventKind::PaymentFailed
        | EventKind::ChargeRefunded
        | EventKind::RefundChanged
        | EventKind::DisputeCreated
        | EventKind::DisputeClosed => payment_of(&event.subject),
        // Each term of a plan is an order with a payment of its own: the provider's subscriptions are not used.
        EventKind::InvoicePaid
        | EventKind::InvoicePaymentFailed
        | EventKind::SubscriptionUpdated
        | EventKind::SubscriptionDeleted
        | EventKind::Other => None,
    }
}

fn payment_of(subject: &Subject) -> Option<Look> {
    subject.payment_intent.clone().map(Look::Payment)
}

/// A delivery that is not believed or not understood: the provider shows it to the operator as failed.
fn not_taken(app: &App, at: &StripeAccount, error: &EventError) -> Refused {
    let (what, field, detail) = match error {
        EventError::Signature(SignatureError::Unreadable | SignatureError::Wrong) => {
            ("event_not_believed", "Stripe-Signature", "a signature by the studio's webhook secret")
        }
        EventError::Signature(SignatureError::OutOfTime) => {
            ("event_out_of_time", "Stripe-Signature", "a signature of the last five minutes")
        }
        EventError::Unreadable => ("event_unreadable", "body", "an event"),
        EventError::OtherVersion { .. } => (
            "event_of_other_version",
            "api_version",
            "the API version that scrip was told; set the webhook endpoint to it",
        ),
    };
    tracing::warn!(studio = %at.studio, %error, "a payment provider's event was not taken");
    app.metrics().payment(what);
    InvalidField::new(field, detail).into()
}

/// Why an order could not be settled, as an answer to a delivery. The log says the rest.
pub(crate) fn unsettled_problem(app: &App, at: &StripeAccount, unsettled: Unsettled) -> Refused {
    match unsettled {
        Unsettled::Provider(error) => {
            tracing::warn!(studio = %at.studio, %error, "a payment provider could not be asked");
            app.metrics().payment("provider_failed");
            Refused::unavailable("The payment provider could not be asked")
        }
        Unsettled::UnknownOrder => {
            tracing::error!(
                studio = %at.studio,
                "a payment names an order that there is not: nothing was credited; look at the provider for what was paid"
            );
            app.metrics().payment("unknown_order");
            Refused::new(Code::OrderNotFound, "The payment names an order of this studio that there is not.")
        }
        Unsettled::Refused(refused) => refused,
    }
}
