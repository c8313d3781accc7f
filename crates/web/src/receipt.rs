//! A history's lines, each job with its receipt: how its price comes about, which lots paid, and what was given back of it
//! since.
//!
//! One for customers and operators, so that both read the same. It asks the API as whoever looks; it must compute no amount,
//! and read no more than the lines need, however long the history is.

use std::collections::BTreeMap;

use scrip_api::entry::{EntriesShown, EntryShown, LotChangeShown};
use scrip_api::quote::{LineShown, QuoteShown};
use serde_json::json;

use crate::api::{Api, Ask};
use crate::trouble::Trouble;
use crate::wording;

/// Refunds that are read for the jobs of one page together.
const REFUNDS: usize = 1_000;
/// Refunds of one job that are shown where those of all are more.
const REFUNDS_OF_ONE: usize = 100;

/// Whoever looks, and at whose history.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) api: &'a Api,
    /// Whoever looks.
    pub(crate) token: &'a str,
    /// Whose history, by the studio's own id.
    pub(crate) account: &'a str,
}

/// A line of a history.
pub(crate) struct Line {
    pub(crate) entry: EntryShown,
    /// How its price comes about.
    pub(crate) price: Vec<LineShown>,
    /// What was given back of it, newest first.
    pub(crate) refunds: Vec<EntryShown>,
    /// Whether more was given back of it, earlier than what is shown.
    pub(crate) has_more: bool,
}

impl Line {
    /// Whether it is a job that cost something, or would have.
    pub(crate) fn is_job(&self) -> bool {
        is_job(&self.entry)
    }

    /// Whether there is more to it than the line.
    pub(crate) fn has_receipt(&self) -> bool {
        let moved = self.entry.lots.iter().any(|lot| !lot.credits.0.is_zero() || lot.frozen.is_some());
        moved || self.is_job() || self.entry.reason.is_some()
    }

    /// Whether a refund gives credits back, and not only takes off what is owed.
    pub(crate) fn gives_credits(&self, refund: &EntryShown) -> bool {
        !refund.credits.0.is_zero() || refund.debt.is_none()
    }

    /// A lot's class for people.
    pub(crate) fn class(&self, lot: &LotChangeShown) -> &'static str {
        wording::class_name(&lot.class)
    }
}

/// What was given back of a job.
#[derive(Default)]
struct Refunds {
    /// Newest first.
    refunds: Vec<EntryShown>,
    has_more: bool,
}

fn is_job(entry: &EntryShown) -> bool {
    matches!(entry.kind.as_str(), "settle" | "charge")
}

impl Reader<'_> {
    /// The lines of entries.
    pub(crate) async fn lines(self, entries: Vec<EntryShown>) -> Result<Vec<Line>, Trouble> {
        let jobs: Vec<&str> =
            entries.iter().filter(|entry| is_job(entry)).filter_map(|entry| entry.charge.as_deref()).collect();
        let mut refunds = self.refunds(&jobs).await?;
        let mut lines = Vec::with_capacity(entries.len());
        for entry in entries {
            let price = if is_job(&entry) { self.price(&entry).await? } else { Vec::new() };
            let refunded = entry.charge.as_ref().filter(|_| is_job(&entry)).and_then(|charge| refunds.remove(charge));
            let Refunds { refunds, has_more } = refunded.unwrap_or_default();
            lines.push(Line { price, refunds, has_more, entry });
        }
        Ok(lines)
    }

    /// What was given back of charges, by charge.
    async fn refunds(self, charges: &[&str]) -> Result<BTreeMap<String, Refunds>, Trouble> {
        let mut refunds: BTreeMap<String, Refunds> = BTreeMap::new();
        if charges.is_empty() {
            return Ok(refunds);
        }
        let all = self.refunds_of(&charges.join(","), REFUNDS).await?;
        if !all.has_more {
            for refund in all.refunds {
                if let Some(charge) = refund.charge.clone() {
                    refunds.entry(charge).or_default().refunds.push(refund);
                }
            }
            return Ok(refunds);
        }
        // The many of one job must not stand in front of the others'.
        for charge in charges {
            refunds.insert((*charge).to_owned(), self.refunds_of(charge, REFUNDS_OF_ONE).await?);
        }
        Ok(refunds)
    }

    async fn refunds_of(self, charges: &str, limit: usize) -> Result<Refunds, Trouble> {
        let path = format!("/accounts/{}/entries?kind=refund&limit={limit}&charge={charges}", self.account);
        let page: EntriesShown = self.api.ask(self.asking("GET", path)).await?;
        Ok(Refunds { has_more: page.next.is_some(), refunds: page.entries })
    }

    /// The lines of a job's price: those of a quote at the version that priced the job.
    async fn price(self, entry: &EntryShown) -> Result<Vec<LineShown>, Trouble> {
        let (Some(tool), Some(version)) = (&entry.tool, entry.catalog_version) else { return Ok(Vec::new()) };
        let measures = entry.measures.as_ref().map_or_else(|| json!({}), |measures| json!(measures));
        let body = json!({ "tool": tool, "measures": measures, "catalog_version": version });
        let ask = Ask { body: Some(body), ..self.asking("POST", "/quotes".to_owned()) };
        let quote: QuoteShown = match self.api.ask(ask).await {
            Ok(quote) => quote,
            // It was settled at stated credits: there is nothing to explain.
            Err(Trouble::Problem(problem)) if problem.status < 500 => return Ok(Vec::new()),
            Err(trouble) => return Err(trouble),
        };
        Ok(if entry.price == Some(quote.credits) { quote.lines } else { Vec::new() })
    }
}

impl<'a> Reader<'a> {
    fn asking(self, method: &'static str, path: String) -> Ask<'a> {
        Ask { method, path, token: self.token, once: None, body: None, accept: "application/json" }
    }
}
