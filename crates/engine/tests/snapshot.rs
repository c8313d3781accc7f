//! A snapshot shows every account and entry as it is, whatever the size of its pages and wherever the mark stands.

use scrip_core::account::Account;
use scrip_core::amount::Credits;
use scrip_core::command::{Command, Grant, PutAccount};
use scrip_core::id::{AccountId, AccountNumber, Key, StudioNumber};
use scrip_core::lot::Class;
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::Request;
use scrip_engine::snapshot::Snapshot;
use scrip_engine::store::memory::MemoryStore;
use scrip_engine::store::{Batch, Store};
use scrip_engine::{Engine, Options};

const ACCOUNTS: u64 = 9;
const GRANTS: u64 = 40;

fn name(number: u64) -> AccountId {
    AccountId::parse(&format!("account-{number}")).unwrap()
}

fn ask(engine: &Engine, account: u64, key: Option<u64>, command: Command) {
    let key = key.map(|key| Key::parse(&key.to_string()).unwrap());
    let request = Request { studio: StudioNumber(1), account: name(account), key, command };
    engine.submit_many_blocking(vec![request]).pop().unwrap().unwrap();
}

/// A store whose mark is moved after so many entries: some accounts are behind it, the last has no row.
fn store(mark_every: u64) -> (Engine, MemoryStore) {
    let store = MemoryStore::new();
    let clock = Clock::test(Time::parse("2026-01-01T00:00:00Z").unwrap());
    let options = Options { clock, sweep_per_second: 0, mark_every, ..Options::default() };
    let engine = Engine::start(Box::new(store.clone()), options).unwrap();
    (1..ACCOUNTS).for_each(|account| ask(&engine, account, None, Command::PutAccount(PutAccount::default())));
    for turn in 0..GRANTS {
        let grant = Grant {
            credits: Credits::whole(i64::try_from(turn).unwrap() + 1),
            class: Class::TopUp,
            expires_at: None,
            priority: None,
            reason: "test".into(),
        };
        ask(&engine, turn % (ACCOUNTS - 1) + 1, Some(turn), Command::Grant(grant));
    }
    ask(&engine, ACCOUNTS, None, Command::PutAccount(PutAccount::default()));
    (engine, store)
}

fn accounts(snapshot: &Snapshot<'_>, limit: usize) -> Vec<Account> {
    let (mut found, mut after) = (Vec::new(), AccountNumber(0));
    loop {
        let page = snapshot.accounts(after, limit).unwrap();
        let Some(last) = page.last() else { return found };
        after = last.number;
        found.extend(page);
    }
}

fn positions(snapshot: &Snapshot<'_>, limit: usize) -> Vec<u64> {
    let mut found = vec![0];
    loop {
        let page = snapshot.entries(*found.last().unwrap(), limit).unwrap();
        assert!(page.len() <= limit);
        if page.is_empty() {
            return found;
        }
        found.extend(page.iter().map(|(row, _)| row.position));
    }
}

/// A store with the same journal and nothing behind it: all is to be replayed.
fn bare(store: &MemoryStore) -> MemoryStore {
    let (reader, mut bare) = (store.reader(), MemoryStore::new());
    let (rows, documents) = (reader.rows_from(1, usize::MAX).unwrap(), reader.documents().unwrap());
    bare.append(&Batch { rows, documents, ..Batch::default() }).unwrap();
    bare
}

#[test]
fn pages_of_any_size_show_the_same() {
    for mark_every in [1, 5, 17, 1_000_000] {
        let (engine, store) = store(mark_every);
        let engines = |number| engine.account(StudioNumber(1), &name(number)).unwrap().unwrap();
        let wanted: Vec<Account> = (1..=ACCOUNTS).map(|number| Account::clone(&engines(number))).collect();
        for found in [store.crashed(), bare(&store)] {
            let reader = found.reader();
            let snapshot = Snapshot::open(&*reader).unwrap();
            for limit in [1, 2, 3, 8, 9, 10, 1_000] {
                assert_eq!(accounts(&snapshot, limit), wanted, "pages of {limit}, mark every {mark_every}");
                let last = ACCOUNTS + GRANTS;
                assert_eq!(positions(&snapshot, limit), (0..=last).collect::<Vec<_>>(), "pages of {limit}");
            }
            assert_eq!(snapshot.last_account(), AccountNumber(ACCOUNTS));
            assert_eq!(snapshot.account(AccountNumber(3)).unwrap(), wanted[2]);
        }
    }
}
