//! `…/orders`: purchases of packages.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::try_join_all;
use scrip_api::order::{MarkPaidRequest, OrderRequest, OrderShown, OrdersShown};
use scrip_core::account::Account;
use scrip_core::answer::Done;
use scrip_core::entry::{Entry, Event, Kind, OrderChange};
use scrip_core::id::{AccountId, StudioNumber};
use scrip_core::order::{Order, OrderState, Payment};
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use scrip_engine::history::{HistoryQuery, JournalQuery};

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::{AccountParam, KeyHeader, OrderParams, OrdersParams, TrialParam};
use crate::payments;
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, Body, IdempotencyKey, OrderPath, Query, cursor, journal_cursor};
use crate::trial::Trial;

/// Orders that one page looks at, at the most.
const LOOKS: usize = 2_000;
/// The states that can be asked for.
const STATES: &str = "pending, expired, failed, paid, refunded, disputed, won or lost";

/// Orders a package: what it costs and gives is pinned from now on. With a payment provider, `checkout_url` is where to
/// pay; without one it waits for `mark-paid`.
#[utoipa::path(post, path = "/v1/accounts/{account}/orders", tag = "orders", params(AccountParam, KeyHeader),
    request_body = OrderRequest,
    responses((status = 201, body = OrderShown, description = "The order")))]
pub(super) async fn place(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    query: Query,
    IdempotencyKey(once): IdempotencyKey,
    Body(request): Body<OrderRequest>,
) -> Result<Response, Refused> {
    query.finish()?;
    let command = app.fit(key.studio, &account, request.command()).await?;
    let outcome = app.carry_out(&key, account.clone(), Some(once), command).await?;
    let mut shown = OrderShown::of_answer(&outcome.answer, account.as_str());
    if let (Some(shown), Done::Ordered { order, .. }) = (&mut shown, &outcome.answer.done) {
        shown.checkout_url = payments::pay_at(&app, key.studio, &account, order.id).await?;
    }
    reply::carried_out(StatusCode::CREATED, &outcome, shown)
}

/// An operator says that an order was paid outside a provider: its credits are there at once, and the page that
/// it could be paid at is closed.
#[utoipa::path(post, path = "/v1/accounts/{account}/orders/{order}/mark-paid", tag = "orders",
    params(OrderParams, KeyHeader, TrialParam), request_body = MarkPaidRequest,
    responses((status = 200, body = OrderShown, description = "The order, paid")))]
pub(super) async fn mark_paid(
    State(app): State<App>,
    key: Authorised,
    at: OrderPath,
    mut query: Query,
    IdempotencyKey(once): IdempotencyKey,
    Body(request): Body<MarkPaidRequest>,
) -> Result<Response, Refused> {
    let trial = query.trial()?;
    query.finish()?;
    let command = app.fit(key.studio, &at.account, request.command(at.order)).await?;
    let outcome = app.carry_out_or_try(&key, (at.account.clone(), once), command, trial).await?;
    if let (Done::Ordered { order, .. }, Trial::No) = (&outcome.answer.done, trial) {
        payments::close_page(&app, key.studio, order).await;
    }
    reply::carried_out(StatusCode::OK, &outcome, OrderShown::of_answer(&outcome.answer, at.account.as_str()))
}

/// Where an order that waits is paid: the page that it was sent to before, or a new one. Asking again changes nothing, so it
/// needs no key.
#[utoipa::path(post, path = "/v1/accounts/{account}/orders/{order}/checkout", tag = "orders", params(OrderParams),
    responses((status = 200, body = OrderShown, description = "The order, with its `checkout_url`")))]
pub(super) async fn checkout(
    State(app): State<App>,
    key: Authorised,
    at: OrderPath,
    query: Query,
) -> Result<Response, Refused> {
    query.finish()?;
    app.stored_account(key.studio, &at.account).await?;
    let order = at.order?;
    let checkout_url = payments::pay_at(&app, key.studio, &at.account, order).await?;
    let found = app.engine().order(key.studio, &at.account, order).await?.ok_or(Rejection::OrderNotFound)?;
    let found = as_of(found, app.engine().now());
    Ok(reply::ok(&OrderShown { checkout_url, ..OrderShown::of(&found, Some(at.account.as_str())) }))
}

/// One order, as it stands.
#[utoipa::path(get, path = "/v1/accounts/{account}/orders/{order}", tag = "orders", params(OrderParams),
    responses((status = 200, body = OrderShown, description = "The order")))]
pub(super) async fn get(
    State(app): State<App>,
    key: Authorised,
    at: OrderPath,
    query: Query,
) -> Result<Response, Refused> {
    query.finish()?;
    app.stored_account(key.studio, &at.account).await?;
    let found = app.engine().order(key.studio, &at.account, at.order?).await?.ok_or(Rejection::OrderNotFound)?;
    let found = as_of(found, app.engine().now());
    Ok(reply::ok(&OrderShown::of(&found, Some(at.account.as_str()))))
}

/// An account's orders, newest first.
#[utoipa::path(get, path = "/v1/accounts/{account}/orders", tag = "orders", params(AccountParam, OrdersParams),
    responses((status = 200, body = OrdersShown, description = "A page of orders")))]
pub(super) async fn list(
    State(app): State<App>,
    key: Authorised,
    AccountPath(id): AccountPath,
    mut query: Query,
) -> Result<Response, Refused> {
    let state = query.read("state", STATES, OrderState::from_word)?;
    let (mut before, limit) = (query.cursor()?, query.limit()?);
    query.finish()?;
    let account = app.stored_account(key.studio, &id).await?;
    let (mut orders, mut looked) = (Vec::new(), 0);
    while orders.len() < limit && looked < LOOKS {
        let wanted =
            HistoryQuery { before, limit: limit - orders.len(), kinds: vec![Kind::Order], ..HistoryQuery::default() };
        let of = id.clone();
        let page = app.reading(move |engine| engine.history(key.studio, &of, &wanted)).await?;
        // Its id may have been erased since the page before.
        let page = page.ok_or(Rejection::AccountNotFound)?;
        looked += page.entries.len();
        let found = page.entries.iter().map(|entry| placed_by(&app, key.studio, &account, entry));
        let found = try_join_all(found).await?.into_iter().flatten();
        orders.extend(found.filter(|order| state.is_none_or(|state| order.state() == state)));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let show = |order: &Order| OrderShown::of(order, Some(id.as_str()));
    Ok(reply::ok(&OrdersShown { orders: orders.iter().map(show).collect(), next: before.map(cursor) }))
}

/// The orders of a whole studio, newest first. A page may hold fewer than asked for and still have a next.
#[utoipa::path(get, path = "/v1/orders", tag = "orders", params(OrdersParams),
    responses((status = 200, body = OrdersShown, description = "A page of orders")))]
pub(super) async fn list_all(State(app): State<App>, key: Authorised, mut query: Query) -> Result<Response, Refused> {
    let state = query.read("state", STATES, OrderState::from_word)?;
    let (mut before, limit) = (query.journal_cursor()?, query.limit()?);
    query.finish()?;
    let (mut orders, mut looked) = (Vec::new(), 0);
    while orders.len() < limit && looked < LOOKS {
        let wanted =
            JournalQuery { before, limit: limit - orders.len(), kinds: vec![Kind::Order], ..JournalQuery::default() };
        let page = app.reading(move |engine| engine.journal(key.studio, &wanted)).await?;
        // A page of the journal that found nothing has looked at its own full measure.
        looked += page.entries.len().max(LOOKS / 4);
        for (id, entry) in page.entries {
            let Some(id) = id else { continue };
            let account = app.stored_account(key.studio, &id).await?;
            let found = placed_by(&app, key.studio, &account, &entry).await?;
            let found = found.filter(|order| state.is_none_or(|state| order.state() == state));
            orders.extend(found.map(|order| OrderShown::of(&order, Some(id.as_str()))));
        }
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    Ok(reply::ok(&OrdersShown { orders, next: before.map(journal_cursor) }))
}

/// The order that an entry placed, as it stands; `None` for an entry that placed none.
async fn placed_by(
    app: &App,
    studio: StudioNumber,
    account: &Account,
    entry: &Entry,
) -> Result<Option<Order>, Refused> {
    let Event::OrderChanged { change: OrderChange::Placed, order } = &entry.event else { return Ok(None) };
    let now = app.engine().now();
    if let Some(open) = account.orders.iter().find(|open| open.id == order.id) {
        return Ok(Some(as_of(open.clone(), now)));
    }
    let id: &AccountId = &account.id;
    Ok(app.engine().order(studio, id, order.id).await?.map(|order| as_of(order, now)))
}

/// An order whose time to be paid has come is expired, written or not (R16).
fn as_of(mut order: Order, now: Time) -> Order {
    if order.payment == Payment::Pending && order.expires_at <= now {
        order.payment = Payment::Expired;
    }
    order
}
