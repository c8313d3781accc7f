//! A whole store at one moment, page by page: for exports.
//!
//! Accounts are shown as their last entries left them: the rows written behind, and on top of them the entries since
//! the mark, as at every opening ([`crate::recover`]). Only those that changed since the mark are kept in memory. It
//! applies nothing that fell due since, and writes nothing.

use std::collections::BTreeMap;
use std::ops::Bound;

use scrip_core::account::Account;
use scrip_core::entry::Entry;
use scrip_core::id::{AccountNumber, StudioId, StudioNumber};
use scrip_core::journal;

use crate::recover;
use crate::store::{Document, Extent, Reader, Row, StoreError};

/// A reader that stands still, with the accounts that changed since the mark.
pub struct Snapshot<'a> {
    reader: &'a dyn Reader,
    extent: Extent,
    changed: BTreeMap<AccountNumber, Account>,
}

impl<'a> Snapshot<'a> {
    /// Reads the entries since the mark. `reader` must stand still: one snapshot.
    pub fn open(reader: &'a dyn Reader) -> Result<Snapshot<'a>, StoreError> {
        let extent = reader.extent()?;
        let changed = recover::changed_since_mark(reader, extent, &mut |_, _| {})?;
        let changed = changed.into_values().map(|stored| (stored.account.number, stored.account)).collect();
        Ok(Snapshot { reader, extent, changed })
    }

    /// The last entry's position; 0 for an empty journal.
    pub fn last_position(&self) -> u64 {
        self.extent.last
    }

    /// The greatest account number; 0 for none.
    pub fn last_account(&self) -> AccountNumber {
        self.changed.last_key_value().map_or(self.extent.last_account, |(last, _)| self.extent.last_account.max(*last))
    }

    /// The studios, by number.
    pub fn studios(&self) -> Result<BTreeMap<StudioNumber, StudioId>, StoreError> {
        let documents = self.reader.documents()?.into_iter();
        Ok(documents
            .filter_map(|document| match document {
                Document::Studio { number, id } => Some((number, id)),
                Document::Catalog { .. }
                | Document::Key(_)
                | Document::Clock { .. }
                | Document::Import(_)
                | Document::TokenSecret { .. }
                | Document::Note(_) => None,
            })
            .collect())
    }

    /// The accounts after a number, by number: those of the next `limit` rows, and those between them that have no row
    /// yet. None: there are no more.
    pub fn accounts(&self, after: AccountNumber, limit: usize) -> Result<Vec<Account>, StoreError> {
        let rows = self.reader.accounts(Some(after), limit)?;
        let end = match rows.last() {
            Some(last) if rows.len() == limit => Bound::Included(last.account.number),
            _ => Bound::Unbounded,
        };
        let mut page: BTreeMap<AccountNumber, Account> =
            rows.into_iter().map(|stored| (stored.account.number, stored.account)).collect();
        let changed = self.changed.range((Bound::Excluded(after), end));
        page.extend(changed.map(|(number, account)| (*number, account.clone())));
        Ok(page.into_values().collect())
    }

    /// One account.
    pub fn account(&self, number: AccountNumber) -> Result<Account, StoreError> {
        if let Some(account) = self.changed.get(&number) {
            return Ok(account.clone());
        }
        let stored = self.reader.account(number)?;
        stored
            .map(|stored| stored.account)
            .ok_or_else(|| StoreError::Damaged(format!("account {} is missing, though it has entries", number.0)))
    }

    /// The entries after a position, in the journal's order, at most `limit`. None: the journal ends there.
    pub fn entries(&self, after: u64, limit: usize) -> Result<Vec<(Row, Entry)>, StoreError> {
        if after >= self.extent.last {
            return Ok(Vec::new());
        }
        let rows = self.reader.rows_from(after + 1, limit)?;
        if rows.is_empty() {
            return Err(recover::missing_from(after + 1));
        }
        let mut entries = Vec::with_capacity(rows.len());
        for (expected, row) in (after + 1..).zip(rows) {
            if row.position != expected {
                return Err(StoreError::Damaged(format!("the entry at position {expected} is missing")));
            }
            let entry = journal::decode(&row.record).map_err(|damaged| StoreError::Damaged(damaged.to_string()))?;
            entries.push((row, entry));
        }
        Ok(entries)
    }
}
