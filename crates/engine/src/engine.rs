//! The engine's handle: what the server, the command line and the simulation hold.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use scrip_core::account::Account;
use scrip_core::answer::Answer;
use scrip_core::catalog::{self, Catalogs, Published};
use scrip_core::command::Command;
use scrip_core::due;
use scrip_core::entry::Entry;
use scrip_core::hold::Hold;
use scrip_core::id::{AccountId, AccountNumber, HoldRef, Key, OrderId, ProviderRef, StudioId, StudioNumber};
use scrip_core::order::Order;
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use tokio::sync::{broadcast, oneshot, watch};

use crate::clock::Clock;
use crate::committer;
use crate::history::{self, HistoryPage, HistoryQuery, JournalPage, JournalQuery};
use crate::import;
use crate::intake::{Carried, Intake, Job};
use crate::opening::{self, Origin};
use crate::pending::{self, PendingOrders};
use crate::recall;
use crate::recover;
use crate::resident::Residents;
use crate::sequencer::{LOST, Sequencer};
use crate::store::{
    ErasingLeft, ImportState, KeyDocument, Note, Reader, Store, StoreError, StoredAccountRef, TokenSecret,
};
use crate::sweep;

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
    /// The idempotency key; PUT, DELETE, openings and touches have none.
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
pub struct Engine {
    shared: Arc<Shared>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// What the engine's threads and its handles share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) intake: Intake,
    pub(crate) residents: Arc<Residents>,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) feed: broadcast::Sender<Arc<Committed>>,
    pub(crate) clock_moves: watch::Sender<Time>,
    pub(crate) counters: Counters,
    pub(crate) stopping: Mutex<bool>,
    pub(crate) stopped: Condvar,
    /// Texts are being erased: the store's upkeep has work even when nobody asks for anything.
    erasing: AtomicBool,
    trouble: AtomicU8,
    documents: RwLock<Known>,
    /// Held while a studio's secret is made, so that there is one.
    making_secret: tokio::sync::Mutex<()>,
}

/// Documents as they are durable.
struct Known {
    studios: BTreeMap<StudioId, StudioNumber>,
    catalogs: Arc<Catalogs>,
    sources: BTreeMap<(StudioNumber, u32), Publication>,
    keys: Arc<[KeyDocument]>,
    token_secrets: BTreeMap<StudioNumber, TokenSecret>,
    notes: BTreeMap<(StudioNumber, Box<str>), Arc<str>>,
}

/// Counts since the start, and how far the store has come.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) entries: AtomicU64,
    pub(crate) mark: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) replayed: AtomicU64,
}

/// What stands in the way of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Trouble {
    /// Nothing.
    None = 0,
    /// The last batch was refused; the next one may go through.
    Refused = 1,
    /// A write ended in an unknown state: nothing more is written until a restart has read it back.
    Lost = 2,
}

/// Batches that a slow listener of the feed may be behind.
const FEED_BACKLOG: usize = 1_024;

impl Engine {
    /// Opens the store's accounts (replaying what was not written behind) and starts the writer.
    pub fn start(store: Box<dyn Store>, options: Options) -> Result<Engine, StoreError> {
        let reader = store.reader();
        let documents = recover::documents(reader.as_ref())?;
        if documents.import.as_ref().is_some_and(|import| import.state == ImportState::UnderWay) {
            return Err(StoreError::Refused(import::UNDER_WAY.to_owned()));
        }
        if let Clock::Test(clock) = &options.clock {
            let last = recover::last_instant(reader.as_ref(), documents.clock)?;
            clock.fetch_max(last.micros(), Ordering::AcqRel);
        }
        let opening = recover::replay(reader.as_ref(), &documents, options.mark_every)?;
        let counters = Counters::default();
        counters.entries.store(opening.last_position, Ordering::Release);
        counters.mark.store(reader.extent()?.mark, Ordering::Release);
        let residents = Arc::new(Residents::new());
        opening.changed.iter().for_each(|stored| residents.publish(stored));
        let sweep_per_second = options.sweep_per_second;
        let shared = Arc::new(Shared {
            intake: Intake::new(options.queue_limit),
            residents,
            feed: broadcast::Sender::new(FEED_BACKLOG),
            clock_moves: watch::Sender::new(options.clock.now()),
            counters,
            stopping: Mutex::new(false),
            stopped: Condvar::new(),
            erasing: AtomicBool::new(!reader.erasing()?.is_empty()),
            trouble: AtomicU8::new(Trouble::None as u8),
            documents: RwLock::new(Known {
                studios: documents.studios,
                catalogs: Arc::clone(&opening.catalogs),
                sources: documents.sources.into_iter().collect(),
                keys: documents.keys.into(),
                token_secrets: documents.token_secrets,
                notes: documents.notes.into_iter().map(|note| ((note.studio, note.name), note.text)).collect(),
            }),
            making_secret: tokio::sync::Mutex::new(()),
            reader,
            options,
        });
        let sequencer = Sequencer::new(Arc::clone(&shared), opening);
        let mut threads = vec![
            spawn("scrip-sequencer", move || sequencer.run()),
            spawn("scrip-committer", {
                let shared = Arc::clone(&shared);
                move || committer::run(&shared, store)
            }),
        ];
        if sweep_per_second > 0 {
            let shared = Arc::clone(&shared);
            threads.push(spawn("scrip-sweeper", move || sweep::run(&shared, sweep_per_second)));
        }
        Ok(Engine { shared, threads: Arc::new(Mutex::new(threads)) })
    }

    /// Carries out one command.
    pub async fn submit(&self, request: Request) -> Result<Outcome, Refusal> {
        let mut carried = self.submit_many(vec![request]).await;
        carried.pop().unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// Carries out commands in order, each standing or falling alone; answers in the same order.
    pub async fn submit_many(&self, requests: Vec<Request>) -> Vec<Result<Outcome, Refusal>> {
        let count = requests.len();
        match self.enqueue(requests) {
            Ok(Some(answers)) => answers.await.unwrap_or_else(|_| refused(count, ENDED)),
            Ok(None) => Vec::new(),
            Err(refusal) => vec![Err(refusal); count],
        }
    }

    /// The same for callers without an async runtime.
    pub fn submit_many_blocking(&self, requests: Vec<Request>) -> Vec<Result<Outcome, Refusal>> {
        let count = requests.len();
        match self.enqueue(requests) {
            Ok(Some(answers)) => answers.blocking_recv().unwrap_or_else(|_| refused(count, ENDED)),
            Ok(None) => Vec::new(),
            Err(refusal) => vec![Err(refusal); count],
        }
    }

    fn enqueue(&self, requests: Vec<Request>) -> Result<Option<oneshot::Receiver<Vec<Carried>>>, Refusal> {
        if requests.is_empty() {
            return Ok(None);
        }
        if self.shared.is_lost() {
            return Err(Refusal::Unavailable(LOST));
        }
        let (reply, answers) = oneshot::channel();
        self.shared.intake.push(Job::Commands { requests, reply })?;
        Ok(Some(answers))
    }

    /// The engine's clock.
    pub fn now(&self) -> Time {
        self.shared.options.clock.now()
    }

    /// Whether the engine runs on a test clock.
    pub fn has_test_clock(&self) -> bool {
        matches!(self.shared.options.clock, Clock::Test(_))
    }

    /// Moves the test clock, durably; an earlier instant is `clock_moved_back` (R33).
    pub async fn move_clock(&self, now: Time) -> Result<Time, Refusal> {
        let (reply, moved) = oneshot::channel();
        self.shared.intake.push(Job::MoveClock { now, reply })?;
        moved.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// The test clock's instant, whenever it moves.
    pub fn clock_moves(&self) -> watch::Receiver<Time> {
        self.shared.clock_moves.subscribe()
    }

    /// The studios.
    pub fn studios(&self) -> Vec<(StudioNumber, StudioId)> {
        self.shared.known(|known| known.studios.iter().map(|(id, number)| (*number, id.clone())).collect())
    }

    /// Every catalog version.
    pub fn catalogs(&self) -> Arc<Catalogs> {
        self.shared.catalogs()
    }

    /// A published version's source text and format.
    pub fn catalog_source(&self, studio: StudioNumber, version: u32) -> Option<(catalog::Format, Arc<str>)> {
        self.shared.known(|known| {
            known.sources.get(&(studio, version)).map(|source| (source.format, Arc::clone(&source.source)))
        })
    }

    /// Publishes a catalog; the first of a studio creates it. `expected`: the caller's studio, if it must be that one.
    pub async fn publish(
        &self,
        publication: Publication,
        expected: Option<StudioId>,
    ) -> Result<PublishOutcome, PublishError> {
        // Checked here, on the caller's time: only a sound catalog takes up the sequencer's.
        let catalog = Arc::new(catalog::read(&publication.source, publication.format)?);
        let (reply, outcome) = oneshot::channel();
        let job = Job::Publish { publication, catalog, expected, reply };
        self.shared.intake.push(job).map_err(|refusal| match refusal {
            Refusal::Unavailable(why) => PublishError::Unavailable(why),
            Refusal::Rejected(_) => PublishError::Unavailable(ENDED),
        })?;
        outcome.await.unwrap_or(Err(PublishError::Unavailable(ENDED)))
    }

    /// The secret keys, revoked ones included.
    pub fn keys(&self) -> Arc<[KeyDocument]> {
        self.shared.known(|known| Arc::clone(&known.keys))
    }

    /// Stores a key, new or revoked.
    pub async fn put_key(&self, key: KeyDocument) -> Result<(), Refusal> {
        let (reply, stored) = oneshot::channel();
        self.shared.intake.push(Job::PutKey { key, reply })?;
        stored.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// What a studio's customer tokens are made with; `None` before the first was asked for.
    pub fn token_secret(&self, studio: StudioNumber) -> Option<TokenSecret> {
        self.shared.known(|known| known.token_secrets.get(&studio).copied())
    }

    /// The same, made and stored where there is none: durable by the time a token can be made with it.
    pub async fn token_secret_made(&self, studio: StudioNumber) -> Result<TokenSecret, Refusal> {
        let _one_at_a_time = self.shared.making_secret.lock().await;
        if let Some(secret) = self.token_secret(studio) {
            return Ok(secret);
        }
        let mut secret = TokenSecret([0; 32]);
        getrandom::fill(&mut secret.0).map_err(|_| Refusal::Unavailable("the machine has no randomness"))?;
        let (reply, stored) = oneshot::channel();
        self.shared.intake.push(Job::PutTokenSecret { studio, secret, reply })?;
        stored.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))?;
        Ok(secret)
    }

    /// What was noted of a studio under a name.
    pub fn note(&self, studio: StudioNumber, name: &str) -> Option<Arc<str>> {
        self.shared.known(|known| known.notes.get(&(studio, name.into())).cloned())
    }

    /// Notes something of a studio, instead of what was noted under that name before.
    pub async fn put_note(&self, note: Note) -> Result<(), Refusal> {
        let (reply, stored) = oneshot::channel();
        self.shared.intake.push(Job::PutNote { note, reply })?;
        stored.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// The account as everything acknowledged left it, without what is due: never waits for the writer. Reads the
    /// store when the account is not in memory; async callers see [`Engine::is_resident`].
    pub fn account(&self, studio: StudioNumber, id: &AccountId) -> Result<Option<Arc<Account>>, StoreError> {
        Ok(self.shared.stored(studio, id)?.map(|stored| stored.account))
    }

    /// Whether reading the account needs no disk.
    pub fn is_resident(&self, studio: StudioNumber, id: &AccountId) -> bool {
        self.shared.residents.number(studio, id).is_some()
    }

    /// The same with all that is due at `now` applied, without writing it (R16).
    pub fn account_at(&self, studio: StudioNumber, id: &AccountId, now: Time) -> Result<Option<Account>, StoreError> {
        let Some(account) = self.account(studio, id)? else { return Ok(None) };
        let mut account = Account::clone(&account);
        if due::next_due(&account).is_some_and(|at| at <= now) {
            due::apply_due(&mut account, &self.catalogs(), now, [0; 16]);
        }
        Ok(Some(account))
    }

    /// Accounts of a studio by the order of their opening, whose id or name contains `search` (any case); `after` is an
    /// id of the page before.
    pub fn accounts(
        &self,
        studio: StudioNumber,
        search: Option<&str>,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<Arc<Account>>, StoreError> {
        self.shared.accounts(studio, search, after, limit)
    }

    /// An account's entries, newest first.
    pub fn history(
        &self,
        studio: StudioNumber,
        account: &AccountId,
        query: &HistoryQuery,
    ) -> Result<Option<HistoryPage>, StoreError> {
        let Some(stored) = self.shared.stored(studio, account)? else { return Ok(None) };
        history::of_account(self.shared.reader.as_ref(), &stored, query).map(Some)
    }

    /// The account's entry of a sequence number, if there is one: what an id like `charge_9` leads to.
    pub fn entry(&self, studio: StudioNumber, account: &AccountId, seq: u64) -> Result<Option<Entry>, StoreError> {
        let Some(stored) = self.shared.stored(studio, account)? else { return Ok(None) };
        recall::entry(&recall::Durable(self.shared.reader.as_ref()), stored.account.seq, &stored.trail, seq)
    }

    /// How the account was opened; `None` where it does not exist. What happened since does not change it.
    pub fn origin(&self, studio: StudioNumber, account: &AccountId) -> Result<Option<Origin>, StoreError> {
        let Some(stored) = self.shared.stored(studio, account)? else { return Ok(None) };
        opening::origin(&recall::Durable(self.shared.reader.as_ref()), &stored).map(Some)
    }

    /// A hold by either id, open or ended; what is due has not been applied to it. `None`: no such account or hold.
    pub async fn hold(
        &self,
        studio: StudioNumber,
        account: &AccountId,
        hold: &HoldRef,
    ) -> Result<Option<Hold>, Refusal> {
        let (reply, found) = oneshot::channel();
        self.shared.intake.push(Job::Hold { studio, account: account.clone(), hold: hold.clone(), reply })?;
        found.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// An order, open or over; what is due has not been applied to it. `None`: no such account or order.
    pub async fn order(
        &self,
        studio: StudioNumber,
        account: &AccountId,
        order: OrderId,
    ) -> Result<Option<Order>, Refusal> {
        let (reply, found) = oneshot::channel();
        self.shared.intake.push(Job::Order { studio, account: account.clone(), order, reply })?;
        found.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// The studio's order that a payment provider knows by this id, and whose it is.
    pub async fn order_of_provider(
        &self,
        studio: StudioNumber,
        reference: &ProviderRef,
    ) -> Result<Option<(AccountId, Order)>, Refusal> {
        let (reply, found) = oneshot::channel();
        self.shared.intake.push(Job::OrderOfProvider { studio, reference: reference.clone(), reply })?;
        found.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// The orders that wait for their money, over all studios: those of the next `looks` accounts after `after`. Who
    /// goes on from `next` until it is `None` has seen every account; so a reconciler goes round at its own pace.
    pub fn pending_orders(&self, after: Option<AccountNumber>, looks: usize) -> Result<PendingOrders, StoreError> {
        pending::orders(self.shared.reader.as_ref(), &self.shared.residents, after, looks)
    }

    /// A studio's entries over all accounts, newest first.
    pub fn journal(&self, studio: StudioNumber, query: &JournalQuery) -> Result<JournalPage, StoreError> {
        let last = self.shared.counters.entries.load(Ordering::Acquire);
        let whose = |number| self.shared.by_number(number).map(|account| account.map(|a| (a.studio, a.id.clone())));
        history::of_studio(self.shared.reader.as_ref(), studio, last, query, whose)
    }

    /// The entries of batches as they become durable, from now on, in order.
    pub fn feed(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.shared.feed.subscribe()
    }

    /// What is left to do of an account's erasure, which [`Command::EraseAccount`] began; `None` once its texts are in none
    /// of the store's files.
    pub fn erasing(&self, account: AccountNumber) -> Result<Option<ErasingLeft>, StoreError> {
        let erasing = self.shared.reader.erasing()?;
        Ok(erasing.into_iter().find(|one| one.account == account).map(|one| one.left))
    }

    /// The store's read side.
    pub fn reader(&self) -> Arc<dyn Reader> {
        Arc::clone(&self.shared.reader)
    }

    /// Figures for `/metrics` and `/readyz`.
    pub fn vitals(&self) -> Vitals {
        let counters = &self.shared.counters;
        let stopping = *self.shared.stopping.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = match self.shared.trouble() {
            _ if stopping => Some("stopping"),
            Trouble::None => None,
            Trouble::Refused => Some("the store refused the last write"),
            Trouble::Lost => Some("a write ended in an unknown state: restart"),
        };
        Vitals {
            ready: trouble.is_none(),
            trouble,
            queued: self.shared.intake.queued(),
            entries: counters.entries.load(Ordering::Acquire),
            mark: counters.mark.load(Ordering::Acquire),
            resident: self.shared.residents.len(),
            batches: counters.batches.load(Ordering::Relaxed),
            accepted: counters.accepted.load(Ordering::Relaxed),
            rejected: counters.rejected.load(Ordering::Relaxed),
            replayed: counters.replayed.load(Ordering::Relaxed),
        }
    }

    /// Takes no more commands, finishes those it took, writes behind and closes the store. May be called again.
    pub fn stop(&self) {
        *self.shared.stopping.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.stopped.notify_all();
        self.shared.intake.stop();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the engine had panicked");
            }
        }
    }
}

/// Answered when the engine has ended without answering.
const ENDED: &str = "the engine has stopped; try again with the same key";

fn refused(count: usize, why: &'static str) -> Vec<Carried> {
    vec![Err(Refusal::Unavailable(why)); count]
}

/// A bug that ends one of the engine's threads ends the process: half an engine must not answer.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let work = move || {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
            eprintln!("scrip: a fault inside the engine; stopping before it does harm (what was acknowledged is safe)");
            std::process::abort();
        }
    };
    std::thread::Builder::new().name(name.into()).spawn(work).expect("the machine can start a thread")
}

impl Shared {
    fn known<T>(&self, read: impl FnOnce(&Known) -> T) -> T {
        read(&self.documents.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn catalogs(&self) -> Arc<Catalogs> {
        self.known(|known| Arc::clone(&known.catalogs))
    }

    pub(crate) fn studio_numbers(&self) -> BTreeMap<StudioId, StudioNumber> {
        self.known(|known| known.studios.clone())
    }

    pub(crate) fn learn_studio(&self, number: StudioNumber, id: StudioId) {
        self.documents.write().unwrap_or_else(PoisonError::into_inner).studios.insert(id, number);
    }

    pub(crate) fn learn_catalog(&self, published: Arc<Published>, publication: Publication) {
        let mut known = self.documents.write().unwrap_or_else(PoisonError::into_inner);
        known.sources.insert((published.studio, published.version), publication);
        Arc::make_mut(&mut known.catalogs).add(published);
    }

    pub(crate) fn learn_key(&self, key: KeyDocument) {
        let mut known = self.documents.write().unwrap_or_else(PoisonError::into_inner);
        known.keys = known.keys.iter().filter(|other| other.id != key.id).cloned().chain([key.clone()]).collect();
    }

    pub(crate) fn learn_token_secret(&self, studio: StudioNumber, secret: TokenSecret) {
        self.documents.write().unwrap_or_else(PoisonError::into_inner).token_secrets.insert(studio, secret);
    }

    pub(crate) fn learn_note(&self, note: Note) {
        let mut known = self.documents.write().unwrap_or_else(PoisonError::into_inner);
        known.notes.insert((note.studio, note.name), note.text);
    }

    pub(crate) fn is_erasing(&self) -> bool {
        self.erasing.load(Ordering::Acquire)
    }

    pub(crate) fn set_erasing(&self, erasing: bool) {
        self.erasing.store(erasing, Ordering::Release);
    }

    pub(crate) fn trouble(&self) -> Trouble {
        match self.trouble.load(Ordering::Acquire) {
            0 => Trouble::None,
            1 => Trouble::Refused,
            _ => Trouble::Lost,
        }
    }

    /// Once lost, always lost: only a restart reads the store back.
    pub(crate) fn set_trouble(&self, trouble: Trouble) {
        if self.trouble() != Trouble::Lost {
            self.trouble.store(trouble as u8, Ordering::Release);
        }
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.trouble() == Trouble::Lost
    }

    fn stored(&self, studio: StudioNumber, id: &AccountId) -> Result<Option<StoredAccountRef>, StoreError> {
        if let Some(number) = self.residents.number(studio, id)
            && let Some(stored) = self.residents.get(number)
        {
            return Ok(Some(stored));
        }
        let Some(number) = self.reader.account_number(studio, id)? else { return Ok(None) };
        let row = self.reader.account(number)?;
        Ok(row.map(|row| StoredAccountRef { account: Arc::new(row.account), trail: row.trail }))
    }

    pub(crate) fn by_number(&self, number: scrip_core::id::AccountNumber) -> Result<Option<Arc<Account>>, StoreError> {
        match self.residents.get(number) {
            Some(stored) => Ok(Some(stored.account)),
            None => Ok(self.reader.account(number)?.map(|row| Arc::new(row.account))),
        }
    }

    fn accounts(
        &self,
        studio: StudioNumber,
        search: Option<&str>,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<Arc<Account>>, StoreError> {
        let after = match after {
            None => None,
            Some(id) => match self.stored(studio, id)? {
                Some(stored) => Some(stored.account.number),
                None => return Ok(Vec::new()),
            },
        };
        let search = search.map(str::to_lowercase);
        let matches = |account: &Account| {
            account.studio == studio
                && search.as_ref().is_none_or(|search| {
                    account.id.as_str().to_lowercase().contains(search)
                        || account.name.as_ref().is_some_and(|name| name.to_lowercase().contains(search))
                })
        };
        history::accounts(self.reader.as_ref(), &self.residents, after, limit, matches)
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
