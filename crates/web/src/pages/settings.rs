//! *Settings*: the name, the time zone, the project types with what is left of each, and the automatic top-up.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use scrip_api::account::AccountShown;
use scrip_api::balance::LeftShown;
use scrip_api::catalog::NamedShown;
use scrip_api::code::Code;
use scrip_api::offer::{OffersShown, PackageOfferShown};
use scrip_api::top_up::TopUpShown;
use serde_json::{Map, Value, json};

use crate::form::Filled;
use crate::frame::{self, Frame, Place};
use crate::pages::{self, Page};
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
struct Note {
    good: bool,
    words: String,
}

/// What the page was opened after.
#[derive(Debug, serde::Deserialize)]
pub(super) struct After {
    saved: Option<String>,
}

/// The page.
pub(super) async fn page(visit: Visit, Query(after): Query<After>) -> Page {
    let note = after.saved.map(|_| Note { good: true, words: "Saved.".to_owned() });
    show(&visit, note, StatusCode::OK).await
}

async fn show(visit: &Visit, note: Option<Note>, status: StatusCode) -> Page {
    let frame = Frame::around(visit, Place::Settings).await?;
    let offers: OffersShown = visit.get("/offers").await?;
    let top_up = match visit.get::<TopUpShown>("/automatic-top-up").await {
        Ok(top_up) => Some(top_up),
        Err(trouble) if trouble.is(Code::TopUpNotFound) => None,
        Err(trouble) => return Err(trouble),
    };
    let enabled =
        |id: &str| frame.account.project_types.as_ref().is_none_or(|types| types.iter().any(|other| other == id));
    let types = frame.catalog.project_types.iter();
    let types = types.map(|named| TypeOfProject { enabled: enabled(&named.id), named: named.clone() }).collect();
    Ok(frame::html(status, &Settings { frame, types, packages: offers.packages, top_up, note }))
}

/// Saves the profile.
pub(super) async fn save(filled: Filled) -> Page {
    let mut body = Map::new();
    for field in ["name", "time_zone"] {
        if let Some(text) = filled.text(field) {
            body.insert(field.to_owned(), json!(text));
        }
    }
    if let Some(all) = filled.text("types") {
        let types: Vec<&str> = filled.texts("project_type").collect();
        // Who has all, and leaves them all, has those too that come later.
        if types.len().to_string() != all {
            body.insert("project_types".to_owned(), json!(types));
        }
    }
    let saved = filled.visit.change::<AccountShown>("PUT", "", Some(Value::Object(body))).await;
    said(&filled.visit, saved.map(drop)).await
}

/// Saves the automatic top-up.
pub(super) async fn save_top_up(filled: Filled) -> Page {
    let mut body = Map::new();
    if let Some(package) = filled.text("package") {
        body.insert("package".to_owned(), json!(package));
    }
    // A limit that is left empty is none; without an upper level it is the lower one.
    let up_to = filled.text("up_to").or(filled.text("below"));
    let (per_day, per_month) = (filled.text("per_day"), filled.text("per_month"));
    let given = [("below", filled.text("below")), ("up_to", up_to), ("per_day", per_day), ("per_month", per_month)];
    for (field, text) in given {
        // A number goes on as it was written: nothing here reads amounts.
        let value = match text.map(str::parse::<serde_json::Number>) {
            Some(Ok(number)) => Value::Number(number),
            Some(Err(_)) => {
                let words = format!("“{}” is not a number.", text.unwrap_or_default());
                return show(&filled.visit, Some(Note { good: false, words }), StatusCode::BAD_REQUEST).await;
            }
            None => Value::Null,
        };
        let is_limit = matches!(field, "per_day" | "per_month");
        if is_limit || !value.is_null() {
            body.insert(field.to_owned(), value);
        }
    }
    body.insert("enabled".to_owned(), json!(filled.text("enabled").is_some()));
    let saved = filled.visit.change::<TopUpShown>("PUT", "/automatic-top-up", Some(Value::Object(body))).await;
    said(&filled.visit, saved.map(drop)).await
}

/// Back to the page; what was refused is said on it.
async fn said(visit: &Visit, saved: Result<(), Trouble>) -> Page {
    match saved {
        Ok(()) => Ok(pages::see(&format!("{}?saved=1", Place::Settings.href()))),
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
        let Some(top_up) = &self.top_up else { return String::new() };
        match name {
            "below" => top_up.below.0.to_string(),
            "up_to" => top_up.up_to.0.to_string(),
            "per_day" => top_up.per_day.map(|most| most.to_string()).unwrap_or_default(),
            _ => top_up.per_month.map(|most| most.to_string()).unwrap_or_default(),
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
