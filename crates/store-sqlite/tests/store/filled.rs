//! A data folder with two accounts that have some of everything, made through the engine.

use std::path::Path;

use scrip_core::amount::Credits;
use scrip_core::command::{
    AfterExpiry, Command, Cost, Expected, Grant, PlaceCharge, PlaceHold, PutAccount, ReleaseHold, SettleHold, Usage,
};
use scrip_core::id::{AccountId, ChargeId, HoldName, HoldRef, Key, StudioId, StudioNumber};
use scrip_core::lot::Class;
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::Request;
use scrip_engine::store::{Batch, Document, Store as _};
use scrip_engine::{Engine, Options};
use scrip_store_sqlite::{OpenMode, SqliteStore};

/// Whose accounts they are.
pub(crate) const STUDIO: StudioNumber = StudioNumber(1);

/// Makes it, and closes it in good order: 18 entries, all written behind.
pub(crate) fn fill(folder: &Path) {
    let clock = Clock::test(Time::parse("2026-01-01T00:00:00.5Z").unwrap());
    let options = Options { clock, sweep_per_second: 0, mark_every: 4, ..Options::default() };
    let mut store = SqliteStore::open(folder, OpenMode::Create).unwrap();
    let studio = Document::Studio { number: STUDIO, id: StudioId::parse("flow-studio").unwrap() };
    store.append(&Batch { documents: vec![studio], ..Batch::default() }).unwrap();
    let engine = Engine::start(Box::new(store), options).unwrap();
    for account in ["ana", "bruno"] {
        for (number, command) in commands().into_iter().enumerate() {
            let key = (number > 0).then(|| Key::parse(&format!("key-{number}")).unwrap());
            let account = AccountId::parse(account).unwrap();
            let request = Request { studio: STUDIO, account, key, command };
            let done = engine.submit_many_blocking(vec![request]).pop().unwrap();
            assert!(done.is_ok(), "{number}: {done:?}");
        }
    }
    engine.stop();
}

fn commands() -> Vec<Command> {
    let credits = |credits| Cost::Credits(Credits::whole(credits));
    let hold = |amount, name| {
        Command::PlaceHold(PlaceHold {
            cost: credits(amount),
            name: Some(HoldName::parse(name).unwrap()),
            reference: Some("a \"job\"".into()),
            member: Some("m".into()),
            expires_in: None,
            expected: Expected::default(),
        })
    };
    let by_name = |name| HoldRef::parse(name).unwrap();
    vec![
        Command::PutAccount(PutAccount { name: Some("A name".into()), ..PutAccount::default() }),
        Command::Grant(Grant {
            credits: Credits::whole(500),
            class: Class::TopUp,
            expires_at: None,
            priority: None,
            reason: "paid by hand".into(),
        }),
        hold(75, "first"),
        Command::SettleHold(SettleHold {
            hold: by_name("first"),
            usage: Usage::Credits(Credits::whole(60)),
            on_excess: None,
        }),
        hold(20, "second"),
        Command::ReleaseHold(ReleaseHold {
            hold: by_name("second"),
            reason: Some("cancelled".into()),
            after_expiry: AfterExpiry::Expire,
        }),
        Command::Charge(PlaceCharge {
            cost: credits(30),
            reference: Some("job-2".into()),
            member: None,
            expected: Expected::default(),
        }),
        Command::Refund {
            charge: ChargeId::first(7),
            credits: Some(Credits::whole(10)),
            reason: "half of it was black".into(),
        },
        hold(5, "open"),
    ]
}
