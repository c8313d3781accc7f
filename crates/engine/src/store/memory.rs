//! A store in memory: for tests, and for what need not outlive its process.
//!
//! It keeps exactly the port's promises and no more: what was appended is there for every handle on
//! the same memory, and a [`MemoryStore::crashed`] copy has what a disk would have had.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, MutexGuard};

use scrip_core::account::{Account, Recalled};
use scrip_core::bucket::Bucket;
use scrip_core::entry::Term;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};

use super::{
    Batch, Document, Erasing, Erasure, Extent, Head, Reader, Row, Store, StoreError, StoredAccount, StoredAccountRef,
    indexed,
};

/// A store whose contents live as long as a handle on them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    rows: Vec<Row>,
    documents: BTreeMap<Identity, Document>,
    accounts: BTreeMap<AccountNumber, StoredAccount>,
    numbers: BTreeMap<(StudioNumber, AccountId), AccountNumber>,
    /// Positions by the leading bits of their term, oldest first.
    terms: BTreeMap<u64, Vec<u64>>,
    /// The present run of terms, not complete yet.
    run: Vec<(u64, u64)>,
    mark: u64,
}

/// What tells documents apart; also their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identity {
    Studio(StudioNumber),
    Catalog(StudioNumber, u32),
    Key(Box<str>),
    Clock,
    Import,
    TokenSecret(StudioNumber),
    Note(StudioNumber, Box<str>),
}

impl Identity {
    pub(crate) fn of(document: &Document) -> Identity {
        match document {
            Document::Studio { number, .. } => Identity::Studio(*number),
            Document::Catalog { studio, version, .. } => Identity::Catalog(*studio, *version),
            Document::Key(key) => Identity::Key(key.id.clone()),
            Document::Clock { .. } => Identity::Clock,
            Document::Import(_) => Identity::Import,
            Document::TokenSecret { studio, .. } => Identity::TokenSecret(*studio),
            Document::Note(note) => Identity::Note(note.studio, note.name.clone()),
        }
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// A store of its own with what this one would be found with after a crash: all that was appended, and no
    /// incomplete run of terms.
    pub fn crashed(&self) -> MemoryStore {
        let mut state = self.lock().clone();
        state.run.clear();
        MemoryStore { state: Arc::new(Mutex::new(state)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics")
    }
}

impl State {
    fn append(&mut self, batch: &Batch) {
        for row in &batch.rows {
            assert_eq!(row.position, position_after(&self.rows), "positions have no gaps");
            self.rows.push(row.clone());
        }
        for document in &batch.documents {
            self.documents.insert(Identity::of(document), document.clone());
        }
        for erasure in &batch.erasures {
            self.erase(erasure);
        }
        for stored in &batch.behind.accounts {
            let stored = stored_form(stored);
            let account = &stored.account;
            self.numbers.insert((account.studio, account.id.clone()), account.number);
            self.accounts.insert(account.number, stored);
        }
        let piece = &batch.behind.terms;
        assert!(piece.is_sorted(), "a run of terms is sorted");
        if self.run.last().zip(piece.first()).is_some_and(|(last, first)| last >= first) {
            self.run.clear();
        }
        self.run.extend(piece);
        if let Some(mark) = batch.behind.mark {
            for (term, position) in self.run.drain(..) {
                self.terms.entry(term).or_default().push(position);
            }
            self.mark = mark;
        }
    }
}

impl State {
    fn erase(&mut self, erasure: &Erasure) {
        let stored = stored_form(&erasure.stored);
        let account = &stored.account;
        for row in self.rows.iter_mut().take_while(|row| row.position < erasure.position) {
            if row.record.account == account.number {
                row.record.texts = None;
            }
        }
        self.numbers.retain(|_, number| *number != account.number);
        self.numbers.insert((account.studio, account.id.clone()), account.number);
        self.accounts.insert(account.number, stored);
    }
}

fn position_after(rows: &[Row]) -> u64 {
    rows.last().map_or(1, |row| row.position + 1)
}

fn stored_form(stored: &StoredAccountRef) -> StoredAccount {
    let account = Account { recalled: Recalled::default(), ..Account::clone(&stored.account) };
    StoredAccount { account, trail: stored.trail.clone() }
}

impl Store for MemoryStore {
    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(self.clone())
    }

    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.lock().append(batch);
        Ok(())
    }

    fn upkeep(&mut self) -> Result<bool, StoreError> {
        Ok(false)
    }
}

impl Reader for MemoryStore {
    fn documents(&self) -> Result<Vec<Document>, StoreError> {
        Ok(self.lock().documents.values().cloned().collect())
    }

    fn extent(&self) -> Result<Extent, StoreError> {
        let state = self.lock();
        Ok(Extent {
            mark: state.mark,
            last: position_after(&state.rows) - 1,
            last_account: state.accounts.last_key_value().map_or(AccountNumber(0), |(number, _)| *number),
        })
    }

    fn account(&self, number: AccountNumber) -> Result<Option<StoredAccount>, StoreError> {
        Ok(self.lock().accounts.get(&number).cloned())
    }

    fn account_number(&self, studio: StudioNumber, id: &AccountId) -> Result<Option<AccountNumber>, StoreError> {
        Ok(self.lock().numbers.get(&(studio, id.clone())).copied())
    }

    fn accounts(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<StoredAccount>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.lock().accounts.range((from, Bound::Unbounded)).take(limit).map(|(_, stored)| stored.clone()).collect())
    }

    fn row(&self, position: u64) -> Result<Option<Row>, StoreError> {
        let state = self.lock();
        Ok(place(position)?.and_then(|place| state.rows.get(place)).cloned())
    }

    fn rows_from(&self, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        let state = self.lock();
        let start = place(position.max(1))?.unwrap_or(0).min(state.rows.len());
        Ok(state.rows[start..].iter().take(limit).cloned().collect())
    }

    fn rows_before(&self, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        let state = self.lock();
        let end = place(position)?.unwrap_or(0).min(state.rows.len());
        Ok(state.rows[..end].iter().rev().take(limit).cloned().collect())
    }

    fn positions(&self, term: Term) -> Result<Vec<u64>, StoreError> {
        let state = self.lock();
        Ok(state.terms.get(&indexed(term)).map_or_else(Vec::new, |found| found.iter().rev().copied().collect()))
    }

    fn heads(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<Head>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let head = |(number, stored): (&AccountNumber, &StoredAccount)| Head {
            account: *number,
            seq: stored.account.seq,
            head: stored.account.head,
        };
        Ok(self.lock().accounts.range((from, Bound::Unbounded)).take(limit).map(head).collect())
    }

    fn rows_of(&self, buckets: Range<u16>, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        let state = self.lock();
        let start = place(position.max(1))?.unwrap_or(0).min(state.rows.len());
        let wanted = |row: &&Row| buckets.contains(&Bucket::of(row.record.account).number());
        Ok(state.rows[start..].iter().filter(wanted).take(limit).cloned().collect())
    }

    fn terms(&self, see: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        for (term, positions) in &self.lock().terms {
            // An entry that was indexed again after a crash is there twice.
            let positions: BTreeSet<u64> = positions.iter().copied().collect();
            positions.into_iter().for_each(|position| see(*term, position));
        }
        Ok(())
    }

    fn sound(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Always finished: what is erased is gone at once.
    fn erasing(&self) -> Result<Vec<Erasing>, StoreError> {
        Ok(Vec::new())
    }
}

/// Where a position's row lies; `None` for position 0, which has none.
fn place(position: u64) -> Result<Option<usize>, StoreError> {
    let too_far = || StoreError::Refused("no journal held in memory is that long".to_owned());
    position.checked_sub(1).map(|place| usize::try_from(place).map_err(|_| too_far())).transpose()
}
