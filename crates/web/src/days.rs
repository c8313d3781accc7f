//! What was used in some days, by tool and by day, and its drawing as stacked bars.
//!
//! One for customers and operators. Every number that is written is the API's; this module must add nothing up.

use scrip_api::time::Instant;
use scrip_api::usage::{UsageRow, UsageShown};
use scrip_core::time::Time;

use crate::api::{Api, Ask};
use crate::chart::{Bar, Bars};
use crate::trouble::Trouble;
use crate::wording::Wording;

/// Which days, of whom, and who looks.
pub(crate) struct Asked<'a> {
    pub(crate) api: &'a Api,
    /// Whoever looks.
    pub(crate) token: &'a str,
    /// Whose usage: `/usage` of the whole studio, or an account's.
    pub(crate) of: String,
    /// The first instant of the days, and the first after them.
    pub(crate) period: (Time, Time),
    /// How days and numbers are written, and where a day begins.
    pub(crate) wording: &'a Wording,
}

/// What was used.
pub(crate) struct Used {
    /// By tool, the most used first.
    pub(crate) by_tool: UsageShown,
    pub(crate) by_day: UsageShown,
    pub(crate) bars: Bars,
    /// The first instant of the days.
    pub(crate) first: Instant,
    /// The last instant of them.
    pub(crate) last: Instant,
}

impl Asked<'_> {
    /// What was used; `name`: a tool's name for people.
    pub(crate) async fn read(&self, name: impl Fn(&str) -> String) -> Result<Used, Trouble> {
        let (from, to) = self.period;
        // One after the other: each reads all that happened in these days.
        let (mut by_tool, by_day) = (self.usage("tool").await?, self.usage("day").await?);
        let stacked = self.usage("tool,day").await?;
        by_tool.rows.sort_by(|one, other| other.credits.0.cmp(&one.credits.0).then_with(|| one.tool.cmp(&other.tool)));
        let bars = self.bars(&by_tool.rows, &stacked.rows, name);
        let (first, last) = (Instant(from), Instant(Time::from_micros(to.micros() - 1)));
        Ok(Used { by_tool, by_day, bars, first, last })
    }

    async fn usage(&self, by: &str) -> Result<UsageShown, Trouble> {
        let (from, to) = self.period;
        let path = format!("{}?by={by}&from={from}&to={to}", self.of);
        let ask = Ask { method: "GET", path, token: self.token, once: None, body: None, accept: "application/json" };
        self.api.ask(ask).await
    }

    fn bars(&self, ranked: &[UsageRow], stacked: &[UsageRow], name: impl Fn(&str) -> String) -> Bars {
        let days = self.wording.days(self.period.0, self.period.1);
        let parts = stacked.iter().filter_map(|row| {
            let day = days.iter().position(|day| Some(day) == row.day.as_ref())?;
            let rank = ranked.iter().position(|other| other.tool == row.tool)?;
            let tool = tool_of(row).map_or_else(|| NO_TOOL.to_owned(), &name);
            let says = format!("{}: {tool} {}", self.wording.civil(&days[day]), self.wording.total(&row.credits));
            Some(Bar { day, class: Bars::class(rank), credits: row.credits.0, says })
        });
        Bars::of(days.len(), parts.collect())
    }
}

/// What is said in place of a tool's name where credits were stated without one.
pub(crate) const NO_TOOL: &str = "Without a tool";

/// The tool of a row.
pub(crate) fn tool_of(row: &UsageRow) -> Option<&str> {
    row.tool.as_ref().and_then(Option::as_deref)
}

impl Used {
    /// The colour of a tool by its place among the most used, from 0.
    pub(crate) fn colour(&self, rank: usize) -> usize {
        Bars::class(rank)
    }

    /// How many jobs a row counts.
    pub(crate) fn jobs(&self, wording: &Wording, row: &UsageRow) -> String {
        wording.count(row.charges)
    }

    /// A row's day.
    pub(crate) fn day<'a>(&self, row: &'a UsageRow) -> &'a str {
        row.day.as_deref().unwrap_or_default()
    }
}
