//! Opening a data folder: whose it is, whether it is free, and what version wrote it, before anything is changed.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use scrip_engine::store::StoreError;

use crate::schema::{self, APPLICATION_ID, VERSION};
use crate::trouble;

/// The database's name in its folder.
const DATABASE: &str = "scrip.db";
/// The lock's name in its folder.
const LOCK: &str = "scrip.lock";

/// What to do where there is no store yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Make the folder and an empty store.
    Create,
    /// Refuse.
    Existing,
}

/// Why a data folder was not opened. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no store.
    #[error("{} holds no scrip: name another data folder, or start `scrip serve` on it to make one", .0.display())]
    Missing(PathBuf),
    /// Another process has it open.
    #[error("{} is in use by another scrip: stop that one, or name another data folder", .0.display())]
    InUse(PathBuf),
    /// A newer scrip wrote it.
    #[error("{} was written by a newer scrip (format {found}; this one knows format {known}): use that version, or a newer one", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// The version found.
        found: i32,
        /// The newest version known here.
        known: i32,
    },
    /// It belongs to something else.
    #[error("{} is not a scrip's: {why}; name an empty or new folder", path.display())]
    NotOurs {
        /// What was found.
        path: PathBuf,
        /// How that is known.
        why: &'static str,
    },
    /// It cannot be written.
    #[error("{} cannot be written: make it writable for this user, or name another data folder", .0.display())]
    ReadOnly(PathBuf),
    /// It cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// What was opened.
        path: PathBuf,
        /// What went wrong.
        error: std::io::Error,
    },
    /// The database's contents cannot be used.
    #[error("{}: {error}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What went wrong.
        error: StoreError,
    },
}

/// A data folder that this process holds the lock of.
#[derive(Debug)]
pub(crate) struct Folder {
    database: PathBuf,
    /// Held open for its lock.
    _lock: File,
}

impl Folder {
    /// Takes the folder, making it and an empty store where asked to.
    pub(crate) fn open(dir: &Path, mode: OpenMode) -> Result<Folder, OpenError> {
        let database = dir.join(DATABASE);
        match inspect(&database)? {
            Found::Store => {}
            Found::Nothing if mode == OpenMode::Existing => return Err(OpenError::Missing(dir.to_owned())),
            Found::Nothing => {
                std::fs::create_dir_all(dir).map_err(|error| unwritable(dir, error))?;
                refuse_strangers(dir)?;
            }
        }
        let lock = lock(dir)?;
        let folder = Folder { database, _lock: lock };
        folder.complete().map_err(|error| folder.trouble(&error))?;
        Ok(folder)
    }

    /// Makes the tables where there are none: in a new store, and in one whose making was cut short.
    fn complete(&self) -> rusqlite::Result<()> {
        let mut connection = connect(&self.database, writer_flags() | OpenFlags::SQLITE_OPEN_CREATE)?;
        let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 { schema::create(&mut connection) } else { Ok(()) }
    }

    /// A connection that writes.
    pub(crate) fn writer(&self) -> rusqlite::Result<Connection> {
        prepare_writer(connect(&self.database, writer_flags())?)
    }

    /// The database's path.
    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    /// The folder's database holds what it should not.
    pub(crate) fn refusal(&self, error: StoreError) -> OpenError {
        OpenError::Database { path: self.database.clone(), error }
    }

    /// The folder's database failed.
    pub(crate) fn trouble(&self, error: &rusqlite::Error) -> OpenError {
        database_trouble(&self.database, error)
    }
}

/// The database of a folder that another process may have open.
pub(crate) fn beside(dir: &Path) -> Result<Connection, OpenError> {
    let database = dir.join(DATABASE);
    match inspect(&database)? {
        Found::Nothing => Err(OpenError::Missing(dir.to_owned())),
        Found::Store => reader(&database).map_err(|error| database_trouble(&database, &error)),
    }
}

/// A connection that reads a database.
pub(crate) fn reader(database: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(database, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -4_096)?;
    Ok(connection)
}

fn writer_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn connect(database: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(database, flags)?;
    // A reader that opens in the instant of a checkpoint or of recovery waits for it.
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Durable at every commit; checkpoints only when asked for.
fn prepare_writer(connection: Connection) -> rusqlite::Result<Connection> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -32_768)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    Ok(connection)
}

enum Found {
    Nothing,
    Store,
}

/// Looks at the database's own header, without SQLite and without changing anything.
fn inspect(database: &Path) -> Result<Found, OpenError> {
    let unreadable = |error| OpenError::Unreadable { path: database.to_owned(), error };
    let mut header = Vec::with_capacity(100);
    match File::open(database) {
        Ok(file) => file.take(100).read_to_end(&mut header).map_err(unreadable)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(unreadable(error)),
    };
    // A store that was being made when its process was killed.
    if header.is_empty() {
        return Ok(Found::Nothing);
    }
    let not_ours = |why| OpenError::NotOurs { path: database.to_owned(), why };
    let number = |place: usize| {
        let bytes: Option<[u8; 4]> = header.get(place..place + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(i32::from_be_bytes)
    };
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(not_ours("its scrip.db is no database of SQLite's"));
    }
    match (number(68), number(60)) {
        (Some(APPLICATION_ID), Some(found)) if found > VERSION => {
            Err(OpenError::Newer { path: database.to_owned(), found, known: VERSION })
        }
        (Some(APPLICATION_ID), Some(_)) => Ok(Found::Store),
        _ => Err(not_ours("its scrip.db is another program's database")),
    }
}

/// A folder where a store is to be made must hold nothing of anyone else's.
fn refuse_strangers(dir: &Path) -> Result<(), OpenError> {
    let unreadable = |error| OpenError::Unreadable { path: dir.to_owned(), error };
    for found in std::fs::read_dir(dir).map_err(unreadable)? {
        let name = found.map_err(unreadable)?.file_name();
        let name = name.to_string_lossy();
        if !(name.starts_with("scrip") || name.starts_with('.') || name == "lost+found") {
            return Err(OpenError::NotOurs { path: dir.to_owned(), why: "it holds other files" });
        }
    }
    Ok(())
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| unwritable(dir, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::Unreadable { path, error }),
    }
}

fn unwritable(path: &Path, error: std::io::Error) -> OpenError {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => OpenError::ReadOnly(path.to_owned()),
        _ => OpenError::Unreadable { path: path.to_owned(), error },
    }
}

fn database_trouble(database: &Path, error: &rusqlite::Error) -> OpenError {
    OpenError::Database { path: database.to_owned(), error: trouble::refused(error) }
}
