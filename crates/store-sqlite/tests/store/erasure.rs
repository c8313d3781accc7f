//! Erasing an account's texts (R29): through the engine, and looked for byte by byte in the folder's files.

use std::path::Path;

use scrip_core::amount::Credits;
use scrip_core::command::{Command, Cost, Expected, Grant, PlaceCharge, PlaceHold, PutAccount, SettleHold, Usage};
use scrip_core::entry::{Kind, TextField};
use scrip_core::id::{AccountId, AccountNumber, ChargeId, HoldName, HoldRef, Key};
use scrip_core::lot::Class;
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::{Outcome, Refusal, Request};
use scrip_engine::history::HistoryQuery;
use scrip_engine::verify::verify;
use scrip_engine::{Engine, Options};
use scrip_store_sqlite::{OpenMode, SqliteStore, open_reader};

use crate::filled::STUDIO;

fn start(folder: &Path) -> Engine {
    let clock = Clock::test(Time::parse("2026-01-02T00:00:00Z").unwrap());
    let options = Options { clock, sweep_per_second: 0, mark_every: 500, ..Options::default() };
    Engine::start(Box::new(SqliteStore::open(folder, OpenMode::Create).unwrap()), options).unwrap()
}

fn id(account: &str) -> AccountId {
    AccountId::parse(account).unwrap()
}

fn request(account: &str, key: Option<&str>, command: Command) -> Request {
    Request { studio: STUDIO, account: id(account), key: key.map(|key| Key::parse(key).unwrap()), command }
}

fn submit(engine: &Engine, requests: Vec<Request>) -> Vec<Result<Outcome, Refusal>> {
    engine.submit_many_blocking(requests)
}

#[track_caller]
fn accept(engine: &Engine, requests: Vec<Request>) {
    for done in submit(engine, requests) {
        assert!(done.is_ok(), "{done:?}");
    }
}

fn open(name: &str) -> Command {
    Command::PutAccount(PutAccount { name: Some(name.into()), ..PutAccount::default() })
}

fn grant(credits: i64, reason: &str) -> Command {
    Command::Grant(Grant {
        credits: Credits::whole(credits),
        class: Class::TopUp,
        expires_at: None,
        priority: None,
        reason: reason.into(),
    })
}

fn hold(name: &str, reference: &str, member: &str) -> Command {
    Command::PlaceHold(PlaceHold {
        cost: Cost::Credits(Credits::whole(2)),
        name: Some(HoldName::parse(name).unwrap()),
        reference: Some(reference.into()),
        member: Some(member.into()),
        expires_in: None,
        expected: Expected::default(),
    })
}

fn charge(reference: &str) -> Command {
    Command::Charge(PlaceCharge {
        cost: Cost::Credits(Credits::whole(3)),
        reference: Some(reference.into()),
        member: None,
        expected: Expected::default(),
    })
}

fn settle(name: &str) -> Command {
    Command::SettleHold(SettleHold { hold: HoldRef::parse(name).unwrap(), usage: Usage::Held, on_excess: None })
}

fn erase(reason: &str) -> Command {
    Command::EraseAccount { reason: Some(reason.into()) }
}

fn wait(engine: &Engine, account: u64) {
    while engine.erasing(AccountNumber(account)).unwrap().is_some() {
        std::thread::yield_now();
    }
}

/// The texts that any of the folder's files holds.
fn left_of<'a>(folder: &Path, texts: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let files: Vec<Vec<u8>> = files.map(|path| std::fs::read(path).unwrap()).collect();
    let held = |text: &&str| files.iter().any(|file| memchr(file, text.as_bytes()));
    texts.into_iter().filter(held).collect()
}

fn memchr(file: &[u8], text: &[u8]) -> bool {
    file.windows(text.len()).any(|window| window == text)
}

#[test]
fn an_erased_account_goes_on_under_another_id() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(folder.path());
    accept(
        &engine,
        vec![
            request("ana", None, open("Ana Ortega")),
            request("ana", Some("1"), grant(100, "a gift of aunt Mia")),
            request("ana", Some("2"), hold("job", "her wedding film", "noa@ana")),
            request("ana", Some("3"), charge("a portrait")),
            request("bob", None, open("Bob")),
        ],
    );
    // In one batch with what follows: nothing of it is seen by who comes next.
    let done = submit(
        &engine,
        vec![
            request("ana", Some("4"), charge("a second portrait")),
            request("ana", None, erase("asked for on 2 January")),
            request("ana", None, erase("again")),
            request("ana", Some("5"), grant(1, "lost")),
            request("erased~1", Some("3"), charge("a portrait")),
            request(
                "erased~1",
                Some("6"),
                Command::Refund { charge: ChargeId::first(5), credits: None, reason: "not needed".into() },
            ),
            request("erased~1", Some("7"), settle("job")),
            request("ana", None, open("Another Ana")),
            request("ana", Some("1"), grant(7, "her own")),
            request("erased~9", None, open("chosen")),
        ],
    );
    let refused = |place: usize| done[place].clone().unwrap_err() == Refusal::Rejected(Rejection::AccountNotFound);
    assert!([2, 3, 9].into_iter().all(refused), "{done:?}");
    assert!(done[4].as_ref().unwrap().replayed, "its keys are bound for good");
    assert!([0, 1, 5, 6, 7, 8].iter().all(|place| done[*place].as_ref().is_ok_and(|done| !done.replayed)), "{done:?}");

    let erased = engine.account(STUDIO, &id("erased~1")).unwrap().unwrap();
    assert_eq!((&erased.name, erased.totals().remaining), (&None, Credits::whole(95)));
    let heir = engine.account(STUDIO, &id("ana")).unwrap().unwrap();
    assert_eq!((heir.number, heir.totals().remaining), (AccountNumber(3), Credits::whole(7)));
    let query = HistoryQuery { limit: 99, kinds: Kind::ALL.to_vec(), ..HistoryQuery::default() };
    let shown = engine.history(STUDIO, &id("erased~1"), &query).unwrap().unwrap().entries;
    let texts = |field| shown.iter().filter_map(|entry| entry.texts.get(field)).collect::<Vec<_>>();
    assert_eq!(texts(TextField::Reason), ["not needed", "asked for on 2 January"]);
    assert_eq!(texts(TextField::Reference), [""; 0], "a refund does not bring back its charge's");
    wait(&engine, 1);
    let gone = ["Ortega", "aunt Mia", "wedding", "noa@ana", "portrait"];
    assert_eq!(left_of(folder.path(), gone), [""; 0]);
    engine.stop();

    let report = verify(open_reader(folder.path()).unwrap().as_ref(), &mut |_| {}).unwrap();
    assert_eq!((report.accounts, report.erased), (3, 7));
    let engine = start(folder.path());
    assert_eq!(engine.account(STUDIO, &id("erased~1")).unwrap().unwrap().totals().remaining, Credits::whole(95));
    let again = submit(&engine, vec![request("erased~1", None, erase("what came after"))]);
    assert!(again[0].is_ok());
    wait(&engine, 1);
    engine.stop();
    assert_eq!(left_of(folder.path(), ["not needed", "asked for on 2 January"]), [""; 0]);
    verify(open_reader(folder.path()).unwrap().as_ref(), &mut |_| {}).unwrap();
}

/// Rows of accounts grow and shrink, and move from page to page as they do: SQLite leaves copies where they were.
#[test]
fn nothing_of_an_erased_text_is_left_in_any_file() {
    const ACCOUNTS: u64 = 500;
    let folder = tempfile::tempdir().unwrap();
    let engine = start(folder.path());
    // Ids in another order than their accounts.
    let name = |n: u64| format!("{:05}-person@example.org", n * 7_919 % 99_991);
    let all = |command: &dyn Fn(u64) -> Command, key: Option<&str>| {
        (1..=ACCOUNTS).map(|n| request(&name(n), key, command(n))).collect::<Vec<_>>()
    };
    for half in all(&|n| open(&format!("Name of {n}.")), None).chunks(300) {
        accept(&engine, half.to_vec());
    }
    accept(&engine, all(&|n| grant(1_000, &format!("reason of {n}.")), Some("grant")));
    for round in 0..3 {
        let key = format!("hold-{round}");
        let hold = |n: u64| {
            hold(
                &key,
                &format!("reference of {n}.").repeat(usize::try_from(n % 5).unwrap() + 1),
                &format!("member of {n}."),
            )
        };
        for piece in all(&hold, Some(&key)).chunks(200) {
            accept(&engine, piece.to_vec());
        }
        if round < 2 {
            accept(&engine, all(&|_| settle(&key), Some(&format!("settle-{round}"))));
        }
    }
    let erased: Vec<u64> = (1..=ACCOUNTS).step_by(50).collect();
    for n in &erased {
        accept(&engine, vec![request(&name(*n), None, erase("asked for"))]);
    }
    erased.iter().for_each(|n| wait(&engine, *n));
    let texts: Vec<String> = (erased.iter())
        .flat_map(|n| {
            let of = |what: &str| format!("{what} of {n}.");
            [name(*n), of("Name"), of("reason"), of("reference"), of("member")]
        })
        .collect();
    assert_eq!(left_of(folder.path(), texts.iter().map(String::as_str)), [""; 0]);
    assert_eq!(left_of(folder.path(), ["Name of 2.", "member of 2."]).len(), 2, "the others' stay");
    engine.stop();
    let report = verify(open_reader(folder.path()).unwrap().as_ref(), &mut |_| {}).unwrap();
    assert_eq!(report.accounts, ACCOUNTS);
}

/// A reader of an earlier state needs the write-ahead log, and the log holds what was erased.
#[test]
fn an_erasure_waits_for_readers_and_outlives_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(folder.path());
    accept(&engine, vec![request("ana", None, open("Ana Ortega")), request("ana", Some("1"), grant(1, "aunt Mia"))]);
    let before = open_reader(folder.path()).unwrap();
    assert_eq!(before.extent().unwrap().last, 2);
    accept(&engine, vec![request("ana", None, erase("asked for"))]);
    let shown = open_reader(folder.path()).unwrap();
    assert_eq!(shown.rows_from(1, 2).unwrap().into_iter().filter_map(|row| row.record.texts).count(), 0);
    // What kill -9 would leave at this moment.
    let killed = tempfile::tempdir().unwrap();
    for name in ["scrip.db", "scrip.db-wal"] {
        std::fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
    }
    assert_eq!(left_of(killed.path(), ["Ortega"]).len(), 1, "else there is nothing left to do");
    assert_eq!(open_reader(killed.path()).unwrap().erasing().unwrap().len(), 1);
    let restarted = start(killed.path());
    wait(&restarted, 1);
    assert_eq!(left_of(killed.path(), ["Ortega", "aunt Mia"]), [""; 0]);
    restarted.stop();
    verify(open_reader(killed.path()).unwrap().as_ref(), &mut |_| {}).unwrap();

    drop((before, shown));
    wait(&engine, 1);
    assert_eq!(left_of(folder.path(), ["Ortega", "aunt Mia"]), [""; 0]);
    engine.stop();
}
