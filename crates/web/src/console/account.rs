//! One account: everything about it, and what can be done.

use askama::Template;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use scrip_api::account::AccountShown;
use scrip_api::balance::{BalanceShown, LotShown};
use scrip_api::code::Code;
use scrip_api::entry::{EntriesShown, EntryShown};
use scrip_api::hold::HoldsShown;
use scrip_api::order::OrdersShown;
use scrip_api::subscription::SubscriptionShown;
use scrip_core::id::AccountId;

use super::Page;
use super::cells::{Cell, Table, Views, number, text};
use super::deed::Act;
use super::desk::{Denied, Desk};
use super::frame::{Frame, Room};
use super::lists::{order_cells, order_columns, way};
use super::visit;
use super::words::{self, Names, escaped};
use crate::frame;
use crate::receipt::Line;
use crate::trouble::Trouble;

/// Which part of the history.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Asked {
    show: Option<String>,
    after: Option<String>,
    /// Where the page of open holds begins, and that of orders.
    holds: Option<String>,
    orders: Option<String>,
}

#[derive(Template)]
#[template(path = "console/account.html")]
struct Detail {
    frame: Frame,
    account: AccountShown,
    balance: BalanceShown,
    subscription: Option<SubscriptionShown>,
    names: Names,
    lots: Table,
    holds: Table,
    orders: Table,
    views: Views,
    lines: Vec<Line>,
    next: Option<String>,
    acts: Vec<Act>,
    visits: bool,
}

/// An account in an address of the console, as in an address of the API.
pub(super) fn account_id(text: &str) -> Result<AccountId, Denied> {
    AccountId::parse(text).map_err(|_| Denied::no_page())
}

/// The page.
pub(super) async fn page(desk: Desk, Path(id): Path<String>, Query(asked): Query<Asked>) -> Page {
    let id = account_id(&id)?;
    let path = |rest: &str| format!("/accounts/{id}{rest}");
    let account: AccountShown = desk.get(&path("")).await?;
    let subscription = subscription(&desk, &id).await?;
    let (views, kinds) = views(&id, asked.show.as_deref());
    let after = going_on(asked.after.as_deref());
    let (balance, holds, entries, orders) = (
        path("/balance"),
        path(&format!("/holds?state=open&limit=100{}", going_on(asked.holds.as_deref()))),
        path(&format!("/entries?limit=20{kinds}{after}")),
        path(&format!("/orders?limit=20{}", going_on(asked.orders.as_deref()))),
    );
    let (balance, holds, entries, orders) = tokio::try_join!(
        desk.get::<BalanceShown>(&balance),
        desk.get::<HoldsShown>(&holds),
        desk.get::<EntriesShown>(&entries),
        desk.get::<OrdersShown>(&orders)
    )?;
    let (frame, names) = (Frame::around(&desk, Room::Accounts), desk.catalog().await?);
    let next = entries.next.map(|next| {
        let show = asked.show.as_deref().map(|show| format!("show={}&", escaped(show))).unwrap_or_default();
        format!("/console/accounts/{id}?{show}after={}#history", escaped(&next))
    });
    let detail = Detail {
        lots: lots(&desk, &frame, &account, &balance.lots),
        holds: holds_table(&desk, &frame, &names, &account, &holds),
        orders: orders_table(&desk, &frame, &names, &id, &orders),
        lines: desk.reader(&id).lines(entries.entries).await?,
        acts: Act::ALL.into_iter().filter(|act| desk.may(act.call())).collect(),
        visits: desk.may(visit::CALL),
        frame,
        account,
        balance,
        subscription,
        names,
        views,
        next,
    };
    Ok(frame::html(StatusCode::OK, &detail))
}

pub(super) async fn subscription(desk: &Desk, id: &AccountId) -> Result<Option<SubscriptionShown>, Denied> {
    match desk.get(&format!("/accounts/{id}/subscription")).await {
        Ok(subscription) => Ok(Some(subscription)),
        Err(Denied(Trouble::Problem(problem))) if problem.code == Code::SubscriptionNotFound => Ok(None),
        Err(denied) => Err(denied),
    }
}

/// The API's parameter for a page that begins where another ended.
fn going_on(after: Option<&str>) -> String {
    after.map(|after| format!("&after={}", escaped(after))).unwrap_or_default()
}

/// The way to the next page of one of the account's lists.
fn further(id: &str, list: &str, next: Option<&str>) -> Option<String> {
    next.map(|next| format!("/console/accounts/{id}?{list}={}#{list}", escaped(next)))
}

/// The parts of the history, and the API's filter for the one that is shown.
fn views(id: &AccountId, asked: Option<&str>) -> (Views, &'static str) {
    const VIEWS: &[(&str, &str)] = &[("all", "All"), ("jobs", "Jobs"), ("credits", "Credits"), ("orders", "Orders")];
    let (mut views, shown) = Views::of(&format!("/console/accounts/{id}"), VIEWS, asked);
    views.name = "Which part of the history";
    views.views.iter_mut().for_each(|view| view.href.push_str("#history"));
    let kinds = match shown {
        "jobs" => "&kind=settle,charge,refund,debt,uncollected",
        "credits" => {
            "&kind=refill,grant,top_up,roll_over,expiry,revoke,claw_back,give_back,freeze,unfreeze,debt_repaid"
        }
        "orders" => "&kind=order,top_up,automatic_top_up,saved_method,billing,claw_back,give_back,freeze,unfreeze",
        _ => "",
    };
    (views, kinds)
}

fn lots(desk: &Desk, frame: &Frame, account: &AccountShown, lots: &[LotShown]) -> Table {
    let rows = lots.iter().map(|lot| {
        let revoke = desk.may(Act::Revoke.call()).then(|| way(&account.account, Act::Revoke, &lot.lot));
        vec![
            Cell::both(words::class(&lot.class), lot.lot.clone()),
            lot.expires_at.as_ref().map_or_else(|| Cell::text("never"), |at| Cell::coming(frame, at)),
            Cell::amount(frame, "lot_granted", &lot.granted),
            Cell::amount(frame, "lot_held", &lot.held),
            Cell::amount(frame, "lot_frozen", &lot.frozen),
            Cell::amount(frame, "lot_remaining", &lot.remaining),
            Cell::Acts(revoke.into_iter().collect()),
        ]
    });
    Table {
        name: "Lots",
        columns: vec![
            text("Lot"),
            text("Expires"),
            number("Granted"),
            number("Held"),
            number("Frozen"),
            number("Remaining"),
            text(""),
        ],
        rows: rows.collect(),
        empty: "No credits are left.".to_owned(),
        next: None,
    }
}

fn holds_table(desk: &Desk, frame: &Frame, names: &Names, account: &AccountShown, holds: &HoldsShown) -> Table {
    let rows = holds.holds.iter().map(|hold| {
        let release = desk.may(Act::Release.call()).then(|| way(&account.account, Act::Release, &hold.id));
        let tool = hold.tool.as_deref().map_or("Without a tool", |tool| names.tool(tool));
        vec![
            Cell::both(tool, hold.reference.as_deref().unwrap_or(&hold.hold)),
            Cell::text(hold.member.as_deref().unwrap_or_default()),
            Cell::past(frame, &hold.placed_at),
            Cell::coming(frame, &hold.expires_at),
            Cell::amount(frame, "hold_credits", &hold.credits),
            Cell::Acts(release.into_iter().collect()),
        ]
    });
    Table {
        name: "Open holds",
        columns: vec![text("Job"), text("Member"), text("Placed"), text("Until"), number("Credits"), text("")],
        rows: rows.collect(),
        empty: "No job is running.".to_owned(),
        next: further(&account.account, "holds", holds.next.as_deref()),
    }
}

fn orders_table(desk: &Desk, frame: &Frame, names: &Names, id: &AccountId, orders: &OrdersShown) -> Table {
    Table {
        name: "Orders",
        columns: order_columns(),
        rows: orders.orders.iter().map(|order| order_cells(desk, frame, names, order)).collect(),
        empty: "Nothing was ordered.".to_owned(),
        next: further(id.as_str(), "orders", orders.next.as_deref()),
    }
}

impl Detail {
    fn name(&self) -> &str {
        self.account.name.as_deref().unwrap_or(&self.account.account)
    }

    fn may(&self, word: &str) -> bool {
        self.acts.iter().any(|act| act.word() == word)
    }

    /// Whether the plan can be cancelled: there is one, and it goes on.
    fn goes_on(&self) -> bool {
        self.subscription.as_ref().is_some_and(|subscription| subscription.ends_at.is_none())
    }

    /// Whether something waits for the end of the plan's term, which can be called off.
    fn changes(&self) -> bool {
        self.subscription.as_ref().is_some_and(|plan| plan.ends_at.is_some() || plan.next_plan.is_some())
    }

    fn is_owed(&self) -> bool {
        self.balance.debt.0.is_positive()
    }

    fn is_frozen(&self) -> bool {
        self.balance.frozen.0.is_positive()
    }

    fn what(&self, entry: &EntryShown) -> String {
        self.names.what(entry)
    }

    /// The charge that a line made, where something of it may be given back.
    fn refundable<'a>(&self, line: &'a Line) -> Option<&'a str> {
        // What was paid by a debt alone moved no credits, and can be given back as well (R24).
        let cost = line.entry.credits.0.is_negative() || line.entry.debt.is_some_and(|debt| debt.0.is_positive());
        line.entry.charge.as_deref().filter(|_| line.is_job() && cost)
    }

    fn spoken(&self, word: &str) -> String {
        words::spoken(word)
    }

    /// What is beneath a line: the job's reference, who of the account ran it, why it was done.
    fn beneath(&self, entry: &EntryShown) -> String {
        let parts = [&entry.reference, &entry.member, &entry.reason];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" · ")
    }
}
