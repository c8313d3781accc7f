//! Filling an empty store from another store's journal, entry by entry, with its hashes as they are.
//!
//! Each entry is proved before it is taken in, by what `verify` asks of it, and what follows from it is written as by any other
//! writer, by a part for each kind of store. A document says from the first write on that the import is under way; until it says that it is
//! complete, [`crate::Engine`] does not start on the store. Whatever ends an import before its end, begun again from the
//! same origin it goes on after the last entry that is durable, once the entries before have been compared.
//!
//! Positions in the new store are counted anew, in the order in which entries are given: what must be kept of a journal
//! is each account's entries in their order, and their hashes.
//!
//! It reads no files and knows no form of them, and it never changes what an entry says.

mod joint;
mod owned;

use std::collections::BTreeSet;
use std::sync::Arc;

use scrip_core::entry::{Entry, Event};
use scrip_core::id::{AccountNumber, StudioNumber};
use scrip_core::journal::{self, Record};

use crate::follow::Followed;
use crate::recover;
use crate::store::joint::JointStore;
use crate::store::{Document, ImportDocument, ImportState, Reader, Store, StoreError, StoredAccount};

/// What everything else says of a store that an import fills.
pub const UNDER_WAY: &str = "an import is under way: run the same `scrip import --journal` again to finish it, or begin \
                             anew with an empty store";

/// What is said of an entry that stands where another one was imported.
const ANOTHER: &str = "another entry was imported in its place: it is not what this import began with";

/// How much is done at once: what bounds the memory.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Entries in one durable write; in a shared store, in those that go on at the same time.
    pub batch: usize,
    /// Entries after which accounts and terms are written behind; a shared store writes nothing behind.
    pub mark_every: u64,
    /// Accounts in memory beyond which those that are written are forgotten.
    pub seats: usize,
}

impl Pace {
    /// For a store with one owner.
    pub const OWNED: Pace = Pace { batch: 1_024, mark_every: 100_000, seats: 300_000 };
    /// For a store that several servers share: each write is a way to the database and back.
    pub const JOINT: Pace = Pace { batch: 16_384, ..Pace::OWNED };
}

/// Why an import did not go on. What is durable stays, under way.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ImportError {
    /// The store holds something else.
    #[error("it holds a scrip already: an import fills an empty one")]
    Occupied,
    /// Another import is under way.
    #[error("an import of something else is under way: finish that one, or begin anew with an empty store")]
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
        /// How many entries were given after it before it was looked at.
        later: u64,
    },
    /// A document that is not the one that was imported before.
    #[error("{0}: it is not what this import began with")]
    Document(String),
    /// Something else has written in the store meanwhile.
    #[error("something else writes to it: stop every server on it, and see that one import runs")]
    Overtaken,
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
    Import(Box<dyn Import>),
    /// It was completed before: there is nothing to do.
    Complete,
}

/// An import under way.
pub trait Import {
    /// What is given from here on was exported later than what was given before.
    fn part_begins(&mut self) -> Result<(), ImportError>;

    /// Takes in a document; one of the same identity is replaced.
    fn document_given(&mut self, document: Document);

    /// Takes in the next entry, or compares it with the one that is there; it may be looked at only when more are given.
    fn entry_given(&mut self, record: Record) -> Result<(), ImportError>;

    /// Looks at whatever was given up to here and was not looked at yet.
    fn look(&mut self) -> Result<(), ImportError>;

    /// All was given: makes it durable to the end, and what follows from it.
    fn all_given(&mut self) -> Result<(), ImportError>;

    /// Reads what was imported, which stands still until [`Import::complete`]: for the proof that it is sound.
    fn reader(&self) -> Result<Arc<dyn Reader>, StoreError>;

    /// It is proved: from here on the store is like any other.
    fn complete(self: Box<Self>) -> Result<(), ImportError>;
}

/// Begins an import into an empty store with one owner, or goes on with the one from the same `origin`. Writes nothing yet.
pub fn into_owned(store: Box<dyn Store>, origin: [u8; 32], pace: Pace) -> Result<Begun, ImportError> {
    owned::begin(store, origin, pace)
}

/// The same for a store that several servers share: none may be at work on it.
pub fn into_joint(store: Arc<dyn JointStore>, origin: [u8; 32], pace: Pace) -> Result<Begun, ImportError> {
    joint::begin(store, origin, pace)
}

/// What an import finds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// An empty store.
    Nothing,
    /// What it left when it was cut short.
    Part,
    /// All.
    Everything,
}

/// What is there of an import from this origin, where the store holds `documents` and `entries`.
fn found(documents: Vec<Document>, entries: u64, origin: [u8; 32]) -> Result<Found, ImportError> {
    let is_empty = entries == 0 && documents.is_empty();
    match recover::sorted(documents)?.import {
        Some(import) if import.origin != origin => Err(match import.state {
            ImportState::UnderWay => ImportError::AnotherUnderWay,
            ImportState::Complete => ImportError::Occupied,
        }),
        Some(ImportDocument { state: ImportState::Complete, .. }) => Ok(Found::Everything),
        Some(ImportDocument { state: ImportState::UnderWay, .. }) => Ok(Found::Part),
        None if is_empty => Ok(Found::Nothing),
        None => Err(ImportError::Occupied),
    }
}

/// An account before its first entry, which opens it in one of these studios.
fn unopened(first: &Record, studios: &BTreeSet<StudioNumber>) -> Result<Followed, String> {
    let first = journal::decode(first).map_err(|damaged| damaged.problem.to_owned())?;
    if let Event::AccountOpened { studio, .. } = &first.event
        && !studios.contains(studio)
    {
        return Err(format!("it is of studio {}, which is not named before", studio.0));
    }
    let stored: StoredAccount = recover::unopened(&first)?;
    Ok(Followed::of(stored))
}

/// Only the journal as a whole is without the texts that an entry erased.
fn refuse_late_erasure(entry: &Entry, earlier_accounts: AccountNumber) -> Result<(), String> {
    if matches!(entry.event, Event::AccountErased) && entry.account <= earlier_accounts {
        return Err("it erased texts that an earlier export still holds: export the whole journal anew".to_owned());
    }
    Ok(())
}
