//! Copying a whole store to one file, and back into a folder.
//!
//! Either way the copy has a temporary name until the caller has proved it and calls
//! [`Unfinished::finish`]: a file with its own name is whole. Nothing that exists is ever replaced,
//! except what an earlier copy, cut short, left under the temporary name.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use scrip_engine::store::{Reader, StoreError};

use crate::folder::{self, DATABASE, OpenError, RESTORING};
use crate::header::{self, Whose};
use crate::read;
use crate::schema::VERSION;
use crate::trouble::refused;

/// Pages copied at a time: 4 MiB.
const STEP: i32 = 1_024;

/// How far a copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Bytes written.
    pub bytes: u64,
    /// Bytes in all.
    pub of: u64,
}

/// Why there is no copy. What was there before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] OpenError),
    /// A file of the backup's name.
    #[error("{} is there already and is not overwritten: choose another name", .0.display())]
    FileExists(PathBuf),
    /// A store in the folder.
    #[error("{} holds a scrip already, which is not overwritten: name a new or empty folder with --data", .0.display())]
    StoreExists(PathBuf),
    /// Something else in the folder.
    #[error("{} is not empty (it holds {name}): name a new or empty folder with --data", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// What was found.
        name: String,
    },
    /// The same copy is being made.
    #[error("{} is being written by another scrip: wait for it, or choose another name", .0.display())]
    AtWork(PathBuf),
    /// The file is no whole backup.
    #[error("{} is no backup that can be restored: {why}", path.display())]
    NoBackup {
        /// The file.
        path: PathBuf,
        /// How that is known.
        why: String,
    },
    /// There is no room.
    #[error("{}: the disk is full: nothing was kept; free some space and try again", .0.display())]
    DiskFull(PathBuf),
    /// A file could not be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        error: std::io::Error,
    },
    /// A database could not be read or written, or is damaged.
    #[error("{}: {error}", path.display())]
    Database {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        error: StoreError,
    },
}

/// A copy under its temporary name. Dropped before it is finished, it is removed.
#[derive(Debug)]
pub struct Unfinished {
    /// What it is a copy of.
    source: PathBuf,
    temporary: PathBuf,
    target: PathBuf,
    /// Keeps others from making the same copy.
    _lock: File,
}

/// Copies the store of `dir` to `file`, under a temporary name beside it, as it is at this moment: with every append
/// that has returned, and beside a running server, whose commits it does not hold up.
pub fn back_up(dir: &Path, file: &Path, progress: &mut dyn FnMut(Copied)) -> Result<Unfinished, CopyError> {
    refuse_existing(file)?;
    let source = folder::beside(dir)?;
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(".partial");
    let temporary = PathBuf::from(temporary);
    let mut made = File::options();
    made.read(true).write(true).create(true).truncate(false).mode(folder::PRIVATE);
    let made = made.open(&temporary).map_err(|error| file_trouble(&temporary, error))?;
    match made.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(CopyError::AtWork(temporary)),
        Err(TryLockError::Error(error)) => return Err(file_trouble(&temporary, error)),
    }
    let copy = Unfinished { source: dir.to_owned(), temporary, target: file.to_owned(), _lock: made };
    // Whoever held the lock may have finished in between, and then this is not the temporary file any more.
    refuse_existing(file)?;
    copy.fill_from_store(&source, progress)?;
    Ok(copy)
}

/// Copies a backup into `dir`, which must hold nothing, under a temporary name. Until it is finished the folder is
/// refused by everything else that opens stores.
pub fn restore(file: &Path, dir: &Path, progress: &mut dyn FnMut(Copied)) -> Result<Unfinished, CopyError> {
    let length = backup_length(file)?;
    refuse_occupied(dir)?;
    folder::make(dir).map_err(|error| folder::unwritable(dir, error))?;
    let lock = folder::lock(dir)?;
    // Again: now nobody else can put anything there.
    refuse_occupied(dir)?;
    let (temporary, target) = (dir.join(RESTORING), dir.join(DATABASE));
    let copy = Unfinished { source: file.to_owned(), temporary, target, _lock: lock };
    copy.fill_from_file(file, length, progress)?;
    Ok(copy)
}

impl Unfinished {
    /// Reads the copy, for the proof that it is sound. Damage is its source's.
    pub fn reader(&self) -> Result<Arc<dyn Reader>, CopyError> {
        let connection = folder::reader(&self.temporary)
            .and_then(|connection| folder::stand_still(&connection).map(|()| connection))
            .map_err(|error| refused(&error));
        let reader = connection.and_then(read::snapshot);
        reader.map_err(|error| CopyError::Database { path: self.source.clone(), error })
    }

    /// Takes the secrets out that customers' tokens are made with: whoever read the backup could make tokens, and they
    /// would be good on what is restored of it. For a copy that was proved.
    pub fn forget_token_secrets(&self) -> Result<(), CopyError> {
        let trouble = |error| self.database_trouble(&error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let copy = folder::connect(&self.temporary, flags).map_err(trouble)?;
        // Whatever cuts this short leaves a copy without a name, as before.
        copy.pragma_update_and_check(None, "journal_mode", "off", |_| Ok(())).map_err(trouble)?;
        copy.pragma_update_and_check(None, "secure_delete", true, |_| Ok(())).map_err(trouble)?;
        copy.pragma_update(None, "synchronous", "FULL").map_err(trouble)?;
        // Before version 3 of the store there were none.
        let there = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'token_secrets'";
        let tables: i64 = copy.query_row(there, (), |row| row.get(0)).map_err(trouble)?;
        if tables > 0 {
            copy.execute("DELETE FROM token_secrets", ()).map_err(trouble)?;
        }
        copy.close().map_err(|(_, error)| trouble(error))
    }

    /// Gives the copy its name, for good: it survives loss of power from here on.
    pub fn finish(self) -> Result<(), CopyError> {
        refuse_existing(&self.target)?;
        std::fs::rename(&self.temporary, &self.target).map_err(|error| file_trouble(&self.target, error))?;
        let folder = match self.target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| file_trouble(folder, error))
    }

    fn fill_from_store(&self, source: &Connection, progress: &mut dyn FnMut(Copied)) -> Result<(), CopyError> {
        let trouble = |error| self.database_trouble(&error);
        let file = self.empty()?;
        // The source stands still: all steps copy one snapshot, whatever is committed meanwhile.
        let page: u64 = source.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(trouble)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut target = folder::connect(&self.temporary, flags).map_err(trouble)?;
        // Until it is whole it is worth nothing: no journal, and one flush at the end.
        target.pragma_update_and_check(None, "journal_mode", "off", |_| Ok(())).map_err(trouble)?;
        target.pragma_update(None, "synchronous", "OFF").map_err(trouble)?;
        {
            let backup = Backup::new(source, &mut target).map_err(trouble)?;
            loop {
                match backup.step(STEP).map_err(trouble)? {
                    StepResult::Done => break,
                    StepResult::More => {}
                    // Nobody but this function knows the temporary file, and a snapshot waits for nobody.
                    other => return Err(self.interfered(other)),
                }
                let now = backup.progress();
                let bytes = |pages| u64::try_from(pages).expect("a count of pages") * page;
                progress(Copied { bytes: bytes(now.pagecount - now.remaining), of: bytes(now.pagecount) });
            }
        }
        target.close().map_err(|(_, error)| trouble(error))?;
        // The pages say, as the store's do, that a write-ahead log belongs to them; none belongs to this file.
        let flushed = file.write_all_at(&[1, 1], header::FORM).and_then(|()| file.sync_all());
        flushed.map_err(|error| file_trouble(&self.temporary, error))?;
        let whole = backup_length(&self.temporary)?;
        progress(Copied { bytes: whole, of: whole });
        Ok(())
    }

    fn fill_from_file(&self, backup: &Path, length: u64, progress: &mut dyn FnMut(Copied)) -> Result<(), CopyError> {
        let mut source = File::open(backup).map_err(|error| file_trouble(backup, error))?;
        let mut target = self.empty()?;
        let mut block = vec![0; 1 << 20];
        let mut bytes = 0;
        loop {
            let read = source.read(&mut block).map_err(|error| file_trouble(backup, error))?;
            if read == 0 {
                break;
            }
            target.write_all(&block[..read]).map_err(|error| file_trouble(&self.temporary, error))?;
            bytes += u64::try_from(read).expect("a block is small");
            progress(Copied { bytes, of: length });
        }
        target.sync_all().map_err(|error| file_trouble(&self.temporary, error))?;
        // Of the copy, not of the file: that may have changed meanwhile.
        backup_length(&self.temporary)?;
        Ok(())
    }

    /// The temporary file, emptied of what an earlier copy left in it.
    fn empty(&self) -> Result<File, CopyError> {
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(folder::PRIVATE);
        options.open(&self.temporary).map_err(|error| file_trouble(&self.temporary, error))
    }

    fn interfered(&self, step: StepResult) -> CopyError {
        let error = StoreError::Refused(format!("another program keeps it locked ({step:?}): close it and try again"));
        CopyError::Database { path: self.temporary.clone(), error }
    }

    fn database_trouble(&self, error: &rusqlite::Error) -> CopyError {
        if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
            return CopyError::DiskFull(self.temporary.clone());
        }
        let error = match refused(error) {
            StoreError::Refused(_) => StoreError::Refused(format!("the copy could not be made: {error}")),
            other => other,
        };
        CopyError::Database { path: self.temporary.clone(), error }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        match std::fs::remove_file(&self.temporary) {
            // Not there: it is finished and has its own name.
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, "{} could not be removed", self.temporary.display());
            }
            Ok(()) | Err(_) => {}
        }
    }
}

/// The length of a file that is, from the outside, a whole backup of a version that is known here.
fn backup_length(file: &Path) -> Result<u64, CopyError> {
    let header = header::read(file).map_err(|error| file_trouble(file, error))?;
    let found = std::fs::metadata(file).map_err(|error| file_trouble(file, error))?.len();
    let no_backup = |why: String| Err(CopyError::NoBackup { path: file.to_owned(), why });
    match header.whose() {
        Whose::Ours => {}
        Whose::Newer { found } => return Err(OpenError::Newer { path: file.to_owned(), found, known: VERSION }.into()),
        Whose::Nobodys => return no_backup("it is empty".to_owned()),
        Whose::NoDatabase => return no_backup("it is no database of SQLite's".to_owned()),
        Whose::AnotherPrograms => return no_backup("it is another program's database, or cut short".to_owned()),
    }
    if header.has_log() {
        return no_backup(
            "it is a copy of a store's own file, without what its write-ahead log held; use a file that `scrip backup` made"
                .to_owned(),
        );
    }
    match header.length() {
        Some(whole) if whole == found => Ok(whole),
        Some(whole) => no_backup(format!("it has {found} bytes of {whole}")),
        None => no_backup("it is cut short".to_owned()),
    }
}

fn refuse_existing(file: &Path) -> Result<(), CopyError> {
    match std::fs::symlink_metadata(file) {
        Ok(_) => Err(CopyError::FileExists(file.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(file_trouble(file, error)),
    }
}

/// A folder to restore into holds nothing but what a restore leaves that was cut short. A write-ahead log without its
/// database would be taken for the restored one's.
fn refuse_occupied(dir: &Path) -> Result<(), CopyError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(file_trouble(dir, error)),
    };
    let mut strangers = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| file_trouble(dir, error))?.file_name();
        let name = name.to_string_lossy();
        if name == DATABASE {
            return Err(CopyError::StoreExists(dir.to_owned()));
        }
        if !(folder::is_the_systems(&name) || name == folder::LOCK || name == RESTORING) {
            strangers.push(name.into_owned());
        }
    }
    match strangers.into_iter().min() {
        Some(name) => Err(CopyError::NotEmpty { path: dir.to_owned(), name }),
        None => Ok(()),
    }
}

fn file_trouble(path: &Path, error: std::io::Error) -> CopyError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => CopyError::DiskFull(path.to_owned()),
        _ => CopyError::File { path: path.to_owned(), error },
    }
}
