//! What a batch has read of the past, and what it still lacks.

use rustc_hash::{FxHashMap, FxHashSet};
use scrip_core::entry::Entry;
use scrip_core::id::AccountNumber;
use scrip_core::journal::{self, Record};
use scrip_core::term::Term;
use tracing::error;

use crate::recall::Past;
use crate::store::StoreError;
use crate::store::joint::{FoundAccount, JointStore, Wanted, WantedAccount};

/// Entries of the past, as far as they were asked for: `None` where there is none.
#[derive(Default)]
pub(super) struct Fetched {
    entries: FxHashMap<(AccountNumber, u64), Option<Entry>>,
    terms: FxHashMap<(AccountNumber, Term), Option<Entry>>,
    /// Accounts of whose past something is stored that cannot be read.
    unreadable: FxHashSet<AccountNumber>,
}

/// Something that has to be read first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// An entry.
    Entry(AccountNumber, u64),
    /// The newest entry with a term.
    Term(AccountNumber, Term),
    /// The account: what was read of its past is newer than it.
    Account,
}

impl Fetched {
    /// Reads accounts and what is lacking of the past, all at once.
    pub(super) fn fetch(
        &mut self,
        store: &dyn JointStore,
        accounts: Vec<WantedAccount>,
        lacks: &[Lack],
    ) -> Result<Vec<FoundAccount>, StoreError> {
        let mut wanted = Wanted { accounts, ..Wanted::default() };
        for lack in lacks {
            match lack {
                Lack::Entry(account, seq) => wanted.entries.push((*account, *seq)),
                Lack::Term(account, term) => wanted.terms.push((*account, *term)),
                Lack::Account => {}
            }
        }
        wanted.entries.sort_unstable();
        wanted.entries.dedup();
        wanted.terms.sort_unstable();
        wanted.terms.dedup();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let found = store.fetch(&wanted)?;
        self.unreadable.extend(found.unreadable);
        for (entry, record) in wanted.entries.into_iter().zip(found.entries) {
            let record = self.read(entry.0, record);
            self.entries.insert(entry, record);
        }
        for (term, record) in wanted.terms.into_iter().zip(found.terms) {
            let record = self.read(term.0, record);
            self.terms.insert(term, record);
        }
        Ok(found.accounts)
    }

    /// Whether something of the account's past is stored that cannot be read: nothing may be decided upon the rest.
    pub(super) fn is_unreadable(&self, account: AccountNumber) -> bool {
        self.unreadable.contains(&account)
    }

    fn read(&mut self, account: AccountNumber, record: Option<Record>) -> Option<Entry> {
        match decoded(&record?) {
            Ok(entry) => Some(entry),
            Err(failure) => {
                error!(%failure, account = account.0, "an entry cannot be read");
                self.unreadable.insert(account);
                None
            }
        }
    }
}

pub(super) fn decoded(record: &Record) -> Result<Entry, StoreError> {
    journal::decode(record).map_err(|damaged| StoreError::Damaged(damaged.to_string()))
}

/// An account's past: what was read, and what this batch has drafted upon it.
pub(super) struct DraftedPast<'a> {
    pub(super) fetched: &'a Fetched,
    pub(super) account: AccountNumber,
    /// The account's last entry that was read.
    pub(super) stored: u64,
    /// The entries after it.
    pub(super) drafted: &'a [Entry],
}

impl DraftedPast<'_> {
    fn of_batch(&self, seq: u64) -> Option<&Entry> {
        let place = usize::try_from(seq.checked_sub(self.stored + 1)?).ok()?;
        self.drafted.get(place)
    }
}

impl Past for DraftedPast<'_> {
    type Error = Lack;

    fn entry(&self, seq: u64) -> Result<Option<Entry>, Lack> {
        if seq > self.stored {
            return Ok(self.of_batch(seq).cloned());
        }
        if seq == 0 {
            return Ok(None);
        }
        self.fetched.entries.get(&(self.account, seq)).cloned().ok_or(Lack::Entry(self.account, seq))
    }

    fn newest(&self, term: Term, carries: &dyn Fn(&Entry) -> bool) -> Result<Option<Entry>, Lack> {
        let carries_term = |entry: &&Entry| carries(entry) && journal::terms(entry).any(|other| other == term);
        if let Some(drafted) = self.drafted.iter().rev().find(carries_term) {
            return Ok(Some(drafted.clone()));
        }
        // An account that is being opened has no past.
        if self.stored == 0 {
            return Ok(None);
        }
        match self.fetched.terms.get(&(self.account, term)) {
            None => Err(Lack::Term(self.account, term)),
            // Another server has gone on since the account was read.
            Some(Some(found)) if found.seq > self.stored => Err(Lack::Account),
            Some(found) => Ok(found.clone().filter(|entry| carries(entry))),
        }
    }
}
