//! Proving a store from its journal alone (R28, R29), and that what was written behind agrees with it.
//!
//! The journal is read in its order, and each row goes to the thread that has its account: the chain of hashes, the
//! links, the sequence, time, double entry, every lot, every total, the digests of the texts. Then each account's row is
//! what its entries make, the index of terms has every term, and the documents that entries name are there. It believes
//! nothing but the journal, and writes nothing. A journal whose end was cut off is sound to it, unless a seal that was
//! kept elsewhere says more ([`crate::seal`]).
//!
//! What is named first is the same for any number of threads and passes: the entry with the lowest position, then rows
//! by account, then the index. `docs/decisions/0015-proving-in-parallel.md` says why it is done in this way.

mod documents;
mod index;
mod pass;
mod share;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicU64;

use scrip_core::account::{Account, Hash};
use scrip_core::amount::Total;
use scrip_core::bucket::Bucket;
use scrip_core::entry::Book;
use scrip_core::id::{AccountId, AccountNumber, StudioId, StudioNumber};
use scrip_core::lot::Class;

use self::documents::Documents;
use self::index::TermSum;
use self::pass::Pass;
use self::share::Proved;
use crate::seal::{Breach, Found, Seal, Sealed, SealedCatalog};
use crate::store::{Extent, Reader, Row, StoreError};

/// Rows read at a time.
const PAGE: usize = 4_096;

/// How a store is proved. What is found does not depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Threads that prove, beside the one that reads.
    pub threads: NonZeroUsize,
    /// Accounts that are in memory at once. Where there are more, the journal is read several times.
    pub accounts_at_once: u64,
    /// What must still be there.
    pub since: Option<&'a Seal>,
}

impl Default for Options<'_> {
    /// As many threads as the machine has, at least two; some 400 MB of accounts.
    fn default() -> Self {
        let two = NonZeroUsize::MIN.saturating_add(1);
        let threads = std::thread::available_parallelism().map_or(two, |threads| threads.max(two));
        Options { threads, accounts_at_once: 250_000, since: None }
    }
}

/// What a sound store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How far the journal and what is written behind it reach.
    pub extent: Extent,
    /// Accounts that have entries.
    pub accounts: u64,
    /// Accounts whose row was compared with their entries.
    pub rows: u64,
    /// Terms by which entries up to the mark are found, each of which is in the index.
    pub terms: u64,
    /// Texts that were erased.
    pub erased: u64,
    /// Each studio's sums.
    pub studios: BTreeMap<StudioNumber, StudioReport>,
    /// The chain's value after the first entry of account 1: no other store has it.
    pub first_entry: Option<Hash>,
    /// Each bucket that has entries.
    pub buckets: Sealed,
    /// Each catalog version.
    pub catalogs: BTreeMap<(StudioNumber, u32), SealedCatalog>,
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
    /// What is being looked at.
    pub phase: Phase,
    /// How much of it has been.
    pub done: u64,
    /// How much there is; 0 where that is not known.
    pub of: u64,
}

/// What a verification looks at, in this order; entries and rows in turn where there are several passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The store's own structure, its pages and indexes.
    Structure,
    /// The journal's entries.
    Entries,
    /// The rows of accounts.
    Rows,
    /// The index of terms.
    Terms,
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
    /// What was sealed is not what is there.
    Seal(Breach),
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
            Broken::Seal(breach) => breach.fmt(f),
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

/// Something that does not hold, and where: of several findings the one with the least place is named.
struct Finding {
    at: FoundAt,
    broken: Broken,
}

/// A place, in the order in which findings are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FoundAt {
    /// An entry, or the want of one.
    Entry(u64),
    /// An entry whose texts went without an erasure: known once all that follows was looked at.
    Gone(u64),
    /// An account whose row lags behind the mark.
    Mark(AccountNumber),
    /// A row of which the journal knows nothing.
    Unborne(AccountNumber),
    /// A row that is not what its entries make.
    Row(AccountNumber),
}

/// What all threads look at.
struct Shared<'a> {
    reader: &'a dyn Reader,
    extent: Extent,
    documents: &'a Documents,
    since: Option<&'a Seal>,
    /// The lowest position at which something does not hold, so far: nobody looks beyond it.
    broken_at: AtomicU64,
}

impl Shared<'_> {
    /// How many entries of a bucket were sealed.
    fn sealed_entries(&self, bucket: Bucket) -> Option<u64> {
        self.since?.buckets.get(&bucket).map(|sealed| sealed.entries)
    }
}

/// Proves the store that `reader` reads, which must stand still meanwhile: one snapshot. Tells `progress` now and then.
pub fn verify(reader: &dyn Reader, progress: &mut dyn FnMut(Progress)) -> Result<Report, VerifyError> {
    verify_with(reader, &Options::default(), progress)
}

/// [`verify`], done as `options` say.
pub fn verify_with(
    reader: &dyn Reader,
    options: &Options<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, VerifyError> {
    progress(Progress { phase: Phase::Structure, done: 0, of: 0 });
    reader.sound()?;
    let documents = Documents::read(reader)?;
    let extent = reader.extent()?;
    let broken_at = AtomicU64::new(u64::MAX);
    let shared = Shared { reader, extent, documents: &documents, since: options.since, broken_at };
    let whole = prove_entries(&shared, options, progress)?;
    if let Some(finding) = whole.finding {
        return Err(VerifyError::Broken(finding.broken));
    }
    if extent.mark > extent.last {
        return Err(VerifyError::Broken(Broken::Mark { mark: extent.mark, last: extent.last }));
    }
    prove_terms(&shared, whole.terms, progress)?;
    if let Some(seal) = options.since {
        let found = Found {
            first_entry: whole.first_entry,
            now: &whole.buckets,
            then: &whole.as_sealed,
            studios: &documents.studios,
            catalogs: &documents.catalogs,
        };
        seal.breach(&found).map_or(Ok(()), |breach| Err(VerifyError::Broken(Broken::Seal(breach))))?;
    }
    let mut studios = whole.studios;
    for (number, id) in documents.studios {
        studios.entry(number).or_default().id = Some(id);
    }
    Ok(Report {
        extent,
        accounts: whole.accounts,
        rows: whole.rows,
        terms: whole.terms.count(),
        erased: whole.erased,
        studios,
        first_entry: whole.first_entry,
        buckets: whole.buckets,
        catalogs: documents.catalogs,
    })
}

/// Every pass over the journal, summed up; with the first finding of all.
fn prove_entries(
    shared: &Shared<'_>,
    options: &Options<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Proved, VerifyError> {
    let passes = pass::plan(shared.reader, options.accounts_at_once)?;
    let of = u64::try_from(passes.len()).expect("at most 1,024");
    let mut whole = Proved::default();
    for (buckets, number) in passes.into_iter().zip(0..) {
        let pass = Pass { shared, buckets, threads: options.threads.get(), number, of };
        pass.prove(progress)?.into_iter().for_each(|proved| whole.add(proved));
    }
    Ok(whole)
}

/// Compares the index of terms with the terms of the entries up to the mark.
fn prove_terms(shared: &Shared<'_>, expected: TermSum, progress: &mut dyn FnMut(Progress)) -> Result<(), VerifyError> {
    let (mut found, of) = (TermSum::default(), expected.count());
    shared.reader.terms(&mut |term, position| {
        if found.count().is_multiple_of(1 << 16) {
            progress(Progress { phase: Phase::Terms, done: found.count(), of });
        }
        found.pair(term, position);
    })?;
    if found == expected { Ok(()) } else { Err(index::difference(shared.reader, shared.extent)?) }
}

impl Proved {
    /// Adds another thread's share.
    fn add(&mut self, other: Proved) {
        self.accounts += other.accounts;
        self.rows += other.rows;
        self.erased += other.erased;
        self.terms.add(other.terms);
        self.first_entry = self.first_entry.or(other.first_entry);
        self.buckets.extend(other.buckets);
        self.as_sealed.extend(other.as_sealed);
        for (number, studio) in other.studios {
            self.studios.entry(number).or_default().add(studio);
        }
        let earlier = |finding: &Finding| self.finding.as_ref().is_none_or(|first| finding.at < first.at);
        if let Some(finding) = other.finding.filter(earlier) {
            self.finding = Some(finding);
        }
    }
}

impl StudioReport {
    fn add(&mut self, other: StudioReport) {
        self.accounts += other.accounts;
        self.entries += other.entries;
        self.held += other.held;
        self.frozen += other.frozen;
        self.debt += other.debt;
        for (class, total) in other.remaining {
            *self.remaining.entry(class).or_default() += total;
        }
        for (book, total) in other.books {
            *self.books.entry(book).or_default() += total;
        }
    }
}

fn broken_entry(row: &Row, id: Option<&AccountId>, what: impl Into<String>) -> VerifyError {
    VerifyError::Broken(Broken::Entry {
        account: row.record.account,
        id: id.cloned(),
        seq: row.record.seq,
        position: row.position,
        what: what.into(),
    })
}

fn broken_row(account: &Account, what: &'static str) -> Broken {
    let Account { number, id, seq, .. } = account;
    Broken::Account { account: *number, id: id.clone(), seq: *seq, what }
}
