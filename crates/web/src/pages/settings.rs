//! *Settings*: the name, the time zone, the project types with what is left of each, and the automatic top-up.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use scrip_api::account::AccountShown;
use scrip_api::balance::LeftShown;
use scrip_api::catalog::NamedShown;
use scrip_api::offer::{OffersShown, PackageOfferShown};
use scrip_api::top_up::TopUpShown;
use serde_json::{Map, Value, json};

use crate::form::Filled;
use crate::frame::{self, Frame, Place};
use crate::pages::{self, Page, top_up};
use crate::trouble::{self, Trouble};
use crate::visit::Visit;

/// Zones that are offered; any other of the database can be typed.
const ZONES: &[&str] = &[
    "UTC",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Lima",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Toronto",
    "America/Vancouver",
    "Asia/Bangkok",
    "Asia/Dhaka",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Jakarta",
    "Asia/Jerusalem",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Manila",
    "Asia/Riyadh",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Taipei",
    "Asia/Tokyo",
    "Australia/Brisbane",
    "Australia/Melbourne",
    "Australia/Perth",
    "Australia/Sydney",
    "Europe/Amsterdam",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Bucharest",
    "Europe/Dublin",
    "Europe/Helsinki",
    "Europe/Istanbul",
    "Europe/Kyiv",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Oslo",
    "Europe/Paris",
    "Europe/Prague",
    "Europe/Rome",
    "Europe/Stockholm",
    "Europe/Vienna",
    "Europe/Warsaw",
    "Europe/Zagreb",
    "Europe/Zurich",
    "Pacific/Auckland",
    "Pacific/Honolulu",
];

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    frame: Frame,
    types: Vec<TypeOfProject>,
    packages: Vec<PackageOfferShown>,
    top_up: Option<TopUpShown>,
    /// What was saved, or why it was not.
    note: Option<Note>,
}

/// A project type, and what is left of its tools.
struct TypeOfProject {
    named: NamedShown,
    enabled: bool,
}

/// What came of saving.
pub(super) struct Note {
    pub(super) good: bool,
    pub(super) words: String,
}

/// What the page was opened after.
#[derive(Debug, serde::Deserialize)]
pub(super) struct After {
    /// Which of its forms was saved.
    saved: Option<String>,
}

/// The page.
pub(super) async fn page(visit: Visit, Query(after): Query<After>) -> Page {
    let mut settings = read(&visit).await?;
    settings.note = after.saved.and_then(|form| settings.saved(&form)).map(|words| Note { good: true, words });
    Ok(frame::html(StatusCode::OK, &settings))
}

/// The page with a note.
pub(super) async fn show(visit: &Visit, note: Option<Note>, status: StatusCode) -> Page {
    let settings = Settings { note, ..read(visit).await? };
    Ok(frame::html(status, &settings))
}

async fn read(visit: &Visit) -> Result<Settings, Trouble> {
    let frame = Frame::around(visit, Place::Settings).await?;
    let offers: OffersShown = visit.get("/offers").await?;
    let top_up = top_up::stands(visit).await?;
    let enabled =
        |id: &str| frame.account.project_types.as_ref().is_none_or(|types| types.iter().any(|other| other == id));
    let types = frame.catalog.project_types.iter();
    let types = types.map(|named| TypeOfProject { enabled: enabled(&named.id), named: named.clone() }).collect();
    Ok(Settings { frame, types, packages: offers.packages, top_up, note: None })
}

/// Saves the profile.
pub(super) async fn save(filled: Filled) -> Page {
    let mut body = Map::new();
    for field in ["name", "time_zone"] {
        if let Some(text) = filled.text(field) {
            body.insert(field.to_owned(), json!(text));
        }
    }
    let saved = filled.visit.change::<AccountShown>("PUT", "", Some(Value::Object(body))).await;
    said(&filled.visit, "profile", saved.map(drop)).await
}

/// Saves the project types. A form of its own: who changes their name chooses no types.
pub(super) async fn save_types(filled: Filled) -> Page {
    let all = filled.text("types").ok_or(Trouble::NotFromHere)?;
    let types: Vec<&str> = filled.texts("project_type").collect();
    // Who has all, and leaves them all, has those too that come later. "0" stands for a list, which may come to be empty.
    if all != "0" && types.len().to_string() == all {
        return said(&filled.visit, "project-types", Ok(())).await;
    }
    let body = json!({ "project_types": types });
    let saved = filled.visit.change::<AccountShown>("PUT", "", Some(body)).await;
    said(&filled.visit, "project-types", saved.map(drop)).await
}

/// Back to the page; what was refused is said on it.
pub(super) async fn said(visit: &Visit, form: &str, saved: Result<(), Trouble>) -> Page {
    match saved {
        Ok(()) => Ok(pages::see(&format!("{}?saved={form}", Place::Settings.href()))),
        Err(Trouble::Problem(problem)) if problem.status < 500 => {
            let words = match problem.field.as_deref() {
                Some("time_zone") => "There is no such time zone; choose one of the list.".to_owned(),
                Some("name") => "A name has 1 to 256 characters.".to_owned(),
                Some(field) => format!("“{field}” is not accepted like that.", field = field.replace('_', " ")),
                None => trouble::told(&problem),
            };
            show(visit, Some(Note { good: false, words }), StatusCode::BAD_REQUEST).await
        }
        Err(trouble) => Err(trouble),
    }
}

impl Settings {
    fn zones(&self) -> &'static [&'static str] {
        ZONES
    }

    /// What is left of each tool that the account may run: the "i" bubble (R10).
    fn left(&self) -> &[LeftShown] {
        &self.frame.balance.left
    }

    fn has_tools_for_all(&self) -> bool {
        self.frame.catalog.tools.iter().any(|tool| tool.project_type.is_none())
    }

    fn is_chosen(&self, offer: &PackageOfferShown) -> bool {
        self.top_up.as_ref().is_some_and(|top_up| top_up.package == offer.package.package)
    }

    fn is_on(&self) -> bool {
        self.top_up.as_ref().is_some_and(|top_up| top_up.enabled)
    }

    /// The automatic top-up's field as it stands.
    fn field(&self, name: &str) -> String {
        self.top_up.as_ref().map(|top_up| top_up::field(top_up, name)).unwrap_or_default()
    }

    /// What the automatic top-up's form is made from.
    fn made_from(&self) -> String {
        top_up::made_from(self.top_up.as_ref())
    }

    /// The package that the automatic top-up buys, where it is sold no longer.
    fn gone(&self) -> Option<&str> {
        let package = &self.top_up.as_ref()?.package;
        let sold = self.packages.iter().any(|offer| offer.package.package == *package);
        (!sold).then_some(package)
    }

    fn sells_nothing(&self) -> bool {
        self.packages.is_empty() && self.top_up.is_none()
    }

    /// What stands since a form was saved, in words; `None` for a form that there is not.
    fn saved(&self, form: &str) -> Option<String> {
        match form {
            "profile" => Some(match &self.frame.account.name {
                Some(name) => format!("Saved: {name}, with the days of {}.", self.frame.account.time_zone),
                None => format!("Saved: the days of {}.", self.frame.account.time_zone),
            }),
            "project-types" => {
                let enabled = self.types.iter().filter(|one| one.enabled).map(|one| one.named.name.as_str());
                let enabled: Vec<&str> = enabled.collect();
                Some(match (enabled.is_empty(), &self.frame.account.project_types) {
                    (_, None) => "Saved: every project type is enabled, and those that come later.".to_owned(),
                    (true, Some(_)) => "Saved: no project type is enabled.".to_owned(),
                    (false, Some(_)) => format!("Saved: enabled are {}.", enabled.join(", ")),
                })
            }
            "top-up" => Some(top_up::in_words(&self.frame, self.top_up.as_ref()?, self.gone().is_none())),
            _ => None,
        }
    }

    /// What it pays with.
    fn pays(&self) -> &'static str {
        let saved = self.top_up.as_ref().and_then(|top_up| top_up.saved_method.as_ref());
        match saved.map(|saved| saved.state.as_str()) {
            Some("usable") => "It charges the card that you saved with a payment.",
            Some("declined") => "The saved card was declined the last time. Pay once by hand to save one that works.",
            Some("authentication_needed") => "Your bank wants to see you: pay once by hand, and it goes on by itself.",
            Some("expired") => "The saved card has expired. Pay once by hand to save another.",
            Some(_) => "The saved card is no more. Pay once by hand to save another.",
            None => "It charges the card that you pay with the next time; until then nothing is bought.",
        }
    }

    /// The order that the automatic top-up waits for.
    fn order(&self) -> Option<&str> {
        self.top_up.as_ref()?.order.as_deref()
    }

    /// What the automatic top-up waits for, if for anything.
    fn waits(&self) -> Option<String> {
        let top_up = self.top_up.as_ref()?;
        match (&top_up.order, &top_up.waits_until, top_up.enabled) {
            (Some(_), _, _) => Some("It has ordered a package and waits for the payment.".to_owned()),
            (None, Some(until), true) => {
                Some(format!("After a payment that failed it waits until {}.", self.frame.wording.instant(until)))
            }
            (None, _, false) if top_up.declines > 0 => {
                Some("It was turned off: its payments failed. Turn it on again once the card is in order.".to_owned())
            }
            (None, _, _) => None,
        }
    }
}
