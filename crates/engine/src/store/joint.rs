//! The port of a store that several servers share: what the engine asks of a database that others write too.
//!
//! It is apart from [`super::Store`], whose one owner knows the order of everything. Here nobody does: an account's entries
//! are found by their numbers, an append may come too late, and what is in memory may be old. Everything is asked in
//! sets, and each call costs a fixed number of round trips. A store knows no rules and no HTTP.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod memory;

use std::collections::BTreeSet;
use std::sync::Arc;

use scrip_core::account::{Account, Hash};
use scrip_core::entry::Kind;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber, ToolId};
use scrip_core::journal::Record;
use scrip_core::term::Term;
use scrip_core::time::Time;

use super::{Document, Reader, StoreError};

/// A store that several servers share. Any number of threads call it; each call may wait for the network.
pub trait JointStore: Send + Sync + 'static {
    /// Studios, catalog versions, keys and the test clock with the edition they are in, and the store's time. Left out
    /// where the edition is still the known one.
    fn documents(&self, known: Option<u64>) -> Result<Edition, StoreError>;

    /// Makes documents durable, all or none, as the next edition after `edition`; or says that there is a later one already.
    fn put(&self, edition: u64, documents: &[Document]) -> Result<Appended, StoreError>;

    /// Reads what is wanted. What had been acknowledged anywhere before the call is in the answer. Its parts need not be of
    /// one instant, but the accounts are not newer than what is read of entries and terms.
    fn fetch(&self, wanted: &Wanted) -> Result<Found, StoreError>;

    /// Makes drafts durable, each whole or not at all, whatever becomes of the others: one answer for each, in their
    /// order. Each is of another account.
    fn append(&self, drafts: &[Draft]) -> Vec<Result<Appended, StoreError>>;

    /// Takes in a part of another store's journal, for an import: only while nothing else writes. An account keeps its number,
    /// whatever bucket its id is of, and is found by its id all the same. Late: something else was written meanwhile, and
    /// what of the part is there is not known; an account's entries are there up to one of them, or none of these is.
    fn fill(&self, filling: &Filling) -> Result<Appended, StoreError>;

    /// Writes something durable where these accounts are stored: from when it returns, whatever had been read there before
    /// outlives the loss of a server of the database.
    fn confirm(&self, accounts: &[AccountNumber]) -> Result<(), StoreError>;

    /// Entries of an account with a smaller number than `before`, newest first, at most `limit`.
    fn entries(&self, account: AccountNumber, before: u64, limit: usize) -> Result<Vec<Record>, StoreError>;

    /// Entries of an account that carry any of the terms, each once, with a smaller number than `before`, newest first, at
    /// most `limit`.
    fn carrying(
        &self,
        account: AccountNumber,
        terms: &[Term],
        before: u64,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError>;

    /// Entries of a studio, newest first by time, account and number.
    fn studio_entries(&self, query: &StudioQuery<'_>) -> Result<Vec<(AccountId, Record)>, StoreError>;

    /// Accounts with a number greater than `after`, by number, at most `limit`; none only where there are no more. Those
    /// whose rows cannot be read are left out, and the log says so.
    fn accounts(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<Account>, StoreError>;

    /// The accounts of these numbers, in their order.
    fn accounts_of(&self, numbers: &[AccountNumber]) -> Result<Vec<Option<Account>>, StoreError>;

    /// The newest entry that carries a term that names no account.
    fn newest_of_any(&self, term: Term) -> Result<Option<Record>, StoreError>;

    /// The latest instant of any entry; `None` where there is none. It may take long: only a test clock asks.
    fn last_instant(&self) -> Result<Option<Time>, StoreError>;

    /// Everything at one instant, for proofs and copies. Rows have no links; positions count the entries of bucket 0, then
    /// those of bucket 1, and so on, each in the order of their places.
    fn snapshot(&self) -> Result<Arc<dyn Reader>, StoreError>;
}

/// Documents at an instant.
#[derive(Clone, Debug)]
pub struct Edition {
    /// Tells it from all others, those that were lost among them; it rises with each change.
    pub number: u64,
    /// All documents; `None`: as known.
    pub documents: Option<Vec<Document>>,
    /// The store's clock.
    pub now: Time,
}

impl Edition {
    /// All documents, of a store that was asked with none known.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where the store left them out all the same: no store is to be taken for an empty one.
    pub fn whole(self) -> Result<Vec<Document>, StoreError> {
        self.documents.ok_or_else(|| StoreError::Damaged("the store answers no documents to who knows none".to_owned()))
    }
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is durable.
    Landed,
    /// Another was first: nothing of it was written.
    Late,
}

/// What is to be read.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Accounts.
    pub accounts: Vec<WantedAccount>,
    /// Entries by number.
    pub entries: Vec<(AccountNumber, u64)>,
    /// The newest entry of an account that carries a term.
    pub terms: Vec<(AccountNumber, Term)>,
    /// For whom.
    pub asker: Asker,
}

/// For whom something is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asker {
    /// The engine's threads, on which all commands wait.
    #[default]
    Threads,
    /// Callers, of whom there may be thousands at once: they may wait for each other.
    Callers,
}

impl Wanted {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.entries.is_empty() && self.terms.is_empty()
    }
}

/// An account that is to be read.
#[derive(Clone, Debug)]
pub struct WantedAccount {
    /// Whose customer.
    pub studio: StudioNumber,
    /// By its id, or the id of an erased account.
    pub id: AccountId,
    /// As the asker knows it: its number and its chain's head. It is not sent again as long as that is its head: another
    /// history of as many entries (one of them was lost with a server of the database) has another.
    pub known: Option<(AccountNumber, Hash)>,
}

/// What was read, each part in the order in which it was wanted.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Accounts.
    pub accounts: Vec<FoundAccount>,
    /// Entries.
    pub entries: Vec<Option<Record>>,
    /// Entries that carry terms.
    pub terms: Vec<Option<Record>>,
    /// Accounts of which an entry was found that cannot be read: it is missing above. Others' are none the worse for it.
    pub unreadable: BTreeSet<AccountNumber>,
}

/// An account that was read.
#[derive(Clone, Debug)]
pub enum FoundAccount {
    /// There is none of that id.
    Missing,
    /// It is as it was known.
    Unmoved,
    /// It, as its last entry left it.
    There(Arc<Account>),
    /// Its row cannot be read: it is damaged, or a newer version wrote it.
    Unreadable,
}

/// One account's entries to append.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The account as they leave it.
    pub account: Arc<Account>,
    /// The number of the entry that they follow; 0: they open it. An opening comes too late where the account's number, or
    /// its id in its studio, is taken.
    pub follows: u64,
    /// The chain's value after the entry that they follow. Where the account stands at that number with another, they come too
    /// late: what they were decided upon is not its history.
    pub before: Hash,
    /// The entries, without a gap, the first numbered `follows + 1`.
    pub records: Vec<Record>,
    /// What the entries can be found by, with their numbers.
    pub terms: Vec<(Term, u64)>,
    /// Terms that no entry of the account before these may carry; where one does, they come too late. For an account that
    /// they open there are none.
    pub unseen: Vec<Term>,
    /// What becomes of the texts of the account's entries before these.
    pub texts: EarlierTexts,
}

/// What becomes of the texts of earlier entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EarlierTexts {
    /// They stay.
    Kept,
    /// They are removed (R29), and the account's id is replaced.
    Erased {
        /// The id that it was known by.
        id: AccountId,
    },
}

/// A part of a journal that is taken in as it is.
#[derive(Clone, Debug, Default)]
pub struct Filling {
    /// The edition of the documents that its import has seen last: it lands upon no other.
    pub edition: u64,
    /// What is added to each account, one draft for each.
    pub drafts: Vec<Draft>,
    /// Whose entry comes next, for each entry in the journal's order: the place of its account's draft. The entries of a
    /// bucket take their places in this order, which seals rely on.
    pub order: Vec<usize>,
}

/// Which entries of a studio.
#[derive(Clone, Copy, Debug)]
pub struct StudioQuery<'a> {
    /// Whose.
    pub studio: StudioNumber,
    /// Only entries before this one, in the order of the answer.
    pub before: Option<EntryPlace>,
    /// At most so many.
    pub limit: usize,
    /// Only these kinds.
    pub kinds: &'a [Kind],
    /// Only this tool.
    pub tool: Option<&'a ToolId>,
    /// Not before.
    pub from: Option<Time>,
    /// Before.
    pub to: Option<Time>,
}

/// An entry's place among all entries by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryPlace {
    /// When.
    pub at: Time,
    /// Whose.
    pub account: AccountNumber,
    /// Its number.
    pub seq: u64,
}

impl EntryPlace {
    /// A record's.
    pub fn of(record: &Record) -> EntryPlace {
        EntryPlace { at: record.at, account: record.account, seq: record.seq }
    }
}
