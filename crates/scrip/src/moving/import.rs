//! `scrip import --journal`: an empty store filled from journal files, proved before it can be served.
//!
//! One thread reads and parses, another proves and writes. Whatever ends it before its end leaves a store that says
//! that an import is under way; begun again, it goes on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use scrip_engine::import::{self, Begun, Import, ImportError, Pace};
use scrip_engine::store::StoreError;
use scrip_store_postgres::PostgresStore;
use scrip_store_sqlite::OpenMode;
use sha2::{Digest, Sha256};

use crate::args::ImportArguments;
use crate::commands::backup::Contents;
use crate::failure::Failure;
use crate::moving::source::{self, Given, Source};
use crate::place::{self, Site};
use crate::progress::Progress;

/// Lines that are handed over at a time, and how many such pieces may wait.
const PIECE: usize = 512;
const WAITING: usize = 4;

/// Imports the files. What stops it leaves the entries that came in, not served, for the same import to go on from.
pub(crate) fn run(arguments: &ImportArguments) -> Result<(), Failure> {
    let site = place::site(&arguments.place)?;
    let shown = site.shown();
    let sources = arguments.journal.iter().map(|path| Source::open(path)).collect::<Result<Vec<_>, _>>()?;
    refuse_gaps(&sources)?;
    let names: Vec<String> = sources.iter().map(|source| source.name().display().to_string()).collect();
    let names = names.join(", ");
    let mut import = match begin(&site, origin(&sources))? {
        Begun::Import(import) => import,
        Begun::Complete => {
            println!("{} was imported from {names} before: nothing to do", shown.display());
            return Ok(());
        }
    };
    take_in(import.as_mut(), sources).map_err(|failure| left(failure, &site))?;
    let reader = import.reader().map_err(|error| Failure::of_path(shown, &error))?;
    let contents = Contents::proved(&*reader, shown)?;
    import.complete().map_err(|error| Failure::of_path(shown, &error))?;
    println!("imported {} from {names}: {contents}", shown.display());
    Ok(())
}

/// Opens the store, making it where there is none.
fn begin(site: &Site<'_>, origin: [u8; 32]) -> Result<Begun, Failure> {
    let unopened = |path: &Path, error: &dyn std::fmt::Display| Failure::of_path(path, &error);
    let begun = match site {
        Site::Folder(folder) => {
            let store = place::open(folder, OpenMode::Create)?;
            import::into_owned(Box::new(store), origin, Pace::OWNED)
        }
        Site::Database(address) => {
            let store = PostgresStore::open(address).map_err(|error| unopened(site.shown(), &error))?;
            import::into_joint(Arc::new(store), origin, Pace::JOINT)
        }
    };
    begun.map_err(|error| unopened(site.shown(), &error))
}

/// Says what a failure leaves behind.
fn left(failure: Failure, site: &Site<'_>) -> Failure {
    let anew = match site {
        Site::Folder(_) => "remove the folder",
        Site::Database(_) => "begin anew with an empty database",
    };
    let shown = site.shown().display();
    let with = |message: String| {
        format!("{message}\n{shown} is not served as it is: run the same import again to go on, or {anew}")
    };
    match failure {
        Failure::No(message) => Failure::No(with(message)),
        Failure::Usage(message) => Failure::Usage(with(message)),
        Failure::Failed(message) => Failure::Failed(with(message)),
    }
}

/// The first must hold the journal from its beginning, and each further one go on where the one before it ends.
fn refuse_gaps(sources: &[Source]) -> Result<(), Failure> {
    let mut end = 0;
    for source in sources {
        let after = source.header().after;
        if after != end {
            let what = match end {
                0 => format!("it goes on after position {after}: give the export that ends there before it"),
                _ => format!("it goes on after position {after}, but the file before it ends at position {end}"),
            };
            return Err(source.wrong(&what));
        }
        end = source.header().last;
    }
    Ok(())
}

/// What tells this import from any other.
fn origin(sources: &[Source]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for source in sources {
        digest.update(source.header_line());
        digest.update("\n");
    }
    digest.finalize().into()
}

/// Gives everything in the files to the import.
fn take_in(import: &mut dyn Import, sources: Vec<Source>) -> Result<(), Failure> {
    let files = sources.iter().map(File::of).collect();
    let mut taker = Taker { import, files, file: 0, line: 1, entries: 0, last_hash: None };
    let mut progress = Progress::new("entries", sources.last().map_or(0, |source| source.header().last));
    let taken = std::thread::scope(|scope| {
        let (pieces, given) = mpsc::sync_channel(WAITING);
        scope.spawn(move || read(sources, &Pieces { pieces }));
        for piece in given {
            match piece {
                Ok(lines) => lines.into_iter().try_for_each(|line| taker.take(line))?,
                // What is wrong before it is named first.
                Err(failure) => return taker.look().and(Err(failure)),
            }
            progress.set(taker.entries);
        }
        taker.finish()
    });
    progress.finish();
    taken
}

/// What must be known of a file once it is being read.
struct File {
    name: PathBuf,
    /// The chain's value of the entry that its own go on after.
    after_hash: Option<String>,
}

impl File {
    fn of(source: &Source) -> File {
        File { name: source.name().to_owned(), after_hash: source.header().after_hash.clone() }
    }
}

/// Gives line after line to the import.
struct Taker<'a> {
    import: &'a mut dyn Import,
    files: Vec<File>,
    /// The file of the line before, and that line.
    file: usize,
    line: u64,
    entries: u64,
    /// The chain's value of the entry before.
    last_hash: Option<String>,
}

impl Taker<'_> {
    fn take(&mut self, Line { file, number, given }: Line) -> Result<(), Failure> {
        if self.file != file {
            self.import.part_begins().map_err(|error| self.refused(error))?;
            self.file = file;
            if self.files[file].after_hash != self.last_hash {
                let what = "it goes on after another entry than the file before it ends with: it is of another journal";
                return Err(source::wrong(&self.files[file].name, 1, what));
            }
        }
        self.line = number;
        match given {
            Given::Document(document) => self.import.document_given(document),
            Given::Entry(record) => {
                self.last_hash = Some(record.hash.to_string());
                self.entries += 1;
                self.import.entry_given(record).map_err(|error| self.refused(error))?;
            }
        }
        Ok(())
    }

    fn look(&mut self) -> Result<(), Failure> {
        self.import.look().map_err(|error| self.refused(error))
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.import.all_given().map_err(|error| self.refused(error))
    }

    /// Why a line was not taken in: what is wrong with it is an answer, anything else is no answer.
    fn refused(&self, error: ImportError) -> Failure {
        // Between an entry's line and the last one that was read are as many entries.
        let line = match &error {
            ImportError::Entry { later, .. } => self.line - later,
            ImportError::Short { .. }
            | ImportError::Document(_)
            | ImportError::Occupied
            | ImportError::AnotherUnderWay
            | ImportError::Overtaken
            | ImportError::Store(_) => 1,
        };
        match error {
            ImportError::Entry { .. } | ImportError::Short { .. } | ImportError::Document(_) => {
                source::wrong(&self.files[self.file].name, line, &error.to_string())
            }
            ImportError::Store(StoreError::Damaged(_)) => Failure::No(error.to_string()),
            ImportError::Occupied | ImportError::AnotherUnderWay | ImportError::Overtaken | ImportError::Store(_) => {
                Failure::Failed(error.to_string())
            }
        }
    }
}

/// A line, and where it is from.
struct Line {
    file: usize,
    number: u64,
    given: Given,
}

/// Hands lines over. That nobody takes them any more is no failure: whoever did has ended with one of its own.
struct Pieces {
    pieces: mpsc::SyncSender<Result<Vec<Line>, Failure>>,
}

/// Nobody takes lines any more.
struct Unwanted;

impl Pieces {
    fn send(&self, piece: Result<Vec<Line>, Failure>) -> Result<(), Unwanted> {
        self.pieces.send(piece).map_err(|_| Unwanted)
    }
}

/// Reads the files to their ends, in pieces; a failure comes after all that was read before it.
fn read(sources: Vec<Source>, pieces: &Pieces) -> Result<(), Unwanted> {
    let mut piece = Vec::with_capacity(PIECE);
    for (file, mut source) in sources.into_iter().enumerate() {
        loop {
            match source.next() {
                Ok(Some(given)) => piece.push(Line { file, number: source.line(), given }),
                Ok(None) => break,
                Err(failure) => {
                    pieces.send(Ok(piece))?;
                    return pieces.send(Err(failure));
                }
            }
            if piece.len() == PIECE {
                pieces.send(Ok(std::mem::replace(&mut piece, Vec::with_capacity(PIECE))))?;
            }
        }
    }
    pieces.send(Ok(piece))
}
