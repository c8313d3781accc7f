//! `…/offers`: what an account can buy.

use axum::extract::State;
use axum::response::Response;
use scrip_api::offer::OffersShown;
use scrip_core::amount::Credits;
use scrip_core::statement;

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::{AccountParam, OffersParams};
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, Query};

/// The packages and plans of the catalog in force, for this account: which it can buy, what each would buy, and which
/// would cover what is missing.
#[utoipa::path(get, path = "/v1/accounts/{account}/offers", tag = "orders", params(AccountParam, OffersParams),
    responses((status = 200, body = OffersShown, description = "The offers")))]
pub(super) async fn list(
    State(app): State<App>,
    key: Authorised,
    AccountPath(id): AccountPath,
    mut query: Query,
) -> Result<Response, Refused> {
    let positive = |text: &str| Credits::parse(text).ok().filter(|credits| credits.is_positive());
    let short_by = query.read("short_by", "credits above 0, with at most 6 decimals", positive)?;
    query.finish()?;
    let now = app.engine().now();
    let account = app.account_at(key.studio, &id, now).await?;
    let published = app.catalog(key.studio)?;
    let catalogs = app.engine().catalogs();
    let prices = (&*catalogs, &*published);
    Ok(reply::ok(&OffersShown::from(&statement::offers(&account, prices, short_by, now))))
}
