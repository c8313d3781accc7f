//! Folders that a command fills from nothing: a temporary one that is removed at the end, or a named
//! one that is kept and must be new or empty.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// An empty folder.
pub(crate) struct FreshFolder {
    path: PathBuf,
    fate: Fate,
}

/// What becomes of the folder at the end.
#[derive(PartialEq, Eq)]
enum Fate {
    Kept,
    Removed,
}

impl FreshFolder {
    /// The named folder, or a temporary one for `purpose`.
    pub(crate) fn make(named: Option<&Path>, purpose: &str) -> Result<FreshFolder, Failure> {
        match named {
            Some(path) => {
                std::fs::create_dir_all(path).map_err(|error| Failure::of_path(path, &error))?;
                let mut entries = std::fs::read_dir(path).map_err(|error| Failure::of_path(path, &error))?;
                if entries.next().is_some() {
                    return Err(Failure::of_path(path, &"is not empty: name a new or empty folder with --data"));
                }
                Ok(FreshFolder { path: path.to_owned(), fate: Fate::Kept })
            }
            None => {
                let path = new_folder(&std::env::temp_dir(), &format!("scrip-{purpose}-{}", std::process::id()))?;
                Ok(FreshFolder { path, fate: Fate::Removed })
            }
        }
    }

    /// Whether it stays when the command ends.
    pub(crate) fn is_kept(&self) -> bool {
        self.fate == Fate::Kept
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A folder of this name, or of the first with a number behind it that is free: one that was killed leaves its own, and numbers of
/// processes come again.
fn new_folder(within: &Path, name: &str) -> Result<PathBuf, Failure> {
    let mut path = within.join(name);
    let mut number = 1;
    loop {
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 1_000 => {
                number += 1;
                path = within.join(format!("{name}-{number}"));
            }
            Err(error) => return Err(Failure::of_path(&path, &error)),
        }
    }
}

impl Drop for FreshFolder {
    fn drop(&mut self) {
        if self.fate == Fate::Removed
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            eprintln!("{}: could not be removed: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_one_left_is_in_nobodys_way() {
        let within = tempfile::tempdir().unwrap();
        for name in ["scrip-demo-7", "scrip-demo-7-2", "scrip-demo-7-3"] {
            assert_eq!(new_folder(within.path(), "scrip-demo-7").unwrap(), within.path().join(name));
        }
    }
}
