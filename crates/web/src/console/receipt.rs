//! A history as an operator reads it: each job with the receipt that its customer sees: how its price comes about, the lots
//! that paid, and the refunds beneath.

use std::collections::BTreeMap;

use scrip_api::code::Code;
use scrip_api::entry::{EntriesShown, EntryShown};
use scrip_api::quote::{LineShown, QuoteShown};
use scrip_core::id::AccountId;
use serde_json::json;

use super::desk::{Denied, Desk};
use crate::trouble::Trouble;

/// A line of a history.
pub(crate) struct Line {
    pub(crate) entry: EntryShown,
    /// How its price comes about, where the prices in force are those that it was priced by.
    pub(crate) price: Vec<LineShown>,
    pub(crate) refunds: Vec<EntryShown>,
}

impl Line {
    /// The charge that it made, where it may be refunded.
    pub(crate) fn charge(&self) -> Option<&str> {
        let made = matches!(self.entry.kind.as_str(), "charge" | "settle");
        // What was paid by a debt alone moved no credits, and can be given back as well (R24).
        let cost = self.entry.credits.0.is_negative() || self.entry.debt.is_some_and(|debt| debt.0.is_positive());
        self.entry.charge.as_deref().filter(|_| made && cost)
    }

    /// Whether there is more to it than the line.
    pub(crate) fn has_receipt(&self) -> bool {
        let moved = self.entry.lots.iter().any(|lot| !lot.credits.0.is_zero());
        moved || !self.price.is_empty() || !self.refunds.is_empty()
    }
}

/// The lines of entries.
pub(crate) async fn lines(desk: &Desk, id: &AccountId, entries: Vec<EntryShown>) -> Result<Vec<Line>, Denied> {
    let mut refunds: BTreeMap<String, Vec<EntryShown>> = BTreeMap::new();
    if let Some(oldest) = entries.iter().filter(|entry| entry.charge.is_some()).map(|entry| entry.at).min() {
        let path = format!("/accounts/{id}/entries?kind=refund&limit=1000&from={}", oldest.0);
        let found: EntriesShown = desk.get(&path).await?;
        for refund in found.entries {
            if let Some(charge) = refund.charge.clone() {
                refunds.entry(charge).or_default().push(refund);
            }
        }
    }
    let mut lines = Vec::with_capacity(entries.len());
    for entry in entries {
        let is_job = matches!(entry.kind.as_str(), "settle" | "charge");
        let price = if is_job { price(desk, &entry).await? } else { Vec::new() };
        let refunds = entry.charge.as_ref().filter(|_| is_job).and_then(|charge| refunds.remove(charge));
        lines.push(Line { price, refunds: refunds.unwrap_or_default(), entry });
    }
    Ok(lines)
}

/// The lines of a job's price: those of a quote, where it is at the version that priced the job.
async fn price(desk: &Desk, entry: &EntryShown) -> Result<Vec<LineShown>, Denied> {
    let (Some(tool), Some(measures)) = (&entry.tool, &entry.measures) else { return Ok(Vec::new()) };
    let body = json!({ "tool": tool, "measures": measures });
    let quote: QuoteShown = match desk.send("POST", "/quotes".to_owned(), None, body).await {
        Ok(quote) => quote,
        // The tool, or this measure of it, may be gone since.
        Err(Denied(Trouble::Problem(problem))) if problem.code != Code::Unavailable => return Ok(Vec::new()),
        Err(denied) => return Err(denied),
    };
    let same =
        Some(quote.catalog_version) == entry.catalog_version && entry.price.is_none_or(|price| price == quote.credits);
    Ok(if same { quote.lines } else { Vec::new() })
}
