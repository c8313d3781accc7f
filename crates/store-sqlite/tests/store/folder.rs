//! Data folders that are in use, not ours, of a newer version or not there: refused, and no harm done.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use scrip_engine::store::{Batch, Document, Store};
use scrip_store_sqlite::{OpenError, OpenMode, SqliteStore, open_reader};

use crate::filled::fill;

/// Every file of a folder with its content.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file());
    files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())).collect()
}

/// Opening is refused in the given words, by the writer and by readers, and leaves everything as it was.
fn check_refused(folder: &Path, mode: OpenMode, words: &str) {
    let before = folder.exists().then(|| contents(folder));
    let refused = SqliteStore::open(folder, mode).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains(words), "{refused}");
    assert_eq!(folder.exists().then(|| contents(folder)), before);
}

#[test]
fn what_is_not_there_is_made_only_when_asked_to() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("a/b");
    check_refused(&folder, OpenMode::Existing, "holds no scrip");
    assert!(matches!(open_reader(&folder).map(|_| ()), Err(OpenError::Missing(_))));
    drop(SqliteStore::open(&folder, OpenMode::Create).unwrap());
    drop(SqliteStore::open(&folder, OpenMode::Existing).unwrap());
}

#[test]
fn a_folder_in_use_is_refused_and_read_beside() {
    let root = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(root.path(), OpenMode::Create).unwrap();
    check_refused(root.path(), OpenMode::Create, "in use by another scrip");
    assert_eq!(open_reader(root.path()).unwrap().extent().unwrap().last, 0);
    // A handle for reading does not keep the folder.
    let reader = store.reader();
    drop(store);
    drop(SqliteStore::open(root.path(), OpenMode::Existing).unwrap());
    assert_eq!(reader.extent().unwrap().last, 0);
}

#[test]
fn other_programs_files_are_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("scrip.db");
    for (content, words) in [
        (b"not a database".to_vec(), "no database of SQLite's"),
        ([b"SQLite format 3\0".to_vec(), vec![0; 84]].concat(), "another program's database"),
        (b"SQLite format 3\0".to_vec(), "another program's database"),
    ] {
        std::fs::write(&path, content).unwrap();
        check_refused(root.path(), OpenMode::Create, words);
    }
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE notes (text)").unwrap();
    check_refused(root.path(), OpenMode::Create, "another program's database");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(root.path().join("thesis.doc"), "years of work").unwrap();
    check_refused(root.path(), OpenMode::Create, "holds other files");
}

#[test]
fn a_newer_versions_store_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    fill(root.path());
    Connection::open(root.path().join("scrip.db")).unwrap().pragma_update(None, "user_version", 4).unwrap();
    let words = "written by a newer scrip (format 4; this one knows format 3): use that version, or a newer one";
    check_refused(root.path(), OpenMode::Create, words);
    assert!(open_reader(root.path()).map(|_| ()).unwrap_err().to_string().contains(words));
}

#[test]
fn a_store_that_was_being_made_is_made_again() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("scrip.db"), "").unwrap();
    std::fs::write(root.path().join("scrip.lock"), "").unwrap();
    drop(SqliteStore::open(root.path(), OpenMode::Create).unwrap());
    assert_eq!(open_reader(root.path()).unwrap().extent().unwrap().last, 0);
}

#[test]
fn a_cut_database_is_refused_or_detected() {
    let root = tempfile::tempdir().unwrap();
    fill(root.path());
    let path = root.path().join("scrip.db");
    let whole = std::fs::read(&path).unwrap();
    for length in [whole.len() / 2, 4_096, 200] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let detected = match open_reader(root.path()) {
            Err(_) => true,
            Ok(reader) => scrip_engine::verify::verify(reader.as_ref(), &mut |_| {}).is_err(),
        };
        assert!(detected, "{length} bytes of {}", whole.len());
    }
}

/// A snapshot does not see what is appended after it was taken.
#[test]
fn a_snapshot_stands_still() {
    let root = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(root.path(), OpenMode::Create).unwrap();
    let snapshot = open_reader(root.path()).unwrap();
    let now = scrip_core::time::Time::from_micros(5);
    store.append(&Batch { documents: vec![Document::Clock { now }], ..Batch::default() }).unwrap();
    assert_eq!(snapshot.documents().unwrap(), []);
    assert_eq!(open_reader(root.path()).unwrap().documents().unwrap(), [Document::Clock { now }]);
}

/// A store that another program keeps locked: nothing is written, and the next attempt goes through.
#[test]
fn a_refused_append_can_be_repeated() {
    let root = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(root.path(), OpenMode::Create).unwrap();
    let full = Connection::open(root.path().join("scrip.db")).unwrap();
    full.execute_batch("CREATE TRIGGER stop BEFORE INSERT ON clock BEGIN SELECT RAISE(ABORT, 'no'); END").unwrap();
    let now = scrip_core::time::Time::from_micros(5);
    let behind = |terms: Vec<(u64, u64)>, mark| scrip_engine::store::Behind { terms, mark, ..Default::default() };
    let first = Batch { behind: behind(vec![(1, 1), (2, 2)], None), ..Batch::default() };
    store.append(&first).unwrap();
    let second =
        Batch { documents: vec![Document::Clock { now }], behind: behind(vec![(3, 3)], Some(3)), ..Batch::default() };
    let refused = Batch { documents: second.documents.clone(), ..second.clone() };
    assert!(store.append(&refused).is_err());
    assert_eq!(store.reader().extent().unwrap().mark, 0);
    full.execute_batch("DROP TRIGGER stop").unwrap();
    store.append(&second).unwrap();
    let term = |key: u64| scrip_core::entry::Term(u128::from(key) << 64);
    for key in 1..=3 {
        assert_eq!(store.reader().positions(term(key)).unwrap(), [key]);
    }
}

/// What is read back after a crash is acknowledged: opening makes it durable, also where it was only in memory.
#[test]
fn opening_moves_what_a_crash_left_into_the_database() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let now = scrip_core::time::Time::from_micros(5);
    let mut store = SqliteStore::open(&path("running"), OpenMode::Create).unwrap();
    store.append(&Batch { documents: vec![Document::Clock { now }], ..Batch::default() }).unwrap();
    let copy = |from: &str, to: &str, names: &[&str]| {
        std::fs::create_dir(path(to)).unwrap();
        for name in names {
            std::fs::copy(path(from).join(name), path(to).join(name)).unwrap();
        }
    };
    copy("running", "crashed", &["scrip.db", "scrip.db-wal"]);
    let crashed = SqliteStore::open(&path("crashed"), OpenMode::Existing).unwrap();
    copy("crashed", "without-log", &["scrip.db"]);
    assert_eq!(open_reader(&path("without-log")).unwrap().documents().unwrap(), [Document::Clock { now }]);
    drop(crashed);
}

/// Customers' doings and digests of keys are nobody else's business.
#[test]
fn files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("a/b");
    let _store = SqliteStore::open(&folder, OpenMode::Create).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for name in ["scrip.db", "scrip.db-wal", "scrip.db-shm", "scrip.lock"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

/// A second attempt in the same process must not let go of the first one's locks: another program that closes the
/// database would then take itself for the last, and take the write-ahead log away.
#[test]
fn a_refused_opening_leaves_the_locks_alone() {
    let root = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(root.path(), OpenMode::Create).unwrap();
    assert!(matches!(SqliteStore::open(root.path(), OpenMode::Create).map(|_| ()), Err(OpenError::InUse(_))));
    drop(open_reader(root.path()).unwrap());
    let shell =
        std::process::Command::new("sqlite3").arg(root.path().join("scrip.db")).arg("PRAGMA user_version").output();
    // Without the shell there is nothing to prove.
    let Ok(shell) = shell else { return };
    assert_eq!(shell.stdout, b"3\n");
    assert!(root.path().join("scrip.db-wal").exists());
    let now = scrip_core::time::Time::from_micros(5);
    store.append(&Batch { documents: vec![Document::Clock { now }], ..Batch::default() }).unwrap();
    assert_eq!(open_reader(root.path()).unwrap().documents().unwrap(), [Document::Clock { now }]);
}

/// What a crash leaves is read as it is, by a reader that finds no server and may be the first to look.
#[test]
fn a_snapshot_of_a_crashed_store_has_all_that_was_appended() {
    let root = tempfile::tempdir().unwrap();
    let (folder, crashed) = (root.path().join("running"), root.path().join("crashed"));
    let mut store = SqliteStore::open(&folder, OpenMode::Create).unwrap();
    let now = scrip_core::time::Time::from_micros(5);
    store.append(&Batch { documents: vec![Document::Clock { now }], ..Batch::default() }).unwrap();
    std::fs::create_dir(&crashed).unwrap();
    for name in ["scrip.db", "scrip.db-wal"] {
        std::fs::copy(folder.join(name), crashed.join(name)).unwrap();
    }
    assert_eq!(open_reader(&crashed).unwrap().documents().unwrap(), [Document::Clock { now }]);
}
