//! `…/charges`: credits taken at once, and given back.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use scrip_api::charge::{ChargeRequest, ChargeShown, RefundRequest, RefundShown};
use scrip_core::command::Command;

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::{AccountParam, ChargeParams, KeyHeader, TrialParam};
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, Body, ChargePath, IdempotencyKey, Query};

/// Takes credits at once, without a hold.
#[utoipa::path(post, path = "/v1/accounts/{account}/charges", tag = "charges", params(AccountParam, KeyHeader),
    request_body = ChargeRequest,
    responses((status = 201, body = ChargeShown, description = "The charge")))]
pub(super) async fn charge(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    query: Query,
    IdempotencyKey(once): IdempotencyKey,
    Body(request): Body<ChargeRequest>,
) -> Result<Response, Refused> {
    query.finish()?;
    let command = app.fit(key.studio, &account, request.command()).await?;
    let outcome = app.carry_out(&key, account, Some(once), Command::Charge(command)).await?;
    reply::carried_out(StatusCode::CREATED, &outcome, ChargeShown::of(&outcome.answer))
}

/// Gives credits back to the lots that paid, last taken first.
#[utoipa::path(post, path = "/v1/accounts/{account}/charges/{charge}/refunds", tag = "charges",
    params(ChargeParams, KeyHeader, TrialParam), request_body = RefundRequest,
    responses((status = 201, body = RefundShown, description = "The refund")))]
pub(super) async fn refund(
    State(app): State<App>,
    key: Authorised,
    at: ChargePath,
    mut query: Query,
    IdempotencyKey(once): IdempotencyKey,
    Body(request): Body<RefundRequest>,
) -> Result<Response, Refused> {
    let trial = query.trial()?;
    query.finish()?;
    let command = app.fit(key.studio, &at.account, request.command(at.charge)).await?;
    let outcome = app.carry_out_or_try(&key, (at.account, once), command, trial).await?;
    reply::carried_out(StatusCode::CREATED, &outcome, RefundShown::of(&outcome.answer))
}
