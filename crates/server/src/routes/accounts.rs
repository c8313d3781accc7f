//! `/v1/accounts`: who owns credits.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use scrip_api::account::{AccountRequest, AccountShown, AccountsShown};
use scrip_api::unfit::InvalidField;
use scrip_core::answer::{Done, Put};
use scrip_core::command::Command;
use scrip_core::due;
use scrip_core::id::AccountId;

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::{AccountParam, AccountsParams};
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, Body, Query};

/// The studio's accounts, in the order of their opening.
#[utoipa::path(get, path = "/v1/accounts", tag = "accounts", params(AccountsParams),
    responses((status = 200, body = AccountsShown, description = "A page of accounts")))]
pub(super) async fn list(State(app): State<App>, key: Authorised, mut query: Query) -> Result<Response, Refused> {
    let search = query.text("search");
    let after = query.text("after");
    let limit = query.limit()?;
    query.finish()?;
    let parse = |id: &String| AccountId::parse(id).map_err(|error| InvalidField::new("after", error.expected));
    let after = after.as_ref().map(parse).transpose()?;
    let (studio, now, catalogs) = (key.studio, app.engine().now(), app.engine().catalogs());
    // One more than asked for tells whether there is a next page.
    let mut accounts =
        app.reading(move |engine| engine.accounts(studio, search.as_deref(), after.as_ref(), limit + 1)).await?;
    let more = accounts.len() > limit;
    accounts.truncate(limit);
    let show = |account: &std::sync::Arc<scrip_core::account::Account>| {
        if due::next_due(account).is_none_or(|at| at > now) {
            return AccountShown::from(account.as_ref());
        }
        let mut account = account.as_ref().clone();
        due::apply_due(&mut account, &catalogs, now, [0; 16]);
        AccountShown::from(&account)
    };
    Ok(reply::ok(&AccountsShown {
        next: accounts.last().filter(|_| more).map(|last| last.id.to_string()),
        accounts: accounts.iter().map(show).collect(),
    }))
}

/// An account's settings and totals.
#[utoipa::path(get, path = "/v1/accounts/{account}", tag = "accounts", params(AccountParam),
    responses((status = 200, body = AccountShown, description = "The account")))]
pub(super) async fn get(
    State(app): State<App>,
    key: Authorised,
    AccountPath(id): AccountPath,
    query: Query,
) -> Result<Response, Refused> {
    query.finish()?;
    let account = app.account_at(key.studio, &id, app.engine().now()).await?;
    Ok(reply::ok(&AccountShown::from(&account)))
}

/// Opens an account or changes its settings; absent fields stay as they are.
#[utoipa::path(put, path = "/v1/accounts/{account}", tag = "accounts", params(AccountParam),
    request_body = AccountRequest,
    responses((status = 200, body = AccountShown, description = "The account, which was there before"),
              (status = 201, body = AccountShown, description = "The account, newly opened")))]
pub(super) async fn put(
    State(app): State<App>,
    key: Authorised,
    AccountPath(id): AccountPath,
    query: Query,
    Body(request): Body<AccountRequest>,
) -> Result<Response, Refused> {
    query.finish()?;
    let settings = request.settings()?;
    let outcome = app.carry_out(&key, id.clone(), None, Command::PutAccount(settings)).await?;
    let status = match outcome.answer.done {
        Done::Put(Put::Created) => StatusCode::CREATED,
        Done::Put(Put::Updated) => StatusCode::OK,
        _ => return Err(Refused::bug("a PUT with an answer of another kind")),
    };
    let account = app.account_at(key.studio, &id, app.engine().now()).await?;
    Ok(reply::json(status, &AccountShown::from(&account)))
}
