//! `…/automatic-top-up`: buying by itself when credits run low.

use axum::extract::State;
use axum::response::Response;
use scrip_api::code::Code;
use scrip_api::top_up::{TopUpRequest, TopUpShown};
use scrip_core::command::Command;
use scrip_core::id::{AccountId, StudioNumber};

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::AccountParam;
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, Body, Query};

/// The automatic top-up, and where it stands.
#[utoipa::path(get, path = "/v1/accounts/{account}/automatic-top-up", tag = "orders", params(AccountParam),
    responses((status = 200, body = TopUpShown, description = "The automatic top-up")))]
pub(super) async fn get(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    query: Query,
) -> Result<Response, Refused> {
    query.finish()?;
    Ok(reply::ok(&shown(&app, key.studio, &account).await?))
}

/// Sets or changes the automatic top-up. A change, or switching it on, takes off its brakes.
#[utoipa::path(put, path = "/v1/accounts/{account}/automatic-top-up", tag = "orders", params(AccountParam),
    request_body = TopUpRequest,
    responses((status = 200, body = TopUpShown, description = "The automatic top-up")))]
pub(super) async fn put(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    query: Query,
    Body(request): Body<TopUpRequest>,
) -> Result<Response, Refused> {
    query.finish()?;
    let command = app.fit(key.studio, &account, request.command()).await?;
    app.carry_out(&key, account.clone(), None, Command::PutTopUp(command)).await?;
    Ok(reply::ok(&shown(&app, key.studio, &account).await?))
}

async fn shown(app: &App, studio: StudioNumber, id: &AccountId) -> Result<TopUpShown, Refused> {
    let account = app.account_at(studio, id, app.engine().now()).await?;
    let missing = || Refused::new(Code::TopUpNotFound, "The account has no automatic top-up; PUT one to this address.");
    TopUpShown::of(&account).ok_or_else(missing)
}
