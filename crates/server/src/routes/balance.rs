//! `…/balance`: what an account has, and what that would buy.

use axum::extract::State;
use axum::response::Response;
use scrip_api::balance::BalanceShown;
use scrip_core::account::Account;
use scrip_core::id::{AccountId, StudioNumber};
use scrip_core::statement;
use scrip_core::time::Time;

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::{AccountParam, BalanceParams};
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, Query};

/// Totals, lots in the order in which they are spent, and what is left in the units of each tool.
#[utoipa::path(get, path = "/v1/accounts/{account}/balance", tag = "balance", params(AccountParam, BalanceParams),
    responses((status = 200, body = BalanceShown, description = "The balance")))]
pub(super) async fn get(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    mut query: Query,
) -> Result<Response, Refused> {
    let tool = query.text("tool");
    query.finish()?;
    let now = app.engine().now();
    let (_, balance) = at(&app, key.studio, &account, tool.as_deref(), now).await?;
    Ok(reply::ok(&balance))
}

/// The account and its balance at an instant, with all that is due by then applied.
pub(super) async fn at(
    app: &App,
    studio: StudioNumber,
    id: &AccountId,
    tool: Option<&str>,
    now: Time,
) -> Result<(Account, BalanceShown), Refused> {
    let account = app.account_at(studio, id, now).await?;
    let balance = statement::balance(&account, &app.engine().catalogs(), tool, now)?;
    let shown = BalanceShown::of(id, &balance);
    Ok((account, shown))
}
