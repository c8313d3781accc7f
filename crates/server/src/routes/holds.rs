//! `…/holds`: credits set aside for running jobs.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use scrip_api::hold::{
    ExtendRequest, HoldExtendedShown, HoldPlacedShown, HoldReleasedShown, HoldRequest, HoldSettledShown, HoldShown,
    HoldsShown, ReleaseRequest, SettleRequest,
};
use scrip_api::unfit::InvalidField;
use scrip_core::command::Command;
use scrip_core::hold::{Hold, HoldState};
use scrip_core::id::{AccountId, HoldRef};
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use scrip_engine::history::JournalPlace;

use crate::app::App;
use crate::auth::Authorised;
use crate::held::{self, Wanted};
use crate::openapi::{AccountParam, HoldParams, HoldsParams, KeyHeader, StuckParam, TrialParam};
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, Body, HoldPath, IdempotencyKey, Query, cursor, journal_cursor};

/// Sets the quoted credits aside for a job, in one atomic step.
#[utoipa::path(post, path = "/v1/accounts/{account}/holds", tag = "holds", params(AccountParam, KeyHeader),
    request_body = HoldRequest,
    responses((status = 201, body = HoldPlacedShown, description = "The hold")))]
pub(super) async fn place(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    query: Query,
    IdempotencyKey(once): IdempotencyKey,
    Body(request): Body<HoldRequest>,
) -> Result<Response, Refused> {
    query.finish()?;
    let command = app.fit(key.studio, &account, request.command()).await?;
    let outcome = app.carry_out(&key, account.clone(), Some(once), Command::PlaceHold(command)).await?;
    reply::carried_out(StatusCode::CREATED, &outcome, HoldPlacedShown::of(&outcome.answer, account.as_str()))
}

/// Charges what the job really used and frees the rest. An expired hold may still be settled, once.
#[utoipa::path(post, path = "/v1/accounts/{account}/holds/{hold}/settle", tag = "holds",
    params(HoldParams, KeyHeader), request_body = SettleRequest,
    responses((status = 200, body = HoldSettledShown, description = "The hold, settled")))]
pub(super) async fn settle(
    State(app): State<App>,
    key: Authorised,
    at: HoldPath,
    query: Query,
    IdempotencyKey(once): IdempotencyKey,
    Body(request): Body<SettleRequest>,
) -> Result<Response, Refused> {
    query.finish()?;
    let command = app.fit(key.studio, &at.account, request.command(at.hold.clone())).await?;
    let outcome = app.carry_out(&key, at.account, Some(once), command).await?;
    reply::carried_out(StatusCode::OK, &outcome, HoldSettledShown::of(&outcome.answer, &at.hold?))
}

/// Frees all that is held: the job failed, was cancelled or never ran.
#[utoipa::path(post, path = "/v1/accounts/{account}/holds/{hold}/release", tag = "holds",
    params(HoldParams, KeyHeader, TrialParam), request_body = ReleaseRequest,
    responses((status = 200, body = HoldReleasedShown, description = "The hold, released")))]
pub(super) async fn release(
    State(app): State<App>,
    key: Authorised,
    at: HoldPath,
    mut query: Query,
    IdempotencyKey(once): IdempotencyKey,
    Body(request): Body<ReleaseRequest>,
) -> Result<Response, Refused> {
    let trial = query.trial()?;
    query.finish()?;
    let command = app.fit(key.studio, &at.account, request.command(at.hold.clone())).await?;
    let outcome = app.carry_out_or_try(&key, (at.account, once), command, trial).await?;
    reply::carried_out(StatusCode::OK, &outcome, HoldReleasedShown::of(&outcome.answer, &at.hold?))
}

/// Moves a hold's deadline ahead: a running job's heartbeat.
#[utoipa::path(post, path = "/v1/accounts/{account}/holds/{hold}/extend", tag = "holds",
    params(HoldParams, KeyHeader), request_body = ExtendRequest,
    responses((status = 200, body = HoldExtendedShown, description = "The hold's deadline")))]
pub(super) async fn extend(
    State(app): State<App>,
    key: Authorised,
    at: HoldPath,
    query: Query,
    IdempotencyKey(once): IdempotencyKey,
    Body(request): Body<ExtendRequest>,
) -> Result<Response, Refused> {
    query.finish()?;
    let command = app.fit(key.studio, &at.account, request.command(at.hold.clone())).await?;
    let outcome = app.carry_out(&key, at.account, Some(once), command).await?;
    reply::carried_out(StatusCode::OK, &outcome, HoldExtendedShown::of(&outcome.answer, &at.hold?))
}

/// One hold, open or ended.
#[utoipa::path(get, path = "/v1/accounts/{account}/holds/{hold}", tag = "holds", params(HoldParams),
    responses((status = 200, body = HoldShown, description = "The hold")))]
pub(super) async fn get(
    State(app): State<App>,
    key: Authorised,
    at: HoldPath,
    query: Query,
) -> Result<Response, Refused> {
    query.finish()?;
    let hold: HoldRef = app.fit(key.studio, &at.account, at.hold).await?;
    app.stored_account(key.studio, &at.account).await?;
    let now = app.engine().now();
    let found = app.engine().hold(key.studio, &at.account, &hold).await?.ok_or(Rejection::HoldNotFound)?;
    let found = held::as_of(found, now);
    Ok(reply::ok(&shown(&app, &key, &at.account, &found)))
}

/// A hold as it stands. That its job may be gone is for operators to judge: customers are not told.
fn shown(app: &App, key: &Authorised, account: &AccountId, hold: &Hold) -> HoldShown {
    let stuck = key.customer().is_none() && hold.is_stuck(key.studio, &app.engine().catalogs(), app.engine().now());
    HoldShown { stuck, ..HoldShown::of(hold, Some(account.as_str())) }
}

/// An account's holds, newest first.
#[utoipa::path(get, path = "/v1/accounts/{account}/holds", tag = "holds", params(AccountParam, HoldsParams),
    responses((status = 200, body = HoldsShown, description = "A page of holds")))]
pub(super) async fn list(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    query: Query,
) -> Result<Response, Refused> {
    let wanted = wanted(query, Query::cursor, app.engine().now())?;
    let page = held::of_account(&app, key.studio, &account, &wanted).await?;
    let holds = page.holds.iter().map(|hold| shown(&app, &key, &account, hold));
    Ok(reply::ok(&HoldsShown { holds: holds.collect(), next: page.next.map(cursor) }))
}

/// The holds of a whole studio, newest first. A page may hold fewer than asked for and still have a next. With `stuck=true`
/// the open ones that have lasted longer than their tool's holds do at first, oldest first.
#[utoipa::path(get, path = "/v1/holds", tag = "holds", params(HoldsParams, StuckParam),
    responses((status = 200, body = HoldsShown, description = "A page of holds")))]
pub(super) async fn list_all(State(app): State<App>, key: Authorised, mut query: Query) -> Result<Response, Refused> {
    if query.read("stuck", "true or false", |text| text.parse::<bool>().ok())? == Some(true) {
        return stuck(&app, &key, query).await;
    }
    let wanted = wanted(query, Query::journal_cursor, app.engine().now())?;
    let page = held::of_studio(&app, key.studio, &wanted).await?;
    let holds = page.holds.iter().map(|(account, hold)| shown(&app, &key, account, hold));
    Ok(reply::ok(&HoldsShown { holds: holds.collect(), next: page.next.map(journal_cursor) }))
}

async fn stuck(app: &App, key: &Authorised, query: Query) -> Result<Response, Refused> {
    let wanted = wanted(query, Query::place_cursor, app.engine().now())?;
    if wanted.state.is_some_and(|state| state != HoldState::Open) {
        return Err(InvalidField::new("state", "open, or nothing, with stuck=true").into());
    }
    let page = held::stuck(app, key.studio, &wanted).await?;
    let holds = page.holds.iter().map(|(account, hold)| shown(app, key, account, hold));
    let next = page.next.map(|place| journal_cursor(JournalPlace::Entry(place)));
    Ok(reply::ok(&HoldsShown { holds: holds.collect(), next }))
}

/// What is asked for, from the page's beginning that `cursor` reads.
fn wanted<P>(
    mut query: Query,
    cursor: impl FnOnce(&mut Query) -> Result<Option<P>, InvalidField>,
    now: Time,
) -> Result<Wanted<P>, InvalidField> {
    let wanted = Wanted {
        state: query.read("state", "open, settled, released or expired", HoldState::from_word)?,
        before: cursor(&mut query)?,
        limit: query.limit()?,
        now,
    };
    query.finish()?;
    Ok(wanted)
}
