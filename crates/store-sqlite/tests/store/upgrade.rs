//! A store of an earlier version becomes one of this version when it is opened for writing, and not before.

use std::path::Path;

use rusqlite::Connection;
use scrip_engine::store::Store;
use scrip_engine::verify::verify;
use scrip_store_sqlite::{OpenMode, SqliteStore, open_reader};

/// A copy of a fixture to work on.
fn copy_of(fixture: &str) -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(fixture);
    let copy = tempfile::tempdir().unwrap();
    for name in ["scrip.db", "scrip.db-wal"] {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), copy.path().join(name)).unwrap();
        }
    }
    copy
}

/// What the file's own header says: where an earlier scrip looks.
fn version_in_the_file(folder: &Path) -> u8 {
    std::fs::read(folder.join("scrip.db")).unwrap()[63]
}

fn schema(connection: &Connection) -> Vec<(String, String)> {
    let mut all = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY name").unwrap();
    let rows = all.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn earlier_versions_are_upgraded_in_place() {
    for (fixture, version) in [
        ("store-v1/clean", 1),
        ("store-v1/killed", 1),
        ("store-v2/clean", 2),
        ("store-v2/killed", 2),
        ("store-v3/clean", 3),
        ("store-v3/killed", 3),
    ] {
        let copy = copy_of(fixture);
        assert_eq!(version_in_the_file(copy.path()), version);
        let before = open_reader(copy.path()).unwrap();
        let (report, accounts) = (verify(before.as_ref(), &mut |_| {}).unwrap(), before.accounts(None, 99).unwrap());
        drop(before);
        assert_eq!(version_in_the_file(copy.path()), version, "reading changes nothing");

        let store = SqliteStore::open(copy.path(), OpenMode::Existing).unwrap();
        assert_eq!(version_in_the_file(copy.path()), 3);
        let after = store.reader();
        assert_eq!(verify(after.as_ref(), &mut |_| {}).unwrap(), report);
        assert_eq!(after.accounts(None, 99).unwrap(), accounts);
        drop(store);

        let fresh = tempfile::tempdir().unwrap();
        drop(SqliteStore::open(fresh.path(), OpenMode::Create).unwrap());
        let opened = |folder: &tempfile::TempDir| Connection::open(folder.path().join("scrip.db")).unwrap();
        let (upgraded, fresh) = (opened(&copy), opened(&fresh));
        assert_eq!(schema(&upgraded), schema(&fresh), "as if it had been made by this version");
        let kinds =
            |of: &Connection| -> i64 { of.query_row("SELECT count(*) FROM kinds", (), |row| row.get(0)).unwrap() };
        assert_eq!(kinds(&upgraded), kinds(&fresh));
        let check: String = upgraded.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }
}

/// An earlier scrip looks into the file, so the version must not stay in the log because somebody reads.
#[test]
fn an_upgrade_waits_for_readers_of_the_earlier_version() {
    let copy = copy_of("store-v1/clean");
    let reader = open_reader(copy.path()).unwrap();
    let path = copy.path().join("scrip.db");
    let reading = std::thread::spawn(move || {
        let database = Connection::open(path).unwrap();
        let version = || database.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0)).unwrap();
        while version() == 1 {
            std::thread::yield_now();
        }
        drop(reader);
    });
    let store = SqliteStore::open(copy.path(), OpenMode::Existing).unwrap();
    assert_eq!(version_in_the_file(copy.path()), 3);
    reading.join().unwrap();
    drop(store);
}

/// Version 1 left copies of what it overwrote in free pages and in the free parts of pages.
#[test]
fn an_upgrade_leaves_nothing_of_what_was_deleted_before() {
    let copy = copy_of("store-v1/clean");
    let path = copy.path().join("scrip.db");
    let long = "Ana Ortega de la Vega ".repeat(400);
    let earlier = Connection::open(&path).unwrap();
    let state = |name: &str| {
        let change = "UPDATE accounts SET state = json_set(state, '$.name', ?1) WHERE id = 'quiet@example.org'";
        assert_eq!(earlier.execute(change, (name,)).unwrap(), 1);
    };
    let moved = || {
        earlier.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, i64>(0)).unwrap();
        bytes_hold(&path, "Ortega")
    };
    state(&long);
    state("Quiet");
    assert!(moved(), "else this shows nothing");
    drop(earlier);
    drop(SqliteStore::open(copy.path(), OpenMode::Existing).unwrap());
    assert!(!bytes_hold(&path, "Ortega"));
}

/// Erasing after an upgrade leaves no copy that version 1 had made of a text.
#[test]
fn an_upgrade_leaves_one_copy_of_each_text() {
    for fixture in ["store-v1/clean", "store-v1/killed"] {
        let copy = copy_of(fixture);
        drop(SqliteStore::open(copy.path(), OpenMode::Existing).unwrap());
        let path = copy.path().join("scrip.db");
        let upgraded = Connection::open(&path).unwrap();
        let mut salts = upgraded.prepare("SELECT texts ->> '$.salt' FROM journal WHERE texts NOT NULL").unwrap();
        let salts: Vec<String> = salts.query_map((), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        assert!(salts.iter().all(|salt| bytes_hold(&path, salt)), "else this shows nothing");
        upgraded.execute_batch("PRAGMA secure_delete = ON; UPDATE journal SET texts = NULL").unwrap();
        upgraded.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, i64>(0)).unwrap();
        let left: Vec<&String> = salts.iter().filter(|salt| bytes_hold(&path, salt)).collect();
        assert_eq!(left, Vec::<&String>::new(), "{fixture}");
    }
}

fn bytes_hold(file: &Path, text: &str) -> bool {
    std::fs::read(file).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}
