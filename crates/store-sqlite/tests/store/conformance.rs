//! The embedded store passes the suite of the port, crashes included.

use std::path::{Path, PathBuf};

use scrip_engine::store::Store;
use scrip_engine::store::conformance::{Subject, check};
use scrip_store_sqlite::{OpenMode, SqliteStore};
use tempfile::TempDir;

/// A data folder; after a crash, a copy of its files as they were at that moment.
struct Folder {
    root: TempDir,
    generation: u32,
}

impl Folder {
    fn new() -> Folder {
        Folder { root: tempfile::tempdir().unwrap(), generation: 0 }
    }

    fn path(&self) -> PathBuf {
        self.root.path().join(self.generation.to_string())
    }
}

/// What `kill -9` leaves: the database and its write-ahead log, in the state of the last write.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for name in ["scrip.db", "scrip.db-wal"] {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

impl Subject for Folder {
    fn open(&mut self) -> Box<dyn Store> {
        Box::new(SqliteStore::open(&self.path(), OpenMode::Create).unwrap())
    }

    fn crash(&mut self) {
        let from = self.path();
        self.generation += 1;
        copy(&from, &self.path());
    }
}

#[test]
fn the_embedded_store_conforms() {
    check(Folder::new);
}
