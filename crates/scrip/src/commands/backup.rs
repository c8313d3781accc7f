//! `scrip backup`: a copy of the whole store in one file, as it is at one moment, proved before it has its name.

use std::fmt;
use std::path::Path;

use scrip_core::time::Time;
use scrip_engine::store::{Reader, StoreError};
use scrip_store_sqlite::{Copied, CopyError, OpenError, Unfinished, back_up};

use crate::args::BackupArguments;
use crate::commands::verify;
use crate::failure::Failure;
use crate::place;
use crate::progress::{Progress, grouped};

/// Makes a backup, or leaves no file.
pub(crate) fn run(arguments: &BackupArguments) -> Result<(), Failure> {
    let (folder, file) = (place::folder_to_copy(&arguments.place)?, &arguments.file);
    let mut shown = CopyProgress::default();
    let copied = back_up(folder, file, &mut |now| shown.set(now));
    shown.finish();
    let copy = copied.map_err(uncopied)?;
    let contents = prove(&copy, folder)?;
    copy.finish().map_err(uncopied)?;
    println!("backed up {} to {}: {contents}", folder.display(), file.display());
    Ok(())
}

/// Proves a copy of `source`, and says what it holds.
pub(super) fn prove(copy: &Unfinished, source: &Path) -> Result<Contents, Failure> {
    let reader = copy.reader().map_err(uncopied)?;
    Contents::proved(&*reader, source)
}

/// Damage is an answer, as it is for `verify`; anything else is no answer.
pub(super) fn uncopied(error: CopyError) -> Failure {
    let damaged = matches!(
        &error,
        CopyError::Database { error: StoreError::Damaged(_), .. }
            | CopyError::Folder(OpenError::Database { error: StoreError::Damaged(_), .. })
    );
    if damaged { Failure::No(error.to_string()) } else { Failure::Failed(error.to_string()) }
}

/// What a copy holds.
pub(crate) struct Contents {
    entries: u64,
    accounts: u64,
    /// When the last entry took effect.
    last: Option<Time>,
}

impl Contents {
    /// Proves what `reader` reads, and says what it holds; a failure names `path`.
    pub(crate) fn proved(reader: &dyn Reader, path: &Path) -> Result<Contents, Failure> {
        let report = verify::prove(reader, path)?;
        let last = reader.row(report.extent.last).map_err(|error| Failure::of_path(path, &error))?;
        Ok(Contents { entries: report.extent.last, accounts: report.accounts, last: last.map(|row| row.record.at) })
    }
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entries of {} accounts", grouped(self.entries), grouped(self.accounts))?;
        match self.last {
            Some(last) => write!(f, ", the last of {last}"),
            None => Ok(()),
        }
    }
}

/// How far a copy has come, in KiB.
#[derive(Default)]
pub(super) struct CopyProgress(Option<Progress>);

impl CopyProgress {
    pub(super) fn set(&mut self, now: Copied) {
        let progress = self.0.get_or_insert_with(|| Progress::new("KiB", now.of / 1_024));
        progress.set(now.bytes / 1_024);
    }

    pub(super) fn finish(self) {
        if let Some(progress) = self.0 {
            progress.finish();
        }
    }
}
