//! Openings through the engine: once for an account, known again for good, and told from accounts that came otherwise.

use scrip_core::amount::Credits;
use scrip_core::command::{Command, Grant, Opening, OpeningLot, PutAccount};
use scrip_core::id::{AccountId, Key, StudioNumber};
use scrip_core::lot::Class;
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::{Outcome, Refusal, Request};
use scrip_engine::opening::Origin;
use scrip_engine::store::memory::MemoryStore;
use scrip_engine::{Engine, Options};

const STUDIO: StudioNumber = StudioNumber(1);

fn start(store: &MemoryStore) -> Engine {
    let clock = Clock::test(Time::parse("2026-01-01T00:00:00Z").unwrap());
    // Written behind every other entry, so that both the index in memory and the one in the store are asked.
    let options = Options { clock, mark_every: 2, sweep_per_second: 0, ..Options::default() };
    Engine::start(Box::new(store.clone()), options).unwrap()
}

fn id(text: &str) -> AccountId {
    AccountId::parse(text).unwrap()
}

fn ask(engine: &Engine, account: &str, key: Option<&str>, command: Command) -> Result<Outcome, Refusal> {
    let key = key.map(|key| Key::parse(key).unwrap());
    let request = Request { studio: STUDIO, account: id(account), key, command };
    engine.submit_many_blocking(vec![request]).pop().unwrap()
}

fn grant(credits: i64) -> Grant {
    let credits = Credits::whole(credits);
    Grant { credits, class: Class::TopUp, expires_at: None, priority: None, reason: "bought elsewhere".into() }
}

/// An account with lots of these amounts.
fn opening(lots: &[i64]) -> Command {
    let lots = lots.iter().map(|left| OpeningLot { grant: grant(*left), granted: Credits::whole(1_000) });
    let settings = PutAccount { name: Some("Ana".into()), ..PutAccount::default() };
    Command::OpenAccount(Box::new(Opening { settings, subscription: None, lots: lots.collect() }))
}

fn origin(engine: &Engine, account: &str) -> Option<Origin> {
    engine.origin(STUDIO, &id(account)).unwrap()
}

#[test]
fn an_opening_is_carried_out_once() {
    let store = MemoryStore::new();
    let engine = start(&store);
    let first = ask(&engine, "ana", None, opening(&[5, 7])).unwrap();
    assert_eq!((first.replayed, first.answer.balance.remaining), (false, Credits::whole(12)));
    // A caller's key never meets it, whatever it is.
    for round in 0..40 {
        ask(&engine, "ana", Some(&format!("grant-{round}")), Command::Grant(grant(1))).unwrap();
        let again = ask(&engine, "ana", None, opening(&[5, 7])).unwrap();
        assert_eq!(again, Outcome { replayed: true, ..first.clone() });
    }
    let other = ask(&engine, "ana", None, opening(&[5, 8]));
    assert_eq!(other, Err(Refusal::Rejected(Rejection::IdempotencyKeyReused)));
    engine.stop();

    let engine = start(&store);
    assert_eq!(ask(&engine, "ana", None, opening(&[5, 7])), Ok(Outcome { replayed: true, ..first }));
    assert_eq!(engine.account(STUDIO, &id("ana")).unwrap().unwrap().totals().remaining, Credits::whole(52));
    engine.stop();
    scrip_engine::verify::verify(scrip_engine::store::Store::reader(&store).as_ref(), &mut |_| ()).unwrap();
}

#[test]
fn an_account_that_came_otherwise_is_not_opened_again() {
    let engine = start(&MemoryStore::new());
    ask(&engine, "bruno", None, Command::PutAccount(PutAccount::default())).unwrap();
    for key in [None, Some("a"), Some("b")] {
        let refused = ask(&engine, "bruno", None, opening(&[5]));
        let expected = matches!(refused, Err(Refusal::Rejected(Rejection::InvalidRequest { field: "account", .. })));
        assert!(expected, "{refused:?}");
        assert_eq!(origin(&engine, "bruno"), Some(Origin::Otherwise));
        key.map(|key| ask(&engine, "bruno", Some(key), Command::Grant(grant(1))).unwrap());
    }
    engine.stop();
}

/// Found in the first entries of long and short histories, and not moved by what came later.
#[test]
fn the_origin_of_an_account_is_what_its_opening_said() {
    let engine = start(&MemoryStore::new());
    assert_eq!(origin(&engine, "ana"), None);
    ask(&engine, "ana", None, opening(&[])).unwrap();
    ask(&engine, "bruno", None, opening(&[5, 7])).unwrap();
    ask(&engine, "clara", None, opening(&[1; Opening::LOTS_MAX])).unwrap();
    for round in 0..300 {
        for (account, lots) in [("ana", &[][..]), ("bruno", &[5, 7]), ("clara", &[1; Opening::LOTS_MAX])] {
            if round % 50 == 0 || round < 5 {
                let Some(Origin::Opening(opened)) = origin(&engine, account) else { panic!("{account} in {round}") };
                let brought: Vec<_> = lots.iter().map(|left| (Class::TopUp, Credits::whole(*left))).collect();
                assert_eq!(opened.lots, brought, "{account} in {round}");
                assert!(opened.is(&opening(lots)) && !opened.is(&opening(&[3])), "{account} in {round}");
            }
            ask(&engine, account, Some(&format!("grant-{round}")), Command::Grant(grant(1))).unwrap();
        }
    }
    engine.stop();
}
