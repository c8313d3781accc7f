//! Orders that an automatic top-up placed: charged to the saved payment method while its owner is away.
//!
//! The order is durable before anything is asked for, and is the provider's idempotency key, so that asking again after a
//! crash or a lost answer takes no money twice. What came of it is read back through [`settle`], as for every payment; only
//! why a method could not be charged is told by the refusal itself. Nothing here decides whether to try again: the rules'
//! brakes do ([`scrip_core::top_up`]).

use scrip_core::account::Account;
use scrip_core::command::Command;
use scrip_core::id::{OrderId, ProviderRef};
use scrip_core::order::{Order, Truth, TruthOfPayment};
use scrip_core::saved_method::{SavedMethod, Trouble, chargeable};
use scrip_core::top_up::Switch;
use scrip_engine::engine::Request;
use scrip_stripe::{Currency, Error, IntentStatus, Money, NewPayment, OrderRef, PaymentIntent, Search};

use crate::app::App;
use crate::config::StripeAccount;
use crate::payments::{Look, OrderAt, Settled, Unsettled, checkout, settle};
use crate::problem::Refused;

/// What a studio's id of a payment begins with.
const PAYMENT: &str = "pi_";
/// How long after its placing an order is charged, in seconds: 23 hours. The provider knows an idempotency key for a day; later
/// the same request could be another payment.
const CHARGE_FOR_S: i64 = 23 * 3_600;
/// How far the provider's clock may be from ours, in seconds, for what was made there to be found, or believed, by when: an hour.
pub(super) const CLOCKS_DIFFER_S: i64 = 3_600;

/// Charges an order that waits, or asks what came of its charge. Doing it again takes no money twice.
pub(crate) async fn charge(
    app: &App,
    at: &StripeAccount,
    place: &OrderAt,
    order: &Order,
) -> Result<Settled, Unsettled> {
    if let Some(payment) = payment_of(order) {
        let payment = at.client.payment_intent(payment).await?;
        return come_to_an_end(app, at, place, payment).await;
    }
    if app.engine().now() >= order.placed_at.plus_seconds(CHARGE_FOR_S) {
        return made_or_not(app, at, place, order, "charge_refused").await;
    }
    let account = app.stored_account(place.studio, &place.account).await?;
    let Some(saved) = chargeable(&account) else {
        // Where none was ever saved, nothing was tried. An erased account has forgotten its method.
        if account.saved_method.is_none() && account.id.erased_number().is_none() {
            return fail(app, place, "no_saved_method").await;
        }
        return made_or_not(app, at, place, order, "no_saved_method").await;
    };
    let Some(method) = method_of(app, at, place, saved).await? else {
        refuse(app, place, saved, Trouble::Removed).await?;
        return made_or_not(app, at, place, order, "charge_refused").await;
    };
    // Asked last: whoever turns it off, or pays the order another way, while the provider is away is charged no more.
    let stands = app.engine().order(place.studio, &place.account, place.order).await.map_err(Refused::from)?;
    let waits = stands.is_some_and(|order| order.waits());
    if !waits || !tops_up(&*app.stored_account(place.studio, &place.account).await?) {
        return made_or_not(app, at, place, order, "charge_called_off").await;
    }
    let new = NewPayment {
        order: order_ref(at, place, &account),
        placed_at: order.placed_at.micros(),
        price: Money {
            minor: order.price.amount,
            currency: Currency::parse(&order.price.currency).expect("catalogs have currencies of ISO 4217"),
        },
        name: format!("Automatic top-up: {}", checkout::item_name(order)),
        customer: method.customer,
        payment_method: method.method,
    };
    match at.client.pay_off_session(&new).await {
        Ok(payment) => made(app, at, place, payment).await,
        Err(Error::Declined { code, payment_intent, .. }) => {
            let trouble = if code == "expired_card" { Trouble::Expired } else { Trouble::Declined };
            refuse(app, place, saved, trouble).await?;
            given_up(app, at, place, payment_intent).await
        }
        Err(Error::AuthenticationNeeded { payment_intent, .. }) => {
            refuse(app, place, saved, Trouble::AuthenticationNeeded).await?;
            given_up(app, at, place, payment_intent).await
        }
        Err(Error::Missing { .. }) => {
            refuse(app, place, saved, Trouble::Removed).await?;
            fail(app, place, "charge_refused").await
        }
        // Another method was saved between two tries: the first one's payment counts, if there is one. Where there is none, the
        // key is of no use any more, and the next order has another.
        Err(error @ Error::IdempotencyKeyReused { .. }) => {
            tracing::warn!(studio = %at.studio, order = %place.order, %error, "an automatic top-up was asked for otherwise before");
            made_or_not(app, at, place, order, "charge_refused").await
        }
        Err(error @ Error::Invalid { .. }) => {
            tracing::error!(studio = %at.studio, order = %place.order, %error,
                "an automatic top-up cannot be charged: the provider refuses the payment itself");
            fail(app, place, "charge_refused").await
        }
        Err(error @ (Error::KeyRefused { .. } | Error::Unreachable { .. } | Error::Rubbish { .. })) => {
            Err(error.into())
        }
    }
}

/// What an earlier try came to, of which nothing was heard. Where there was none, the order fails: nothing was charged, and
/// nothing will be. Where too much was paid at that time to look through it all, it waits until its day is over: what was
/// charged is told by the provider as well.
async fn made_or_not(
    app: &App,
    at: &StripeAccount,
    place: &OrderAt,
    order: &Order,
    what: &'static str,
) -> Result<Settled, Unsettled> {
    let placed_s = order.placed_at.micros().div_euclid(1_000_000);
    let within_s = placed_s - CLOCKS_DIFFER_S..=placed_s + CHARGE_FOR_S + CLOCKS_DIFFER_S;
    let account = app.stored_account(place.studio, &place.account).await?;
    match at.client.payment_for(&order_ref(at, place, &account), within_s).await? {
        Search::Found(payment) => made(app, at, place, *payment).await,
        Search::NotMade => fail(app, place, what).await,
        Search::TooMany => {
            tracing::warn!(studio = %at.studio, order = %place.order,
                "too many payments to find out whether an automatic top-up was charged: its order waits for its end");
            Ok(Settled::Order(Box::new(order.clone())))
        }
    }
}

/// Whether the account's automatic top-up may buy.
pub(super) fn tops_up(account: &Account) -> bool {
    account.top_up.as_deref().is_some_and(|top_up| top_up.switch == Switch::On)
}

/// The payment that was made for an order, of those that it has no page for.
fn payment_of(order: &Order) -> Option<&str> {
    order.references.iter().map(ProviderRef::as_str).find(|reference| reference.starts_with(PAYMENT))
}

/// The order, as its payment at the provider names it.
pub(super) fn order_ref(at: &StripeAccount, place: &OrderAt, account: &Account) -> OrderRef {
    OrderRef {
        studio: at.studio.to_string(),
        account: place.account.to_string(),
        order: place.order.to_string(),
        number: Some(account.number.0),
    }
}

/// What the provider calls the saved method and its owner; `None` when it has it no more.
async fn method_of(
    app: &App,
    at: &StripeAccount,
    place: &OrderAt,
    saved: SavedMethod,
) -> Result<Option<scrip_stripe::SavedMethod>, Unsettled> {
    let order = app.engine().order(place.studio, &place.account, saved.order).await.map_err(Refused::from)?;
    let Some(payment) = order.as_ref().and_then(payment_of) else { return Ok(None) };
    match at.client.saved_method(payment).await {
        Ok(method) => Ok(method),
        Err(Error::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Who the provider calls the account's customer, where it has saved a method there before.
pub(super) async fn customer_of(
    app: &App,
    at: &StripeAccount,
    place: &OrderAt,
    saved: SavedMethod,
) -> Result<Option<String>, Unsettled> {
    let order = app.engine().order(place.studio, &place.account, saved.order).await.map_err(Refused::from)?;
    let Some(payment) = order.as_ref().and_then(payment_of) else { return Ok(None) };
    match at.client.customer_of(payment).await {
        Ok(customer) => Ok(customer),
        Err(Error::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// There is a payment: it is noted first, so that it is found again whatever happens next, and is counted once.
async fn made(app: &App, at: &StripeAccount, place: &OrderAt, payment: PaymentIntent) -> Result<Settled, Unsettled> {
    note(app, place, &payment.id).await?;
    if matches!(payment.status, IntentStatus::Succeeded | IntentStatus::Processing) {
        app.metrics().payment("charged");
    }
    come_to_an_end(app, at, place, payment).await
}

/// Brings what became of a payment to its order. One that waits for its customer is given up, since nobody is there.
async fn come_to_an_end(
    app: &App,
    at: &StripeAccount,
    place: &OrderAt,
    payment: PaymentIntent,
) -> Result<Settled, Unsettled> {
    match payment.status {
        IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresConfirmation | IntentStatus::RequiresAction => {
            give_up(at, &payment.id).await?;
        }
        IntentStatus::Succeeded
        | IntentStatus::Processing
        | IntentStatus::RequiresCapture
        | IntentStatus::Canceled
        | IntentStatus::Other => {}
    }
    settle(app, place.studio, at, &Look::Payment(payment.id)).await
}

/// The bank said no: what was tried is given up, and the order with it.
async fn given_up(
    app: &App,
    at: &StripeAccount,
    place: &OrderAt,
    payment: Option<String>,
) -> Result<Settled, Unsettled> {
    let Some(payment) = payment else { return fail(app, place, "charge_refused").await };
    note(app, place, &payment).await?;
    app.metrics().payment("charge_refused");
    give_up(at, &payment).await?;
    settle(app, place.studio, at, &Look::Payment(payment)).await
}

/// Makes sure that a payment can no longer be paid.
async fn give_up(at: &StripeAccount, payment: &str) -> Result<(), Error> {
    match at.client.cancel_payment(payment).await {
        // What cannot be given up has come to its end; the provider is read next.
        Ok(_) | Err(Error::Invalid { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Notes the provider's id of a payment with its order.
async fn note(app: &App, place: &OrderAt, payment: &str) -> Result<(), Unsettled> {
    let reference = ProviderRef::parse(payment).map_err(|_| Refused::bug("a payment's id that is none"))?;
    carry_out(app, place, Command::SendOrder { order: place.order, reference }).await
}

/// Notes why the method could not be charged.
async fn refuse(app: &App, place: &OrderAt, saved: SavedMethod, trouble: Trouble) -> Result<(), Unsettled> {
    tracing::info!(order = %place.order, trouble = trouble.word(), "a saved payment method could not be charged");
    let of: OrderId = saved.order;
    carry_out(app, place, Command::RefuseMethod { order: of, trouble }).await
}

/// Nothing was charged, and nothing will be; counted as `what`.
async fn fail(app: &App, place: &OrderAt, what: &'static str) -> Result<Settled, Unsettled> {
    let truth = Truth {
        payment: TruthOfPayment::Failed,
        refunded: 0,
        refunds_failed: 0,
        disputes: Vec::new(),
        references: Vec::new(),
        begins_billing: false,
    };
    carry_out(app, place, Command::FulfilOrder { order: place.order, truth }).await?;
    app.metrics().payment(what);
    let order = app.engine().order(place.studio, &place.account, place.order).await.map_err(Refused::from)?;
    order.map(|order| Settled::Order(Box::new(order))).ok_or(Unsettled::UnknownOrder)
}

async fn carry_out(app: &App, place: &OrderAt, command: Command) -> Result<(), Unsettled> {
    let request = Request { studio: place.studio, account: place.account.clone(), key: None, command };
    app.engine().submit(request).await.map_err(Refused::from)?;
    Ok(())
}
