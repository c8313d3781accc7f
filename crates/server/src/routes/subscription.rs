//! `…/subscription`: an account on a plan.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use scrip_api::code::Code;
use scrip_api::subscription::{PreviewRequest, PreviewShown, SubscriptionRequest, SubscriptionShown, mark};
use scrip_api::time::Instant;
use scrip_core::answer::{Done, Put};
use scrip_core::command::{Asker, Cancellation, Command};
use scrip_core::id::{AccountId, StudioNumber};
use scrip_core::rejection::Rejection;
use scrip_core::statement;

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::{AccountParam, CancelParams};
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

/// Cancels at the term's end; refills go on until then. Before its first cycle, it ends at once.
#[utoipa::path(delete, path = "/v1/accounts/{account}/subscription", tag = "subscription",
    params(AccountParam, CancelParams),
    responses((status = 200, body = SubscriptionShown, description = "The subscription, with its end")))]
pub(super) async fn cancel(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    mut query: Query,
) -> Result<Response, Refused> {
    let reason = query.reason()?;
    let mark = query.text("mark").as_deref().map(mark).transpose()?;
    query.finish()?;
    if key.asker() == Asker::Customer && reason.is_some() {
        return Err(Refused::new(Code::Forbidden, "Why a plan is cancelled is for the studio to say."));
    }
    let command = Command::CancelSubscription(Cancellation { reason, mark });
    let before = shown(&app, key.studio, &account).await?;
    app.carry_out(&key, account.clone(), None, command).await?;
    match shown(&app, key.studio, &account).await {
        Ok(shown) => Ok(reply::ok(&shown)),
        // Before its first cycle it ended at once.
        Err(Refused(problem)) if problem.code == Code::SubscriptionNotFound => {
            Ok(reply::ok(&SubscriptionShown { ends_at: Some(Instant(app.engine().now())), ..before }))
        }
        Err(refused) => Err(refused),
    }
}

/// What asking for a plan, or cancelling, would do, without doing it.
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
    let command = app.fit(key.studio, &id, request.command()).await?;
    let (now, catalogs) = (app.engine().now(), app.engine().catalogs());
    let account = app.account_at(key.studio, &id, now).await?;
    let mut preview = statement::preview(&account, &catalogs, &command, now)?;
    let ends_at_once = preview.subscription.is_none();
    if ends_at_once {
        preview.subscription = statement::subscription(&account, &catalogs, now);
    }
    let mut shown =
        PreviewShown::of(&preview).ok_or_else(|| Refused::bug("a change of a subscription that there is not"))?;
    if ends_at_once {
        shown.subscription.ends_at = Some(Instant(now));
    }
    Ok(reply::ok(&shown))
}

async fn shown(app: &App, studio: StudioNumber, id: &AccountId) -> Result<SubscriptionShown, Refused> {
    let now = app.engine().now();
    let account = app.account_at(studio, id, now).await?;
    let view = statement::subscription(&account, &app.engine().catalogs(), now);
    Ok(SubscriptionShown::from(&view.ok_or(Rejection::SubscriptionNotFound)?))
}
