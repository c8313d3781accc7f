//! `/v1/sign-in/{studio}`: signing in to the console through the studio's OpenID Connect provider. Browsers call it.
//!
//! No key of ours: the provider signs who it is. Where it ends, in the console or on its first page, is said by where the browser
//! is sent; why somebody was not let in is said to them in a word, and to the log in more. Nothing here counts as a guess: state,
//! nonce and verifier are 256 random bits each, and a fault of the provider must keep nobody out who has a key.

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scrip_api::code::Code;
use scrip_core::entry::Act;
use scrip_core::id::StudioNumber;
use scrip_engine::engine::Deed;
use scrip_engine::store::Role;
use scrip_oidc::{Answer, Begun, Error};
use subtle::ConstantTimeEq;

use super::console::ends;
use super::portal::reached_at;
use crate::app::App;
use crate::config::SignInProvider;
use crate::console_token::{self, Claims, TEXT_MAX, Who};
use crate::openapi::StudioParam;
use crate::problem::Refused;
use crate::reply;
use crate::request::StudioPath;

/// What the browser keeps between leaving for the provider and coming back.
const KEPT: &str = "scrip_sign_in";
/// For how long, in seconds.
const KEPT_FOR_S: u32 = 600;
/// Sign-ins that one browser may have begun, in as many tabs: it sends the cookie with each, so it must stay short.
const KEPT_MAX: usize = 4;
/// The length of each part of what is kept: 256 bits in base64url.
const PART_LEN: usize = 43;
/// The longest code of a provider, in bytes.
const CODE_MAX: usize = 4_096;

/// Sends a browser to the studio's provider, to sign in there.
#[utoipa::path(get, path = "/v1/sign-in/{studio}", tag = "console", params(StudioParam),
    responses((status = 303, description = "To the provider; or back to the console's first page, which says why not")))]
pub(super) async fn begin(
    State(app): State<App>,
    StudioPath(studio): StudioPath,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let (_, provider) = provider(&app, &studio)?;
    let at = comes_back_to(&app, &studio, &headers)?;
    let begun = match provider.client.begin(&at, &|| seconds(&app)).await {
        Ok(begun) => begun,
        Err(error) => {
            tracing::warn!(%studio, %error, "nobody can sign in to the console through the provider");
            return Ok(led_back("unreachable"));
        }
    };
    let to = HeaderValue::from_str(&begun.url).map_err(|_| Refused::bug("a provider's address that is no header"))?;
    let mut all = kept(&headers);
    all.truncate(KEPT_MAX - 1);
    all.insert(0, Kept::of(begun));
    // It comes back from the provider's site, so it cannot be strict; it lets nobody in by itself.
    let cookie = cookie(&app, &studio, &all)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to), (header::SET_COOKIE, cookie)]).into_response())
}

/// Where the browser comes back to, with the provider's code: a session begins, if the provider says that it is somebody who has
/// a role here.
#[utoipa::path(get, path = "/v1/sign-in/{studio}/return", tag = "console", params(StudioParam),
    responses((status = 200, description = "A page that leads on into the console, with the session in a cookie", body = String, content_type = "text/html"),
              (status = 303, description = "Back to the console's first page, which says why not")))]
pub(super) async fn come_back(
    State(app): State<App>,
    StudioPath(studio): StudioPath,
    request: Request,
) -> Result<Response, Refused> {
    let (number, provider) = provider(&app, &studio)?;
    let (parts, _) = request.into_parts();
    let given = parameter(parts.uri.query().unwrap_or_default(), "state").unwrap_or_default();
    let same = |kept: &Kept| bool::from(kept.state.as_bytes().ct_eq(given.as_bytes()));
    let (set_out, others): (Vec<Kept>, Vec<Kept>) = kept(&parts.headers).into_iter().partition(same);
    let came = Came { studio: &studio, parts: &parts, set_out: set_out.first() };
    let mut response = match signed_in(&app, number, provider, &came).await? {
        Ok(token) => into_the_console(&app, &token)?,
        Err(NotIn { word, why }) => {
            tracing::warn!(%studio, %why, "somebody was not signed in to the console");
            led_back(word)
        }
    };
    // What it set out with is used, whatever came of it; what another tab set out with is not.
    if !set_out.is_empty() {
        response.headers_mut().append(header::SET_COOKIE, cookie(&app, &studio, &others)?);
    }
    Ok(response)
}

/// What came back.
struct Came<'a> {
    studio: &'a str,
    parts: &'a Parts,
    /// What this browser set out with; `None`: it did not.
    set_out: Option<&'a Kept>,
}

/// What a browser keeps of a sign-in that it set out for.
struct Kept {
    state: String,
    nonce: String,
    verifier: String,
}

impl Kept {
    fn of(begun: Begun) -> Kept {
        Kept { state: begun.state, nonce: begun.nonce, verifier: begun.verifier }
    }

    fn read(text: &str) -> Option<Kept> {
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        let [state, nonce, verifier] = parts.try_into().ok()?;
        let digit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let fits = |part: &String| part.len() == PART_LEN && part.bytes().all(digit);
        let whole = [&state, &nonce, &verifier].into_iter().all(fits);
        whole.then_some(Kept { state, nonce, verifier })
    }
}

/// Why somebody is not let in.
struct NotIn {
    /// For them.
    word: &'static str,
    /// For the log.
    why: String,
}

impl NotIn {
    fn new(word: &'static str, why: impl std::fmt::Display) -> NotIn {
        NotIn { word, why: why.to_string() }
    }
}

/// The session's token.
async fn signed_in(
    app: &App,
    studio: StudioNumber,
    provider: &SignInProvider,
    came: &Came<'_>,
) -> Result<Result<String, NotIn>, Refused> {
    let at = comes_back_to(app, came.studio, &came.parts.headers)?;
    let (code, kept) = match brought(provider, came) {
        Ok(brought) => brought,
        Err(not_in) => return Ok(Err(not_in)),
    };
    let answer = Answer { code: &code, redirect_uri: &at, nonce: &kept.nonce, verifier: &kept.verifier };
    let claims = match provider.client.finish(&answer, &|| seconds(app)).await {
        Ok(claims) => claims,
        Err(error @ Error::Unusable(_)) => return Ok(Err(NotIn::new("unreachable", error))),
        Err(error @ (Error::Refused | Error::Token(_))) => return Ok(Err(NotIn::new("again", error))),
    };
    let Some((value, name, role)) = person(provider, &claims) else {
        return Ok(Err(NotIn::new("no_role", "the provider knows them, and no role is set for them here")));
    };
    if role == Role::Jobs {
        return Ok(Err(NotIn::new("no_role", "the role jobs is for programs")));
    }
    let secret = app.engine().token_secret_made(studio).await?;
    app.engine().record(studio, name.as_str().into(), Deed::of(Act::SignedIn, "console")).await?;
    let who = Who::Person { provider: provider.digest(), value: value.into(), name: name.into() };
    Ok(Ok(console_token::issue(&Claims { studio, who, expires_at: ends(app.engine().now()) }, &secret)))
}

/// The code, where the browser that came back is the one that set out, and what it set out with.
fn brought<'a>(provider: &SignInProvider, came: &Came<'a>) -> Result<(String, &'a Kept), NotIn> {
    let query = came.parts.uri.query().unwrap_or_default();
    let given = |name: &str| parameter(query, name);
    let kept = came.set_out;
    let kept =
        kept.ok_or_else(|| NotIn::new("again", "this browser did not set out with this state, or too long ago"))?;
    // Who set out for one provider must not come back from another (RFC 9207).
    if given("iss").is_some_and(|issuer| issuer != provider.client.issuer().as_str()) {
        return Err(NotIn::new("again", "it is another provider's answer"));
    }
    if let Some(error) = given("error") {
        let plain: String = error.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        return Err(NotIn::new("refused", format!("the provider says {plain}")));
    }
    let code = given("code").filter(|code| !code.is_empty() && code.len() <= CODE_MAX);
    Ok((code.ok_or_else(|| NotIn::new("again", "there is no code"))?, kept))
}

/// A parameter that is given once.
fn parameter(query: &str, name: &str) -> Option<String> {
    let uri = format!("/?{query}").parse().ok()?;
    let axum::extract::Query(pairs) = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).ok()?;
    let mut named = pairs.into_iter().filter(|(other, _)| other == name);
    let (_, value) = named.next()?;
    named.next().is_none().then_some(value)
}

/// What the browser kept, the newest first.
fn kept(headers: &HeaderMap) -> Vec<Kept> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let all = pairs.find(|(name, _)| *name == KEPT).map_or("", |(_, all)| all);
    all.split('~').filter_map(Kept::read).take(KEPT_MAX).collect()
}

/// What somebody's role hangs on, their name in the audit trail, and their role here.
fn person(provider: &SignInProvider, claims: &scrip_oidc::Claims) -> Option<(String, String, Role)> {
    let verified = claims.is_true("email_verified");
    if provider.claim == "email" && !verified {
        return None;
    }
    let values = claims.texts(&provider.claim);
    let (value, role) = provider.roles.iter().find(|(value, _)| values.contains(&value.as_str()))?;
    let email = claims.text("email").filter(|email| verified && email.contains('@')).map(str::to_owned);
    // Not an id alone: nobody may be called as a key or the command line is.
    let name = email.unwrap_or_else(|| format!("{} at {}", claims.subject(), provider.client.issuer().host()));
    let fits = |text: &str| !text.is_empty() && text.len() <= TEXT_MAX && !text.chars().any(char::is_control);
    (fits(&name) && fits(value)).then(|| (value.clone(), name.clone(), *role))
}

fn provider<'a>(app: &'a App, studio: &str) -> Result<(StudioNumber, &'a SignInProvider), Refused> {
    let none = || Refused::new(Code::NotFound, "There is no such studio here whose people sign in through a provider.");
    let number = app.engine().studios().into_iter().find(|(_, id)| id.as_str() == studio).map(|(number, _)| number);
    let number = number.ok_or_else(none)?;
    Ok((number, app.sign_in_provider(number).ok_or_else(none)?))
}

/// Where the provider sends the browser: it must know this address.
fn comes_back_to(app: &App, studio: &str, headers: &HeaderMap) -> Result<String, Refused> {
    let server = reached_at(app, headers);
    let server = server.ok_or_else(|| {
        Refused::new(Code::NotFound, "Where browsers reach this server is not said: set --public-url.")
    })?;
    Ok(format!("{server}/v1/sign-in/{studio}/return"))
}

fn seconds(app: &App) -> i64 {
    app.engine().now().micros().div_euclid(1_000_000)
}

/// What the browser is to keep from now on; nothing: the cookie goes.
fn cookie(app: &App, studio: &str, all: &[Kept]) -> Result<HeaderValue, Refused> {
    let secure = secure(app);
    let seconds = if all.is_empty() { 0 } else { KEPT_FOR_S };
    let texts: Vec<_> = all.iter().map(|kept| format!("{}.{}.{}", kept.state, kept.nonce, kept.verifier)).collect();
    let text = texts.join("~");
    let text = format!("{KEPT}={text}; Path=/v1/sign-in/{studio}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).map_err(|_| Refused::bug("a cookie that is no header"))
}

/// The session's cookie is strict, and this answer comes at the end of a way over the provider's site: so it is a page that leads
/// on, and not a redirect, with which the browser would not send it.
fn into_the_console(app: &App, token: &str) -> Result<Response, Refused> {
    let html = "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=\"0;url=/console\">\
        <meta name=viewport content=\"width=device-width, initial-scale=1\"><title>Signed in</title>\
        <main><h1>Signed in</h1><p><a href=\"/console\">To the console</a></p></main></html>";
    let mut response = reply::typed(StatusCode::OK, "text/html; charset=utf-8", html.into());
    let session = format!(
        "{}={token}; Path={}; HttpOnly; SameSite=Strict{}",
        crate::CONSOLE_SESSION,
        crate::CONSOLE,
        secure(app)
    );
    let session = HeaderValue::from_str(&session).map_err(|_| Refused::bug("a cookie that is no header"))?;
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, session);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

fn secure(app: &App) -> &'static str {
    if app.config().payments.public_url.starts_with("https://") { "; Secure" } else { "" }
}

/// Back to the console's first page, which says why.
fn led_back(word: &'static str) -> Response {
    let to = HeaderValue::from_str(&format!("{}/sign-in?why={word}", crate::CONSOLE));
    let to = to.unwrap_or(HeaderValue::from_static(crate::CONSOLE));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}
