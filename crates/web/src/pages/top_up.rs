//! The automatic top-up's form on the settings page.
//!
//! It moves money while nobody looks, so a form that was made from something else than what stands is refused, and only
//! what was changed is sent on: nothing is switched on, freed of its brakes or bought that nobody asked for.

use axum::http::StatusCode;
use scrip_api::code::Code;
use scrip_api::top_up::TopUpShown;
use serde_json::{Map, Value, json};

use crate::form::Filled;
use crate::frame::Frame;
use crate::pages::Page;
use crate::pages::settings::{Note, said, show};
use crate::trouble::Trouble;
use crate::typed;
use crate::visit::Visit;

/// The fields that are numbers, and what the page calls them.
pub(super) const NUMBERS: [(&str, &str); 4] = [
    ("below", "When less is available than"),
    ("up_to", "Buy up to"),
    ("per_day", "Orders a day, at most"),
    ("per_month", "Orders a month, at most"),
];

/// The automatic top-up as it stands; `None` where there is none.
pub(super) async fn stands(visit: &Visit) -> Result<Option<TopUpShown>, Trouble> {
    match visit.get::<TopUpShown>("/automatic-top-up").await {
        Ok(top_up) => Ok(Some(top_up)),
        Err(trouble) if trouble.is(Code::TopUpNotFound) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// A number's field as it stands; empty for no limit.
pub(super) fn field(top_up: &TopUpShown, name: &str) -> String {
    match name {
        "below" => top_up.below.0.to_string(),
        "up_to" => top_up.up_to.0.to_string(),
        "per_day" => top_up.per_day.map(|most| most.to_string()).unwrap_or_default(),
        _ => top_up.per_month.map(|most| most.to_string()).unwrap_or_default(),
    }
}

/// What a form is made from: all that can be put, and the brakes that putting takes off. Without spaces at its ends, which a
/// form's fields lose.
pub(super) fn made_from(top_up: Option<&TopUpShown>) -> String {
    let Some(top_up) = top_up else { return "none".to_owned() };
    let numbers = NUMBERS.map(|(name, _)| field(top_up, name)).join(",");
    let waits = top_up.waits_until.map(|until| until.0.to_string()).unwrap_or_default();
    let switch = if top_up.enabled { "on" } else { "off" };
    format!("{switch},{},{numbers},{},{waits}", top_up.package, top_up.declines)
}

/// What is saved, in words. `is_sold`: whether its package is still for sale.
pub(super) fn in_words(frame: &Frame, top_up: &TopUpShown, is_sold: bool) -> String {
    if !top_up.enabled {
        return "Saved: nothing is bought automatically.".to_owned();
    }
    if !is_sold {
        let package = frame.package(&top_up.package);
        return format!("Saved, but {package} is no longer sold: nothing is bought before you choose another package.");
    }
    let (below, up_to) = (frame.wording.amount(&top_up.below), frame.wording.amount(&top_up.up_to));
    let most = |most: Option<u32>, of: &str| match most {
        Some(1) => format!(", at most 1 order {of}"),
        Some(most) => format!(", at most {} orders {of}", frame.wording.count(most)),
        None => String::new(),
    };
    format!(
        "Saved: {} is bought when fewer than {below} credits are available, up to {up_to}{}{}.",
        frame.package(&top_up.package),
        most(top_up.per_day, "a day"),
        most(top_up.per_month, "a month")
    )
}

/// Saves the automatic top-up.
pub(super) async fn save(filled: Filled) -> Page {
    let stands = stands(&filled.visit).await?;
    if filled.text("made_from") != Some(made_from(stands.as_ref()).as_str()) {
        let words =
            "The automatic top-up has changed since you opened this page, and nothing was saved. It stands below \
                     as it is now."
                .to_owned();
        return show(&filled.visit, Some(Note { good: false, words }), StatusCode::CONFLICT).await;
    }
    let body = match changed(&filled, stands.as_ref()) {
        Ok(body) => body,
        Err(words) => return show(&filled.visit, Some(Note { good: false, words }), StatusCode::BAD_REQUEST).await,
    };
    if body.is_empty() {
        return said(&filled.visit, "top-up", Ok(())).await;
    }
    let saved = filled.visit.change::<TopUpShown>("PUT", "/automatic-top-up", Some(Value::Object(body))).await;
    said(&filled.visit, "top-up", saved.map(drop)).await
}

/// What the form says that does not stand already; or what is wrong with it, in words. A field that it lacks stays as it is.
fn changed(filled: &Filled, stands: Option<&TopUpShown>) -> Result<Map<String, Value>, String> {
    let mut body = Map::new();
    let package = filled.text("package").filter(|package| stands.is_none_or(|stands| stands.package != *package));
    if let Some(package) = package {
        body.insert("package".to_owned(), json!(package));
    }
    for (name, label) in NUMBERS {
        let Some(typed) = filled.typed(name) else { continue };
        // Without an upper level it is the lower one; a limit that is left empty is none.
        let typed = if name == "up_to" && typed.is_empty() { filled.text("below").unwrap_or_default() } else { typed };
        let is_limit = matches!(name, "per_day" | "per_month");
        let as_it_stands = stands.map(|stands| field(stands, name)).unwrap_or_default();
        if typed == as_it_stands || (typed.is_empty() && !is_limit) {
            continue;
        }
        let value = if typed.is_empty() { Value::Null } else { Value::Number(typed::number(label, typed)?) };
        body.insert(name.to_owned(), value);
    }
    let enabled = filled.text("enabled").is_some();
    if stands.is_none_or(|stands| stands.enabled != enabled) {
        body.insert("enabled".to_owned(), json!(enabled));
    }
    Ok(body)
}
