//! Into a store that several servers share: a part of the journal at a time, with its accounts as it leaves them.
//!
//! A part is proved while the one before it is written, in a few writes at once, each of buckets of its own. So what is
//! durable after a crash is of each bucket what the journal has first of it: an account's row says which of its entries are
//! there, and these are compared when they are given again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rustc_hash::FxHashMap;
use scrip_core::account::Account;
use scrip_core::bucket::Bucket;
use scrip_core::id::{AccountNumber, StudioNumber};
use scrip_core::journal::{self, Record};

use super::{ANOTHER, Begun, Found, Import, ImportError, Pace, found, refuse_late_erasure, unopened};
use crate::follow::Followed;
use crate::store::joint::{Appended, Draft, EarlierTexts, Filling, FoundAccount, JointStore, Wanted, WantedAccount};
use crate::store::{Document, ImportDocument, ImportState, Reader, Row, StoreError, StoredAccount};
use crate::trail::Trail;

/// Writes that go on at once.
const WRITES: usize = 4;
/// Accounts, or entries, that are read at a time: each reading has the time that a caller's has.
const READ: usize = 1_024;
/// Entries of the first part. Each is twice as large as the one before it, up to the pace's: so that what is wrong is found, and
/// what was begun is there, soon.
const FIRST: usize = 256;

/// Entries that are there, as they were given again.
type Known = FxHashMap<(AccountNumber, u64), Record>;

/// An import under way.
struct JointImport {
    store: Arc<dyn JointStore>,
    origin: [u8; 32],
    pace: Pace,
    /// The documents that are stored, their edition, and those that were given since.
    edition: u64,
    stored: Vec<Document>,
    documents: Vec<Document>,
    studios: BTreeSet<StudioNumber>,
    /// Entries that were durable when it began, and how many of them were given again so far.
    durable: u64,
    compared: u64,
    /// Entries given so far.
    given: u64,
    /// The greatest number of an account so far, and when the present part began.
    last_account: AccountNumber,
    earlier_accounts: AccountNumber,
    /// Given, and not looked at yet; and how many of them make a part.
    gathered: Vec<Record>,
    enough: usize,
    seats: FxHashMap<AccountNumber, Seat>,
    /// Accounts may be stored that are not in memory.
    some_are_stored: bool,
    /// What is being written.
    writing: Option<JoinHandle<Result<(), Unwritten>>>,
}

/// Why a part was not written.
enum Unwritten {
    /// An account of it, opened by the entry that was the `given`-th to be given, has the id of another account.
    Twice { account: AccountNumber, other: AccountNumber, given: u64 },
    /// Something else.
    Import(ImportError),
}

impl<E: Into<ImportError>> From<E> for Unwritten {
    fn from(error: E) -> Unwritten {
        Unwritten::Import(error.into())
    }
}

/// An account in memory.
struct Seat {
    followed: Followed,
    /// Its last entry that was stored when it was read.
    stored: u64,
}

impl Seat {
    fn of(account: Account) -> Seat {
        let stored = account.seq;
        Seat { followed: Followed::of(StoredAccount { account, trail: Trail::default() }), stored }
    }
}

/// Begins, or goes on.
pub(super) fn begin(store: Arc<dyn JointStore>, origin: [u8; 32], pace: Pace) -> Result<Begun, ImportError> {
    let mut edition = store.documents(None)?;
    let mut number = edition.number;
    let mut stored = edition.whole()?;
    let documents = match found(stored.clone(), store.snapshot()?.extent()?.last, origin)? {
        Found::Everything => return Ok(Begun::Complete),
        Found::Part => {
            // Whatever a run that was killed has sent is in the store after this, or never will be.
            if store.put(number, &[])? == Appended::Late {
                return Err(ImportError::Overtaken);
            }
            edition = store.documents(None)?;
            number = edition.number;
            stored = edition.whole()?;
            Vec::new()
        }
        Found::Nothing => vec![Document::Import(ImportDocument { origin, state: ImportState::UnderWay })],
    };
    let durable = store.snapshot()?.extent()?.last;
    Ok(Begun::Import(Box::new(JointImport {
        store,
        origin,
        pace,
        edition: number,
        stored,
        documents,
        studios: BTreeSet::new(),
        durable,
        compared: 0,
        given: 0,
        last_account: AccountNumber(0),
        earlier_accounts: AccountNumber(0),
        gathered: Vec::new(),
        enough: pace.batch.min(FIRST),
        seats: FxHashMap::default(),
        some_are_stored: durable > 0,
        writing: None,
    })))
}

impl Import for JointImport {
    fn part_begins(&mut self) -> Result<(), ImportError> {
        self.look()?;
        self.earlier_accounts = self.last_account;
        Ok(())
    }

    fn document_given(&mut self, document: Document) {
        if let Document::Studio { number, .. } = &document {
            self.studios.insert(*number);
        }
        self.documents.push(document);
    }

    fn entry_given(&mut self, record: Record) -> Result<(), ImportError> {
        self.given += 1;
        self.last_account = self.last_account.max(record.account);
        self.gathered.push(record);
        if self.gathered.len() >= self.enough {
            self.enough = self.pace.batch.min(2 * self.enough);
            self.look()?;
        }
        Ok(())
    }

    /// Proves or compares it, and has it written while more is given.
    fn look(&mut self) -> Result<(), ImportError> {
        self.store_documents()?;
        let records = std::mem::take(&mut self.gathered);
        if records.is_empty() {
            return Ok(());
        }
        self.seat(&records)?;
        let known = self.known(&records)?;
        let mut parts: Vec<Part> = (0..WRITES).map(|_| Part::default()).collect();
        let mut later = u64::try_from(records.len()).expect("a length fits 64 bits");
        for record in records {
            later -= 1;
            let (account, seq) = (record.account, record.seq);
            let taken = self.take(record, self.given - later, &known, &mut parts);
            taken.map_err(|what| ImportError::Entry { account, seq, what, later })?;
        }
        self.write(parts)
    }

    fn all_given(&mut self) -> Result<(), ImportError> {
        self.look()?;
        self.written()?;
        if self.compared < self.durable {
            return Err(ImportError::Short { given: self.compared, durable: self.durable });
        }
        // The proof needs the room.
        self.seats = FxHashMap::default();
        Ok(())
    }

    fn reader(&self) -> Result<Arc<dyn Reader>, StoreError> {
        self.store.snapshot()
    }

    fn complete(mut self: Box<Self>) -> Result<(), ImportError> {
        self.documents = vec![Document::Import(ImportDocument { origin: self.origin, state: ImportState::Complete })];
        self.store_documents()
    }
}

impl JointImport {
    /// Reads the accounts of these entries that are stored, and are not in memory.
    fn seat(&mut self, records: &[Record]) -> Result<(), ImportError> {
        if !self.some_are_stored {
            return Ok(());
        }
        let unseated = records.iter().map(|record| record.account).filter(|account| !self.seats.contains_key(account));
        let unseated: Vec<AccountNumber> = unseated.collect::<BTreeSet<_>>().into_iter().collect();
        for unseated in unseated.chunks(READ) {
            let stored = self.store.accounts_of(unseated)?;
            self.seats.extend(stored.into_iter().flatten().map(|account| (account.number, Seat::of(account))));
        }
        Ok(())
    }

    /// Whether an entry is to be compared with the one that is there.
    fn is_stored(&self, record: &Record) -> bool {
        let stored = self.seats.get(&record.account).map_or(0, |seat| seat.stored);
        self.compared < self.durable && record.seq <= stored
    }

    /// Those of these entries that are there.
    fn known(&self, records: &[Record]) -> Result<Known, ImportError> {
        let entries: Vec<(AccountNumber, u64)> =
            records.iter().filter(|record| self.is_stored(record)).map(|record| (record.account, record.seq)).collect();
        let mut known = Known::default();
        for entries in entries.chunks(READ) {
            let found = self.store.fetch(&Wanted { entries: entries.to_vec(), ..Wanted::default() })?;
            if let Some(account) = found.unreadable.first() {
                return Err(StoreError::Damaged(format!("entries of account {} cannot be read", account.0)).into());
            }
            known.extend(entries.iter().zip(found.entries).filter_map(|(entry, record)| Some((*entry, record?))));
        }
        Ok(known)
    }

    /// Takes in an entry, or compares it; or says what does not hold.
    fn take(&mut self, record: Record, given: u64, known: &Known, parts: &mut [Part]) -> Result<(), String> {
        let number = record.account;
        if self.is_stored(&record) {
            self.compared += 1;
            let same = known.get(&(number, record.seq)) == Some(&record);
            return if same { Ok(()) } else { Err(ANOTHER.to_owned()) };
        }
        let seat = match self.seats.entry(number) {
            std::collections::hash_map::Entry::Occupied(seat) => seat.into_mut(),
            std::collections::hash_map::Entry::Vacant(seat) => {
                seat.insert(Seat { followed: unopened(&record, &self.studios)?, stored: 0 })
            }
        };
        let Account { seq, head, .. } = seat.followed.account;
        let row = Row { position: given, links: None, record };
        let entry = seat.followed.follow(&row)?;
        refuse_late_erasure(&entry, self.earlier_accounts)?;
        let draft = || Draft {
            account: Arc::new(Account::unopened(
                seat.followed.account.studio,
                number,
                seat.followed.account.id.clone(),
            )),
            follows: seq,
            before: head,
            records: Vec::new(),
            terms: Vec::new(),
            unseen: Vec::new(),
            texts: EarlierTexts::Kept,
        };
        let part = usize::from(Bucket::of(number).number()) % parts.len();
        parts[part].add(draft, given, row.record, journal::terms(&entry));
        Ok(())
    }

    /// Has the parts written, once those before them are.
    fn write(&mut self, mut parts: Vec<Part>) -> Result<(), ImportError> {
        for draft in parts.iter_mut().flat_map(|part| &mut part.filling.drafts) {
            draft.account = Arc::new(self.seats[&draft.account.number].followed.account.clone());
        }
        self.written()?;
        parts.iter_mut().for_each(|part| part.filling.edition = self.edition);
        let store = Arc::clone(&self.store);
        self.writing = Some(thread::spawn(move || write(store.as_ref(), &parts)));
        if self.seats.len() > self.pace.seats {
            // Read again when they are needed: so what they say must be there.
            self.written()?;
            self.seats.clear();
            self.some_are_stored = true;
        }
        Ok(())
    }

    /// Waits until everything is written that was to be.
    fn written(&mut self) -> Result<(), ImportError> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let written = writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.map_err(|unwritten| match unwritten {
            Unwritten::Import(error) => error,
            Unwritten::Twice { account, other, given } => {
                let what = format!("it opens an account by the id of account {}", other.0);
                ImportError::Entry { account, seq: 1, what, later: self.given - given }
            }
        })
    }

    /// Makes durable what was given of documents and is not there yet.
    fn store_documents(&mut self) -> Result<(), ImportError> {
        let given = std::mem::take(&mut self.documents);
        let mut new: Vec<Document> = Vec::new();
        for document in given {
            if self.stored.contains(&document) || new.contains(&document) {
                continue;
            }
            if let Document::Catalog { studio, version, .. } = &document {
                let same = |other: &Document| matches!(other, Document::Catalog { studio: of, version: number, .. } if (of, number) == (studio, version));
                if self.stored.iter().chain(&new).any(same) {
                    let what = format!("catalog version {version} of studio {} is another than before", studio.0);
                    return Err(ImportError::Document(what));
                }
            }
            new.push(document);
        }
        if new.is_empty() {
            return Ok(());
        }
        // What is being written lands upon the edition as it was.
        self.written()?;
        match self.store.put(self.edition, &new)? {
            Appended::Landed => {}
            Appended::Late => return Err(ImportError::Overtaken),
        }
        let edition = self.store.documents(None)?;
        self.edition = edition.number;
        self.stored = edition.whole()?;
        Ok(())
    }
}

impl Drop for JointImport {
    fn drop(&mut self) {
        // Whoever gives an import up has a failure of its own to tell; but nothing is written any more once it is gone.
        drop(self.written());
    }
}

/// What one write takes in.
#[derive(Default)]
struct Part {
    filling: Filling,
    /// Where each account's draft is.
    places: FxHashMap<AccountNumber, usize>,
    /// Of each draft, how many entries were given up to its first one.
    given: Vec<u64>,
}

impl Part {
    fn add(
        &mut self,
        draft: impl FnOnce() -> Draft,
        given: u64,
        record: Record,
        terms: impl Iterator<Item = scrip_core::term::Term>,
    ) {
        let drafts = &mut self.filling.drafts;
        let place = *self.places.entry(record.account).or_insert_with(|| {
            drafts.push(draft());
            self.given.push(given);
            drafts.len() - 1
        });
        drafts[place].terms.extend(terms.map(|term| (term, record.seq)));
        drafts[place].records.push(record);
        self.filling.order.push(place);
    }
}

impl Part {
    /// An account of it that cannot be opened since another has its id, if there is one.
    fn named_twice(&self, store: &dyn JointStore) -> Result<Option<Unwritten>, StoreError> {
        let opened = self.filling.drafts.iter().zip(&self.given).filter(|(draft, _)| draft.follows == 0);
        let opened: Vec<(&Account, u64)> = opened.map(|(draft, given)| (draft.account.as_ref(), *given)).collect();
        for opened in opened.chunks(READ) {
            let wanted = |(account, _): &(&Account, u64)| WantedAccount {
                studio: account.studio,
                id: account.id.clone(),
                known: None,
            };
            let accounts = opened.iter().map(wanted).collect();
            let found = store.fetch(&Wanted { accounts, ..Wanted::default() })?.accounts;
            for ((account, given), found) in opened.iter().zip(found) {
                if let FoundAccount::There(other) = found
                    && other.number != account.number
                {
                    let (account, other) = (account.number, other.number);
                    return Ok(Some(Unwritten::Twice { account, other, given: *given }));
                }
            }
        }
        Ok(None)
    }
}

/// Writes all parts at once; the first failure counts.
fn write(store: &dyn JointStore, parts: &[Part]) -> Result<(), Unwritten> {
    let write = |part: &Part| match store.fill(&part.filling)? {
        Appended::Landed => Ok(()),
        Appended::Late => Err(part.named_twice(store)?.unwrap_or(ImportError::Overtaken.into())),
    };
    thread::scope(|scope| {
        let parts = parts.iter().filter(|part| !part.filling.order.is_empty());
        let writes: Vec<_> = parts.map(|part| scope.spawn(move || write(part))).collect();
        let mut outcome = Ok(());
        for write in writes {
            let written = write.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            outcome = outcome.and(written);
        }
        outcome
    })
}
