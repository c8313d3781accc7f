//! `scrip export journal`: everything that a store holds of a scrip, at one snapshot.

use std::path::Path;

use scrip_core::journal;
use scrip_engine::store::{Reader, Row, StoreError};
use sha2::{Digest, Sha256};

use crate::export::output::{Output, Stop};
use crate::export::unreadable;
use crate::failure::Failure;
use crate::moving::form::{self, Closing, End, FORMAT, Header};
use crate::progress::{Progress, grouped};

/// Entries read at a time.
const PAGE: usize = 1_024;

/// Writes the journal of the store in `folder`, whole or after a position.
pub(crate) fn run(reader: &dyn Reader, folder: &Path, after: Option<u64>, output: Output) -> Result<(), Stop> {
    let unreadable = |error: StoreError| unreadable(folder, &error);
    let (after, last) = (after.unwrap_or(0), reader.extent().map_err(unreadable)?.last);
    if after > last {
        let message = format!("there is no position {after} to go on from: the journal ends at position {last}");
        return Err(Failure::No(message).into());
    }
    let after_hash = hash_at(reader, after).map_err(unreadable)?;
    let last_hash = hash_at(reader, last).map_err(unreadable)?;
    let documents = reader.documents().map_err(unreadable)?;
    let documents: Vec<String> = documents.iter().filter_map(form::document_line).collect();
    let count = u64::try_from(documents.len()).expect("a length fits 64 bits");
    let mut digest = Sha256::new();
    documents.iter().for_each(|line| digest.update(format!("{line}\n")));
    let header = Header {
        scrip_journal: FORMAT,
        scrip: env!("CARGO_PKG_VERSION").to_owned(),
        after,
        after_hash,
        last,
        last_hash,
        documents: count,
        documents_sha256: form::hex(&digest.finalize()),
    };

    let mut writer = Writer { output, digest: Sha256::new(), lines: 0 };
    writer.line(form::guarded(&header))?;
    for line in documents {
        writer.line(line)?;
    }
    let mut progress = Progress::new("entries", last - after);
    let mut position = after;
    while position < last {
        let page = reader.rows_from(position + 1, PAGE).map_err(unreadable)?;
        if page.is_empty() {
            return Err(unreadable(missing(position + 1)).into());
        }
        for row in page {
            position += 1;
            writer.line(line_of(position, &row).map_err(unreadable)?)?;
        }
        progress.set(position - after);
    }
    progress.finish();
    writer.close(last - after)?;
    eprintln!("{} entries written; the journal's last position was {last}", grouped(last - after));
    Ok(())
}

/// The chain's value of the entry at a position; none before the first.
fn hash_at(reader: &dyn Reader, position: u64) -> Result<Option<String>, StoreError> {
    if position == 0 {
        return Ok(None);
    }
    let row = reader.row(position)?.ok_or_else(|| missing(position))?;
    Ok(Some(row.record.hash.to_string()))
}

fn missing(position: u64) -> StoreError {
    StoreError::Damaged(format!("the entry at position {position} is missing"))
}

/// The line of the entry that belongs at `position`. What is not an entry is not written out for others to find.
fn line_of(position: u64, row: &Row) -> Result<String, StoreError> {
    if row.position != position {
        return Err(missing(position));
    }
    journal::decode(&row.record).map_err(|damaged| StoreError::Damaged(damaged.to_string()))?;
    form::entry_line(position, &row.record).map_err(StoreError::Damaged)
}

/// Writes lines, and what the last line says of them.
struct Writer {
    output: Output,
    digest: Sha256,
    lines: u64,
}

impl Writer {
    fn line(&mut self, mut line: String) -> Result<(), Stop> {
        line.push('\n');
        self.digest.update(line.as_bytes());
        self.lines += 1;
        self.output.raw(&line)
    }

    fn close(mut self, entries: u64) -> Result<(), Stop> {
        let sha256 = form::hex(&std::mem::take(&mut self.digest).finalize());
        let end = End { lines: self.lines, entries, sha256 };
        self.line(form::guarded(&Closing { end }))?;
        self.output.finish().map(|_| ())
    }
}
