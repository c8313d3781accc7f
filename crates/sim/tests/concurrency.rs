//! Many clients at once against the real engine, on the store in memory and on SQLite; and against three engines that
//! share a store, in memory and in PostgreSQL.
//!
//! Each client remembers what it was told. Afterwards nothing that was acknowledged may be missing or there twice, nothing
//! may be below zero, the journal must add up, and a fresh start of the engine must show the same.

use std::collections::HashMap;
use std::sync::Arc;

use scrip_core::account::Account;
use scrip_core::amount::Credits;
use scrip_core::answer::{Answer, Done};
use scrip_core::catalog::Format;
use scrip_core::command::{
    Command, Cost, Expected, Grant, PlaceCharge, PlaceHold, PutAccount, ReleaseHold, SettleHold, Usage,
};
use scrip_core::id::{AccountId, HoldId, HoldRef, Key, StudioNumber};
use scrip_core::lot::Class;
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::{Outcome, Publication, PublishOutcome, Refusal, Request};
use scrip_engine::store::joint::JointStore;
use scrip_engine::store::joint::memory::JointMemory;
use scrip_engine::store::memory::MemoryStore;
use scrip_engine::store::{Reader, Store};
use scrip_engine::verify::verify;
use scrip_engine::{Engine, Options};
use scrip_sim::prng::Prng;
use scrip_store_postgres::{PostgresStore, harness};
use scrip_store_sqlite::{OpenMode, SqliteStore};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Opens the same store, again and again: how it reads before anything is started on it, and the engines that are.
type Disk = Box<dyn FnMut() -> (Arc<dyn Reader>, Vec<Engine>)>;

/// Runs a check on a new store of each kind.
fn on_each_store(check: impl Fn(Scrip)) {
    let memory = MemoryStore::new();
    check(Scrip::start(Box::new(move || alone(Box::new(memory.clone())))));
    let folder = tempfile::tempdir().expect("a folder for the store");
    let path = folder.path().to_path_buf();
    let open =
        move || alone(Box::new(SqliteStore::open(&path, OpenMode::Create).expect("a store in a folder of our own")));
    check(Scrip::start(Box::new(open)));
    let memory = JointMemory::new();
    check(Scrip::start(Box::new(move || together(&|| Arc::new(memory.clone())))));
    let database = harness::database();
    let open =
        move || -> Arc<dyn JointStore> { Arc::new(PostgresStore::open(&database).expect("a database that answers")) };
    check(Scrip::start(Box::new(move || together(&open))));
}

/// One engine on a store of its own.
fn alone(store: Box<dyn Store>) -> (Arc<dyn Reader>, Vec<Engine>) {
    let reader = store.reader();
    (reader, vec![Engine::start(store, options()).expect("the store opens")])
}

/// Three engines on one store.
fn together(open: &dyn Fn() -> Arc<dyn JointStore>) -> (Arc<dyn Reader>, Vec<Engine>) {
    let reader = open().snapshot().expect("it can be read");
    let start = |_| Engine::start_joint(open(), options()).expect("the store opens");
    (reader, (0..3).map(start).collect())
}

/// A scrip with one studio, and how to start it again.
struct Scrip {
    disk: Disk,
    engines: Vec<Engine>,
    studio: StudioNumber,
    runtime: Runtime,
}

impl Scrip {
    fn start(mut disk: Disk) -> Scrip {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().expect("a runtime");
        let (_, engines) = disk();
        let text = "studio = \"crowded\"\nname = \"Crowded\"\n[tools.look]\nname = \"Look\"\nrate.flat = 1\n";
        let publication = Publication { format: Format::Toml, source: Arc::from(text) };
        let published = match runtime.block_on(engines[0].publish(publication, None)) {
            Ok(PublishOutcome::Published(published)) => published,
            other => panic!("the catalog was not published: {other:?}"),
        };
        let mut scrip = Scrip { disk, studio: published.studio, engines, runtime };
        // The others would learn of the catalog within a second.
        scrip.start_again();
        scrip
    }

    /// Opens accounts, each with this many credits.
    fn accounts(&self, count: usize, credits: i64) -> Vec<AccountId> {
        let ids: Vec<AccountId> =
            (0..count).map(|place| AccountId::parse(&format!("customer-{place}")).expect("an id")).collect();
        let requests = ids.iter().flat_map(|id| {
            let grant = Grant {
                credits: Credits::whole(credits),
                class: Class::TopUp,
                expires_at: None,
                priority: None,
                reason: "to begin with".into(),
            };
            let opened = self.request(id, None, Command::PutAccount(PutAccount::default()));
            [opened, self.request(id, Some("to-begin-with"), Command::Grant(grant))]
        });
        let done = self.engines[0].submit_many_blocking(requests.collect());
        assert!(done.iter().all(Result::is_ok), "{:?}", done.iter().find(|done| done.is_err()));
        ids
    }

    fn request(&self, account: &AccountId, key: Option<&str>, command: Command) -> Request {
        let key = key.map(|key| Key::parse(key).expect("a key"));
        Request { studio: self.studio, account: account.clone(), key, command }
    }

    /// Submits every request at once, each as a client of its own.
    fn at_once(&self, requests: Vec<Request>) -> Vec<Result<Outcome, Refusal>> {
        self.runtime.block_on(async {
            let mut clients = JoinSet::new();
            for (request, engine) in requests.into_iter().zip(self.engines.iter().cycle()) {
                let engine = engine.clone();
                clients.spawn(async move { engine.submit(request).await });
            }
            clients.join_all().await
        })
    }

    fn totals(&self, account: &AccountId) -> scrip_core::account::Totals {
        self.engines[0].account(self.studio, account).expect("readable").expect("opened").totals()
    }

    /// Stops, proves the journal from what is stored, and starts again.
    fn start_again(&mut self) {
        self.engines.iter().for_each(Engine::stop);
        let (reader, engines) = (self.disk)();
        if let Err(broken) = verify(reader.as_ref(), &mut |_| ()) {
            panic!("the journal does not add up: {broken}");
        }
        self.engines = engines;
    }
}

fn options() -> Options {
    let clock = Clock::test(Time::parse("2026-05-01T12:00:00Z").expect("a time"));
    // Written behind often, so that what is found there is found while it is busy.
    Options { clock, mark_every: 2_000, sweep_per_second: 0, ..Options::default() }
}

fn charge(credits: Credits) -> Command {
    let cost = Cost::Credits(credits);
    Command::Charge(PlaceCharge { cost, reference: None, member: None, expected: Expected::default() })
}

fn hold(credits: Credits) -> Command {
    Command::PlaceHold(PlaceHold {
        cost: Cost::Credits(credits),
        name: None,
        reference: None,
        member: None,
        expires_in: None,
        expected: Expected::default(),
    })
}

#[test]
fn of_20_holds_of_75_at_once_on_500_credits_6_succeed() {
    on_each_store(|mut scrip| {
        let account = scrip.accounts(1, 500).remove(0);
        let requests =
            (0..20).map(|job| scrip.request(&account, Some(&format!("job-{job}")), hold(Credits::whole(75)))).collect();
        let outcomes = scrip.at_once(requests);
        let (held, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(held.len(), 6);
        for refusal in refused {
            let Err(Refusal::Rejected(Rejection::InsufficientCredits(short))) = refusal else {
                panic!("refused with {refusal:?}");
            };
            assert_eq!((short.available, short.short_by), (Credits::whole(50), Credits::whole(25)));
        }
        scrip.start_again();
        let totals = scrip.totals(&account);
        assert_eq!((totals.remaining, totals.held), (Credits::whole(500), Credits::whole(450)));
    });
}

#[test]
fn one_key_sent_50_times_at_once_charges_once() {
    on_each_store(|mut scrip| {
        let account = scrip.accounts(1, 500).remove(0);
        let requests = vec![scrip.request(&account, Some("once"), charge(Credits::whole(30))); 50];
        let outcomes: Vec<Outcome> =
            scrip.at_once(requests).into_iter().map(|outcome| outcome.expect("done")).collect();
        let first = &outcomes[0].answer;
        assert!(outcomes.iter().all(|outcome| outcome.answer == *first), "50 equal answers");
        assert_eq!(outcomes.iter().filter(|outcome| !outcome.replayed).count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| outcome.replayed).count(), 49);
        scrip.start_again();
        assert_eq!(scrip.totals(&account).remaining, Credits::whole(470));
    });
}

/// What customers' tokens are made with is one for all engines of a store, and gives way to one other when it is renewed
/// from any of them, also from one that does not know yet what another has just made.
#[test]
fn the_secret_of_customers_tokens_is_one_for_all_engines() {
    #[derive(Clone, Copy)]
    enum Wanted {
        OneThatIsThere,
        Another,
    }
    on_each_store(|mut scrip| {
        let at_once = |scrip: &Scrip, wanted: Wanted| {
            scrip.runtime.block_on(async {
                let mut clients = JoinSet::new();
                for engine in scrip.engines.iter().cycle().take(12) {
                    let (engine, studio) = (engine.clone(), scrip.studio);
                    clients.spawn(async move {
                        match wanted {
                            Wanted::OneThatIsThere => engine.token_secret_made(studio).await.map(Some),
                            Wanted::Another => engine.renew_token_secret(studio).await.map(|()| None),
                        }
                    });
                }
                clients.join_all().await.into_iter().map(|done| done.expect("stored")).collect::<Vec<_>>()
            })
        };
        let stored = |scrip: &Scrip| {
            let of_each: Vec<_> = scrip.engines.iter().map(|engine| engine.token_secret(scrip.studio)).collect();
            assert!(of_each.iter().all(|secret| secret.is_some() && *secret == of_each[0]));
            of_each[0]
        };
        let made = at_once(&scrip, Wanted::OneThatIsThere);
        assert!(made.iter().all(|secret| *secret == made[0]), "one for all that asked");
        scrip.start_again();
        assert_eq!(stored(&scrip), made[0]);
        at_once(&scrip, Wanted::Another);
        scrip.start_again();
        assert_ne!(stored(&scrip), made[0]);
    });
}

/// Commands of each client; more of them by `SCRIP_CROWD_ROUNDS`, for a run of a minute or an hour.
fn rounds() -> usize {
    std::env::var("SCRIP_CROWD_ROUNDS").map_or(60, |rounds| rounds.parse().expect("SCRIP_CROWD_ROUNDS is a number"))
}

#[test]
fn a_crowd_on_one_account() {
    on_each_store(|scrip| crowd(scrip, 1, rounds()));
}

#[test]
fn a_crowd_on_ten_thousand_accounts() {
    on_each_store(|scrip| crowd(scrip, 10_000, rounds()));
}

/// What a client was told was done, and under which key.
struct Told {
    account: usize,
    key: String,
    command: Command,
    answer: Answer,
    /// What it took.
    charged: Credits,
}

/// 200 clients, each one command after the other, on accounts that have too little for all of it.
fn crowd(mut scrip: Scrip, accounts: usize, rounds: usize) {
    const CLIENTS: usize = 200;
    let supply = i64::try_from(CLIENTS * rounds * 3 / accounts).expect("few").max(9);
    let ids: Arc<[AccountId]> = scrip.accounts(accounts, supply).into();
    let told = scrip.runtime.block_on(async {
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let client = Client {
                engines: scrip.engines.clone(),
                studio: scrip.studio,
                ids: Arc::clone(&ids),
                prng: Prng::new(u64::try_from(client).expect("few")),
                name: client,
                told: Vec::new(),
            };
            clients.spawn(client.work(rounds));
        }
        clients.join_all().await.into_iter().flatten().collect::<Vec<Told>>()
    });
    let check = |scrip: &Scrip| {
        let mut left = vec![Credits::whole(supply); accounts];
        told.iter().for_each(|told| left[told.account] -= told.charged);
        let all = scrip.engines[0].accounts(scrip.studio, None, None, accounts).expect("readable");
        let all: HashMap<&AccountId, &Account> = all.iter().map(|account| (&account.id, &**account)).collect();
        for (id, left) in ids.iter().zip(left) {
            let account = all[id];
            assert_eq!(account.totals().remaining, left, "{id}: what is left is what nobody was told was taken");
            assert!(account.lots.iter().all(|lot| !lot.available().is_negative()), "{id}: {:?}", account.lots);
        }
    };
    check(&scrip);
    scrip.start_again();
    check(&scrip);
    // Every command that was acknowledged is there: its key gives its first answer.
    let again = told.iter().map(|told| scrip.request(&ids[told.account], Some(&told.key), told.command.clone()));
    let again = scrip.engines[0].submit_many_blocking(again.collect());
    for (told, again) in told.iter().zip(again) {
        assert_eq!(again, Ok(Outcome { answer: told.answer.clone(), replayed: true }), "{}", told.key);
    }
    check(&scrip);
}

struct Client {
    engines: Vec<Engine>,
    studio: StudioNumber,
    ids: Arc<[AccountId]>,
    prng: Prng,
    name: usize,
    told: Vec<Told>,
}

impl Client {
    async fn work(mut self, rounds: usize) -> Vec<Told> {
        for round in 0..rounds {
            let account = self.prng.index(self.ids.len());
            let credits = Credits::from_millionths(self.prng.between(1, 9_000_000));
            let key = format!("{}-{round}", self.name);
            match self.prng.below(4) {
                0 => {
                    if let Some(hold) = self.ask(account, &key, hold(credits)).await {
                        self.end(account, &key, hold).await;
                    }
                }
                1 => {
                    // Two clients of one mind: the same key twice at once.
                    let (first, second) =
                        (self.submit(account, &key, charge(credits)), self.submit(account, &key, charge(credits)));
                    let (first, second) = tokio::join!(first, second);
                    self.note(account, &key, charge(credits), first.clone());
                    match (first, second) {
                        (Ok(first), Ok(second)) => {
                            assert_eq!(first.answer, second.answer);
                            assert!(first.replayed != second.replayed, "one of the two was done, the other told so");
                        }
                        // What was short for one may have come back by the time the other was decided.
                        (Err(_), second) => drop(self.note(account, &key, charge(credits), second)),
                        // The same between two engines: the second came first. In one engine they are in order.
                        (Ok(_), second) if self.engines.len() > 1 => {
                            self.note(account, &key, charge(credits), second);
                        }

                        (Ok(_), Err(refusal)) => panic!("a repeat was refused: {refusal:?}"),
                    }
                }
                _ => drop(self.ask(account, &key, charge(credits)).await),
            }
        }
        self.told
    }

    /// Settles the hold for a part of it, or releases it.
    async fn end(&mut self, account: usize, key: &str, hold: (HoldId, Credits)) {
        let (id, held) = (HoldRef::Id(hold.0), hold.1);
        let key = format!("{key}-end");
        let command = if self.prng.one_in(3) {
            Command::ReleaseHold(ReleaseHold { hold: id, reason: None, after_expiry: Default::default() })
        } else {
            let used = Credits::from_millionths(self.prng.between(0, held.millionths()));
            Command::SettleHold(SettleHold { hold: id, usage: Usage::Credits(used), on_excess: None })
        };
        self.ask(account, &key, command).await;
    }

    /// Asks; answers the hold that was placed, if one was.
    async fn ask(&mut self, account: usize, key: &str, command: Command) -> Option<(HoldId, Credits)> {
        let outcome = self.submit(account, key, command.clone()).await;
        self.note(account, key, command, outcome)
    }

    fn submit(
        &mut self,
        account: usize,
        key: &str,
        command: Command,
    ) -> impl Future<Output = Result<Outcome, Refusal>> + use<> {
        // Whichever engine it is: none needs to know what another has done.
        self.engines.rotate_left(1);
        let (engine, studio, account) = (self.engines[0].clone(), self.studio, self.ids[account].clone());
        let key = Some(Key::parse(key).expect("a key"));
        async move { engine.submit(Request { studio, account, key, command }).await }
    }

    fn note(
        &mut self,
        account: usize,
        key: &str,
        command: Command,
        outcome: Result<Outcome, Refusal>,
    ) -> Option<(HoldId, Credits)> {
        let answer = match outcome {
            Ok(outcome) => outcome.answer,
            Err(Refusal::Rejected(Rejection::InsufficientCredits(_))) => return None,
            Err(refusal) => panic!("refused: {refusal:?}"),
        };
        let (charged, placed) = match &answer.done {
            Done::HoldPlaced { hold, credits, .. } => (Credits::ZERO, Some((*hold, *credits))),
            Done::HoldSettled { charged, .. } => (*charged, None),
            Done::Charged { credits, .. } => (*credits, None),
            Done::HoldReleased { .. } => (Credits::ZERO, None),
            other => panic!("told of {other:?}"),
        };
        self.told.push(Told { account, key: key.to_owned(), command, answer, charged });
        placed
    }
}
