//! An order on its way to the provider: the hosted page that it is paid at.

use scrip_api::code::Code;
use scrip_api::problem::Problem;
use scrip_core::account::Account;
use scrip_core::answer::Done;
use scrip_core::command::Command;
use scrip_core::id::{AccountId, OrderId, ProviderRef, StudioNumber};
use scrip_core::order::{Item, Order, Origin, Payment};
use scrip_core::plan::Renews;
use scrip_core::rejection::Rejection;
use scrip_engine::engine::Request;
use scrip_stripe::{Currency, Error, Interval, KeepMethod, Money, NewSession, OrderRef, Purchase, Session};

use crate::app::App;
use crate::config::StripeAccount;
use crate::payments::{self, OrderAt, Unsettled, charge, settle};
use crate::problem::Refused;

/// Where a placed order is paid; `None` without a provider, when it waits for nothing any more, or for what an automatic
/// top-up ordered: that is charged by itself, and would be paid twice. Asked again for the same order, the same page.
pub(crate) async fn pay_at(
    app: &App,
    studio: StudioNumber,
    account: &AccountId,
    order: OrderId,
) -> Result<Option<String>, Refused> {
    let Some(at) = payments::account_of(app, studio) else { return Ok(None) };
    // As it stands now, not as a repeated answer tells it: what is paid must not be offered again.
    let order = app.engine().order(studio, account, order).await?;
    let waits = |order: &Order| {
        let by_itself = order.origin == Origin::Automatic;
        order.payment == Payment::Pending && !by_itself && app.engine().now() < order.expires_at
    };
    let Some(order) = order.filter(waits) else { return Ok(None) };
    let place = OrderAt { studio, account: account.clone(), order: order.id };
    let page = tokio::time::timeout(app.config().limits.provider_wait, page_of(app, at, &place, &order)).await;
    let session = match page {
        Ok(Ok(session)) => session,
        Ok(Err(Unsettled::Provider(error @ (Error::Invalid { .. } | Error::Missing { .. })))) => {
            return Err(never_a_page(app, at, &order, &error));
        }
        Ok(Err(Unsettled::Provider(error))) => return Err(no_page(app, at, &order, &error)),
        // A page alone is made here: no subscription is looked at.
        Ok(Err(Unsettled::UnknownOrder | Unsettled::PaidForNothing)) => return Err(Rejection::OrderNotFound.into()),
        Ok(Err(Unsettled::Refused(refused))) => return Err(refused),
        Err(_) => return Err(no_page(app, at, &order, &"no answer in time")),
    };
    let reference = ProviderRef::parse(&session.id).map_err(|_| no_page(app, at, &order, &"an id that is none"))?;
    if !order.references.contains(&reference) {
        let command = Command::SendOrder { order: order.id, reference };
        let sent = app.engine().submit(Request { studio, account: account.clone(), key: None, command }).await?;
        if let Done::Ordered { order: sent, .. } = sent.answer.done
            && settle::session_of(&sent).is_some_and(|first| first != session.id)
        {
            return only_page(app, at, &sent, &session).await;
        }
    }
    app.waiting().add(place, app.engine().now(), &app.config().payments.pace);
    Ok(session.url)
}

/// Another request made a page of the same order at the same time, and of other terms, as where a method was saved in between.
/// Whoever pays must find one page alone: the first that was noted.
async fn only_page(app: &App, at: &StripeAccount, order: &Order, second: &Session) -> Result<Option<String>, Refused> {
    let read = async {
        at.client.expire_session(&second.id).await?;
        let first = settle::session_of(order).expect("an order that was sent to a page has one");
        at.client.session(first).await
    };
    match tokio::time::timeout(app.config().limits.provider_wait, read).await {
        Ok(Ok(first)) => Ok(first.url),
        Ok(Err(error)) => Err(no_page(app, at, order, &error)),
        Err(_) => Err(no_page(app, at, order, &"no answer in time")),
    }
}

/// Closes the page of an order that was paid another way, so that nobody pays it a second time. Where that fails, the page
/// ends by itself within a day, and money that comes all the same is shown to the operator.
pub(crate) async fn close_page(app: &App, studio: StudioNumber, order: &Order) {
    let (Some(at), Some(page)) = (payments::account_of(app, studio), settle::session_of(order)) else { return };
    let closed = tokio::time::timeout(app.config().limits.provider_wait, at.client.expire_session(page)).await;
    let why: &dyn std::fmt::Display = match &closed {
        // One that is closed already, or paid, cannot be closed.
        Ok(Ok(_) | Err(scrip_stripe::Error::Invalid { .. })) => return,
        Ok(Err(error)) => error,
        Err(_) => &"no answer in time",
    };
    tracing::warn!(studio = %at.studio, order = %order.id, %why, "the page of an order that was marked paid could not be closed");
    app.metrics().payment("provider_failed");
}

/// The page that the order was sent to before, or a new one. The order's id is the provider's idempotency key, so that
/// a page whose making was not answered is found and not made twice.
async fn page_of(app: &App, at: &StripeAccount, place: &OrderAt, order: &Order) -> Result<Session, Unsettled> {
    Ok(match settle::session_of(order) {
        Some(id) => at.client.session(id).await?,
        None => {
            let payer = payer(app, at, place, order).await?;
            let new = page(app, at, order, payer);
            match at.client.create_session(&new).await {
                // Its customer was deleted at the provider: the page makes another one.
                Err(Error::Missing { .. }) if new.customer.is_some() => {
                    at.client.create_session(&NewSession { customer: None, ..new }).await?
                }
                made => made?,
            }
        }
    })
}

/// Who pays at a page, and how often.
struct Payer {
    /// The order, as the page names it.
    order: OrderRef,
    way: Way,
    /// The provider's customer, where it has one.
    customer: Option<String>,
}

/// How often is paid.
enum Way {
    /// Once; the payment method may be saved, to be charged while its owner is away.
    Once(KeepMethod),
    /// Now and for each further term, by a subscription of the provider's.
    EachTerm { every: Interval, plan: String },
}

/// A plan that renews by payment begins with a subscription of the provider's; whoever is on a plan pays for a term, or
/// for a larger plan, once. An account with an automatic top-up saves the method that it pays once with: at the page the
/// customer agrees to it.
async fn payer(app: &App, at: &StripeAccount, place: &OrderAt, order: &Order) -> Result<Payer, Unsettled> {
    let account = app.stored_account(place.studio, &place.account).await?;
    let named = charge::order_ref(at, place, &account);
    let way = match (each_term(&account, order), charge::tops_up(&account)) {
        (Some(each_term), _) => each_term,
        (None, true) => Way::Once(KeepMethod::ForLater),
        (None, false) => return Ok(Payer { order: named, way: Way::Once(KeepMethod::No), customer: None }),
    };
    let customer = match account.saved_method {
        Some(saved) => charge::customer_of(app, at, place, saved).await?,
        None => None,
    };
    Ok(Payer { order: named, way, customer })
}

/// The first term of a plan that renews by payment, and all that follow.
fn each_term(account: &Account, order: &Order) -> Option<Way> {
    let Item::Plan(terms) = &order.item else { return None };
    let every = match (terms.renews, terms.term_months) {
        (Renews::Payment { .. }, 1) => Interval::Month,
        (Renews::Payment { .. }, 12) => Interval::Year,
        (Renews::Payment { .. } | Renews::Clock, _) => return None,
    };
    account.subscription.is_none().then(|| Way::EachTerm { every, plan: terms.plan.to_string() })
}

/// What the customer reads of what is bought.
pub(super) fn item_name(order: &Order) -> String {
    match &order.item {
        Item::Package(package) => format!("{} credits ({package})", grouped(order)),
        Item::Plan(terms) => format!("A term of the plan {}", terms.plan),
    }
}

/// The page to be made. The same order gives the same page, to the letter, or the provider would refuse it.
fn page(app: &App, at: &StripeAccount, order: &Order, payer: Payer) -> NewSession {
    let base = format!("{}/v1/payments/stripe/{}", app.config().payments.public_url, at.studio);
    let currency = Currency::parse(&order.price.currency).expect("catalogs have currencies of ISO 4217");
    let price = Money { minor: order.price.amount, currency };
    NewSession {
        order: payer.order,
        placed_at: order.placed_at.micros(),
        purchase: match payer.way {
            Way::Once(keep_method) => Purchase::Once { price, name: item_name(order), keep_method },
            Way::EachTerm { every, plan } => Purchase::Recurring { price, name: item_name(order), every, plan },
        },
        success_url: format!("{base}/return?session={{CHECKOUT_SESSION_ID}}"),
        cancel_url: match &at.return_to {
            Some(page) => with_order(page, &order.id.to_string(), "cancelled"),
            None => format!("{base}/cancelled"),
        },
        customer: payer.customer,
        expires_at: None,
    }
}

/// How many credits the customer gets, bonus included, with a comma at each thousand.
fn grouped(order: &Order) -> String {
    let text = (order.credits + order.bonus).to_string();
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{grouped}.{fraction}"),
        None => grouped,
    }
}

/// A studio's page, told of an order.
pub(crate) fn with_order(page: &str, order: &str, state: &str) -> String {
    let join = if page.contains('?') { '&' } else { '?' };
    format!("{page}{join}order={order}&state={state}")
}

fn no_page(app: &App, at: &StripeAccount, order: &Order, why: &dyn std::fmt::Display) -> Refused {
    tracing::error!(studio = %at.studio, order = %order.id, %why, "no page to pay an order at could be made");
    app.metrics().payment("no_page");
    Refused::unavailable("The order is placed, but the payment provider could not make a page for it")
}

/// The provider will say the same each time: the price is nothing, less or more than it takes, or in a currency that it has not;
/// or the order's page is of another account there. The order waits all the same: it can be paid outside.
fn never_a_page(app: &App, at: &StripeAccount, order: &Order, why: &Error) -> Refused {
    tracing::error!(studio = %at.studio, order = %order.id, %why,
        "the payment provider takes no payment for an order: look at its price in the catalog, and mark it paid by hand if it is");
    app.metrics().payment("no_page");
    let detail = format!(
        "The order {} is placed, but the payment provider will never make a page for it: look at its price, or mark it paid by hand.",
        order.id
    );
    Problem::new(Code::PaymentNotPossible, detail).with("order", order.id.to_string()).into()
}
