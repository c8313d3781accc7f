//! `…/portal-sessions`: a customer's own, short way in.

use std::net::IpAddr;

use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use scrip_api::portal::{PortalSessionRequest, PortalSessionShown, PortalVisitShown};
use scrip_api::time::Instant;
use scrip_api::unfit::InvalidField;
use scrip_core::command::Command;
use scrip_core::entry::Act;
use scrip_core::time::Time;
use scrip_engine::store::Role;

use crate::app::App;
use crate::auth::Authorised;
use crate::customer_token::{self, Claims, Reach};
use crate::openapi::AccountParam;
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, Body, Query};

/// How long a session lasts at the most that is opened by hand, in seconds: revoking the opener's key does not end it.
const BY_HAND_S: i64 = 900;

/// Lets a customer in: the address of their pages, and a token for this one account. It reads, quotes, orders, changes
/// the plan (an upgrade through payment), cancels and edits the account's settings; nothing else. Nothing is stored, so it
/// needs no key. What somebody in the console opens, or a key of the role `support`, only reads, is recorded, and lasts for
/// a quarter of an hour at most, and no longer than the session of who opens it would last: signing out ends it no sooner.
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
    let (expires_in, reason) = (request.expires_in()?, request.reason()?);
    let number = app.stored_account(key.studio, &id).await?.number;
    // By hand, not by a page of the studio's that opens one for each visit: it may do no more than its role, and what is done with it
    // would be recorded as the customer's.
    let by_hand = key.is_session() || key.role() == Some(Role::Support);
    let reach = if by_hand { Reach::Reads } else { Reach::Whole };
    let now = app.engine().now();
    let asked = whole_second(now.plus_seconds(i64::from(expires_in)));
    let ends = |most: Time| asked.min(whole_second(now.plus_seconds(BY_HAND_S))).min(most);
    let expires_at = if by_hand { ends(key.session_ends().unwrap_or(asked)) } else { asked };
    if by_hand {
        let subject = format!("for {} s", (expires_at.micros() - now.micros()).div_euclid(1_000_000));
        let record = Command::RecordAct { act: Act::PortalOpened, subject: subject.into(), reason };
        app.carry_out(&key, id.clone(), None, record).await?;
    }
    let secret = app.engine().token_secret_made(key.studio).await?;
    let token = customer_token::issue(&Claims { studio: key.studio, account: id, reach, expires_at }, number, &secret);
    let url = reached_at(&app, &headers).map(|server| format!("{server}{}{token}", crate::PORTAL));
    Ok(reply::json(StatusCode::CREATED, &PortalSessionShown { url, token, expires_at: Instant(expires_at) }))
}

/// Who the token of this request lets in: for a customer's program, which was given nothing else.
#[utoipa::path(get, path = "/v1/portal-session", tag = "portal",
    responses((status = 200, body = PortalVisitShown, description = "Whom it lets in")))]
pub(super) async fn who(State(app): State<App>, key: Authorised, query: Query) -> Result<Response, Refused> {
    query.finish()?;
    let customer = key.customer().ok_or_else(|| InvalidField::new("Authorization", "a customer token: Bearer ct_…"))?;
    let studio = app.engine().studios().into_iter().find(|(number, _)| *number == customer.studio);
    let (_, studio) = studio.ok_or_else(|| Refused::bug("a token of a studio that there is not"))?;
    Ok(reply::ok(&PortalVisitShown {
        studio: studio.to_string(),
        account: customer.account.to_string(),
        expires_at: Instant(customer.expires_at),
        only_reads: customer.only_reads(),
    }))
}

/// The first whole second that is not before an instant.
const fn whole_second(at: Time) -> Time {
    Time::from_micros((at.micros() + 999_999).div_euclid(1_000_000) * 1_000_000)
}

/// Where browsers reach this server: as it was told, else as its caller reached it on this same machine. Elsewhere it may
/// stand behind a proxy that speaks TLS, and a browser that is sent to `http://` says the token to everyone on its way.
pub(super) fn reached_at(app: &App, headers: &HeaderMap) -> Option<String> {
    let told = &app.config().payments.public_url;
    if !told.is_empty() {
        return Some(told.clone());
    }
    let host = headers.get(header::HOST)?.to_str().ok()?;
    is_this_machine(host).then(|| format!("http://{host}"))
}

/// Whether a host, with a port or without, is the machine that asks.
fn is_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    let loopback = name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    // What stands before an @ is no part of a host.
    loopback && !host.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_from_others() {
        for (host, this) in [
            ("localhost", true),
            ("LocalHost:7171", true),
            ("127.0.0.1:7171", true),
            ("127.8.9.1", true),
            ("[::1]:7171", true),
            ("credits.example", false),
            ("localhost.credits.example", false),
            ("10.0.0.7:7171", false),
            ("[::2]", false),
            ("ada@localhost", false),
            ("localhost/", false),
            ("a b", false),
            ("", false),
        ] {
            assert_eq!(is_this_machine(host), this, "{host}");
        }
    }
}
