//! A delivery of the provider's: believed or not, and what is done about it.

use scrip_api::code::Code;
use scrip_api::unfit::InvalidField;
use scrip_core::id::StudioNumber;
use scrip_stripe::{Delivery, Event, EventError, EventKind, SignatureError, Subject};

use crate::app::App;
use crate::config::StripeAccount;
use crate::payments::settle::{NO_ROOM, PAID_TWICE};
use crate::payments::{Became, Look, Settled, Unsettled, settle};
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
    let event = event.map_err(|error| not_taken(app, studio, at, &error))?;
    let Some(look) = look_of(&event) else {
        app.metrics().payment("event_left_alone");
        if event.kind != EventKind::Other {
            app.deliveries().delivered(app, studio, &event, None, Became::LeftAlone);
        }
        return Ok(());
    };
    let done = tokio::time::timeout(app.config().limits.provider_wait, settle(app, studio, at, &look)).await;
    app.deliveries().delivered(app, studio, &event, Some(&look), became(done.as_ref().ok()));
    match done {
        Ok(Ok(Settled::Order(_) | Settled::PaidTwice(_) | Settled::NoRoom(_))) => {
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

/// What became of looking, for the operator; `None`: the provider did not answer in time.
pub(crate) fn became(done: Option<&Result<Settled, Unsettled>>) -> Became {
    match done {
        Some(Ok(Settled::Order(_))) => Became::Settled,
        Some(Ok(Settled::PaidTwice(_))) => Became::Open(PAID_TWICE.to_owned()),
        Some(Ok(Settled::NoRoom(_))) => Became::Open(NO_ROOM.to_owned()),
        Some(Ok(Settled::NotOurs)) => Became::LeftAlone,
        Some(Err(unsettled)) => Became::Open(unsettled.for_good().unwrap_or(NOT_ANSWERED).to_owned()),
        None => Became::Open(NOT_ANSWERED.to_owned()),
    }
}

/// Why something is open that nothing is wrong with.
const NOT_ANSWERED: &str = "not_answered";

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
        | EventKind::DisputeUpdated
        | EventKind::DisputeClosed => payment_of(&event.subject),
        EventKind::InvoicePaid
        | EventKind::InvoicePaymentFailed
        | EventKind::SubscriptionUpdated
        | EventKind::SubscriptionDeleted => event.subject.subscription.clone().map(Look::Subscription),
        EventKind::Other => None,
    }
}

fn payment_of(subject: &Subject) -> Option<Look> {
    subject.payment_intent.clone().map(Look::Payment)
}

/// A delivery whose body was not read: too large, or it did not arrive. Whoever sends it, it is counted and shown.
pub(crate) fn unread(app: &App, studio: StudioNumber, at: &StripeAccount, refused: Refused) -> Refused {
    let what = if refused.0.code == Code::TooLarge { "event_too_large" } else { "event_unreadable" };
    refuse(app, studio, at, what, &refused.0.detail);
    refused
}

/// A delivery without a signature.
pub(crate) fn unsigned(app: &App, studio: StudioNumber, at: &StripeAccount) -> Refused {
    refuse(app, studio, at, "event_not_believed", &"there is no signature");
    InvalidField::new("Stripe-Signature", "the provider's signature").into()
}

/// Tells the operator of a delivery that was not taken.
fn refuse(app: &App, studio: StudioNumber, at: &StripeAccount, what: &'static str, why: &dyn std::fmt::Display) {
    tracing::warn!(studio = %at.studio, %why, "a payment provider's event was not taken");
    app.metrics().payment(what);
    app.deliveries().refused(app, studio, what);
}

/// A delivery that is not believed or not understood: the provider shows it to the operator as failed.
fn not_taken(app: &App, studio: StudioNumber, at: &StripeAccount, error: &EventError) -> Refused {
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
    refuse(app, studio, at, what, error);
    InvalidField::new(field, detail).into()
}

/// Why an order could not be settled, as an answer to a delivery. The log and the operator's list say the rest.
pub(crate) fn unsettled_problem(app: &App, at: &StripeAccount, unsettled: Unsettled) -> Refused {
    match unsettled {
        Unsettled::Provider(error) => {
            tracing::warn!(studio = %at.studio, %error, "a payment provider could not be asked");
            app.metrics().payment("provider_failed");
            Refused::unavailable("The payment provider could not be asked")
        }
        Unsettled::UnknownOrder => {
            app.metrics().payment("unknown_order");
            Refused::new(Code::OrderNotFound, "The payment names an order of this studio that there is not.")
        }
        Unsettled::PaidForNothing => Refused::new(
            Code::PaymentMismatch,
            "A subscription was paid although the order that began it was not: give its money back at the provider.",
        ),
        Unsettled::Refused(refused) => refused,
    }
}
