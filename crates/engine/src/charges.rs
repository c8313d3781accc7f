//! Reading what became of charges, however long the history is.
//!
//! What made a charge, and what it left owed or unpaid, stand side by side; its refunds are found by their term. Apart from
//! [`crate::history`], which goes along an account's trail from one entry to the next: here that would be in vain, because a
//! refund may be years later than its charge.

use std::collections::BTreeMap;

use scrip_core::entry::{Entry, Kind};
use scrip_core::id::{AccountNumber, ChargeId};
use scrip_core::journal::{self, Record};
use scrip_core::term::Term;

use crate::history::{self, Filter, HistoryPage, HistoryQuery, LOOKS};
use crate::recall::{self, Durable};
use crate::store::{Reader, Row, StoreError, StoredAccountRef};

/// Entries that a charge is made with: itself, then what is owed and what nobody pays.
const MADE_WITH: u64 = 3;

/// What was found about charges, as far as a query wants it.
pub(crate) struct About<'a> {
    account: AccountNumber,
    query: &'a HistoryQuery,
    found: BTreeMap<u64, Entry>,
    /// Earlier entries than this were not looked for.
    from: u64,
}

impl<'a> About<'a> {
    /// Nothing yet.
    pub(crate) fn new(account: AccountNumber, query: &'a HistoryQuery) -> About<'a> {
        About { account, query, found: BTreeMap::new(), from: 0 }
    }

    /// The numbers of entries that may be what the charges are made with; none where only refunds are wanted.
    pub(crate) fn made_with(&self) -> impl Iterator<Item = u64> + use<> {
        let only_refunds = self.query.kinds == [Kind::Refund];
        let charges = if only_refunds { Vec::new() } else { self.query.charges.clone() };
        charges.into_iter().flat_map(|charge| charge.seq..charge.seq.saturating_add(MADE_WITH))
    }

    /// The terms of the charges' refunds; none where no refunds are wanted.
    pub(crate) fn terms(&self) -> Vec<Term> {
        let kinds = &self.query.kinds;
        let wanted = kinds.is_empty() || kinds.contains(&Kind::Refund);
        let charges: &[ChargeId] = if wanted { &self.query.charges } else { &[] };
        charges.iter().map(|charge| Term::refund_of(self.account, *charge)).collect()
    }

    /// Takes an entry that may be wanted; answers whether it is.
    pub(crate) fn take(&mut self, record: &Record) -> Result<bool, StoreError> {
        let query = self.query;
        let filter = Filter { kinds: &query.kinds, tool: query.tool.as_ref(), from: query.from, to: query.to };
        let before = query.before.is_none_or(|before| record.seq < before);
        if record.account != self.account || !before || !filter.admits(record) {
            return Ok(false);
        }
        let entry = journal::decode(record).map_err(|damaged| StoreError::Damaged(damaged.to_string()))?;
        let wanted = entry.charge().is_some_and(|charge| query.charges.contains(&charge));
        if wanted {
            self.found.insert(entry.seq, entry);
        }
        Ok(wanted)
    }

    /// Entries earlier than this were not looked for: the next page begins there.
    pub(crate) fn ends_at(&mut self, seq: u64) {
        self.from = self.from.max(seq);
    }

    /// The page.
    pub(crate) fn page(self) -> HistoryPage {
        let limit = self.query.limit;
        let mut entries: Vec<Entry> = self.found.into_values().rev().filter(|entry| entry.seq >= self.from).collect();
        let next = entries.get(limit).map(|entry| entry.seq + 1).or(Some(self.from).filter(|from| *from > 1));
        entries.truncate(limit);
        HistoryPage { entries, next }
    }
}

/// Entries about charges in a store with one owner. `mark`: where the index of terms ends.
pub(crate) fn of_account(
    reader: &dyn Reader,
    mark: u64,
    stored: &StoredAccountRef,
    query: &HistoryQuery,
) -> Result<HistoryPage, StoreError> {
    let mut about = About::new(stored.account.number, query);
    for seq in about.made_with() {
        if let Some(row) = recall::row(&Durable(reader), stored.account.seq, &stored.trail, seq)? {
            about.take(&row.record)?;
        }
    }
    let terms = about.terms();
    if !terms.is_empty() {
        not_indexed_yet(reader, mark, stored, &mut about)?;
    }
    for term in terms {
        let mut wanted = 0;
        for position in reader.positions(term)? {
            let Some(row) = reader.row(position)? else { continue };
            wanted += usize::from(about.take(&row.record)?);
            if wanted > query.limit {
                break;
            }
        }
    }
    Ok(about.page())
}

/// Refunds that the index does not have yet: those after the mark, along the trail.
fn not_indexed_yet(
    reader: &dyn Reader,
    mark: u64,
    stored: &StoredAccountRef,
    about: &mut About<'_>,
) -> Result<(), StoreError> {
    let query = about.query;
    let oldest = query.charges.iter().map(|charge| charge.seq).min().unwrap_or(0);
    let is_earlier = |row: &Row| {
        row.position <= mark || row.record.seq <= oldest || query.from.is_some_and(|from| row.record.at < from)
    };
    let mut row = history::begin(reader, stored, query)?;
    for _ in 0..LOOKS {
        let Some(found) = row.filter(|row| !is_earlier(row)) else { return Ok(()) };
        about.take(&found.record)?;
        row = history::previous(reader, &found)?;
    }
    if let Some(row) = row.filter(|row| !is_earlier(row)) {
        about.ends_at(row.record.seq + 1);
    }
    Ok(())
}
