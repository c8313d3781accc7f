//! *Accounts*: finding a customer.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use scrip_api::account::AccountsShown;

use super::Page;
use super::cells::{Cell, Table, number, text};
use super::desk::Desk;
use super::frame::{Frame, Room};
use super::words::escaped;
use crate::frame;

/// What is looked for.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Search {
    search: Option<String>,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "console/accounts.html")]
struct Accounts {
    frame: Frame,
    search: String,
    table: Table,
}

/// The list.
pub(super) async fn list(desk: Desk, Query(wanted): Query<Search>) -> Page {
    let search = wanted.search.unwrap_or_default().trim().to_owned();
    let mut path = format!("/accounts?limit=50&search={}", escaped(&search));
    if let Some(after) = &wanted.after {
        path += &format!("&after={}", escaped(after));
    }
    let page: AccountsShown = desk.get(&path).await?;
    let (frame, names) = (Frame::around(&desk, Room::Accounts), desk.catalog().await?);
    let rows = page.accounts.iter().map(|account| {
        let (said, beneath) = match &account.name {
            Some(name) => (name.clone(), account.account.clone()),
            None => (account.account.clone(), String::new()),
        };
        vec![
            Cell::Link { href: format!("/console/accounts/{}", account.account), said, beneath },
            Cell::text(account.plan.as_deref().map(|plan| names.plan(plan)).unwrap_or_default()),
            Cell::day(&frame, &account.opened_at),
            Cell::amount(&frame, "available", &account.balance.available),
            Cell::amount(&frame, "held", &account.balance.held),
            Cell::amount(&frame, "remaining", &account.balance.remaining),
        ]
    });
    let rows = rows.collect();
    let empty = match search.is_empty() {
        true => "There are no accounts yet.".to_owned(),
        false => format!("No account’s id or name contains “{search}”."),
    };
    let next = page.next.as_ref();
    let next = next.map(|next| format!("/console/accounts?search={}&after={}", escaped(&search), escaped(next)));
    let columns = ["Available", "Held", "Remaining"].map(number);
    let columns = [text("Account"), text("Plan"), text("Since")].into_iter().chain(columns).collect();
    let table = Table { name: "Accounts", columns, rows, empty, next };
    Ok(frame::html(StatusCode::OK, &Accounts { frame, search, table }))
}
