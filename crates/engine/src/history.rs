//! Reading history: an account's own, by its trail, and a studio's, by the journal's order.

use scrip_core::entry::{Entry, Kind};
use scrip_core::id::{AccountId, ToolId};
use scrip_core::time::Time;

/// Which entries of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Only entries with a smaller sequence number: the `next` of the page before.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
    /// Only these kinds; empty: all that are shown ([`Kind::Account`] is not).
    pub kinds: Vec<Kind>,
    /// Only this tool.
    pub tool: Option<ToolId>,
    /// Not before.
    pub from: Option<Time>,
    /// Before.
    pub to: Option<Time>,
}

/// A page of an account's history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<u64>,
}

/// Which entries of a studio.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalQuery {
    /// Only entries at a smaller position: the `next` of the page before.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
    /// Only these kinds; empty: all that are shown.
    pub kinds: Vec<Kind>,
    /// Only this tool.
    pub tool: Option<ToolId>,
    /// Not before.
    pub from: Option<Time>,
    /// Before.
    pub to: Option<Time>,
    /// Only entries with something uncollected.
    pub uncollected: bool,
}

/// A page of a studio's history. May hold fewer than `limit` and still have a `next`: a page reads a bounded
/// number of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalPage {
    /// Newest first, each with its account's id (`None` once erased).
    pub entries: Vec<(Option<AccountId>, Entry)>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<u64>,
}
