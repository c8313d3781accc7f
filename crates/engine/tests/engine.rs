//! The engine on a store in memory: what is promised of order, durability, repeats, eviction and failure.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use scrip_core::amount::Credits;
use scrip_core::answer::Done;
use scrip_core::command::{Command, Cost, Expected, Grant, PlaceCharge, PlaceHold, PutAccount, SettleHold, Usage};
use scrip_core::entry::{Entry, Kind};
use scrip_core::hold::HoldState;
use scrip_core::id::{AccountId, ChargeId, HoldName, HoldRef, Key, StudioNumber};
use scrip_core::lot::Class;
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::{Outcome, Publication, PublishOutcome, Refusal, Request};
use scrip_engine::history::HistoryQuery;
use scrip_engine::store::memory::MemoryStore;
use scrip_engine::store::{Batch, Reader, Store, StoreError};
use scrip_engine::{Engine, Options};

const STUDIO: StudioNumber = StudioNumber(1);

fn at(text: &str) -> Time {
    Time::parse(text).unwrap()
}

fn options() -> Options {
    Options { clock: Clock::test(at("2026-01-01T00:00:00Z")), sweep_per_second: 0, ..Options::default() }
}

fn id(text: &str) -> AccountId {
    AccountId::parse(text).unwrap()
}

fn ask(engine: &Engine, account: &str, key: Option<&str>, command: Command) -> Result<Outcome, Refusal> {
    let key = key.map(|key| Key::parse(key).unwrap());
    let request = Request { studio: STUDIO, account: id(account), key, command };
    engine.submit_many_blocking(vec![request]).pop().unwrap()
}

fn open(engine: &Engine, account: &str) {
    ask(engine, account, None, Command::PutAccount(PutAccount::default())).unwrap();
}

fn grant(credits: i64) -> Command {
    Command::Grant(Grant {
        credits: Credits::whole(credits),
        class: Class::TopUp,
        expires_at: None,
        priority: None,
        reason: "test".into(),
    })
}

fn charge(credits: i64) -> Command {
    let cost = Cost::Credits(Credits::whole(credits));
    Command::Charge(PlaceCharge { cost, reference: Some("job".into()), member: None, expected: Expected::default() })
}

fn hold(credits: i64, name: &str) -> Command {
    Command::PlaceHold(PlaceHold {
        cost: Cost::Credits(Credits::whole(credits)),
        name: Some(HoldName::parse(name).unwrap()),
        reference: None,
        member: None,
        expires_in: None,
        expected: Expected::default(),
    })
}

fn settle(name: &str) -> Command {
    Command::SettleHold(SettleHold { hold: HoldRef::parse(name).unwrap(), usage: Usage::Held, on_excess: None })
}

fn refund(charge: &str, credits: i64) -> Command {
    Command::Refund {
        charge: ChargeId::parse(charge).unwrap(),
        credits: Some(Credits::whole(credits)),
        reason: "test".into(),
    }
}

fn remaining(engine: &Engine, account: &str) -> String {
    engine.account(STUDIO, &id(account)).unwrap().unwrap().totals().remaining.to_string()
}

fn charge_id(outcome: &Outcome) -> String {
    match &outcome.answer.done {
        Done::Charged { charge, .. } | Done::HoldSettled { charge, .. } => charge.to_string(),
        other => panic!("not a charge: {other:?}"),
    }
}

/// An account with 100 credits, on a fresh store.
fn begin(options: Options) -> (Engine, MemoryStore) {
    let store = MemoryStore::new();
    let engine = Engine::start(Box::new(store.clone()), options).unwrap();
    open(&engine, "ana");
    ask(&engine, "ana", Some("grant"), grant(100)).unwrap();
    (engine, store)
}

#[test]
fn a_key_answers_the_same_for_good() {
    let (engine, store) = begin(Options { mark_every: 5, ..options() });
    let first = ask(&engine, "ana", Some("k"), charge(30)).unwrap();
    assert!(!first.replayed);
    // Through the draft, the index in memory, the index in the store, and a restart.
    for round in 0..40 {
        let again = ask(&engine, "ana", Some("k"), charge(30)).unwrap();
        assert_eq!(again, Outcome { replayed: true, ..first.clone() }, "round {round}");
        ask(&engine, "ana", Some(&format!("other-{round}")), charge(1)).unwrap();
    }
    let reused = ask(&engine, "ana", Some("k"), charge(31));
    assert_eq!(reused, Err(Refusal::Rejected(Rejection::IdempotencyKeyReused)));
    drop(engine);
    let engine = Engine::start(Box::new(store.crashed()), options()).unwrap();
    let again = ask(&engine, "ana", Some("k"), charge(30)).unwrap();
    assert_eq!(again, Outcome { replayed: true, ..first });
    assert_eq!(remaining(&engine, "ana"), "30");
}

#[test]
fn a_refusal_binds_no_key() {
    let (engine, _) = begin(options());
    let short = ask(&engine, "ana", Some("k"), charge(130));
    assert!(matches!(short, Err(Refusal::Rejected(Rejection::InsufficientCredits(_)))), "{short:?}");
    ask(&engine, "ana", Some("more"), grant(50)).unwrap();
    assert!(!ask(&engine, "ana", Some("k"), charge(130)).unwrap().replayed);
    assert_eq!(remaining(&engine, "ana"), "20");
}

#[test]
fn commands_of_one_batch_see_each_other() {
    let (engine, _) = begin(options());
    let request = |key: &str, command| Request {
        studio: STUDIO,
        account: id("ana"),
        key: Some(Key::parse(key).unwrap()),
        command,
    };
    // Placed, settled, repeated and refunded before any of it is durable.
    let outcomes = engine.submit_many_blocking(vec![
        request("1", hold(40, "job-1")),
        request("2", settle("job-1")),
        request("2", settle("job-1")),
        request("3", settle("job-1")),
        request("4", refund("charge_4", 15)),
        request("5", refund("charge_4", 30)),
        request("6", hold(10, "job-1")),
    ]);
    assert_eq!(charge_id(outcomes[1].as_ref().unwrap()), "charge_4");
    assert!(outcomes[2].as_ref().unwrap().replayed);
    assert_eq!(outcomes[3], Err(Refusal::Rejected(Rejection::HoldNotOpen { state: HoldState::Settled })));
    assert!(outcomes[4].is_ok(), "{:?}", outcomes[4]);
    let refundable = Credits::whole(25);
    assert_eq!(outcomes[5], Err(Refusal::Rejected(Rejection::RefundExceedsCharge { refundable })));
    assert_eq!(outcomes[6], Err(Refusal::Rejected(Rejection::HoldExists)));
    assert_eq!(remaining(&engine, "ana"), "75");
}

#[test]
fn what_was_long_ago_is_recalled() {
    let (engine, store) = begin(Options { mark_every: 7, resident_limit: 1, ..options() });
    ask(&engine, "ana", Some("h"), hold(10, "job-1")).unwrap();
    let settled = ask(&engine, "ana", Some("s"), settle("job-1")).unwrap();
    for n in 0..200 {
        ask(&engine, "ana", Some(&format!("g{n}")), grant(1)).unwrap();
        ask(&engine, "ana", Some(&format!("c{n}")), charge(1)).unwrap();
    }
    engine.stop();
    let engine = Engine::start(Box::new(store.crashed()), options()).unwrap();
    let late = ask(&engine, "ana", Some("late"), settle("job-1"));
    assert_eq!(late, Err(Refusal::Rejected(Rejection::HoldNotOpen { state: HoldState::Settled })));
    ask(&engine, "ana", Some("r1"), refund(&charge_id(&settled), 6)).unwrap();
    let over = ask(&engine, "ana", Some("r2"), refund(&charge_id(&settled), 6));
    assert_eq!(over, Err(Refusal::Rejected(Rejection::RefundExceedsCharge { refundable: Credits::whole(4) })));
    let never = ask(&engine, "ana", Some("r3"), refund("charge_1", 1));
    assert_eq!(never, Err(Refusal::Rejected(Rejection::ChargeNotFound)));
    assert_eq!(remaining(&engine, "ana"), "96");
}

#[test]
fn accounts_leave_memory_and_come_back() {
    let store = MemoryStore::new();
    let small = Options { mark_every: 20, resident_limit: 10, ..options() };
    let engine = Engine::start(Box::new(store.clone()), small).unwrap();
    let accounts: Vec<String> = (0..200).map(|n| format!("account-{n}")).collect();
    for account in &accounts {
        open(&engine, account);
        ask(&engine, account, Some("grant"), grant(100)).unwrap();
    }
    for round in 0..3 {
        for account in &accounts {
            ask(&engine, account, Some(&format!("charge-{round}")), charge(10)).unwrap();
        }
    }
    let resident = engine.vitals().resident;
    assert!(resident < 100, "{resident} of 200 accounts are in memory");
    for account in &accounts {
        assert_eq!(remaining(&engine, account), "70");
    }
    let listed = engine.accounts(STUDIO, None, None, 1_000).unwrap();
    assert_eq!(listed.iter().map(|a| a.id.to_string()).collect::<Vec<_>>(), accounts);
    let searched = engine.accounts(STUDIO, Some("COUNT-19"), Some(&id("account-19")), 5).unwrap();
    let ids: Vec<_> = searched.iter().map(|a| a.id.to_string()).collect();
    assert_eq!(ids, ["account-190", "account-191", "account-192", "account-193", "account-194"]);
}

/// A store that does as it is told.
struct Told {
    inside: MemoryStore,
    orders: Arc<Orders>,
}

#[derive(Default)]
struct Orders {
    /// 0: write; 1: refuse; 2: fail with unknown outcome, nothing written; 3: the same, written.
    next: AtomicU8,
    blocked: Mutex<bool>,
    unblocked: Condvar,
}

impl Store for Told {
    fn reader(&self) -> Arc<dyn Reader> {
        self.inside.reader()
    }

    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let blocked = self.orders.blocked.lock().unwrap();
        drop(self.orders.unblocked.wait_while(blocked, |blocked| *blocked).unwrap());
        match self.orders.next.load(Ordering::SeqCst) {
            0 => self.inside.append(batch),
            1 => Err(StoreError::Refused("disk full".into())),
            2 => Err(StoreError::Unknown("lost".into())),
            _ => {
                self.inside.append(batch)?;
                Err(StoreError::Unknown("lost".into()))
            }
        }
    }

    fn upkeep(&mut self) -> Result<bool, StoreError> {
        self.inside.upkeep()
    }
}

fn begin_told() -> (Engine, MemoryStore, Arc<Orders>) {
    let (engine, store) = begin(options());
    engine.stop();
    let orders = Arc::new(Orders::default());
    let told = Told { inside: store.clone(), orders: Arc::clone(&orders) };
    (Engine::start(Box::new(told), options()).unwrap(), store, orders)
}

#[test]
fn a_refused_write_changes_nothing_and_the_next_goes_through() {
    let (engine, _, orders) = begin_told();
    orders.next.store(1, Ordering::SeqCst);
    for attempt in 0..3 {
        let refused = ask(&engine, "ana", Some("k"), charge(30));
        assert!(matches!(refused, Err(Refusal::Unavailable(_))), "attempt {attempt}: {refused:?}");
        assert_eq!(remaining(&engine, "ana"), "100");
        assert!(!engine.vitals().ready);
        let new = ask(&engine, "bo", None, Command::PutAccount(PutAccount::default()));
        assert!(matches!(new, Err(Refusal::Unavailable(_))), "{new:?}");
    }
    orders.next.store(0, Ordering::SeqCst);
    assert!(!ask(&engine, "ana", Some("k"), charge(30)).unwrap().replayed, "a refused write binds no key");
    assert_eq!(remaining(&engine, "ana"), "70");
    assert!(engine.vitals().ready);
    open(&engine, "bo");
    open(&engine, "cy");
    assert_eq!(engine.accounts(STUDIO, None, None, 10).unwrap().len(), 3);
}

/// What is being written behind when a write is refused is written in the end, also where accounts leave memory meanwhile.
#[test]
fn accounts_leave_memory_after_a_refused_write() {
    let inside = MemoryStore::new();
    let orders = Arc::new(Orders::default());
    let told = Told { inside: inside.clone(), orders: Arc::clone(&orders) };
    let small = Options { mark_every: 100, resident_limit: 5, ..options() };
    let engine = Engine::start(Box::new(told), small).unwrap();
    let accounts: Vec<String> = (0..50).map(|n| format!("account-{n}")).collect();
    for account in &accounts {
        open(&engine, account);
        ask(&engine, account, Some("grant"), grant(100)).unwrap();
    }
    // The hundredth entry began a list that is now being written behind, a few accounts with each batch.
    orders.next.store(1, Ordering::SeqCst);
    assert!(ask(&engine, "account-0", Some("refused"), charge(10)).is_err());
    orders.next.store(0, Ordering::SeqCst);
    // Long enough for the others to leave, and for the next list.
    for round in 0..100 {
        ask(&engine, "account-0", Some(&format!("charge-{round}")), charge(1)).unwrap();
    }
    engine.stop();
    let engine = Engine::start(Box::new(inside.crashed()), options()).unwrap();
    for (n, account) in accounts.iter().enumerate() {
        assert_eq!(remaining(&engine, account), if n == 0 { "0" } else { "100" });
    }
}

#[test]
fn a_write_of_unknown_outcome_stops_the_engine_until_it_is_read_back() {
    for (order, written) in [(2, false), (3, true)] {
        let (engine, store, orders) = begin_told();
        orders.next.store(order, Ordering::SeqCst);
        assert!(matches!(ask(&engine, "ana", Some("k"), charge(30)), Err(Refusal::Unavailable(_))));
        orders.next.store(0, Ordering::SeqCst);
        assert!(matches!(ask(&engine, "ana", Some("k"), charge(30)), Err(Refusal::Unavailable(_))), "still stopped");
        engine.stop();
        let engine = Engine::start(Box::new(store.crashed()), options()).unwrap();
        assert_eq!(ask(&engine, "ana", Some("k"), charge(30)).unwrap().replayed, written);
        assert_eq!(remaining(&engine, "ana"), "70");
    }
}

#[test]
fn readers_neither_wait_for_the_writer_nor_see_what_is_not_durable() {
    let (engine, _, orders) = begin_told();
    *orders.blocked.lock().unwrap() = true;
    let asking = std::thread::spawn({
        let engine = engine.clone();
        move || ask(&engine, "ana", Some("k"), charge(30))
    });
    // The charge is with the committer as soon as it has left the queue; reads go on all the while.
    for _ in 0..1_000 {
        assert_eq!(remaining(&engine, "ana"), "100");
    }
    assert!(!asking.is_finished(), "answered before it was durable");
    *orders.blocked.lock().unwrap() = false;
    orders.unblocked.notify_all();
    asking.join().unwrap().unwrap();
    assert_eq!(remaining(&engine, "ana"), "70");
}

#[test]
fn what_was_accepted_before_a_stop_is_finished() {
    let (engine, store, orders) = begin_told();
    *orders.blocked.lock().unwrap() = true;
    let asking: Vec<_> = (0..20)
        .map(|n| {
            let engine = engine.clone();
            std::thread::spawn(move || ask(&engine, "ana", Some(&format!("k{n}")), charge(1)))
        })
        .collect();
    let stopping = std::thread::spawn({
        let engine = engine.clone();
        move || engine.stop()
    });
    *orders.blocked.lock().unwrap() = false;
    orders.unblocked.notify_all();
    let accepted = asking.into_iter().filter_map(|asked| asked.join().unwrap().ok()).count();
    stopping.join().unwrap();
    assert!(matches!(ask(&engine, "ana", Some("late"), charge(1)), Err(Refusal::Unavailable(_))));
    let engine = Engine::start(Box::new(store.crashed()), options()).unwrap();
    assert_eq!(remaining(&engine, "ana"), (100 - accepted).to_string());
}

#[test]
fn history_is_paged_from_the_newest_and_found_by_time() {
    let store = MemoryStore::new();
    let clock = Clock::test(at("2026-01-01T00:00:00Z"));
    let engine = Engine::start(Box::new(store), Options { clock, mark_every: 50, ..options() }).unwrap();
    open(&engine, "ana");
    ask(&engine, "ana", Some("grant"), grant(1_000)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let start = at("2026-01-01T00:00:00Z");
    for minute in 1..=300 {
        runtime.block_on(engine.move_clock(start.plus_seconds(60 * minute))).unwrap();
        ask(&engine, "ana", Some(&format!("c{minute}")), charge(1)).unwrap();
    }
    let mut query = HistoryQuery { limit: 70, ..HistoryQuery::default() };
    let mut seqs = Vec::new();
    loop {
        let page = engine.history(STUDIO, &id("ana"), &query).unwrap().unwrap();
        assert!(page.entries.len() <= 70);
        seqs.extend(page.entries.iter().map(|entry| entry.seq));
        match page.next {
            Some(next) => query.before = Some(next),
            None => break,
        }
    }
    assert_eq!(seqs, (2..=302).rev().collect::<Vec<_>>(), "every entry once; the opening is not shown");

    let from = start.plus_seconds(60 * 100);
    let to = start.plus_seconds(60 * 103);
    let window = HistoryQuery { limit: 50, from: Some(from), to: Some(to), ..HistoryQuery::default() };
    let page = engine.history(STUDIO, &id("ana"), &window).unwrap().unwrap();
    assert_eq!(page.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [104, 103, 102]);
    assert_eq!(page.next, None);

    let grants = HistoryQuery { limit: 50, kinds: vec![Kind::Grant], ..HistoryQuery::default() };
    let page = engine.history(STUDIO, &id("ana"), &grants).unwrap().unwrap();
    assert_eq!(page.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2]);
    let entry = engine.entry(STUDIO, &id("ana"), 150).unwrap().unwrap();
    assert_eq!(entry.seq, 150);
}

/// Refunds are found whether the index of terms has them or not, and in the order of the history.
#[test]
fn what_became_of_charges_is_found_before_and_after_the_mark() {
    let store = MemoryStore::new();
    let engine = Engine::start(Box::new(store), Options { mark_every: 40, ..options() }).unwrap();
    open(&engine, "ana");
    ask(&engine, "ana", Some("grant"), grant(1_000)).unwrap();
    let history = |query: &HistoryQuery| engine.history(STUDIO, &id("ana"), query).unwrap().unwrap();
    let mut marks = 0;
    for round in 0..60_u64 {
        ask(&engine, "ana", Some(&format!("c{round}")), charge(3)).unwrap();
        // One of the last, and one of long ago.
        for (place, of) in [round, round / 7].into_iter().enumerate() {
            let charge = ChargeId::first(3 + 3 * of);
            let refund = Command::Refund { charge, credits: Some("0.1".parse().unwrap()), reason: "x".into() };
            ask(&engine, "ana", Some(&format!("r{round}-{place}")), refund).unwrap();
        }
        marks = engine.vitals().mark;
        let all = history(&HistoryQuery { limit: 1_000, ..HistoryQuery::default() }).entries;
        let newest = all[0].seq;
        for charges in [vec![3], vec![newest - 2, 3], vec![6, 9, newest - 5]] {
            let charges: Vec<ChargeId> = charges.into_iter().map(ChargeId::first).collect();
            for kinds in [vec![], vec![Kind::Refund]] {
                let about = |entry: &&Entry| entry.charge().is_some_and(|charge| charges.contains(&charge));
                let of_kinds = |entry: &&Entry| kinds.is_empty() || kinds.contains(&entry.event.kind());
                let expected: Vec<&Entry> = all.iter().filter(about).filter(of_kinds).collect();
                let (charges, kinds) = (charges.clone(), kinds.clone());
                let mut query = HistoryQuery { limit: 2, charges, kinds, ..HistoryQuery::default() };
                let mut found = Vec::new();
                loop {
                    let page = history(&query);
                    found.extend(page.entries);
                    query.before = page.next;
                    if query.before.is_none() {
                        break;
                    }
                }
                assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?}, mark {marks}");
            }
        }
    }
    assert!(marks > 0, "some of it is in the index");
}

#[test]
fn the_clock_does_not_go_back() {
    let (engine, store) = begin(options());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let later = at("2026-02-01T00:00:00Z");
    assert_eq!(runtime.block_on(engine.move_clock(later)), Ok(later));
    assert_eq!(runtime.block_on(engine.move_clock(later)), Ok(later), "the same instant is allowed");
    let back = runtime.block_on(engine.move_clock(at("2026-01-31T23:59:59Z")));
    assert_eq!(back, Err(Refusal::Rejected(Rejection::ClockMovedBack { now: later })));
    engine.stop();
    let engine = Engine::start(Box::new(store.crashed()), options()).unwrap();
    assert_eq!(engine.now(), later, "a test clock begins where the store ends");
}

/// R7: an `effective_from` that has passed is that of the document before, left in the file: the new version is in
/// force from its publication, so that what was quoted a moment ago is honoured.
#[test]
fn a_later_version_is_never_in_force_before_it_was_published() {
    let engine = Engine::start(Box::new(MemoryStore::new()), options()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let publish = |name: &str, effective_from: &str| {
        let source = format!(
            "studio = \"s\"\nname = \"{name}\"\neffective_from = {effective_from}\n[tools.t]\nname = \"T\"\nrate.flat = 1"
        );
        let publication = Publication { format: scrip_core::catalog::Format::Toml, source: source.into() };
        match runtime.block_on(engine.publish(publication, None)).unwrap() {
            PublishOutcome::Published(published) => published.effective,
            PublishOutcome::Known(known) => panic!("known as version {}", known.version),
        }
    };
    for (name, effective_from, effective) in [
        ("first", "2025-06-01T00:00:00Z", "2025-06-01T00:00:00Z"),
        ("second", "2025-06-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("third", "2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z"),
    ] {
        assert_eq!(publish(name, effective_from), at(effective), "{name}");
    }
}
