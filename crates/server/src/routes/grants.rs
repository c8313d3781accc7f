//! `…/grants`, `…/lots/{lot}/revoke`, `…/debt/write-off`: what operators give, take back and forgive.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use scrip_api::grant::{GrantRequest, GrantShown, RevokeShown, TakeBackRequest, WriteOffShown};
use scrip_core::command::Command;
use scrip_core::lot::Class;

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::{AccountParam, KeyHeader, LotParams, TrialParam};
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, Body, IdempotencyKey, LotPath, Query};

/// Gives credits: a promo, a make-good or a top-up, with a reason.
#[utoipa::path(post, path = "/v1/accounts/{account}/grants", tag = "grants", params(AccountParam, KeyHeader, TrialParam),
    request_body = GrantRequest,
    responses((status = 201, body = GrantShown, description = "The new lot")))]
pub(super) async fn grant(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    mut query: Query,
    IdempotencyKey(once): IdempotencyKey,
    Body(request): Body<GrantRequest>,
) -> Result<Response, Refused> {
    let trial = query.trial()?;
    query.finish()?;
    let command = request.command();
    if matches!(&command, Ok(Command::Grant(grant)) if grant.class != Class::MakeGood) {
        key.must_be_whole()?;
    }
    let command = app.fit(key.studio, &account, command).await?;
    let outcome = app.carry_out_or_try(&key, (account, once), command, trial).await?;
    reply::carried_out(StatusCode::CREATED, &outcome, GrantShown::of(&outcome.answer))
}

/// Takes back what is left and unheld of a lot.
#[utoipa::path(post, path = "/v1/accounts/{account}/lots/{lot}/revoke", tag = "grants", params(LotParams, KeyHeader, TrialParam),
    request_body = TakeBackRequest,
    responses((status = 200, body = RevokeShown, description = "What was taken back")))]
pub(super) async fn revoke(
    State(app): State<App>,
    key: Authorised,
    at: LotPath,
    mut query: Query,
    IdempotencyKey(once): IdempotencyKey,
    Body(request): Body<TakeBackRequest>,
) -> Result<Response, Refused> {
    let trial = query.trial()?;
    query.finish()?;
    let command = app.fit(key.studio, &at.account, request.revoke(at.lot)).await?;
    let outcome = app.carry_out_or_try(&key, (at.account, once), command, trial).await?;
    reply::carried_out(StatusCode::OK, &outcome, RevokeShown::of(&outcome.answer))
}

/// Forgives a debt, or part of one.
#[utoipa::path(post, path = "/v1/accounts/{account}/debt/write-off", tag = "grants",
    params(AccountParam, KeyHeader, TrialParam), request_body = TakeBackRequest,
    responses((status = 200, body = WriteOffShown, description = "What was forgiven")))]
pub(super) async fn write_off(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    mut query: Query,
    IdempotencyKey(once): IdempotencyKey,
    Body(request): Body<TakeBackRequest>,
) -> Result<Response, Refused> {
    let trial = query.trial()?;
    query.finish()?;
    let command = app.fit(key.studio, &account, request.write_off()).await?;
    let outcome = app.carry_out_or_try(&key, (account, once), command, trial).await?;
    reply::carried_out(StatusCode::OK, &outcome, WriteOffShown::of(&outcome.answer))
}
