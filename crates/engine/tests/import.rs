//! Filling an empty store from another's journal: the same accounts, hashes and answers, wherever it was cut short and in
//! whatever order the accounts' entries come.

use std::sync::Arc;

use scrip_core::amount::Credits;
use scrip_core::command::{Command, Grant, PutAccount};
use scrip_core::id::{AccountId, AccountNumber, Key, StudioId, StudioNumber};
use scrip_core::lot::Class;
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::Request;
use scrip_engine::import::{self, Begun, Import, ImportError, Pace, UNDER_WAY};
use scrip_engine::seal::Seal;
use scrip_engine::store::joint::JointStore as _;
use scrip_engine::store::joint::memory::JointMemory;
use scrip_engine::store::memory::MemoryStore;
use scrip_engine::store::{Batch, Document, ImportDocument, ImportState, Row, Store, StoreError};
use scrip_engine::verify::{self, verify};
use scrip_engine::{Engine, Options};

const ACCOUNTS: u64 = 7;
const GRANTS: u64 = 60;
const ORIGIN: [u8; 32] = [1; 32];

fn options() -> Options {
    let clock = Clock::test(Time::parse("2026-01-01T00:00:00Z").unwrap());
    Options { clock, sweep_per_second: 0, ..Options::default() }
}

fn grant(turn: u64) -> Request {
    let grant = Grant {
        credits: Credits::whole(i64::try_from(turn).unwrap() + 1),
        class: Class::TopUp,
        expires_at: None,
        priority: None,
        reason: format!("grant {turn}").into(),
    };
    request(turn % ACCOUNTS, Some(turn), Command::Grant(grant))
}

fn request(account: u64, key: Option<u64>, command: Command) -> Request {
    let account = AccountId::parse(&format!("account-{account}")).unwrap();
    let key = key.map(|key| Key::parse(&key.to_string()).unwrap());
    Request { studio: StudioNumber(1), account, key, command }
}

fn studio() -> Document {
    Document::Studio { number: StudioNumber(1), id: StudioId::parse("studio").unwrap() }
}

/// A store with accounts that take turns, and a key.
fn source() -> MemoryStore {
    let mut store = MemoryStore::new();
    store.append(&Batch { documents: vec![studio()], ..Batch::default() }).unwrap();
    let engine = Engine::start(Box::new(store.clone()), options()).unwrap();
    let open = (0..ACCOUNTS).map(|account| request(account, None, Command::PutAccount(PutAccount::default())));
    for outcome in engine.submit_many_blocking(open.chain((0..GRANTS).map(grant)).collect()) {
        outcome.unwrap();
    }
    engine.stop();
    store
}

fn rows(store: &MemoryStore) -> Vec<Row> {
    store.reader().rows_from(1, usize::MAX).unwrap()
}

/// Begins, or goes on with, an import.
fn begin(store: &MemoryStore, pace: Pace) -> Box<dyn Import> {
    match import::into_owned(Box::new(store.clone()), ORIGIN, pace).unwrap() {
        Begun::Import(mut import) => {
            import.document_given(studio());
            import
        }
        Begun::Complete => panic!("it is not complete"),
    }
}

fn give(import: &mut dyn Import, rows: &[Row]) -> Result<(), ImportError> {
    rows.iter().try_for_each(|row| import.entry_given(row.record.clone()))
}

/// Imports all of the rows, proves them and ends the import.
fn import_all(store: &MemoryStore, rows: &[Row], pace: Pace) {
    let mut import = begin(store, pace);
    give(&mut *import, rows).unwrap();
    import.all_given().unwrap();
    verify(&*import.reader().unwrap(), &mut |_| {}).unwrap();
    import.complete().unwrap();
}

fn paces() -> [Pace; 4] {
    [(1, 1, 1), (3, 5, 2), (7, 20, 4), (1_000, 1_000, 1_000)].map(|(batch, mark_every, seats)| Pace {
        batch,
        mark_every,
        seats,
    })
}

/// The store is like the source: its rows but for the import's document, and what an engine on it knows.
fn check_same(source: &MemoryStore, moved: &MemoryStore) {
    let (one, other) = (source.reader(), moved.reader());
    assert_eq!(one.extent().unwrap(), other.extent().unwrap());
    assert_eq!(one.accounts(None, 100).unwrap(), other.accounts(None, 100).unwrap());
    assert_eq!(rows(source), rows(moved));
    check_answers(moved);
}

/// Every repeated command is answered as before.
fn check_answers(moved: &MemoryStore) {
    let engine = Engine::start(Box::new(moved.crashed()), options()).unwrap();
    for outcome in engine.submit_many_blocking((0..GRANTS).map(grant).collect()) {
        assert!(outcome.unwrap().replayed);
    }
    engine.stop();
}

#[test]
fn it_is_the_same_at_any_pace() {
    let source = source();
    for pace in paces() {
        let moved = MemoryStore::new();
        import_all(&moved, &rows(&source), pace);
        check_same(&source, &moved);
        let again = import::into_owned(Box::new(moved.clone()), ORIGIN, pace).unwrap();
        assert!(matches!(again, Begun::Complete), "there is nothing to do again");
    }
}

#[test]
fn cut_short_after_any_entry_it_is_not_used_and_goes_on() {
    let source = source();
    let rows = rows(&source);
    for pace in paces() {
        for cut in 0..rows.len() {
            let store = MemoryStore::new();
            let mut import = begin(&store, pace);
            give(&mut *import, &rows[..cut]).unwrap();
            drop(import);
            let left = store.crashed();
            if !left.reader().documents().unwrap().is_empty() {
                let refused = Engine::start(Box::new(left.clone()), options()).err();
                assert!(matches!(&refused, Some(StoreError::Refused(why)) if why == UNDER_WAY), "{refused:?}");
            }
            // Cut short again, a little later, and then to its end.
            let mut import = begin(&left, pace);
            give(&mut *import, &rows[..(cut + 4).min(rows.len())]).unwrap();
            drop(import);
            let left = left.crashed();
            import_all(&left, &rows, pace);
            check_same(&source, &left);
        }
    }
}

/// Begins, or goes on with, an import into a store that several servers share.
fn begin_joint(store: &JointMemory, pace: Pace) -> Box<dyn Import> {
    match import::into_joint(Arc::new(store.clone()), ORIGIN, pace).unwrap() {
        Begun::Import(mut import) => {
            import.document_given(studio());
            import
        }
        Begun::Complete => panic!("it is not complete"),
    }
}

/// The same entries, sealed alike; what was sealed of the source at any time is there; every repeated command is answered as
/// before.
fn check_same_joint(source: &MemoryStore, moved: &JointMemory) {
    let reader = moved.snapshot().unwrap();
    let proved = verify(&*reader, &mut |_| {}).unwrap();
    let expected = verify(&*source.reader(), &mut |_| {}).unwrap();
    assert_eq!((&proved.buckets, &proved.studios), (&expected.buckets, &expected.studios));
    assert_eq!((proved.terms, proved.first_entry), (expected.terms, expected.first_entry));
    for count in [1, 20, 45] {
        let part = MemoryStore::new();
        import_all(&part, &rows(source)[..count], paces()[2]);
        let seal = Seal::of(&verify(&*part.reader(), &mut |_| {}).unwrap(), Time::EPOCH);
        let how = verify::Options { since: Some(&seal), ..verify::Options::default() };
        verify::verify_with(&*reader, &how, &mut |_| {}).unwrap();
    }
    let engine = Engine::start_joint(Arc::new(moved.clone()), options()).unwrap();
    for outcome in engine.submit_many_blocking((0..GRANTS).map(grant).collect()) {
        assert!(outcome.unwrap().replayed);
    }
    // New accounts are opened beside them, and they go on.
    let new = request(ACCOUNTS, None, Command::PutAccount(PutAccount::default()));
    for outcome in engine.submit_many_blocking(vec![new, grant(GRANTS), grant(GRANTS + ACCOUNTS)]) {
        assert!(!outcome.unwrap().replayed);
    }
    engine.stop();
    verify(&*moved.snapshot().unwrap(), &mut |_| {}).unwrap();
}

#[test]
fn a_shared_store_is_filled_at_any_pace() {
    let source = source();
    for pace in paces() {
        let moved = JointMemory::new();
        let mut import = begin_joint(&moved, pace);
        give(&mut *import, &rows(&source)).unwrap();
        import.all_given().unwrap();
        import.complete().unwrap();
        let again = import::into_joint(Arc::new(moved.clone()), ORIGIN, pace).unwrap();
        assert!(matches!(again, Begun::Complete), "there is nothing to do again");
        check_same_joint(&source, &moved);
    }
}

#[test]
fn into_a_shared_store_it_goes_on_after_any_entry() {
    let source = source();
    let rows = rows(&source);
    for (pace, cut) in paces().into_iter().flat_map(|pace| (0..rows.len()).step_by(5).map(move |cut| (pace, cut))) {
        let moved = JointMemory::new();
        for end in [cut, (cut + 4).min(rows.len())] {
            let mut import = begin_joint(&moved, pace);
            give(&mut *import, &rows[..end]).unwrap();
            drop(import);
            if !moved.documents(None).unwrap().documents.unwrap().is_empty() {
                let refused = Engine::start_joint(Arc::new(moved.clone()), options()).err();
                assert!(matches!(&refused, Some(StoreError::Refused(why)) if why == UNDER_WAY), "{refused:?}");
            }
        }
        let mut import = begin_joint(&moved, pace);
        give(&mut *import, &rows).unwrap();
        import.all_given().unwrap();
        import.complete().unwrap();
        check_same_joint(&source, &moved);
    }
}

#[test]
fn into_a_shared_store_only_the_same_goes_on() {
    let rows = rows(&source());
    let pace = paces()[1];
    let moved = JointMemory::new();
    let mut part = begin_joint(&moved, pace);
    give(&mut *part, &rows[..21]).unwrap();
    // Two at once: one of them finds that the other writes.
    let mut other = begin_joint(&moved, pace);
    give(&mut *other, &rows).unwrap();
    other.all_given().unwrap();
    give(&mut *part, &rows[21..]).and_then(|()| part.all_given()).expect_err("it was overtaken");
    let refused = |rows: &[Row]| {
        let mut import = begin_joint(&moved, pace);
        give(&mut *import, rows).and_then(|()| import.all_given()).expect_err("it is refused").to_string()
    };
    let mut changed = rows.clone();
    changed[30].record.texts = None;
    assert!(refused(&changed).contains("another entry was imported in its place"), "{}", refused(&changed));
    assert!(refused(&rows[..10]).starts_with("it ends after 10 entries"), "{}", refused(&rows[..10]));
    let twice = [rows.clone(), rows[..1].to_vec()].concat();
    assert_eq!(refused(&twice), not_written(1, 1));
    let another = import::into_joint(Arc::new(moved.clone()), [2; 32], pace).err().unwrap();
    assert!(matches!(another, ImportError::AnotherUnderWay));
    let mut import = begin_joint(&moved, pace);
    give(&mut *import, &rows).unwrap();
    import.all_given().unwrap();
    import.complete().unwrap();
    let another = import::into_joint(Arc::new(moved), [2; 32], pace).err().unwrap();
    assert!(matches!(another, ImportError::Occupied));
}

/// An entry that does not follow is named, however many were given after it before it was looked at.
#[test]
fn into_a_shared_store_what_does_not_follow_is_named() {
    let mut rows = rows(&source());
    rows[9].record.seq = 0;
    for (pace, looked_at_after) in paces().into_iter().zip([0, 2, 4, u64::try_from(rows.len()).unwrap() - 10]) {
        let mut import = begin_joint(&JointMemory::new(), pace);
        match give(&mut *import, &rows).and_then(|()| import.all_given()) {
            Err(ImportError::Entry { account: AccountNumber(3), seq: 0, later, .. }) => {
                assert_eq!(later, looked_at_after);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Two accounts of one id are named, and not taken for somebody else's writing.
#[test]
fn into_a_shared_store_no_two_accounts_of_one_id_are_brought() {
    let opened = |accounts: &[u64]| {
        let mut store = MemoryStore::new();
        store.append(&Batch { documents: vec![studio()], ..Batch::default() }).unwrap();
        let engine = Engine::start(Box::new(store.clone()), options()).unwrap();
        let open = accounts.iter().map(|account| request(*account, None, Command::PutAccount(PutAccount::default())));
        engine.submit_many_blocking(open.collect()).into_iter().for_each(|outcome| drop(outcome.unwrap()));
        engine.stop();
        rows(&store)
    };
    // Each is sound by itself.
    let one = opened(&[1]);
    let other = opened(&[0, 1]).into_iter().filter(|row| row.record.account == AccountNumber(2));
    let both: Vec<Row> = one.into_iter().chain(other).collect();
    let mut import = begin_joint(&JointMemory::new(), paces()[0]);
    let refused = give(&mut *import, &both).and_then(|()| import.all_given()).expect_err("it is refused");
    assert_eq!(refused.to_string(), "entry 1 of account 2: it opens an account by the id of account 1");
}

/// Another store may have accounts' entries in another order among each other: what counts is each account's own.
#[test]
fn accounts_may_come_in_another_order() {
    let source = source();
    let mut by_account = rows(&source);
    by_account.sort_by_key(|row| (row.record.account, row.record.seq));
    let moved = MemoryStore::new();
    import_all(&moved, &by_account, paces()[1]);
    check_answers(&moved);
    let heads = |store: &MemoryStore| {
        let accounts = store.reader().accounts(None, 100).unwrap().into_iter();
        accounts.map(|stored| stored.account).collect::<Vec<_>>()
    };
    assert_eq!(heads(&source), heads(&moved));
    let reports = [&source, &moved].map(|store| verify(&*store.reader(), &mut |_| {}).unwrap().studios);
    assert_eq!(reports[0], reports[1]);
}

/// Gives the rows, and says what comes of it.
fn refused(rows: &[Row]) -> String {
    let store = MemoryStore::new();
    give(&mut *begin(&store, paces()[0]), rows).expect_err("it is refused").to_string()
}

#[test]
fn what_does_not_follow_is_refused() {
    let rows = rows(&source());
    let changed = |place: usize, change: fn(&mut Row)| {
        let mut rows = rows.clone();
        change(&mut rows[place]);
        refused(&rows)
    };
    let without = |place: usize| {
        let mut rows = rows.clone();
        rows.remove(place);
        refused(&rows)
    };
    assert_eq!(refused(&[rows.clone(), rows[..1].to_vec()].concat()), not_written(1, 1));
    assert_eq!(without(9), not_written(3, 3));
    assert_eq!(without(0), "entry 2 of account 1: account 1 is missing");
    assert_eq!(changed(9, |row| row.record.seq = 0), not_written(3, 0));
    let text =
        changed(9, |row| row.record.texts = row.record.texts.take().map(|texts| texts.replace("grant", "gift").into()));
    assert_eq!(text, "entry 2 of account 3: a text that is not the one recorded");
}

fn not_written(account: u64, seq: u64) -> String {
    format!("entry {seq} of account {account}: it is not what was written, or does not follow the entry before it")
}

#[test]
fn a_studio_must_be_named() {
    let store = MemoryStore::new();
    let Begun::Import(mut import) = import::into_owned(Box::new(store), ORIGIN, paces()[0]).unwrap() else {
        panic!("it is not complete")
    };
    let refused = give(&mut *import, &rows(&source())).unwrap_err().to_string();
    assert_eq!(refused, "entry 1 of account 1: it is of studio 1, which is not named before");
}

#[test]
fn only_its_own_origin_goes_on() {
    let rows = rows(&source());
    let store = MemoryStore::new();
    give(&mut *begin(&store, paces()[0]), &rows[..20]).unwrap();
    let other = |store: &MemoryStore| import::into_owned(Box::new(store.clone()), [2; 32], paces()[0]).err().unwrap();
    assert!(matches!(other(&store), ImportError::AnotherUnderWay));
    // The same origin, but other entries.
    let mut swapped = rows.clone();
    swapped.swap(3, 4);
    let refused = give(&mut *begin(&store, paces()[0]), &swapped).unwrap_err().to_string();
    assert!(refused.contains("another entry was imported in its place"), "{refused}");
    // Fewer than are there already.
    let mut fewer = begin(&store, paces()[0]);
    give(&mut *fewer, &rows[..10]).unwrap();
    assert!(matches!(fewer.all_given(), Err(ImportError::Short { given: 10, durable: 20 })));
    import_all(&store, &rows, paces()[0]);
    assert!(matches!(other(&store), ImportError::Occupied));
    let document = Document::Import(ImportDocument { origin: ORIGIN, state: ImportState::Complete });
    assert_eq!(store.reader().documents().unwrap(), [studio(), document]);
    assert!(matches!(other(&source()), ImportError::Occupied));
}
