//! A store in memory that several engines share: for tests of what servers do to each other, without a database.
//!
//! It keeps exactly the port's promises and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

use scrip_core::account::{Account, Recalled};
use scrip_core::bucket::Bucket;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_core::journal::Record;
use scrip_core::term::Term;
use scrip_core::time::Time;

use super::{
    Appended, Draft, EarlierTexts, Edition, EntryPlace, Filling, Found, FoundAccount, JointStore, StudioQuery, Wanted,
    WantedAccount,
};
use crate::clock::Clock;
use crate::store::memory::{Identity, MemoryStore};
use crate::store::{Batch, Behind, Document, Reader, Row, Store, StoreError, StoredAccountRef, indexed};
use crate::trail::Trail;

/// A store whose contents live as long as a handle on them; each engine has one.
#[derive(Clone, Debug, Default)]
pub struct JointMemory {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    edition: u64,
    documents: BTreeMap<Identity, Document>,
    accounts: BTreeMap<AccountNumber, Arc<Account>>,
    numbers: BTreeMap<(StudioNumber, AccountId), AccountNumber>,
    entries: BTreeMap<(AccountNumber, u64), Record>,
    terms: BTreeMap<Term, Vec<(AccountNumber, u64)>>,
    /// Each bucket's entries in the order in which they were appended.
    places: BTreeMap<Bucket, Vec<(AccountNumber, u64)>>,
}

impl JointMemory {
    /// An empty store.
    pub fn new() -> JointMemory {
        JointMemory::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics")
    }
}

impl State {
    fn number(&self, studio: StudioNumber, id: &AccountId) -> Option<AccountNumber> {
        self.numbers.get(&(studio, id.clone())).copied()
    }

    fn account(&self, wanted: &WantedAccount) -> FoundAccount {
        let found = self.number(wanted.studio, &wanted.id).map(|number| &self.accounts[&number]);
        match found {
            None => FoundAccount::Missing,
            Some(account) if wanted.known == Some((account.number, account.head)) => FoundAccount::Unmoved,
            Some(account) => FoundAccount::There(Arc::clone(account)),
        }
    }

    fn newest(&self, term: Term, of: impl Fn(AccountNumber) -> bool) -> Option<Record> {
        let carry = self.terms.get(&term)?;
        let newest = carry.iter().filter(|(account, _)| of(*account)).max_by_key(|(_, seq)| *seq)?;
        self.entries.get(newest).cloned()
    }

    /// Whether the account has moved since, its id is another's, or an entry of it carries a key that must be new.
    fn overtook(&self, draft: &Draft) -> bool {
        let (account, number) = (&draft.account, draft.account.number);
        let stands = self.accounts.get(&number).map_or((0, draft.before), |stored| (stored.seq, stored.head));
        let taken = draft.follows == 0 && self.number(account.studio, &account.id).is_some();
        let seen = draft.unseen.iter().any(|term| self.newest(*term, |of| of == number).is_some());
        stands != (draft.follows, draft.before) || taken || seen
    }

    /// Takes in what a draft adds, but for the places of its entries.
    fn take(&mut self, draft: &Draft) {
        let account = &draft.account;
        let number = account.number;
        if draft.texts != EarlierTexts::Kept {
            for (_, record) in self.entries.range_mut((number, 0)..=(number, draft.follows)) {
                record.texts = None;
            }
            self.numbers.retain(|_, other| *other != number);
        }
        self.numbers.insert((account.studio, account.id.clone()), number);
        let stored = Account { recalled: Recalled::default(), ..Account::clone(account) };
        self.accounts.insert(number, Arc::new(stored));
        for (record, expected) in draft.records.iter().zip(draft.follows + 1..) {
            assert_eq!((record.account, record.seq), (number, expected), "an account's entries have no gaps");
            self.entries.insert((number, record.seq), record.clone());
        }
        for (term, seq) in &draft.terms {
            self.terms.entry(*term).or_default().push((number, *seq));
        }
    }

    /// Gives the entry the next place of its bucket.
    fn place(&mut self, record: &Record) {
        self.places.entry(Bucket::of(record.account)).or_default().push((record.account, record.seq));
    }

    fn append(&mut self, draft: &Draft) -> Appended {
        if self.overtook(draft) {
            return Appended::Late;
        }
        self.take(draft);
        draft.records.iter().for_each(|record| self.place(record));
        Appended::Landed
    }

    fn fill(&mut self, filling: &Filling) -> Appended {
        if filling.edition != self.edition || filling.drafts.iter().any(|draft| self.overtook(draft)) {
            return Appended::Late;
        }
        filling.drafts.iter().for_each(|draft| self.take(draft));
        let mut records: Vec<_> = filling.drafts.iter().map(|draft| draft.records.iter()).collect();
        for draft in &filling.order {
            self.place(records[*draft].next().expect("the order names each entry once"));
        }
        Appended::Landed
    }
}

impl JointStore for JointMemory {
    fn documents(&self, known: Option<u64>) -> Result<Edition, StoreError> {
        let state = self.lock();
        let documents = (known != Some(state.edition)).then(|| state.documents.values().cloned().collect());
        Ok(Edition { number: state.edition, documents, now: Clock::system().now() })
    }

    fn put(&self, edition: u64, documents: &[Document]) -> Result<Appended, StoreError> {
        let mut state = self.lock();
        if state.edition != edition {
            return Ok(Appended::Late);
        }
        state.edition += 1;
        for document in documents {
            state.documents.insert(Identity::of(document), document.clone());
        }
        Ok(Appended::Landed)
    }

    fn fetch(&self, wanted: &Wanted) -> Result<Found, StoreError> {
        let state = self.lock();
        let newest = |(account, term): &(AccountNumber, Term)| state.newest(*term, |of| of == *account);
        Ok(Found {
            accounts: wanted.accounts.iter().map(|one| state.account(one)).collect(),
            entries: wanted.entries.iter().map(|entry| state.entries.get(entry).cloned()).collect(),
            terms: wanted.terms.iter().map(newest).collect(),
            ..Found::default()
        })
    }

    fn append(&self, drafts: &[Draft]) -> Vec<Result<Appended, StoreError>> {
        let mut state = self.lock();
        drafts.iter().map(|draft| Ok(state.append(draft))).collect()
    }

    fn fill(&self, filling: &Filling) -> Result<Appended, StoreError> {
        Ok(self.lock().fill(filling))
    }

    fn confirm(&self, _: &[AccountNumber]) -> Result<(), StoreError> {
        Ok(())
    }

    fn entries(&self, account: AccountNumber, before: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        let state = self.lock();
        let earlier = state.entries.range((account, 0)..(account, before)).rev();
        Ok(earlier.take(limit).map(|(_, record)| record.clone()).collect())
    }

    fn carrying(
        &self,
        account: AccountNumber,
        terms: &[Term],
        before: u64,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let state = self.lock();
        let carry = terms.iter().filter_map(|term| state.terms.get(term)).flatten();
        let found: BTreeSet<u64> =
            carry.filter(|(of, seq)| *of == account && *seq < before).map(|(_, seq)| *seq).collect();
        Ok(found.into_iter().rev().take(limit).map(|seq| state.entries[&(account, seq)].clone()).collect())
    }

    fn studio_entries(&self, query: &StudioQuery<'_>) -> Result<Vec<(AccountId, Record)>, StoreError> {
        let state = self.lock();
        let admitted = |record: &&Record| {
            state.accounts[&record.account].studio == query.studio
                && query.before.is_none_or(|before| EntryPlace::of(record) < before)
                && query.kinds.contains(&record.kind)
                && query.tool.is_none_or(|tool| record.tool.as_ref() == Some(tool))
                && query.from.is_none_or(|from| record.at >= from)
                && query.to.is_none_or(|to| record.at < to)
        };
        let mut found: Vec<&Record> = state.entries.values().filter(admitted).collect();
        found.sort_unstable_by_key(|record| std::cmp::Reverse(EntryPlace::of(record)));
        let named = |record: &Record| (state.accounts[&record.account].id.clone(), record.clone());
        Ok(found.into_iter().take(query.limit).map(named).collect())
    }

    fn accounts(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<Account>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.lock();
        let accounts = state.accounts.range((from, Bound::Unbounded)).take(limit);
        Ok(accounts.map(|(_, account)| Account::clone(account)).collect())
    }

    fn accounts_of(&self, numbers: &[AccountNumber]) -> Result<Vec<Option<Account>>, StoreError> {
        let state = self.lock();
        let account = |number| state.accounts.get(number).map(|account| Account::clone(account));
        Ok(numbers.iter().map(account).collect())
    }

    fn newest_of_any(&self, term: Term) -> Result<Option<Record>, StoreError> {
        Ok(self.lock().newest(term, |_| true))
    }

    fn last_instant(&self) -> Result<Option<Time>, StoreError> {
        Ok(self.lock().entries.values().map(|record| record.at).max())
    }

    fn snapshot(&self) -> Result<Arc<dyn Reader>, StoreError> {
        let state = self.lock();
        let order: Vec<(AccountNumber, u64)> = state.places.values().flatten().copied().collect();
        let positions: BTreeMap<_, u64> = order.iter().copied().zip(1..).collect();
        let row = |(entry, position): (&(AccountNumber, u64), u64)| Row {
            position,
            links: None,
            record: state.entries[entry].clone(),
        };
        let rows: Vec<Row> = order.iter().zip(1..).map(row).collect();
        let indexed_at = |(term, carry): (&Term, &Vec<(AccountNumber, u64)>)| {
            carry.iter().map(|entry| (indexed(*term), positions[entry])).collect::<Vec<_>>()
        };
        let mut terms: Vec<(u64, u64)> = state.terms.iter().flat_map(indexed_at).collect();
        terms.sort_unstable();
        let stored =
            |account: &Arc<Account>| StoredAccountRef { account: Arc::clone(account), trail: Trail::default() };
        let behind = Behind {
            accounts: state.accounts.values().map(stored).collect(),
            terms,
            mark: Some(rows.last().map_or(0, |row| row.position)),
        };
        let documents = state.documents.values().cloned().collect();
        let mut copy = MemoryStore::new();
        copy.append(&Batch { rows, documents, behind, ..Batch::default() })?;
        Ok(copy.reader())
    }
}
