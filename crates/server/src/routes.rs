//! The routes: a file per resource. Each is registered once, for serving and for the OpenAPI document.

mod accounts;
mod audit;
mod balance;
mod batch;
mod catalog;
mod charges;
mod console;
mod elements;
mod entries;
mod grants;
mod holds;
mod keys;
mod offers;
mod operations;
mod orders;
mod payments;
mod portal;
mod quotes;
mod sign_in;
mod stream;
mod subscription;
mod test_clock;
mod top_up;
mod usage;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use scrip_api::code::Code;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::openapi;
use crate::problem::Refused;
use crate::watch_requests;

/// Every route, ready to be served or called in-process.
pub fn router(app: App) -> Router {
    with_pages(app, Router::new())
}

/// The same, with pages for people beside them: watched as they are.
pub(crate) fn with_pages(app: App, pages: Router) -> Router {
    let (routes, _) = documented();
    routes
        .route("/elements/scrip-balance.js", axum::routing::get(elements::newest))
        .route("/elements/{name}", axum::routing::get(elements::named))
        .fallback(no_such_address)
        .method_not_allowed_fallback(no_such_method)
        .with_state(app.clone())
        .merge(pages)
        .layer(axum::middleware::from_fn_with_state(app, watch_requests::observe))
}

/// The routes and the document that describes them.
pub(crate) fn documented() -> (Router<App>, OpenApi) {
    let (routes, document) = OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(accounts::list))
        .routes(routes!(accounts::get, accounts::put))
        .routes(routes!(subscription::get, subscription::put, subscription::cancel))
        .routes(routes!(subscription::preview))
        .routes(routes!(balance::get))
        .routes(routes!(stream::open))
        .routes(routes!(quotes::quote))
        .routes(routes!(holds::list, holds::place))
        .routes(routes!(holds::get))
        .routes(routes!(holds::settle))
        .routes(routes!(holds::release))
        .routes(routes!(holds::extend))
        .routes(routes!(holds::list_all))
        .routes(routes!(charges::charge))
        .routes(routes!(charges::refund))
        .routes(routes!(grants::grant))
        .routes(routes!(grants::revoke))
        .routes(routes!(grants::write_off))
        .routes(routes!(entries::list))
        .routes(routes!(entries::list_all))
        .routes(routes!(entries::uncollected))
        .routes(routes!(usage::of_account))
        .routes(routes!(usage::of_studio))
        .routes(routes!(catalog::get, catalog::publish))
        .routes(routes!(catalog::versions))
        .routes(routes!(catalog::version))
        .routes(routes!(catalog::for_sale))
        .routes(routes!(orders::list, orders::place))
        .routes(routes!(orders::get))
        .routes(routes!(orders::mark_paid))
        .routes(routes!(orders::checkout))
        .routes(routes!(orders::list_all))
        .routes(routes!(offers::list))
        .routes(routes!(top_up::get, top_up::put))
        .routes(routes!(portal::open))
        .routes(routes!(portal::who))
        .routes(routes!(audit::list))
        .routes(routes!(console::open))
        .routes(routes!(console::who))
        .routes(routes!(console::totals))
        .routes(routes!(console::health))
        .routes(routes!(sign_in::begin))
        .routes(routes!(sign_in::come_back))
        .routes(routes!(keys::list, keys::make))
        .routes(routes!(keys::revoke))
        .routes(routes!(payments::webhook))
        .routes(routes!(payments::come_back))
        .routes(routes!(payments::go_away))
        .routes(routes!(payments::deliveries))
        .routes(routes!(batch::carry_out))
        .routes(routes!(test_clock::get, test_clock::set))
        .routes(routes!(operations::document))
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
        .split_for_parts();
    (routes, openapi::complete(document))
}

/// The figures alone, for a listener of their own.
pub(crate) fn figures(app: App) -> Router {
    Router::new()
        .route("/metrics", axum::routing::get(operations::metrics))
        .route("/healthz", axum::routing::get(operations::healthz))
        .fallback(no_such_address)
        .with_state(app)
}

/// The routes without the figures, which are elsewhere.
pub(crate) fn without_figures(routes: Router) -> Router {
    Router::new().route("/metrics", axum::routing::any(no_such_address)).fallback_service(routes)
}

async fn no_such_address() -> Refused {
    Refused::new(Code::NotFound, "There is no such address; GET /openapi.json lists all there are.")
}

async fn no_such_method(request: Request) -> impl IntoResponse {
    let detail = format!("This address does not take {}; the Allow header lists what it takes.", method(&request));
    Refused::new(Code::MethodNotAllowed, detail)
}

/// A method's name, when it is one of HTTP's own.
fn method(request: &Request) -> &'static str {
    watch_requests::method_name(request.method())
}
