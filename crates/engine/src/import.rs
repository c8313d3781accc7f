//! Filling an empty store from another store's journal, entry by entry, with its hashes as they are.
//!
//! Each entry is proved before it is taken in, by what `verify` asks of it, and rows and terms are written behind it as
//! by any other writer. A document says from the first write on that the import is under way; until it says that it is
//! complete, [`crate::Engine`] does not start on the store. Whatever ends an import before its end, begun again from the
//! same origin it goes on after the last entry that is durable, once the entries before have been compared.
//!
//! Positions in the new store are counted anew, in the order in which entries are given: what must be kept of a journal
//! is each account's entries in their order, and their hashes.
//!
//! It reads no files and knows no form of them, and it never changes what an entry says.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use scrip_core::entry::Event;
use scrip_core::id::{AccountNumber, StudioNumber};
use scrip_core::journal::{self, Record};

use crate::behind::{Urge, WriteBehind};
use crate::follow::Followed;
use crate::recover;
use crate::store::{
    Batch, Behind, Document, ImportDocument, ImportState, Reader, Row, Store, StoreError, StoredAccountRef,
};

/// What everything else says of a store that an import fills.
pub const UNDER_WAY: &str = "an import is under way: run the same `scrip import --journal` again to finish it, or remove \
                             the folder";

/// Rows compared at a time.
const PAGE: usize = 4_096;

/// How much is done at once: what bounds the memory.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Entries in one durable write.
    pub batch: usize,
    /// Entries after which accounts and terms are written behind.
    pub mark_every: u64,
    /// Accounts in memory beyond which those that are written are forgotten.
    pub seats: usize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { batch: 1_024, mark_every: 100_000, seats: 300_000 }
    }
}

/// Why an import did not go on. What is durable stays, under way.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ImportError {
    /// The store holds something else.
    #[error("it holds a scrip already: an import fills an empty one")]
    Occupied,
    /// Another import is under way.
    #[error("an import of something else is under way: finish that one, or remove the folder")]
    AnotherUnderWay,
    /// An entry that is not what it should be.
    #[error("entry {seq} of account {account}: {what}", account = .account.0)]
    Entry {
        /// Whose.
        account: AccountNumber,
        /// Its number in its account.
        seq: u64,
        /// What does not hold.
        what: String,
    },
    /// There are fewer entries than the store has taken in before.
    #[error("it ends after {given} entries, but {durable} were imported before: it is not what this import began with")]
    Short {
        /// Entries given.
        given: u64,
        /// Entries in the store.
        durable: u64,
    },
    /// The world failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How an import begins.
pub enum Begun {
    /// Into an empty store, or where it was left.
    Import(Box<Import>),
    /// It was completed before: there is nothing to do.
    Complete,
}

/// An import under way.
pub struct Import {
    store: Box<dyn Store>,
    reader: Arc<dyn Reader>,
    origin: [u8; 32],
    pace: Pace,
    /// Entries that were durable when it began: given again, they are compared.
    durable: u64,
    /// Entries given so far.
    position: u64,
    /// Rows to compare with, in order.
    known: std::vec::IntoIter<Row>,
    studios: BTreeSet<StudioNumber>,
    /// The greatest number of an account so far, and when the present part began.
    last_account: AccountNumber,
    earlier_accounts: AccountNumber,
    seats: FxHashMap<u64, Seat>,
    behind: WriteBehind,
    draft: Batch,
}

/// An account in memory.
struct Seat {
    followed: Followed,
    standing: Standing,
}

/// Whether an account differs from its row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Written,
    Changed,
}

impl Import {
    /// Begins an import into an empty store, or goes on with the one from the same `origin`. Writes nothing yet.
    pub fn begin(store: Box<dyn Store>, origin: [u8; 32], pace: Pace) -> Result<Begun, ImportError> {
        let reader = store.reader();
        let documents = recover::documents(reader.as_ref())?;
        let extent = reader.extent()?;
        let under_way = match &documents.import {
            Some(import) if import.origin != origin => {
                return Err(match import.state {
                    ImportState::UnderWay => ImportError::AnotherUnderWay,
                    ImportState::Complete => ImportError::Occupied,
                });
            }
            Some(ImportDocument { state: ImportState::Complete, .. }) => return Ok(Begun::Complete),
            Some(ImportDocument { state: ImportState::UnderWay, .. }) => true,
            None if extent.last > 0 || !reader.documents()?.is_empty() => return Err(ImportError::Occupied),
            None => false,
        };
        let opening = recover::replay(reader.as_ref(), &documents, pace.mark_every)?;
        let mut import = Import {
            store,
            reader,
            origin,
            pace,
            durable: extent.last,
            position: 0,
            known: Vec::new().into_iter(),
            studios: BTreeSet::new(),
            last_account: AccountNumber(0),
            earlier_accounts: AccountNumber(0),
            seats: FxHashMap::default(),
            behind: opening.behind,
            draft: Batch::default(),
        };
        for StoredAccountRef { account, trail } in opening.changed {
            let number = account.number.0;
            import.behind.account(number);
            let followed = Followed::of(crate::store::StoredAccount { account: Arc::unwrap_or_clone(account), trail });
            import.seats.insert(number, Seat { followed, standing: Standing::Changed });
        }
        if !under_way {
            import.draft.documents.push(import.document(ImportState::UnderWay));
        }
        Ok(Begun::Import(Box::new(import)))
    }

    /// Entries that were there when it began: as many of those that are given will only be compared.
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// What is given from here on was exported later than what was given before.
    pub fn part_begins(&mut self) {
        self.earlier_accounts = self.last_account;
    }

    /// Takes in a document; one of the same identity is replaced.
    pub fn document_given(&mut self, document: Document) {
        if let Document::Studio { number, .. } = &document {
            self.studios.insert(*number);
        }
        self.draft.documents.push(document);
    }

    /// Takes in the next entry, or compares it with the one that is there.
    pub fn entry_given(&mut self, record: Record) -> Result<(), ImportError> {
        self.position += 1;
        self.last_account = self.last_account.max(record.account);
        if self.position <= self.durable {
            return self.compare(&record);
        }
        let (account, seq) = (record.account, record.seq);
        if !self.seats.contains_key(&account.0) {
            let seat = self.seat(&record)?;
            self.seats.insert(account.0, seat);
        }
        let seat = self.seats.get_mut(&account.0).expect("it was just put there");
        let links = seat.followed.trail.links(record.seq);
        let row = Row { position: self.position, links: Some(links), record };
        let followed = seat.followed.follow(&row);
        let entry = followed.map_err(|what| ImportError::Entry { account, seq, what })?;
        if matches!(entry.event, Event::AccountErased) && account <= self.earlier_accounts {
            // Only the journal as a whole is without them.
            let what = "it erased texts that an earlier export still holds: export the whole journal anew".to_owned();
            return Err(ImportError::Entry { account, seq, what });
        }
        self.behind.entry(journal::terms(&entry), self.position);
        if seat.standing != Standing::Changed {
            seat.standing = Standing::Changed;
            self.behind.account(entry.account.0);
        }
        self.draft.rows.push(row);
        if self.draft.rows.len() >= self.pace.batch {
            self.append(Urge::WhenDue)?;
        }
        Ok(())
    }

    /// All was given: makes it durable and writes accounts and terms behind, to the end.
    pub fn all_given(&mut self) -> Result<(), ImportError> {
        if self.position < self.durable {
            return Err(ImportError::Short { given: self.position, durable: self.durable });
        }
        self.append(Urge::Now)?;
        while self.behind.pending() {
            self.append(Urge::Now)?;
        }
        // All of them are written; the proof needs the room.
        self.seats = FxHashMap::default();
        Ok(())
    }

    /// Reads what was imported, which stands still until [`Import::complete`]: for the proof that it is sound.
    pub fn reader(&self) -> Arc<dyn Reader> {
        Arc::clone(&self.reader)
    }

    /// It is proved: from here on the store is like any other.
    pub fn complete(mut self) -> Result<(), ImportError> {
        let documents = vec![self.document(ImportState::Complete)];
        Ok(self.store.append(&Batch { documents, ..Batch::default() })?)
    }

    fn document(&self, state: ImportState) -> Document {
        Document::Import(ImportDocument { origin: self.origin, state })
    }

    fn compare(&mut self, record: &Record) -> Result<(), ImportError> {
        let known = match self.known.next() {
            Some(row) => row,
            None => {
                self.known = self.reader.rows_from(self.position, PAGE)?.into_iter();
                self.known.next().ok_or_else(|| recover::missing_from(self.position))?
            }
        };
        if known.record == *record {
            return Ok(());
        }
        let what = "another entry was imported in its place: it is not what this import began with".to_owned();
        Err(ImportError::Entry { account: record.account, seq: record.seq, what })
    }

    /// The account of an entry, as its row has it or before its first entry.
    fn seat(&self, record: &Record) -> Result<Seat, ImportError> {
        if let Some(stored) = self.reader.account(record.account)? {
            return Ok(Seat { followed: Followed::of(stored), standing: Standing::Written });
        }
        let wrong = |what: String| ImportError::Entry { account: record.account, seq: record.seq, what };
        let first = journal::decode(record).map_err(|damaged| wrong(damaged.problem.to_owned()))?;
        if let Event::AccountOpened { studio, .. } = &first.event
            && !self.studios.contains(studio)
        {
            return Err(wrong(format!("it is of studio {}, which is not named before", studio.0)));
        }
        let stored = recover::unopened(&first).map_err(wrong)?;
        Ok(Seat { followed: Followed::of(stored), standing: Standing::Written })
    }

    /// Makes the draft durable, with a share of what is written behind.
    fn append(&mut self, urge: Urge) -> Result<(), StoreError> {
        self.behind.freeze(self.position, urge);
        let share = self.behind.share(self.draft.rows.len(), urge);
        let mut accounts = Vec::with_capacity(share.accounts.len());
        for number in share.accounts {
            let Some(seat) = self.seats.get_mut(&number) else { continue };
            if seat.standing == Standing::Changed {
                seat.standing = Standing::Written;
                let account = Arc::new(seat.followed.account.clone());
                accounts.push(StoredAccountRef { account, trail: seat.followed.trail.clone() });
            }
        }
        self.draft.behind = Behind { accounts, terms: share.terms, mark: share.mark };
        self.store.append(&self.draft)?;
        self.draft = Batch::default();
        self.behind.landed();
        self.store.upkeep()?;
        if self.seats.len() > self.pace.seats {
            self.seats.retain(|_, seat| seat.standing == Standing::Changed);
        }
        Ok(())
    }
}
