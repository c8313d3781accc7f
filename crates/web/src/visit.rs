//! A visit: a customer with a session, whom a page is made for.
//!
//! The session is the customer's token, in a cookie that no script can read. A page asks the API for what it shows
//! through its visit.

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use scrip_api::portal::PortalVisitShown;
use scrip_api::quote::QuoteShown;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Options;
use crate::api::{Api, Ask};
use crate::receipt::Reader;
use crate::trouble::Trouble;

/// The cookie of the session: the server looks for it when a browser comes back from paying.
pub(crate) const SESSION: &str = "scrip_customer";
/// The cookie of the page that the customer came from.
pub(crate) const BACK: &str = "scrip_back";

/// What every page shares.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) api: Api,
    pub(crate) options: Options,
}

impl Site {
    pub(crate) fn new(api: Router, options: Options) -> Site {
        Site { api: Api::new(api), options }
    }

    /// Whether a customer can be led back to this address: on this server, or at an origin that is listed.
    pub(crate) fn leads_back_to(&self, address: &str) -> bool {
        let plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b';');
        let here = address.starts_with('/') && !address.starts_with("//");
        let listed = self.options.origins.iter().any(|origin| {
            address.strip_prefix(origin.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        });
        plain && address.len() <= 1_000 && (here || listed)
    }
}

/// A customer with a session.
pub(crate) struct Visit {
    pub(crate) site: Site,
    pub(crate) token: String,
    /// The account, by the studio's own id.
    pub(crate) account: String,
    /// What the browser says of the customer's language.
    pub(crate) language: String,
    /// Where the customer came from, if there is a way back.
    pub(crate) back: Option<String>,
    /// Somebody of the studio looks at what the customer sees; nothing can be changed.
    pub(crate) only_reads: bool,
}

impl FromRequestParts<Site> for Visit {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Visit, Trouble> {
        let token = cookie(&parts.headers, SESSION).ok_or(Trouble::Ended)?.to_owned();
        let ask = Ask {
            method: "GET",
            path: "/portal-session".to_owned(),
            token: &token,
            once: None,
            body: None,
            accept: "application/json",
        };
        let session: PortalVisitShown = site.api.ask(ask).await?;
        let language = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let back = cookie(&parts.headers, BACK).filter(|address| site.leads_back_to(address)).map(str::to_owned);
        Ok(Visit {
            site: site.clone(),
            account: session.account,
            only_reads: session.only_reads,
            language: language.unwrap_or_default().to_owned(),
            back,
            token,
        })
    }
}

impl Visit {
    /// Reads something below the account's own address.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        self.ask("GET", self.own(path), None, None).await
    }

    /// Reads something that is not the account's.
    pub(crate) async fn get_shared<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        self.ask("GET", path.to_owned(), None, None).await
    }

    /// Asks something below the account's own address for a change.
    pub(crate) async fn change<T: DeserializeOwned>(
        &self,
        method: &'static str,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, Trouble> {
        self.ask(method, self.own(path), None, body).await
    }

    /// Does something below the account's own address once, however often it is sent.
    pub(crate) async fn once<T: DeserializeOwned>(&self, path: &str, once: &str, body: Value) -> Result<T, Trouble> {
        self.ask("POST", self.own(path), Some(once), Some(body)).await
    }

    /// The reader of the account's own history.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { api: &self.site.api, token: &self.token, account: &self.account }
    }

    /// What a job would cost.
    pub(crate) async fn quote(&self, job: Value) -> Result<QuoteShown, Trouble> {
        self.ask("POST", "/quotes".to_owned(), None, Some(job)).await
    }

    /// An answer below the account's own address, as it comes.
    pub(crate) async fn raw(&self, path: &str, accept: &'static str) -> Result<Response, Trouble> {
        let ask = Ask { method: "GET", path: self.own(path), token: &self.token, once: None, body: None, accept };
        self.site.api.send(ask).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        path: String,
        once: Option<&str>,
        body: Option<Value>,
    ) -> Result<T, Trouble> {
        let ask = Ask { method, path, token: &self.token, once, body, accept: "application/json" };
        self.site.api.ask(ask).await
    }

    fn own(&self, path: &str) -> String {
        format!("/accounts/{}{path}", self.account)
    }
}

/// A cookie's value.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(other, _)| *other == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_led_back_only_to_where_they_may_come_from() {
        let options = Options { origins: vec!["https://app.example.com".to_owned()], ..Options::default() };
        let site = Site::new(Router::new(), options);
        for (address, may) in [
            ("/studio/project", true),
            ("https://app.example.com", true),
            ("https://app.example.com/project?shot=7", true),
            ("https://app.example.com.evil.example/", false),
            ("https://app.example.com@evil.example/", false),
            ("//evil.example/", false),
            ("/\\evil.example/", false),
            ("javascript:alert(1)", false),
            ("", false),
        ] {
            assert_eq!(site.leads_back_to(address), may, "{address}");
        }
    }
}
