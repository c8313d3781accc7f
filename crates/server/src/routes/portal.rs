//! `…/portal-sessions`: a customer's own, short way in.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use scrip_api::portal::{PortalSessionRequest, PortalSessionShown};
use scrip_api::time::Instant;
use scrip_api::unfit::InvalidField;
use scrip_core::time::Time;

use crate::app::App;
use crate::auth::Authorised;
use crate::customer_token::{self, Claims};
use crate::openapi::AccountParam;
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, Body, Query};

/// Lets a customer in: the address of their pages, and a token for this one account. It reads, quotes, orders, changes
/// the plan (an upgrade through payment), cancels and edits the account's settings; nothing else. Nothing is stored, so it
/// needs no key.
#[utoipa::path(post, path = "/v1/accounts/{account}/portal-sessions", tag = "portal", params(AccountParam),
    request_body = PortalSessionRequest,
    responses((status = 201, body = PortalSessionShown, description = "The session")))]
pub(super) async fn open(
    State(app): State<App>,
    key: Authorised,
    AccountPath(id): AccountPath,
    query: Query,
    headers: HeaderMap,
    Body(request): Body<PortalSessionRequest>,
) -> Result<Response, Refused> {
    query.finish()?;
    let expires_in = request.expires_in()?;
    let number = app.stored_account(key.studio, &id).await?.number;
    let expires_at = whole_second(app.engine().now().plus_seconds(i64::from(expires_in)));
    let secret = app.engine().token_secret_made(key.studio).await?;
    let token = customer_token::issue(&Claims { studio: key.studio, account: id, expires_at }, number, &secret);
    let url = format!("{}{}{token}", reached_at(&app, &headers)?, crate::PORTAL);
    Ok(reply::json(StatusCode::CREATED, &PortalSessionShown { url, token, expires_at: Instant(expires_at) }))
}

/// The first whole second that is not before an instant.
const fn whole_second(at: Time) -> Time {
    Time::from_micros((at.micros() + 999_999).div_euclid(1_000_000) * 1_000_000)
}

/// Where browsers reach this server: as it was told, else as its caller reached it.
fn reached_at(app: &App, headers: &HeaderMap) -> Result<String, Refused> {
    let told = &app.config().payments.public_url;
    if !told.is_empty() {
        return Ok(told.clone());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-[]_".contains(&byte);
    let host = host.filter(|host| !host.is_empty() && host.bytes().all(plain));
    let host = host.ok_or_else(|| InvalidField::new("Host", "a host's name, with a port or without"))?;
    Ok(format!("http://{host}"))
}
