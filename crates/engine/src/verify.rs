//! Proving a store from its journal alone (R28, R29), and that what was written behind agrees with it.
//!
//! One pass in the journal's order, with a running account each: the chain of hashes, the links, the
//! sequence, time, double entry, every lot, every total, the digests of the texts; and, where an
//! account's row stands, that it is what its entries make. It believes nothing but the journal, and
//! writes nothing. A journal whose end was cut off is sound to it: that takes a seal kept elsewhere.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use scrip_core::account::{Account, Totals};
use scrip_core::amount::Total;
use scrip_core::entry::{Book, Event, TextField};
use scrip_core::id::{AccountId, AccountNumber, StudioId, StudioNumber};
use scrip_core::journal;
use scrip_core::lot::Class;

use crate::follow::Followed;
use crate::store::{Document, Extent, Reader, Row, StoreError, StoredAccount};
use crate::trail::Trail;

/// Rows read at a time.
const PAGE: usize = 4_096;

/// What a sound store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How far the journal and what is written behind it reach.
    pub extent: Extent,
    /// Accounts that have entries.
    pub accounts: u64,
    /// Accounts whose row was compared with their entries.
    pub rows: u64,
    /// Each studio's sums.
    pub studios: BTreeMap<StudioNumber, StudioReport>,
}

/// What the accounts of one studio hold together. What is left minus what is owed, and the books, sum to zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StudioReport {
    /// Its name.
    pub id: Option<StudioId>,
    /// Its accounts.
    pub accounts: u64,
    /// Their entries.
    pub entries: u64,
    /// What is left in their lots, by class.
    pub remaining: BTreeMap<Class, Total>,
    /// The part set aside by holds.
    pub held: Total,
    /// The part frozen by disputes.
    pub frozen: Total,
    /// What is owed.
    pub debt: Total,
    /// The other side, by book.
    pub books: BTreeMap<Book, Total>,
}

/// How far a verification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Entries looked at.
    pub done: u64,
    /// Entries in all.
    pub of: u64,
}

/// The first thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// An entry.
    Entry {
        /// Whose, by the journal's number.
        account: AccountNumber,
        /// Whose, by the studio's id, where it is known.
        id: Option<AccountId>,
        /// Its number in its account.
        seq: u64,
        /// Its place in the journal.
        position: u64,
        /// What does not hold.
        what: String,
    },
    /// A place in the journal without an entry.
    Missing {
        /// The place.
        position: u64,
    },
    /// An account's row, which the journal does not bear out.
    Account {
        /// Whose, by the journal's number.
        account: AccountNumber,
        /// Whose, by the studio's id.
        id: AccountId,
        /// The last entry that it claims to know.
        seq: u64,
        /// What does not hold.
        what: &'static str,
    },
    /// The mark, which lies beyond the journal's end.
    Mark {
        /// The mark.
        mark: u64,
        /// The last entry's place.
        last: u64,
    },
    /// Something that cannot even be read; the words name it.
    Unreadable(String),
}

/// Why there is no report.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VerifyError {
    /// The answer is no.
    #[error("{0}")]
    Broken(Broken),
    /// The world failed before there was an answer.
    #[error(transparent)]
    Store(StoreError),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Broken::Entry { account, id, seq, position, what } => {
                write!(f, "entry {seq} of account {}", account.0)?;
                if let Some(id) = id {
                    write!(f, " ({id})")?;
                }
                write!(f, ", at position {position}: {what}")
            }
            Broken::Missing { position } => write!(f, "the entry at position {position} is missing"),
            Broken::Account { account, id, seq, what } => {
                write!(f, "the row of account {} ({id}), written after its entry {seq}: {what}", account.0)
            }
            Broken::Mark { mark, last } => {
                write!(f, "the mark is at position {mark}, but the last entry is at position {last}")
            }
            Broken::Unreadable(what) => f.write_str(what),
        }
    }
}

impl From<StoreError> for VerifyError {
    fn from(error: StoreError) -> VerifyError {
        match error {
            StoreError::Damaged(what) => VerifyError::Broken(Broken::Unreadable(what)),
            other => VerifyError::Store(other),
        }
    }
}

/// Proves the store that `reader` reads, which must stand still meanwhile: one snapshot. Tells `progress` now and then.
pub fn verify(reader: &dyn Reader, progress: &mut dyn FnMut(Progress)) -> Result<Report, VerifyError> {
    let extent = reader.extent()?;
    let mut proof = Proof {
        reader,
        running: FxHashMap::default(),
        rows: row_heads(reader)?,
        compared: 0,
        studios: studios(reader)?,
    };
    let mut position = 0;
    while position < extent.last {
        progress(Progress { done: position, of: extent.last });
        let page = reader.rows_from(position + 1, PAGE)?;
        if page.is_empty() {
            return Err(VerifyError::Broken(Broken::Missing { position: position + 1 }));
        }
        for row in &page {
            position += 1;
            if row.position != position {
                return Err(VerifyError::Broken(Broken::Missing { position }));
            }
            proof.entry(row)?;
            if position == extent.mark {
                proof.rows_reach_the_mark()?;
            }
        }
    }
    progress(Progress { done: position, of: extent.last });
    proof.finish(extent)
}

/// The sequence number that each account's row claims to know.
fn row_heads(reader: &dyn Reader) -> Result<FxHashMap<AccountNumber, u64>, StoreError> {
    let mut heads = FxHashMap::default();
    let mut after = None;
    loop {
        let page = reader.accounts(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(heads) };
        after = Some(last.account.number);
        heads.extend(page.iter().map(|stored| (stored.account.number, stored.account.seq)));
    }
}

fn studios(reader: &dyn Reader) -> Result<BTreeMap<StudioNumber, StudioReport>, StoreError> {
    let mut studios = BTreeMap::new();
    for document in reader.documents()? {
        if let Document::Studio { number, id } = document {
            studios.insert(number, StudioReport { id: Some(id), ..StudioReport::default() });
        }
    }
    Ok(studios)
}

/// The pass over the journal.
struct Proof<'a> {
    reader: &'a dyn Reader,
    running: FxHashMap<AccountNumber, Followed>,
    /// The entry after which each account's row was written.
    rows: FxHashMap<AccountNumber, u64>,
    compared: u64,
    studios: BTreeMap<StudioNumber, StudioReport>,
}

impl Proof<'_> {
    fn entry(&mut self, row: &Row) -> Result<(), VerifyError> {
        let number = row.record.account;
        if !self.running.contains_key(&number) {
            let first = self.first(row)?;
            self.studios.entry(first.account.studio).or_default().accounts += 1;
            self.running.insert(number, first);
        }
        let running = self.running.get_mut(&number).expect("it was just put there");
        let entry = running.follow(row).map_err(|what| broken_entry(row, Some(&running.account.id), what))?;
        let studio = self.studios.entry(running.account.studio).or_default();
        studio.entries += 1;
        for posting in &entry.books {
            *studio.books.entry(posting.book).or_default() += posting.credits;
        }
        if self.rows.get(&number) == Some(&running.account.seq) {
            self.compared += 1;
            let stored = self.reader.account(number)?;
            if !stored.is_some_and(|stored| running.is(stored)) {
                return Err(broken_row(&running.account, "it is not what its entries make"));
            }
        }
        Ok(())
    }

    /// The account of a first entry.
    fn first(&self, row: &Row) -> Result<Followed, VerifyError> {
        let broken = |what: &str| broken_entry(row, None, what.to_owned());
        let entry = journal::decode(&row.record).map_err(|damaged| broken(damaged.problem))?;
        let Event::AccountOpened { studio, .. } = &entry.event else {
            return Err(broken("its account was never opened"));
        };
        let (id, erased) = match entry.texts.get(TextField::AccountId) {
            Some(id) => (AccountId::parse(id).map_err(|_| broken("the account's id is no account's id"))?, false),
            // The id was erased; the row, if there is one, says by what it is known now.
            None => match self.reader.account(entry.account)? {
                Some(stored) => (stored.account.id, true),
                None => (AccountId::parse("erased").expect("of the right alphabet"), true),
            },
        };
        let account = Account::unopened(*studio, entry.account, id);
        Ok(Followed { erased, ..Followed::of(StoredAccount { account, trail: Trail::default() }) })
    }

    /// Up to the mark accounts have been written behind: a row that knows less would be believed after a restart.
    fn rows_reach_the_mark(&self) -> Result<(), VerifyError> {
        let row = |running: &Followed| self.rows.get(&running.account.number).copied();
        let behind = |running: &&Followed| row(running).is_none_or(|seq| seq < running.account.seq);
        let Some(running) = self.running.values().filter(behind).min_by_key(|running| running.account.number) else {
            return Ok(());
        };
        let Account { number: account, id, seq, .. } = &running.account;
        Err(VerifyError::Broken(match row(running) {
            Some(seq) => Broken::Account {
                account: *account,
                id: id.clone(),
                seq,
                what: "a later entry lies before the mark, and it does not know of it",
            },
            None => Broken::Entry {
                account: *account,
                id: Some(id.clone()),
                seq: *seq,
                position: running.trail.last(),
                what: format!("it lies before the mark, but there is no row of account {}", account.0),
            },
        }))
    }

    fn finish(mut self, extent: Extent) -> Result<Report, VerifyError> {
        let accounts = u64::try_from(self.running.len()).expect("a length fits 64 bits");
        let known = |number: &AccountNumber| self.running.get(number).map_or(0, |running| running.account.seq);
        let unproven = self.rows.iter().filter(|(number, seq)| **seq > known(number)).map(|(number, _)| *number).min();
        if let Some(number) = &unproven {
            let Some(stored) = self.reader.account(*number)? else {
                return Err(VerifyError::Store(StoreError::Refused("the store changed while it was read".to_owned())));
            };
            return Err(VerifyError::Broken(Broken::Account {
                account: *number,
                id: stored.account.id,
                seq: stored.account.seq,
                what: "the journal has no such entry",
            }));
        }
        if extent.mark > extent.last {
            return Err(VerifyError::Broken(Broken::Mark { mark: extent.mark, last: extent.last }));
        }
        for running in self.running.values() {
            let studio = self.studios.entry(running.account.studio).or_default();
            let Totals { remaining: _, held, frozen, debt } = running.account.totals();
            studio.held += held;
            studio.frozen += frozen;
            studio.debt += debt;
            for lot in &running.account.lots {
                *studio.remaining.entry(lot.class).or_default() += lot.remaining;
            }
        }
        Ok(Report { extent, accounts, rows: self.compared, studios: self.studios })
    }
}

fn broken_entry(row: &Row, id: Option<&AccountId>, what: String) -> VerifyError {
    VerifyError::Broken(Broken::Entry {
        account: row.record.account,
        id: id.cloned(),
        seq: row.record.seq,
        position: row.position,
        what,
    })
}

fn broken_row(account: &Account, what: &'static str) -> VerifyError {
    let Account { number, id, seq, .. } = account;
    VerifyError::Broken(Broken::Account { account: *number, id: id.clone(), seq: *seq, what })
}
