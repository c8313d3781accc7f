//! What the first hundred bytes of a database say about it: read without SQLite, changing nothing.
//!
//! Apart, because a store and a backup are both told by them, before anything is opened.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::schema::{APPLICATION_ID, VERSION};

/// Where the header says how the file is written: 1 with a rollback journal, 2 with a write-ahead log; twice, for
/// writing and for reading.
pub(crate) const FORM: u64 = 18;

/// The header of a file; shorter than 100 bytes where the file is.
#[derive(Debug)]
pub(crate) struct Header(Vec<u8>);

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Empty.
    Nobodys,
    /// Of a scrip, in a form that is known here.
    Ours,
    /// Of a newer scrip.
    Newer {
        /// Its version of the tables.
        found: i32,
    },
    /// Not SQLite's.
    NoDatabase,
    /// SQLite's, but no scrip's.
    AnotherPrograms,
}

impl Whose {
    /// Whose a database with these numbers is.
    pub(crate) fn of(application: i32, version: i32) -> Whose {
        match application {
            APPLICATION_ID if version > VERSION => Whose::Newer { found: version },
            APPLICATION_ID => Whose::Ours,
            _ => Whose::AnotherPrograms,
        }
    }
}

/// Reads a file's header.
pub(crate) fn read(file: &Path) -> io::Result<Header> {
    let mut header = Vec::with_capacity(100);
    File::open(file)?.take(100).read_to_end(&mut header)?;
    Ok(Header(header))
}

impl Header {
    /// Whose it is.
    pub(crate) fn whose(&self) -> Whose {
        if self.0.is_empty() {
            return Whose::Nobodys;
        }
        if !self.0.starts_with(b"SQLite format 3\0") {
            return Whose::NoDatabase;
        }
        match (self.number(68), self.number(60)) {
            (Some(application), Some(version)) => Whose::of(application, version),
            _ => Whose::AnotherPrograms,
        }
    }

    /// Bytes that the whole file has, if it is complete.
    pub(crate) fn length(&self) -> Option<u64> {
        let pages = u64::try_from(self.number(28)?).ok()?;
        // The largest page does not fit its two bytes and is written as 1.
        let size = match u16::from_be_bytes(self.bytes(16)?) {
            1 => 65_536,
            size => u64::from(size),
        };
        Some(pages * size)
    }

    /// Whether a write-ahead log belongs to it, so that the file alone may lack what was written last.
    pub(crate) fn has_log(&self) -> bool {
        self.bytes(18).is_some_and(|form: [u8; 2]| form != [1, 1])
    }

    fn number(&self, place: usize) -> Option<i32> {
        self.bytes(place).map(i32::from_be_bytes)
    }

    fn bytes<const N: usize>(&self, place: usize) -> Option<[u8; N]> {
        self.0.get(place..place + N)?.try_into().ok()
    }
}
