//! The way to another address. A page of its own and not a redirect: browsers hold the redirect that answers a form against our
//! policy, by which a form leads nowhere else.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::assets::{self, Assets};
use crate::frame;

#[derive(Template)]
#[template(path = "onward.html")]
struct Onward<'a> {
    assets: &'static Assets,
    title: &'static str,
    words: &'static str,
    url: &'a str,
}

/// Leads to the provider's page.
pub(super) fn to_payment(url: &str) -> Response {
    lead("To the payment", "You are being led to the page where you pay.", url)
}

/// Leads to where the customer came from.
pub(super) fn back(url: &str) -> Response {
    lead("Your visit has ended", "You are being led back to where you came from.", url)
}

fn lead(title: &'static str, words: &'static str, url: &str) -> Response {
    frame::html(StatusCode::OK, &Onward { assets: assets::all(), title, words, url })
}
