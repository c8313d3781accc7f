//! *At a glance*: what moved, what accounts have, what waits for somebody, and what is used, by tool and day.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use scrip_api::console::{HealthShown, TotalsOfStudioShown};
use scrip_api::order::OrdersShown;
use scrip_api::payment::DeliveriesShown;
use scrip_api::usage::{UsageRow, UsageShown};

use super::Page;
use super::cells::{View, Views};
use super::days::{self, Part, Piece};
use super::desk::{Denied, Desk};
use super::frame::{Frame, Room};
use super::words::{self, Names};
use crate::frame;
use crate::trouble::Trouble;

/// The periods that can be looked at, in days.
const PERIODS: [i64; 3] = [7, 30, 90];
/// The one that is shown first.
const PERIOD: i64 = 30;

/// Which period.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Asked {
    days: Option<i64>,
}

#[derive(Template)]
#[template(path = "console/glance.html")]
struct Glance {
    frame: Frame,
    views: Views,
    totals: TotalsOfStudioShown,
    health: HealthShown,
    names: Names,
    by_tool: UsageShown,
    by_day: UsageShown,
    days: Vec<String>,
    pieces: Vec<Piece>,
    waiting: Vec<Waiting>,
}

/// Something that waits for somebody.
struct Waiting {
    href: &'static str,
    said: String,
}

/// The page.
pub(super) async fn page(desk: Desk, Query(asked): Query<Asked>) -> Page {
    let period = asked.days.filter(|days| PERIODS.contains(days)).unwrap_or(PERIOD);
    let days = last_days(&desk, period)?;
    let from = format!("{}T00:00:00Z", days.first().map_or("", String::as_str));
    let (totals, by_tool, by_day, stacked) = (
        format!("/totals?from={from}"),
        format!("/usage?by=tool&from={from}"),
        format!("/usage?by=day&from={from}"),
        format!("/usage?by=tool,day&from={from}"),
    );
    let (totals, by_tool, by_day, stacked, health) = tokio::try_join!(
        desk.get::<TotalsOfStudioShown>(&totals),
        desk.get::<UsageShown>(&by_tool),
        desk.get::<UsageShown>(&by_day),
        desk.get::<UsageShown>(&stacked),
        desk.get::<HealthShown>("/health")
    )?;
    let by_tool = UsageShown { rows: ranked(by_tool.rows), ..by_tool };
    let pieces = pieces(&days, &by_tool.rows, &stacked.rows);
    let (frame, names) = (Frame::around(&desk, Room::Glance), desk.catalog().await?);
    let waiting = waiting(&desk, &frame, &totals, &health).await?;
    let views = Views {
        name: "Which period",
        views: PERIODS
            .map(|days| View {
                href: if days == PERIOD { "/console".to_owned() } else { format!("/console?days={days}") },
                said: match days {
                    7 => "7 days",
                    30 => "30 days",
                    _ => "90 days",
                },
                is_this: days == period,
            })
            .into(),
    };
    let glance = Glance { frame, views, totals, health, names, by_tool, by_day, days, pieces, waiting };
    Ok(frame::html(StatusCode::OK, &glance))
}

/// The last days, today among them, in UTC.
fn last_days(desk: &Desk, count: i64) -> Result<Vec<String>, Denied> {
    let today = desk.visit.now.0.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
    let days = (0..count).rev().map(|back| today.checked_sub(jiff::Span::new().days(back)).map(|day| day.to_string()));
    days.collect::<Result<_, _>>().map_err(|_| Denied(Trouble::Fault))
}

/// The most used first.
fn ranked(mut rows: Vec<UsageRow>) -> Vec<UsageRow> {
    rows.sort_by(|one, other| other.credits.0.cmp(&one.credits.0).then_with(|| one.tool.cmp(&other.tool)));
    rows
}

fn pieces(days: &[String], ranked: &[UsageRow], stacked: &[UsageRow]) -> Vec<Piece> {
    let parts = stacked.iter().filter_map(|row| {
        let day = days.iter().position(|day| Some(day) == row.day.as_ref())?;
        let rank = ranked.iter().position(|other| other.tool == row.tool)?;
        Some(Part { day, rank, millionths: row.credits.0.millionths() })
    });
    days::drawn(days.len(), parts.collect())
}

/// What somebody should look at.
async fn waiting(
    desk: &Desk,
    frame: &Frame,
    totals: &TotalsOfStudioShown,
    health: &HealthShown,
) -> Result<Vec<Waiting>, Denied> {
    let (disputed, open) = tokio::try_join!(
        desk.get::<OrdersShown>("/orders?state=disputed&limit=20"),
        desk.get::<DeliveriesShown>("/payments/deliveries?state=open&limit=20")
    )?;
    let mut waiting = Vec::new();
    if let Some(trouble) = &health.trouble {
        waiting.push(Waiting { href: "/console/health", said: format!("The server takes no work: {trouble}.") });
    }
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        20.. => format!("20 or more {what}s"),
        _ => format!("{count} {what}s"),
    };
    if !disputed.orders.is_empty() {
        let said = format!("{} disputed.", counted(disputed.orders.len(), "order"));
        waiting.push(Waiting { href: "/console/orders?show=disputed", said });
    }
    if !open.deliveries.is_empty() {
        let said = format!("{} not settled yet.", counted(open.deliveries.len(), "payment"));
        waiting.push(Waiting { href: "/console/payments?show=open", said });
    }
    if totals.debt.0.millionths() > 0 {
        let said = format!("Accounts owe {} credits.", frame.wording.total(&totals.debt));
        waiting.push(Waiting { href: "/console/uncollected?show=debts", said });
    }
    Ok(waiting)
}

impl Glance {
    /// A tool's name for people.
    fn tool<'a>(&'a self, row: &'a UsageRow) -> &'a str {
        match row.tool.as_ref().and_then(Option::as_deref) {
            None => "Without a tool",
            Some(id) => self.names.tool(id),
        }
    }

    fn colour(&self, rank: usize) -> usize {
        days::colour(rank)
    }

    /// How long a tool's bar is, of 100.
    fn length(&self, row: &UsageRow) -> i128 {
        let most = self.by_tool.rows.iter().map(|row| row.credits.0.millionths()).max().unwrap_or(0);
        if most <= 0 { 0 } else { (row.credits.0.millionths().max(0) * 100).div_euclid(most) }
    }

    /// What was used on the day of the highest bar.
    fn most(&self) -> Option<String> {
        let most = self.by_day.rows.iter().max_by_key(|row| row.credits.0);
        most.map(|row| self.frame.wording.total(&row.credits))
    }

    /// The drawing's width.
    fn width(&self) -> usize {
        self.days.len() * days::STEP
    }

    fn jobs(&self, row: &UsageRow) -> String {
        self.frame.wording.count(row.charges)
    }

    fn all_jobs(&self) -> String {
        self.frame.wording.count(self.by_tool.total.charges)
    }

    fn accounts(&self) -> String {
        self.frame.wording.count(self.totals.accounts)
    }

    fn day<'a>(&self, row: &'a UsageRow) -> &'a str {
        row.day.as_deref().unwrap_or_default()
    }

    fn class(&self, class: &str) -> &'static str {
        words::class(class)
    }

    /// A class's share of what is left, of 1,000.
    fn share(&self, millionths: i128) -> i128 {
        let all = self.totals.remaining.0.millionths();
        if all <= 0 { 0 } else { (millionths.max(0) * 1_000).div_euclid(all) }
    }

    /// The classes' parts of one bar: where each begins, how long it is, and its colour.
    fn shares(&self) -> Vec<(i128, i128, usize)> {
        let mut begins = 0;
        let mut shares = Vec::new();
        for (place, class) in self.totals.classes.iter().enumerate() {
            let length = self.share(class.remaining.0.millionths());
            shares.push((begins, length, place + 1));
            begins += length;
        }
        shares
    }
}
