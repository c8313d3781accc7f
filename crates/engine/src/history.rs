//! Reading history: an account's own, by its trail, and a studio's, by the journal's order.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use scrip_core::account::Account;
use scrip_core::entry::{Entry, Event, Kind, TextField};
use scrip_core::id::{AccountId, AccountNumber, ChargeId, StudioNumber, ToolId};
use scrip_core::journal::{self, Record};
use scrip_core::time::Time;

use crate::resident::Residents;
use crate::store::joint::EntryPlace;
use crate::store::{Reader, Row, StoreError, StoredAccountRef};
use crate::trail;

/// Rows that one page looks at, at the most: what bounds a search that finds little.
pub(crate) const LOOKS: usize = 50_000;

/// Rows read at a time when a studio's history is searched.
const PAGE: usize = 1_000;

/// Which entries of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Only entries with a smaller sequence number: the `next` of the page before.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
    /// Only these kinds; empty: all that are shown ([`Kind::is_shown`]).
    pub kinds: Vec<Kind>,
    /// Only this tool.
    pub tool: Option<ToolId>,
    /// Only what made these charges and what became of them; empty: whatever it is about.
    pub charges: Vec<ChargeId>,
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
    /// Only entries before this place: the `next` of the page before.
    pub before: Option<JournalPlace>,
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
    /// Only entries that say who made them.
    pub by_hand: bool,
}

impl JournalQuery {
    /// Whether an entry of the kinds and times asked for is one that is asked for.
    pub(crate) fn wants(&self, entry: &Entry) -> bool {
        (!self.uncollected || leaves_uncollected(entry)) && (!self.by_hand || entry.texts.names(TextField::By))
    }
}

/// A page of a studio's history. May hold fewer than `limit` and still have a `next`: a page reads a bounded
/// number of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalPage {
    /// Newest first, each with its account's id (`None` once erased).
    pub entries: Vec<(Option<AccountId>, Entry)>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<JournalPlace>,
}

/// A place in a studio's history, as its store counts it. One of another kind of store leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalPlace {
    /// A position, in a store with one owner.
    Position(u64),
    /// An entry, in a store that several servers share.
    Entry(EntryPlace),
}

/// What a row must be like, before it is decoded.
pub(crate) struct Filter<'a> {
    pub(crate) kinds: &'a [Kind],
    pub(crate) tool: Option<&'a ToolId>,
    pub(crate) from: Option<Time>,
    pub(crate) to: Option<Time>,
}

impl Filter<'_> {
    pub(crate) fn admits(&self, record: &Record) -> bool {
        let kind = if self.kinds.is_empty() { record.kind.is_shown() } else { self.kinds.contains(&record.kind) };
        kind && self.tool.is_none_or(|tool| record.tool.as_ref() == Some(tool))
            && self.from.is_none_or(|from| record.at >= from)
            && self.to.is_none_or(|to| record.at < to)
    }
}

/// An account's entries, newest first; whatever charges they are about.
pub(crate) fn of_account(
    reader: &dyn Reader,
    stored: &StoredAccountRef,
    query: &HistoryQuery,
) -> Result<HistoryPage, StoreError> {
    let filter = Filter { kinds: &query.kinds, tool: query.tool.as_ref(), from: query.from, to: query.to };
    let mut entries = Vec::new();
    let mut row = begin(reader, stored, query)?;
    for _ in 0..LOOKS {
        // Times of an account never go back: before `from` nothing can match.
        let Some(found) = row.filter(|row| query.from.is_none_or(|from| row.record.at >= from)) else {
            return Ok(HistoryPage { entries, next: None });
        };
        if filter.admits(&found.record) {
            if entries.len() == query.limit {
                return Ok(HistoryPage { entries, next: Some(found.record.seq + 1) });
            }
            entries.push(decoded(&found)?);
        }
        row = previous(reader, &found)?;
    }
    Ok(HistoryPage { entries, next: row.map(|row| row.record.seq + 1) })
}

/// The newest row that the query may show.
pub(crate) fn begin(
    reader: &dyn Reader,
    stored: &StoredAccountRef,
    query: &HistoryQuery,
) -> Result<Option<Row>, StoreError> {
    let mut row = at(reader, stored.trail.last())?;
    loop {
        let Some(found) = row else { return Ok(None) };
        let late = |row: &Row| {
            query.before.is_some_and(|before| row.record.seq >= before)
                || query.to.is_some_and(|to| row.record.at >= to)
        };
        if !late(&found) {
            return Ok(Some(found));
        }
        // Leap while even the far entry is too late; otherwise go back by one.
        let far = if trail::jump_of(found.record.seq) > 0 { at(reader, found.linked()?.jump)? } else { None };
        row = match far {
            Some(far) if late(&far) => Some(far),
            _ => previous(reader, &found)?,
        };
    }
}

fn at(reader: &dyn Reader, position: u64) -> Result<Option<Row>, StoreError> {
    if position == 0 {
        return Ok(None);
    }
    match reader.row(position)? {
        Some(row) => Ok(Some(row)),
        None => Err(StoreError::Damaged(format!("the entry at position {position} is missing"))),
    }
}

pub(crate) fn previous(reader: &dyn Reader, row: &Row) -> Result<Option<Row>, StoreError> {
    at(reader, row.linked()?.prev)
}

fn decoded(row: &Row) -> Result<Entry, StoreError> {
    journal::decode(&row.record).map_err(|damaged| StoreError::Damaged(damaged.to_string()))
}

/// The rows that a studio's history is searched in.
pub(crate) struct Searched<'a> {
    pub(crate) reader: &'a dyn Reader,
    /// The last position.
    pub(crate) last: u64,
    /// Whether positions follow the clock: not where a journal was imported, which keeps each account's order alone.
    pub(crate) by_clock: bool,
}

/// By how much a clock may have been wrong, in seconds, and a search by time still find everything: a day.
const CLOCK_WRONG_S: i64 = 86_400;

/// Whether everything at earlier positions than these rows is before `from`: so are all of them that are written when they happen.
/// What falls due is written later, and says when it was due: of these rows, some may still be wanted.
fn is_all_before(rows: &[Row], from: Time) -> bool {
    let at_once = |row: &&Row| matches!(row.record.kind, Kind::Hold | Kind::Settle | Kind::Charge | Kind::Grant);
    let mut written = rows.iter().filter(at_once).peekable();
    written.peek().is_some() && written.all(|row| row.record.at.plus_seconds(CLOCK_WRONG_S) < from)
}

/// A studio's entries, newest first. `whose`: the studio and id of an account.
pub(crate) fn of_studio(
    searched: &Searched<'_>,
    studio: StudioNumber,
    query: &JournalQuery,
    whose: impl Fn(AccountNumber) -> Result<Option<(StudioNumber, AccountId)>, StoreError>,
) -> Result<JournalPage, StoreError> {
    let filter = Filter { kinds: &query.kinds, tool: query.tool.as_ref(), from: query.from, to: query.to };
    let mut owners: FxHashMap<u64, Option<(StudioNumber, AccountId)>> = FxHashMap::default();
    let mut page = JournalPage::default();
    let mut before = match query.before {
        None => searched.last + 1,
        Some(JournalPlace::Position(position)) => position,
        Some(JournalPlace::Entry(_)) => return Ok(page),
    };
    let mut looked = 0;
    while looked < LOOKS && before > 1 {
        let rows = searched.reader.rows_before(before, PAGE)?;
        looked += PAGE;
        let Some(end) = rows.last() else { return Ok(page) };
        before = end.position;
        let ends = searched.by_clock && query.from.is_some_and(|from| is_all_before(&rows, from));
        for row in rows {
            if !filter.admits(&row.record) {
                continue;
            }
            let number = row.record.account;
            let owner = match owners.get(&number.0) {
                Some(owner) => owner.clone(),
                None => owners.entry(number.0).or_insert(whose(number)?).clone(),
            };
            let Some((owner, id)) = owner else { continue };
            if owner != studio {
                continue;
            }
            let entry = decoded(&row)?;
            if !query.wants(&entry) {
                continue;
            }
            if page.entries.len() == query.limit {
                page.next = Some(JournalPlace::Position(row.position + 1));
                return Ok(page);
            }
            page.entries.push((Some(id), entry));
        }
        if ends {
            return Ok(page);
        }
    }
    page.next = (before > 1).then_some(JournalPlace::Position(before));
    Ok(page)
}

/// Whether this entry itself posts something that nobody pays for.
fn leaves_uncollected(entry: &Entry) -> bool {
    match &entry.event {
        Event::WentUncollected { credits, .. } => credits.is_positive(),
        Event::HoldSettled(settled) => settled.uncollected.is_positive() && !settled.late,
        Event::ClawedBack { uncollected, .. } => uncollected.is_positive(),
        _ => false,
    }
}

/// Accounts by number: those with a row, then those opened since rows were last written.
pub(crate) fn accounts(
    reader: &dyn Reader,
    residents: &Residents,
    after: Option<AccountNumber>,
    limit: usize,
    matches: impl Fn(&Account) -> bool,
) -> Result<Vec<Arc<Account>>, StoreError> {
    let mut found: Vec<Arc<Account>> = Vec::new();
    let mut after = after.unwrap_or(AccountNumber(0));
    loop {
        // Those in memory first: what is not there at this moment has a row, or does not exist.
        while let Some(stored) = residents.get(AccountNumber(after.0 + 1)) {
            after = stored.account.number;
            if matches(&stored.account) {
                found.push(stored.account);
                if found.len() == limit {
                    return Ok(found);
                }
            }
        }
        let rows = reader.accounts(Some(after), PAGE)?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = last.account.number;
        for row in rows {
            let number = row.account.number;
            let resident = residents.get(number).map(|stored| stored.account);
            if !matches(resident.as_deref().unwrap_or(&row.account)) {
                continue;
            }
            let account = match resident {
                Some(account) => account,
                // Since the page was read it may have changed and left memory again: its row is read anew.
                None => Arc::new(reader.account(number)?.map_or(row.account, |stored| stored.account)),
            };
            found.push(account);
            if found.len() == limit {
                return Ok(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use scrip_core::amount::Credits;

    use super::*;

    fn row((kind, at): (Kind, &str)) -> Row {
        let record = Record {
            account: AccountNumber(1),
            seq: 1,
            at: Time::parse(at).unwrap(),
            kind,
            tool: None,
            credits: Credits::ZERO,
            held: Credits::ZERO,
            available_after: Credits::ZERO,
            remaining_after: Credits::ZERO,
            body: Vec::new(),
            hash: scrip_core::account::Hash::default(),
            texts: None,
        };
        Row { position: 1, links: None, record }
    }

    #[test]
    fn a_search_by_time_ends_a_day_before() {
        let from = Time::parse("2026-01-31T10:00:00Z").unwrap();
        let (before, within) = ("2026-01-30T09:59:59Z", "2026-01-30T10:00:00Z");
        for (rows, ends) in [
            (vec![(Kind::Charge, before), (Kind::Settle, before), (Kind::Hold, before)], true),
            (vec![(Kind::Charge, before), (Kind::Grant, within)], false),
            // What fell due long ago is written when somebody looks.
            (vec![(Kind::Expiry, before), (Kind::Refill, before)], false),
            (vec![(Kind::Expiry, within), (Kind::Charge, before)], true),
            (vec![], false),
        ] {
            let rows: Vec<Row> = rows.into_iter().map(row).collect();
            assert_eq!(is_all_before(&rows, from), ends, "{rows:?}");
        }
    }
}
