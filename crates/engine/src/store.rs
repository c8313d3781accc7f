//! The port: what the engine asks of a store. A store knows no rules and no HTTP.
//!
//! A store that one process owns is written *journal first*: [`Store::append`] makes a batch's
//! entries durable, and accounts and the index of terms are written behind it, a share with each
//! batch, up to a mark. After a crash the entries since the mark are replayed on the accounts.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod joint;
pub mod memory;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use scrip_core::account::{Account, Hash};
use scrip_core::entry::Term;
use scrip_core::id::{AccountId, AccountNumber, StudioId, StudioNumber};
use scrip_core::journal::Record;
use scrip_core::time::Time;

use crate::trail::{Links, Trail};

/// The world failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Nothing was written; the same call may succeed later (a full disk that is emptied, a lock that is let go).
    #[error("{0}")]
    Refused(String),
    /// It is not known whether the write is durable: the store must be opened anew and read back.
    #[error("{0}; whether it was written is not known")]
    Unknown(String),
    /// What is stored cannot be read.
    #[error("{0}")]
    Damaged(String),
}

/// The write side. One thread owns it.
pub trait Store: Send + 'static {
    /// A handle for reading, for any number of threads, that sees every append that has returned.
    fn reader(&self) -> Arc<dyn Reader>;

    /// Makes a batch durable, all of it or none. When it returns `Ok`, it survives `kill -9` and loss of power.
    ///
    /// From when a batch with an [`Erasure`] has returned, readers are shown no text that it erased, whatever crash comes. The texts
    /// themselves are removed by [`Store::upkeep`], until [`Reader::erasing`] no longer lists the account: then none of the
    /// store's files holds them.
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// Background upkeep (checkpoints, merging of runs), called when the writer is idle or now and then between
    /// batches; a bounded piece of work. Answers whether there is more to do.
    fn upkeep(&mut self) -> Result<bool, StoreError>;
}

/// The read side.
pub trait Reader: Send + Sync + 'static {
    /// Studios, catalog versions, keys, the test clock, secrets of tokens and notes: few, read whole at the start.
    fn documents(&self) -> Result<Vec<Document>, StoreError>;

    /// The position up to which accounts and terms have been written behind, and the last position of the journal.
    fn extent(&self) -> Result<Extent, StoreError>;

    /// The account's row, written behind: true as of [`Account::seq`].
    fn account(&self, number: AccountNumber) -> Result<Option<StoredAccount>, StoreError>;

    /// The rows of these accounts, in their order.
    fn accounts_of(&self, numbers: &[AccountNumber]) -> Result<Vec<Option<StoredAccount>>, StoreError> {
        numbers.iter().map(|number| self.account(*number)).collect()
    }

    /// The number of an account whose row has been written.
    fn account_number(&self, studio: StudioNumber, id: &AccountId) -> Result<Option<AccountNumber>, StoreError>;

    /// Rows with a number greater than `after`, by number, at most `limit`.
    fn accounts(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<StoredAccount>, StoreError>;

    /// The journal's row at a position.
    fn row(&self, position: u64) -> Result<Option<Row>, StoreError>;

    /// Rows from a position on, upwards, at most `limit`.
    fn rows_from(&self, position: u64, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Rows before a position, downwards, at most `limit`.
    fn rows_before(&self, position: u64, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Positions of entries that may carry this term, newest first, among terms written behind. May name some
    /// that do not (the index keeps 64 bits of a term): the caller reads the entry and compares.
    fn positions(&self, term: Term) -> Result<Vec<u64>, StoreError>;

    /// What the rows with a number greater than `after` say of their accounts' last entries, by number, at most `limit`.
    fn heads(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<Head>, StoreError>;

    /// Rows from a position on whose accounts are in `buckets` (by number, see [`scrip_core::bucket`]), upwards, at
    /// most `limit`. Cheaper than to read all and leave some out.
    fn rows_of(&self, buckets: Range<u16>, position: u64, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Shows every term written behind (what [`indexed`] keeps of it) with its position, each pair once, in whatever order.
    /// Proves on the way whatever the store keeps so as to find them (order, counts, filters): what does
    /// not hold is [`StoreError::Damaged`].
    fn terms(&self, see: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError>;

    /// Proves what the store keeps besides what it answers: its own pages and indexes, as far as it can; not the index
    /// of terms, see [`Reader::terms`]. What does not hold is [`StoreError::Damaged`].
    fn sound(&self) -> Result<(), StoreError>;

    /// Erasures that are not finished.
    fn erasing(&self) -> Result<Vec<Erasing>, StoreError>;
}

/// How far an erasure has come whose texts nobody is shown any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasing {
    /// Whose texts.
    pub account: AccountNumber,
    /// What is left to do.
    pub left: ErasingLeft,
}

/// What an erasure still waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasingLeft {
    /// Entries whose texts are to be removed.
    Entries,
    /// Only copies that the store keeps for its own recovery: they go as soon as no reader holds on to them.
    Copies,
}

/// How far a journal-first store has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Accounts and terms of all entries up to here have been written behind.
    pub mark: u64,
    /// The last entry's position; 0 for an empty journal.
    pub last: u64,
    /// The greatest number of an account whose row has been written; 0 for none.
    pub last_account: AccountNumber,
}

/// An account's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAccount {
    /// The account, as of its last entry written behind.
    pub account: Account,
    /// Where its entries are.
    pub trail: Trail,
}

/// What an account's row says of its last entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose.
    pub account: AccountNumber,
    /// The last entry that the row knows of.
    pub seq: u64,
    /// The chain's value after it.
    pub head: Hash,
}

/// One entry in the journal's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its place in the whole journal, from 1, without gaps.
    pub position: u64,
    /// Where earlier entries of its account are; `None` in a store that finds them by their numbers ([`joint`]).
    pub links: Option<Links>,
    /// The entry.
    pub record: Record,
}

impl Row {
    /// Where earlier entries are, in a store that leads from each to those before.
    pub fn linked(&self) -> Result<Links, StoreError> {
        let missing = || StoreError::Damaged(format!("the entry at position {} does not point back", self.position));
        self.links.ok_or_else(missing)
    }
}

/// What becomes durable at once.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Entries, in order.
    pub rows: Vec<Row>,
    /// Documents, in order.
    pub documents: Vec<Document>,
    /// Accounts whose texts are erased.
    pub erasures: Vec<Erasure>,
    /// A share of what is written behind, on top of the erasures.
    pub behind: Behind,
}

/// An account whose texts are erased (R29). Its row is replaced at once, id and all.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// The account as the erasure's entry leaves it.
    pub stored: StoredAccountRef,
    /// The position of that entry. Texts beside the account's entries before it do not count any more.
    pub position: u64,
}

/// What the index keeps of a term: its leading 64 bits.
pub fn indexed(term: Term) -> u64 {
    u64::try_from(term.0 >> 64).expect("half of 128 bits")
}

/// A share of what is written behind.
#[derive(Clone, Debug, Default)]
pub struct Behind {
    /// Accounts to write, by number; each replaces the row that was there.
    pub accounts: Vec<StoredAccountRef>,
    /// The next piece of the present run of terms, the whole run sorted by term ([`indexed`]) and position. Readers
    /// see a run once it is complete; an incomplete one is lost in a crash. A piece that does not go on after the one
    /// before it begins the run anew.
    pub terms: Vec<(u64, u64)>,
    /// The run of terms is complete and every account that changed up to this position is written: the new mark.
    pub mark: Option<u64>,
}

impl Behind {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.terms.is_empty() && self.mark.is_none()
    }
}

/// An account to write behind, shared with the engine.
#[derive(Clone, Debug)]
pub struct StoredAccountRef {
    /// The account.
    pub account: Arc<Account>,
    /// Where its entries are.
    pub trail: Trail,
}

/// What is stored besides accounts and entries. A later document with the same identity replaces the earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// A studio.
    Studio {
        /// Its number here.
        number: StudioNumber,
        /// Its name.
        id: StudioId,
    },
    /// A catalog version: the text as it was published.
    Catalog {
        /// Whose.
        studio: StudioNumber,
        /// Counted from 1.
        version: u32,
        /// When it was published.
        published_at: Time,
        /// From when it is in force.
        effective: Time,
        /// `toml` or `json`.
        format: scrip_core::catalog::Format,
        /// The document's text.
        source: Arc<str>,
    },
    /// A secret key, hashed.
    Key(KeyDocument),
    /// Where a test clock stands (R33).
    Clock {
        /// The instant.
        now: Time,
    },
    /// That the store was, or is being, filled from another's journal: see [`crate::import`].
    Import(ImportDocument),
    /// What the tokens of a studio's customers are made with.
    TokenSecret {
        /// Whose.
        studio: StudioNumber,
        /// The secret.
        secret: TokenSecret,
    },
    /// What a part of the server has to remember of a studio.
    Note(Note),
}

/// What a part of the server has to remember of a studio beside the journal: small, replaced as a whole, and no part of what
/// anybody has. The engine keeps it and does not read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whose.
    pub studio: StudioNumber,
    /// Which of its notes.
    pub name: Box<str>,
    /// What it says. Never a secret, and never an account's id or another text that can be erased.
    pub text: Arc<str>,
}

/// What the tokens of a studio's customers are made and recognised with: 256 random bits that never leave the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenSecret(pub [u8; 32]);

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(…)")
    }
}

/// An import of a whole journal into a store: one at the most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportDocument {
    /// What is imported, so that it can be told from anything else: a digest made of it by whoever reads it.
    pub origin: [u8; 32],
    /// How far it is.
    pub state: ImportState,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportState {
    /// Not everything is there, or it is not proved yet: nobody may use the store.
    UnderWay,
    /// The store is like any other.
    Complete,
}

impl ImportState {
    /// The word in the store.
    pub const fn word(self) -> &'static str {
        match self {
            ImportState::UnderWay => "under_way",
            ImportState::Complete => "complete",
        }
    }

    /// The state that a word names.
    pub fn from_word(word: &str) -> Option<ImportState> {
        [ImportState::UnderWay, ImportState::Complete].into_iter().find(|state| state.word() == word)
    }
}

/// A secret key of a studio. The secret itself is shown once and stored nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDocument {
    /// Its public id, as in `key_8f3a…`.
    pub id: Box<str>,
    /// Whose.
    pub studio: StudioNumber,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    /// The secret's last four characters, to tell keys apart.
    pub hint: Box<str>,
    /// When it was made.
    pub created_at: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

/// What a secret key is for. What each role may do is the server's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// To read and quote.
    Read,
    /// What a job runner needs.
    Jobs,
    /// To make good what went wrong.
    Support,
    /// To give, take back and sell credits.
    Finance,
    /// Everything.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 5] = [Role::Read, Role::Jobs, Role::Support, Role::Finance, Role::Admin];

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Jobs => "jobs",
            Role::Support => "support",
            Role::Finance => "finance",
            Role::Admin => "admin",
        }
    }

    /// The role that a name means.
    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The word in the store and in journal files. `admin` was `full` there before it had that name, and has one spelling.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Admin => "full",
            Role::Read | Role::Jobs | Role::Support | Role::Finance => self.name(),
        }
    }

    /// The role that a stored word means.
    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }
}
