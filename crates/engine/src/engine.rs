//! The engine's handle. Skeleton.

use std::sync::Arc;

use scrip_core::account::Account;
use scrip_core::answer::Answer;
use scrip_core::catalog::{Catalogs, Published};
use scrip_core::command::Command;
use scrip_core::entry::Entry;
use scrip_core::id::{AccountId, Key, StudioId, StudioNumber};
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use tokio::sync::broadcast;

use crate::clock::Clock;
use crate::history::{HistoryPage, HistoryQuery, JournalPage, JournalQuery};
use crate::store::{KeyDocument, Reader, Store, StoreError};

/// How an engine runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The clock.
    pub clock: Clock,
    /// Commands that may wait; beyond it new ones are refused at once as overloaded.
    pub queue_limit: usize,
    /// Commands in one batch at the most.
    pub batch_limit: usize,
    /// Accounts kept in memory, about.
    pub resident_limit: usize,
    /// Entries after which accounts and terms are written behind.
    pub mark_every: u64,
    /// Accounts that the sweeper looks at in a second; 0 for no sweeper.
    pub sweep_per_second: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            clock: Clock::system(),
            queue_limit: 65_536,
            batch_limit: 8_192,
            resident_limit: 1_000_000,
            mark_every: 250_000,
            sweep_per_second: 2_000,
        }
    }
}

/// One command for one account.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose customer.
    pub studio: StudioNumber,
    /// Which account.
    pub account: AccountId,
    /// The idempotency key; PUT, DELETE and touches have none.
    pub key: Option<Key>,
    /// What to do.
    pub command: Command,
}

/// An accepted command: durable by the time the caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it did.
    pub answer: Answer,
    /// Whether this is the first answer again.
    pub replayed: bool,
}

/// Why a command was not carried out. Nothing was changed, except in [`Refusal::Unavailable`] of unknown outcome,
/// where the same key tells on the next try.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The rules say no.
    #[error("rejected")]
    Rejected(Rejection),
    /// 503 `unavailable`: safe to retry with the same key.
    #[error("{0}")]
    Unavailable(&'static str),
}

/// A catalog to publish.
#[derive(Clone, Debug)]
pub struct Publication {
    /// `toml` or `json`.
    pub format: scrip_core::catalog::Format,
    /// The document.
    pub source: Arc<str>,
}

/// Why a catalog was not published.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PublishError {
    /// It was checked and refused; the version in force stays.
    #[error(transparent)]
    Invalid(#[from] scrip_core::catalog::CatalogError),
    /// It names another studio than the caller's.
    #[error("the catalog is of studio {found}, not of {expected}")]
    OtherStudio {
        /// The caller's.
        expected: StudioId,
        /// The document's.
        found: StudioId,
    },
    /// It could not be made durable.
    #[error("{0}")]
    Unavailable(&'static str),
}

/// What publishing came to.
#[derive(Clone, Debug)]
pub enum PublishOutcome {
    /// A new version.
    Published(Arc<Published>),
    /// The content was a version of this studio already (R7): left alone.
    Known(Arc<Published>),
}

/// What a batch changed, as the feed tells it: in order, and only once durable.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The entries, in the journal's order, with their studio.
    pub entries: Vec<(StudioNumber, Entry)>,
    /// The accounts as they stand after the batch.
    pub accounts: Vec<Arc<Account>>,
}

/// A cloneable handle to a running engine.
#[derive(Clone)]
pub struct Engine {}

impl Engine {
    /// Opens the store's accounts (replaying what was not written behind) and starts the writer.
    pub fn start(_store: Box<dyn Store>, _options: Options) -> Result<Engine, StoreError> {
        unimplemented!()
    }

    /// Carries out one command.
    pub async fn submit(&self, _request: Request) -> Result<Outcome, Refusal> {
        unimplemented!()
    }

    /// Carries out commands in order, each standing or falling alone; answers in the same order.
    pub async fn submit_many(&self, _requests: Vec<Request>) -> Vec<Result<Outcome, Refusal>> {
        unimplemented!()
    }

    /// The same for callers without an async runtime.
    pub fn submit_many_blocking(&self, _requests: Vec<Request>) -> Vec<Result<Outcome, Refusal>> {
        unimplemented!()
    }

    /// The engine's clock.
    pub fn now(&self) -> Time {
        unimplemented!()
    }

    /// Whether the engine runs on a test clock.
    pub fn has_test_clock(&self) -> bool {
        unimplemented!()
    }

    /// Moves the test clock, durably; an earlier instant is `clock_moved_back` (R33).
    pub async fn move_clock(&self, _now: Time) -> Result<Time, Refusal> {
        unimplemented!()
    }

    /// The studios.
    pub fn studios(&self) -> Vec<(StudioNumber, StudioId)> {
        unimplemented!()
    }

    /// Every catalog version.
    pub fn catalogs(&self) -> Arc<Catalogs> {
        unimplemented!()
    }

    /// A published version's source text and format.
    pub fn catalog_source(
        &self,
        _studio: StudioNumber,
        _version: u32,
    ) -> Option<(scrip_core::catalog::Format, Arc<str>)> {
        unimplemented!()
    }

    /// Publishes a catalog; the first of a studio creates it. `expected`: the caller's studio, if it must be that one.
    pub async fn publish(
        &self,
        _publication: Publication,
        _expected: Option<StudioId>,
    ) -> Result<PublishOutcome, PublishError> {
        unimplemented!()
    }

    /// The secret keys, revoked ones included.
    pub fn keys(&self) -> Arc<[KeyDocument]> {
        unimplemented!()
    }

    /// Stores a key, new or revoked.
    pub async fn put_key(&self, _key: KeyDocument) -> Result<(), Refusal> {
        unimplemented!()
    }

    /// The account as everything acknowledged left it, without what is due: never waits for the writer. Blocking
    /// (it may read the store); call it off the async threads unless it is in memory.
    pub fn account(&self, _studio: StudioNumber, _id: &AccountId) -> Result<Option<Arc<Account>>, StoreError> {
        unimplemented!()
    }

    /// The same with all that is due at `now` applied, without writing it (R16).
    pub fn account_at(
        &self,
        _studio: StudioNumber,
        _id: &AccountId,
        _now: Time,
    ) -> Result<Option<Account>, StoreError> {
        unimplemented!()
    }

    /// Accounts of a studio by the order of their opening, whose id or name contains `search` (any case); `after` is an
    /// id of the page before.
    pub fn accounts(
        &self,
        _studio: StudioNumber,
        _search: Option<&str>,
        _after: Option<&AccountId>,
        _limit: usize,
    ) -> Result<Vec<Arc<Account>>, StoreError> {
        unimplemented!()
    }

    /// An account's entries, newest first.
    pub fn history(
        &self,
        _studio: StudioNumber,
        _account: &AccountId,
        _query: &HistoryQuery,
    ) -> Result<Option<HistoryPage>, StoreError> {
        unimplemented!()
    }

    /// A studio's entries over all accounts, newest first.
    pub fn journal(&self, _studio: StudioNumber, _query: &JournalQuery) -> Result<JournalPage, StoreError> {
        unimplemented!()
    }

    /// The entries of batches as they become durable, from now on, in order.
    pub fn feed(&self) -> broadcast::Receiver<Arc<Committed>> {
        unimplemented!()
    }

    /// The store's read side.
    pub fn reader(&self) -> Arc<dyn Reader> {
        unimplemented!()
    }

    /// Figures for `/metrics` and `/readyz`.
    pub fn vitals(&self) -> Vitals {
        unimplemented!()
    }

    /// Takes no more commands, finishes those it took, writes behind and closes the store.
    pub fn stop(&self) {
        unimplemented!()
    }
}

/// How the engine is doing.
#[derive(Clone, Debug, Default)]
pub struct Vitals {
    /// Whether commands are taken.
    pub ready: bool,
    /// Why not, if not.
    pub trouble: Option<&'static str>,
    /// Commands waiting.
    pub queued: usize,
    /// Entries in the journal.
    pub entries: u64,
    /// The mark: up to where accounts and terms are written behind.
    pub mark: u64,
    /// Accounts in memory.
    pub resident: usize,
    /// Batches committed since the start.
    pub batches: u64,
    /// Commands accepted since the start.
    pub accepted: u64,
    /// Commands rejected since the start.
    pub rejected: u64,
    /// Replays answered since the start.
    pub replayed: u64,
}
