//! Opening a data folder: whose it is, whether it is free, and what version wrote it, before anything is changed.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use scrip_engine::store::{ImportDocument, ImportState, StoreError};

use crate::header::{self, Whose};
use crate::schema::{self, VERSION};
use crate::{documents, trouble, upgrade};

/// The database's name in its folder.
pub(crate) const DATABASE: &str = "scrip.db";
/// The name that SQLite gives the database's write-ahead log.
const LOG: &str = "scrip.db-wal";
/// Said of a file that only has the database's name.
const NO_DATABASE: &str = "its scrip.db is no database of SQLite's";
/// Bytes that the write-ahead log keeps on the disk when it starts again.
const LOG_LIMIT: i64 = 128 * 1024 * 1024;
/// What a database that is being restored is called until it was found whole.
pub(crate) const RESTORING: &str = "scrip.db.restoring";
/// The lock's name in its folder.
pub(crate) const LOCK: &str = "scrip.lock";
/// How long a connection waits for another's lock.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
/// Files are for the user that runs scrip alone: they hold what customers did, and digests of keys.
pub(crate) const PRIVATE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;

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
    /// A restore into it is not finished: it must not be taken for a new folder.
    #[error("a restore into {} was cut short, or is at work: run `scrip restore` again, or remove {RESTORING}", .0.display())]
    Restoring(PathBuf),
    /// An import into it is not complete: what it holds may not be all, and is not proved.
    #[error("{}: {}", .0.display(), scrip_engine::import::UNDER_WAY)]
    Importing(PathBuf),
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
        // Before the database is looked at: closing a file that SQLite has open in this process would let go of
        // SQLite's own locks on it.
        let held = if dir.join(LOCK).exists() { Some(lock(dir)?) } else { None };
        match inspect(&database)? {
            Found::Store => {}
            Found::Nothing if mode == OpenMode::Existing => return Err(OpenError::Missing(dir.to_owned())),
            Found::Nothing => {
                make(dir).map_err(|error| unwritable(dir, error))?;
                refuse_strangers(dir)?;
            }
        }
        let lock = held.map_or_else(|| lock(dir), Ok)?;
        let folder = Folder { database, _lock: lock };
        folder.flush_log()?;
        folder.make_file()?;
        folder.complete()?;
        Ok(folder)
    }

    /// Whoever had the store before may have been killed between writing a commit and flushing it. It is read back all
    /// the same, and repeats will be answered from it: so it is flushed before anyone can ask.
    fn flush_log(&self) -> Result<(), OpenError> {
        let log = self.database.with_file_name(LOG);
        match File::open(&log).and_then(|log| log.sync_all()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(OpenError::Unreadable { path: log, error }),
            _ => Ok(()),
        }
    }

    /// Makes the database's file where there is none: SQLite would make it readable for everyone.
    fn make_file(&self) -> Result<(), OpenError> {
        match File::options().write(true).create_new(true).mode(PRIVATE).open(&self.database) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(unwritable(&self.database, error)),
            _ => Ok(()),
        }
    }

    /// Makes the tables where there are none, in a new store and in one whose making was cut short, makes an earlier
    /// version this one, and gives kinds of entries that came since a word. The version is SQLite's word: the file's own header may not have it yet.
    fn complete(&self) -> Result<(), OpenError> {
        let trouble = |error: rusqlite::Error| self.trouble(&error);
        let mut connection =
            connect(&self.database, writer_flags() | OpenFlags::SQLITE_OPEN_CREATE).map_err(trouble)?;
        match connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(trouble)? {
            0 => schema::create(&mut connection).map_err(trouble),
            1 => upgrade::from_1(&mut connection).map_err(trouble),
            2 => upgrade::from_2(&mut connection).map_err(trouble),
            VERSION => schema::complete_kinds(&mut connection).map_err(trouble),
            found => Err(OpenError::Newer { path: self.database.clone(), found, known: VERSION }),
        }
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

/// The database of a folder that another process may have open, or this one: so SQLite alone opens it, see [`Folder::open`].
/// It stands still from here on: what it is, is looked at in the snapshot that is read.
pub(crate) fn beside(dir: &Path) -> Result<Connection, OpenError> {
    let path = dir.join(DATABASE);
    match std::fs::metadata(&path) {
        Ok(found) if found.len() > 0 => {}
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(OpenError::Unreadable { path, error }),
        _ => return Err(OpenError::Missing(dir.to_owned())),
    }
    let trouble = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => not_ours(&path, NO_DATABASE),
        _ => database_trouble(&path, &error),
    };
    let connection = reader(&path).map_err(trouble)?;
    stand_still(&connection).map_err(trouble)?;
    let number = |name| connection.pragma_query_value(None, name, |row| row.get(0)).map_err(trouble);
    found(&path, Whose::of(number("application_id")?, number("user_version")?))?;
    match documents::import(&connection) {
        Ok(Some(ImportDocument { state: ImportState::UnderWay, .. })) => Err(OpenError::Importing(dir.to_owned())),
        Ok(Some(ImportDocument { state: ImportState::Complete, .. }) | None) => Ok(connection),
        Err(error) => Err(OpenError::Database { path, error }),
    }
}

/// Begins a snapshot, for good, and gives it what an earlier version does not have.
pub(crate) fn stand_still(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN")?;
    // A transaction takes its snapshot with its first read.
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    schema::make_readable(connection, version)
}

/// A connection that reads a database.
pub(crate) fn reader(database: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(database, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -4_096)?;
    Ok(connection)
}

fn writer_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

pub(crate) fn connect(database: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(database, flags)?;
    // A reader that opens in the instant of a checkpoint or of recovery waits for it.
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Durable at every commit; checkpoints only when asked for.
fn prepare_writer(connection: Connection) -> rusqlite::Result<Connection> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    // A log that had to grow beside a long snapshot gives its room back when it starts again.
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_LIMIT, |_| Ok(()))?;
    // What is deleted within a page is overwritten; whole pages are where it matters ([`crate::append`], [`crate::erase`]).
    connection.pragma_update_and_check(None, "secure_delete", "fast", |_| Ok(()))?;
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
    match header::read(database) {
        Ok(header) => found(database, header.whose()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(OpenError::Unreadable { path: database.to_owned(), error }),
    }
}

/// Refuses a database that is not scrip's, or is of a newer one.
fn found(database: &Path, whose: Whose) -> Result<Found, OpenError> {
    match whose {
        // A store that was being made when its process was killed.
        Whose::Nobodys => Ok(Found::Nothing),
        Whose::Ours => Ok(Found::Store),
        Whose::Newer { found } => Err(OpenError::Newer { path: database.to_owned(), found, known: VERSION }),
        Whose::NoDatabase => Err(not_ours(database, NO_DATABASE)),
        Whose::AnotherPrograms => Err(not_ours(database, "its scrip.db is another program's database")),
    }
}

fn not_ours(path: &Path, why: &'static str) -> OpenError {
    OpenError::NotOurs { path: path.to_owned(), why }
}

/// A folder where a store is to be made must hold nothing of anyone else's.
fn refuse_strangers(dir: &Path) -> Result<(), OpenError> {
    let unreadable = |error| OpenError::Unreadable { path: dir.to_owned(), error };
    for found in std::fs::read_dir(dir).map_err(unreadable)? {
        let name = found.map_err(unreadable)?.file_name();
        let name = name.to_string_lossy();
        if name == RESTORING {
            return Err(OpenError::Restoring(dir.to_owned()));
        }
        if !(name.starts_with("scrip") || is_the_systems(&name)) {
            return Err(OpenError::NotOurs { path: dir.to_owned(), why: "it holds other files" });
        }
    }
    Ok(())
}

/// Makes the folder, and its place in the folder around it durable.
pub(crate) fn make(dir: &Path) -> std::io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(around) = dir.parent().filter(|around| !around.as_os_str().is_empty()) {
        make(around)?;
    }
    DirBuilder::new().mode(PRIVATE_FOLDER).create(dir)?;
    let around = dir.parent().filter(|around| !around.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(around)?.sync_all()
}

/// Whether a file's name is one that systems put into empty folders.
pub(crate) fn is_the_systems(name: &str) -> bool {
    name.starts_with('.') || name == "lost+found"
}

/// Takes a folder's lock, which ends with the file that is answered.
pub(crate) fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE)
        .open(&path)
        .map_err(|error| unwritable(dir, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::Unreadable { path, error }),
    }
}

pub(crate) fn unwritable(path: &Path, error: std::io::Error) -> OpenError {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => OpenError::ReadOnly(path.to_owned()),
        _ => OpenError::Unreadable { path: path.to_owned(), error },
    }
}

fn database_trouble(database: &Path, error: &rusqlite::Error) -> OpenError {
    OpenError::Database { path: database.to_owned(), error: trouble::refused(error) }
}
