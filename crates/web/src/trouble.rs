//! What goes wrong while a page is made, and the page that says so.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use scrip_api::code::Code;
use scrip_api::problem::ProblemShown;

use crate::assets::{self, Assets};

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The session has ended, or there never was one.
    Ended,
    /// What was sent does not come from a page of ours, or from another session's.
    NotFromHere,
    /// The API refused.
    Problem(Box<ProblemShown>),
    /// There is no such page.
    NoPage,
    /// A fault of scrip's.
    Fault,
}

/// A page of a few words.
#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage {
    assets: &'static Assets,
    title: &'static str,
    words: String,
    again: bool,
}

impl Trouble {
    /// Whether the API refused with this code.
    pub(crate) fn is(&self, code: Code) -> bool {
        matches!(self, Trouble::Problem(problem) if problem.code == code)
    }

    fn page(&self) -> (StatusCode, &'static str, String, bool) {
        match self {
            Trouble::Ended => (
                StatusCode::UNAUTHORIZED,
                "Your visit has ended",
                "Visits are short, to keep your account safe. Open your credits again from the app that led you here."
                    .to_owned(),
                false,
            ),
            Trouble::NotFromHere => (
                StatusCode::FORBIDDEN,
                "That did not come from here",
                "Nothing was changed. Open the page again and repeat what you wanted to do.".to_owned(),
                true,
            ),
            Trouble::Problem(problem) if problem.code == Code::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Not available at the moment",
                "Nothing is lost. Try again in a moment.".to_owned(),
                true,
            ),
            Trouble::Problem(problem) => {
                let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, "That did not work", told(problem), true)
            }
            Trouble::NoPage => (
                StatusCode::NOT_FOUND,
                "There is no such page",
                "The address may be old, or mistyped.".to_owned(),
                true,
            ),
            Trouble::Fault => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong here",
                "Your credits are safe. Try again in a moment.".to_owned(),
                true,
            ),
        }
    }
}

/// What a customer is told of a refusal: the API's own details speak to programs.
pub(crate) fn told(problem: &ProblemShown) -> String {
    match (problem.code, problem.reason.as_deref()) {
        (Code::PackageNotAvailable, Some("needs_plan")) => "This package is for accounts on an active plan.".to_owned(),
        (Code::PackageNotAvailable, Some("limit")) => "You have bought this package as often as it can be.".to_owned(),
        (Code::PackageNotAvailable, _) | (Code::PackageNotFound, _) => "This package is not for sale now.".to_owned(),
        (Code::PlanNotFound, _) => "This plan is not offered any more.".to_owned(),
        (Code::PlanNotForSale, _) => "This plan cannot be bought now; ask your studio.".to_owned(),
        (Code::PaymentNotPossible, _) => "This cannot be paid here; ask your studio.".to_owned(),
        (Code::OrderNotFound, _) => "Your account has no such order.".to_owned(),
        (Code::Forbidden, _) => "This visit is only for looking. Nothing was changed.".to_owned(),
        (Code::IdempotencyKeyReused, _) => "This page was used before. Open it again and repeat.".to_owned(),
        _ => format!("{}.", problem.title),
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, title, words, again) = self.page();
        let page = TroublePage { assets: assets::all(), title, words, again };
        crate::frame::html(status, &page)
    }
}
