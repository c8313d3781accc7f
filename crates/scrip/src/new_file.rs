//! A file that is there only once it is whole, and that never takes the place of another.
//!
//! It is written under a temporary name beside its own, which one process at a time has locked; what a killed one left
//! there is begun anew. It must never touch a file of the name that is asked for.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Files are for the user that made them alone: they hold what customers did.
const PRIVATE: u32 = 0o600;

/// A file under its temporary name. Dropped before it is finished, it is removed.
pub(crate) struct NewFile {
    /// Locked as long as it is open.
    file: File,
    part: PathBuf,
    whole: PathBuf,
    finished: bool,
}

impl NewFile {
    /// Begins the file; refuses one that is there, or that another process is writing.
    pub(crate) fn begin(whole: &Path) -> Result<NewFile, Failure> {
        refuse_existing(whole)?;
        let Some(name) = whole.file_name() else { return Err(Failure::of_path(whole, &"is not the name of a file")) };
        let mut name = name.to_owned();
        name.push(".part");
        let part = whole.with_file_name(name);
        let trouble = |error: io::Error| Failure::of_path(&part, &error);
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).mode(PRIVATE).open(&part);
        let file = file.map_err(trouble)?;
        let at_work =
            || Failure::of_path(&part, &"is being written by another scrip: wait for it, or choose another name");
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(at_work()),
            Err(TryLockError::Error(error)) => return Err(trouble(error)),
        }
        // Whoever held the lock may have ended in between, and then this is not the temporary file any more.
        refuse_existing(whole)?;
        let same = |named: std::fs::Metadata| Ok(named.ino() == file.metadata()?.ino());
        match part.symlink_metadata().and_then(same) {
            Ok(true) => {}
            Ok(false) => return Err(at_work()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(at_work()),
            Err(error) => return Err(trouble(error)),
        }
        file.set_len(0).map_err(trouble)?;
        Ok(NewFile { file, part, whole: whole.to_owned(), finished: false })
    }

    /// Its temporary name.
    pub(crate) fn part(&self) -> &Path {
        &self.part
    }

    /// Flushes it and gives it its name, for good: it survives loss of power from here on.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        if self.whole.symlink_metadata().is_ok() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("{} was made meanwhile", self.whole.display()),
            ));
        }
        std::fs::rename(&self.part, &self.whole)?;
        self.finished = true;
        let folder = self.whole.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    /// Removes what did not become whole.
    fn drop(&mut self) {
        if !self.finished
            && let Err(error) = std::fs::remove_file(&self.part)
            && error.kind() != io::ErrorKind::NotFound
        {
            let (part, whole) = (self.part.display(), self.whole.display());
            eprintln!("{part}: could not be removed: {error}; it is not the whole {whole}");
        }
    }
}

/// Refuses a file that is there already.
pub(crate) fn refuse_existing(file: &Path) -> Result<(), Failure> {
    match file.symlink_metadata() {
        Ok(_) => Err(Failure::of_path(file, &"is there already and is not overwritten: choose another name")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::of_path(file, &error)),
    }
}
