//! Reading a journal file: line by line in bounded memory, each line proved to be what was written and where it
//! belongs, as far as a line can tell.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use scrip_core::journal::Record;
use scrip_engine::store::Document;
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::moving::form::{self, Closing, End, FORMAT, Header};

/// Bytes read at a time.
const BUFFER: usize = 256 * 1_024;
/// The longest line that is read: a catalog's document may be long.
const LINE_MAX: u64 = 64 * 1_024 * 1_024;
/// Where the last line of a whole file begins, at the earliest, from its end.
const CLOSING_MAX: u64 = 512;

/// How an entry's line begins.
const ENTRY: &str = "{\"position\":";

/// A journal file, from its first line on.
pub(crate) struct Source {
    name: PathBuf,
    input: Box<dyn BufRead + Send>,
    header: Header,
    header_line: String,
    /// The line that was read last.
    text: String,
    /// Its number, from 1.
    line: u64,
    /// Of all lines before the last.
    digest: Sha256,
    documents: u64,
    /// Of their lines.
    documents_digest: Sha256,
    /// The last entry's position.
    position: u64,
}

/// What a line gives.
pub(crate) enum Given {
    /// A document.
    Document(Document),
    /// An entry.
    Entry(Record),
}

impl Source {
    /// Opens a file, or standard input for `-`, and reads its first line; a file that is cut short is refused at once.
    pub(crate) fn open(path: &Path) -> Result<Source, Failure> {
        let unread = |error: io::Error| Failure::of_path(path, &error);
        let (name, input): (_, Box<dyn BufRead + Send>) = if path == Path::new("-") {
            (PathBuf::from("standard input"), Box::new(BufReader::with_capacity(BUFFER, io::stdin())))
        } else {
            let mut file = File::open(path).map_err(unread)?;
            if file.metadata().map_err(unread)?.is_file() {
                refuse_cut(path, &mut file)?;
            }
            (path.to_owned(), Box::new(BufReader::with_capacity(BUFFER, file)))
        };
        let mut source = Source {
            name,
            input,
            header: Header::default(),
            header_line: String::new(),
            text: String::new(),
            line: 0,
            digest: Sha256::new(),
            documents: 0,
            documents_digest: Sha256::new(),
            position: 0,
        };
        source.read_header()?;
        Ok(source)
    }

    /// Its name, for people.
    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// What it holds.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Its first line.
    pub(crate) fn header_line(&self) -> &str {
        &self.header_line
    }

    /// The number of the line that was read last.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// What the next line gives; none after the last, which says that all was there.
    pub(crate) fn next(&mut self) -> Result<Option<Given>, Failure> {
        let before = self.digest.clone();
        self.read_line()?;
        if self.documents < self.header.documents {
            self.documents += 1;
            if self.text.starts_with(ENTRY) {
                return Err(self.wrong("an entry stands where a document belongs: lines are missing or out of order"));
            }
            let document = form::read_document(&self.text).map_err(|what| self.wrong(&what))?;
            self.documents_digest.update(&self.text);
            self.documents_digest.update("\n");
            self.hold_documents()?;
            return Ok(Some(Given::Document(document)));
        }
        if self.position < self.header.last {
            let (position, record) = form::read_entry(&self.text).map_err(|what| self.wrong(&what))?;
            let expected = self.position + 1;
            if position != expected {
                let what = format!(
                    "the entry at position {position} stands where that at {expected} belongs: lines are missing, \
                     doubled or out of order"
                );
                return Err(self.wrong(&what));
            }
            if position == self.header.last && self.header.last_hash.as_ref() != Some(&record.hash.to_string()) {
                return Err(self.wrong("the last entry is not the one that the first line tells of"));
            }
            self.position = position;
            return Ok(Some(Given::Entry(record)));
        }
        self.close(before)?;
        Ok(None)
    }

    fn read_header(&mut self) -> Result<(), Failure> {
        self.read_line()?;
        let text = self.text.as_str();
        if text.starts_with('\u{feff}') {
            return Err(
                self.wrong("it begins with a byte-order mark: take the file as `scrip export journal` wrote it")
            );
        }
        let version = text.strip_prefix("{\"scrip_journal\":").and_then(|rest| rest.split([',', '}']).next());
        let Some(version) = version.and_then(|version| version.parse::<u32>().ok()) else {
            return Err(self.wrong("it is no journal: `scrip export journal` writes them"));
        };
        if version > FORMAT {
            return Err(self.wrong(&format!(
                "a newer scrip wrote it (form {version}; this one knows form {FORMAT}): use that version, or a newer one"
            )));
        }
        self.header = form::read_guarded(text).map_err(|what| self.wrong(&what))?;
        self.header_line.clone_from(&self.text);
        let Header { after, after_hash, last, last_hash, .. } = &self.header;
        if after > last || (*after == 0) != after_hash.is_none() || (*last == 0) != last_hash.is_none() {
            return Err(self.wrong("what it says of itself cannot be"));
        }
        self.position = self.header.after;
        self.hold_documents()
    }

    /// Holds the documents against what the first line says of them, after the last.
    fn hold_documents(&self) -> Result<(), Failure> {
        if self.documents < self.header.documents
            || form::hex(&self.documents_digest.clone().finalize()) == self.header.documents_sha256
        {
            return Ok(());
        }
        Err(self.wrong("the documents up to here are not those that the first line tells of"))
    }

    /// Holds the last line against what was read.
    fn close(&mut self, before: Sha256) -> Result<(), Failure> {
        if self.text.starts_with(ENTRY) {
            return Err(self.wrong("an entry follows after the last one: lines are doubled, or from another file"));
        }
        let Closing { end } = form::read_guarded(&self.text).map_err(|what| self.wrong(&what))?;
        let entries = self.header.last - self.header.after;
        let read = End { lines: self.line - 1, entries, sha256: form::hex(&before.finalize()) };
        if end != read {
            return Err(self.wrong("what it says of the lines before it is not so: texts were taken out, or lines of several files are mixed"));
        }
        let mut more = [0];
        match self.input.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.wrong("something follows after it, the last line")),
            Err(error) => Err(Failure::of_path(&self.name, &error)),
        }
    }

    /// Reads the next line, without its line break.
    fn read_line(&mut self) -> Result<(), Failure> {
        self.line += 1;
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        bytes.clear();
        let read = (&mut self.input).take(LINE_MAX).read_until(b'\n', &mut bytes);
        read.map_err(|error| Failure::of_path(&self.name, &error))?;
        self.digest.update(&bytes);
        match bytes.pop() {
            Some(b'\n') => {}
            Some(_) if u64::try_from(bytes.len()).expect("a length fits 64 bits") + 1 >= LINE_MAX => {
                return Err(self.wrong("it is too long for a line of a journal"));
            }
            Some(_) => return Err(self.wrong("it is cut off in the middle: take the whole file")),
            None if self.line == 1 => return Err(self.wrong("the file is empty")),
            None => {
                return Err(self.wrong("lines are missing from here on: the file is cut short; take the whole file"));
            }
        }
        if bytes.last() == Some(&b'\r') {
            return Err(self.wrong("it ends with CR LF: take the file as `scrip export journal` wrote it"));
        }
        self.text = String::from_utf8(bytes).map_err(|_| self.wrong("it is not UTF-8: it was changed"))?;
        Ok(())
    }

    /// The line that was read last is not what it should be.
    pub(crate) fn wrong(&self, what: &str) -> Failure {
        wrong(&self.name, self.line, what)
    }
}

/// A line that is not what it should be, in the form that editors turn into a link.
pub(crate) fn wrong(name: &Path, line: u64, what: &str) -> Failure {
    Failure::No(format!("{}:{line}: {what}", name.display()))
}

/// Refuses a file that does not end with the last line of a journal, before anything is done with it. What is no journal
/// at all is for its first line to say.
fn refuse_cut(path: &Path, file: &mut File) -> Result<(), Failure> {
    let unread = |error: io::Error| Failure::of_path(path, &error);
    let mut begin = Vec::new();
    file.take(16).read_to_end(&mut begin).map_err(unread)?;
    let length = file.seek(SeekFrom::End(0)).map_err(unread)?;
    file.seek(SeekFrom::Start(length.saturating_sub(CLOSING_MAX))).map_err(unread)?;
    let mut end = Vec::new();
    file.take(CLOSING_MAX).read_to_end(&mut end).map_err(unread)?;
    file.rewind().map_err(unread)?;
    let closing = end.strip_suffix(b"\n").map(|end| end.rsplit(|byte| *byte == b'\n').next().unwrap_or(end));
    if begin.starts_with(b"{\"scrip_journal\"") && !closing.is_some_and(|line| line.starts_with(b"{\"end\":")) {
        let what = "it does not end as a journal does: it is cut short, or something was added; take the whole file";
        return Err(Failure::No(format!("{}: {what}", path.display())));
    }
    Ok(())
}
