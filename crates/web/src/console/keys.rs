//! *Keys*: those of the studio, made with a role and revoked.
//!
//! A secret is in no page: it comes as a file, once. A session makes no key: the key that made the session is asked for again.

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use scrip_api::console::ConsoleVisitShown;
use scrip_api::key::{KeyMadeShown, KeyShown, KeysShown};
use serde_json::{Value, json};

use super::Page;
use super::cells::{Cell, Table, Tone, Way, text};
use super::desk::{Denied, Desk, Sent};
use super::frame::{Frame, Room};
use super::words::{self, escaped};
use crate::api::Ask;
use crate::frame;
use crate::trouble::Trouble;

/// What a key may be for, and the words for it.
const ROLES: [(&str, &str); 5] = [
    ("support", "Support: make good what went wrong"),
    ("finance", "Finance: grant, revoke, write off, mark as paid"),
    ("read", "Read: look and quote"),
    ("jobs", "Jobs: a program that runs jobs"),
    ("admin", "Admin: everything"),
];

#[derive(Template)]
#[template(path = "console/keys.html")]
struct KeysPage {
    frame: Frame,
    table: Table,
    fault: Option<String>,
    role: String,
    reason: String,
    roles: [(&'static str, &'static str); 5],
}

#[derive(Template)]
#[template(path = "console/key_revoke.html")]
struct RevokePage {
    frame: Frame,
    key: KeyShown,
    is_own: bool,
    fault: Option<String>,
}

/// The list.
pub(super) async fn page(desk: Desk) -> Page {
    shown(&desk, None, Wish { role: "", reason: "" }).await
}

/// A key as it is asked for.
#[derive(Clone, Copy)]
struct Wish<'a> {
    role: &'a str,
    reason: &'a str,
}

async fn shown(desk: &Desk, fault: Option<String>, wish: Wish<'_>) -> Page {
    let keys: KeysShown = desk.get("/keys").await?;
    let frame = Frame::around(desk, Room::Keys);
    let rows = keys.keys.iter().map(|key| row(&frame, key)).collect();
    let columns = vec![text("Key"), text("Role"), text("For"), text("Made"), text("State"), text("")];
    let table = Table { name: "Keys", columns, rows, empty: "There are no keys.".to_owned(), next: None };
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (role, reason) = (wish.role.to_owned(), wish.reason.to_owned());
    Ok(frame::html(status, &KeysPage { frame, table, fault, role, reason, roles: ROLES }))
}

fn row(frame: &Frame, key: &KeyShown) -> Vec<Cell> {
    let open = key.revoked_at.is_none();
    let ends = key.hint.as_deref().map(|hint| format!("ends in …{hint}"));
    let own = (key.key == frame.who).then(|| "yours".to_owned());
    let beneath: Vec<String> = [ends, own].into_iter().flatten().collect();
    let by = |at| match &key.created_by {
        Some(by) => format!("{} by {by}", frame.ago(at)),
        None => frame.ago(at),
    };
    let revoke = Way { href: format!("/console/keys/{}/revoke", key.key), said: "Revoke", to: key.key.clone() };
    let state = match &key.revoked_at {
        Some(at) => Cell::Tag { said: "Revoked".to_owned(), tone: Tone::Quiet, beneath: frame.wording.instant(at) },
        None => Cell::tag("valid", Tone::Good),
    };
    vec![
        Cell::both(key.key.clone(), beneath.join(", ")),
        Cell::text(words::spoken(&key.role)),
        Cell::text(key.reason.clone().unwrap_or_default()),
        key.created_at
            .as_ref()
            .map_or_else(|| Cell::text("set with SCRIP_KEYS"), |at| Cell::instant(frame, at, by(at))),
        state,
        Cell::Acts(if open && key.created_at.is_some() { vec![revoke] } else { Vec::new() }),
    ]
}

/// Makes a key, which comes as a file.
pub(super) async fn make(sent: Sent) -> Page {
    let key = sent.text("key").unwrap_or_default();
    let wish = Wish { role: sent.text("role").unwrap_or_default(), reason: sent.text("reason").unwrap_or_default() };
    if !sent.desk.may("POST /v1/keys") {
        return Err(Denied::not_yours());
    }
    if wish.reason.is_empty() {
        return shown(&sent.desk, Some("Say for whom, or what for: it is kept with the key.".to_owned()), wish).await;
    }
    if let Some(fault) = another_studios(&sent.desk, key).await? {
        return shown(&sent.desk, Some(fault), wish).await;
    }
    let ask = Ask {
        method: "POST",
        path: "/keys".to_owned(),
        token: key,
        once: None,
        body: Some(json!({"role": wish.role, "reason": wish.reason})),
        accept: "application/json",
    };
    match sent.desk.site.api.ask::<KeyMadeShown>(ask).await {
        Ok(made) => file(&made),
        Err(Trouble::Ended) => {
            let fault = "That is not a key that may make keys. Nothing was made.".to_owned();
            shown(&sent.desk, Some(fault), wish).await
        }
        Err(Trouble::Problem(problem)) if problem.status < 500 => {
            shown(&sent.desk, Some(problem.detail.clone()), wish).await
        }
        Err(trouble) => Err(trouble.into()),
    }
}

/// What is wrong with a key of another studio: it would make a key there.
async fn another_studios(desk: &Desk, key: &str) -> Result<Option<String>, Denied> {
    let ask = Ask {
        method: "GET",
        path: "/console-session".to_owned(),
        token: key,
        once: None,
        body: None,
        accept: "application/json",
    };
    let visit: ConsoleVisitShown = match desk.site.api.ask(ask).await {
        Ok(visit) => visit,
        // Making says what is wrong with it.
        Err(Trouble::Ended | Trouble::Problem(_)) => return Ok(None),
        Err(trouble) => return Err(trouble.into()),
    };
    let keys: KeysShown = desk.get("/keys").await?;
    let known = visit.by == desk.visit.by || keys.keys.iter().any(|known| known.key == visit.by);
    Ok((!known).then(|| "That is a key of another studio. Nothing was made.".to_owned()))
}

/// The secret, to be kept; no page has it, and nothing caches it.
fn file(made: &KeyMadeShown) -> Page {
    let text = format!("{}\n", made.secret);
    let name = format!("attachment; filename=\"{}-{}.txt\"", made.role, made.key);
    let name = HeaderValue::from_str(&name).map_err(|_| Denied(Trouble::Fault))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((headers, text).into_response())
}

/// Asks whether a key is to be revoked.
pub(super) async fn ask(desk: Desk, Path(id): Path<String>) -> Page {
    asked(&desk, &id, None).await
}

async fn asked(desk: &Desk, id: &str, fault: Option<String>) -> Page {
    let keys: KeysShown = desk.get("/keys").await?;
    let key = keys.keys.into_iter().find(|key| key.key == id && key.revoked_at.is_none());
    let key = key.ok_or_else(Denied::no_page)?;
    let frame = Frame::around(desk, Room::Keys);
    let is_own = key.key == frame.who;
    Ok(frame::html(StatusCode::OK, &RevokePage { frame, key, is_own, fault }))
}

/// Revokes it.
pub(super) async fn revoke(Path(id): Path<String>, sent: Sent) -> Page {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain {
        return Err(Denied::no_page());
    }
    let Some(reason) = sent.text("reason") else {
        return asked(&sent.desk, &id, Some("Say why: the reason is kept with what you do.".to_owned())).await;
    };
    sent.desk.delete::<Value>(format!("/keys/{id}?reason={}", escaped(reason))).await?;
    let to = [(header::LOCATION, HeaderValue::from_static("/console/keys"))];
    Ok((StatusCode::SEE_OTHER, to).into_response())
}
