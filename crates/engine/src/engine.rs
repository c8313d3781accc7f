//! The engine's handle: what the server, the command line and the simulation hold.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use scrip_core::account::Account;
use scrip_core::answer::Answer;
use scrip_core::catalog::{self, Catalog, Catalogs, Published};
use scrip_core::command::Command;
use scrip_core::due;
use scrip_core::entry::Act;
use scrip_core::entry::Entry;
use scrip_core::hold::Hold;
use scrip_core::id::{AccountId, AccountNumber, HoldRef, Key, OrderId, ProviderRef, StudioId, StudioNumber};
use scrip_core::order::Order;
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use tokio::sync::{broadcast, oneshot, watch};

use crate::charges;
use crate::clock::Clock;
use crate::committer;
use crate::history::{self, HistoryPage, HistoryQuery, JournalPage, JournalQuery, Searched};
use crate::hub::{Hub, Known, Trouble};
use crate::import;
use crate::intake::{Carried, Intake, Job};
use crate::joint::Joint;
use crate::opening::{self, Origin};
use crate::pending::{self, PendingOrders};
use crate::publishing;
use crate::recall;
use crate::recover;
use crate::resident::Residents;
use crate::sequencer::{LOST, Sequencer};
use crate::store::joint::JointStore;
use crate::store::{ErasingLeft, KeyDocument, Note, Reader, Store, StoreError, StoredAccountRef, TokenSecret};
use crate::sweep;

pub use crate::publishing::Expected;

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
    /// On a store that several servers share: batches that may be under way at once.
    pub lanes: usize,
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
            lanes: 8,
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
    /// Another version was published meanwhile.
    #[error("version {newest} was published meanwhile")]
    Overtaken {
        /// The newest.
        newest: u32,
    },
    /// It takes over from another version than the caller knows of.
    #[error("version {by} is in force by then")]
    Replaced {
        /// The version; 0: none is.
        by: u32,
    },
    /// It could not be made durable.
    #[error("{0}")]
    Unavailable(&'static str),
}

/// Whoever publishes by hand.
#[derive(Clone, Debug)]
pub struct Hand<'a> {
    /// Who.
    pub by: Arc<str>,
    /// Why, where it is said.
    pub reason: Option<&'a str>,
}

/// What an operator does that moves no credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed<'a> {
    /// What.
    pub act: Act,
    /// What it is done to: a key's id, a catalog version.
    pub subject: &'a str,
    /// Why, where it is said.
    pub reason: Option<&'a str>,
}

impl<'a> Deed<'a> {
    /// A deed that needs no reason.
    pub const fn of(act: Act, subject: &'a str) -> Deed<'a> {
        Deed { act, subject, reason: None }
    }

    /// The same, for a reason, where one was given.
    #[must_use]
    pub const fn because(self, reason: Option<&'a str>) -> Deed<'a> {
        Deed { reason, ..self }
    }
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
    inner: Inner,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// What the threads and handles of an engine that owns its store share.
pub(crate) struct Shared {
    hub: Hub,
    pub(crate) intake: Intake,
    pub(crate) residents: Arc<Residents>,
    pub(crate) reader: Arc<dyn Reader>,
    /// Positions follow the clock: the store was not filled from another's journal.
    by_clock: bool,
    /// Texts are being erased: the store's upkeep has work even when nobody asks for anything.
    erasing: AtomicBool,
}

/// What every engine has, this one has too.
impl std::ops::Deref for Shared {
    type Target = Hub;

    fn deref(&self) -> &Hub {
        &self.hub
    }
}

/// Whose the store is.
#[derive(Clone)]
enum Inner {
    /// Ours alone.
    Owned(Arc<Shared>),
    /// Other servers' too.
    Joint(Arc<Joint>),
}

impl Engine {
    /// Opens the store's accounts (replaying what was not written behind) and starts the writer.
    pub fn start(store: Box<dyn Store>, options: Options) -> Result<Engine, StoreError> {
        let reader = store.reader();
        let documents = recover::documents(reader.as_ref())?;
        if documents.is_under_way() {
            return Err(StoreError::Refused(import::UNDER_WAY.to_owned()));
        }
        if let Clock::Test(clock) = &options.clock {
            let last = recover::last_instant(reader.as_ref(), documents.clock)?;
            clock.fetch_max(last.micros(), Ordering::AcqRel);
        }
        let opening = recover::replay(reader.as_ref(), &documents, options.mark_every)?;
        let residents = Arc::new(Residents::new());
        opening.changed.iter().for_each(|stored| residents.publish(stored));
        let sweep_per_second = options.sweep_per_second;
        let shared = Arc::new(Shared {
            intake: Intake::new(options.queue_limit),
            residents,
            by_clock: documents.import.is_none(),
            erasing: AtomicBool::new(!reader.erasing()?.is_empty()),
            hub: Hub::new(options, Known::of(documents)),
            reader,
        });
        shared.counters.entries.store(opening.last_position, Ordering::Release);
        shared.counters.mark.store(shared.reader.extent()?.mark, Ordering::Release);
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
        Ok(Engine { inner: Inner::Owned(shared), threads: Arc::new(Mutex::new(threads)) })
    }

    /// Starts on a store that other servers may use at the same time (decision 25).
    pub fn start_joint(store: Arc<dyn JointStore>, options: Options) -> Result<Engine, StoreError> {
        let (joint, threads) = Joint::start(store, options)?;
        let threads = threads.into_iter().map(|(name, run)| spawn(&name, run)).collect();
        Ok(Engine { inner: Inner::Joint(joint), threads: Arc::new(Mutex::new(threads)) })
    }

    fn hub(&self) -> &Hub {
        match &self.inner {
            Inner::Owned(shared) => &shared.hub,
            Inner::Joint(joint) => &joint.hub,
        }
    }

    fn push(&self, job: Job) -> Result<(), Refusal> {
        match &self.inner {
            Inner::Owned(shared) => shared.intake.push(job),
            Inner::Joint(joint) => joint.push(job),
        }
    }

    /// Carries out one command.
    pub async fn submit(&self, request: Request) -> Result<Outcome, Refusal> {
        let mut carried = self.submit_many(vec![request]).await;
        carried.pop().unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// Carries out commands in order, each standing or falling alone; answers in the same order.
    pub async fn submit_many(&self, requests: Vec<Request>) -> Vec<Result<Outcome, Refusal>> {
        let count = requests.len();
        match self.enqueue(requests, None) {
            Ok(Some(answers)) => answers.await.unwrap_or_else(|_| refused(count, ENDED)),
            Ok(None) => Vec::new(),
            Err(refusal) => vec![Err(refusal); count],
        }
    }

    /// The same for callers without an async runtime.
    pub fn submit_many_blocking(&self, requests: Vec<Request>) -> Vec<Result<Outcome, Refusal>> {
        let count = requests.len();
        match self.enqueue(requests, None) {
            Ok(Some(answers)) => answers.blocking_recv().unwrap_or_else(|_| refused(count, ENDED)),
            Ok(None) => Vec::new(),
            Err(refusal) => vec![Err(refusal); count],
        }
    }

    /// Carries out one command, and records who asked for it where that is recorded ([`Command::is_by_hand`]).
    pub async fn submit_by(&self, by: Arc<str>, request: Request) -> Result<Outcome, Refusal> {
        let mut carried = self.submit_many_by(by, vec![request]).await;
        carried.pop().unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// The same for many, as [`Engine::submit_many`].
    pub async fn submit_many_by(&self, by: Arc<str>, requests: Vec<Request>) -> Vec<Result<Outcome, Refusal>> {
        let count = requests.len();
        match self.enqueue(requests, Some(by)) {
            Ok(Some(answers)) => answers.await.unwrap_or_else(|_| refused(count, ENDED)),
            Ok(None) => Vec::new(),
            Err(refusal) => vec![Err(refusal); count],
        }
    }

    /// Records what an operator does to the studio as a whole, durably, and who.
    pub async fn record(&self, studio: StudioNumber, by: Arc<str>, deed: Deed<'_>) -> Result<(), Refusal> {
        let Deed { act, subject, reason } = deed;
        let command = Command::RecordAct { act, subject: subject.into(), reason: reason.map(Box::from) };
        let request = Request { studio, account: AccountId::of_studio(), key: None, command };
        self.submit_by(by, request).await.map(drop)
    }

    fn enqueue(
        &self,
        requests: Vec<Request>,
        by: Option<Arc<str>>,
    ) -> Result<Option<oneshot::Receiver<Vec<Carried>>>, Refusal> {
        if requests.is_empty() {
            return Ok(None);
        }
        if self.hub().is_lost() {
            return Err(Refusal::Unavailable(LOST));
        }
        let (reply, answers) = oneshot::channel();
        self.push(Job::Commands { requests, by, reply })?;
        Ok(Some(answers))
    }

    /// The engine's clock.
    pub fn now(&self) -> Time {
        self.hub().options.clock.now()
    }

    /// Whether the engine runs on a test clock.
    pub fn has_test_clock(&self) -> bool {
        matches!(self.hub().options.clock, Clock::Test(_))
    }

    /// Moves the test clock, durably; an earlier instant is `clock_moved_back` (R33).
    pub async fn move_clock(&self, now: Time) -> Result<Time, Refusal> {
        let (reply, moved) = oneshot::channel();
        self.push(Job::MoveClock { now, reply })?;
        moved.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// The test clock's instant, whenever it moves.
    pub fn clock_moves(&self) -> watch::Receiver<Time> {
        self.hub().clock_moves.subscribe()
    }

    /// The studios.
    pub fn studios(&self) -> Vec<(StudioNumber, StudioId)> {
        self.hub().known(|known| known.studios.iter().map(|(id, number)| (*number, id.clone())).collect())
    }

    /// Every catalog version.
    pub fn catalogs(&self) -> Arc<Catalogs> {
        self.hub().catalogs()
    }

    /// A published version's source text and format.
    pub fn catalog_source(&self, studio: StudioNumber, version: u32) -> Option<(catalog::Format, Arc<str>)> {
        self.hub().known(|known| {
            known.sources.get(&(studio, version)).map(|source| (source.format, Arc::clone(&source.source)))
        })
    }

    /// Publishes a catalog; the first of a studio creates it. `expected`: the caller's studio, if it must be that one.
    pub async fn publish(
        &self,
        publication: Publication,
        expected: Option<StudioId>,
    ) -> Result<PublishOutcome, PublishError> {
        self.publish_as(publication, Expected { studio: expected, ..Expected::default() }).await
    }

    /// The same, where all is as the caller takes it to be.
    pub async fn publish_as(
        &self,
        publication: Publication,
        expected: Expected,
    ) -> Result<PublishOutcome, PublishError> {
        // Checked here, on the caller's time: only a sound catalog takes up the sequencer's.
        let catalog = Arc::new(catalog::read(&publication.source, publication.format)?);
        self.publish_checked(publication, catalog, expected).await
    }

    async fn publish_checked(
        &self,
        publication: Publication,
        catalog: Arc<Catalog>,
        expected: Expected,
    ) -> Result<PublishOutcome, PublishError> {
        let (reply, outcome) = oneshot::channel();
        let job = Job::Publish { publication, catalog, expected, reply };
        self.push(job).map_err(|refusal| match refusal {
            Refusal::Unavailable(why) => PublishError::Unavailable(why),
            Refusal::Rejected(_) => PublishError::Unavailable(ENDED),
        })?;
        outcome.await.unwrap_or(Err(PublishError::Unavailable(ENDED)))
    }

    /// The same by hand, recorded with who does it: before it is done, so that no version is in force that nobody published.
    /// What is recorded may come to nothing after all, where another version is published in that very moment, or the store fails.
    pub async fn publish_by(
        &self,
        publication: Publication,
        expected: Expected,
        hand: Hand<'_>,
    ) -> Result<PublishOutcome, PublishError> {
        let catalog = Arc::new(catalog::read(&publication.source, publication.format)?);
        for _ in 0..PUBLISH_TRIES {
            let next = match self.try_publication(&catalog, &expected)? {
                PublishOutcome::Known(known) => return Ok(PublishOutcome::Known(known)),
                PublishOutcome::Published(next) => next,
            };
            if next.version == 1 {
                // Another server's may be the first by now: then this one is recorded before it is done, as any.
                let first = Expected { newest: Some(0), ..expected.clone() };
                match self.publish_checked(publication.clone(), Arc::clone(&catalog), first).await {
                    Err(PublishError::Overtaken { .. }) if expected.newest.is_none() => continue,
                    outcome => {
                        let outcome = outcome?;
                        self.record_first(&outcome, &hand).await;
                        return Ok(outcome);
                    }
                }
            }
            self.record_publication(&next, &hand).await.map_err(|refusal| match refusal {
                Refusal::Unavailable(why) => PublishError::Unavailable(why),
                Refusal::Rejected(_) => PublishError::Unavailable("who publishes could not be recorded"),
            })?;
            // As it was recorded, or not at all.
            let recorded = Expected { newest: Some(next.version - 1), ..expected.clone() };
            match self.publish_checked(publication.clone(), Arc::clone(&catalog), recorded).await {
                Err(PublishError::Overtaken { .. }) if expected.newest.is_none() => {}
                outcome => return outcome,
            }
        }
        Err(PublishError::Unavailable("other versions are published all the time"))
    }

    /// Records who published the first version of a studio, of which there is nothing to record anything in before. It is in force,
    /// and is told so whatever becomes of this.
    async fn record_first(&self, outcome: &PublishOutcome, hand: &Hand<'_>) {
        let PublishOutcome::Published(first) = outcome else { return };
        if let Err(refusal) = self.record_publication(first, hand).await {
            tracing::error!(studio = %first.catalog.studio, by = &*hand.by, %refusal, "a first catalog could not be recorded");
        }
    }

    async fn record_publication(&self, published: &Published, hand: &Hand<'_>) -> Result<(), Refusal> {
        // The digest tells whose publication became the version, where two people were recorded for the same number.
        let subject = format!("version {}, {}", published.version, published.catalog.short_digest());
        let deed = Deed::of(Act::CatalogPublished, &subject).because(hand.reason);
        self.record(published.studio, Arc::clone(&hand.by), deed).await
    }

    /// What a publication would come to now, as far as this engine knows. It takes up nobody's time and writes nothing.
    pub fn try_publication(&self, catalog: &Arc<Catalog>, expected: &Expected) -> Result<PublishOutcome, PublishError> {
        let hub = self.hub();
        // By the same moment as the publication itself is decided.
        let moment = match &self.inner {
            Inner::Owned(_) => publishing::Moment::with_lead(self.now(), 0),
            Inner::Joint(joint) => joint.moment_of_publication(),
        };
        let decided = publishing::decide(&hub.studio_numbers(), &hub.catalogs(), catalog, expected, moment)?;
        Ok(match decided {
            publishing::Decided::Known(known) => PublishOutcome::Known(known),
            publishing::Decided::New { published, .. } => PublishOutcome::Published(published),
        })
    }

    /// The secret keys, revoked ones included.
    pub fn keys(&self) -> Arc<[KeyDocument]> {
        self.hub().known(|known| Arc::clone(&known.keys))
    }

    /// Stores a key, new or revoked.
    pub async fn put_key(&self, key: KeyDocument) -> Result<(), Refusal> {
        let (reply, stored) = oneshot::channel();
        self.push(Job::PutKey { key, reply })?;
        stored.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// What a studio's customer tokens are made with; `None` before the first was asked for.
    pub fn token_secret(&self, studio: StudioNumber) -> Option<TokenSecret> {
        self.hub().known(|known| known.token_secrets.get(&studio).copied())
    }

    /// The same, made and stored where there is none: durable by the time a token can be made with it.
    pub async fn token_secret_made(&self, studio: StudioNumber) -> Result<TokenSecret, Refusal> {
        let _one_at_a_time = self.hub().making_secret.lock().await;
        match self.token_secret(studio) {
            Some(secret) => Ok(secret),
            None => self.put_token_secret(studio, None).await,
        }
    }

    /// Another one in its place: the tokens of all customers of the studio are good no more.
    pub async fn renew_token_secret(&self, studio: StudioNumber) -> Result<(), Refusal> {
        let _one_at_a_time = self.hub().making_secret.lock().await;
        self.put_token_secret(studio, self.token_secret(studio)).await.map(drop)
    }

    async fn put_token_secret(
        &self,
        studio: StudioNumber,
        instead_of: Option<TokenSecret>,
    ) -> Result<TokenSecret, Refusal> {
        let mut secret = TokenSecret([0; 32]);
        getrandom::fill(&mut secret.0).map_err(|_| Refusal::Unavailable("the machine has no randomness"))?;
        let (reply, stored) = oneshot::channel();
        self.push(Job::PutTokenSecret { studio, secret, instead_of, reply })?;
        stored.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))?;
        // On a store that several servers share another may have been first.
        Ok(self.token_secret(studio).unwrap_or(secret))
    }

    /// What was noted of a studio under a name.
    pub fn note(&self, studio: StudioNumber, name: &str) -> Option<Arc<str>> {
        self.hub().known(|known| known.notes.get(&(studio, name.into())).cloned())
    }

    /// Notes something of a studio, in the place of what was noted under that name before. On a store that several servers share
    /// another may have noted something else meanwhile: then that stays, and [`Engine::note`] says it. Asked for once at a time by
    /// one server.
    pub async fn put_note(&self, note: Note, instead_of: Option<Arc<str>>) -> Result<(), Refusal> {
        let (reply, stored) = oneshot::channel();
        self.push(Job::PutNote { note, instead_of, reply })?;
        stored.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// The account as everything acknowledged left it, without what is due: never waits for the writer. Reads the
    /// store when the account is not in memory; async callers see [`Engine::is_resident`].
    pub fn account(&self, studio: StudioNumber, id: &AccountId) -> Result<Option<Arc<Account>>, StoreError> {
        match &self.inner {
            Inner::Owned(shared) => Ok(shared.stored(studio, id)?.map(|stored| stored.account)),
            Inner::Joint(joint) => joint.account(studio, id),
        }
    }

    /// Whether reading the account needs no disk.
    pub fn is_resident(&self, studio: StudioNumber, id: &AccountId) -> bool {
        match &self.inner {
            Inner::Owned(shared) => shared.residents.number(studio, id).is_some(),
            Inner::Joint(_) => false,
        }
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
        let after = match after {
            None => None,
            Some(id) => match self.account(studio, id)? {
                Some(account) => Some(account.number),
                None => return Ok(Vec::new()),
            },
        };
        self.accounts_by_number(studio, search, after, limit)
    }

    /// The same after an account's number, which stays when its id goes.
    pub fn accounts_by_number(
        &self,
        studio: StudioNumber,
        search: Option<&str>,
        after: Option<AccountNumber>,
        limit: usize,
    ) -> Result<Vec<Arc<Account>>, StoreError> {
        let search = search.map(str::to_lowercase);
        let matches = |account: &Account| {
            account.studio == studio
                && !account.id.is_of_studio()
                && search.as_ref().is_none_or(|search| {
                    account.id.as_str().to_lowercase().contains(search)
                        || account.name.as_ref().is_some_and(|name| name.to_lowercase().contains(search))
                })
        };
        match &self.inner {
            Inner::Owned(shared) => history::accounts(shared.reader.as_ref(), &shared.residents, after, limit, matches),
            Inner::Joint(joint) => joint.accounts(after, limit, matches),
        }
    }

    /// An account's entries, newest first.
    pub fn history(
        &self,
        studio: StudioNumber,
        account: &AccountId,
        query: &HistoryQuery,
    ) -> Result<Option<HistoryPage>, StoreError> {
        match &self.inner {
            Inner::Owned(shared) => {
                // Before the account: what it has up to the mark is in the index, and the rest along its trail.
                let mark = shared.counters.mark.load(Ordering::Acquire);
                let Some(stored) = shared.stored(studio, account)? else { return Ok(None) };
                let reader = shared.reader.as_ref();
                match query.charges.as_slice() {
                    [] => history::of_account(reader, &stored, query).map(Some),
                    _ => charges::of_account(reader, mark, &stored, query).map(Some),
                }
            }
            Inner::Joint(joint) => {
                let Some(account) = joint.account(studio, account)? else { return Ok(None) };
                match query.charges.as_slice() {
                    [] => joint.history(&account, query).map(Some),
                    _ => joint.about_charges(&account, query).map(Some),
                }
            }
        }
    }

    /// The account's entry of a sequence number, if there is one: what an id like `charge_9` leads to.
    pub fn entry(&self, studio: StudioNumber, account: &AccountId, seq: u64) -> Result<Option<Entry>, StoreError> {
        match &self.inner {
            Inner::Owned(shared) => {
                let Some(stored) = shared.stored(studio, account)? else { return Ok(None) };
                recall::entry(&recall::Durable(shared.reader.as_ref()), stored.account.seq, &stored.trail, seq)
            }
            Inner::Joint(joint) => {
                let Some(account) = joint.account(studio, account)? else { return Ok(None) };
                joint.entry(account.number, seq)
            }
        }
    }

    /// How the account was opened; `None` where it does not exist. What happened since does not change it.
    pub fn origin(&self, studio: StudioNumber, account: &AccountId) -> Result<Option<Origin>, StoreError> {
        match &self.inner {
            Inner::Owned(shared) => {
                let Some(stored) = shared.stored(studio, account)? else { return Ok(None) };
                opening::origin(&recall::Durable(shared.reader.as_ref()), &stored).map(Some)
            }
            Inner::Joint(joint) => {
                let Some(account) = joint.account(studio, account)? else { return Ok(None) };
                joint.origin(&account).map(Some)
            }
        }
    }

    /// A hold by either id, open or ended; what is due has not been applied to it. `None`: no such account or hold.
    pub async fn hold(
        &self,
        studio: StudioNumber,
        account: &AccountId,
        hold: &HoldRef,
    ) -> Result<Option<Hold>, Refusal> {
        let (reply, found) = oneshot::channel();
        self.push(Job::Hold { studio, account: account.clone(), hold: hold.clone(), reply })?;
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
        self.push(Job::Order { studio, account: account.clone(), order, reply })?;
        found.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// The studio's order that a payment provider knows by this id, and whose it is.
    pub async fn order_of_provider(
        &self,
        studio: StudioNumber,
        reference: &ProviderRef,
    ) -> Result<Option<(AccountId, Order)>, Refusal> {
        let (reply, found) = oneshot::channel();
        self.push(Job::OrderOfProvider { studio, reference: reference.clone(), reply })?;
        found.await.unwrap_or(Err(Refusal::Unavailable(ENDED)))
    }

    /// The orders that wait for their money, over all studios: those of the next `looks` accounts after `after`. Who
    /// goes on from `next` until it is `None` has seen every account; so a reconciler goes round at its own pace.
    pub fn pending_orders(&self, after: Option<AccountNumber>, looks: usize) -> Result<PendingOrders, StoreError> {
        match &self.inner {
            Inner::Owned(shared) => pending::orders(shared.reader.as_ref(), &shared.residents, after, looks),
            Inner::Joint(joint) => joint.pending_orders(after, looks),
        }
    }

    /// A studio's entries over all accounts, newest first.
    pub fn journal(&self, studio: StudioNumber, query: &JournalQuery) -> Result<JournalPage, StoreError> {
        let shared = match &self.inner {
            Inner::Owned(shared) => shared,
            Inner::Joint(joint) => return joint.journal(studio, query),
        };
        let last = shared.counters.entries.load(Ordering::Acquire);
        let whose = |number| shared.by_number(number).map(|account| account.map(|a| (a.studio, a.id.clone())));
        let searched = Searched { reader: shared.reader.as_ref(), last, by_clock: shared.by_clock };
        history::of_studio(&searched, studio, query, whose)
    }

    /// The entries of batches as they become durable, from now on, in order.
    pub fn feed(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.hub().feed.subscribe()
    }

    /// What is left to do of an account's erasure, which [`Command::EraseAccount`] began; `None` once its texts are in none
    /// of the store's files.
    pub fn erasing(&self, account: AccountNumber) -> Result<Option<ErasingLeft>, StoreError> {
        let erasing = match &self.inner {
            Inner::Owned(shared) => shared.reader.erasing()?,
            // They went with the erasure's own entry.
            Inner::Joint(_) => return Ok(None),
        };
        Ok(erasing.into_iter().find(|one| one.account == account).map(|one| one.left))
    }

    /// The store's read side; of a store that several servers share, as it stands now.
    pub fn reader(&self) -> Result<Arc<dyn Reader>, StoreError> {
        match &self.inner {
            Inner::Owned(shared) => Ok(Arc::clone(&shared.reader)),
            Inner::Joint(joint) => joint.store.snapshot(),
        }
    }

    /// Whether the catalogs that are known here may be priced by. On a store that several servers share they may not once
    /// they could not be read again in time: another version may be in force.
    pub fn knows_prices(&self) -> bool {
        match &self.inner {
            Inner::Owned(_) => true,
            Inner::Joint(joint) => joint.is_current(),
        }
    }

    /// Figures for `/metrics` and `/readyz`.
    pub fn vitals(&self) -> Vitals {
        let counters = &self.hub().counters;
        let stopping = *self.hub().stopping.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = match self.hub().trouble() {
            _ if stopping => Some("stopping"),
            Trouble::None => None,
            Trouble::Refused => Some("the store refused the last write"),
            Trouble::Lost => Some("a write ended in an unknown state: restart"),
        };
        let (queued, resident) = match &self.inner {
            Inner::Owned(shared) => (shared.intake.queued(), shared.residents.len()),
            Inner::Joint(joint) => (joint.queued(), 0),
        };
        Vitals {
            ready: trouble.is_none(),
            trouble,
            queued,
            entries: counters.entries.load(Ordering::Acquire),
            mark: counters.mark.load(Ordering::Acquire),
            resident,
            batches: counters.batches.load(Ordering::Relaxed),
            accepted: counters.accepted.load(Ordering::Relaxed),
            rejected: counters.rejected.load(Ordering::Relaxed),
            replayed: counters.replayed.load(Ordering::Relaxed),
        }
    }

    /// Takes no more commands, finishes those it took, writes behind and closes the store. May be called again.
    pub fn stop(&self) {
        *self.hub().stopping.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.hub().stopped.notify_all();
        match &self.inner {
            Inner::Owned(shared) => shared.intake.stop(),
            Inner::Joint(joint) => joint.stop(),
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the engine had panicked");
            }
        }
    }
}

/// Answered when the engine has ended without answering.
/// How often a publication is recorded anew that others come before.
const PUBLISH_TRIES: u32 = 8;
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
    pub(crate) fn is_erasing(&self) -> bool {
        self.erasing.load(Ordering::Acquire)
    }

    pub(crate) fn set_erasing(&self, erasing: bool) {
        self.erasing.store(erasing, Ordering::Release);
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
