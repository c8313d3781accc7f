//! The world of the scenarios on real engines: what `crates/core/tests/rules/world.rs` does without one.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use scrip_core::account::Account;
use scrip_core::answer::Answer;
use scrip_core::apply::apply;
use scrip_core::catalog::{Catalogs, Format};
use scrip_core::command::Command;
use scrip_core::entry::Entry;
use scrip_core::id::{AccountId, Key};
use scrip_core::mark::Mark;
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::{Refusal, Request};
use scrip_engine::store::joint::{Appended, JointStore as _};
use scrip_engine::store::{Batch, Document, Store as _};
use scrip_engine::verify::verify;
use scrip_engine::{Engine, Options};
use scrip_store_postgres::PostgresStore;
use scrip_store_postgres::harness::Furnished;
use scrip_store_sqlite::{OpenMode, SqliteStore};

pub(crate) use crate::document::read;
use crate::rules::{ACCOUNT, STUDIO};
pub(crate) use crate::rules::{PLANS, catalog, published};

/// An account, its journal and the catalogs.
pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) catalogs: Catalogs,
    pub(crate) entries: Vec<Entry>,
    pub(crate) now: Time,
    /// The subscription as it was looked at.
    pub(crate) looked_at: Option<Mark>,
    served: [Served; 2],
    commands: u64,
}

/// The account on one engine.
struct Served {
    engine: Engine,
    clock: Arc<AtomicI64>,
    /// Entries of the account that have been looked at.
    seen: u64,
    /// Where its store is: a folder or a database, which go with it.
    _place: Box<dyn Any>,
}

impl World {
    /// An account that does not exist yet.
    pub(crate) fn new(catalogs: Catalogs, now: Time) -> World {
        let account = Account::unopened(STUDIO, ACCOUNT, ada());
        let served = [on_sqlite(&documents(&catalogs), now), on_postgres(&documents(&catalogs), now)];
        World { account, catalogs, entries: Vec::new(), now, looked_at: None, served, commands: 0 }
    }

    /// Looks at the subscription, which both engines show alike.
    pub(crate) fn look(&mut self) {
        let seen = |served: &Served| {
            let account = served.engine.account_at(STUDIO, &self.account.id, self.now).unwrap().expect("it was opened");
            Mark::of(&account, &self.catalogs, self.now)
        };
        let [one, other] = self.served.each_ref().map(seen);
        assert_eq!(one, other, "what was looked at");
        self.looked_at = Some(one);
    }

    /// Submits a command to both engines, which must do the same; answers what the first one answers.
    pub(crate) fn submit(&mut self, command: &Command) -> Result<Answer, Rejection> {
        self.commands += 1;
        let keyed = !matches!(
            command,
            Command::PutAccount(_)
                | Command::PutSubscription(_)
                | Command::CancelSubscription(_)
                | Command::SendOrder { .. }
                | Command::FulfilOrder { .. }
                | Command::PutTopUp(_)
                | Command::SaveMethod { .. }
                | Command::BeginBilling { .. }
                | Command::EndBilling { .. }
                | Command::RefuseMethod { .. }
                | Command::RecordAct { .. }
                | Command::OpenAccount(_)
                | Command::EraseAccount { .. }
                | Command::Touch
        );
        let key = keyed.then(|| Key::parse(&format!("key-{}", self.commands)).unwrap());
        let erased = self.account.id != ada();
        let [one, other] = &mut self.served;
        let (answer, made) = one.submit(command, key.clone(), erased, self.now);
        let (other_answer, other_made) = other.submit(command, key, erased, self.now);
        assert_eq!(answer.is_ok(), other_answer.is_ok(), "{answer:?}, {other_answer:?}");
        assert_eq!(said(&made), said(&other_made), "what the embedded store has, and what the shared one has");
        self.entries.extend(made);
        self.account = Account::clone(&one.account(erased || matches!(command, Command::EraseAccount { .. })));
        answer
    }

    /// The account that the journal alone leads to.
    pub(crate) fn replayed(&self) -> Account {
        let mut account = Account::unopened(STUDIO, self.account.number, self.account.id.clone());
        for entry in &self.entries {
            apply(&mut account, entry);
            account.recalled.clear();
        }
        account.head = self.account.head;
        account
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for served in &self.served {
            served.engine.stop();
            if !std::thread::panicking() {
                verify(&*served.engine.reader().unwrap(), &mut |_| ()).unwrap();
            }
        }
    }
}

impl Served {
    /// Submits; answers besides what entries there are more.
    fn submit(
        &mut self,
        command: &Command,
        key: Option<Key>,
        erased: bool,
        now: Time,
    ) -> (Result<Answer, Rejection>, Vec<Entry>) {
        self.clock.store(now.micros(), Ordering::Release);
        let number = (self.seen > 0).then(|| self.account(erased).number);
        let account = if erased { self.account(erased).id.clone() } else { ada() };
        let request = Request { studio: STUDIO, account, key, command: command.clone() };
        let outcome = self.engine.submit_many_blocking(vec![request]).remove(0);
        let answer = match outcome {
            Ok(outcome) => Ok(outcome.answer),
            Err(Refusal::Rejected(rejection)) => Err(rejection),
            Err(Refusal::Unavailable(why)) => panic!("{why}"),
        };
        let erased = erased || matches!(command, Command::EraseAccount { .. });
        let Some(account) = self.find(erased) else { return (answer, Vec::new()) };
        assert!(number.is_none_or(|number| number == account.number));
        let entry = |seq| self.engine.entry(STUDIO, &account.id, seq).unwrap().unwrap();
        let made = (self.seen + 1..=account.seq).map(entry).collect();
        self.seen = account.seq;
        (answer, made)
    }

    fn account(&self, erased: bool) -> Arc<Account> {
        self.find(erased).expect("it was opened")
    }

    /// The only account: its id is not known beforehand once it is erased.
    fn find(&self, erased: bool) -> Option<Arc<Account>> {
        let all = self.engine.accounts(STUDIO, None, None, 2).unwrap();
        assert!(all.len() < 2);
        all.into_iter().next().inspect(|account| assert_eq!(account.id != ada(), erased))
    }
}

fn ada() -> AccountId {
    AccountId::parse("ada").unwrap()
}

/// Entries without what differs between stores: numbers of accounts and what chance has put in.
fn said(entries: &[Entry]) -> Vec<Entry> {
    let said = |entry: &Entry| {
        let mut entry = Entry { account: ACCOUNT, bound: None, ..entry.clone() };
        entry.texts.salt = None;
        entry.texts.fields.iter_mut().for_each(|text| text.digest = [0; 16]);
        entry
    };
    entries.iter().map(said).collect()
}

/// The studio and its catalogs.
fn documents(catalogs: &Catalogs) -> Vec<Document> {
    let versions = catalogs.of(STUDIO);
    let id = versions[0].catalog.studio.clone();
    let version = |published: &Arc<scrip_core::catalog::Published>| Document::Catalog {
        studio: STUDIO,
        version: published.version,
        published_at: published.published_at,
        effective: published.effective,
        format: Format::Toml,
        source: crate::document::of(&published.catalog).into(),
    };
    std::iter::once(Document::Studio { number: STUDIO, id }).chain(versions.iter().map(version)).collect()
}

fn options(now: Time) -> (Options, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(now.micros()));
    (Options { clock: Clock::Test(Arc::clone(&clock)), sweep_per_second: 0, ..Options::default() }, clock)
}

fn on_sqlite(documents: &[Document], now: Time) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(folder.path(), OpenMode::Create).unwrap();
    store.append(&Batch { documents: documents.to_vec(), ..Batch::default() }).unwrap();
    let (options, clock) = options(now);
    let engine = Engine::start(Box::new(store), options).unwrap();
    Served { engine, clock, seen: 0, _place: Box::new(folder) }
}

fn on_postgres(documents: &[Document], now: Time) -> Served {
    let database = Furnished::with("");
    let store = PostgresStore::open(&database.address).unwrap();
    assert_eq!(store.put(0, documents).unwrap(), Appended::Landed);
    let (options, clock) = options(now);
    let engine = Engine::start_joint(Arc::new(store), options).unwrap();
    Served { engine, clock, seen: 0, _place: Box::new(database) }
}
