//! `…/usage`: totals for charts.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use axum::extract::State;
use axum::response::Response;
use scrip_api::number::WideAmount;
use scrip_api::time::Instant;
use scrip_api::unfit::InvalidField;
use scrip_api::usage::{UsageRow, UsageShown, UsageTotals};
use scrip_core::amount::Total;
use scrip_core::entry::{Entry, Event, Kind};
use scrip_core::id::ToolId;
use scrip_core::rejection::Rejection;
use scrip_core::time::{Time, Zone};
use scrip_engine::history::{HistoryQuery, JournalQuery};

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::{AccountParam, UsageParams};
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, PAGE_MAX, Query};

/// Entries that one answer adds up at the most.
const ENTRIES_MAX: usize = 500_000;

/// What was used by an account, by tool, by day or both; days are those of the account's time zone.
#[utoipa::path(get, path = "/v1/accounts/{account}/usage", tag = "history", params(AccountParam, UsageParams),
    responses((status = 200, body = UsageShown, description = "The totals")))]
pub(super) async fn of_account(
    State(app): State<App>,
    key: Authorised,
    AccountPath(id): AccountPath,
    query: Query,
) -> Result<Response, Refused> {
    let wanted = Wanted::read(query)?;
    let account = app.stored_account(key.studio, &id).await?;
    let (studio, mut sums) = (key.studio, Sums::new(wanted, account.zone.clone()));
    let sums = app.reading(move |engine| {
        let mut query = HistoryQuery {
            before: None,
            limit: PAGE_MAX,
            kinds: KINDS.to_vec(),
            tool: None,
            charges: Vec::new(),
            from: sums.wanted.from,
            to: sums.wanted.to,
        };
        loop {
            // Its id may have been erased since the page before: then what was added up is nobody's.
            let Some(page) = engine.history(studio, &id, &query)? else { return Ok(None) };
            if sums.add_all(page.entries.iter()).is_break() || page.next.is_none() {
                return Ok(Some(sums));
            }
            query.before = page.next;
        }
    });
    sums.await?.ok_or(Rejection::AccountNotFound)?.answer()
}

/// What was used by a whole studio; days are those of UTC.
#[utoipa::path(get, path = "/v1/usage", tag = "history", params(UsageParams),
    responses((status = 200, body = UsageShown, description = "The totals")))]
pub(super) async fn of_studio(State(app): State<App>, key: Authorised, query: Query) -> Result<Response, Refused> {
    let wanted = Wanted::read(query)?;
    let (studio, mut sums) = (key.studio, Sums::new(wanted, Zone::utc()));
    let sums = app.reading(move |engine| {
        let mut query = JournalQuery {
            before: None,
            limit: PAGE_MAX,
            kinds: KINDS.to_vec(),
            tool: None,
            from: sums.wanted.from,
            to: sums.wanted.to,
            uncollected: false,
            by_hand: false,
        };
        loop {
            let page = engine.journal(studio, &query)?;
            if sums.add_all(page.entries.iter().map(|(_, entry)| entry)).is_break() || page.next.is_none() {
                return Ok(sums);
            }
            query.before = page.next;
        }
    });
    sums.await?.answer()
}

/// The kinds that say what was used. What a settle left as debt or uncollected stands in the settle itself.
const KINDS: [Kind; 3] = [Kind::Settle, Kind::Charge, Kind::Refund];

/// What is asked for.
struct Wanted {
    by_tool: bool,
    by_day: bool,
    from: Option<Time>,
    to: Option<Time>,
}

impl Wanted {
    fn read(mut query: Query) -> Result<Wanted, InvalidField> {
        let by = query.text("by").unwrap_or_else(|| "tool".to_owned());
        let words: Vec<&str> = by.split(',').collect();
        if !words.iter().all(|word| matches!(*word, "tool" | "day")) {
            return Err(InvalidField::new("by", "tool, day or tool,day"));
        }
        let wanted = Wanted {
            by_tool: words.contains(&"tool"),
            by_day: words.contains(&"day"),
            from: query.time("from")?,
            to: query.time("to")?,
        };
        query.finish()?;
        Ok(wanted)
    }
}

/// Day and tool of a row, where asked for.
type Place = (Option<String>, Option<Option<ToolId>>);

/// Totals as they are added up.
struct Sums {
    wanted: Wanted,
    zone: Zone,
    rows: BTreeMap<Place, Sum>,
    entries: usize,
}

/// One row's totals.
#[derive(Clone, Copy, Default)]
struct Sum {
    charges: u64,
    charged: Total,
    debt: Total,
    uncollected: Total,
    refunded: Total,
}

impl Sums {
    fn new(wanted: Wanted, zone: Zone) -> Sums {
        Sums { wanted, zone, rows: BTreeMap::new(), entries: 0 }
    }

    /// Adds a page; breaks off when it is too much.
    fn add_all<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>) -> ControlFlow<()> {
        let rules = self.zone.rules();
        for entry in entries {
            self.entries += 1;
            let day = self.wanted.by_day.then(|| entry.at.timestamp().to_zoned(rules.clone()).date().to_string());
            let tool = self.wanted.by_tool.then(|| entry.tool().cloned());
            self.rows.entry((day, tool)).or_default().add(entry);
        }
        if self.entries > ENTRIES_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn answer(self) -> Result<Response, Refused> {
        if self.entries > ENTRIES_MAX {
            return Err(InvalidField::new("from", format!("a period with at most {ENTRIES_MAX} entries")).into());
        }
        let mut total = Sum::default();
        let mut rows = Vec::with_capacity(self.rows.len());
        for ((day, tool), sum) in &self.rows {
            total.merge(sum);
            let tool = tool.as_ref().map(|tool| tool.as_ref().map(ToString::to_string));
            rows.push(UsageRow::of(day.clone(), tool, sum.shown()));
        }
        Ok(reply::ok(&UsageShown {
            from: self.wanted.from.map(Instant),
            to: self.wanted.to.map(Instant),
            time_zone: self.zone.name().to_owned(),
            rows,
            total: total.shown(),
        }))
    }
}

impl Sum {
    fn add(&mut self, entry: &Entry) {
        match &entry.event {
            Event::HoldSettled(settled) => {
                self.charges += 1;
                self.charged += settled.charged;
                self.debt += settled.debt;
                self.uncollected += settled.uncollected;
            }
            Event::Charged { credits, .. } => {
                self.charges += 1;
                self.charged += *credits;
            }
            Event::Refunded(refunded) => self.refunded += refunded.credits,
            _ => {}
        }
    }

    fn merge(&mut self, other: &Sum) {
        self.charges += other.charges;
        self.charged += other.charged;
        self.debt += other.debt;
        self.uncollected += other.uncollected;
        self.refunded += other.refunded;
    }

    fn shown(&self) -> UsageTotals {
        let net = self.charged.millionths() + self.debt.millionths() - self.refunded.millionths();
        UsageTotals {
            charges: self.charges,
            charged: WideAmount(self.charged),
            debt: WideAmount(self.debt),
            uncollected: WideAmount(self.uncollected),
            refunded: WideAmount(self.refunded),
            credits: WideAmount(Total::from_millionths(net)),
        }
    }
}
