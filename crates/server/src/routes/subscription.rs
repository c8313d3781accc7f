//! `…/subscription`: an account on a plan.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use scrip_api::code::Code;
use scrip_api::subscription::{PreviewRequest, PreviewShown, SubscriptionRequest, SubscriptionShown};
use scrip_core::answer::{Done, Put};
use scrip_core::command::{Asker, Command};
use scrip_core::id::{AccountId, StudioNumber};
use scrip_core::rejection::Rejection;
use scrip_core::statement;

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::AccountParam;
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, Body, Query};

/// The subscription as it stands.
#[utoipa::path(get, path = "/v1/accounts/{account}/subscription", tag = "subscription", params(AccountParam),
    responses((status = 200, body = SubscriptionShown, description = "The subscription")))]
pub(super) async fn get(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    query: Query,
) -> Result<Response, Refused> {
    query.finish()?;
    Ok(reply::ok(&shown(&app, key.studio, &account).await?))
}

/// Subscribes, changes the plan or the state. A larger plan is there at once, a smaller one at the term's end. A customer says
/// only the plan, and what would begin at once is ordered instead.
#[utoipa::path(put, path = "/v1/accounts/{account}/subscription", tag = "subscription", params(AccountParam),
    request_body = SubscriptionRequest,
    responses((status = 200, body = SubscriptionShown, description = "The subscription, which was there before"),
              (status = 201, body = SubscriptionShown, description = "The subscription, newly begun")))]
pub(super) async fn put(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    query: Query,
    Body(request): Body<SubscriptionRequest>,
) -> Result<Response, Refused> {
    query.finish()?;
    if key.asker() == Asker::Customer
        && (request.anchor.is_some() || request.state.is_some() || request.reason.is_some())
    {
        let detail = "A customer chooses a plan; when it began, how it stands and why is for the studio to say.";
        return Err(Refused::new(Code::Forbidden, detail));
    }
    let command = app.fit(key.studio, &account, request.command(key.asker())).await?;
    let outcome = app.carry_out(&key, account.clone(), None, Command::PutSubscription(command)).await?;
    let status = match outcome.answer.done {
        Done::Put(Put::Created) => StatusCode::CREATED,
        Done::Put(Put::Updated) => StatusCode::OK,
        _ => return Err(Refused::bug("a PUT with an answer of another kind")),
    };
    Ok(reply::json(status, &shown(&app, key.studio, &account).await?))
}

/// Cancels at the term's end; refills go on until then.
#[utoipa::path(delete, path = "/v1/accounts/{account}/subscription", tag = "subscription", params(AccountParam),
    responses((status = 200, body = SubscriptionShown, description = "The subscription, with its end")))]
pub(super) async fn cancel(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    query: Query,
) -> Result<Response, Refused> {
    query.finish()?;
    app.carry_out(&key, account.clone(), None, Command::CancelSubscription).await?;
    Ok(reply::ok(&shown(&app, key.studio, &account).await?))
}

/// What asking for a plan would do, without doing it.
#[utoipa::path(post, path = "/v1/accounts/{account}/subscription/preview", tag = "subscription",
    params(AccountParam), request_body = PreviewRequest,
    responses((status = 200, body = PreviewShown, description = "What it would do")))]
pub(super) async fn preview(
    State(app): State<App>,
    key: Authorised,
    AccountPath(id): AccountPath,
    query: Query,
    Body(request): Body<PreviewRequest>,
) -> Result<Response, Refused> {
    query.finish()?;
    let plan = app.fit(key.studio, &id, request.plan()).await?;
    let now = app.engine().now();
    let account = app.account_at(key.studio, &id, now).await?;
    let preview = statement::preview(&account, &app.engine().catalogs(), &plan, now)?;
    let shown = PreviewShown::of(&preview).ok_or_else(|| Refused::bug("a plan that leaves no subscription"))?;
    Ok(reply::ok(&shown))
}

async fn shown(app: &App, studio: StudioNumber, id: &AccountId) -> Result<SubscriptionShown, Refused> {
    let now = app.engine().now();
    let account = app.account_at(studio, id, now).await?;
    let view = statement::subscription(&account, &app.engine().catalogs(), now);
    Ok(SubscriptionShown::from(&view.ok_or(Rejection::SubscriptionNotFound)?))
}
