//! In and out: a key becomes a short session in a cookie, and is kept nowhere.

use std::net::SocketAddr;

use askama::Template;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scrip_api::code::Code;
use scrip_api::console::ConsoleSessionShown;

use super::Page;
use super::desk::{Denied, SESSION, Sent, fields};
use crate::SignInOffer;
use crate::assets::{self, Assets};
use crate::frame;
use crate::trouble::Trouble;
use crate::visit::Site;

/// The longest form, in bytes.
const LEN_MAX: usize = 4 * 1024;

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignIn {
    assets: &'static Assets,
    wrong: Option<String>,
    offers: Vec<SignInOffer>,
}

/// Why somebody is back here.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Back {
    why: Option<String>,
}

/// The page.
pub(super) async fn page(State(site): State<Site>, Query(back): Query<Back>) -> Response {
    let wrong = back.why.as_deref().map(|why| {
        match why {
            "no_role" => "You are known there, and have no role here. Ask who looks after this server.",
            "refused" => "You were not signed in there.",
            "unreachable" => "The provider could not be reached; try again in a moment.",
            "rate_limited" => "Too many attempts came from your address; try again in a quarter of an hour.",
            _ => "That did not work; try again.",
        }
        .to_owned()
    });
    shown(&site, StatusCode::OK, wrong)
}

fn shown(site: &Site, status: StatusCode, wrong: Option<String>) -> Response {
    frame::html(status, &SignIn { assets: assets::all(), wrong, offers: site.options.sign_in.clone() })
}

/// Signs in.
pub(super) async fn enter(State(site): State<Site>, request: Request) -> Page {
    let (parts, body) = request.into_parts();
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().copied();
    let fields = fields(parts, body, &site, LEN_MAX).await?;
    let key = fields.iter().find(|(name, _)| name == "key").map(|(_, key)| key.trim()).unwrap_or_default();
    match site.api.sign_in::<ConsoleSessionShown>(key, peer).await {
        Ok(session) => led("/console", &set(&site, &session.token, "")?),
        Err(trouble) => {
            let words = told(&trouble);
            let status =
                if trouble.is(Code::RateLimited) { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::FORBIDDEN };
            Ok(shown(&site, status, Some(words)))
        }
    }
}

fn told(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Ended => "This key is not known, or was revoked.".to_owned(),
        Trouble::Problem(problem) => problem.detail.clone(),
        Trouble::NotFromHere | Trouble::NoPage | Trouble::Fault => {
            "That did not work; try again in a moment.".to_owned()
        }
    }
}

/// Ends the session on this device; its token ends by its own time.
pub(super) async fn leave(sent: Sent) -> Page {
    led("/console/sign-in", &set(&sent.desk.site, "", "; Max-Age=0")?)
}

fn led(to: &'static str, cookie: &HeaderValue) -> Page {
    let headers = [(header::LOCATION, HeaderValue::from_static(to)), (header::SET_COOKIE, cookie.clone())];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// No script reads it, no other site's link or form sends it, and it ends with the browser at the latest.
fn set(site: &Site, token: &str, more: &str) -> Result<HeaderValue, Denied> {
    let secure = if site.options.secure { "; Secure" } else { "" };
    let text = format!("{SESSION}={token}; Path=/console; HttpOnly; SameSite=Strict{secure}{more}");
    HeaderValue::from_str(&text).map_err(|_| Denied(Trouble::Fault))
}
