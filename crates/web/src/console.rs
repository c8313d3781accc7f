//! The operator's console: a studio's own people look after its customers' credits.
//!
//! Like the customer's pages it asks the API in this process, with a console token that stands for whoever signed in: so it
//! shows the API's numbers, may do no more than a role, and what it does is recorded with who did it. Apart from the
//! customer's pages because other people see it, with other rights. It must never compute an amount, or keep a key.

mod account;
mod accounts;
mod act;
mod catalog;
mod cells;
mod deed;
mod deliveries;
mod desk;
mod frame;
mod glance;
mod health;
mod keys;
mod lists;
mod object;
mod refused;
mod sign_in;
mod told;
mod visit;
mod words;

use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, middleware};

use crate::visit::Site;
use desk::Denied;

/// What a page of the console comes to.
pub(crate) type Page = Result<Response, Denied>;

/// Every address.
pub(crate) fn router(site: Site) -> Router {
    Router::new()
        .route("/console", get(glance::page))
        .route("/console/sign-in", get(sign_in::page).post(sign_in::enter))
        .route("/console/sign-out", post(sign_in::leave))
        .route("/console/accounts", get(accounts::list))
        .route("/console/accounts/{account}", get(account::page))
        .route("/console/accounts/{account}/visit", get(visit::ask).post(visit::open))
        .route("/console/accounts/{account}/{act}", get(act::form).post(act::sent))
        .route("/console/holds", get(lists::holds))
        .route("/console/uncollected", get(lists::uncollected))
        .route("/console/orders", get(lists::orders))
        .route("/console/payments", get(deliveries::page))
        .route("/console/audit", get(lists::audit))
        .route("/console/catalog", get(catalog::page).post(catalog::sent))
        .route("/console/catalog/{version}", get(catalog::version))
        .route("/console/keys", get(keys::page).post(keys::make))
        .route("/console/keys/{key}/revoke", get(keys::ask).post(keys::revoke))
        .route("/console/health", get(health::page))
        .route("/console/{*rest}", get(nothing_here))
        .layer(middleware::from_fn_with_state(site.clone(), refused::furnished))
        .with_state(site)
}

async fn nothing_here() -> Denied {
    Denied::no_page()
}
