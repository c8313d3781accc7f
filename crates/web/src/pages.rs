//! The pages, a module and a template each, and their addresses.

mod buy_credits;
mod enter;
mod onward;
mod order;
mod overview;
mod plan;
mod prices;
mod settings;
mod top_up;
mod usage;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use crate::assets;
use crate::frame::Place;
use crate::trouble::Trouble;
use crate::visit::{Site, Visit};

/// What a page comes to.
pub(crate) type Page = Result<Response, Trouble>;

/// Every address.
pub(crate) fn router(site: Site) -> Router {
    Router::new()
        .route("/portal/{token}", get(enter::enter))
        .route("/dashboard", get(overview::page))
        .route("/dashboard/buy-credits", get(buy_credits::page))
        .route("/dashboard/orders", back_to(Place::Plan).post(order::place))
        .route("/dashboard/orders/{order}", get(order::page))
        .route("/dashboard/orders/{order}/pay", post(order::pay))
        .route("/dashboard/plan", get(plan::page).post(plan::choose))
        .route("/dashboard/plan/cancel", back_to(Place::Plan).post(plan::cancel))
        .route("/dashboard/settings", get(settings::page).post(settings::save))
        .route("/dashboard/settings/project-types", back_to(Place::Settings).post(settings::save_types))
        .route("/dashboard/settings/top-up", back_to(Place::Settings).post(top_up::save))
        .route("/dashboard/usage", get(usage::page))
        .route("/dashboard/usage.csv", get(usage::file))
        .route("/dashboard/prices", get(prices::page))
        .route("/dashboard/prices/answer", get(prices::answer))
        .route("/dashboard/stream", get(stream))
        .route("/dashboard/leave", post(enter::leave))
        .route(&format!("{}{{name}}", assets::FOLDER), get(assets::serve))
        .route("/dashboard/{*rest}", get(nothing_here))
        .with_state(site)
}

/// The account's balance whenever it changes: what an open page listens to.
async fn stream(visit: Visit) -> Page {
    visit.raw("/balance/stream", "text/event-stream").await
}

/// After something was done: where it is seen.
pub(crate) fn see(address: &str) -> Response {
    let address = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static("/dashboard"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response()
}

/// A form's own address, opened as a page: what was refused is shown there, and read again from there.
fn back_to(place: Place) -> MethodRouter<Site> {
    get(move || async move { see(place.href()) })
}

async fn nothing_here() -> Trouble {
    Trouble::NoPage
}
