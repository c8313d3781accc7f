//! *At a glance*: what moved, what accounts have, what waits for somebody, and what is used, by tool and day.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use scrip_api::code::Code;
use scrip_api::console::{HealthShown, TotalsOfStudioShown};
use scrip_api::order::OrdersShown;
use scrip_api::payment::DeliveriesShown;
use scrip_api::time::Instant;
use scrip_api::usage::UsageRow;

use super::Page;
use super::cells::{View, Views};
use super::desk::{Denied, Desk};
use super::frame::{Frame, Room};
use super::words::{self, Names};
use crate::days::{self, Used};
use crate::frame;
use crate::trouble::Trouble;

/// The periods that can be looked at, in days.
const PERIODS: [i64; 4] = [1, 7, 30, 90];
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
    /// What accounts have now.
    totals: Part<TotalsOfStudioShown>,
    /// Why what moved is not added up, where it is too much.
    too_much: Option<String>,
    health: HealthShown,
    names: Names,
    used: Part<Used>,
    from: Instant,
    waiting: Vec<Waiting>,
}

/// A part of the page, or why it is not there: the others are, all the same.
type Part<T> = Result<T, String>;

/// Something that waits for somebody; a number first, where it is one.
struct Waiting {
    href: &'static str,
    of: &'static str,
    number: String,
    said: String,
}

/// The page.
pub(super) async fn page(desk: Desk, Query(asked): Query<Asked>) -> Page {
    let period = asked.days.filter(|days| PERIODS.contains(days)).unwrap_or(PERIOD);
    let (frame, names) = (Frame::around(&desk, Room::Glance), desk.catalog().await?);
    let to = frame.wording.midnight_after(&frame.now);
    let from = frame.wording.days_before(to, period);
    let health: HealthShown = desk.get("/health").await?;
    // One after the other: each reads much of the journal.
    let totals = part(desk.get::<TotalsOfStudioShown>(&format!("/totals?from={from}")).await)?;
    // What accounts have now does not hang on the period.
    let (totals, too_much) = match totals {
        Err(why) => (part(desk.get(&format!("/totals?from={}", desk.visit.now.0)).await)?, Some(why)),
        Ok(totals) => (Ok(totals), None),
    };
    let days = days::Asked {
        api: &desk.site.api,
        token: &desk.token,
        of: "/usage".to_owned(),
        period: (from, to),
        wording: &frame.wording,
    };
    let used = part(days.read(|tool| names.tool(tool).to_owned()).await.map_err(Denied))?;
    let from = Instant(from);
    let waiting = waiting(&desk, &frame, &totals, &health).await?;
    let views = Views {
        name: "Which period",
        views: PERIODS
            .map(|days| View {
                href: if days == PERIOD { "/console".to_owned() } else { format!("/console?days={days}") },
                said: match days {
                    1 => "Today",
                    7 => "7 days",
                    30 => "30 days",
                    _ => "90 days",
                },
                is_this: days == period,
            })
            .into(),
    };
    let glance = Glance { frame, views, totals, too_much, health, names, used, from, waiting };
    Ok(frame::html(StatusCode::OK, &glance))
}

/// A part that could not be made says why; who may not see it, or whose session is over, is told at once.
fn part<T>(made: Result<T, Denied>) -> Result<Part<T>, Denied> {
    match made {
        Ok(made) => Ok(Ok(made)),
        Err(Denied(Trouble::Problem(problem))) if problem.code == Code::InvalidRequest => {
            Ok(Err("So much moved in this time that it is not added up here. Choose fewer days.".to_owned()))
        }
        Err(Denied(Trouble::Problem(problem))) if problem.code != Code::Forbidden => Ok(Err(problem.detail.clone())),
        Err(denied) => Err(denied),
    }
}

/// What somebody should look at.
async fn waiting(
    desk: &Desk,
    frame: &Frame,
    totals: &Part<TotalsOfStudioShown>,
    health: &HealthShown,
) -> Result<Vec<Waiting>, Denied> {
    let (disputed, open) = tokio::try_join!(
        desk.get::<OrdersShown>("/orders?state=disputed&limit=20"),
        desk.get::<DeliveriesShown>("/payments/deliveries?state=open&limit=20")
    )?;
    let mut waiting = Vec::new();
    if let Some(trouble) = &health.trouble {
        let said = format!("The server takes no work: {trouble}.");
        waiting.push(Waiting { href: "/console/health", of: "", number: String::new(), said });
    }
    let mut counted = |(count, more): (usize, bool), of, href, what: &str, how: &str| {
        let (or_more, many) = (if more { "or more " } else { "" }, if count == 1 && !more { "" } else { "s" });
        if count > 0 {
            waiting.push(Waiting {
                href,
                of,
                number: count.to_string(),
                said: format!("{or_more}{what}{many} {how}."),
            });
        }
    };
    let (orders, payments) = (disputed.orders.len(), open.deliveries.len());
    counted((orders, disputed.next.is_some()), "disputed", "/console/orders?show=disputed", "order", "disputed");
    counted((payments, open.next.is_some()), "open", "/console/payments?show=open", "payment", "not settled yet");
    if let Some(totals) = totals.as_ref().ok().filter(|totals| totals.stuck_holds > 0) {
        let count = totals.stuck_holds;
        let said = format!("job{} held credits for longer than usual.", if count == 1 { " has" } else { "s have" });
        waiting.push(Waiting {
            href: "/console/holds?show=stuck",
            of: "stuck",
            number: frame.wording.count(count),
            said,
        });
    }
    if let Some(totals) = totals.as_ref().ok().filter(|totals| totals.debt.0.millionths() > 0) {
        let number = frame.wording.total(&totals.debt);
        let said = "credits are owed by accounts.".to_owned();
        waiting.push(Waiting { href: "/console/uncollected?show=debts", of: "owed", number, said });
    }
    Ok(waiting)
}

impl Glance {
    /// A tool's name for people.
    fn tool<'a>(&'a self, row: &'a UsageRow) -> &'a str {
        days::tool_of(row).map_or(days::NO_TOOL, |id| self.names.tool(id))
    }

    /// How long a tool's bar is, of 100.
    fn length(&self, used: &Used, row: &UsageRow) -> i128 {
        let most = used.by_tool.rows.iter().map(|row| row.credits.0.millionths()).max().unwrap_or(0);
        if most <= 0 { 0 } else { (row.credits.0.millionths().max(0) * 100).div_euclid(most) }
    }

    /// What was used on the day of the highest bar.
    fn most(&self, used: &Used) -> Option<String> {
        let most = used.by_day.rows.iter().max_by_key(|row| row.credits.0);
        most.map(|row| self.frame.wording.total(&row.credits))
    }

    fn jobs(&self, row: &UsageRow) -> String {
        self.frame.wording.count(row.charges)
    }

    fn all_jobs(&self, used: &Used) -> String {
        self.frame.wording.count(used.by_tool.total.charges)
    }

    fn accounts(&self, totals: &TotalsOfStudioShown) -> String {
        self.frame.wording.count(totals.accounts)
    }

    fn class(&self, class: &str) -> &'static str {
        words::class(class)
    }

    /// A class's share of what is left, of 1,000.
    fn share(totals: &TotalsOfStudioShown, millionths: i128) -> i128 {
        let all = totals.remaining.0.millionths();
        if all <= 0 { 0 } else { (millionths.max(0) * 1_000).div_euclid(all) }
    }

    /// The classes' parts of one bar: where each begins, how long it is, and its colour.
    fn shares(&self, totals: &TotalsOfStudioShown) -> Vec<(i128, i128, usize)> {
        let mut begins = 0;
        let mut shares = Vec::new();
        for (place, class) in totals.classes.iter().enumerate() {
            let length = Glance::share(totals, class.remaining.0.millionths());
            shares.push((begins, length, place + 1));
            begins += length;
        }
        shares
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(code: &str) -> Denied {
        let problem = json!({"type": "/problems/x", "title": "x", "status": 400, "code": code, "detail": "Not now."});
        Denied(Trouble::Problem(Box::new(serde_json::from_value(problem).unwrap())))
    }

    #[test]
    fn a_part_that_is_too_much_leaves_the_page() {
        assert_eq!(part(Ok(7)).unwrap(), Ok(7));
        let too_much = part::<u8>(Err(refused("invalid_request"))).unwrap();
        assert!(too_much.unwrap_err().ends_with("Choose fewer days."));
        assert_eq!(part::<u8>(Err(refused("unavailable"))).unwrap(), Err("Not now.".to_owned()));
        assert!(part::<u8>(Err(refused("forbidden"))).is_err(), "who may not see it gets no page");
        assert!(part::<u8>(Err(Denied(Trouble::Ended))).is_err(), "who has no session signs in");
    }
}
