//! The page that customers come back to after they paid, and the one for those who thought better of it. Plain HTML.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scrip_api::code::Code;
use scrip_core::id::{ProviderRef, StudioNumber};
use scrip_core::order::{Item, Order, OrderState, Payment};

use crate::app::App;
use crate::config::StripeAccount;
use crate::customer::Customer;
use crate::payments::checkout::with_order;
use crate::payments::event::unsettled_problem;
use crate::payments::{Look, SESSION, Settled, settle};
use crate::problem::Refused;
use crate::reply;

/// A customer comes back from a hosted page: its order is settled now, without waiting for the provider to tell.
pub(crate) async fn back(
    app: &App,
    studio: StudioNumber,
    at: &StripeAccount,
    session: &str,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let known = match ProviderRef::parse(session) {
        Ok(reference) if session.starts_with(SESSION) => app.engine().order_of_provider(studio, &reference).await?,
        Ok(_) | Err(_) => None,
    };
    // Only who knows the page's id gets this far, so nobody makes us ask the provider at will.
    let Some((account, order)) = known else {
        return Err(Refused::new(Code::OrderNotFound, "No order of this studio was sent to that page."));
    };
    let order = match order.payment {
        Payment::Paid(_) => order,
        Payment::Pending | Payment::Received(_) | Payment::Failed | Payment::Expired => {
            settled_now(app, studio, at, session, order).await
        }
    };
    // Who came from the pages of scrip goes back to them.
    let visitor = Customer::of_cookie(app, headers).await;
    if visitor.is_some_and(|visitor| (visitor.studio, &visitor.account) == (studio, &account)) {
        return Ok(go_to(&format!("{}/orders/{}", crate::DASHBOARD, order.id)));
    }
    Ok(match &at.return_to {
        Some(page) => go_to(&with_order(page, &order.id.to_string(), order.state().word())),
        None => page(&told(&order)),
    })
}

/// The order, settled if the provider answers soon; otherwise as it was: it is settled later.
async fn settled_now(app: &App, studio: StudioNumber, at: &StripeAccount, session: &str, order: Order) -> Order {
    let look = Look::Session(session.to_owned());
    match tokio::time::timeout(app.config().limits.provider_wait, settle(app, studio, at, &look)).await {
        Ok(Ok(Settled::Order(order) | Settled::PaidTwice(order) | Settled::NoRoom(order))) => *order,
        Ok(Ok(Settled::NotOurs)) => order,
        Ok(Err(unsettled)) => {
            drop(unsettled_problem(app, at, unsettled));
            order
        }
        Err(_) => {
            app.metrics().payment("provider_failed");
            order
        }
    }
}

/// Somebody thought better of it.
pub(crate) async fn away(app: &App, headers: &HeaderMap) -> Response {
    if Customer::of_cookie(app, headers).await.is_some() {
        return go_to(&format!("{}/buy-credits", crate::DASHBOARD));
    }
    page(&("Nothing was paid", "You can close this page, or go back and choose again.".to_owned()))
}

/// What a customer is told, in two sentences.
fn told(order: &Order) -> (&'static str, String) {
    match order.state() {
        OrderState::Paid | OrderState::Won => match &order.item {
            Item::Package(_) => ("Thank you", format!("{} credits are in your account.", order.credits + order.bonus)),
            Item::Plan(_) if order.bought_nothing() => (
                "Your plan was paid for already",
                "This payment was not needed. Your studio can tell you more.".to_owned(),
            ),
            Item::Plan(_) => ("Thank you", "Your plan is paid.".to_owned()),
        },
        OrderState::Pending | OrderState::Received => {
            ("Your payment is on its way", "The credits appear in your account as soon as it arrives.".to_owned())
        }
        OrderState::Failed => ("The payment failed", "Nothing was credited; you can order again.".to_owned()),
        OrderState::Expired => ("The order has expired", "Should a payment arrive, it is credited.".to_owned()),
        OrderState::Refunded | OrderState::Disputed | OrderState::Lost => {
            ("The payment was taken back", "Your studio can tell you more.".to_owned())
        }
    }
}

/// A page of two sentences: nothing in it was written by a caller.
fn page((title, words): &(&str, String)) -> Response {
    const STYLE: &str = ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:30rem;\
        margin:15vh auto 0;padding:0 1rem}h1{font-size:1.5rem;letter-spacing:-.01em;margin:0 0 .5rem}";
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style><main><h1>{title}</h1><p>{words}</p></main></html>"
    );
    let mut response = reply::typed(StatusCode::OK, "text/html; charset=utf-8", html.into_bytes());
    let headers = response.headers_mut();
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// To a page of the studio's, or of the customer's here.
fn go_to(address: &str) -> Response {
    let location = HeaderValue::from_str(address).expect("the studio's page was checked when it was set");
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
