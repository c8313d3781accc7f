//! Pages for people: a studio's customers see what they have, buy credits, and change their plan and settings.
//!
//! Rendered here, with no build step, and working without JavaScript except for what moves by itself. A page is a caller
//! of the API like any other: it asks in this process, with the customer's own token ([`api::Api`]), so that it shows the
//! API's numbers and may do no more than the token. This crate must never compute an amount, read a store or know an
//! engine.

mod api;
mod assets;
mod chart;
mod console;
mod days;
mod form;
mod frame;
mod pages;
mod receipt;
mod trouble;
mod typed;
mod visit;
mod wording;

use axum::Router;

/// How the pages are served.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether browsers reach the pages by HTTPS: the cookie then travels by nothing else.
    pub secure: bool,
    /// Where browsers reach the pages, as in `https://credits.example.com`; empty where that is not known.
    pub public_url: String,
    /// Origins that a customer can be led back to, besides this server itself, as in `https://app.example.com`.
    pub origins: Vec<String>,
    /// Where studios' people sign in to the console, besides with a key.
    pub sign_in: Vec<SignInOffer>,
}

/// A studio's provider, through which its people sign in.
#[derive(Clone, Debug)]
pub struct SignInOffer {
    /// Where the browser goes.
    pub href: String,
    /// The studio's name.
    pub studio: String,
    /// The provider, by its host.
    pub provider: String,
}

/// The customer's pages and the console, in front of the API's routes.
pub fn pages(api: Router, options: Options) -> Router {
    let site = visit::Site::new(api, options);
    pages::router(site.clone()).merge(console::router(site))
}
