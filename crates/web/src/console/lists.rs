//! Lists over the whole studio: holds, uncollected work, orders, who did what; and what every such page is made of.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use scrip_api::audit::{ActShown, AuditShown};
use scrip_api::balance::BalanceShown;
use scrip_api::entry::EntriesShown;
use scrip_api::hold::{HoldShown, HoldsShown};
use scrip_api::key::KeysShown;
use scrip_api::number::Amount;
use scrip_api::order::{OrderShown, OrdersShown};

use super::Page;
use super::cells::{Cell, Column, Table, Tone, Views, Way, number, text};
use super::deed::Act;
use super::desk::{Denied, Desk};
use super::frame::{Frame, Room};
use super::words::{self, Names, escaped};
use crate::frame;

/// Which page of which list.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Asked {
    pub(super) show: Option<String>,
    after: Option<String>,
}

/// A page that is one table.
#[derive(Template)]
#[template(path = "console/page.html")]
struct List {
    frame: Frame,
    lead: &'static str,
    views: Views,
    table: Table,
}

/// What the table of a list is made of.
pub(super) struct Listed {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) empty: &'static str,
    pub(super) next: Option<String>,
}

/// A page of a list.
pub(super) fn shown(frame: Frame, lead: &'static str, views: (Views, &'static str), listed: Listed) -> Page {
    let (views, show) = views;
    let next = listed.next.map(|next| {
        let show = if show.is_empty() { String::new() } else { format!("show={show}&") };
        format!("{}?{show}after={}", frame.room.href(), escaped(&next))
    });
    let empty = if next.is_some() { "Nothing on this page; there may be more further back." } else { listed.empty };
    let table =
        Table { name: frame.room.name(), columns: listed.columns, rows: listed.rows, empty: empty.to_owned(), next };
    Ok(frame::html(StatusCode::OK, &List { frame, lead, views, table }))
}

pub(super) fn listed(path: &str, asked: &Asked) -> String {
    match &asked.after {
        None => path.to_owned(),
        Some(after) => format!("{path}&after={}", escaped(after)),
    }
}

/// An account, by its name where it has one, and the way there.
pub(super) fn account(people: &BTreeMap<String, String>, id: Option<&str>) -> Cell {
    let Some(id) = id else { return Cell::text("") };
    let (said, beneath) = match people.get(id) {
        Some(name) => (name.clone(), id.to_owned()),
        None => (id.to_owned(), String::new()),
    };
    Cell::Link { href: format!("/console/accounts/{id}"), said, beneath }
}

/// Ways to acts on an account that the role may do.
fn ways<const N: usize>(desk: &Desk, account: &str, acts: [Option<(Act, &str)>; N]) -> Cell {
    let open = acts.into_iter().flatten().filter(|(act, _)| desk.may(act.call()));
    Cell::Acts(open.map(|(act, of)| way(account, act, of)).collect())
}

/// The way to an act on something of an account.
pub(super) fn way(account: &str, act: Act, of: &str) -> Way {
    let of_it = if of.is_empty() { String::new() } else { format!("?of={}", escaped(of)) };
    Way {
        href: format!("/console/accounts/{account}/{}{of_it}", act.word()),
        said: act.short(),
        to: if of.is_empty() { account.to_owned() } else { of.to_owned() },
    }
}

/// Holds: those that are open, those of them that may be stuck, and those that nobody settled.
pub(super) async fn holds(desk: Desk, Query(asked): Query<Asked>) -> Page {
    const VIEWS: &[(&str, &str)] = &[("open", "Open"), ("stuck", "Long running"), ("expired", "Expired unsettled")];
    let views = Views::of(Room::Holds.href(), VIEWS, asked.show.as_deref());
    let which = if views.1 == "stuck" { "stuck=true".to_owned() } else { format!("state={}", views.1) };
    let page: HoldsShown = desk.get(&listed(&format!("/holds?{which}&limit=50"), &asked)).await?;
    let (frame, names) = (Frame::around(&desk, Room::Holds), desk.catalog().await?);
    let people = desk.people(page.holds.iter().filter_map(|hold| hold.account.as_deref())).await?;
    let rows = page.holds.iter().map(|hold| hold_row(&desk, &frame, &names, &people, hold)).collect();
    let columns = vec![
        text("Account"),
        text("Job"),
        text("Placed"),
        text(if views.1 == "expired" { "Expired" } else { "Until" }),
        text("State"),
        number("Credits"),
        text(""),
    ];
    let empty = match views.1 {
        "open" => "No job is running.",
        "stuck" => "No job has held its credits for longer than usual.",
        _ => "Every hold was settled or released.",
    };
    let lead = "What jobs hold. One that has run past its tool’s usual time, or ended without a word, may be stuck: look for its \
                job, and release it when that is gone. An open one frees its credits by itself when its time comes.";
    shown(frame, lead, views, Listed { columns, rows, empty, next: page.next })
}

fn hold_row(
    desk: &Desk,
    frame: &Frame,
    names: &Names,
    people: &BTreeMap<String, String>,
    hold: &HoldShown,
) -> Vec<Cell> {
    let id = hold.account.as_deref().unwrap_or_default();
    let open = hold.state == "open";
    let tool = hold.tool.as_deref().map_or("Without a tool", |tool| names.tool(tool));
    let beneath = hold.reference.as_deref().unwrap_or(&hold.hold);
    let (state, tone) = match (open, hold.stuck) {
        (true, false) => ("running", Tone::Good),
        (true, true) => ("long_running", Tone::Warn),
        (false, _) => ("unsettled", Tone::Warn),
    };
    vec![
        account(people, hold.account.as_deref()),
        Cell::both(tool, beneath),
        Cell::past(frame, &hold.placed_at),
        if open { Cell::coming(frame, &hold.expires_at) } else { Cell::past(frame, &hold.expires_at) },
        Cell::tag(state, tone),
        Cell::amount(frame, "credits", &hold.credits),
        ways(desk, id, [open.then_some((Act::Release, hold.id.as_str()))]),
    ]
}

/// Work that nobody paid for, debts as they came and went, and what was written off.
pub(super) async fn uncollected(desk: Desk, Query(asked): Query<Asked>) -> Page {
    const VIEWS: &[(&str, &str)] = &[("unpaid", "Paid by nobody"), ("debts", "Debts")];
    let views = Views::of(Room::Uncollected.href(), VIEWS, asked.show.as_deref());
    let path = if views.1 == "debts" { "/entries?kind=debt,debt_repaid&limit=50" } else { "/uncollected?limit=50" };
    let page: EntriesShown = desk.get(&listed(path, &asked)).await?;
    let (frame, names) = (Frame::around(&desk, Room::Uncollected), desk.catalog().await?);
    let people = desk.people(page.entries.iter().filter_map(|entry| entry.account.as_deref())).await?;
    let debts = debts(&desk, page.entries.iter().filter_map(|entry| entry.account.as_deref())).await?;
    let of = if views.1 == "debts" { "debt" } else { "uncollected" };
    let rows = page.entries.iter().map(|entry| {
        let id = entry.account.as_deref().unwrap_or_default();
        let (amount, owed) = (if of == "debt" { &entry.debt } else { &entry.uncollected }, debts.get(id));
        let why = entry.reason.as_deref().or(entry.reference.as_deref()).unwrap_or_default();
        let owes = owed.is_some_and(|owed| owed.0.is_positive());
        vec![
            account(&people, entry.account.as_deref()),
            Cell::past(&frame, &entry.at),
            Cell::both(names.what(entry), why),
            number_or_none(&frame, of, amount.as_ref()),
            number_or_none(&frame, "owed", owed),
            ways(&desk, id, [owes.then_some((Act::WriteOff, ""))]),
        ]
    });
    let rows = rows.collect();
    let of = if of == "debt" { "Debt" } else { "Uncollected" };
    let columns = vec![text("Account"), text("When"), text("What"), number(of), number("Owes now"), text("")];
    let lead = "Work above its hold or settled late that was paid by nobody, and what was written off; and the debts of accounts: \
                how they came, and what new credits repaid.";
    shown(frame, lead, views, Listed { columns, rows, empty: "All work was paid.", next: page.next })
}

fn number_or_none(frame: &Frame, of: &'static str, amount: Option<&Amount>) -> Cell {
    amount.map_or_else(|| Cell::text(""), |amount| Cell::amount(frame, of, amount))
}

/// What accounts owe, by their ids.
async fn debts<'a>(desk: &Desk, ids: impl Iterator<Item = &'a str>) -> Result<BTreeMap<String, Amount>, Denied> {
    let mut debts = BTreeMap::new();
    for id in ids {
        if !debts.contains_key(id) {
            let balance: BalanceShown = desk.get(&format!("/accounts/{id}/balance")).await?;
            debts.insert(id.to_owned(), balance.debt);
        }
    }
    Ok(debts)
}

/// Orders, disputes among them.
pub(super) async fn orders(desk: Desk, Query(asked): Query<Asked>) -> Page {
    const VIEWS: &[(&str, &str)] = &[
        ("all", "All"),
        ("pending", "Waiting"),
        ("paid", "Paid"),
        ("disputed", "Disputed"),
        ("lost", "Lost"),
        ("refunded", "Refunded"),
    ];
    let views = Views::of(Room::Orders.href(), VIEWS, asked.show.as_deref());
    let state = if views.1 == "all" { String::new() } else { format!("&state={}", views.1) };
    let page: OrdersShown = desk.get(&listed(&format!("/orders?limit=50{state}"), &asked)).await?;
    let (frame, names) = (Frame::around(&desk, Room::Orders), desk.catalog().await?);
    let people = desk.people(page.orders.iter().filter_map(|order| order.account.as_deref())).await?;
    let rows = page.orders.iter().map(|order| order_row(&desk, &frame, &names, &people, order)).collect();
    let mut columns = vec![text("Account")];
    columns.extend(order_columns());
    let lead = "What was ordered, and where it stands. A payment that came outside a provider is marked by hand: its credits \
                are there at once. A dispute freezes what is left; one that is lost takes it back.";
    let empty = "There are no such orders.";
    shown(frame, lead, views, Listed { columns, rows, empty, next: page.next })
}

/// The columns of orders, but for whose they are.
pub(super) fn order_columns() -> Vec<Column> {
    vec![
        text("Order"),
        text("Placed"),
        text("State"),
        number("Credits"),
        number("Taken back"),
        number("Price"),
        text(""),
    ]
}

fn order_row(
    desk: &Desk,
    frame: &Frame,
    names: &Names,
    people: &BTreeMap<String, String>,
    order: &OrderShown,
) -> Vec<Cell> {
    let mut row = vec![account(people, order.account.as_deref())];
    row.extend(order_cells(desk, frame, names, order));
    row
}

/// An order's cells, but for whose it is.
pub(super) fn order_cells(desk: &Desk, frame: &Frame, names: &Names, order: &OrderShown) -> Vec<Cell> {
    let (state, tone) = match order.state.as_str() {
        "paid" | "won" => (order.state.as_str(), Tone::Good),
        "pending" if order.on_its_way => ("on_its_way", Tone::Quiet),
        "disputed" => ("disputed", Tone::Warn),
        "lost" | "failed" => (order.state.as_str(), Tone::Bad),
        other => (other, Tone::Quiet),
    };
    let bought = names.bought(order.package.as_deref(), order.plan.as_deref());
    // What was given up, too, may be paid after all.
    let unpaid = matches!(order.state.as_str(), "pending" | "expired" | "failed");
    let id = order.account.as_deref().unwrap_or_default();
    let credits = frame.wording.amount(&order.credits);
    let credits = match (&order.plan, order.bonus.0.is_positive()) {
        (Some(_), _) => format!("{credits} a cycle"),
        (None, true) => format!("{credits} + {}", frame.wording.amount(&order.bonus)),
        (None, false) => credits,
    };
    vec![
        Cell::both(
            if order.automatic { format!("{bought}, automatic") } else { bought.to_owned() },
            order.order.clone(),
        ),
        Cell::past(frame, &order.placed_at),
        Cell::tag(state, tone),
        Cell::Number { of: "ordered", said: credits },
        Cell::amount(frame, "clawed_back", &order.clawed_back),
        Cell::Number { of: "price", said: frame.wording.money(&order.price) },
        ways(desk, id, [unpaid.then_some((Act::MarkPaid, order.order.as_str()))]),
    ]
}

/// Who did what by hand.
pub(super) async fn audit(desk: Desk, Query(asked): Query<Asked>) -> Page {
    let page: AuditShown = desk.get(&listed("/audit?limit=50", &asked)).await?;
    let frame = Frame::around(&desk, Room::Audit);
    let people = desk.people(page.acts.iter().filter_map(|act| act.account.as_deref())).await?;
    let holders = holders(&desk).await?;
    let rows = page.acts.iter().map(|act| act_row(&frame, (&people, &holders), act)).collect();
    let columns = vec![text("When"), text("Who"), text("What"), text("Account"), text("Why"), number("Credits")];
    let lead = "What people did by hand, the last first. Digests of it stand in each account’s chain of entries, so that a change \
                of it would be noticed.";
    let empty = "Nobody has done anything by hand yet.";
    let none = (Views { name: "", views: Vec::new() }, "");
    shown(frame, lead, none, Listed { columns, rows, empty, next: page.next })
}

/// For whom keys were made, by their ids, where who looks may know: it is said when a key is made.
async fn holders(desk: &Desk) -> Result<BTreeMap<String, String>, Denied> {
    if !desk.may("GET /v1/keys") {
        return Ok(BTreeMap::new());
    }
    let keys: KeysShown = desk.get("/keys").await?;
    Ok(keys.keys.into_iter().filter_map(|key| Some((key.key, key.reason?))).collect())
}

/// What people are called, by their ids.
type Called = BTreeMap<String, String>;

fn act_row(frame: &Frame, (people, holders): (&Called, &Called), act: &ActShown) -> Vec<Cell> {
    let who = act.by.clone().unwrap_or_else(|| "erased".to_owned());
    let credits = if act.credits.0.is_zero() { Cell::text("") } else { Cell::signed(frame, "credits", &act.credits) };
    vec![
        Cell::past(frame, &act.at),
        match holders.get(&who) {
            // Whoever makes keys writes this: it is no name that was checked.
            Some(holder) => Cell::both(who, format!("made for: {holder}")),
            None => Cell::text(who),
        },
        Cell::both(words::spoken(&act.act), act.reference.clone().unwrap_or_default()),
        account(people, act.account.as_deref()),
        Cell::text(act.reason.clone().unwrap_or_default()),
        credits,
    ]
}
