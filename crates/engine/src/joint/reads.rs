//! Reading accounts and history from a shared store: whatever was acknowledged anywhere before the reading is in it.
//!
//! Everything here may wait for the network, on the caller's thread.

use std::sync::Arc;

use scrip_core::account::Account;
use scrip_core::command::Opening;
use scrip_core::entry::{Entry, Kind};
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_core::time::Time;

use super::Joint;
use super::fetched::decoded;
use crate::charges::About;
use crate::history::{Filter, HistoryPage, HistoryQuery, JournalPage, JournalPlace, JournalQuery};
use crate::opening::{self, Origin};
use crate::pending::{self, PendingOrders};
use crate::store::StoreError;
use crate::store::joint::{Asker, EntryPlace, FoundAccount, StudioQuery, Wanted, WantedAccount};

/// Entries read at a time.
const PAGE: usize = 500;
/// Entries that one page looks at, at the most: what bounds a search that finds little.
const LOOKS: usize = 50_000;

impl Joint {
    /// The account as its last entry left it.
    pub(crate) fn account(&self, studio: StudioNumber, id: &AccountId) -> Result<Option<Arc<Account>>, StoreError> {
        let accounts = vec![WantedAccount { studio, id: id.clone(), known: None }];
        let found = self.store.fetch(&Wanted { accounts, asker: Asker::Callers, ..Wanted::default() })?;
        match found.accounts.into_iter().next() {
            Some(FoundAccount::There(account)) => Ok(Some(account)),
            Some(FoundAccount::Unreadable) => {
                Err(StoreError::Damaged(format!("the row of account `{id}` cannot be read")))
            }
            Some(FoundAccount::Missing | FoundAccount::Unmoved) | None => Ok(None),
        }
    }

    /// Accounts of a studio by number, which is the order of their opening.
    pub(crate) fn accounts(
        &self,
        after: Option<AccountNumber>,
        limit: usize,
        matches: impl Fn(&Account) -> bool,
    ) -> Result<Vec<Arc<Account>>, StoreError> {
        let (mut found, mut after) = (Vec::new(), after);
        loop {
            let page = self.store.accounts(after, PAGE)?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.number);
            for account in page.into_iter().filter(&matches) {
                found.push(Arc::new(account));
                if found.len() == limit {
                    return Ok(found);
                }
            }
        }
    }

    /// An account's entries, newest first.
    pub(crate) fn history(&self, account: &Account, query: &HistoryQuery) -> Result<HistoryPage, StoreError> {
        let filter = Filter { kinds: &query.kinds, tool: query.tool.as_ref(), from: query.from, to: query.to };
        let mut before = query.before.unwrap_or(u64::MAX).min(account.seq + 1);
        if let Some(to) = query.to {
            before = self.first_from(account.number, before, to)?;
        }
        let mut page = HistoryPage::default();
        let mut looked = 0;
        while looked < LOOKS {
            let records = self.store.entries(account.number, before, PAGE.min(query.limit + 1))?;
            if records.is_empty() {
                return Ok(page);
            }
            looked += records.len();
            for record in records {
                // Times of an account never go back: before `from` nothing can match.
                if query.from.is_some_and(|from| record.at < from) {
                    return Ok(page);
                }
                if filter.admits(&record) {
                    if page.entries.len() == query.limit {
                        page.next = Some(record.seq + 1);
                        return Ok(page);
                    }
                    page.entries.push(decoded(&record)?);
                }
                before = record.seq;
            }
        }
        page.next = (before > 1).then_some(before);
        Ok(page)
    }

    /// What made charges and what became of them, newest first, however long the history is.
    pub(crate) fn about_charges(&self, account: &Account, query: &HistoryQuery) -> Result<HistoryPage, StoreError> {
        let mut about = About::new(account.number, query);
        let entries: Vec<_> = about.made_with().map(|seq| (account.number, seq)).collect();
        if !entries.is_empty() {
            let found = self.store.fetch(&Wanted { entries, asker: Asker::Callers, ..Wanted::default() })?;
            if found.unreadable.contains(&account.number) {
                return Err(StoreError::Damaged(format!("an entry of account {} cannot be read", account.number.0)));
            }
            for record in found.entries.iter().flatten() {
                about.take(record)?;
            }
        }
        let terms = about.terms();
        let (mut before, mut looked, mut wanted) = (query.before.unwrap_or(u64::MAX).min(account.seq + 1), 0, 0);
        while !terms.is_empty() && wanted <= query.limit {
            let records = self.store.carrying(account.number, &terms, before, PAGE)?;
            for record in &records {
                wanted += usize::from(about.take(record)?);
            }
            let Some(last) = records.last().filter(|_| records.len() == PAGE) else { break };
            // Times of an account never go back: before `from` nothing can match.
            if query.from.is_some_and(|from| last.at < from) {
                break;
            }
            before = last.seq;
            looked += PAGE;
            if looked >= LOOKS {
                about.ends_at(before);
                break;
            }
        }
        Ok(about.page())
    }

    /// The number of the account's first entry not before `to`, of those before `before`; `before` if there is none.
    fn first_from(&self, account: AccountNumber, before: u64, to: Time) -> Result<u64, StoreError> {
        let (mut low, mut high) = (1, before);
        while low < high {
            let middle = low + (high - low) / 2;
            let late = self.store.entries(account, middle + 1, 1)?.first().is_some_and(|record| record.at >= to);
            if late { high = middle } else { low = middle + 1 }
        }
        Ok(low)
    }

    /// The account's entry of a sequence number.
    pub(crate) fn entry(&self, account: AccountNumber, seq: u64) -> Result<Option<Entry>, StoreError> {
        let entries = vec![(account, seq)];
        let found = self.store.fetch(&Wanted { entries, asker: Asker::Callers, ..Wanted::default() })?;
        if found.unreadable.contains(&account) {
            return Err(StoreError::Damaged(format!("entry {seq} of account {} cannot be read", account.0)));
        }
        found.entries.into_iter().flatten().next().map(|record| decoded(&record)).transpose()
    }

    /// How the account was opened.
    pub(crate) fn origin(&self, account: &Account) -> Result<Origin, StoreError> {
        let mut first = self.store.entries(account.number, count() + 1, Opening::ENTRIES_MAX)?;
        first.reverse();
        let entries: Result<Vec<Entry>, StoreError> = first.iter().map(decoded).collect();
        Ok(opening::origin_of(account.number, &entries?))
    }

    /// The pending orders of the next `looks` accounts.
    pub(crate) fn pending_orders(
        &self,
        after: Option<AccountNumber>,
        looks: usize,
    ) -> Result<PendingOrders, StoreError> {
        Ok(pending::of(self.store.accounts(after, looks)?.iter()))
    }

    /// A studio's entries over all accounts, newest first.
    pub(crate) fn journal(&self, studio: StudioNumber, query: &JournalQuery) -> Result<JournalPage, StoreError> {
        let shown: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| kind.is_shown()).collect();
        let kinds = if query.kinds.is_empty() { &shown } else { &query.kinds };
        let mut page = JournalPage::default();
        let mut before = match query.before {
            None => None,
            Some(JournalPlace::Entry(place)) => Some(place),
            // Of another kind of store: there is nothing of it here.
            Some(JournalPlace::Position(_)) => return Ok(page),
        };
        let mut looked = 0;
        while looked < LOOKS {
            let limit = PAGE.min(query.limit + 1);
            let (tool, from, to) = (query.tool.as_ref(), query.from, query.to);
            let found = self.store.studio_entries(&StudioQuery { studio, before, limit, kinds, tool, from, to })?;
            let ended = found.len() < limit;
            looked += limit;
            for (id, record) in found {
                let entry = decoded(&record)?;
                if query.wants(&entry) {
                    if page.entries.len() == query.limit {
                        page.next = before.map(JournalPlace::Entry);
                        return Ok(page);
                    }
                    page.entries.push((Some(id), entry));
                }
                before = Some(EntryPlace::of(&record));
            }
            if ended {
                return Ok(page);
            }
        }
        page.next = before.map(JournalPlace::Entry);
        Ok(page)
    }
}

fn count() -> u64 {
    u64::try_from(Opening::ENTRIES_MAX).expect("a small number")
}
