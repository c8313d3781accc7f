//! A desk: an operator who has signed in, whom a page of the console is made for, and what goes wrong at it.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scrip_api::account::AccountShown;
use scrip_api::code::Code;
use scrip_api::console::ConsoleVisitShown;
use scrip_core::id::AccountId;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::words::Names;
use crate::api::{Answered, Ask};
use crate::assets::{self, Assets};
use crate::form;
use crate::frame;
use crate::receipt::Reader;
use crate::trouble::Trouble;
use crate::visit::{Site, cookie};

/// The cookie of the session.
pub(crate) const SESSION: &str = "scrip_console";

/// The longest form, in bytes: a catalog of 1 MiB, escaped.
const LEN_MAX: usize = 4 << 20;

/// An operator with a session.
pub(crate) struct Desk {
    pub(crate) site: Site,
    pub(crate) token: String,
    /// What the API says of the session.
    pub(crate) visit: ConsoleVisitShown,
    /// What the browser says of languages.
    pub(crate) language: String,
}

impl FromRequestParts<Site> for Desk {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Desk, Denied> {
        let token = cookie(&parts.headers, SESSION)
            .filter(|token| token.starts_with("cs_"))
            .ok_or(Denied(Trouble::Ended))?
            .to_owned();
        let ask = Ask {
            method: "GET",
            path: "/console-session".to_owned(),
            token: &token,
            once: None,
            body: None,
            accept: "application/json",
        };
        let visit: ConsoleVisitShown = site.api.ask(ask).await?;
        let language = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Desk { site: site.clone(), visit, language: language.unwrap_or_default().to_owned(), token })
    }
}

impl Desk {
    /// Reads something of the studio.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Denied> {
        Ok(self.site.api.ask(self.asking("GET", path.to_owned())).await?)
    }

    /// Asks for a change.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: &'static str,
        path: String,
        once: Option<&str>,
        body: Value,
    ) -> Result<T, Denied> {
        let ask = Ask { once, body: Some(body), ..self.asking(method, path) };
        Ok(self.site.api.ask(ask).await?)
    }

    /// Asks for what happens once.
    pub(crate) async fn send_once<T: DeserializeOwned>(
        &self,
        path: String,
        once: &str,
        body: Value,
    ) -> Result<Answered<T>, Denied> {
        let ask = Ask { once: Some(once), body: Some(body), ..self.asking("POST", path) };
        Ok(self.site.api.ask_once(ask).await?)
    }

    /// Takes something away.
    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: String) -> Result<T, Denied> {
        Ok(self.site.api.ask(self.asking("DELETE", path)).await?)
    }

    /// The reader of an account's history.
    pub(crate) fn reader<'a>(&'a self, account: &'a AccountId) -> Reader<'a> {
        Reader { api: &self.site.api, token: &self.token, account: account.as_str() }
    }

    /// The catalog in force, for its names; none where none is in force yet.
    pub(crate) async fn catalog(&self) -> Result<Names, Denied> {
        match self.get("/catalog").await {
            Ok(catalog) => Ok(Names(Some(catalog))),
            Err(Denied(Trouble::Problem(problem))) if problem.code == Code::CatalogVersionNotFound => Ok(Names(None)),
            Err(denied) => Err(denied),
        }
    }

    /// The names of accounts for people, by their ids: of those that have one.
    pub(crate) async fn people<'a>(
        &self,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, String>, Denied> {
        let ids: BTreeSet<&str> = ids.collect();
        let mut people = BTreeMap::new();
        for id in ids {
            match self.get::<AccountShown>(&format!("/accounts/{id}")).await {
                Ok(account) => people.extend(account.name.map(|name| (id.to_owned(), name))),
                Err(Denied(Trouble::Problem(problem))) if problem.code == Code::AccountNotFound => {}
                Err(denied) => return Err(denied),
            }
        }
        Ok(people)
    }

    /// Whether the role may make a call, as in `POST /v1/accounts/{account}/grants`.
    pub(crate) fn may(&self, call: &str) -> bool {
        self.visit.role == "admin" || self.visit.calls.iter().any(|known| known == call)
    }

    fn asking(&self, method: &'static str, path: String) -> Ask<'_> {
        Ask { method, path, token: &self.token, once: None, body: None, accept: "application/json" }
    }
}

/// A form that came from one of this session's own pages.
pub(crate) struct Sent {
    pub(crate) desk: Desk,
    fields: Vec<(String, String)>,
}

impl FromRequest<Site> for Sent {
    type Rejection = Denied;

    async fn from_request(request: Request, site: &Site) -> Result<Sent, Denied> {
        let (mut parts, body) = request.into_parts();
        let desk = Desk::from_request_parts(&mut parts, site).await?;
        let fields = fields(parts, body, site, LEN_MAX).await?;
        let sent = Sent { desk, fields };
        let seal = form::seal(&sent.desk.token);
        let given = sent.text("seal").unwrap_or_default();
        if bool::from(given.as_bytes().ct_eq(seal.as_bytes())) { Ok(sent) } else { Err(Denied(Trouble::NotFromHere)) }
    }
}

impl Sent {
    /// A field's text as it was written.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A field's text, without the space around it; `None` where it is missing or empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(other, _)| other == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }
}

/// The fields of a form that the browser does not say is another site's.
pub(crate) async fn fields(
    parts: Parts,
    body: Body,
    site: &Site,
    len_max: usize,
) -> Result<Vec<(String, String)>, Denied> {
    if !form::from_here(&parts.headers, &site.options) {
        return Err(Denied(Trouble::NotFromHere));
    }
    let body = axum::body::to_bytes(body, len_max).await.map_err(|_| Denied(Trouble::NotFromHere))?;
    let request = Request::from_parts(parts, Body::from(body));
    let fields = axum::Form::<Vec<(String, String)>>::from_request(request, site).await;
    fields.map(|axum::Form(fields)| fields).map_err(|_| Denied(Trouble::NotFromHere))
}

/// Why there is no page of the console.
#[derive(Debug)]
pub(crate) struct Denied(pub(crate) Trouble);

impl From<Trouble> for Denied {
    fn from(trouble: Trouble) -> Denied {
        Denied(trouble)
    }
}

/// What there is instead of a page.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) words: String,
}

/// A page of a few words, for who has no session that could be read.
#[derive(Template)]
#[template(path = "console/denied.html")]
struct DeniedPage {
    assets: &'static Assets,
    title: &'static str,
    words: String,
}

impl Told {
    /// The page of it, which gets the console's frame where the session can be read.
    pub(crate) fn page(self) -> Response {
        let Told { status, title, words } = self.clone();
        let mut response = frame::html(status, &DeniedPage { assets: assets::all(), title, words });
        response.extensions_mut().insert(self);
        response
    }
}

impl Denied {
    /// The role may not do this.
    pub(crate) fn not_yours() -> Denied {
        Denied::because(Code::Forbidden, "Somebody with another role can; docs/roles.md says which.")
    }

    /// What the API would refuse with this.
    pub(crate) fn because(code: Code, detail: &str) -> Denied {
        let problem = json!({
            "type": format!("/problems/{}", code.word()), "title": code.title(), "status": code.status(), "code": code.word(),
            "detail": detail,
        });
        Denied(serde_json::from_value(problem).map_or(Trouble::Fault, |problem| Trouble::Problem(Box::new(problem))))
    }

    /// There is no such page.
    pub(crate) fn no_page() -> Denied {
        Denied(Trouble::NoPage)
    }

    /// What an operator is told: of a refusal, the API's own words.
    pub(crate) fn told(&self) -> (StatusCode, &'static str, String) {
        match &self.0 {
            Trouble::Ended => (StatusCode::UNAUTHORIZED, "Your session has ended", "Sign in again.".to_owned()),
            Trouble::NotFromHere => (
                StatusCode::FORBIDDEN,
                "That did not come from here",
                "Nothing was changed. Open the page again and repeat what you wanted to do.".to_owned(),
            ),
            Trouble::Problem(problem) => {
                let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let title = match problem.code {
                    Code::Forbidden => "Your role may not do this",
                    _ => "That did not work",
                };
                (status, title, problem.detail.clone())
            }
            Trouble::NoPage => (StatusCode::NOT_FOUND, "There is no such page", "The address may be old.".to_owned()),
            Trouble::Fault => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong here",
                "What was acknowledged is safe. Try again in a moment.".to_owned(),
            ),
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        if matches!(self.0, Trouble::Ended) {
            let to = [(header::LOCATION, HeaderValue::from_static("/console/sign-in"))];
            return (StatusCode::SEE_OTHER, to).into_response();
        }
        let (status, title, words) = self.told();
        Told { status, title, words }.page()
    }
}
