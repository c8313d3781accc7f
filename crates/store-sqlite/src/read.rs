//! The read side: beside the writer of this process, or beside another process at one snapshot.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::Connection;
use scrip_core::entry::Term;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_engine::store::{Document, Erasing, Extent, Head, Reader, Row, StoreError, StoredAccount, indexed};

use crate::folder::{self, OpenError};
use crate::queries::Unread;
use crate::runs::{self, Run, Runs};
use crate::trouble::refused;
use crate::{documents, erase, proof, queries};

/// Connections kept for the next reader; more are opened when more read at once, and closed again.
const IDLE_LIMIT: usize = 8;

/// Reads beside the writer: each question sees every append that has returned.
#[derive(Debug)]
pub(crate) struct Beside {
    database: PathBuf,
    runs: Runs,
    idle: Mutex<Vec<Connection>>,
}

impl Beside {
    pub(crate) fn new(database: &Path, runs: Runs) -> Beside {
        Beside { database: database.to_owned(), runs, idle: Mutex::new(Vec::new()) }
    }

    /// Closes the connections that nobody uses: the last to close a database tidies it, and must be the writer.
    pub(crate) fn close_idle(&self) {
        self.idle().clear();
    }

    /// Does a piece of reading on a connection of its own.
    fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => folder::reader(&self.database).map_err(|error| refused(&error))?,
        };
        let answer = work(&connection);
        let mut idle = self.idle();
        if idle.len() < IDLE_LIMIT {
            idle.push(connection);
        }
        answer
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().expect("no holder of the lock panics")
    }
}

impl Reader for Beside {
    fn documents(&self) -> Result<Vec<Document>, StoreError> {
        self.with(documents::read)
    }

    fn extent(&self) -> Result<Extent, StoreError> {
        self.with(queries::extent)
    }

    fn account(&self, number: AccountNumber) -> Result<Option<StoredAccount>, StoreError> {
        self.with(|connection| queries::account(connection, number))?.map(Unread::read).transpose()
    }

    fn account_number(&self, studio: StudioNumber, id: &AccountId) -> Result<Option<AccountNumber>, StoreError> {
        self.with(|connection| queries::account_number(connection, studio, id))
    }

    fn accounts(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<StoredAccount>, StoreError> {
        read_all(self.with(|connection| queries::accounts(connection, after, limit))?)
    }

    fn row(&self, position: u64) -> Result<Option<Row>, StoreError> {
        self.with(|connection| queries::row(connection, position))
    }

    fn rows_from(&self, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.with(|connection| queries::rows_from(connection, position, limit))
    }

    fn rows_before(&self, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.with(|connection| queries::rows_before(connection, position, limit))
    }

    fn erasing(&self) -> Result<Vec<Erasing>, StoreError> {
        self.with(erase::unfinished)
    }

    fn positions(&self, term: Term) -> Result<Vec<u64>, StoreError> {
        let key = indexed(term);
        loop {
            let candidates = self.runs.candidates(key);
            if candidates.runs.is_empty() {
                return Ok(Vec::new());
            }
            let found = self.with(|connection| runs::positions(connection, &candidates.runs, key))?;
            // Runs that were merged meanwhile may be gone from the tables: look again in what replaced them.
            if self.runs.still(&candidates) {
                return Ok(found);
            }
        }
    }

    fn heads(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<Head>, StoreError> {
        self.with(|connection| queries::heads(connection, after, limit))
    }

    fn rows_of(&self, buckets: Range<u16>, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.with(|connection| queries::rows_of(connection, &buckets, position, limit))
    }

    fn terms(&self, see: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        // One snapshot: runs are merged meanwhile.
        self.with(|connection| {
            let snapshot = connection.unchecked_transaction().map_err(|error| refused(&error))?;
            proof::terms(&snapshot, see)
        })
    }

    fn sound(&self) -> Result<(), StoreError> {
        self.with(proof::structure)
    }
}

fn read_all(unread: Vec<Unread>) -> Result<Vec<StoredAccount>, StoreError> {
    unread.into_iter().map(Unread::read).collect()
}

/// Reads a data folder at one snapshot, whether or not a server has it open; nothing is written. For `verify`
/// and `export`. The snapshot keeps the write-ahead log from being emptied while it lives.
pub fn open_reader(dir: &Path) -> Result<Arc<dyn Reader>, OpenError> {
    snapshot(folder::beside(dir)?).map_err(|error| OpenError::Database { path: dir.to_owned(), error })
}

/// Reads on a connection, which stands still ([`folder::stand_still`]).
pub(crate) fn snapshot(connection: Connection) -> Result<Arc<dyn Reader>, StoreError> {
    let runs = runs::live(&connection)?;
    Ok(Arc::new(Snapshot {
        connection: Mutex::new(connection),
        runs: runs.iter().map(|Run { run, .. }| *run).collect(),
    }))
}

/// One snapshot of a database.
#[derive(Debug)]
struct Snapshot {
    connection: Mutex<Connection>,
    runs: Vec<i64>,
}

impl Snapshot {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().expect("no holder of the lock panics")
    }
}

impl Reader for Snapshot {
    fn documents(&self) -> Result<Vec<Document>, StoreError> {
        documents::read(&self.connection())
    }

    fn extent(&self) -> Result<Extent, StoreError> {
        queries::extent(&self.connection())
    }

    fn account(&self, number: AccountNumber) -> Result<Option<StoredAccount>, StoreError> {
        // The connection is let go before the row is read: several threads ask at once.
        let unread = queries::account(&self.connection(), number)?;
        unread.map(Unread::read).transpose()
    }

    fn account_number(&self, studio: StudioNumber, id: &AccountId) -> Result<Option<AccountNumber>, StoreError> {
        queries::account_number(&self.connection(), studio, id)
    }

    fn accounts(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<StoredAccount>, StoreError> {
        let unread = queries::accounts(&self.connection(), after, limit)?;
        read_all(unread)
    }

    fn row(&self, position: u64) -> Result<Option<Row>, StoreError> {
        queries::row(&self.connection(), position)
    }

    fn rows_from(&self, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        queries::rows_from(&self.connection(), position, limit)
    }

    fn rows_before(&self, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        queries::rows_before(&self.connection(), position, limit)
    }

    fn erasing(&self) -> Result<Vec<Erasing>, StoreError> {
        erase::unfinished(&self.connection())
    }

    fn positions(&self, term: Term) -> Result<Vec<u64>, StoreError> {
        runs::positions(&self.connection(), &self.runs, indexed(term))
    }

    fn heads(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<Head>, StoreError> {
        queries::heads(&self.connection(), after, limit)
    }

    fn rows_of(&self, buckets: Range<u16>, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        queries::rows_of(&self.connection(), &buckets, position, limit)
    }

    fn terms(&self, see: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        proof::terms(&self.connection(), see)
    }

    fn sound(&self) -> Result<(), StoreError> {
        proof::structure(&self.connection())
    }
}
