//! In and out: a portal session's address becomes a cookie, and leaving takes it away.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use scrip_api::portal::PortalVisitShown;
use scrip_api::time::Instant;

use crate::api::Ask;
use crate::form::Filled;
use crate::frame::Place;
use crate::pages::{Page, onward};
use crate::trouble::Trouble;
use crate::visit::{BACK, SESSION, Site};

/// Where a session leads: `page` (as in `buy-credits`), what is missing (`short_by`), and where the customer comes from
/// (`back`).
#[derive(Debug, serde::Deserialize)]
pub(super) struct Wish {
    page: Option<String>,
    short_by: Option<String>,
    back: Option<String>,
}

/// Lets a customer in, and leads on to an address without the token.
pub(super) async fn enter(State(site): State<Site>, Path(token): Path<String>, Query(wish): Query<Wish>) -> Page {
    let ask = Ask {
        method: "GET",
        path: "/portal-session".to_owned(),
        token: &token,
        once: None,
        body: None,
        accept: "application/json",
    };
    let session: PortalVisitShown = site.api.ask(ask).await?;
    let back = wish.back.as_deref().filter(|address| site.leads_back_to(address)).unwrap_or_default();
    let cookies = [cookie(&site, SESSION, &token, session.expires_at)?, cookie(&site, BACK, back, session.expires_at)?];
    Ok(led(&wished(&wish), cookies))
}

/// Ends the visit on this device; the token itself ends by its own time.
/// Who came from another address is led back there.
pub(super) async fn leave(filled: Filled) -> Page {
    let site = &filled.visit.site;
    let gone = [forgotten(site, SESSION)?, forgotten(site, BACK)?];
    match filled.visit.back.as_deref() {
        Some(back) if !back.starts_with('/') => Ok((with(gone), onward::back(back)).into_response()),
        Some(back) => Ok(led(back, gone)),
        None => Ok(led("/dashboard", gone)),
    }
}

/// The address of the page that is wished for.
fn wished(wish: &Wish) -> String {
    let place = Place::ALL
        .into_iter()
        .find(|place| wish.page.as_deref().is_some_and(|page| place.href().strip_prefix("/dashboard/") == Some(page)));
    let href = place.unwrap_or(Place::Overview).href();
    let plain = |text: &&String| text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match wish.short_by.as_ref().filter(plain) {
        Some(short_by) => format!("{href}?short_by={short_by}"),
        None => href.to_owned(),
    }
}

fn led<const N: usize>(to: &str, cookies: [HeaderValue; N]) -> Response {
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/dashboard"));
    let referrer = HeaderValue::from_static("no-referrer");
    let headers: [(HeaderName, HeaderValue); 2] = [(header::LOCATION, location), (header::REFERRER_POLICY, referrer)];
    (StatusCode::SEE_OTHER, headers, with(cookies)).into_response()
}

fn with<const N: usize>(cookies: [HeaderValue; N]) -> AppendHeaders<[(HeaderName, HeaderValue); N]> {
    AppendHeaders(cookies.map(|cookie| (header::SET_COOKIE, cookie)))
}

/// A cookie that ends with the session.
fn cookie(site: &Site, name: &str, value: &str, expires_at: Instant) -> Result<HeaderValue, Trouble> {
    let ends = expires_at.0.timestamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    set(site, &format!("{name}={value}; Expires={ends}"))
}

fn forgotten(site: &Site, name: &str) -> Result<HeaderValue, Trouble> {
    set(site, &format!("{name}=; Max-Age=0"))
}

/// No script reads it, no other site's form sends it. The way back from paying is a link from elsewhere, so `Lax`.
fn set(site: &Site, text: &str) -> Result<HeaderValue, Trouble> {
    let secure = if site.options.secure { "; Secure" } else { "" };
    let text = format!("{text}; Path=/; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).map_err(|_| Trouble::Ended)
}
