//! A sound store is proved; any changed byte of any stored entry or account is found and named.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;
use scrip_core::amount::{Credits, Total};
use scrip_core::catalog::Format;
use scrip_core::command::{Command, OrderItem};
use scrip_core::entry::Book;
use scrip_core::id::{AccountId, Key, PackageId, StudioId};
use scrip_core::lot::Class;
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::Request;
use scrip_engine::seal::Seal;
use scrip_engine::store::{Batch, Document, Store as _};
use scrip_engine::verify::{Options, Report, VerifyError, verify, verify_with};
use scrip_engine::{Engine, Options as EngineOptions};
use scrip_store_sqlite::{OpenMode, SqliteStore, open_reader};

use crate::filled::{STUDIO, fill};

fn check(folder: &Path) -> Result<Report, String> {
    let reader = open_reader(folder).map_err(|error| error.to_string())?;
    verify(reader.as_ref(), &mut |_| {}).map_err(|error| match error {
        VerifyError::Broken(broken) => broken.to_string(),
        VerifyError::Store(error) => panic!("the store failed: {error}"),
    })
}

#[test]
fn a_sound_store_is_proved() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let report = check(folder.path()).unwrap();
    assert_eq!((report.accounts, report.rows, report.extent.last, report.extent.mark), (2, 2, 18, 18));
    let studio = &report.studios[&STUDIO];
    let whole = |credits: i64| Total::from(Credits::whole(credits));
    assert_eq!(studio.remaining[&Class::TopUp], whole(2 * (500 - 60 - 30 + 10)));
    assert_eq!(studio.held, whole(10));
    assert_eq!(studio.books[&Book::Issued], whole(-1_000));
    assert_eq!(studio.books[&Book::Spent], whole(180));
    assert_eq!(studio.books[&Book::Refunded], whole(-20));
    assert_eq!(studio.entries, 18);
}

/// What `verify` says that knows of a seal.
fn since(folder: &Path, seal: &Seal) -> Result<(), String> {
    let reader = open_reader(folder).unwrap();
    let how = Options { since: Some(seal), ..Options::default() };
    verify_with(reader.as_ref(), &how, &mut |_| {}).map(drop).map_err(|broken| broken.to_string())
}

/// Puts a value into a column of one row, looks what `verify` says, and puts the old one back.
fn with_changed(folder: &Path, database: &Connection, place: &Place, value: &Value) -> Result<Report, String> {
    let Place { table, key, column, row, .. } = place;
    let put = format!("UPDATE {table} SET {column} = ?1 WHERE {key} = ?2");
    assert_eq!(database.execute(&put, (value, row)).unwrap(), 1, "{place:?}");
    let checked = check(folder);
    // The row of a key that was changed itself is found by its new value.
    let row = if key == column { value.clone() } else { Value::from(*row) };
    assert_eq!(database.execute(&put, (&place.value, row)).unwrap(), 1);
    checked
}

/// The database as any program may open it, without waiting for the disk.
fn open(folder: &Path) -> Connection {
    let database = Connection::open(folder.join("scrip.db")).unwrap();
    database.pragma_update(None, "synchronous", "OFF").unwrap();
    database
}

/// One stored value.
#[derive(Debug)]
struct Place {
    table: &'static str,
    key: &'static str,
    column: String,
    row: i64,
    value: Value,
}

fn places(database: &Connection, table: &'static str, key: &'static str) -> Vec<Place> {
    let mut rows = database.prepare(&format!("SELECT {key}, * FROM {table} ORDER BY 1")).unwrap();
    let columns: Vec<String> = rows.column_names().iter().skip(1).map(|name| (*name).to_owned()).collect();
    let read = |row: &rusqlite::Row<'_>| {
        let number: i64 = row.get(0)?;
        let values = (0..columns.len()).map(|place| row.get::<_, Value>(place + 1));
        let place = |(column, value): (&String, rusqlite::Result<Value>)| {
            Ok(Place { table, key, column: column.clone(), row: number, value: value? })
        };
        columns.iter().zip(values).map(place).collect::<rusqlite::Result<Vec<_>>>()
    };
    rows.query_map((), read).unwrap().flat_map(Result::unwrap).collect()
}

/// The value with a bit changed in each of its bytes, as far as its type allows.
fn changes(value: &Value) -> Vec<Value> {
    let flipped = |bytes: &[u8]| {
        (0..bytes.len())
            .map(|place| {
                let mut changed = bytes.to_vec();
                changed[place] ^= 1 << (place % 7);
                changed
            })
            .collect::<Vec<_>>()
    };
    match value {
        Value::Null => vec![Value::Text("x".to_owned())],
        Value::Integer(number) => (0..7).map(|byte| Value::Integer(number ^ (1 << (8 * byte)))).collect(),
        Value::Real(number) => panic!("scrip stores no float: {number}"),
        Value::Text(text) => flipped(text.as_bytes())
            .into_iter()
            .filter_map(|bytes| String::from_utf8(bytes).ok())
            .map(Value::Text)
            .chain([Value::Text(String::new())])
            .collect(),
        Value::Blob(bytes) => flipped(bytes).into_iter().map(Value::Blob).chain([Value::Blob(Vec::new())]).collect(),
    }
}

fn numbers(database: &Connection, sql: &str) -> Vec<i64> {
    let mut rows = database.prepare(sql).unwrap();
    rows.query_map((), |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn any_changed_byte_of_an_entry_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let database = open(folder.path());
    // One account's entries: each kind once, first and last among them.
    for place in places(&database, "journal", "position").iter().filter(|place| place.row <= 9) {
        for value in changes(&place.value) {
            // Two entries cannot have one position.
            if place.column == "position" && matches!(value, Value::Integer(1..=18)) {
                continue;
            }
            let broken = with_changed(folder.path(), &database, place, &value).unwrap_err();
            let named = match place.column.as_str() {
                // The entry as it now calls itself.
                "position" => format!("position {} is missing", place.row),
                "account" | "seq" => format!("at position {}: ", place.row),
                _ => format!("entry {} of account 1", place.row),
            };
            assert!(broken.contains(&named), "{place:?} as {value:?}: {broken}");
        }
    }
    check(folder.path()).unwrap();
}

#[test]
fn any_changed_byte_of_an_account_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let database = open(folder.path());
    for place in places(&database, "accounts", "account").iter().filter(|place| place.row == 1) {
        for value in changes(&place.value) {
            let broken = with_changed(folder.path(), &database, place, &value).unwrap_err();
            let named = if place.column == "account" { "row of account" } else { "the row of account 1" };
            assert!(broken.contains(named), "{place:?} as {value:?}: {broken}");
        }
    }
}

/// The runs of terms that count.
const LIVE: &str = "SELECT run FROM term_runs WHERE state = 1";

/// A key that is not found any more would be charged again (R31), so every byte of the index counts.
#[test]
fn any_changed_byte_of_the_index_of_terms_is_found() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let database = open(folder.path());
    for (table, key) in [("term_runs", "run"), ("term_blocks", "block"), ("term_filters", "rowid")] {
        let rows = numbers(&database, &format!("SELECT {key} FROM {table} WHERE run IN ({LIVE})"));
        assert!(!rows.is_empty(), "{table}");
        // A block's own number only tells it from others.
        let wanted = |place: &&Place| rows.contains(&place.row) && place.column != "block";
        for place in places(&database, table, key).iter().filter(wanted) {
            for value in changes(&place.value) {
                // Two runs cannot have one number.
                if place.column == "run" && matches!(value, Value::Integer(1..=255)) {
                    continue;
                }
                let found = with_changed(folder.path(), &database, place, &value).unwrap_err();
                assert!(found.contains("index of terms"), "{place:?} as {value:?}: {found}");
            }
        }
    }
    check(folder.path()).unwrap();
}

#[test]
fn a_missing_entry_is_found() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let database = open(folder.path());
    for (position, broken) in [
        (18, "the row of account 2 (bruno), written after its entry 9: the journal has no such entry"),
        (5, "the entry at position 5 is missing"),
    ] {
        assert_eq!(database.execute("DELETE FROM journal WHERE position = ?1", (position,)).unwrap(), 1);
        assert_eq!(check(folder.path()).unwrap_err(), broken);
    }
}

/// What was written behind is believed after a restart, so it must be there.
#[test]
fn an_account_that_was_not_written_before_the_mark_is_found() {
    for (change, broken) in [
        ("UPDATE meta SET value = 19", "the mark is at position 19, but the last entry is at position 18"),
        (
            "DELETE FROM accounts WHERE account = 1",
            "entry 9 of account 1 (ana), at position 9: it lies before the mark, but there is no row of account 1",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path());
        assert_eq!(open(folder.path()).execute(change, ()).unwrap(), 1);
        assert_eq!(check(folder.path()).unwrap_err(), broken);
    }
}

/// Texts that are gone break no chain (R29), but an erasure must be on record for them.
#[test]
fn a_text_that_goes_without_an_erasure_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let database = open(folder.path());
    check(folder.path()).unwrap();
    for (erase, first) in [
        ("UPDATE journal SET texts = json_remove(texts, '$.reference') WHERE position = 3", "at position 3: "),
        ("UPDATE journal SET texts = NULL WHERE account = 1 AND seq > 1", "at position 2: "),
        ("UPDATE journal SET texts = NULL", "at position 1: "),
    ] {
        assert!(database.execute(erase, ()).unwrap() > 0);
        let named = check(folder.path()).unwrap_err().to_string();
        assert!(named.contains(first) && named.contains("no erasure of its account is on record"), "{erase}: {named}");
    }
}

/// Nothing but the texts says which account is whose.
#[test]
fn accounts_cannot_be_exchanged_by_taking_their_names_away() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let seal = Seal::of(&check(folder.path()).unwrap(), Time::EPOCH);
    assert_eq!(since(folder.path(), &seal), Ok(()));
    let exchange = "UPDATE journal SET texts = NULL WHERE seq = 1;
         UPDATE accounts SET id = 'elsewhere' WHERE account = 1;
         UPDATE accounts SET id = 'ana' WHERE account = 2;
         UPDATE accounts SET id = 'bruno' WHERE account = 1;";
    open(folder.path()).execute_batch(exchange).unwrap();
    let found = check(folder.path()).unwrap_err();
    assert!(found.contains("at position 1: a text of it is gone, and no erasure"), "{found}");
    assert_eq!(since(folder.path(), &seal), Err(found));
}

/// Parts of what is written behind that are gone, whole rows of it.
#[test]
fn what_is_lost_of_the_index_of_terms_is_found() {
    for lose in [
        format!("DELETE FROM term_runs WHERE run = (SELECT min(run) FROM ({LIVE}))"),
        format!("DELETE FROM term_blocks WHERE block = (SELECT min(block) FROM term_blocks WHERE run IN ({LIVE}))"),
        format!("DELETE FROM term_filters WHERE run = (SELECT min(run) FROM ({LIVE}))"),
        format!("UPDATE term_runs SET state = 2 WHERE run = (SELECT max(run) FROM ({LIVE}))"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path());
        assert_eq!(open(folder.path()).execute(&lose, ()).unwrap(), 1, "{lose}");
        let found = check(folder.path()).unwrap_err();
        assert!(found.contains("index of terms"), "{lose}: {found}");
    }
}

/// SQLite finds accounts by their ids through an index of its own, and people read words for kinds.
#[test]
fn what_the_database_keeps_for_itself_is_looked_at() {
    for (change, broken) in [
        (
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, '(studio, id)', '(studio, state)') WHERE name = 'accounts_id'",
            "the database is damaged (row 1 missing from index accounts_id)",
        ),
        ("UPDATE kinds SET word = 'gift' WHERE kind = 13", "table kinds calls kind 13 gift, which is none of scrip's"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path());
        open(folder.path()).execute_batch(change).unwrap();
        assert_eq!(check(folder.path()).unwrap_err(), broken);
    }
}

/// Each scrip knows more kinds than the ones before: those that a store has no word for get one when it is opened for writing.
#[test]
fn a_kind_without_a_word_is_found_and_gets_it_at_the_next_opening() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    // Kind 24 does not occur: without it the store holds, as one does whose scrip did not know it.
    assert_eq!(open(folder.path()).execute("DELETE FROM kinds WHERE kind = 24", ()).unwrap(), 1);
    check(folder.path()).unwrap();
    assert_eq!(open(folder.path()).execute("DELETE FROM kinds WHERE kind = 13", ()).unwrap(), 1);
    assert_eq!(check(folder.path()).unwrap_err(), "table kinds has no word for kind 13, which is grant");
    drop(SqliteStore::open(folder.path(), OpenMode::Existing).unwrap());
    check(folder.path()).unwrap();
    let words = "SELECT word FROM kinds WHERE kind IN (13, 24) ORDER BY kind";
    let database = open(folder.path());
    let mut words = database.prepare(words).unwrap();
    let words: Vec<String> = words.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(words, ["grant", "automatic_top_up"]);
}

const CATALOG: &str = include_str!("../../../../catalogs/flow-studio.toml");

/// A store with two catalog versions, the second of which priced a charge.
fn fill_with_catalogs(folder: &Path) {
    let mut store = SqliteStore::open(folder, OpenMode::Create).unwrap();
    let time = Time::parse("2026-01-01T00:00:00Z").unwrap();
    let studio = Document::Studio { number: STUDIO, id: StudioId::parse("flow-studio").unwrap() };
    let version = |version| Document::Catalog {
        studio: STUDIO,
        version,
        published_at: time,
        effective: time,
        format: Format::Toml,
        source: CATALOG.into(),
    };
    let documents = vec![studio, version(1), version(2)];
    store.append(&Batch { documents, ..Batch::default() }).unwrap();
    drop(store);
    fill(folder);
}

#[test]
fn documents_that_cannot_be_used_are_found() {
    for (change, broken) in [
        ("UPDATE catalogs SET source = substr(source, 1, 900) WHERE version = 1", "catalog version 1 of studio 1: "),
        ("UPDATE catalogs SET format = 'json' WHERE version = 2", "catalog version 2 of studio 1: "),
        ("UPDATE catalogs SET format = 'yaml' WHERE version = 2", "is not what scrip wrote"),
        ("UPDATE catalogs SET effective = -1 WHERE version = 2", "catalog version 2 of studio 1: a time out of range"),
        ("DELETE FROM catalogs WHERE version = 1", "catalog version 1 of studio 1 is missing"),
        (
            "UPDATE studios SET id = 'studiotwin'",
            "catalog version 1 of studio 1 is flow-studio's, but table studios calls that studio studiotwin",
        ),
        ("DELETE FROM studios", "studio 1 has catalogs, but no name"),
        ("UPDATE studios SET studio = 2; DELETE FROM catalogs", "position 1: it is of a studio that has no name"),
        ("UPDATE studios SET id = 'No Id'", "is not what scrip wrote"),
        (
            "DELETE FROM catalogs WHERE version = 2",
            "entry 3 of account 1 (ana), at position 3: the catalog version that it names is missing",
        ),
        ("INSERT INTO clock VALUES (1, -5)", "the test clock: a time out of range"),
        (
            "INSERT INTO keys VALUES ('key_a', 1, 'full', zeroblob(32), 'abcd', -5, NULL)",
            "key key_a: a time out of range",
        ),
        (
            "INSERT INTO keys VALUES ('key_a', 1, 'full', zeroblob(31), 'abcd', 5, NULL)",
            "a value that scrip never writes",
        ),
        ("INSERT INTO keys VALUES ('key_a', 1, 'king', zeroblob(32), 'abcd', 5, NULL)", "is not what scrip wrote"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fill_with_catalogs(folder.path());
        check(folder.path()).unwrap();
        open(folder.path()).execute_batch(change).unwrap();
        let found = check(folder.path()).unwrap_err();
        assert!(found.contains(broken), "{change}: {found}");
    }
}

/// An order is never repriced (R7): what it was placed at must stay.
#[test]
fn a_missing_catalog_version_that_only_an_order_names_is_found() {
    let folder = tempfile::tempdir().unwrap();
    fill_with_catalogs(folder.path());
    let mut store = SqliteStore::open(folder.path(), OpenMode::Create).unwrap();
    let time = Time::parse("2026-01-01T00:00:00Z").unwrap();
    let third = Document::Catalog {
        studio: STUDIO,
        version: 3,
        published_at: time,
        effective: time,
        format: Format::Toml,
        source: format!("{CATALOG}\n[packages.boost]\nname = \"Boost\"\ncredits = 1_000\nprice = \"10.00 USD\"\n")
            .into(),
    };
    store.append(&Batch { documents: vec![third], ..Batch::default() }).unwrap();
    let clock = Clock::test(Time::parse("2026-01-01T00:00:01Z").unwrap());
    let options = EngineOptions { clock, sweep_per_second: 0, ..EngineOptions::default() };
    let engine = Engine::start(Box::new(store), options).unwrap();
    let item = OrderItem::Package(PackageId::parse("boost").unwrap());
    let request = Request {
        studio: STUDIO,
        account: AccountId::parse("ana").unwrap(),
        key: Some(Key::parse("order").unwrap()),
        command: Command::PlaceOrder { item, mark: None },
    };
    engine.submit_many_blocking(vec![request]).pop().unwrap().unwrap();
    engine.stop();
    check(folder.path()).unwrap();
    assert_eq!(open(folder.path()).execute("DELETE FROM catalogs WHERE version = 3", ()).unwrap(), 1);
    let found = "entry 10 of account 1 (ana), at position 19: the catalog version that it names is missing";
    assert_eq!(check(folder.path()).unwrap_err(), found);
}

/// A catalog that is still one, but not the one that was published: only a seal tells.
#[test]
fn a_seal_finds_changed_catalogs() {
    for change in [
        "UPDATE catalogs SET source = source || '# dearer' WHERE version = 2",
        "UPDATE catalogs SET effective = effective + 1 WHERE version = 2",
        "UPDATE catalogs SET published_at = published_at - 1 WHERE version = 2",
    ] {
        let folder = tempfile::tempdir().unwrap();
        fill_with_catalogs(folder.path());
        let seal = Seal::of(&check(folder.path()).unwrap(), Time::EPOCH);
        assert_eq!(since(folder.path(), &seal), Ok(()));
        assert_eq!(open(folder.path()).execute(change, ()).unwrap(), 1);
        check(folder.path()).unwrap();
        let found = "what was sealed of the catalogs is not there, in version 2 of studio 1";
        assert_eq!(since(folder.path(), &seal), Err(found.to_owned()), "{change}");
    }
}

/// Keys from outside name studios by their names, so each must keep its own.
#[test]
fn a_seal_finds_renamed_studios() {
    for (change, named) in [
        ("UPDATE studios SET id = 'studiotwin' WHERE studio = 1", "1"),
        (
            "UPDATE studios SET id = 'elsewhere' WHERE studio = 1; UPDATE studios SET id = 'flow-studio' WHERE studio = 2;
             UPDATE studios SET id = 'second' WHERE studio = 1",
            "1, 2",
        ),
        ("DELETE FROM studios WHERE studio = 2", "2"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path());
        open(folder.path()).execute("INSERT INTO studios VALUES (2, 'second')", ()).unwrap();
        let seal = Seal::of(&check(folder.path()).unwrap(), Time::EPOCH);
        assert_eq!(Seal::parse(&seal.to_text()).as_ref(), Ok(&seal));
        assert_eq!(since(folder.path(), &seal), Ok(()));
        open(folder.path()).execute_batch(change).unwrap();
        // Without a catalog nothing in the store says otherwise.
        check(folder.path()).unwrap();
        let found = format!("the name that was sealed is another, or missing, of studio {named}");
        assert_eq!(since(folder.path(), &seal), Err(found), "{change}");
    }
}
