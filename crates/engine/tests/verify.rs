//! What a verification finds does not depend on how it is done; and a seal finds what no store can say of itself.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use scrip_core::account::Hash;
use scrip_core::amount::Credits;
use scrip_core::bucket::Bucket;
use scrip_core::command::{Command, Grant, PutAccount};
use scrip_core::id::{AccountId, AccountNumber, Key, StudioNumber};
use scrip_core::journal;
use scrip_core::lot::Class;
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::Request;
use scrip_engine::seal::Seal;
use scrip_engine::store::memory::MemoryStore;
use scrip_engine::store::{Batch, Behind, Document, Row, Store, StoredAccount, StoredAccountRef};
use scrip_engine::trail::Trail;
use scrip_engine::verify::{Options as How, Report, VerifyError, verify_with};
use scrip_engine::{Engine, Options};

const ACCOUNTS: u64 = 12;

/// Accounts of twelve customers, opened first; then grants to one after the other.
fn engine(store: &MemoryStore) -> Engine {
    let clock = Clock::test(Time::parse("2026-01-01T00:00:00Z").unwrap());
    let options = Options { clock, sweep_per_second: 0, mark_every: 7, ..Options::default() };
    Engine::start(Box::new(store.clone()), options).unwrap()
}

fn grant(engine: &Engine, turns: std::ops::Range<u64>) {
    for turn in turns {
        let grant = Grant {
            credits: Credits::whole(i64::try_from(turn).unwrap() + 1),
            class: Class::TopUp,
            expires_at: None,
            priority: None,
            reason: "test".into(),
        };
        ask(engine, turn % ACCOUNTS, Some(turn), Command::Grant(grant));
    }
}

fn ask(engine: &Engine, account: u64, key: Option<u64>, command: Command) {
    let key = key.map(|key| Key::parse(&key.to_string()).unwrap());
    let account = AccountId::parse(&format!("account-{account}")).unwrap();
    let request = Request { studio: StudioNumber(1), account, key, command };
    engine.submit_many_blocking(vec![request]).pop().unwrap().unwrap();
}

/// A store with 12 accounts and so many grants, all written behind.
fn filled(grants: u64) -> MemoryStore {
    let store = MemoryStore::new();
    let engine = engine(&store);
    (0..ACCOUNTS).for_each(|account| ask(&engine, account, None, Command::PutAccount(PutAccount::default())));
    grant(&engine, 0..grants);
    engine.stop();
    store
}

/// Everything that a store holds, to be put into another.
struct Contents {
    rows: Vec<Row>,
    documents: Vec<Document>,
    accounts: Vec<StoredAccount>,
    terms: Vec<(u64, u64)>,
    mark: u64,
}

impl Contents {
    fn of(store: &MemoryStore) -> Contents {
        let reader = store.reader();
        let mut terms = Vec::new();
        reader.terms(&mut |term, position| terms.push((term, position))).unwrap();
        Contents {
            rows: reader.rows_from(1, usize::MAX).unwrap(),
            documents: reader.documents().unwrap(),
            accounts: reader.accounts(None, usize::MAX).unwrap(),
            terms,
            mark: reader.extent().unwrap().mark,
        }
    }

    fn store(self) -> MemoryStore {
        let written =
            |stored: StoredAccount| StoredAccountRef { account: Arc::new(stored.account), trail: stored.trail };
        let behind = Behind {
            accounts: self.accounts.into_iter().map(written).collect(),
            terms: self.terms,
            mark: Some(self.mark),
        };
        let mut store = MemoryStore::new();
        store.append(&Batch { rows: self.rows, documents: self.documents, behind, ..Batch::default() }).unwrap();
        store
    }
}

/// The same store, changed.
fn changed(store: &MemoryStore, change: impl FnOnce(&mut Contents)) -> MemoryStore {
    let mut contents = Contents::of(store);
    change(&mut contents);
    contents.store()
}

fn said(proved: Result<Report, VerifyError>) -> Result<Report, String> {
    proved.map_err(|error| match error {
        VerifyError::Broken(broken) => broken.to_string(),
        VerifyError::Store(error) => panic!("the store failed: {error}"),
    })
}

/// What is found, whatever the number of threads and passes.
fn check(store: &MemoryStore, since: Option<&Seal>) -> Result<Report, String> {
    let reader = store.reader();
    let with = |threads, accounts_at_once| {
        let how = How { threads: NonZeroUsize::new(threads).unwrap(), accounts_at_once, since };
        said(verify_with(reader.as_ref(), &how, &mut |_| {}))
    };
    let found = with(2, 1_000);
    for threads in [1, 2, 3, 8] {
        for accounts_at_once in [1, 5, 1_000] {
            assert_eq!(with(threads, accounts_at_once), found, "{threads} threads, {accounts_at_once} accounts");
        }
    }
    found
}

#[test]
fn a_sound_store_is_proved() {
    let report = check(&filled(60), None).unwrap();
    assert_eq!((report.accounts, report.rows, report.extent.last, report.extent.mark), (12, 12, 72, 72));
    assert_eq!((report.terms, report.erased), (60, 0));
    assert_eq!(report.studios[&StudioNumber(1)].remaining[&Class::TopUp].to_string(), (60 * 61 / 2).to_string());
}

/// Rows behind the journal, accounts without a row, entries after the mark.
#[test]
fn a_store_in_use_is_proved() {
    for mark_every in [1, 5, 40, 1_000] {
        let store = MemoryStore::new();
        let clock = Clock::test(Time::parse("2026-01-01T00:00:00Z").unwrap());
        let options = Options { clock, sweep_per_second: 0, mark_every, ..Options::default() };
        let engine = Engine::start(Box::new(store.clone()), options).unwrap();
        (0..ACCOUNTS).for_each(|account| ask(&engine, account, None, Command::PutAccount(PutAccount::default())));
        grant(&engine, 0..60);
        let report = check(&store.crashed(), None).unwrap();
        assert_eq!((report.accounts, report.extent.last), (12, 72));
    }
}

/// Of two broken entries of different accounts the earlier is named, and whatever else is broken after them.
#[test]
fn the_first_broken_entry_is_named() {
    let sound = filled(60);
    for (broken, named) in [
        (vec![20, 50], "entry 2 of account 8 (account-7), at position 20: it is not what was written"),
        (vec![50, 51, 52, 53], "entry 5 of account 2 (account-1), at position 50: it is not what was written"),
        (vec![72, 1], "entry 1 of account 1 (account-0), at position 1: it is not what was written"),
    ] {
        let store = changed(&sound, |contents| {
            for position in broken {
                contents.rows[position - 1].record.hash = Hash([7; 32]);
            }
            contents.accounts.pop();
            contents.terms.pop();
        });
        let found = check(&store, None).unwrap_err();
        assert!(found.starts_with(named), "{found}");
    }
}

#[test]
fn the_first_wrong_row_is_named() {
    let sound = filled(60);
    let store = changed(&sound, |contents| {
        contents.accounts[3].account.debt = Credits::whole(1);
        contents.accounts[9].account.debt = Credits::whole(1);
        contents.terms.pop();
    });
    let named = "the row of account 4 (account-3), written after its entry 6: it is not what its entries make";
    assert_eq!(check(&store, None).unwrap_err(), named);
    let store = changed(&sound, |contents| contents.accounts[5].account.seq += 1);
    let named = "the row of account 6 (account-5), written after its entry 7: the journal has no such entry";
    assert_eq!(check(&store, None).unwrap_err(), named);
}

/// A key that is not found any more would be charged again (R31).
#[test]
fn a_term_that_is_lost_is_named_by_its_entry() {
    let sound = filled(60);
    let reader = sound.reader();
    for position in [13, 40, 72] {
        let store = changed(&sound, |contents| contents.terms.retain(|(_, at)| *at != position));
        let row = reader.row(position).unwrap().unwrap();
        let (seq, account) = (row.record.seq, row.record.account.0);
        let named = format!(
            "entry {seq} of account {account}, at position {position}: the index of terms does not find it: \
             a repeat of its command would not be recognised"
        );
        assert_eq!(check(&store, None).unwrap_err(), named);
    }
    let store = changed(&sound, |contents| contents.terms.insert(0, (0, 5)));
    assert_eq!(check(&store, None).unwrap_err(), "the index of terms finds entries by terms that they do not have");
}

fn seal(store: &MemoryStore) -> Seal {
    let report = said(verify_with(store.reader().as_ref(), &How::default(), &mut |_| {})).unwrap();
    let seal = Seal::of(&report, Time::parse("2026-02-01T00:00:00Z").unwrap());
    assert_eq!(Seal::parse(&seal.to_text()).as_ref(), Ok(&seal));
    seal
}

/// The last `count` entries cut off, with everything that was written behind them.
fn cut(store: &MemoryStore, count: usize) -> MemoryStore {
    let rows = &Contents::of(store).rows;
    let bare = Contents {
        rows: rows[..rows.len() - count].to_vec(),
        documents: Vec::new(),
        accounts: Vec::new(),
        terms: Vec::new(),
        mark: 0,
    };
    let bare = bare.store();
    // Opening it writes behind what is left.
    engine(&bare).stop();
    bare
}

#[test]
fn a_store_that_went_on_is_as_it_was_sealed() {
    let store = filled(60);
    let seals = [seal(&MemoryStore::new()), seal(&store)];
    assert_eq!((seals[1].entries(), seals[1].accounts()), (72, 12));
    for seal in &seals {
        check(&store, Some(seal)).unwrap();
    }
    let engine = engine(&store);
    grant(&engine, 60..200);
    engine.stop();
    for seal in &seals {
        check(&store, Some(seal)).unwrap();
    }
}

#[test]
fn a_seal_finds_what_was_cut_off() {
    let store = filled(60);
    let seal = seal(&store);
    let short = cut(&store, 5);
    check(&short, None).unwrap();
    let found = check(&short, Some(&seal)).unwrap_err();
    let said =
        "5 of 72 sealed entries are missing: the journal's end was cut off, or this is a copy from before the seal";
    assert!(found.starts_with(said), "{found}");
    // All of it, and one account with all its entries.
    let found = check(&cut(&store, 72), Some(&seal)).unwrap_err();
    assert!(found.starts_with("72 of 72 sealed entries are missing"), "{found}");
}

/// Cut off, and then gone on with others: as many entries as were sealed, or more, are no excuse.
#[test]
fn a_seal_finds_what_was_cut_off_and_replaced() {
    let store = filled(60);
    let seal = seal(&store);
    let other = cut(&store, 5);
    let engine = engine(&other);
    grant(&engine, 100..160);
    engine.stop();
    check(&other, None).unwrap();
    let found = check(&other, Some(&seal)).unwrap_err();
    assert!(found.starts_with("entries that were sealed have been replaced by others, in bucket "), "{found}");
}

/// One amount changed, and every hash after it made anew.
#[test]
fn a_seal_finds_what_was_changed_and_hashed_anew() {
    let store = filled(60);
    let seal = seal(&store);
    let forged = changed(&store, |contents| {
        let account = AccountNumber(5);
        let mut head = Hash::default();
        for row in contents.rows.iter_mut().filter(|row| row.record.account == account) {
            let mut entry = journal::decode(&row.record).unwrap();
            entry.at = Time::from_micros(entry.at.micros() + 1);
            row.record = journal::encode(&entry, head);
            head = row.record.hash;
        }
        contents.accounts.clear();
        contents.terms.clear();
        contents.mark = 0;
    });
    engine(&forged).stop();
    check(&forged, None).unwrap();
    let bucket = Bucket::of(AccountNumber(5)).number();
    let named = format!("entries that were sealed have been replaced by others, in bucket {bucket}");
    assert_eq!(check(&forged, Some(&seal)).unwrap_err(), named);
}

#[test]
fn a_seal_of_another_store_is_told_apart() {
    let (store, other) = (filled(60), filled(60));
    let found = check(&other, Some(&seal(&store))).unwrap_err();
    assert_eq!(found, "the seal is of another store: the first entry is not the one that was sealed");
}

/// The rows that are wanted, in the order of their accounts: other positions, and links to them.
fn moved(store: &MemoryStore, wanted: impl Fn(&Row) -> bool) -> MemoryStore {
    let moved = changed(store, |contents| {
        contents.rows.retain(|row| wanted(row));
        contents.rows.sort_by_key(|row| row.record.account);
        let mut trails: BTreeMap<AccountNumber, Trail> = BTreeMap::new();
        for (row, position) in contents.rows.iter_mut().zip(1..) {
            let links = trails.entry(row.record.account).or_default().push(row.record.seq, position);
            (row.position, row.links) = (position, Some(links));
        }
        contents.accounts.clear();
        contents.terms.clear();
        contents.mark = 0;
    });
    // Opening it writes behind what is there.
    engine(&moved).stop();
    moved
}

/// A journal that moved to a store that counts otherwise: the order within each bucket is all that is kept.
#[test]
fn a_seal_holds_where_positions_are_others() {
    let store = filled(60);
    let seal = seal(&store);
    check(&moved(&store, |_| true), Some(&seal)).unwrap();
}

/// An account with all its entries, and every trace of it.
#[test]
fn a_seal_finds_a_missing_account() {
    let store = filled(60);
    let seal = seal(&store);
    let without = moved(&store, |row| row.record.account != AccountNumber(7));
    check(&without, None).unwrap();
    let bucket = Bucket::of(AccountNumber(7)).number();
    let found = check(&without, Some(&seal)).unwrap_err();
    assert!(found.starts_with("6 of 72 sealed entries are missing"), "{found}");
    assert!(found.ends_with(&format!("they are missing from bucket {bucket}")), "{found}");
}

/// Any changed byte of a seal's file is found.
#[test]
fn a_damaged_seal_is_refused() {
    let text = seal(&filled(14)).to_text();
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[place] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        assert!(Seal::parse(&changed).is_err(), "{place}: {changed}");
    }
    for length in 0..text.len() {
        assert!(Seal::parse(&text[..length]).is_err(), "{length}");
    }
    let newer = text.replace("\"scrip_seal\": 1", "\"scrip_seal\": 2");
    assert_eq!(Seal::parse(&newer).unwrap_err(), "a newer scrip wrote it (format 2; this one knows format 1)");
}
