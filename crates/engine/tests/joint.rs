//! The engine on a store that several servers share: what it finds that others did, and what callers and `/readyz` are told
//! where that store is in trouble.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use scrip_core::account::Account;
use scrip_core::amount::Credits;
use scrip_core::answer::Done;
use scrip_core::command::{Command, Cost, Expected, Grant, PlaceCharge, PutAccount};
use scrip_core::entry::Act;
use scrip_core::id::{AccountId, AccountNumber, Key, StudioNumber, ToolId};
use scrip_core::journal::Record;
use scrip_core::lot::Class;
use scrip_core::measure::Measures;
use scrip_core::rejection::Rejection;
use scrip_core::term::Term;
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::{Deed, Expected as Expectation, Outcome, Publication, PublishOutcome, Refusal, Request};
use scrip_engine::history::HistoryQuery;
use scrip_engine::store::joint::memory::JointMemory;
use scrip_engine::store::joint::{
    Appended, Draft, Edition, Filling, Found, FoundAccount, JointStore, StudioQuery, Wanted,
};
use scrip_engine::store::{Document, Reader, StoreError};
use scrip_engine::{Engine, Options};

/// A store that does as it is told.
#[derive(Default)]
struct Told {
    inside: JointMemory,
    /// What becomes of the next appends; then they go through.
    appends: Mutex<VecDeque<Append>>,
    /// The next change of documents lands, and nobody knows.
    puts_unknown: AtomicBool,
    /// No write goes through.
    full: AtomicBool,
    /// Nothing can be confirmed.
    unconfirmed: AtomicBool,
    /// The account of this id cannot be read.
    unreadable: Mutex<Option<AccountId>>,
    /// How often something was read, and how often something was appended.
    fetches: AtomicUsize,
    trips: AtomicUsize,
    /// How often entries were looked for by what they carry.
    searches: AtomicUsize,
}

/// What becomes of an append.
enum Append {
    /// It lands, and nobody knows.
    LandsUnknown,
}

impl JointStore for Told {
    fn documents(&self, known: Option<u64>) -> Result<Edition, StoreError> {
        self.inside.documents(known)
    }

    fn put(&self, edition: u64, documents: &[Document]) -> Result<Appended, StoreError> {
        let put = self.inside.put(edition, documents);
        if self.puts_unknown.swap(false, Ordering::SeqCst) { Err(StoreError::Unknown("lost".into())) } else { put }
    }

    fn fetch(&self, wanted: &Wanted) -> Result<Found, StoreError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let mut found = self.inside.fetch(wanted)?;
        let unreadable = self.unreadable.lock().unwrap();
        for (wanted, found) in wanted.accounts.iter().zip(&mut found.accounts) {
            if unreadable.as_ref() == Some(&wanted.id) {
                *found = FoundAccount::Unreadable;
            }
        }
        Ok(found)
    }

    fn append(&self, drafts: &[Draft]) -> Vec<Result<Appended, StoreError>> {
        if self.full.load(Ordering::SeqCst) {
            return drafts.iter().map(|_| Err(StoreError::Refused("disk full".into()))).collect();
        }
        self.trips.fetch_add(1, Ordering::SeqCst);
        let order = self.appends.lock().unwrap().pop_front();
        let appended = self.inside.append(drafts);
        match order {
            None => appended,
            Some(Append::LandsUnknown) => drafts.iter().map(|_| Err(StoreError::Unknown("lost".into()))).collect(),
        }
    }

    fn fill(&self, filling: &Filling) -> Result<Appended, StoreError> {
        self.inside.fill(filling)
    }

    fn confirm(&self, accounts: &[AccountNumber]) -> Result<(), StoreError> {
        if self.full.load(Ordering::SeqCst) || self.unconfirmed.load(Ordering::SeqCst) {
            return Err(StoreError::Refused("disk full".into()));
        }
        self.inside.confirm(accounts)
    }

    fn entries(&self, account: AccountNumber, before: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.inside.entries(account, before, limit)
    }

    fn carrying(
        &self,
        account: AccountNumber,
        terms: &[Term],
        before: u64,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.searches.fetch_add(1, Ordering::SeqCst);
        self.inside.carrying(account, terms, before, limit)
    }

    fn studio_entries(&self, query: &StudioQuery<'_>) -> Result<Vec<(AccountId, Record)>, StoreError> {
        self.inside.studio_entries(query)
    }

    fn accounts(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<Account>, StoreError> {
        self.inside.accounts(after, limit)
    }

    fn accounts_of(&self, numbers: &[AccountNumber]) -> Result<Vec<Option<Account>>, StoreError> {
        self.inside.accounts_of(numbers)
    }

    fn newest_of_any(&self, term: Term) -> Result<Option<Record>, StoreError> {
        self.inside.newest_of_any(term)
    }

    fn last_instant(&self) -> Result<Option<Time>, StoreError> {
        self.inside.last_instant()
    }

    fn snapshot(&self) -> Result<Arc<dyn Reader>, StoreError> {
        self.inside.snapshot()
    }
}

fn begin() -> (Engine, Arc<Told>, StudioNumber) {
    let told = Arc::new(Told::default());
    let engine = another(&told);
    waited(engine.publish(publication(1), None)).unwrap();
    let (studio, _) = engine.studios().pop().unwrap();
    (engine, told, studio)
}

/// A publication of the studio, where looking costs so many credits.
fn publication(credits: u32) -> Publication {
    let text = format!("studio = \"first\"\nname = \"First\"\n[tools.look]\nname = \"Look\"\nrate.flat = {credits}\n");
    Publication { format: scrip_core::catalog::Format::Toml, source: text.into() }
}

/// Another server's engine on the same store.
fn another(told: &Arc<Told>) -> Engine {
    on_clock(told, Clock::test(Time::parse("2026-01-01T00:00:00Z").unwrap()))
}

fn on_clock(told: &Arc<Told>, clock: Clock) -> Engine {
    let store: Arc<dyn JointStore> = Arc::<Told>::clone(told);
    Engine::start_joint(store, Options { clock, sweep_per_second: 0, ..Options::default() }).unwrap()
}

fn waited<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn request(studio: StudioNumber, account: &str, key: Option<&str>, command: Command) -> Request {
    let key = key.map(|key| Key::parse(key).unwrap());
    Request { studio, account: AccountId::parse(account).unwrap(), key, command }
}

fn ask(engine: &Engine, request: Request) -> Result<Outcome, Refusal> {
    engine.submit_many_blocking(vec![request]).pop().unwrap()
}

fn put() -> Command {
    Command::PutAccount(PutAccount::default())
}

fn grant() -> Command {
    Command::Grant(Grant {
        credits: Credits::whole(5),
        class: Class::TopUp,
        expires_at: None,
        priority: None,
        reason: "test".into(),
    })
}

/// One credit.
fn charge() -> Command {
    Command::Charge(PlaceCharge {
        cost: Cost::Tool { tool: ToolId::parse("look").unwrap(), measures: Measures::none() },
        reference: None,
        member: None,
        expected: Expected::default(),
    })
}

/// A publication is tried by the same moment as it is decided: what was published at once is in force in a few seconds, and by then
/// so is what comes after it.
#[test]
fn a_publication_is_tried_as_it_is_decided() {
    let told = Arc::new(Told::default());
    let engine = on_clock(&told, Clock::system());
    for (version, replaces) in [(1, 0), (2, 1), (3, 2)] {
        let publication = publication(version);
        let catalog = Arc::new(scrip_core::catalog::read(&publication.source, publication.format).unwrap());
        let expected = Expectation { replaces: Some(replaces), ..Expectation::default() };
        let tried = engine.try_publication(&catalog, &expected);
        assert!(
            matches!(&tried, Ok(PublishOutcome::Published(next)) if next.version == version),
            "{version}: {tried:?}"
        );
        let done = waited(engine.publish_as(publication, expected));
        assert!(matches!(&done, Ok(PublishOutcome::Published(next)) if next.version == version), "{version}: {done:?}");
    }
}

/// A publication that landed without an answer is found, and told as published.
#[test]
fn a_publication_that_landed_unknown_is_published() {
    let (engine, told, _) = begin();
    told.puts_unknown.store(true, Ordering::SeqCst);
    let done = waited(engine.publish(publication(2), None));
    assert!(matches!(&done, Ok(PublishOutcome::Published(next)) if next.version == 2), "{done:?}");
    let again = waited(engine.publish(publication(2), None));
    assert!(matches!(&again, Ok(PublishOutcome::Known(known)) if known.version == 2), "{again:?}");
}

/// What a server knows of an account it does not read again before it appends, and relies on no more than what the append
/// shows.
#[test]
fn an_append_shows_what_was_not_read() {
    let (engine, told, studio) = begin();
    let (fetches, trips) = (|| told.fetches.load(Ordering::SeqCst), || told.trips.load(Ordering::SeqCst));
    ask(&engine, request(studio, "ana", None, put())).unwrap();
    ask(&engine, request(studio, "ana", Some("g"), grant())).unwrap();
    let (read, appended) = (fetches(), trips());
    for n in 0..5 {
        ask(&engine, request(studio, "ana", Some(&format!("c{n}")), charge())).unwrap();
    }
    assert_eq!((fetches() - read, trips() - appended), (0, 5));
    // No append shows that nothing is left, or that a key is not new: that is read.
    let refused = ask(&engine, request(studio, "ana", Some("c5"), charge()));
    assert!(matches!(refused, Err(Refusal::Rejected(Rejection::InsufficientCredits { .. }))), "{refused:?}");
    assert_eq!((fetches() - read, trips() - appended), (1, 5));
    let first = ask(&engine, request(studio, "ana", Some("c4"), charge())).unwrap();
    assert!(first.replayed);
    engine.stop();
}

#[test]
fn what_other_servers_did_is_found() {
    let (one, told, studio) = begin();
    let two = another(&told);
    ask(&one, request(studio, "ana", None, put())).unwrap();
    // In turns, upon what each knew before the other's turn.
    for n in 0..20 {
        for (engine, name) in [(&one, "one"), (&two, "two")] {
            ask(engine, request(studio, "ana", Some(&format!("{name}-{n}")), grant())).unwrap();
        }
    }
    let of = |engine: &Engine| engine.account(studio, &AccountId::parse("ana").unwrap()).unwrap().unwrap();
    assert_eq!(of(&one).totals().remaining, Credits::whole(200));
    // Keys of the other's, with and without something else to be done.
    let replayed = ask(&one, request(studio, "ana", Some("two-19"), grant())).unwrap();
    assert!(replayed.replayed);
    let both = ["one-19", "new"].map(|key| request(studio, "ana", Some(key), grant()));
    let done = two.submit_many_blocking(both.to_vec());
    assert!(matches!(&done[..], [Ok(first), Ok(second)] if first.replayed && !second.replayed), "{done:?}");
    let reused = ask(&one, request(studio, "ana", Some("two-3"), charge()));
    assert!(matches!(reused, Err(Refusal::Rejected(Rejection::IdempotencyKeyReused))), "{reused:?}");
    // All that is left is spent by one; then the other knows of it, and of what is given again.
    let spend = |n: usize| request(studio, "ana", Some(&format!("spend-{n}")), charge());
    assert!(one.submit_many_blocking((0..205).map(spend).collect()).iter().all(Result::is_ok));
    let refused = ask(&two, request(studio, "ana", Some("late"), charge()));
    assert!(matches!(refused, Err(Refusal::Rejected(Rejection::InsufficientCredits { .. }))), "{refused:?}");
    ask(&one, request(studio, "ana", Some("again"), grant())).unwrap();
    ask(&two, request(studio, "ana", Some("late"), charge())).unwrap();
    one.stop();
    two.stop();
}

/// What is there already may come from a commit that can be lost: it is not acknowledged before a write after it is durable.
#[test]
fn what_stands_as_asked_is_confirmed() {
    let (engine, told, studio) = begin();
    told.appends.lock().unwrap().push_back(Append::LandsUnknown);
    told.unconfirmed.store(true, Ordering::SeqCst);
    let refused = ask(&engine, request(studio, "ana", None, put()));
    assert!(matches!(refused, Err(Refusal::Unavailable(_))), "{refused:?}");
    assert!(matches!(ask(&engine, request(studio, "ana", None, put())), Err(Refusal::Unavailable(_))));
    told.unconfirmed.store(false, Ordering::SeqCst);
    ask(&engine, request(studio, "ana", None, put())).unwrap();
    // An erasure that is asked for again, too.
    let erase = || request(studio, "ana", None, Command::EraseAccount { reason: None });
    ask(&engine, erase()).unwrap();
    let erased = told.accounts(None, 1).unwrap().remove(0).id;
    told.unconfirmed.store(true, Ordering::SeqCst);
    let again = ask(&engine, Request { account: erased, ..erase() });
    assert!(matches!(again, Err(Refusal::Unavailable(_))), "{again:?}");
    engine.stop();
}

/// However little of it is wanted, what a charge's refunds are looked for with does not grow with their number.
#[test]
fn refunds_are_looked_for_by_the_page() {
    let (engine, told, studio) = begin();
    let ana = AccountId::parse("ana").unwrap();
    ask(&engine, request(studio, "ana", None, put())).unwrap();
    ask(&engine, request(studio, "ana", Some("g"), grant())).unwrap();
    let charged = ask(&engine, request(studio, "ana", Some("c"), charge())).unwrap();
    let Done::Charged { charge, .. } = charged.answer.done else { panic!("{charged:?}") };
    let back = Credits::from_millionths(1_000);
    let refund = |n: usize| {
        let refund = Command::Refund { charge, credits: Some(back), reason: "test".into() };
        request(studio, "ana", Some(&format!("r{n}")), refund)
    };
    assert!(engine.submit_many_blocking((0..700).map(refund).collect()).iter().all(Result::is_ok));
    let found = |query: HistoryQuery| {
        let before = told.searches.load(Ordering::SeqCst);
        let page = engine.history(studio, &ana, &query).unwrap().unwrap();
        (page.entries.len(), told.searches.load(Ordering::SeqCst) - before)
    };
    let query = HistoryQuery { charges: vec![charge], limit: 1, ..HistoryQuery::default() };
    assert_eq!(found(query.clone()), (1, 1));
    let other = HistoryQuery { tool: Some(ToolId::parse("other").unwrap()), ..query.clone() };
    assert_eq!(found(other.clone()), (0, 2));
    // Nothing is of so late a time: nor is anything before.
    let from = Some(Time::parse("2026-01-02T00:00:00Z").unwrap());
    assert_eq!(found(HistoryQuery { from, ..other }), (0, 1));
    engine.stop();
}

#[test]
fn an_act_of_unknown_outcome_is_recorded_once() {
    let (engine, told, studio) = begin();
    told.appends.lock().unwrap().push_back(Append::LandsUnknown);
    waited(engine.record(studio, Arc::from("op"), Deed::of(Act::SignedIn, "console"))).unwrap();
    waited(engine.record(studio, Arc::from("op"), Deed::of(Act::SignedIn, "console"))).unwrap();
    let account = told.accounts(None, 1).unwrap().remove(0);
    let acts = told.entries(account.number, u64::MAX, 9).unwrap();
    let recorded = acts.iter().filter(|record| record.kind == scrip_core::entry::Kind::Act).count();
    assert_eq!(recorded, 2);
    engine.stop();
}

#[test]
fn a_store_that_takes_no_writes_is_not_ready() {
    let (engine, told, studio) = begin();
    ask(&engine, request(studio, "ana", None, put())).unwrap();
    told.full.store(true, Ordering::SeqCst);
    assert!(ask(&engine, request(studio, "ana", Some("a"), grant())).is_err());
    // It can be read, which says nothing of writes.
    let read = Command::Touch;
    ask(&engine, request(studio, "nobody", None, read)).unwrap_err();
    assert!(!engine.vitals().ready);
    told.full.store(false, Ordering::SeqCst);
    // Nobody needs to send it anything.
    while !engine.vitals().ready {
        std::thread::yield_now();
    }
    engine.stop();
}

#[test]
fn an_account_that_cannot_be_read_keeps_nobody_from_theirs() {
    let (engine, told, studio) = begin();
    for account in ["ana", "bo"] {
        ask(&engine, request(studio, account, None, put())).unwrap();
    }
    // Another server, which has not read it before.
    engine.stop();
    let engine = another(&told);
    *told.unreadable.lock().unwrap() = Some(AccountId::parse("bo").unwrap());
    let both = ["ana", "bo"].map(|account| request(studio, account, Some("a"), grant()));
    let done = engine.submit_many_blocking(both.to_vec());
    assert!(matches!(&done[..], [Ok(_), Err(Refusal::Unavailable(_))]), "{done:?}");
    assert!(engine.account(studio, &AccountId::parse("bo").unwrap()).is_err());
    engine.stop();
}
